package handletimeout

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
)

// Event is what the Lambda was called with: exactly one of State, Ended and Queue is set.
type Event struct {
	State *ending.Case // by the state machine
	// Ended is by EventBridge. It lacks its message if the execution's input was too large for
	// EventBridge's event.
	Ended *ending.Case
	Queue *QueueBatch // by the work queue's dead letter queue
}

// QueueBatch is what SQS gives a Lambda (Lambda Developer Guide, Using Lambda with Amazon SQS).
type QueueBatch struct {
	Records []QueueRecord `json:"Records"`
}

// QueueRecord is one message of a batch.
type QueueRecord struct {
	ID     string `json:"messageId"`
	Source string `json:"eventSource"`
	Body   string `json:"body"`
}

// BatchAnswer names the messages that stay on the queue (ReportBatchItemFailures).
type BatchAnswer struct {
	Failures []BatchFailure `json:"batchItemFailures"`
}

// BatchFailure names one such message.
type BatchFailure struct {
	ID string `json:"itemIdentifier"`
}

// StatePayload is what the state machine gives.
type StatePayload struct {
	Kind  string `json:"kind"` // timeout or failure
	State struct {
		Message job.Message `json:"message"`
		Error   *StateError `json:"error"`
	} `json:"state"`
}

// StateError is the error that a Catch of the state machine adds to the state.
type StateError struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// statusChange is EventBridge's "Step Functions Execution Status Change".
type statusChange struct {
	Source string `json:"source"`
	Detail struct {
		ExecutionARN string `json:"executionArn"`
		Status       string `json:"status"`
		Input        string `json:"input"` // null if EventBridge left it out
		Error        string `json:"error"`
		Cause        string `json:"cause"`
	} `json:"detail"`
}

// ParseEvent tells the three events apart and refuses any other.
func ParseEvent(payload json.RawMessage) (Event, error) {
	var probe struct {
		Kind    string          `json:"kind"`
		Source  string          `json:"source"`
		Records json.RawMessage `json:"Records"`
	}
	if err := json.Unmarshal(payload, &probe); err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	switch {
	case probe.Kind != "":
		return parseState(payload)
	case probe.Source == "aws.states":
		return parseStatusChange(payload)
	case probe.Records != nil:
		var batch QueueBatch
		if err := json.Unmarshal(payload, &batch); err != nil {
			return Event{}, fmt.Errorf("event of SQS: %w", err)
		}
		return Event{Queue: &batch}, nil
	}
	return Event{}, errNoEvent
}

func parseState(payload json.RawMessage) (Event, error) {
	var p StatePayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return Event{}, fmt.Errorf("payload of the state machine: %w", err)
	}
	c := ending.Case{Message: p.State.Message}
	switch p.Kind {
	case "timeout":
		c.Outcome, c.What = job.TimedOut, "no worker ended it within its time, waiting included"
	case "failure":
		c.Outcome, c.What = job.Failed, "its execution failed"
	default:
		return Event{}, fmt.Errorf("payload of the state machine: kind %q: want timeout or failure", p.Kind)
	}
	if p.State.Error != nil && p.State.Error.Cause != "" {
		c.What += fmt.Sprintf(" (%s: %s)", p.State.Error.Error, p.State.Error.Cause)
	} else if p.State.Error != nil && p.Kind == "failure" {
		c.What += fmt.Sprintf(" (%s)", p.State.Error.Error)
	}
	c.What = job.Cut(c.What, job.MaxSaidBytes)
	return Event{State: &c}, nil
}

func parseStatusChange(payload json.RawMessage) (Event, error) {
	var change statusChange
	if err := json.Unmarshal(payload, &change); err != nil {
		return Event{}, fmt.Errorf("event of Step Functions: %w", err)
	}
	d := change.Detail
	c, ok := ending.OfExecution(types.ExecutionStatus(d.Status), d.Error, d.Cause)
	if !ok || d.Status == string(types.ExecutionStatusSucceeded) {
		return Event{}, fmt.Errorf("event of Step Functions: status %q: want ABORTED, FAILED or TIMED_OUT", d.Status)
	}
	if c.ExecutionARN = d.ExecutionARN; c.ExecutionARN == "" {
		return Event{}, errors.New("event of Step Functions: it names no executionArn")
	}
	if d.Input == "" {
		return Event{Ended: &c}, nil
	}
	var err error
	if c.Message, err = messageOf(d.Input); err != nil {
		return Event{}, fmt.Errorf("event of Step Functions: %w", err)
	}
	return Event{Ended: &c}, nil
}

// messageOf is the message in an execution's input.
func messageOf(executionInput string) (job.Message, error) {
	var input job.ExecutionInput
	if err := json.Unmarshal([]byte(executionInput), &input); err != nil {
		return job.Message{}, fmt.Errorf("the execution's input: %w", err)
	}
	return input.Message, nil
}
