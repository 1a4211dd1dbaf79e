package lambdacore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// Limits of payloads (Lambda Developer Guide, gettingstarted-limits).
const (
	maxSyncBytes     = 6 << 20
	maxAsyncBytes    = 1 << 20
	maxResponseBytes = 6<<20 + 100
	latest           = "$LATEST"
	unhandled        = "Unhandled"
)

// invoke accepts an invocation (Lambda API Reference, Invoke).
func (c *Core) invoke(in *lambda.InvokeInput) (any, error) {
	f, err := c.find(aws.ToString(in.FunctionName), aws.ToString(in.Qualifier))
	if err != nil {
		return nil, err
	}
	kind := in.InvocationType
	if kind == "" {
		kind = types.InvocationTypeRequestResponse
	}
	if err := checkInvoke(in, kind); err != nil {
		return nil, err
	}
	if kind == types.InvocationTypeDryRun {
		return &lambda.InvokeOutput{StatusCode: 204}, nil
	}
	payload := slices.Clone(in.Payload)
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	e := c.accept(&event{
		requestID: c.opts.NewID(), function: f, payload: payload, queuedAt: c.now,
		async: kind == types.InvocationTypeEvent,
	})
	if !e.async {
		return &Pending{InvocationID: e.invocationID}, nil
	}
	if c.opts.Choose != nil && c.opts.Choose(2, ChooseDuplicate) == 1 {
		c.accept(&event{requestID: e.requestID, function: f, payload: payload, queuedAt: c.now, async: true})
	}
	return &lambda.InvokeOutput{StatusCode: 202}, nil
}

func checkInvoke(in *lambda.InvokeInput, kind types.InvocationType) error {
	refuse := func(what string) error {
		return &smithy.GenericAPIError{Code: "InvalidParameterValueException",
			Message: "lambdacore does not implement " + what, Fault: smithy.FaultClient}
	}
	limit := maxSyncBytes
	switch kind {
	case types.InvocationTypeRequestResponse, types.InvocationTypeDryRun:
	case types.InvocationTypeEvent:
		limit = maxAsyncBytes
	default:
		return refuse("the InvocationType " + string(kind))
	}
	switch {
	case in.LogType == types.LogTypeTail:
		return refuse("the LogType Tail")
	case in.ClientContext != nil:
		return refuse("ClientContext")
	case in.TenantId != nil:
		return refuse("TenantId")
	case in.DurableExecutionName != nil:
		return refuse("DurableExecutionName")
	case len(in.Payload) > limit:
		return &types.RequestTooLargeException{Type: aws.String("User"), Message: aws.String(fmt.Sprintf(
			"%d byte payload is too large for the %s invocation type (limit %d bytes)", len(in.Payload), kind, limit))}
	case len(in.Payload) > 0 && !json.Valid(in.Payload):
		return &types.InvalidRequestContentException{Type: aws.String("User"),
			Message: aws.String("Could not parse request body into json: the payload is not valid JSON")}
	}
	return nil
}

// accept records a new event and begins its first try.
func (c *Core) accept(e *event) *event {
	c.accepted++
	e.accepted = c.accepted
	c.begin(e)
	return e
}

// begin starts the next try of e.
func (c *Core) begin(e *event) {
	c.runs++
	e.attempt++
	e.invocationID = e.requestID + "/" + strconv.Itoa(c.runs)
	c.running[e.invocationID] = e
	c.agenda.put(e, c.now.Add(time.Duration(e.function.config.TimeoutSeconds)*time.Second))
	c.emit(Run{
		InvocationID: e.invocationID, RequestID: e.requestID, FunctionName: e.function.name, FunctionARN: e.function.arn,
		Payload: e.payload, Attempt: e.attempt, Deadline: e.dueAt,
	})
}

// Returned reports the end of a run: its payload or, if the function failed, how. With a
// functionError, payload is the error payload; if it is empty, it is made from the functionError. A
// report of a run that is over, because it timed out or has returned already, changes nothing.
func (c *Core) Returned(now time.Time, invocationID string, payload []byte, functionError *FunctionError) []Effect {
	c.advance(now)
	if e, ok := c.running[invocationID]; ok {
		c.ended(e, slices.Clone(payload), functionError)
	}
	return c.effects()
}

