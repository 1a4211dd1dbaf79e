package awsx

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Result is how a remote write ended. Unknown must not be treated as Refused: the write may have
// been applied although its answer was lost.
type Result int

// The three results of a remote write.
const (
	Unknown Result = iota
	Applied
	Refused
)

// String is the result's name in logs.
func (r Result) String() string { return [...]string{"unknown", "applied", "refused"}[r] }

// Classify tells how a DynamoDB write that returned err ended. Refused means that a condition was
// false. Unknown is any error that does not prove that the write had no effect: a lost answer, a
// server error, a cancelled context. Other errors (validation, missing tables, throttling) prove
// that nothing was written but say nothing of the row: they are Unknown too, because the caller
// must look again.
func Classify(err error) Result {
	if err == nil {
		return Applied
	}
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return Refused
	}
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return classifyReasons(cancelled.CancellationReasons)
	}
	return Unknown
}

// classifyReasons returns Refused only if the transaction was cancelled for false conditions alone:
// a conflict with another transaction says nothing of the row.
func classifyReasons(reasons []types.CancellationReason) Result {
	refused := false
	for _, reason := range reasons {
		switch code := deref(reason.Code); code {
		case "ConditionalCheckFailed":
			refused = true
		case "", "None":
		default:
			return Unknown
		}
	}
	if refused {
		return Refused
	}
	return Unknown
}

// Lasting says whether the same request would fail again within seconds, because what it names is
// missing, or because it is wrong or not allowed. It may still be right in an hour: people bring
// back a table, and a permission that a deployment forgot.
func Lasting(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ValidationException", "AccessDeniedException", "ResourceNotFoundException", "SerializationException":
		return true
	}
	return false
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
