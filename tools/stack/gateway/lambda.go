package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// lambdaPrefix is the API version with which the paths of Lambda's oldest operations begin.
const lambdaPrefix = "/2015-03-31/"

// maxInvokeBytes is the largest payload that Lambda takes in a synchronous call (Lambda Developer
// Guide, quotas).
const maxInvokeBytes = 6 << 20

// serveLambda serves what the system needs of Lambda's REST protocol: Invoke and ListFunctions.
func (g *gateway) serveLambda(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", g.nextRequestID())
	path := strings.TrimPrefix(r.URL.Path, lambdaPrefix)
	function, isFunction := strings.CutPrefix(path, "functions/")
	name, isInvocation := strings.CutSuffix(function, "/invocations")
	var err error
	switch {
	case isFunction && isInvocation && r.Method == http.MethodPost:
		err = g.invoke(w, r, name)
	case strings.TrimSuffix(path, "/") == "functions" && r.Method == http.MethodGet:
		err = g.listFunctions(w, r)
	default:
		err = &smithy.GenericAPIError{
			Code: unknownOperationCode, Message: unknownOperationMessage(lambdaService, r.Method+" "+r.URL.Path), Fault: smithy.FaultClient,
		}
	}
	if err != nil {
		writeLambdaError(w, err)
	}
}

func (g *gateway) invoke(w http.ResponseWriter, r *http.Request, name string) error {
	payload, tooLarge, err := readBody(r, maxInvokeBytes)
	if tooLarge {
		return &types.RequestTooLargeException{
			Message: aws.String(fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxInvokeBytes)),
		}
	}
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	input := &lambda.InvokeInput{
		FunctionName:   aws.String(name),
		InvocationType: types.InvocationType(r.Header.Get("X-Amz-Invocation-Type")),
		LogType:        types.LogType(r.Header.Get("X-Amz-Log-Type")),
		ClientContext:  optional(r.Header.Get("X-Amz-Client-Context")),
		Qualifier:      optional(r.URL.Query().Get("Qualifier")),
		Payload:        payload,
	}
	output, err := do[*lambda.InvokeOutput](r.Context(), g.backend, lambdaService, "Invoke", input)
	if err != nil {
		return err
	}
	if output.StatusCode == 0 {
		return fmt.Errorf("the invocation of %s answered without a status", name)
	}
	setOptional(w.Header(), "X-Amz-Function-Error", output.FunctionError)
	setOptional(w.Header(), "X-Amz-Log-Result", output.LogResult)
	setOptional(w.Header(), "X-Amz-Executed-Version", output.ExecutedVersion)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(output.StatusCode))
	w.Write(output.Payload)
	return nil
}

func (g *gateway) listFunctions(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	input := &lambda.ListFunctionsInput{
		Marker:          optional(query.Get("Marker")),
		MasterRegion:    optional(query.Get("MasterRegion")),
		FunctionVersion: types.FunctionVersion(query.Get("FunctionVersion")),
	}
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return &types.InvalidParameterValueException{Message: aws.String("MaxItems is not a number: " + text)}
		}
		input.MaxItems = aws.Int32(int32(n))
	}
	output, err := do[*lambda.ListFunctionsOutput](r.Context(), g.backend, lambdaService, "ListFunctions", input)
	if err != nil {
		return err
	}
	body, err := g.codec.Encode(output)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
	return nil
}

// writeLambdaError sends an error with the status that Lambda's API model gives it.
func writeLambdaError(w http.ResponseWriter, err error) {
	status, code, kind, message := http.StatusInternalServerError, "ServiceException", "Service", err.Error()
	var api smithy.APIError
	if errors.As(err, &api) {
		code, message = api.ErrorCode(), api.ErrorMessage()
		if api.ErrorFault() != smithy.FaultServer {
			status, kind = http.StatusBadRequest, "User"
		}
		if entry, known := lambda.TypeRegistry.LookupEntry(reflect.Indirect(reflect.ValueOf(api)).Type().Name()); known {
			if trait, has := smithy.SchemaTrait[*traits.HTTPError](entry.Schema); has {
				status = trait.Code
			}
		}
	}
	// Lambda's API model names this member "Message" in some errors and "message" in others.
	body, _ := json.Marshal(map[string]string{"Type": kind, "Message": message, "message": message}) // strings always marshal
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	w.Write(body)
}

func messageBody(member, message string) []byte {
	body, _ := json.Marshal(map[string]string{member: message}) // strings always marshal
	return body
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func setOptional(h http.Header, name string, value *string) {
	if value != nil {
		h.Set(name, *value)
	}
}
