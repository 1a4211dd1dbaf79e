package lambdacore

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A Mapping says that a queue's messages go to a function, in batches. The caller receives up to
// BatchSize messages, invokes the function synchronously with SQSEvent, and deletes what Handled
// returns.
type Mapping struct {
	QueueName               string
	FunctionName            string
	BatchSize               int  // 1 to 10
	ReportBatchItemFailures bool // the function says which messages failed
}

// AddMapping maps a queue to a registered function. It refuses batches of more than ten messages:
// they need a batching window, which is not implemented.
func (c *Core) AddMapping(queueName, functionName string, batchSize int, reportBatchItemFailures bool) error {
	if _, err := c.find(functionName, ""); err != nil {
		return fmt.Errorf("lambdacore: mapping of queue %s: %w", queueName, err)
	}
	if batchSize < 1 || batchSize > 10 {
		return fmt.Errorf("lambdacore: mapping of queue %s: batch size %d: want 1 to 10", queueName, batchSize)
	}
	m := Mapping{QueueName: queueName, FunctionName: functionName, BatchSize: batchSize, ReportBatchItemFailures: reportBatchItemFailures}
	if slices.ContainsFunc(c.mappings, func(o Mapping) bool {
		return o.QueueName == queueName && o.FunctionName == functionName
	}) {
		return fmt.Errorf("lambdacore: mapping of queue %s to function %s exists", queueName, functionName)
	}
	c.mappings = append(c.mappings, m)
	return nil
}

// Mappings lists the mappings in the order in which they were added.
func (c *Core) Mappings() []Mapping { return slices.Clone(c.mappings) }

// SQSEvent is the event that a function gets for messages, which must be received with all
// attributes (Lambda Developer Guide, with-sqs).
func SQSEvent(queueARN, region string, messages []sqstypes.Message) []byte {
	event := events.SQSEvent{Records: make([]events.SQSMessage, 0, len(messages))}
	for _, m := range messages {
		record := events.SQSMessage{
			MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
			Md5OfBody: aws.ToString(m.MD5OfBody), Md5OfMessageAttributes: aws.ToString(m.MD5OfMessageAttributes),
			Attributes: m.Attributes, MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSourceARN: queueARN, EventSource: "aws:sqs", AWSRegion: region,
		}
		for name, value := range m.MessageAttributes {
			record.MessageAttributes[name] = events.SQSMessageAttribute{
				StringValue: value.StringValue, BinaryValue: value.BinaryValue, DataType: aws.ToString(value.DataType),
				StringListValues: []string{}, BinaryListValues: [][]byte{},
			}
		}
		event.Records = append(event.Records, record)
	}
	return mustMarshal(event)
}

// Handled returns the messages of a batch to delete after the function answered out; the others
// become visible again when their timeout ends. If the function failed or its report makes no
// sense, it handled none (Lambda Developer Guide, services-sqs-errorhandling).
func (m Mapping) Handled(messages []sqstypes.Message, out *lambda.InvokeOutput) []sqstypes.Message {
	if out.FunctionError != nil {
		return nil
	}
	if !m.ReportBatchItemFailures {
		return messages
	}
	failed, ok := BatchItemFailures(out.Payload)
	if !ok {
		return nil
	}
	var handled []sqstypes.Message
	for _, message := range messages {
		id := aws.ToString(message.MessageId)
		if !slices.Contains(failed, id) {
			handled = append(handled, message)
		}
		failed = slices.DeleteFunc(failed, func(f string) bool { return f == id })
	}
	if len(failed) > 0 { // a message that is not in the batch
		return nil
	}
	return handled
}

