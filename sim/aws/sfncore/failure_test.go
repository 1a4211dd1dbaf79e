package sfncore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

const invoke = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke"`

// TestWhatCatches shows which names take which failures (Developer Guide, Handling errors).
func TestWhatCatches(t *testing.T) {
	timeOut := func(l *lab) { l.next(); l.pass(5 * time.Second) }
	failAs := func(name string) func(l *lab) { return func(l *lab) { l.fail(l.next(), name, "why") } }
	tooLarge := func(l *lab) { l.done(l.next(), `"`+strings.Repeat("x", 262_143)+`"`) }
	for _, tc := range []struct {
		names string
		fail  func(l *lab)
		want  string
	}{
		{`"E"`, failAs("E"), `SUCCEEDED {"Cause":"why","Error":"E"}`},
		{`"D","E"`, failAs("E"), `SUCCEEDED {"Cause":"why","Error":"E"}`},
		{`"D"`, failAs("E"), `FAILED E: why`},
		{`"States.ALL"`, failAs("E"), `SUCCEEDED {"Cause":"why","Error":"E"}`},
		{`"States.TaskFailed"`, failAs("E"), `SUCCEEDED {"Cause":"why","Error":"E"}`},
		{`"States.ALL"`, timeOut, `SUCCEEDED {"Cause":null,"Error":"States.Timeout"}`},
		{`"States.Timeout"`, timeOut, `SUCCEEDED {"Cause":null,"Error":"States.Timeout"}`},
		{`"States.TaskFailed"`, timeOut, `FAILED States.Timeout: `},
		{`"States.HeartbeatTimeout"`, timeOut, `FAILED States.Timeout: `},
		{`"States.ALL"`, tooLarge, `FAILED States.DataLimitExceeded: The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit.`},
	} {
		l, arn := flow(t, states(`"A":{`+invoke+`,"TimeoutSeconds":5,"Catch":[{"ErrorEquals":[`+tc.names+`],"Next":"B"}],"End":true},"B":{"Type":"Succeed"}`), `{}`)
		tc.fail(l)
		if got := l.result(arn); got != tc.want {
			t.Errorf("a catcher of %s: %s, want %s", tc.names, got, tc.want)
		}
	}
}

// TestNothingCatchesARuntimeError: neither States.ALL nor States.Runtime does (Developer Guide,
// Handling errors).
func TestNothingCatchesARuntimeError(t *testing.T) {
	prefix := "FAILED States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). "
	for _, tc := range []struct{ state, want string }{
		{`{` + invoke + `,"Parameters":{"v.$":"$.a"},%s}`, `The JSONPath '$.a' specified for the field 'v.$' could not be found in the input '{"b":1}'`},
		{`{` + invoke + `,"InputPath":"$.a",%s}`, `Invalid path '$.a' : No results for path: $['a']`},
		{`{` + invoke + `,"TimeoutSecondsPath":"$.a",%s}`, `Invalid path '$.a' : No results for path: $['a']`},
		{`{` + invoke + `,"Parameters":{"v.$":"States.MathAdd($.a, 1)"},%s}`,
			`The function 'States.MathAdd($.a, 1)' had the following error: The JsonPath argument for the field '$.a' could not be found in the input '{"b":1}'`},
		{`{"Type":"Map","ItemsPath":"$.b","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},%s}`, `Reference path "$.b" must point to array.`},
	} {
		for _, names := range []string{"States.ALL", "States.Runtime"} {
			catch := fmt.Sprintf(`"Retry":[{"ErrorEquals":[%q]}],"Catch":[{"ErrorEquals":[%q],"Next":"B"}],"End":true`, names, names)
			l, arn := flow(t, states(`"A":`+fmt.Sprintf(tc.state, catch)+`,"B":{"Type":"Succeed"}`), `{"b":1}`)
			l.expect(arn, prefix+tc.want)
		}
	}
	for _, tc := range []struct{ state, want string }{
		{`{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}]}`,
			`Invalid path '$.a': The choice state's condition path references an invalid value.`},
		{`{"Type":"Choice","Choices":[{"Variable":"$.b","IsNull":true,"Next":"A"}]}`,
			`Failed to transition out of the state 'A'. The state does not point to a next state.`},
		{`{"Type":"Pass","OutputPath":"$.a","End":true}`, `Invalid path '$.a' : No results for path: $['a']`},
		{`{"Type":"Wait","SecondsPath":"$.a","End":true}`, `Invalid path '$.a' : No results for path: $['a']`},
	} {
		l, arn := flow(t, states(`"A":`+tc.state), `{"b":1}`)
		l.expect(arn, prefix+tc.want)
	}
}

