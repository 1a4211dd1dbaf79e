package intake

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Serve takes what the Lambda is called with: an event of S3, a batch of those that came to nothing
// before, from the queue of retries, or a person's release, which it answers. Lambda tries an event
// of S3 three times within minutes, and then puts it on that queue, from where it comes again for
// hours.
//
// Of a batch it names the messages that failed, so that one bad mail does not hold the others.
func (h *Handler) Serve(ctx context.Context, payload json.RawMessage) (any, error) {
	var called struct { // S3's own test event has neither
		job.Release
		Records []record
	}
	if err := json.Unmarshal(payload, &called); err != nil {
		return nil, fmt.Errorf("event of S3: %w", err)
	}
	switch {
	case called.MessageID != "":
		return h.Release(ctx, called.MessageID)
	case len(called.Records) > 0 && called.Records[0].EventSource == "aws:sqs":
		return h.again(ctx, called.Records), nil
	}
	var event events.S3Event
	for _, r := range called.Records {
		event.Records = append(event.Records, r.S3EventRecord)
	}
	return nil, h.Handle(ctx, event)
}

// record is a record of S3's, or one of SQS's that holds an event of S3.
type record struct {
	events.S3EventRecord
	MessageID string `json:"messageId"`
	Body      string `json:"body"`
}

// again takes events that came to nothing before.
func (h *Handler) again(ctx context.Context, batch []record) events.SQSEventResponse {
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, r := range batch {
		event, err := eventOf(r.Body)
		if err == nil {
			err = h.Handle(ctx, event)
		}
		if err != nil {
			telemetry.Write(ctx, h.log, telemetry.EventFailedAgain{SQSMessage: r.MessageID, Error: err.Error()})
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageID})
		}
	}
	return answer
}

// eventOf reads the event out of Lambda's record of its failure (Lambda Developer Guide,
// invocation-async). A person may also put the event itself on the queue.
func eventOf(body string) (events.S3Event, error) {
	var record struct {
		RequestPayload *events.S3Event        `json:"requestPayload"`
		Records        []events.S3EventRecord `json:"Records"`
	}
	if err := json.Unmarshal([]byte(body), &record); err != nil {
		return events.S3Event{}, fmt.Errorf("failed event of S3: %w", err)
	}
	if record.RequestPayload != nil {
		return *record.RequestPayload, nil
	}
	if record.Records == nil {
		return events.S3Event{}, fmt.Errorf("failed event of S3: neither requestPayload nor Records")
	}
	return events.S3Event{Records: record.Records}, nil
}