// BatchItemFailures reads the message ids from a function's report. ok is false if the report makes
// no sense: no JSON object, another member, or an id that is empty, null or missing. An empty or
// null report names none.
func BatchItemFailures(payload []byte) (messageIDs []string, ok bool) {
	if len(payload) == 0 {
		return nil, true
	}
	var report map[string]json.RawMessage
	if err := json.Unmarshal(payload, &report); err != nil {
		return nil, false
	}
	if len(report) == 0 {
		return nil, true
	}
	list, found := report["batchItemFailures"]
	if !found {
		return nil, false
	}
	var items []struct {
		ItemIdentifier *string `json:"itemIdentifier"`
	}
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, false
	}
	for _, item := range items {
		if item.ItemIdentifier == nil || *item.ItemIdentifier == "" {
			return nil, false
		}
		messageIDs = append(messageIDs, *item.ItemIdentifier)
	}
	return messageIDs, true
}

// StatusChange is a change of a Step Functions execution's status.
type StatusChange struct {
	ID              string // of the event
	AccountID       string
	Region          string
	Time            time.Time
	ExecutionARN    string
	StateMachineARN string
	Name            string
	Status          string // RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED
	StartDate       time.Time
	StopDate        time.Time // zero while it runs
	Input           string    // JSON
	Output          *string   // JSON; of an execution that succeeded
	Error, Cause    *string   // of an execution that did not succeed
}

// maxDetailBytes is how much of input and output, escaped, EventBridge carries.
const maxDetailBytes = 248 << 10

type included struct {
	Included bool `json:"included"`
}

// Event is what EventBridge delivers for the change (Step Functions Developer Guide,
// eventbridge-integration). If input and output are too large together, it leaves them out, the
// input first.
func (s StatusChange) Event() []byte {
	type detail struct {
		ExecutionARN    string    `json:"executionArn"`
		StateMachineARN string    `json:"stateMachineArn"`
		Name            string    `json:"name"`
		Status          string    `json:"status"`
		StartDate       int64     `json:"startDate"`
		StopDate        *int64    `json:"stopDate"`
		Input           *string   `json:"input"`
		InputDetails    included  `json:"inputDetails"`
		Output          *string   `json:"output"`
		OutputDetails   *included `json:"outputDetails"`
		Error           *string   `json:"error"`
		Cause           *string   `json:"cause"`
	}
	d := detail{
		ExecutionARN: s.ExecutionARN, StateMachineARN: s.StateMachineARN, Name: s.Name, Status: s.Status,
		StartDate: s.StartDate.UnixMilli(), Input: &s.Input, InputDetails: included{true},
		Output: s.Output, Error: s.Error, Cause: s.Cause,
	}
	if !s.StopDate.IsZero() {
		d.StopDate = aws.Int64(s.StopDate.UnixMilli())
	}
	outputBytes := 0
	if s.Output != nil {
		d.OutputDetails = &included{true}
		outputBytes = len(mustMarshal(s.Output))
	}
	if len(mustMarshal(s.Input))+outputBytes > maxDetailBytes {
		d.Input, d.InputDetails = nil, included{false}
	}
	if outputBytes > maxDetailBytes {
		d.Output, d.OutputDetails = nil, &included{false}
	}
	return mustMarshal(eventBridgeEvent{
		Version: "0", ID: s.ID, DetailType: "Step Functions Execution Status Change", Source: "aws.states",
		Account: s.AccountID, Time: eventTime(s.Time), Region: s.Region, Resources: []string{s.ExecutionARN}, Detail: d,
	})
}

// ScheduledEvent is what EventBridge delivers for a rule with a ScheduleExpression, here named as
// the function that it calls (EventBridge User Guide, eb-create-rule-schedule).
func ScheduledEvent(rule string, at time.Time) []byte {
	const account, region = "000000000000", "us-east-1"
	return mustMarshal(eventBridgeEvent{
		Version: "0", ID: rule + "/" + eventTime(at), DetailType: "Scheduled Event", Source: "aws.events", Account: account, Time: eventTime(at), Region: region,
		Resources: []string{"arn:aws:events:" + region + ":" + account + ":rule/" + rule}, Detail: struct{}{},
	})
}

// eventBridgeEvent is the envelope of EventBridge's events.
type eventBridgeEvent struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     any      `json:"detail"`
}

func eventTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
