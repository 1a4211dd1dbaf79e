package lambdacore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"
)

// bench is a core with a function "f" and a clock.
type bench struct {
	t   testing.TB
	c   *Core
	now time.Time
}

func newBench(t testing.TB, opts Options, config FunctionConfig) *bench {
	b := &bench{t: t, c: New(opts), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if err := b.c.Register("f", config); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) invoke(kind types.InvocationType, payload string) (any, []Effect) {
	b.t.Helper()
	out, effects, err := b.c.Do(b.now, &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: kind, Payload: []byte(payload)})
	if err != nil {
		b.t.Fatal(err)
	}
	return out, effects
}

// one returns the only effect of a call.
func one[E Effect](b *bench, effects []Effect) E {
	b.t.Helper()
	if len(effects) == 1 {
		if e, ok := effects[0].(E); ok {
			return e
		}
	}
	b.t.Fatalf("effects %+v, want one %T", effects, *new(E))
	panic("unreachable")
}

func (b *bench) fail(invocationID string) []Effect {
	return b.c.Returned(b.now, invocationID, nil, &FunctionError{Type: "Error", Message: "no"})
}

// tick goes to the next deadline, which must be after d.
func (b *bench) tick(d time.Duration) []Effect {
	b.t.Helper()
	at, ok := b.c.NextDeadline()
	if !ok || !at.Equal(b.now.Add(d)) {
		b.t.Fatalf("next deadline %v (%t), want in %v", at, ok, d)
	}
	b.now = at
	return b.c.Tick(b.now)
}

func TestSynchronousInvocation(t *testing.T) {
	for _, row := range []struct {
		name, payload string
		failure       *FunctionError
		want, failed  string
	}{
		{"a result", `{"a":1}`, nil, `{"a":1}`, ""},
		{"nothing is null", "", nil, "null", ""},
		{"an error", "", &FunctionError{"Error", "no"}, `{"errorType":"Error","errorMessage":"no"}`, "Unhandled"},
		{"an error with its own payload", `{"errorMessage":"x","stackTrace":[]}`, &FunctionError{"Error", "no"}, `{"errorMessage":"x","stackTrace":[]}`, "Unhandled"},
		{"too large a result", strings.Repeat(" ", maxResponseBytes+1), nil, `{"errorType":"Function.ResponseSizeTooLarge",` +
			`"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`, "Unhandled"},
	} {
		b := newBench(t, Options{}, FunctionConfig{})
		out, effects := b.invoke("", "")
		run := one[Run](b, effects)
		if string(run.Payload) != "{}" || run.Attempt != 1 || !run.Deadline.Equal(b.now.Add(3*time.Second)) || out.(*Pending).InvocationID != run.InvocationID {
			t.Fatalf("%s: %+v", row.name, run)
		}
		answer := one[Answer](b, b.c.Returned(b.now, run.InvocationID, []byte(row.payload), row.failure))
		if got := answer.Output; string(got.Payload) != row.want || aws.ToString(got.FunctionError) != row.failed || got.StatusCode != 200 {
			t.Errorf("%s: %s, %s", row.name, got.Payload, aws.ToString(got.FunctionError))
		}
		if again := b.c.Returned(b.now, run.InvocationID, nil, nil); again != nil {
			t.Errorf("%s: a second return gave %v", row.name, again)
		}
	}
}

func TestSynchronousInvocationTimesOut(t *testing.T) {
	b := newBench(t, Options{}, FunctionConfig{TimeoutSeconds: 1})
	_, effects := b.invoke("", "{}")
	run := one[Run](b, effects)
	effects = b.tick(time.Second)
	if len(effects) != 2 || effects[0] != (Stop{run.InvocationID}) {
		t.Fatalf("effects %+v", effects)
	}
	want := fmt.Sprintf(`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: %s Error: Task timed out after 1.00 seconds"}`, run.RequestID)
	if out := effects[1].(Answer).Output; string(out.Payload) != want || *out.FunctionError != "Unhandled" {
		t.Fatalf("%s", out.Payload)
	}
	if late := b.c.Returned(b.now, run.InvocationID, []byte("1"), nil); late != nil {
		t.Fatalf("a late return gave %v", late)
	}
}

