package handletimeout_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	handletimeout "github.com/webordinary/hephaestus/services/handle-timeout"
)

func TestTheThreeEventsAreToldApart(t *testing.T) {
	const message = `{"messageId":"m1","projectId":"amelia","userId":"scott","projectUserId":"amelia#scott","threadId":"A","receivedAt":1}`
	input, err := json.Marshal(`{"message":` + message + `}`)
	if err != nil {
		t.Fatal(err)
	}
	status := func(detail string) string {
		return `{"source":"aws.states","detail":{"executionArn":"arn:1","input":` + string(input) + `,` + detail + `}}`
	}
	tests := []struct {
		name    string
		payload string
		which   string // state, ended or queue
		outcome job.Outcome
		what    string
	}{
		{"the state machine, time over", `{"kind":"timeout","state":{"message":` + message + `,"error":{"Error":"States.Timeout"}}}`,
			"state", job.TimedOut, "no worker ended it within its time, waiting included"},
		{"the state machine, the worker says so", `{"kind":"timeout","state":{"message":` + message + `,"error":{"Error":"TIMED_OUT","Cause":"claude hung"}}}`,
			"state", job.TimedOut, "no worker ended it within its time, waiting included (TIMED_OUT: claude hung)"},
		{"the state machine, failed", `{"kind":"failure","state":{"message":` + message + `,"error":{"Error":"FAILED","Cause":"exit 1"}}}`,
			"state", job.Failed, "its execution failed (FAILED: exit 1)"},
		{"the state machine, failed without a cause", `{"kind":"failure","state":{"message":` + message + `,"error":{"Error":"FAILED"}}}`,
			"state", job.Failed, "its execution failed (FAILED)"},
		{"the state machine, no error left", `{"kind":"failure","state":{"message":` + message + `}}`, "state", job.Failed, "its execution failed"},
		{"EventBridge, aborted", status(`"status":"ABORTED"`), "ended", job.Failed, "its execution was aborted"},
		{"EventBridge, failed", status(`"status":"FAILED","error":"States.Runtime","cause":"no such path"`),
			"ended", job.Failed, "its execution failed outside of its catches (States.Runtime: no such path)"},
		{"EventBridge, timed out", status(`"status":"TIMED_OUT"`), "ended", job.TimedOut, "its execution timed out"},
		{"SQS", `{"Records":[{"messageId":"q1","eventSource":"aws:sqs","body":"{}"}]}`, "queue", "", ""},
		{"SQS, an empty batch", `{"Records":[]}`, "queue", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			event, err := handletimeout.ParseEvent(json.RawMessage(test.payload))
			if err != nil {
				t.Fatal(err)
			}
			found := map[string]*ending.Case{"state": event.State, "ended": event.Ended}[test.which]
			if (event.State != nil) != (test.which == "state") || (event.Ended != nil) != (test.which == "ended") || (event.Queue != nil) != (test.which == "queue") {
				t.Fatalf("event %+v", event)
			}
			if found != nil && (found.Outcome != test.outcome || found.What != test.what || found.Message.MessageID != "m1" || found.ContainerID != "") {
				t.Errorf("%+v", found)
			}
		})
	}
}

// A cause has 32,768 characters at most; what is said of a job goes into rows, letters and other
// causes.
func TestWhatIsSaidOfAJobIsCut(t *testing.T) {
	cause, err := json.Marshal(strings.Repeat("ü", 16_000))
	if err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string]string{
		"the state machine": `{"kind":"failure","state":{"message":{},"error":{"Error":"FAILED","Cause":` + string(cause) + `}}}`,
		"EventBridge":       `{"source":"aws.states","detail":{"executionArn":"arn:1","status":"FAILED","input":"{}","error":"x","cause":` + string(cause) + `}}`,
	} {
		event, err := handletimeout.ParseEvent(json.RawMessage(payload))
		if err != nil {
			t.Fatal(name, err)
		}
		found := event.State
		if found == nil {
			found = event.Ended
		}
		if len(found.What) > 4<<10 || !utf8.ValidString(found.What) || !strings.HasSuffix(found.What, "ü […]") {
			t.Errorf("%s: %d bytes: %q", name, len(found.What), found.What)
		}
	}
}

func TestAnEventThatIsNoneOfThemIsRefusedWithTheReason(t *testing.T) {
	tests := []struct{ name, payload, want string }{
		{"no JSON", `timeout`, "event: invalid character"},
		{"a list", `[]`, "event: json: cannot unmarshal array"},
		{"nothing", `{}`, "neither a state's payload, nor"},
		{"null", `null`, "neither a state's payload, nor"},
		{"another kind", `{"kind":"success","state":{}}`, `kind "success": want timeout or failure`},
		{"a state that is none", `{"kind":"timeout","state":[]}`, "payload of the state machine: json"},
		{"another source", `{"source":"aws.s3","detail":{}}`, "neither a state's payload, nor"},
		{"an execution that succeeded", `{"source":"aws.states","detail":{"status":"SUCCEEDED","input":"{}"}}`, `status "SUCCEEDED": want ABORTED`},
		{"an execution without a name", `{"source":"aws.states","detail":{"status":"ABORTED","input":"{}"}}`, "it names no executionArn"},
		{"an execution whose input is none", `{"source":"aws.states","detail":{"executionArn":"arn:1","status":"ABORTED","input":"x"}}`, "the execution's input: invalid character"},
		{"a detail that is none", `{"source":"aws.states","detail":"x"}`, "event of Step Functions: json"},
		{"records that are none", `{"Records":"x"}`, "event of SQS: json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			event, err := handletimeout.ParseEvent(json.RawMessage(test.payload))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%+v, error %v; want %q", event, err, test.want)
			}
		})
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(`{"kind":"timeout","state":{"message":{}}}`)
	f.Add(`{"source":"aws.states","detail":{"status":"ABORTED","input":"{}"}}`)
	f.Add(`{"Records":[{"body":"{}"}]}`)
	f.Fuzz(func(t *testing.T, payload string) {
		event, err := handletimeout.ParseEvent(json.RawMessage(payload))
		shapes := 0
		for _, is := range []bool{event.State != nil, event.Ended != nil, event.Queue != nil} {
			if is {
				shapes++
			}
		}
		if (err == nil) != (shapes == 1) {
			t.Errorf("%d shapes, error %v", shapes, err)
		}
	})
}
