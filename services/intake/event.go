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
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err == nil && len(batch.Records) > 0 && batch.Records[0].EventSource == "aws:sqs" {
		return h.again(ctx, batch), nil
	}
	// S3's own test event has no records.
	var event struct {
		events.S3Event
		job.Release
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("event of S3: %w", err)
	}
	if event.MessageID != "" {
		return h.Release(ctx, event.MessageID)
	}
	return nil, h.Handle(ctx, event.S3Event)
}

// again takes events that came to nothing before.
func (h *Handler) again(ctx context.Context, batch events.SQSEvent) events.SQSEventResponse {
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, record := range batch.Records {
		event, err := eventOf(record.Body)
		if err == nil {
			err = h.Handle(ctx, event)
		}
		if err != nil {
			telemetry.Write(ctx, h.log, telemetry.EventFailedAgain{SQSMessage: record.MessageId, Error: err.Error()})
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
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