// TestAsynchronousRetries (Lambda Developer Guide, invocation-async).
func TestAsynchronousRetries(t *testing.T) {
	b := newBench(t, Options{}, FunctionConfig{
		DeadLetterQueueARN: "arn:aws:sqs:us-east-1:000000000000:dead", OnFailureARN: "arn:aws:sqs:us-east-1:000000000000:failed"})
	out, effects := b.invoke(types.InvocationTypeEvent, `{"a":1}`)
	if accepted := out.(*lambda.InvokeOutput); accepted.StatusCode != 202 || accepted.Payload != nil {
		t.Fatalf("%+v", accepted)
	}
	first := one[Run](b, effects)
	if effects := b.fail(first.InvocationID); effects != nil {
		t.Fatalf("effects %v", effects)
	}
	second := one[Run](b, b.tick(time.Minute))
	b.fail(second.InvocationID)
	third := one[Run](b, b.tick(2*time.Minute))
	if third.RequestID != first.RequestID || third.Attempt != 3 || third.InvocationID == second.InvocationID || string(third.Payload) != `{"a":1}` {
		t.Fatalf("%+v", third)
	}
	effects = b.fail(third.InvocationID)
	if len(effects) != 2 {
		t.Fatalf("effects %+v", effects)
	}
	record, dead := effects[0].(OnFailure), effects[1].(DeadLetter)
	wantRecord := `{"version":"1.0","timestamp":"2026-03-01T12:03:00.000Z","requestContext":{"requestId":"` + first.RequestID +
		`","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},` +
		`"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},` +
		`"responsePayload":{"errorType":"Error","errorMessage":"no"}}`
	if record.QueueName != "failed" || record.Body != wantRecord {
		t.Fatalf("%s", record.Body)
	}
	if a := dead.Attributes; dead.QueueName != "dead" || dead.Body != `{"a":1}` || *a["RequestID"].StringValue != first.RequestID ||
		*a["ErrorCode"].StringValue != "200" || *a["ErrorCode"].DataType != "Number" || *a["ErrorMessage"].StringValue != "no" {
		t.Fatalf("%+v", dead)
	}
	if at, ok := b.c.NextDeadline(); ok {
		t.Fatalf("something is still due at %v", at)
	}
}

