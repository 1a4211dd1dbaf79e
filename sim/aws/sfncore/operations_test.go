package sfncore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

const (
	machineARN = "arn:aws:states:us-east-1:000000000000:stateMachine:flow"
	roleARN    = "arn:aws:iam::000000000000:role/flow"
)

var oneTask = states(`"A":{` + invoke + `,"End":true}`)

func (l *lab) wantCode(t *testing.T, input any, code, message string) {
	t.Helper()
	_, _, err := l.core.Do(l.now, input)
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("%T answers %v\nwant %s: %s", input, err, code, message)
	}
}

// TestANameIsUsedOnce: the same input finds the running execution, anything else gives
// ExecutionAlreadyExists (API Reference, StartExecution).
func TestANameIsUsedOnce(t *testing.T) {
	l := newLab(t, sfncore.Options{})
	l.create(oneTask)
	arn := l.start("x", `{"a":1}`)
	l.now = l.now.Add(time.Minute)
	again := must[*sfn.StartExecutionOutput](l, &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN), Name: aws.String("x"), Input: aws.String(`{"a":1}`)})
	if *again.ExecutionArn != arn || !again.StartDate.Equal(epoch) || len(l.tasks) != 1 {
		t.Errorf("started again as %s at %v, %d calls", *again.ExecutionArn, again.StartDate, len(l.tasks))
	}
	exists := "Execution Already Exists: '" + arn + "'"
	start := func(input string) *sfn.StartExecutionInput {
		return &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN), Name: aws.String("x"), Input: aws.String(input)}
	}
	l.wantCode(t, start(`{"a": 1}`), "ExecutionAlreadyExists", exists)
	l.done(l.next(), `1`)
	l.wantCode(t, start(`{"a":1}`), "ExecutionAlreadyExists", exists)
	l.now = l.now.Add(90*24*time.Hour - time.Second)
	l.wantCode(t, start(`{"a":1}`), "ExecutionAlreadyExists", exists)
	l.now = l.now.Add(time.Second)
	l.start("x", `{"a":1}`)
	if got := len(l.core.Executions()); got != 1 {
		t.Errorf("%d executions are remembered", got)
	}
}

