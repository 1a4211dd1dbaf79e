package handletimeout_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	handletimeout "github.com/webordinary/hephaestus/services/handle-timeout"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var (
	ctx       = context.Background()
	holder    = simtest.Message("m1", "A", 1)
	preemptor = simtest.Message("m2", "B", 2)
)

type scene struct {
	simtest.Scene
	t       *testing.T
	lease   claim.Lease // of the holder
	handler *handletimeout.Handler
}

// newScene has a worker that runs the holder.
func newScene(t *testing.T) scene {
	t.Helper()
	s := scene{Scene: simtest.NewScene(t, holder, preemptor), t: t}
	s.handler = s.newHandler(s.StepFunctions(), s.Log())
	s.lease = s.Runs(holder)
	return s
}

func (s scene) newHandler(flows handletimeout.StepFunctions, log *slog.Logger) *handletimeout.Handler {
	jobs := ending.NewJobs(s.Protocol, s.Records(), s.StepFunctions(), log)
	return handletimeout.New(ending.NewCloser(jobs, ending.NewLetters(s.Protocol, s.SQS(), s.DeadLetterURL), s.Now, log), flows, log)
}

// handles gives the handler an event as JSON.
func (s scene) handles(event any) (any, error) {
	s.t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.handler.Handle(ctx, payload)
}

func byState(kind string, m job.Message) any {
	return map[string]any{"kind": kind, "state": map[string]any{
		"message": m, "error": handletimeout.StateError{Error: "States.Timeout", Cause: ""},
	}}
}

// executionOf is the ARN of the execution of a message that newScene has admitted.
func executionOf(m job.Message) string {
	return awsx.ExecutionARN(simtest.StateMachineARN, job.ExecutionName(m.MessageID, job.Millis(simtest.Start)))
}

func byEventBridge(status string, m job.Message) any {
	input, _ := json.Marshal(job.ExecutionInput{Message: m})
	return map[string]any{"source": "aws.states", "detail": map[string]any{"executionArn": executionOf(m), "status": status, "input": string(input)}}
}

func byQueue(bodies ...any) any {
	var batch handletimeout.QueueBatch
	for i, body := range bodies {
		text, ok := body.(string)
		if !ok {
			encoded, _ := json.Marshal(body)
			text = string(encoded)
		}
		batch.Records = append(batch.Records, handletimeout.QueueRecord{ID: fmt.Sprintf("q%d", i+1), Source: "aws:sqs", Body: text})
	}
	return batch
}

func (s scene) wantOutcome(answer any, err error, want job.Outcome) {
	s.t.Helper()
	if result, ok := answer.(job.WorkResult); err != nil || !ok || result.Outcome != want {
		s.t.Errorf("answer %+v, %v; want %s", answer, err, want)
	}
}

const freed = "c1 A jobs= newest=m1@1s claimed=0s fence=2 expires=1h0m0s"

func TestAJobWhoseTimeIsOver(t *testing.T) {
	s := newScene(t)
	s.Advance(time.Minute)
	answer, err := s.handles(byState("timeout", holder))
	s.wantOutcome(answer, err, job.TimedOut)
	if got := s.Row(); got != freed {
		t.Errorf("row %s", got)
	}
	if got := s.Record("m1"); got != "timeout A in c1" {
		t.Errorf("record %q", got)
	}
	letters := s.Letters()
	if len(letters) != 1 {
		t.Fatalf("letters: %+v", letters)
	}
	l := letters[0]
	if l.Kind != "timed-out" || l.MessageID != "m1" || l.ContainerID != s.lease.ContainerID || l.ExecutionARN == "" || l.AtMillis != job.Millis(s.Now()) ||
		l.What != "no worker ended it within its time, waiting included" || !slices.Contains(l.LookInto, "heph again "+l.MessageID) || !strings.HasSuffix(l.LookInto[len(l.LookInto)-1], l.ExecutionARN) {
		t.Errorf("letter %+v", l)
	}
}