// ended ends e's current try: it answers a synchronous invocation, and retries or gives up an
// asynchronous one that failed.
func (c *Core) ended(e *event, payload []byte, failure *FunctionError) {
	if len(payload) > maxResponseBytes {
		payload, failure = nil, &FunctionError{Type: "Function.ResponseSizeTooLarge", Message: fmt.Sprintf(
			"Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponseBytes)}
	}
	if len(payload) == 0 {
		payload = []byte("null")
		if failure != nil {
			payload = mustMarshal(failure)
		}
	}
	invocationID := e.invocationID
	delete(c.running, invocationID)
	e.invocationID = ""
	if !e.async {
		c.agenda.drop(e)
		out := &lambda.InvokeOutput{StatusCode: 200, ExecutedVersion: aws.String(latest), Payload: payload}
		if failure != nil {
			out.FunctionError = aws.String(unhandled)
		}
		c.emit(Answer{InvocationID: invocationID, Output: out})
		return
	}
	if failure == nil {
		c.agenda.drop(e)
		return
	}
	e.lastError = payload
	if e.attempt > *e.function.config.MaximumRetryAttempts {
		c.giveUp(e, "RetriesExhausted")
		return
	}
	c.agenda.put(e, c.now.Add(c.opts.RetryDelays[e.attempt-1]))
}

func (e *event) tooOld(now time.Time) bool {
	return now.Sub(e.queuedAt) > time.Duration(e.function.config.MaximumEventAgeSeconds)*time.Second
}

// failureRecord is what Lambda sends to an on-failure destination (Lambda Developer Guide,
// invocation-async).
type failureRecord struct {
	Version         string          `json:"version"`
	Timestamp       string          `json:"timestamp"`
	RequestContext  requestContext  `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext responseContext `json:"responseContext"`
	ResponsePayload json.RawMessage `json:"responsePayload"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError"`
}

// maxErrorMessageBytes is how much of an error's message a dead letter carries.
const maxErrorMessageBytes = 1024

// giveUp ends an asynchronous event that no try could handle in time.
func (c *Core) giveUp(e *event, condition string) {
	c.agenda.drop(e)
	f := e.function
	if f.config.OnFailureARN != "" {
		c.emit(OnFailure{QueueName: queueName(f.config.OnFailureARN), Body: string(mustMarshal(failureRecord{
			Version: "1.0", Timestamp: c.now.UTC().Format("2006-01-02T15:04:05.000Z"),
			RequestContext: requestContext{RequestID: e.requestID, FunctionARN: f.arn + ":" + latest,
				Condition: condition, ApproximateInvokeCount: e.attempt},
			RequestPayload:  e.payload,
			ResponseContext: responseContext{StatusCode: 200, ExecutedVersion: latest, FunctionError: unhandled},
			ResponsePayload: asJSON(e.lastError),
		}))})
	}
	if f.config.DeadLetterQueueARN != "" {
		text := func(kind, value string) sqstypes.MessageAttributeValue {
			return sqstypes.MessageAttributeValue{DataType: aws.String(kind), StringValue: aws.String(value)}
		}
		c.emit(DeadLetter{QueueName: queueName(f.config.DeadLetterQueueARN), Body: string(e.payload),
			Attributes: map[string]sqstypes.MessageAttributeValue{
				"RequestID": text("String", e.requestID), "ErrorCode": text("Number", "200"),
				"ErrorMessage": text("String", errorMessage(e.lastError)),
			}})
	}
}

// errorMessage is the message of an error payload. It is never empty, because SQS takes no empty
// attribute.
func errorMessage(payload []byte) string {
	var failure FunctionError
	if err := json.Unmarshal(payload, &failure); err != nil || failure.Message == "" {
		failure.Message = unhandled
	}
	if len(failure.Message) > maxErrorMessageBytes {
		failure.Message = strings.ToValidUTF8(failure.Message[:maxErrorMessageBytes], "")
	}
	return failure.Message
}

// asJSON is payload if that is JSON, else its text as a JSON string.
func asJSON(payload []byte) json.RawMessage {
	if json.Valid(payload) {
		return payload
	}
	return mustMarshal(string(payload))
}

func queueName(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// mustMarshal encodes a value made of strings, numbers and valid JSON.
func mustMarshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("lambdacore: %T must encode: %v", v, err))
	}
	return text
}