func TestNamesAndInputsAreChecked(t *testing.T) {
	l := newLab(t, sfncore.Options{})
	l.create(oneTask)
	start := func(name, input string) *sfn.StartExecutionInput {
		return &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN), Name: aws.String(name), Input: aws.String(input)}
	}
	for _, name := range []string{"", "a b", "a#b", "a/b", "a:b", "a\nb", "a\u0085b", "a|b", strings.Repeat("x", 81)} {
		l.wantCode(t, start(name, `{}`), "InvalidName", "Invalid Name: '"+name+"'")
	}
	for _, name := range []string{"a", "a-b_c.d@e", "é", strings.Repeat("x", 80)} {
		l.start(name, `{}`)
	}
	l.wantCode(t, start("x", `{`), "InvalidExecutionInput", "Invalid State Machine Execution Input: 'unexpected EOF'")
	l.wantCode(t, start("x", `"`+strings.Repeat("x", 262_143)+`"`), "ValidationException",
		"1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144")
	l.start("x", `"`+strings.Repeat("x", 262_142)+`"`)
	unnamed := must[*sfn.StartExecutionOutput](l, &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN)})
	if d := l.describe(*unnamed.ExecutionArn); *d.Input != "{}" || *d.Name != "00000000-0000-4000-8000-000000000001" {
		t.Errorf("without name and input: %s, %s", *d.Name, *d.Input)
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	l := newLab(t, sfncore.Options{})
	machine, execution := machineARN, "arn:aws:states:us-east-1:000000000000:execution:flow:x"
	l.wantCode(t, &sfn.StartExecutionInput{StateMachineArn: aws.String(machine)}, "StateMachineDoesNotExist", "State Machine Does Not Exist: '"+machine+"'")
	l.wantCode(t, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machine)}, "StateMachineDoesNotExist", "State Machine Does Not Exist: '"+machine+"'")
	l.wantCode(t, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(execution)}, "ExecutionDoesNotExist", "Execution Does Not Exist: '"+execution+"'")
	l.wantCode(t, &sfn.StopExecutionInput{ExecutionArn: aws.String("x")}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: x'")
	l.wantCode(t, &sfn.GetExecutionHistoryInput{ExecutionArn: aws.String(machine)}, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: stateMachine'")
}

// TestRefusals: the core refuses by name what it does not support.
func TestRefusals(t *testing.T) {
	l := newLab(t, sfncore.Options{OmitHistory: true})
	l.create(oneTask)
	arn := l.start("x", `{}`)
	create := func(change func(in *sfn.CreateStateMachineInput)) *sfn.CreateStateMachineInput {
		in := &sfn.CreateStateMachineInput{Name: aws.String("other"), RoleArn: aws.String(roleARN), Definition: aws.String(oneTask)}
		change(in)
		return in
	}
	for _, tc := range []struct {
		input         any
		code, message string
	}{
		{&sfn.StartSyncExecutionInput{}, "UnknownOperationException", "sfncore does not know *sfn.StartSyncExecutionInput"},
		{&sfn.RedriveExecutionInput{}, "UnknownOperationException", "sfncore does not know *sfn.RedriveExecutionInput"},
		{&sfn.CreateActivityInput{}, "UnknownOperationException", "sfncore does not know *sfn.CreateActivityInput"},
		{nil, "UnknownOperationException", "sfncore does not know <nil>"},
		{create(func(in *sfn.CreateStateMachineInput) { in.Type = types.StateMachineTypeExpress }), "StateMachineTypeNotSupported",
			"State Machine Type Not Supported: 'EXPRESS'"},
		{create(func(in *sfn.CreateStateMachineInput) { in.Publish = true }), "ValidationException", "sfncore does not support Publish"},
		{create(func(in *sfn.CreateStateMachineInput) { in.EncryptionConfiguration = &types.EncryptionConfiguration{} }), "ValidationException",
			"sfncore does not support EncryptionConfiguration"},
		{create(func(in *sfn.CreateStateMachineInput) { in.Definition = aws.String(`{"StartAt":"A","States":{}}`) }), "InvalidDefinition",
			"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: At least one state is required at /States, MISSING_TRANSITION_TARGET: Missing 'StartAt' target: A at /StartAt'"},
		{&sfn.ListExecutionsInput{MapRunArn: aws.String("x")}, "ValidationException", "sfncore does not support MapRunArn"},
		{&sfn.GetExecutionHistoryInput{ExecutionArn: aws.String(arn)}, "ValidationException",
			"sfncore does not support GetExecutionHistory (histories are omitted by Options.OmitHistory)"},
	} {
		l.wantCode(t, tc.input, tc.code, tc.message)
	}
}

func TestCreateIsIdempotentForTheSameDefinition(t *testing.T) {
	l := newLab(t, sfncore.Options{})
	if first, second := l.create(oneTask), l.create(oneTask); first != second {
		t.Error("two machines")
	}
	l.wantCode(t, &sfn.CreateStateMachineInput{Name: aws.String("flow"), RoleArn: aws.String(roleARN), Definition: aws.String(waiter)},
		"StateMachineAlreadyExists", "State Machine Already Exists: '"+machineARN+"'")
}

// TestARunningExecutionKeepsItsDefinition: an update is for executions that begin after it (API
// Reference, UpdateStateMachine).
func TestARunningExecutionKeepsItsDefinition(t *testing.T) {
	l := newLab(t, sfncore.Options{})
	l.create(oneTask)
	old := l.start("old", `{}`)
	must[*sfn.UpdateStateMachineOutput](l, &sfn.UpdateStateMachineInput{
		StateMachineArn: aws.String(machineARN), Definition: aws.String(states(`"A":{"Type":"Pass","Result":"new","End":true}`)),
	})
	l.expect(l.start("new", `{}`), `SUCCEEDED "new"`)
	l.done(l.next(), `"old"`)
	l.expect(old, `SUCCEEDED "old"`)
	kept := must[*sfn.DescribeStateMachineForExecutionOutput](l, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: aws.String(old)})
	now := must[*sfn.DescribeStateMachineOutput](l, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machineARN)})
	if *kept.Definition != oneTask || *now.Definition == oneTask || kept.RevisionId != nil || now.RevisionId == nil {
		t.Errorf("kept %s (%v), now %s (%v)", *kept.Definition, kept.RevisionId, *now.Definition, now.RevisionId)
	}
	l.wantCode(t, &sfn.UpdateStateMachineInput{StateMachineArn: aws.String(machineARN)}, "MissingRequiredParameter",
		"Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified")
}