func TestWhatComesDueHappensInTheOrderOfTheTimes(t *testing.T) {
	b := newBench(t, Options{}, FunctionConfig{TimeoutSeconds: 10})
	if err := b.c.Register("quick", FunctionConfig{TimeoutSeconds: 5}); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range []string{"f", "quick", "f", "quick"} {
		out, _, err := b.c.Do(b.now, &lambda.InvokeInput{FunctionName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, out.(*Pending).InvocationID)
	}
	want = []string{want[1], want[3], want[0], want[2]}
	b.now = b.now.Add(time.Minute)
	var got []string
	for _, e := range b.c.Tick(b.now) {
		if stop, ok := e.(Stop); ok {
			got = append(got, stop.InvocationID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("stopped %v, want %v", got, want)
	}
	if at, ok := b.c.NextDeadline(); ok {
		t.Errorf("a deadline %v is left", at)
	}
}

func TestAsynchronousOutcomes(t *testing.T) {
	t.Run("success ends it", func(t *testing.T) {
		b := newBench(t, Options{}, FunctionConfig{})
		_, effects := b.invoke(types.InvocationTypeEvent, "{}")
		if effects := b.c.Returned(b.now, one[Run](b, effects).InvocationID, nil, nil); effects != nil {
			t.Fatal(effects)
		}
		if _, ok := b.c.NextDeadline(); ok {
			t.Fatal("something is still due")
		}
	})
	t.Run("a timeout is a failure like any other", func(t *testing.T) {
		b := newBench(t, Options{}, FunctionConfig{})
		b.invoke(types.InvocationTypeEvent, "{}")
		one[Stop](b, b.tick(3*time.Second))
		one[Run](b, b.tick(time.Minute))
	})
	t.Run("no retries if none are configured", func(t *testing.T) {
		b := newBench(t, Options{}, FunctionConfig{MaximumRetryAttempts: aws.Int(0), OnFailureARN: "arn:aws:sqs:us-east-1:0:q"})
		_, effects := b.invoke(types.InvocationTypeEvent, "{}")
		one[OnFailure](b, b.fail(one[Run](b, effects).InvocationID))
	})
	t.Run("an event that is too old is not tried again", func(t *testing.T) {
		b := newBench(t, Options{}, FunctionConfig{MaximumEventAgeSeconds: 60, TimeoutSeconds: 10, OnFailureARN: "arn:aws:sqs:us-east-1:0:q"})
		b.invoke(types.InvocationTypeEvent, "{}")
		b.tick(10 * time.Second)
		if record := one[OnFailure](b, b.tick(time.Minute)); !strings.Contains(record.Body, `"condition":"EventAgeExceeded","approximateInvokeCount":1`) {
			t.Fatal(record.Body)
		}
	})
	t.Run("the delays can be shortened", func(t *testing.T) {
		b := newBench(t, Options{RetryDelays: [2]time.Duration{time.Second, 2 * time.Second}}, FunctionConfig{})
		_, effects := b.invoke(types.InvocationTypeEvent, "{}")
		b.fail(one[Run](b, effects).InvocationID)
		one[Run](b, b.tick(time.Second))
	})
	t.Run("an event may be delivered twice", func(t *testing.T) {
		b := newBench(t, Options{Choose: func(int, string) int { return 1 }}, FunctionConfig{})
		_, effects := b.invoke(types.InvocationTypeEvent, "{}")
		if len(effects) != 2 || effects[0].(Run).RequestID != effects[1].(Run).RequestID || effects[0].(Run).InvocationID == effects[1].(Run).InvocationID {
			t.Fatalf("%+v", effects)
		}
	})
	t.Run("a late return of a timed-out try does not end the next", func(t *testing.T) {
		b := newBench(t, Options{}, FunctionConfig{})
		_, effects := b.invoke(types.InvocationTypeEvent, "{}")
		b.tick(3 * time.Second)
		b.tick(time.Minute)
		b.c.Returned(b.now, one[Run](b, effects).InvocationID, nil, nil)
		one[Stop](b, b.tick(3*time.Second))
	})
}

// TestErrors holds Lambda's errors (Lambda API Reference, Invoke).
func TestErrors(t *testing.T) {
	in := func(change func(*lambda.InvokeInput)) *lambda.InvokeInput {
		input := &lambda.InvokeInput{FunctionName: aws.String("f")}
		change(input)
		return input
	}
	large := []byte(`"` + strings.Repeat("x", maxAsyncBytes) + `"`)
	for _, row := range []struct {
		name, code, text string
		input            any
	}{
		{"no function", "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none",
			in(func(i *lambda.InvokeInput) { i.FunctionName = aws.String("none") })},
		{"another account's function", "ResourceNotFoundException", "arn:aws:lambda:us-east-1:111111111111:function:f",
			in(func(i *lambda.InvokeInput) {
				i.FunctionName = aws.String("arn:aws:lambda:us-east-1:111111111111:function:f")
			})},
		{"a version", "ResourceNotFoundException", "function:f:7", in(func(i *lambda.InvokeInput) { i.Qualifier = aws.String("7") })},
		{"no JSON", "InvalidRequestContentException", "Could not parse request body into json",
			in(func(i *lambda.InvokeInput) { i.Payload = []byte("{") })},
		{"too large an event", "RequestTooLargeException", "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
			in(func(i *lambda.InvokeInput) { i.Payload, i.InvocationType = large, types.InvocationTypeEvent })},
		{"too large a request", "RequestTooLargeException", "(limit 6291456 bytes)",
			in(func(i *lambda.InvokeInput) { i.Payload = slices.Repeat(large, 6) })},
		{"a log tail", "InvalidParameterValueException", "lambdacore does not implement the LogType Tail",
			in(func(i *lambda.InvokeInput) { i.LogType = types.LogTypeTail })},
		{"another operation", "UnknownOperationException", "*lambda.PublishVersionInput", &lambda.PublishVersionInput{}},
	} {
		b := newBench(t, Options{}, FunctionConfig{})
		_, effects, err := b.c.Do(b.now, row.input)
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != row.code || !strings.Contains(api.ErrorMessage(), row.text) || effects != nil {
			t.Errorf("%s: %v, effects %v", row.name, err, effects)
		}
	}
}

func TestFunctionsAreFoundByEveryName(t *testing.T) {
	b := newBench(t, Options{}, FunctionConfig{})
	for _, name := range []string{"f", "f:$LATEST", "000000000000:function:f", "function:f", "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"} {
		out, effects, err := b.c.Do(b.now, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeDryRun})
		if err != nil || out.(*lambda.InvokeOutput).StatusCode != 204 || effects != nil {
			t.Errorf("%s: %v, %v", name, effects, err)
		}
	}
}

func TestConfigurationsThatMakeNoSense(t *testing.T) {
	c := New(Options{})
	for name, config := range map[string]FunctionConfig{
		"no name": {}, "slow": {TimeoutSeconds: 901}, "stubborn": {MaximumRetryAttempts: aws.Int(3)},
		"old": {MaximumEventAgeSeconds: 59}, "topic": {OnFailureARN: "arn:aws:sns:us-east-1:0:t"},
	} {
		if err := c.Register(name, config); err == nil {
			t.Errorf("%s was registered", name)
		}
	}
	if got := c.Functions(); len(got) != 0 {
		t.Error(got)
	}
}

// TestEveryEventEnds: whatever the functions do, a synchronous invocation gets one answer, and an
// asynchronous one succeeds once or finally fails once.
func TestEveryEventEnds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, Options{}, FunctionConfig{OnFailureARN: "arn:aws:sqs:us-east-1:0:q"})
		running, requests := map[string]Run{}, map[string]int{} // ends by request
		take := func(effects []Effect) {
			for _, e := range effects {
				switch e := e.(type) {
				case Run:
					if running[e.InvocationID].InvocationID != "" {
						rt.Fatalf("invocation %s runs twice", e.InvocationID)
					}
					if e.Attempt > 3 {
						rt.Fatalf("attempt %d of %s", e.Attempt, e.RequestID)
					}
					running[e.InvocationID] = e
					requests[e.RequestID] += 0
				case Stop:
					delete(running, e.InvocationID)
				case Answer:
					requests[strings.Split(e.InvocationID, "/")[0]]++
				case OnFailure:
					var r failureRecord
					if err := json.Unmarshal([]byte(e.Body), &r); err != nil {
						rt.Fatal(err)
					}
					requests[r.RequestContext.RequestID]++
				}
			}
		}
		kinds := map[string]types.InvocationType{}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 2).Draw(rt, "step") {
			case 0:
				kind := rapid.SampledFrom([]types.InvocationType{types.InvocationTypeEvent, types.InvocationTypeRequestResponse}).Draw(rt, "kind")
				_, effects := b.invoke(kind, "{}")
				kinds[effects[len(effects)-1].(Run).RequestID] = kind
				take(effects)
			case 1:
				ids := make([]string, 0, len(running))
				for id := range running {
					ids = append(ids, id)
				}
				if slices.Sort(ids); len(ids) == 0 {
					continue
				}
				run := running[rapid.SampledFrom(ids).Draw(rt, "run")]
				delete(running, run.InvocationID)
				if rapid.Bool().Draw(rt, "fails") {
					take(b.fail(run.InvocationID))
					continue
				}
				if kinds[run.RequestID] == types.InvocationTypeEvent {
					requests[run.RequestID]++
				}
				take(b.c.Returned(b.now, run.InvocationID, nil, nil))
			case 2:
				if at, ok := b.c.NextDeadline(); ok {
					b.now = at
					take(b.c.Tick(at))
				}
			}
		}
		for at, ok := b.c.NextDeadline(); ok; at, ok = b.c.NextDeadline() {
			b.now = at
			take(b.c.Tick(at))
		}
		for id, ends := range requests {
			if ends != 1 {
				rt.Fatalf("request %s ended %d times", id, ends)
			}
		}
	})
}

