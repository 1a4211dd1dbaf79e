package world

import (
	"encoding/json"
	"net/url"
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
			S3        struct{ Object struct{ Key string } }
			MessageID string
			Body      string
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
			w.oracles.EventIsTaken(must(url.QueryUnescape(record.S3.Object.Key)))
		case !slices.ContainsFunc(told.BatchItemFailures, failed):
			w.oracles.EventIsTaken(objectOfFailed([]byte(record.Body)))
		}
	}
}

// objectOfFailed is the object of an event of S3 that Lambda has put on the queue of its failures.
func objectOfFailed(body []byte) string {
	var failed struct {
		RequestPayload struct {
			Records []struct {
				S3 struct{ Object struct{ Key string } }
			}
		}
	}
	mustNil(json.Unmarshal(body, &failed))
	return must(url.QueryUnescape(failed.RequestPayload.Records[0].S3.Object.Key))
}