func TestResultPathThatDoesNotFitIsCaught(t *testing.T) {
	l, arn := flow(t, states(`"A":{`+invoke+`,"ResultPath":"$.b.c","Catch":[{"ErrorEquals":["States.ResultPathMatchFailure"],"ResultPath":"$.e","Next":"B"}],"End":true},
		"B":{"Type":"Pass","OutputPath":"$.e.Error","End":true}`), `{"b":1}`)
	l.done(l.next(), `1`)
	l.expect(arn, `SUCCEEDED "States.ResultPathMatchFailure"`)
}

// TestRetries shows when a state is tried again, in seconds after its first attempt (Developer
// Guide, Retrying after an error).
func TestRetries(t *testing.T) {
	highest := func(n int, _ string) int { return n - 1 }
	for _, tc := range []struct {
		name, retry string
		choose      func(int, string) int
		errors      []string // of the attempts
		want        []int    // when the attempts begin
	}{
		{"defaults: three, after 1, 2 and 4 s", `[{"ErrorEquals":["States.ALL"]}]`, nil, []string{"E", "E", "E", "E"}, []int{0, 1, 3, 7}},
		{"backoff and its cap", `[{"ErrorEquals":["E"],"IntervalSeconds":2,"BackoffRate":3,"MaxDelaySeconds":10,"MaxAttempts":4}]`, nil,
			[]string{"E", "E", "E", "E", "E"}, []int{0, 2, 8, 18, 28}},
		{"MaxAttempts 0 is never", `[{"ErrorEquals":["E"],"MaxAttempts":0}]`, nil, []string{"E"}, []int{0}},
		{"each retrier counts for itself", `[{"ErrorEquals":["E"],"MaxAttempts":1,"IntervalSeconds":5},{"ErrorEquals":["F"],"MaxAttempts":1,"IntervalSeconds":7}]`, nil,
			[]string{"E", "F", "E"}, []int{0, 5, 12}},
		{"the first that matches decides, used up or not", `[{"ErrorEquals":["E"],"MaxAttempts":1},{"ErrorEquals":["States.ALL"],"MaxAttempts":9}]`, nil,
			[]string{"E", "E"}, []int{0, 1}},
		{"an error of another name is not tried again", `[{"ErrorEquals":["E"]}]`, nil, []string{"F"}, []int{0}},
		{"full jitter, well-behaved", `[{"ErrorEquals":["E"],"JitterStrategy":"FULL","MaxAttempts":2,"IntervalSeconds":4}]`, nil, []string{"E", "E", "E"}, []int{0, 4, 12}},
		{"full jitter, drawn", `[{"ErrorEquals":["E"],"JitterStrategy":"FULL","MaxAttempts":2,"IntervalSeconds":4}]`, highest, []string{"E", "E", "E"}, []int{0, 0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t, sfncore.Options{Choose: tc.choose})
			l.create(states(`"A":{` + invoke + `,"Parameters":{"n.$":"$$.State.RetryCount"},"Retry":` + tc.retry + `,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}],"End":true},"B":{"Type":"Succeed"}`))
			arn := l.start("x", `{}`)
			var began []int
			for i, name := range tc.errors {
				task := l.next()
				if want := fmt.Sprintf(`{"n":%d}`, i); string(task.Input) != want {
					t.Errorf("attempt %d has the input %s, want %s", i, task.Input, want)
				}
				began = append(began, int(l.now.Sub(epoch).Seconds()))
				l.fail(task, name, "")
				if at, waits := l.core.NextDeadline(); waits && at.Before(epoch.Add(24*time.Hour)) {
					l.pass(at.Sub(l.now))
				}
			}
			if fmt.Sprint(began) != fmt.Sprint(tc.want) {
				t.Errorf("the attempts began at %v, want %v", began, tc.want)
			}
			l.expect(arn, fmt.Sprintf(`SUCCEEDED {"Cause":"","Error":%q}`, tc.errors[len(tc.errors)-1]))
		})
	}
}

