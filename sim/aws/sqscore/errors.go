package sqscore

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// legacyCodes maps the shape of an error in the JSON protocol to the code of the query protocol
// before it. SQS sends both, and SDKs surface the legacy one (trait awsQueryError of the SQS API
// model). Other shapes have the same name in both.
var legacyCodes = map[string]string{
	"BatchEntryIdsNotDistinct":          "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"BatchRequestTooLong":               "AWS.SimpleQueueService.BatchRequestTooLong",
	"EmptyBatchRequest":                 "AWS.SimpleQueueService.EmptyBatchRequest",
	"InvalidBatchEntryId":               "AWS.SimpleQueueService.InvalidBatchEntryId",
	"InvalidParameterValueException":    "InvalidParameterValue",
	"MessageNotInflight":                "AWS.SimpleQueueService.MessageNotInflight",
	"MissingRequiredParameterException": "MissingParameter",
	"PurgeQueueInProgress":              "AWS.SimpleQueueService.PurgeQueueInProgress",
	"QueueDeletedRecently":              "AWS.SimpleQueueService.QueueDeletedRecently",
	"QueueDoesNotExist":                 "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":                   "QueueAlreadyExists",
	"TooManyEntriesInBatchRequest":      "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"UnsupportedOperation":              "AWS.SimpleQueueService.UnsupportedOperation",
}

// WireNames returns the two names of an error of this core: the shape that the JSON protocol
// carries in __type, and the legacy code that it carries in the header x-amzn-query-error. ok is
// false if err is no API error.
func WireNames(err error) (shape, legacyCode string, ok bool) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "", "", false
	}
	legacyCode = api.ErrorCode()
	//determinism:ok codes are distinct, so at most one matches
	for shape, code := range legacyCodes {
		if code == legacyCode {
			return shape, legacyCode, true
		}
	}
	return legacyCode, legacyCode, true
}

func legacy(shape string) *string { return aws.String(legacyCodes[shape]) }

func generic(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

func invalid(format string, args ...any) error {
	return generic("InvalidParameterValue", format, args...)
}

func invalidValue(value any, parameter, reason string) error {
	return invalid("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func missing(parameter string) error {
	return generic("MissingParameter", "The request must contain the parameter %s.", parameter)
}

// refused is the answer to a parameter that AWS knows and this core does not.
func refused(parameter string) error {
	return &types.UnsupportedOperation{
		Message:           aws.String("sqscore does not implement " + parameter),
		ErrorCodeOverride: legacy("UnsupportedOperation"),
	}
}

func noQueue() error {
	return &types.QueueDoesNotExist{
		Message:           aws.String("The specified queue does not exist."),
		ErrorCodeOverride: legacy("QueueDoesNotExist"),
	}
}

func badHandle(handle string) error {
	return &types.ReceiptHandleIsInvalid{
		Message: aws.String(fmt.Sprintf("The input receipt handle %q is not a valid receipt handle.", handle)),
	}
}

func expiredHandle(handle string) error {
	return invalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
}

func notInFlight(handle string) error {
	return invalidValue(handle, "ReceiptHandle",
		"Message does not exist or is not available for visibility timeout change.")
}
