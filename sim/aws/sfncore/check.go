package sfncore

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
)

const (
	maxErrorChars = 256
	maxCauseChars = 32_768
	maxPage       = 1000
	defaultPage   = 100
)

// validName checks the name of a state machine or an execution (API Reference, StartExecution).
func validName(name string) error {
	forbidden := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", r)
	}
	if n := utf8.RuneCountInString(name); n < 1 || n > 80 || strings.ContainsFunc(name, forbidden) || !utf8.ValidString(name) {
		return &types.InvalidName{Message: text("Invalid Name: '" + name + "'")}
	}
	return nil
}

// validARN checks that arn is one of Step Functions and of the given kind of resource.
func validARN(arn *string, kind string) error {
	parts := strings.Split(aws.ToString(arn), ":")
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "states" {
		return &types.InvalidArn{Message: text("Invalid Arn: 'Invalid ARN prefix: " + aws.ToString(arn) + "'")}
	}
	if parts[5] != kind {
		return &types.InvalidArn{Message: text("Invalid Arn: 'Resource type not valid in this context: " + parts[5] + "'")}
	}
	return nil
}

func validFailure(name, cause *string) error {
	if utf8.RuneCountInString(aws.ToString(name)) > maxErrorChars {
		return tooLong("error", maxErrorChars)
	}
	if utf8.RuneCountInString(aws.ToString(cause)) > maxCauseChars {
		return tooLong("cause", maxCauseChars)
	}
	return nil
}

func tooLong(field string, limit int) error {
	return invalid(fmt.Sprintf("1 validation error detected: Value at '%s' failed to satisfy constraint: "+
		"Member must have length less than or equal to %d", field, limit))
}

func required(field string) error {
	return invalid(fmt.Sprintf("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must not be null", field))
}

func refused(what string) error { return invalid("sfncore does not support " + what) }

func invalid(message string) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: message, Fault: smithy.FaultClient}
}

// page returns the part [from, to) of n items that a list operation answers with, and the token of
// the next part.
func page(token *string, maxResults int32, n int) (from, to int, next *string, err error) {
	size := int(maxResults)
	if size == 0 {
		size = defaultPage
	}
	if size < 0 || size > maxPage {
		return 0, 0, nil, invalid(fmt.Sprintf("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: "+
			"Member must have value less than or equal to %d", size, maxPage))
	}
	if token != nil {
		if from, err = strconv.Atoi(*token); err != nil || from < 0 || from > n {
			return 0, 0, nil, &types.InvalidToken{Message: text("Invalid Token: 'Invalid token'")}
		}
	}
	to = min(from+size, n)
	if to < n {
		next = text(strconv.Itoa(to))
	}
	return from, to, next, nil
}

func copyText(s *string) *string {
	if s == nil {
		return nil
	}
	return text(*s)
}

func sortTokens(open []OpenToken) {
	slices.SortFunc(open, func(a, b OpenToken) int {
		return cmp.Or(cmp.Compare(a.ExecutionArn, b.ExecutionArn), cmp.Compare(a.State, b.State), cmp.Compare(a.Token, b.Token))
	})
}
