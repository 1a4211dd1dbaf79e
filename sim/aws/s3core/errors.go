package s3core

import (
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Codes of errors without a type in the SDK. The HTTP status of each is in the S3 API Reference,
// ErrorResponses.
const (
	codeBadDigest          = "BadDigest"
	codeBucketNotEmpty     = "BucketNotEmpty"
	codeEntityTooSmall     = "EntityTooSmall"
	codeIncompleteBody     = "IncompleteBody"
	codeInvalidArgument    = "InvalidArgument"
	codeInvalidBucketName  = "InvalidBucketName"
	codeInvalidPart        = "InvalidPart"
	codeInvalidPartOrder   = "InvalidPartOrder"
	codeInvalidRange       = "InvalidRange"
	codeInvalidRequest     = "InvalidRequest"
	codeKeyTooLong         = "KeyTooLongError"
	codeMalformedXML       = "MalformedXML"
	codeNotImplemented     = "NotImplemented"
	codeNotModified        = "NotModified"
	codePreconditionFailed = "PreconditionFailed"
)

func generic(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

func noBucket() error {
	return &types.NoSuchBucket{Message: aws.String("The specified bucket does not exist")}
}

func noKey() error { return &types.NoSuchKey{Message: aws.String("The specified key does not exist.")} }

func noUpload() error {
	return &types.NoSuchUpload{Message: aws.String("The specified upload does not exist. " +
		"The upload ID may be invalid, or the upload may have been aborted or completed.")}
}

func preconditionFailed(header string) error {
	return generic(codePreconditionFailed, "At least one of the pre-conditions you specified did not hold (%s)", header)
}

func refused(format string, args ...any) error {
	return generic(codeNotImplemented, "s3core does not implement "+format, args...)
}

// only refuses an input that sets a field other than those named, because the core must not ignore
// what a caller asks for.
func only(input any, fields ...string) error {
	v := reflect.ValueOf(input).Elem()
	known := make(map[string]bool, len(fields))
	for _, name := range fields {
		known[name] = true
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.IsExported() && !known[field.Name] && !v.Field(i).IsZero() {
			return refused("the parameter %s of %s", field.Name, v.Type())
		}
	}
	return nil
}