func TestAJobWhoseExecutionFailedOrEndedElsewhere(t *testing.T) {
	tests := []struct {
		name   string
		event  any
		answer bool
		want   string
	}{
		{"failed", byState("failure", holder), true, "failed at 0s in c1 started 0s: its execution failed (States.Timeout)"},
		{"aborted", byEventBridge("ABORTED", holder), false, "failed at 0s in c1 started 0s: its execution was aborted"},
		{"timed out", byEventBridge("TIMED_OUT", holder), false, "timed-out at 0s in c1 started 0s: its execution timed out"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			answer, err := s.handles(test.event)
			if err != nil || (answer != nil) != test.answer {
				t.Errorf("answer %v, %v", answer, err)
			}
			if got := s.Job("m1"); got != test.want {
				t.Errorf("job %q, want %q", got, test.want)
			}
			if got := s.Row(); got != freed {
				t.Errorf("row %s", got)
			}
			if letters := s.Letters(); len(letters) != 1 {
				t.Errorf("letters: %+v", letters)
			}
		})
	}
}

// flows is Step Functions with one execution that it still keeps.
type flows struct {
	handletimeout.StepFunctions
	arn, input string
}

func (f flows) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	if aws.ToString(in.ExecutionArn) != f.arn {
		return nil, &types.ExecutionDoesNotExist{}
	}
	return &sfn.DescribeExecutionOutput{Input: aws.String(f.input)}, nil
}

// EventBridge leaves out an input that is too large for its event. A job with many attachments must
// end nevertheless.
func TestAnInputThatItsEventLeavesOutIsTakenFromItsExecution(t *testing.T) {
	input, err := json.Marshal(job.ExecutionInput{Message: holder})
	if err != nil {
		t.Fatal(err)
	}
	left := func(arn string) any {
		return map[string]any{"source": "aws.states", "detail": map[string]any{
			"executionArn": arn, "status": "FAILED", "input": nil, "inputDetails": map[string]any{"included": false}, "error": "States.DataLimitExceeded", "cause": "too large",
		}}
	}
	for name, test := range map[string]struct{ arn, input, job, err string }{
		"it is there": {executionOf(holder), string(input), "failed at 0s in c1 started 0s: its execution failed outside of its catches (States.DataLimitExceeded: too large)", ""},
		"it is gone":  {"arn:2", string(input), "open in c1 started 0s", "look for the input of " + executionOf(holder)},
		"it is none":  {executionOf(holder), "", "open in c1 started 0s", "the execution's input"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.handler = s.newHandler(flows{s.StepFunctions(), test.arn, test.input}, s.Log())
			if _, err := s.handles(left(executionOf(holder))); (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if got := s.Job("m1"); got != test.job {
				t.Errorf("job %q, want %q", got, test.job)
			}
		})
	}
}

// An event of EventBridge may come late, or again, when the row of its message has expired and the
// message came anew, as another execution.
func TestAnExecutionOfAnEarlierRowEndsNothing(t *testing.T) {
	for _, input := range []string{"in the event", ""} {
		s := newScene(t)
		before := s.Row()
		earlier := executionOf(holder) + "-before"
		encoded, err := json.Marshal(job.ExecutionInput{Message: holder})
		if err != nil {
			t.Fatal(err)
		}
		detail := map[string]any{"executionArn": earlier, "status": "ABORTED"}
		if input != "" {
			detail["input"] = string(encoded)
		}
		s.handler = s.newHandler(flows{s.StepFunctions(), earlier, string(encoded)}, s.Log())
		if _, err := s.handles(map[string]any{"source": "aws.states", "detail": detail}); err != nil {
			t.Error(err)
		}
		s.WantJob("m1", "open in c1 started 0s")
		if letters := s.Letters(); s.Row() != before || len(letters) > 0 {
			t.Errorf("row %s, letters %+v", s.Row(), letters)
		}
	}
}

func TestWhoWaitsIsWokenByTheEnd(t *testing.T) {
	s := newScene(t)
	s.Asks(preemptor)
	s.Fail("SendTaskSuccess", 1) // the retry's wake; that is no error
	for range 2 {
		answer, err := s.handles(byState("timeout", holder))
		s.wantOutcome(answer, err, job.TimedOut)
	}
	if got, want := s.Flow.Answers(), []string{`token-m2: {"superseded":false,"by":"end of m1"}`}; !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
}