// TestADeletedMachineIsGoneWithItsLastExecution (API Reference, DeleteStateMachine).
func TestADeletedMachineIsGoneWithItsLastExecution(t *testing.T) {
	l := newLab(t, sfncore.Options{})
	l.create(oneTask)
	arn := l.start("x", `{}`)
	for range 2 {
		must[*sfn.DeleteStateMachineOutput](l, &sfn.DeleteStateMachineInput{StateMachineArn: aws.String(machineARN)})
	}
	d := must[*sfn.DescribeStateMachineOutput](l, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machineARN)})
	if d.Status != types.StateMachineStatusDeleting {
		t.Errorf("status %s", d.Status)
	}
	l.wantCode(t, &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN)}, "StateMachineDeleting", "State Machine is being deleted: '"+machineARN+"'")
	l.done(l.next(), `1`)
	l.expect(arn, "SUCCEEDED 1")
	l.wantCode(t, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machineARN)}, "StateMachineDoesNotExist", "State Machine Does Not Exist: '"+machineARN+"'")
}

func TestListsArePaged(t *testing.T) {
	l := newLab(t, sfncore.Options{})
	l.create(oneTask)
	for i := range 5 {
		l.start(fmt.Sprint("x", i), `{}`)
	}
	l.done(l.tasks[3], `1`)
	var seen []string
	var token *string
	for {
		out := must[*sfn.ListExecutionsOutput](l, &sfn.ListExecutionsInput{
			StateMachineArn: aws.String(machineARN), StatusFilter: types.ExecutionStatusRunning, MaxResults: 3, NextToken: token,
		})
		for _, x := range out.Executions {
			seen = append(seen, *x.Name)
		}
		if token = out.NextToken; token == nil {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "x4 x2 x1 x0" { // the latest first
		t.Errorf("listed %s", got)
	}
	history := &sfn.GetExecutionHistoryInput{ExecutionArn: aws.String("arn:aws:states:us-east-1:000000000000:execution:flow:x3"), ReverseOrder: true, MaxResults: 2}
	out := must[*sfn.GetExecutionHistoryOutput](l, history)
	if out.Events[0].Type != types.HistoryEventTypeExecutionSucceeded || out.Events[1].Id != 6 || out.NextToken == nil {
		t.Errorf("history backwards: %+v", out)
	}
	machines := must[*sfn.ListStateMachinesOutput](l, &sfn.ListStateMachinesInput{})
	if len(machines.StateMachines) != 1 || *machines.StateMachines[0].Name != "flow" {
		t.Errorf("machines: %+v", machines.StateMachines)
	}
}

func TestValidationListsDiagnostics(t *testing.T) {
	l := newLab(t, sfncore.Options{})
	good := must[*sfn.ValidateStateMachineDefinitionOutput](l, &sfn.ValidateStateMachineDefinitionInput{Definition: aws.String(emailFlow)})
	if good.Result != types.ValidateStateMachineDefinitionResultCodeOk || len(good.Diagnostics) != 0 {
		t.Errorf("%+v", good)
	}
	bad := must[*sfn.ValidateStateMachineDefinitionOutput](l, &sfn.ValidateStateMachineDefinitionInput{Definition: aws.String(states(`"A":{"Type":"Pass","Next":"B"}`))})
	if bad.Result != types.ValidateStateMachineDefinitionResultCodeFail || len(bad.Diagnostics) != 1 || *bad.Diagnostics[0].Location != "/States/A/Next" ||
		*bad.Diagnostics[0].Code != "MISSING_TRANSITION_TARGET" {
		t.Errorf("%+v", bad)
	}
}

func TestStoppingAnEndedExecutionChangesNothing(t *testing.T) {
	l, arn := flow(t, oneTask, `{}`)
	l.done(l.next(), `1`)
	l.now = l.now.Add(time.Minute)
	out := must[*sfn.StopExecutionOutput](l, &sfn.StopExecutionInput{ExecutionArn: aws.String(arn)})
	l.expect(arn, "SUCCEEDED 1")
	if !out.StopDate.Equal(epoch) || len(l.ended) != 1 {
		t.Errorf("stopped at %v, %d ends told", out.StopDate, len(l.ended))
	}
}

func TestTheEndIsToldWithEverything(t *testing.T) {
	l, arn := flow(t, waiter, `{"a": 1}`)
	l.now = l.now.Add(time.Second)
	wantNoError(t, l.refuse(l.next().Token, "PREEMPTED", "by another"))
	want := sfncore.ExecutionEnded{
		ExecutionArn: arn, Name: "x", StateMachineArn: machineARN, Status: types.ExecutionStatusFailed, Input: `{"a": 1}`,
		Error: "PREEMPTED", Cause: "by another", StartDate: epoch, StopDate: epoch.Add(time.Second),
	}
	if len(l.ended) != 1 || l.ended[0] != want {
		t.Errorf("told %+v\nwant %+v", l.ended, want)
	}
	x := l.core.Executions()[0]
	if x.Status != want.Status || x.Error != want.Error || x.Input != want.Input || x.Events != 6 {
		t.Errorf("read %+v", x)
	}
}

func TestAForgottenExecutionIsNotListed(t *testing.T) {
	l := newLab(t, sfncore.Options{Retention: time.Hour})
	l.create(oneTask)
	for i := range 4 {
		l.start(fmt.Sprint("x", i), `{}`)
	}
	l.done(l.next(), `1`)
	l.now = l.now.Add(time.Hour)
	out := must[*sfn.ListExecutionsOutput](l, &sfn.ListExecutionsInput{StateMachineArn: aws.String(machineARN)})
	if len(out.Executions) != 3 || len(l.core.Executions()) != 3 {
		t.Errorf("%d are listed, %d remembered; want 3", len(out.Executions), len(l.core.Executions()))
	}
}

// TestCoresShareWhatTheyCompiled: a core does not compile again what another has compiled; a wrong
// definition is not remembered.
func TestCoresShareWhatTheyCompiled(t *testing.T) {
	known := sfncore.Definitions{}
	first := newLab(t, sfncore.Options{Definitions: known})
	first.create(oneTask)
	compiled := known[oneTask]
	second := newLab(t, sfncore.Options{Definitions: known})
	second.create(oneTask)
	if compiled == nil || known[oneTask] != compiled {
		t.Errorf("the second core compiled it again: %p, then %p", compiled, known[oneTask])
	}
	second.start("x", `{"a":1}`)
	second.done(second.next(), `1`)
	if len(second.ended) != 1 || second.ended[0].Status != types.ExecutionStatusSucceeded {
		t.Errorf("ended: %+v", second.ended)
	}
	if _, err := try[*sfn.CreateStateMachineOutput](second, &sfn.CreateStateMachineInput{
		Name: aws.String("wrong"), RoleArn: aws.String(roleARN), Definition: aws.String(`{}`),
	}); err == nil || len(known) != 1 {
		t.Errorf("error %v, %d definitions known", err, len(known))
	}
}