func messages(ids ...string) []sqstypes.Message {
	var list []sqstypes.Message
	for _, id := range ids {
		list = append(list, sqstypes.Message{MessageId: aws.String(id), Body: aws.String("body " + id), ReceiptHandle: aws.String("handle " + id),
			Attributes:        map[string]string{"MessageGroupId": "g"},
			MessageAttributes: map[string]sqstypes.MessageAttributeValue{"n": {DataType: aws.String("String"), StringValue: aws.String("v")}}})
	}
	return list
}

func TestSQSEventReadsBack(t *testing.T) {
	var event events.SQSEvent
	if err := json.Unmarshal(SQSEvent("arn:aws:sqs:us-east-1:0:q", "us-east-1", messages("1", "2")), &event); err != nil {
		t.Fatal(err)
	}
	r := event.Records[1]
	if len(event.Records) != 2 || r.MessageId != "2" || r.Body != "body 2" || r.ReceiptHandle != "handle 2" || r.Attributes["MessageGroupId"] != "g" ||
		*r.MessageAttributes["n"].StringValue != "v" || r.EventSource != "aws:sqs" || r.EventSourceARN != "arn:aws:sqs:us-east-1:0:q" {
		t.Fatalf("%+v", r)
	}
}

// TestHandled (Lambda Developer Guide, services-sqs-errorhandling).
func TestHandled(t *testing.T) {
	for _, row := range []struct {
		name, payload string
		report        bool
		failed        bool
		want          string
	}{
		{"success", "null", false, false, "1 2"},
		{"failure", "{}", false, true, ""},
		{"a report that is not asked for", `{"batchItemFailures":[{"itemIdentifier":"1"}]}`, false, false, "1 2"},
		{"an empty report", "{}", true, false, "1 2"},
		{"a null report", "null", true, false, "1 2"},
		{"no failures", `{"batchItemFailures":[]}`, true, false, "1 2"},
		{"null failures", `{"batchItemFailures":null}`, true, false, "1 2"},
		{"one failed", `{"batchItemFailures":[{"itemIdentifier":"1"}]}`, true, false, "2"},
		{"a message that is not in the batch", `{"batchItemFailures":[{"itemIdentifier":"3"}]}`, true, false, ""},
		{"an empty id", `{"batchItemFailures":[{"itemIdentifier":""}]}`, true, false, ""},
		{"a null id", `{"batchItemFailures":[{"itemIdentifier":null}]}`, true, false, ""},
		{"another key", `{"batchItemFailures":[{"id":"1"}]}`, true, false, ""},
		{"no object", `"done"`, true, false, ""},
		{"another member", `{"failures":[]}`, true, false, ""},
	} {
		out := &lambda.InvokeOutput{Payload: []byte(row.payload)}
		if row.failed {
			out.FunctionError = aws.String(unhandled)
		}
		var ids []string
		for _, m := range (Mapping{ReportBatchItemFailures: row.report}).Handled(messages("1", "2"), out) {
			ids = append(ids, *m.MessageId)
		}
		if got := strings.Join(ids, " "); got != row.want {
			t.Errorf("%s: handled %q, want %q", row.name, got, row.want)
		}
	}
}