func TestAClaimThatHasPassedToAnotherContainerIsLeftAlone(t *testing.T) {
	s := newScene(t)
	s.Asks(preemptor)
	s.Advance(96 * time.Second)
	s.Runs(preemptor)
	before := s.Row()
	answer, err := s.handles(byState("timeout", holder))
	s.wantOutcome(answer, err, job.TimedOut)
	if after := s.Row(); after != before {
		t.Errorf("the row was\n\t%s\nand is\n\t%s", before, after)
	}
}

func TestWorkThatTurnsOutDoneIsCompleted(t *testing.T) {
	for _, kind := range []string{"timeout", "failure"} {
		s := newScene(t)
		s.Finishes(s.lease, claim.End{Outcome: job.Completed, Result: "done"})
		answer, err := s.handles(byState(kind, holder))
		s.wantOutcome(answer, err, job.Completed)
		if got := s.Record("m1"); got != "no record" {
			t.Errorf("record %q", got)
		}
		if letters := s.Letters(); len(letters) > 0 {
			t.Errorf("letters: %+v", letters)
		}
	}
}

func TestAnInterruptedJobIsRecordedButNoLetterIsSent(t *testing.T) {
	s := newScene(t)
	s.Asks(preemptor)
	s.Finishes(s.lease, claim.End{Outcome: job.Interrupted})
	answer, err := s.handles(byState("timeout", holder))
	s.wantOutcome(answer, err, job.Interrupted)
	if got := s.Record("m1"); got != "preempted A in c1 by B/m2 since 0s" {
		t.Errorf("record %q", got)
	}
	if letters := s.Letters(); len(letters) > 0 {
		t.Errorf("letters: %+v", letters)
	}
}

// All three events may come for one job, each any number of times; a person reads of it once.
func TestALetterIsSentOnceHoweverOftenItIsTold(t *testing.T) {
	s := newScene(t)
	work := simtest.Work(holder, s.lease.ContainerID)
	for range 2 {
		for _, event := range []any{byState("timeout", holder), byEventBridge("FAILED", holder), byQueue(work)} {
			if _, err := s.handles(event); err != nil {
				t.Fatal(err)
			}
		}
	}
	if letters := s.Letters(); len(letters) != 1 || letters[0].Kind != "timed-out" {
		t.Errorf("letters: %+v", letters)
	}
	if got := s.Job("m1"); got != "timed-out at 0s in c1 started 0s: no worker ended it within its time, waiting included" {
		t.Errorf("job %q", got)
	}
}

func TestWhatFailsMidWayIsDoneByTheRetry(t *testing.T) {
	for _, operation := range []string{"GetItem", "PutItem", "SendMessage"} {
		t.Run(operation, func(t *testing.T) {
			s := newScene(t)
			s.Fail(operation, 0)
			if _, err := s.handles(byState("timeout", holder)); !errors.Is(err, simtest.ErrFailed) {
				t.Fatalf("error %v", err)
			}
			answer, err := s.handles(byState("timeout", holder))
			s.wantOutcome(answer, err, job.TimedOut)
			if letters := s.Letters(); len(letters) != 1 || letters[0].ExecutionARN == "" {
				t.Errorf("letters: %+v", letters)
			}
			if got := s.Record("m1"); got != "timeout A in c1" {
				t.Errorf("record %q", got)
			}
		})
	}
}

// The handler sends a letter before it notes it. If it dies between, a person is told twice, rather
// than not at all.
func TestALetterThatCouldNotBeNotedIsSentAgain(t *testing.T) {
	s := newScene(t)
	s.Fail("UpdateItem", 0)
	if _, err := s.handles(byState("timeout", holder)); !errors.Is(err, simtest.ErrFailed) {
		t.Fatalf("error %v", err)
	}
	if _, err := s.handles(byState("timeout", holder)); err != nil {
		t.Fatal(err)
	}
	if letters := s.Letters(); len(letters) != 2 {
		t.Errorf("letters: %+v", letters)
	}
}

// Deliveries while the worker is at work use up the receives, though the worker is well.
func TestDeadWorkWhoseWorkerLivesStaysOnItsQueue(t *testing.T) {
	s := newScene(t)
	s.Flow.Issue("work-m1")
	before := s.Row()
	answer, err := s.handles(byQueue(simtest.Work(holder, s.lease.ContainerID)))
	if batch, ok := answer.(handletimeout.BatchAnswer); err != nil || !ok || len(batch.Failures) != 1 {
		t.Errorf("answer %+v, %v", answer, err)
	}
	if s.Row() != before || s.Job("m1") != "open in c1 started 0s" || len(s.Flow.Answers()) > 0 || len(s.Letters()) > 0 {
		t.Errorf("row %s, job %s, answers %q", s.Row(), s.Job("m1"), s.Flow.Answers())
	}
}

