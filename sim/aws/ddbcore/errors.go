package ddbcore

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// invalid is a ValidationException before dressed makes it public: the same mistake has different
// texts in different operations.
type invalid struct {
	message string
	// enveloped marks the texts that PutItem, UpdateItem and DeleteItem wrap in "1 validation error
	// detected: ".
	enveloped bool
	// ofItem marks a mistake in one item's content: inside a transaction it cancels the transaction
	// with the reason ValidationError instead of failing the call.
	ofItem bool
}

func (e *invalid) Error() string { return e.message }

func invalidf(format string, args ...any) error {
	return &invalid{message: fmt.Sprintf(format, args...)}
}

func envelopedf(format string, args ...any) error {
	return &invalid{message: fmt.Sprintf(format, args...), enveloped: true}
}

func itemInvalidf(format string, args ...any) error {
	return &invalid{message: fmt.Sprintf(format, args...), ofItem: true}
}

const envelope = "1 validation error detected: "

// dressed turns an internal error into the one that a client of AWS sees; wraps says whether the
// operation uses the envelope.
func dressed(err error, wraps bool) error {
	var bad *invalid
	if !errors.As(err, &bad) {
		return err
	}
	message := bad.message
	if wraps && bad.enveloped {
		message = envelope + message
	}
	return &smithy.GenericAPIError{Code: "ValidationException", Message: message, Fault: smithy.FaultClient}
}

// unsupported refuses a parameter that AWS knows and this core does not.
func unsupported(operation, parameter string) error {
	return invalidf("ddbcore does not support %s in %s", parameter, operation)
}

// badMember refuses a member that breaks a constraint of the API model.
func badMember(value, member, constraint string) error {
	return invalidf("%sValue '%s' at '%s' failed to satisfy constraint: %s", envelope, value, member, constraint)
}

func badEnum(value, member, allowed string) error {
	return badMember(value, member, "Member must satisfy enum value set: ["+allowed+"]")
}

func nullMember(member string) error {
	return invalidf("%sValue null at '%s' failed to satisfy constraint: Member must not be null", envelope, member)
}

func noSuchTable() error {
	return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found")}
}

func noSuchTableNamed(name string) error {
	return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: Table: " + name + " not found")}
}

func conditionFailed(old item) error {
	return &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed"), Item: old}
}
