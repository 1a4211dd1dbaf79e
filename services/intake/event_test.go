package intake_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// eventFor is S3's event for an object, as JSON; S3 encodes the key.
func (s scene) eventFor(key string) string {
	return fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":%q,"s3":{"bucket":{"name":%q},"object":{"key":%q,"size":100}}}]}`,
		s.Now().Format("2006-01-02T15:04:05.000Z"), s.Names.Emails(), key)
}

// failedEvent is Lambda's record of an event that no try could take.
func failedEvent(event string) string {
	return `{"version":"1.0","requestContext":{"condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":` + event +
		`,"responseContext":{"statusCode":200,"functionError":"Unhandled"},"responsePayload":{"errorType":"wrapError","errorMessage":"no"}}`
}

// batch is what Lambda makes of messages of a queue.
func batch(bodies ...string) string {
	var list []map[string]string
	for i, body := range bodies {
		list = append(list, map[string]string{"messageId": fmt.Sprintf("s%d", i+1), "eventSource": "aws:sqs", "body": body})
	}
	text, _ := json.Marshal(map[string]any{"Records": list}) // strings always encode
	return string(text)
}

func (s scene) serves(payload string) (any, error) {
	s.t.Helper()
	return s.handler.Serve(s.t.Context(), json.RawMessage(payload))
}

func TestAnEventOfS3IsTaken(t *testing.T) {
	s := newScene(t)
	s.arrives("m_1", letter{id: "x1", subject: "door"}.raw())
	if answer, err := s.serves(s.eventFor("emails/m%5F1")); answer != nil || err != nil {
		t.Fatalf("answer %v, %v", answer, err)
	}
	s.wantStarted("m_1")
}

func TestTheTestEventOfS3IsNoMail(t *testing.T) {
	s := newScene(t)
	answer, err := s.serves(`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-03-01T09:00:00.000Z","Bucket":"emails","RequestId":"r","HostId":"h"}`)
	if answer != nil || err != nil {
		t.Errorf("answer %v, %v", answer, err)
	}
	s.wantStarted()
}

// An event that cannot be taken yet is an error, so that Lambda, and then the queue, bring it
// again.
func TestAnEventThatCannotBeTakenYetIsAnError(t *testing.T) {
	s := newScene(t)
	s.arrives("m1", letter{id: "x1", subject: "door"}.raw())
	s.Fail("PutItem", 0)
	if _, err := s.serves(s.eventFor("emails/m1")); err == nil {
		t.Error("no error")
	}
	if _, err := s.serves(`{"Records":7}`); err == nil {
		t.Error("what is no event is taken")
	}
}

// Of the events that came to nothing before those that fail again are named; the others are done.
func TestEventsThatFailedAreTakenAgainOneByOne(t *testing.T) {
	s := newScene(t)
	s.arrives("m1", letter{id: "x1", subject: "door"}.raw())
	s.arrives("m2", letter{id: "x2", subject: "gate"}.raw())
	s.arrives("m3", letter{id: "x3", subject: "roof"}.raw())
	s.Fail("PutItem", 0)
	answer, err := s.serves(batch(
		failedEvent(s.eventFor("emails/m1")), // the table is away for this one
		failedEvent(s.eventFor("emails/m2")),
		s.eventFor("emails/m3"), // as a person puts it there
		"no event",
		`{"other":true}`,
	))
	if err != nil {
		t.Fatal(err)
	}
	want := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{{ItemIdentifier: "s1"}, {ItemIdentifier: "s4"}, {ItemIdentifier: "s5"}}}
	if !reflect.DeepEqual(answer, want) {
		t.Errorf("answer %+v, want %+v", answer, want)
	}
	s.wantStarted("m2", "m3")
	if n := strings.Count(s.log.String(), "event-failed-again"); n != 3 {
		t.Errorf("%d failures are logged, want 3", n)
	}
	if answer, err := s.serves(batch(failedEvent(s.eventFor("emails/m1")))); err != nil || len(answer.(events.SQSEventResponse).BatchItemFailures) != 0 {
		t.Errorf("answer %+v, %v", answer, err)
	}
	s.wantStarted("m2", "m3", "m1")
}
