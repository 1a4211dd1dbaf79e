package sfncore_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// lab is a core with a clock that only the test moves, and the calls that the core has asked for.
type lab struct {
	t     rapid.TB
	core  *sfncore.Core
	now   time.Time
	tasks []sfncore.RunTask
	ended []sfncore.ExecutionEnded
}

func newLab(t rapid.TB, options sfncore.Options) *lab {
	return &lab{t: t, core: sfncore.New(options), now: epoch}
}

func (l *lab) take(effects []sfncore.Effect) {
	if fields := l.core.Broken(); len(fields) > 0 {
		l.t.Fatalf("the invariants of %v are broken", fields)
	}
	for _, effect := range effects {
		switch e := effect.(type) {
		case sfncore.RunTask:
			l.tasks = append(l.tasks, e)
		case sfncore.ExecutionEnded:
			l.ended = append(l.ended, e)
		}
	}
}

// try serves a request and returns its error.
func try[Out any](l *lab, input any) (Out, error) {
	l.t.Helper()
	output, effects, err := l.core.Do(l.now, input)
	l.take(effects)
	if err != nil {
		var none Out
		return none, err
	}
	return output.(Out), nil
}

// must serves a request that has to succeed.
func must[Out any](l *lab, input any) Out {
	l.t.Helper()
	output, err := try[Out](l, input)
	if err != nil {
		l.t.Fatalf("%T: %v", input, err)
	}
	return output
}

// create makes a machine named "flow" of the definition.
func (l *lab) create(definition string) string {
	l.t.Helper()
	return *must[*sfn.CreateStateMachineOutput](l, &sfn.CreateStateMachineInput{
		Name: aws.String("flow"), RoleArn: aws.String("arn:aws:iam::000000000000:role/flow"), Definition: aws.String(definition),
	}).StateMachineArn
}

// start starts an execution of the machine named "flow".
func (l *lab) start(name, input string) string {
	l.t.Helper()
	return *must[*sfn.StartExecutionOutput](l, &sfn.StartExecutionInput{
		StateMachineArn: aws.String("arn:aws:states:us-east-1:000000000000:stateMachine:flow"), Name: aws.String(name), Input: aws.String(input),
	}).ExecutionArn
}

// flow runs a definition until it first waits.
func flow(t rapid.TB, definition, input string) (*lab, string) {
	t.Helper()
	l := newLab(t, sfncore.Options{})
	l.create(definition)
	return l, l.start("x", input)
}

// states makes a definition that starts at A; the states are "Name": {…} members.
func states(members string) string {
	return `{"StartAt":"A","States":{` + members + `}}`
}

// next takes the oldest call that the core has asked for.
func (l *lab) next() sfncore.RunTask {
	l.t.Helper()
	if len(l.tasks) == 0 {
		l.t.Fatal("no call was asked for")
	}
	task := l.tasks[0]
	l.tasks = l.tasks[1:]
	return task
}

func (l *lab) done(task sfncore.RunTask, output string) {
	l.take(l.core.TaskDone(l.now, task.TaskID, json.RawMessage(output), nil))
}

func (l *lab) fail(task sfncore.RunTask, name, cause string) {
	l.take(l.core.TaskDone(l.now, task.TaskID, nil, &sfncore.TaskFailure{Error: name, Cause: cause}))
}

func (l *lab) answer(token, output string) error {
	l.t.Helper()
	_, err := try[*sfn.SendTaskSuccessOutput](l, &sfn.SendTaskSuccessInput{TaskToken: aws.String(token), Output: aws.String(output)})
	return err
}

func (l *lab) refuse(token, name, cause string) error {
	l.t.Helper()
	_, err := try[*sfn.SendTaskFailureOutput](l, &sfn.SendTaskFailureInput{
		TaskToken: aws.String(token), Error: aws.String(name), Cause: aws.String(cause),
	})
	return err
}

func (l *lab) heartbeat(token string) error {
	l.t.Helper()
	_, err := try[*sfn.SendTaskHeartbeatOutput](l, &sfn.SendTaskHeartbeatInput{TaskToken: aws.String(token)})
	return err
}

// pass moves the clock and fires each timer at its time.
func (l *lab) pass(d time.Duration) {
	until := l.now.Add(d)
	for at, ok := l.core.NextDeadline(); ok && !at.After(until); at, ok = l.core.NextDeadline() {
		l.now = at
		l.take(l.core.Tick(at))
	}
	l.now = until
	l.take(l.core.Tick(until))
}

func (l *lab) describe(arn string) *sfn.DescribeExecutionOutput {
	l.t.Helper()
	return must[*sfn.DescribeExecutionOutput](l, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(arn)})
}

// result says in one line what became of an execution.
func (l *lab) result(arn string) string {
	l.t.Helper()
	d := l.describe(arn)
	switch d.Status {
	case types.ExecutionStatusSucceeded:
		return "SUCCEEDED " + *d.Output
	case types.ExecutionStatusRunning:
		return "RUNNING"
	}
	return fmt.Sprintf("%s %s: %s", d.Status, aws.ToString(d.Error), aws.ToString(d.Cause))
}

func (l *lab) expect(arn, want string) {
	l.t.Helper()
	if got := l.result(arn); got != want {
		l.t.Fatalf("the execution ended wrongly\n got %s\nwant %s", got, want)
	}
}

// history writes an execution's history, one event a line: id, predecessor, seconds since the
// epoch, type, details.
func (l *lab) history(arn string) string {
	l.t.Helper()
	out := must[*sfn.GetExecutionHistoryOutput](l, &sfn.GetExecutionHistoryInput{ExecutionArn: aws.String(arn), MaxResults: 1000})
	var b strings.Builder
	for _, e := range out.Events {
		fmt.Fprintf(&b, "%d <%d +%gs %s%s\n", e.Id, e.PreviousEventId, e.Timestamp.Sub(epoch).Seconds(), e.Type, details(l.t, e))
	}
	return b.String()
}

// details writes the details of an event, without what is always the same.
func details(t rapid.TB, e types.HistoryEvent) string {
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for name, field := range fields {
		if !strings.HasSuffix(name, "EventDetails") || string(field) == "null" {
			continue
		}
		var d map[string]any
		if err := json.Unmarshal(field, &d); err != nil {
			t.Fatal(err)
		}
		for key, value := range d {
			if value == nil || key == "InputDetails" || key == "OutputDetails" || key == "RoleArn" || key == "Region" {
				delete(d, key)
			}
		}
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(d); err != nil {
			t.Fatal(err)
		}
		return " " + strings.ReplaceAll(strings.TrimSpace(b.String()), `\"`, `'`)
	}
	return ""
}