func TestRetriesAreCountedPerVisitOfTheState(t *testing.T) {
	l, _ := flow(t, states(`"A":{`+invoke+`,"Retry":[{"ErrorEquals":["E"],"MaxAttempts":1}],"Next":"B"},
		"B":{"Type":"Choice","Choices":[{"Variable":"$","IsNull":true,"Next":"A"}],"Default":"C"},"C":{"Type":"Succeed"}`), `{}`)
	for range 3 {
		l.fail(l.next(), "E", "")
		l.pass(time.Second)
		l.done(l.next(), `null`)
	}
}

// TestMachineTimeout: the execution is TIMED_OUT, without error or cause, and nothing catches it
// (Developer Guide, State machine structure).
func TestMachineTimeout(t *testing.T) {
	l, arn := flow(t, `{"StartAt":"A","TimeoutSeconds":30,"States":{"A":{`+invoke+`,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}],"End":true},"B":{"Type":"Succeed"}}}`, `{}`)
	l.pass(29 * time.Second)
	l.expect(arn, "RUNNING")
	l.pass(time.Second)
	l.expect(arn, "TIMED_OUT : ")
	if d := l.describe(arn); d.Error != nil || d.Cause != nil || !d.StopDate.Equal(epoch.Add(30*time.Second)) {
		t.Errorf("error %v, cause %v, stopped %v", d.Error, d.Cause, d.StopDate)
	}
}

func TestAnExecutionLivesForAYearAtMost(t *testing.T) {
	l, arn := flow(t, states(`"A":{`+invoke+`,"End":true}`), `{}`)
	l.pass(365 * 24 * time.Hour)
	l.expect(arn, "TIMED_OUT : ")
}

// TestHistoryLimit: the 25,000th event is the failure (Developer Guide, Quotas).
func TestHistoryLimit(t *testing.T) {
	l, arn := flow(t, states(`"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}`), `{}`)
	l.expect(arn, "FAILED States.Runtime: The execution reached the maximum number of history events (25000).")
	if got := l.core.Executions()[0].Events; got != 25_000 {
		t.Errorf("the history has %d events", got)
	}
}

// TestHistoryLimitWithinOneStep: a Map that reaches the limit while it begins its iterations does
// not write past it.
func TestHistoryLimitWithinOneStep(t *testing.T) {
	var lead strings.Builder
	for i := range 20 { // two events each, so that the limit falls among the 40 MapIterationStarted of a round of 164 events
		next := fmt.Sprint("P", i+1)
		if i == 19 {
			next = "M"
		}
		fmt.Fprintf(&lead, `"P%d":{"Type":"Pass","Next":%q},`, i, next)
	}
	definition := `{"StartAt":"P0","States":{` + lead.String() +
		`"M":{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"ResultPath":null,"Next":"M"}}}`
	l, arn := flow(t, definition, "["+strings.TrimSuffix(strings.Repeat("0,", 40), ",")+"]")
	l.expect(arn, "FAILED States.Runtime: The execution reached the maximum number of history events (25000).")
	if got := l.core.Executions()[0].Events; got != 25_000 {
		t.Errorf("the history has %d events", got)
	}
}

func TestAnErrorThatMakesTheDataTooLargeFailsTheExecution(t *testing.T) {
	l, arn := flow(t, states(`"A":{`+invoke+`,"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"B"}],"End":true},"B":{"Type":"Succeed"}`),
		`{"a":"`+strings.Repeat("x", 262_100)+`"}`)
	l.fail(l.next(), "E", strings.Repeat("y", 100))
	l.expect(arn, "FAILED States.DataLimitExceeded: The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit.")
}