func FuzzBatchItemFailures(f *testing.F) {
	for _, seed := range []string{`{"batchItemFailures":[{"itemIdentifier":"1"}]}`, "null", "", "[]", `{"batchItemFailures":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		ids, ok := BatchItemFailures(payload)
		if slices.Contains(ids, "") || !ok && ids != nil {
			t.Fatalf("%s names %q", payload, ids)
		}
	})
}

func TestMappings(t *testing.T) {
	b := newBench(t, Options{}, FunctionConfig{})
	if err := b.c.AddMapping("dead", "f", 10, true); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"the same again": b.c.AddMapping("dead", "f", 10, true), "no function": b.c.AddMapping("q", "none", 10, true),
		"eleven messages": b.c.AddMapping("q", "f", 11, true),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if got := b.c.Mappings(); len(got) != 1 || got[0] != (Mapping{"dead", "f", 10, true}) {
		t.Error(got)
	}
}

// TestStatusChange (Step Functions Developer Guide, eventbridge-integration).
func TestStatusChange(t *testing.T) {
	s := StatusChange{
		ID: "1", AccountID: "000000000000", Region: "us-east-1", Time: time.UnixMilli(2_500), ExecutionARN: "arn:e", StateMachineARN: "arn:m",
		Name: "n", Status: "FAILED", StartDate: time.UnixMilli(1_000), StopDate: time.UnixMilli(2_500), Input: `{"a":1}`,
		Error: aws.String("States.Timeout"), Cause: aws.String("late"),
	}
	const want = `{"version":"0","id":"1","detail-type":"Step Functions Execution Status Change","source":"aws.states","account":"000000000000",` +
		`"time":"1970-01-01T00:00:02Z","region":"us-east-1","resources":["arn:e"],"detail":{"executionArn":"arn:e","stateMachineArn":"arn:m",` +
		`"name":"n","status":"FAILED","startDate":1000,"stopDate":2500,"input":"{\"a\":1}","inputDetails":{"included":true},"output":null,` +
		`"outputDetails":null,"error":"States.Timeout","cause":"late"}}`
	if got := string(s.Event()); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	s.Input, s.Output = `"`+strings.Repeat("x", 200<<10)+`"`, aws.String(`"`+strings.Repeat("x", 100<<10)+`"`)
	var event struct {
		Detail struct {
			Input, Output               *string
			InputDetails, OutputDetails included
		}
	}
	if err := json.Unmarshal(s.Event(), &event); err != nil || event.Detail.Input != nil || event.Detail.InputDetails.Included ||
		event.Detail.Output == nil || !event.Detail.OutputDetails.Included {
		t.Fatalf("%v, %+v", err, event.Detail.InputDetails)
	}
}

// BenchmarkInvoke: one synchronous invocation from Do to Returned while ten thousand others run.
func BenchmarkInvoke(b *testing.B) {
	c := newBench(b, Options{}, FunctionConfig{TimeoutSeconds: 900})
	for range 10_000 {
		c.invoke(types.InvocationTypeRequestResponse, `{}`)
	}
	b.ReportAllocs()
	for b.Loop() {
		out, _ := c.invoke(types.InvocationTypeRequestResponse, `{}`)
		if answer := one[Answer](c, c.c.Returned(c.now, out.(*Pending).InvocationID, []byte(`1`), nil)); answer.Output == nil {
			b.Fatal("no answer")
		}
		c.c.NextDeadline()
	}
}

// TestFunctionsAreListedByName (Lambda API Reference, ListFunctions).
func TestFunctionsAreListedByName(t *testing.T) {
	c := New(Options{})
	for _, name := range []string{"zeta", "alpha"} {
		if err := c.Register(name, FunctionConfig{TimeoutSeconds: 7}); err != nil {
			t.Fatal(err)
		}
	}
	output, _, err := c.Do(time.Unix(0, 0), &lambda.ListFunctionsInput{})
	if err != nil {
		t.Fatal(err)
	}
	list := output.(*lambda.ListFunctionsOutput).Functions
	if len(list) != 2 || *list[0].FunctionName != "alpha" || *list[1].FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:zeta" || *list[0].Timeout != 7 {
		t.Errorf("listed %+v", list)
	}
	if output, _, err := c.Do(time.Unix(0, 0), &lambda.ListFunctionsInput{MaxItems: aws.Int32(1)}); err == nil || output != nil {
		t.Errorf("a page of one gave %v, %v; want a refusal", output, err)
	}
}
