package sfncore_test

import (
	"strings"
	"testing"
	"time"
)

// TestDataFlow shows what each field does to the data (Developer Guide, Input and output
// processing).
func TestDataFlow(t *testing.T) {
	for _, tc := range []struct{ name, states, input, calls, want string }{
		{"a result replaces the input", `"A":{` + invoke + `,"End":true}`, `{"a":1}`, `{"a":1}`, `{"r":2}`},
		{"ResultPath adds the result to the raw input", `"A":{` + invoke + `,"InputPath":"$.a","ResultPath":"$.b","End":true}`, `{"a":{"x":1}}`, `{"x":1}`, `{"a":{"x":1},"b":{"r":2}}`},
		{"ResultPath null drops the result", `"A":{` + invoke + `,"ResultPath":null,"End":true}`, `{"a":1}`, `{"a":1}`, `{"a":1}`},
		{"InputPath null is {}", `"A":{` + invoke + `,"InputPath":null,"ResultPath":null,"End":true}`, `{"a":1}`, `{}`, `{"a":1}`},
		{"OutputPath null is {}", `"A":{` + invoke + `,"OutputPath":null,"End":true}`, `{"a":1}`, `{"a":1}`, `{}`},
		{"Parameters see the input after InputPath", `"A":{` + invoke + `,"InputPath":"$.a","Parameters":{"y.$":"$.x","k":"v"},"End":true}`, `{"a":{"x":1}}`, `{"k":"v","y":1}`, `{"r":2}`},
		{"ResultSelector shapes the result", `"A":{` + invoke + `,"ResultSelector":{"s.$":"$.r"},"ResultPath":"$.b","OutputPath":"$.b","End":true}`, `{}`, `{}`, `{"s":2}`},
		{"Pass passes", `"A":{"Type":"Pass","End":true}`, `[1]`, ``, `[1]`},
		{"Pass has a result", `"A":{"Type":"Pass","Result":{"k":1},"ResultPath":"$.b","End":true}`, `{"a":1}`, ``, `{"a":1,"b":{"k":1}}`},
		{"Pass has a result of null", `"A":{"Type":"Pass","Result":null,"End":true}`, `{"a":1}`, ``, `null`},
		{"Pass has parameters", `"A":{"Type":"Pass","Parameters":{"b.$":"$.a"},"End":true}`, `{"a":1}`, ``, `{"b":1}`},
		{"the context object", `"A":{"Type":"Pass","Parameters":{"e.$":"$$.Execution.Name","i.$":"$$.Execution.Input.a","m.$":"$$.StateMachine.Name","s.$":"$$.State.Name","t.$":"$$.State.EnteredTime","x.$":"$$.Execution.StartTime"},"End":true}`,
			`{"a":1}`, ``, `{"e":"x","i":1,"m":"flow","s":"A","t":"2030-01-01T00:00:00.000Z","x":"2030-01-01T00:00:00.000Z"}`},
		{"Map is a list in order", `"A":{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","Parameters":{"v.$":"$","i.$":"$$.Map.Item.Index"},"End":true}}},"End":true}`,
			`["a","b"]`, ``, `[{"i":0,"v":"a"},{"i":1,"v":"b"}]`},
		{"ItemSelector sees the Map's input and the item", `"A":{"Type":"Map","ItemsPath":"$.l","ItemSelector":{"v.$":"$$.Map.Item.Value.k","k.$":"$.k"},"ResultPath":"$.l","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"End":true}`,
			`{"k":7,"l":[{"k":1}]}`, ``, `{"k":7,"l":[{"k":7,"v":1}]}`},
		{"Map under its older names", `"A":{"Type":"Map","Parameters":{"v.$":"$$.Map.Item.Value"},"Iterator":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"End":true}`, `[1]`, ``, `[{"v":1}]`},
		{"Map of nothing", `"A":{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"End":true}`, `[]`, ``, `[]`},
		{"Map of Maps", `"A":{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Map","ItemProcessor":{"StartAt":"J","States":{"J":{"Type":"Pass","Parameters":{"j.$":"$$.Map.Item.Index"},"End":true}}},"End":true}}},"End":true}`,
			`[[5,6],[]]`, ``, `[[{"j":0},{"j":1}],[]]`},
		{"Parallel gives every branch the input", `"A":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","OutputPath":"$.a","End":true}}},{"StartAt":"C","States":{"C":{"Type":"Wait","Seconds":3,"End":true}}}],"ResultSelector":{"both.$":"$"},"End":true}`,
			`{"a":1}`, ``, `{"both":[1,{"a":1}]}`},
		{"Choice takes the first rule that holds", `"A":{"Type":"Choice","InputPath":"$.c","Choices":[{"Variable":"$.n","NumericGreaterThan":9,"Next":"B"},{"Variable":"$.n","NumericGreaterThan":1,"Next":"C"},{"Variable":"$.n","NumericGreaterThan":1,"Next":"B"}]},"B":{"Type":"Fail"},"C":{"Type":"Succeed"}`,
			`{"c":{"n":2}}`, ``, `{"n":2}`},
		{"a function's own ARN gives the bare payload", `"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}`, `1`, `1`, `{"r":2}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, arn := flow(t, states(tc.states), tc.input)
			if tc.calls != "" {
				task := l.next()
				if string(task.Input) != tc.calls {
					t.Errorf("the call has the input %s, want %s", task.Input, tc.calls)
				}
				l.done(task, `{"r":2}`)
			}
			l.pass(time.Minute)
			l.expect(arn, "SUCCEEDED "+tc.want)
		})
	}
}

func TestFailStates(t *testing.T) {
	for state, want := range map[string]string{
		`{"Type":"Fail"}`: "FAILED : ",
		`{"Type":"Fail","Error":"E","Cause":"why"}`:      "FAILED E: why",
		`{"Type":"Fail","ErrorPath":"$.e","Cause":"c"}`:  "FAILED X: c",
		`{"Type":"Fail","CausePath":"States.UUID()"}`:    "FAILED : 00000000-0000-4000-8000-000000000001",
		`{"Type":"Fail","CausePath":"$$.State.Name"}`:    "FAILED : A",
		`{"Type":"Fail","Error":"E","CausePath":"$.n"}`:  "FAILED States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). The CausePath must yield a string, not 1",
		`{"Type":"Fail","Error":"E","CausePath":"$.no"}`: "FAILED States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). The JSONPath '$.no' specified for the field 'CausePath' could not be found in the input '{\"e\":\"X\",\"n\":1}'",
	} {
		l, arn := flow(t, states(`"A":`+state), `{"e":"X","n":1}`)
		l.expect(arn, want)
	}
}

// TestWaits shows how long a Wait state waits (Developer Guide, Wait state). A time that has passed
// does not wait.
func TestWaits(t *testing.T) {
	for field, want := range map[string]time.Duration{
		`"Seconds":0`:                          0,
		`"Seconds":90`:                         90 * time.Second,
		`"SecondsPath":"$.s"`:                  7 * time.Second,
		`"Timestamp":"2030-01-01T00:00:05Z"`:   5 * time.Second,
		`"Timestamp":"2029-12-31T23:59:59Z"`:   0,
		`"TimestampPath":"$.t"`:                1500 * time.Millisecond,
		`"TimestampPath":"$$.Execution.Input"`: -1,
	} {
		l, arn := flow(t, states(`"A":{"Type":"Wait",`+field+`,"OutputPath":"$.s","End":true}`), `{"s":7,"t":"2030-01-01T01:00:01.5+01:00"}`)
		if want < 0 {
			if got := l.result(arn); !strings.HasPrefix(got, "FAILED States.Runtime: ") {
				t.Errorf("%s: %s", field, got)
			}
			continue
		}
		if want > 0 {
			l.pass(want - 1)
			l.expect(arn, "RUNNING")
			l.pass(1)
		}
		l.expect(arn, "SUCCEEDED 7")
	}
}

// TestMapConcurrency: MaxConcurrency iterations run at once, 40 if it sets no cap (Developer Guide,
// Map state).
func TestMapConcurrency(t *testing.T) {
	items := "[" + strings.TrimSuffix(strings.Repeat("0,", 50), ",") + "]"
	for field, want := range map[string]int{`"MaxConcurrency":1`: 1, `"MaxConcurrency":3`: 3, `"MaxConcurrency":0`: 40, `"MaxConcurrencyPath":"$.n"`: 2} {
		l, arn := flow(t, states(`"A":{"Type":"Map","ItemsPath":"$.l",`+field+`,"ItemProcessor":{"StartAt":"I","States":{"I":{`+invoke+`,"End":true}}},"OutputPath":"$[49]","End":true}`),
			`{"n":2,"l":`+items+`}`)
		for done := range 50 {
			if open, most := len(l.tasks), min(want, 50-done); open != most {
				t.Fatalf("%s: %d calls are open after %d, want %d", field, open, done, most)
			}
			l.done(l.next(), `1`)
		}
		l.expect(arn, "SUCCEEDED 1")
	}
}

func TestAFailedIterationFailsTheMapAndAbortsTheRest(t *testing.T) {
	l, arn := flow(t, states(`"A":{"Type":"Map","MaxConcurrency":2,"ItemProcessor":{"StartAt":"I","States":{"I":{`+invoke+`,"End":true}}},
		"Retry":[{"ErrorEquals":["E"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}],"End":true},"B":{"Type":"Succeed"}`), `[1,2,3]`)
	sibling := l.next()
	l.fail(l.next(), "E", "first")
	l.done(sibling, `1`) // aborted: ignored
	if len(l.tasks) != 0 {
		t.Fatalf("the Map goes on: %v", l.tasks)
	}
	l.pass(time.Second) // a retry runs every iteration again
	if len(l.tasks) != 2 {
		t.Fatalf("%d calls after the retry, want 2", len(l.tasks))
	}
	l.fail(l.next(), "E", "second")
	l.expect(arn, `SUCCEEDED {"Cause":"second","Error":"E"}`)
}

func TestAFailedBranchFailsTheParallelWithItsOwnError(t *testing.T) {
	l, arn := flow(t, states(`"A":{"Type":"Parallel","Branches":[
		{"StartAt":"B","States":{"B":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","End":true}}},
		{"StartAt":"C","States":{"C":{"Type":"Wait","Seconds":5,"Next":"D"},"D":{"Type":"Fail","Error":"E","Cause":"why"}}}],"End":true}`), `{}`)
	task := l.next()
	l.pass(5 * time.Second)
	l.expect(arn, "FAILED E: why")
	wantDead(t, l.answer(task.Token, `1`))
	want := []string{"TaskStateAborted", "ParallelStateFailed", "ExecutionFailed"}
	history := l.history(arn)
	for _, kind := range want {
		if !strings.Contains(history, " "+kind) {
			t.Errorf("no %s in\n%s", kind, history)
		}
	}
}

func TestDataOverTheLimitFailsTheState(t *testing.T) {
	l, arn := flow(t, states(`"A":{"Type":"Pass","Parameters":{"a.$":"$","b.$":"$"},"End":true}`), `"`+strings.Repeat("x", 200_000)+`"`)
	l.expect(arn, "FAILED States.DataLimitExceeded: The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit.")
}

// TestFunctionARNEvents: a function's own ARN has events of its own (API Reference, HistoryEvent).
func TestFunctionARNEvents(t *testing.T) {
	l, arn := flow(t, states(`"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","TimeoutSeconds":9,
		"Retry":[{"ErrorEquals":["States.ALL"]}],"End":true}`), `1`)
	l.fail(l.next(), "E", "why")
	l.pass(time.Second)
	l.next()
	l.pass(11 * time.Second)
	l.done(l.next(), `2`)
	golden(t, "function-arn", l.history(arn)+l.result(arn)+"\n")
}

// TestAMapThatCannotBeginAnIterationLeavesNothingOpen: the iterations under way are closed, however
// deep the Map is nested.
func TestAMapThatCannotBeginAnIterationLeavesNothingOpen(t *testing.T) {
	l, arn := flow(t, states(`"A":{"Type":"Parallel","Branches":[{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":2,
		"ItemSelector":{"k.$":"$$.Map.Item.Value.k"},
		"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","TimeoutSeconds":9,"End":true}}},
		"End":true}}}],"End":true}`), `[{"k":1},{"k":2},{}]`)
	wantNoError(t, l.answer(l.next().Token, `1`))
	if got := l.result(arn); !strings.HasPrefix(got, "FAILED States.Runtime: ") {
		t.Errorf("%s", got)
	}
	wantDead(t, l.answer(l.next().Token, `1`))
	if at, left := l.core.NextDeadline(); left {
		t.Errorf("a deadline is left at %v", at)
	}
}