func TestDeadWorkLetsItsExecutionGo(t *testing.T) {
	s := newScene(t)
	s.LeaseEnds()
	s.Flow.Issue("work-m1")
	answer, err := s.handles(byQueue("no work", simtest.Work(holder, s.lease.ContainerID), `{"message":{}}`))
	batch, ok := answer.(handletimeout.BatchAnswer)
	want := []handletimeout.BatchFailure{{ID: "q1"}, {ID: "q3"}}
	if err != nil || !ok || !slices.Equal(batch.Failures, want) {
		t.Errorf("answer %+v, %v; want failures %v", answer, err, want)
	}
	what := "no worker could finish it: the work queue delivered it as often as it may"
	if got, want := s.Flow.Answers(), []string{"work-m1: !FAILED " + what}; !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
	if got := s.Job("m1"); got != "failed at 1m36s in c1 started 0s: "+what {
		t.Errorf("job %q", got)
	}
}

// The job's result may be longer than a cause may be.
func TestDeadWorkOfAJobThatEndedTellsItsResultCut(t *testing.T) {
	s := newScene(t)
	s.Flow.Issue("work-m1")
	s.Finishes(s.lease, claim.End{Outcome: job.Failed, Result: strings.Repeat("x", 40_000)})
	if _, err := s.handles(byQueue(simtest.Work(holder, s.lease.ContainerID))); err != nil {
		t.Fatal(err)
	}
	if got := s.Flow.Answers(); len(got) != 1 || len(got[0]) > 5000 || !strings.HasSuffix(got[0], "x […]") {
		t.Errorf("answers %.50q", got)
	}
}

// The execution may still wait for the old work's token: then it claims again at once, rather than
// when its time is over.
func TestDeadWorkOfAnOldContainerEndsNothingAndLetsItsExecutionClaimAgain(t *testing.T) {
	s := newScene(t)
	var log strings.Builder
	s.handler = s.newHandler(s.StepFunctions(), slog.New(slog.NewTextHandler(&log, nil)))
	s.Flow.Issue("work-m1")
	before := s.Row()
	answer, err := s.handles(byQueue(simtest.Work(holder, "container-1-c0")))
	if batch, ok := answer.(handletimeout.BatchAnswer); err != nil || !ok || len(batch.Failures) > 0 {
		t.Errorf("answer %+v, %v", answer, err)
	}
	if s.Row() != before || s.Job("m1") != "open in c1 started 0s" {
		t.Errorf("row %s, job %s", s.Row(), s.Job("m1"))
	}
	if got := s.Flow.Answers(); len(got) != 1 || !strings.HasPrefix(got[0], "work-m1: !CLAIM_LOST") {
		t.Errorf("answers %q", got)
	}
	if !strings.Contains(log.String(), "event=job-left-alone") || strings.Contains(log.String(), "event=job-ended") {
		t.Errorf("log %s", log.String())
	}
}

func TestDeadWorkThatCannotBeEndedStaysOnItsQueue(t *testing.T) {
	for _, operation := range []string{"GetItem", "SendMessage", "SendTaskFailure"} {
		s := newScene(t)
		s.LeaseEnds()
		s.Flow.Issue("work-m1")
		s.Fail(operation, 0)
		answer, err := s.handles(byQueue(simtest.Work(holder, s.lease.ContainerID)))
		if batch, ok := answer.(handletimeout.BatchAnswer); err != nil || !ok || len(batch.Failures) != 1 {
			t.Errorf("%s: answer %+v, %v", operation, answer, err)
		}
	}
}

func TestAnEventWithoutAMessageIsRefused(t *testing.T) {
	s := newScene(t)
	for _, event := range []any{map[string]any{}, byState("timeout", job.Message{}), byEventBridge("ABORTED", job.Message{})} {
		if answer, err := s.handles(event); err == nil {
			t.Errorf("%+v: answer %v", event, answer)
		}
	}
}
