package system_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/system"
)

func environment(t *testing.T, call client.Call) system.Environment {
	t.Helper()
	names, err := awsx.NewNames("")
	if err != nil {
		t.Fatal(err)
	}
	routes, err := mail.NewRoutes("example.com")
	if err != nil {
		t.Fatal(err)
	}
	return system.Environment{
		Call: call, Now: func() time.Time { return time.Unix(1_900_000_000, 0) }, NewID: func() string { return "id" }, Names: names,
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Stack: system.Addresses{WorkQueueURL: "https://sqs/000000000000/webordinary-work.fifo"}, Claim: claim.DefaultSettings(),
		Routes: routes, Senders: mail.SendersOpen, Limits: mail.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
	}
}

func newFunction(t *testing.T, service string, call client.Call) system.Function {
	t.Helper()
	f, err := system.New(service, environment(t, call))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// answering is a DynamoDB that answers with the item or the error.
func answering(item map[string]types.AttributeValue, err error) client.Call {
	return func(context.Context, string, string, any) (any, error) {
		return &dynamodb.GetItemOutput{Item: item}, err
	}
}

const message = `{"message":{"messageId":"m1","projectId":"amelia","userId":"scott","projectUserId":"amelia#scott","threadId":"a","receivedAt":1}}`

func TestEveryServiceIsMade(t *testing.T) {
	for _, service := range system.Services() {
		if newFunction(t, service, answering(nil, nil)) == nil {
			t.Errorf("%s is no function", service)
		}
	}
}

func TestAnUnknownServiceIsRefused(t *testing.T) {
	if _, err := system.New("smith", environment(t, nil)); err == nil || !strings.Contains(err.Error(), `"smith"`) {
		t.Errorf("error %v", err)
	}
}

func TestSettingsThatDoNotHoldAreRefused(t *testing.T) {
	e := environment(t, nil)
	e.Claim.Lease = 0
	if _, err := system.New("check-active-job", e); err == nil {
		t.Error("it is made")
	}
}

func TestAFunctionAnswersInJSON(t *testing.T) {
	answer, failed := newFunction(t, "check-active-job", answering(nil, nil))(t.Context(), []byte(message))
	if failed != nil {
		t.Fatal(failed)
	}
	var out struct{ Decision string }
	if err := json.Unmarshal(answer, &out); err != nil || out.Decision != "proceed" {
		t.Errorf("answered %s", answer)
	}
}

func TestIntakeAnswersWithNothing(t *testing.T) {
	answer, failed := newFunction(t, "intake", answering(nil, nil))(t.Context(), []byte(`{"Records":[]}`))
	if failed != nil || string(answer) != "null" {
		t.Errorf("answered %s, %v", answer, failed)
	}
}

// The state machine does not try again what its functions call an InvalidRequest, and nothing else.
func TestEveryFunctionOfTheFlowNamesWhatCanNeverBeRight(t *testing.T) {
	away := answering(nil, &types.ResourceNotFoundException{})
	for service, payloads := range map[string]struct{ wrong, right string }{
		"check-active-job":    {`{"message":{}}`, message},
		"rate-limited-claim":  {`{"message":{}}`, message},
		"send-interrupt":      {message, message[:len(message)-1] + `,"taskToken":"t"}`},
		"record-interruption": {message, message[:len(message)-1] + `,"reason":"preempted"}`},
		"handle-timeout":      {`{"kind":"other","state":` + message + `}`, `{"kind":"failure","state":` + message + `}`},
		"process-attachment":  {`{"messageId":"m1","attachment":{}}`, `{"messageId":"m1","attachment":{"source":{"bucket":"b","key":"k"}}}`},
	} {
		if _, failed := newFunction(t, service, away)(t.Context(), []byte(payloads.wrong)); failed == nil || failed.Type != "InvalidRequest" {
			t.Errorf("%s: a request that is wrong fails with %+v", service, failed)
		}
		if _, failed := newFunction(t, service, away)(t.Context(), []byte(payloads.right)); failed == nil || failed.Type == "InvalidRequest" {
			t.Errorf("%s: a table that is away fails it with %+v", service, failed)
		}
	}
}

// TestAnErrorIsNamedByItsType: as in aws-lambda-go, the type without its package and pointer
// (lambda/errors.go, getErrorType).
func TestAnErrorIsNamedByItsType(t *testing.T) {
	for _, test := range []struct {
		name, payload string
		call          client.Call
		kind, says    string
	}{
		{"the SDK's own", message, answering(nil, &types.ResourceNotFoundException{}), "", "ResourceNotFoundException"},
		{"a plain one", message, answering(nil, errors.New("no fire")), "", "no fire"},
		{"a message that cannot be worked on", `{"message":{"messageId":"m1"}}`, nil, "InvalidRequest", "threadId"},
		{"a payload that is no JSON", `{`, nil, "SyntaxError", "JSON"},
		{"a payload of another shape", `{"message":1}`, nil, "UnmarshalTypeError", "Input.message"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, failed := newFunction(t, "check-active-job", test.call)(t.Context(), []byte(test.payload))
			if failed == nil || answer != nil {
				t.Fatalf("answered %s", answer)
			}
			if (test.kind != "" && failed.Type != test.kind) || failed.Type == "" || !strings.Contains(failed.Message, test.says) {
				t.Errorf("failed with %+v, want %s: %s", failed, test.kind, test.says)
			}
		})
	}
}
