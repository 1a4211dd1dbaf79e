package world

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
)

// intakeHasTaken tells the oracles what a run of intake says it has dealt with: nobody calls it
// with that again.
func (w *World) intakeHasTaken(run cloud.Run, answer []byte) {
	var called struct { // by S3, or with a batch from the queue of retries; a release has no records
		Records []struct {
			S3        events.S3Entity `json:"s3"`
			MessageID string          `json:"messageId"`
			Body      string          `json:"body"`
		}
	}
	mustNil(json.Unmarshal(run.Payload, &called))
	var told struct {
		job.Released
		events.SQSEventResponse
	}
	mustNil(json.Unmarshal(answer, &told))
	if told.Released.Released {
		w.oracles.ReleaseIsTaken(told.Released.MessageID)
	}
	for _, record := range called.Records {
		failed := func(f events.SQSBatchItemFailure) bool { return f.ItemIdentifier == record.MessageID }
		switch {
		case record.MessageID == "":
			w.oracles.EventIsTaken(record.S3.Object.URLDecodedKey)
		case !slices.ContainsFunc(told.BatchItemFailures, failed):
			w.oracles.EventIsTaken(objectOfFailed([]byte(record.Body)))
		}
	}
}

// objectOfFailed is the object of an event of S3 that Lambda has put on the queue of its failures.
func objectOfFailed(body []byte) string {
	var record struct {
		RequestPayload events.S3Event `json:"requestPayload"`
	}
	mustNil(json.Unmarshal(body, &record))
	return record.RequestPayload.Records[0].S3.Object.URLDecodedKey
}
