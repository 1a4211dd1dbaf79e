package gateway

import (
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"

	"github.com/webordinary/hephaestus/sim/aws/wire"
)

// maxJSONBytes bounds a request in the JSON protocols: DynamoDB's own limit, the largest of the
// three services'.
const maxJSONBytes = 16 << 20

// jsonServices maps the first part of X-Amz-Target to the service.
var jsonServices = map[string]string{
	"DynamoDB_20120810": wire.DynamoDB,
	"AmazonSQS":         wire.SQS,
	"AWSStepFunctions":  wire.States,
}

func (g *gateway) serveJSON(w http.ResponseWriter, r *http.Request) {
	id := g.nextRequestID()
	target, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	service, known := jsonServices[target]
	if !known {
		writeJSONError(w, id, unknownOperation(target, operation))
		return
	}
	body, err := g.callJSON(r, service, operation)
	if err != nil {
		writeJSONError(w, id, g.describe(service, err))
		return
	}
	writeJSON(w, service, id, http.StatusOK, body)
}

func (g *gateway) callJSON(r *http.Request, service, operation string) ([]byte, error) {
	input, known := g.codec.OperationInput(service, operation)
	if !known {
		return nil, &smithy.GenericAPIError{
			Code: unknownOperationCode, Message: unknownOperationMessage(service, operation), Fault: smithy.FaultClient,
		}
	}
	request, tooLarge, err := readBody(r, maxJSONBytes)
	if tooLarge {
		return nil, &smithy.GenericAPIError{
			Code: "RequestEntityTooLargeException", Fault: smithy.FaultClient,
			Message: fmt.Sprintf("The request is larger than %d bytes", maxJSONBytes),
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if err := g.codec.Decode(request, input); err != nil {
		return nil, err
	}
	output, err := g.backend.Do(r.Context(), service, operation, input)
	if err != nil {
		return nil, err
	}
	return g.codec.Encode(output)
}

func writeJSON(w http.ResponseWriter, service, requestID string, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{"application/x-amz-json-1.0"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["X-Amzn-Requestid"] = []string{requestID}
	if service == wire.DynamoDB {
		h["X-Amz-Crc32"] = []string{strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)}
	}
	w.WriteHeader(status)
	w.Write(body)
}

// failure is an error in the form of the JSON protocols.
type failure struct {
	service    string
	status     int
	namespace  string
	shape      string
	legacyCode string // SQS only: the code of the query protocol
	body       []byte // the members besides __type
}

const unknownOperationCode = "UnknownOperationException"

func unknownOperationMessage(service, operation string) string {
	return fmt.Sprintf("The local stack's %s has no operation %q", service, operation)
}

func unknownOperation(service, operation string) failure {
	return failure{
		service: service, status: http.StatusBadRequest, namespace: coralService, shape: unknownOperationCode,
		body: messageBody("message", unknownOperationMessage(service, operation)),
	}
}

// Namespaces of errors, which clients ignore but people see. An error of a service's model has the
// service's own (modelNamespaces), any other that of the framework under all services.
const (
	coralService  = "com.amazon.coral.service"
	coralValidate = "com.amazon.coral.validate"
)

var modelNamespaces = map[string]string{
	wire.DynamoDB: "com.amazonaws.dynamodb.v20120810",
	wire.SQS:      "com.amazonaws.sqs",
	wire.States:   "com.amazonaws.swf.service.v2.model",
}

// internalErrors are the services' names for an internal error.
var internalErrors = map[string]string{
	wire.DynamoDB: "InternalServerError", wire.SQS: "InternalFailure", wire.States: "InternalFailure",
}

// describe turns a Backend's error into what the service sends.
func (g *gateway) describe(service string, err error) failure {
	f := failure{service: service, status: http.StatusBadRequest, namespace: modelNamespaces[service]}
	var api smithy.APIError
	if !errors.As(err, &api) {
		f.status, f.shape = http.StatusInternalServerError, internalErrors[service]
		f.body = messageBody("message", err.Error())
		return f
	}
	if api.ErrorFault() == smithy.FaultServer {
		f.status = http.StatusInternalServerError
	}
	if generic, isGeneric := api.(*smithy.GenericAPIError); isGeneric {
		f.describeGeneric(generic)
		return f
	}
	f.shape = reflect.Indirect(reflect.ValueOf(api)).Type().Name()
	if service == wire.SQS {
		f.legacyCode = legacyCode(f.shape)
	}
	var encodeErr error
	if f.body, encodeErr = g.codec.Encode(api); encodeErr != nil {
		f.body = messageBody("message", api.ErrorMessage())
	}
	return f
}

// sqsShapes are the shapes of SQS's errors that are not part of its model, by the code that SDKs
// show.
var sqsShapes = map[string]string{
	"InvalidParameterValue": "InvalidParameterValueException",
	"MissingParameter":      "MissingRequiredParameterException",
	"AccessDenied":          "AccessDeniedException",
}

func (f *failure) describeGeneric(err *smithy.GenericAPIError) {
	member := "message"
	f.shape = err.Code
	switch {
	case err.Code == "ValidationException":
		f.namespace = coralValidate
	case err.Code == "SerializationException":
		f.namespace, member = coralService, "Message"
	case f.service == wire.SQS || err.Code == unknownOperationCode:
		f.namespace = coralService
	}
	if f.service == wire.SQS {
		f.legacyCode = err.Code
		if shape, known := sqsShapes[err.Code]; known {
			f.shape = shape
		}
	}
	f.body = messageBody(member, err.Message)
}

// legacyCode is the name that an error of SQS's model had in the query protocol, which SDKs still
// show.
func legacyCode(shape string) string {
	if entry, known := sqs.TypeRegistry.LookupEntry(shape); known {
		if trait, has := smithy.SchemaTrait[*traits.AWSQueryError](entry.Schema); has {
			return trait.ErrorCode
		}
	}
	return shape
}

func writeJSONError(w http.ResponseWriter, requestID string, f failure) {
	if f.legacyCode != "" {
		fault := "Sender"
		if f.status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		w.Header().Set("X-Amzn-Query-Error", f.legacyCode+";"+fault)
	}
	body := []byte(`{"__type":"` + f.namespace + "#" + f.shape + `"`)
	if len(f.body) > len(`{}`) {
		body = append(body, ',')
	}
	body = append(body, f.body[1:]...)
	writeJSON(w, f.service, requestID, f.status, body)
}

// isQueryProtocol recognises the form-encoded protocol that SQS spoke before 2023 and STS and
// others still do.
func isQueryProtocol(r *http.Request) bool {
	if r.Method == http.MethodGet && r.URL.Path == "/" && r.URL.Query().Has("Action") {
		return true
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && mediaType == "application/x-www-form-urlencoded"
}

func refuseQueryProtocol(w http.ResponseWriter, r *http.Request, requestID string) {
	type queryError struct {
		Type, Code, Message string
	}
	type errorResponse struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Error     queryError
		RequestID string `xml:"RequestId"`
	}
	service := signedFor(r)
	message := fmt.Sprintf("The local stack does not have the service %q, nor any with the AWS query protocol", service)
	if service == wire.SQS || service == "" {
		message = "The local stack speaks the AWS JSON protocol of SQS, not the older query protocol: use an AWS CLI or SDK of 2024 or later"
	}
	body, _ := xml.Marshal(errorResponse{ // strings always marshal
		Error: queryError{Type: "Sender", Code: unknownOperationCode, Message: message}, RequestID: requestID,
	})
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(http.StatusBadRequest)
	w.Write(body)
}
