package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/sweep"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var (
	ctx   = context.Background()
	first = simtest.Message("m1", "A", 1)
	other = simtest.Message("m2", "A", 2)
)

// newSweep is a sweep over the scene.
func newSweep(s simtest.Scene, log io.Writer) *sweep.Handler {
	logger := slog.New(slog.NewTextHandler(log, nil))
	jobs := ending.NewJobs(s.Protocol, s.Records(), s.StepFunctions(), logger)
	closer := ending.NewCloser(jobs, ending.NewLetters(s.Protocol, s.SQS(), s.DeadLetterURL), s.Now, logger)
	return sweep.New(s.Protocol, s.StepFunctions(), closer, simtest.StateMachineARN, sweep.DefaultSettings(), s.Now, logger)
}

// sweeps sweeps the scene once.
func sweeps(t *testing.T, s simtest.Scene) {
	t.Helper()
	if err := newSweep(s, io.Discard).Handle(ctx, nil); err != nil {
		t.Error(err)
	}
}

func TestAJobWhoseExecutionIsOverEndsWhateverEventWasLost(t *testing.T) {
	for status, want := range map[types.ExecutionStatus]string{
		types.ExecutionStatusAborted:   "failed at 10m0s in c1 started 0s: its execution was aborted",
		types.ExecutionStatusFailed:    "failed at 10m0s in c1 started 0s: its execution failed outside of its catches",
		types.ExecutionStatusTimedOut:  "timed-out at 10m0s in c1 started 0s: its execution timed out",
		types.ExecutionStatusSucceeded: "failed at 10m0s in c1 started 0s: its execution succeeded, and did not say how the job ended",
	} {
		s := simtest.NewScene(t, first, other)
		s.Begins(first, other)
		s.Runs(first)
		s.Flow.Ends(s.Execution(first), status)
		s.Advance(10 * time.Minute)
		for range 2 { // the second finds nothing to do
			sweeps(t, s)
		}
		s.WantJob("m1", want)
		s.WantJob("m2", "open")
		letters := s.Letters()
		if len(letters) != 1 || letters[0].MessageID != "m1" || letters[0].Raw == nil || letters[0].Raw.Key != "emails/m1" || letters[0].ExecutionARN != s.Execution(first) {
			t.Errorf("letters %+v", letters)
		}
		if row := s.Row(); strings.Contains(row, "worker=") || !strings.Contains(row, "jobs= ") {
			t.Errorf("row %s", row)
		}
		if !strings.HasSuffix(s.Record("m1"), " A in c1") || s.Record("m2") != "no record" {
			t.Errorf("records %q, %q", s.Record("m1"), s.Record("m2"))
		}
		if open := s.Open(); !slices.Equal(open, []string{"m2"}) {
			t.Errorf("open %q", open)
		}
	}
}

// What a worker has ended may still lack its record, or its letter, when its execution is over.
func TestWhatIsLeftToDoForAJobThatHasEndedIsDone(t *testing.T) {
	for outcome, want := range map[job.Outcome]string{
		job.Failed: "failure A in c1", job.TimedOut: "timeout A in c1", job.Interrupted: "preempted A in c1 by B/b1 since 0s",
	} {
		s := simtest.NewScene(t, first, simtest.Message("b1", "B", 3))
		s.Begins(first)
		lease := s.Runs(first)
		s.Asks(simtest.Message("b1", "B", 3))
		s.Finishes(lease, claim.End{Outcome: outcome})
		s.Flow.Ends(s.Execution(first), types.ExecutionStatusAborted)
		s.Advance(10 * time.Minute)
		sweeps(t, s)
		if got := s.Record("m1"); got != want {
			t.Errorf("record %q, want %q", got, want)
		}
		if letters := s.Letters(); (len(letters) == 1) != (outcome != job.Interrupted) {
			t.Errorf("%s: letters %+v", outcome, letters)
		}
		if open := s.Open(); slices.Contains(open, "m1") {
			t.Errorf("open %q", open)
		}
	}
}

func TestAJobWhoseExecutionRunsIsLeftAlone(t *testing.T) {
	s := simtest.NewScene(t, first)
	s.Begins(first)
	s.Runs(first)
	s.Advance(10 * time.Hour)
	before := s.Row()
	sweeps(t, s)
	s.WantRow(before)
	s.WantJob("m1", "open in c1 started 0s")
	if described, listed := s.Calls("DescribeExecution"), s.Calls("ListExecutions"); described != 0 || listed != 1 {
		t.Errorf("%d executions described, %d lists read", described, listed)
	}
}

func TestAnExecutionThatBeginsAfterTheListWasReadIsLeftAlone(t *testing.T) {
	s := simtest.NewScene(t, first)
	s.Advance(10 * time.Minute)
	s.Before("DescribeExecution", 0, func() { s.Begins(first) })
	sweeps(t, s)
	s.WantJob("m1", "open")
}

func TestAJobWhoseExecutionNeverBeganHasFailedOnceIntakeIsNoLongerCalledForIt(t *testing.T) {
	old := first
	old.ReceivedAtMillis -= (48 * time.Hour).Milliseconds() // put again: the mail is old, its row is not
	s := simtest.NewScene(t, old)
	s.Advance(7 * time.Hour)
	sweeps(t, s)
	s.WantJob("m1", "open")
	s.Advance(time.Millisecond)
	sweeps(t, s)
	s.WantJob("m1", "failed at 7h0m0.001s: its execution never began")
	if letters := s.Letters(); len(letters) != 1 || letters[0].What != ending.NeverBegan || letters[0].Raw == nil || letters[0].From != first.From {
		t.Errorf("letters %+v", letters)
	}
	if s.Record("m1") != "failure A" {
		t.Errorf("record %q", s.Record("m1"))
	}
}

func TestAYoungJobIsNotLookedAt(t *testing.T) {
	s := simtest.NewScene(t, first)
	s.Begins(first)
	s.Flow.Ends(s.Execution(first), types.ExecutionStatusAborted)
	s.Advance(5 * time.Minute)
	sweeps(t, s)
	s.WantJob("m1", "open")
	if n := s.Calls("ListExecutions") + s.Calls("DescribeExecution"); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// The index is eventually consistent: it may still have what has ended meanwhile.
func TestAJobThatHasEndedIsLeftAsItIsThoughTheIndexStillHasIt(t *testing.T) {
	s := simtest.NewScene(t, first)
	s.Begins(first)
	s.Finishes(s.Runs(first), claim.End{Outcome: job.Completed, Result: "done"})
	s.Flow.Ends(s.Execution(first), types.ExecutionStatusSucceeded)
	s.Advance(10 * time.Minute)
	s.ReadStale()
	if open := s.Open(); !slices.Equal(open, []string{"m1"}) {
		t.Fatalf("the index has %q", open)
	}
	sweeps(t, s)
	s.WantJob("m1", "completed at 0s in c1 started 0s: done")
	if letters := s.Letters(); len(letters) > 0 || s.Calls("TransactWriteItems") != 3 {
		t.Errorf("letters %+v, %d writes", letters, s.Calls("TransactWriteItems"))
	}
}

func TestAnExecutionOfAnEarlierRowIsNotTakenForThatOfALaterOne(t *testing.T) {
	s := simtest.NewScene(t, first)
	s.Begins(first)
	s.Flow.Ends(s.Execution(first), types.ExecutionStatusSucceeded)
	s.Advance(31 * 24 * time.Hour)
	if s.DeleteExpired() != 1 {
		t.Fatal("the row has not expired")
	}
	s.Admit(first)
	s.Advance(10 * time.Minute)
	sweeps(t, s)
	s.WantJob("m1", "open")
}

// aborted is a scene with n jobs that are old enough to be swept, and whose executions were
// aborted.
func aborted(t *testing.T, n int) simtest.Scene {
	t.Helper()
	messages := make([]job.Message, n)
	for i := range messages {
		messages[i] = simtest.Message(fmt.Sprintf("m%d", i), "A", i)
	}
	s := simtest.NewScene(t, messages...)
	s.Begins(messages...)
	for _, m := range messages {
		s.Flow.Ends(s.Execution(m), types.ExecutionStatusAborted)
	}
	s.Advance(10 * time.Minute)
	return s
}

func TestAJobThatCannotBeSweptDoesNotKeepTheOthersFromIt(t *testing.T) {
	s := aborted(t, 12)
	s.Fail("DescribeExecution", 3)
	var log strings.Builder
	if err := newSweep(s, &log).Handle(ctx, nil); !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v", err)
	}
	if open := s.Open(); len(open) != 1 || !strings.Contains(log.String(), "event=sweep-failed message="+open[0]) {
		t.Errorf("open %q, log %s", open, log.String())
	}
	if !strings.Contains(log.String(), "open=12 running=0 ended=11 failed=1 unfinished=false") {
		t.Errorf("log %s", log.String())
	}
	sweeps(t, s)
	if open := s.Open(); len(open) > 0 || len(s.Letters()) != 12 {
		t.Errorf("open %q", open)
	}
}

func TestASweepThatCannotReadAPartOfTheIndexSweepsTheOthers(t *testing.T) {
	s := simtest.NewScene(t, first)
	s.Begins(first)
	s.Flow.Ends(s.Execution(first), types.ExecutionStatusAborted)
	s.Advance(10 * time.Minute)
	failed := 0
	for range claim.OpenShards { // each part may be the one
		s.Fail("Query", 0)
		if err := newSweep(s, io.Discard).Handle(ctx, nil); err != nil {
			failed++
		}
		s.Advance(time.Millisecond)
	}
	if failed != claim.OpenShards || len(s.Open()) > 0 {
		t.Errorf("%d sweeps failed; open %q", failed, s.Open())
	}
}

func TestASweepThatHasNoTimeLeftLeavesTheRestToTheNext(t *testing.T) {
	s := aborted(t, 12)
	for _, skip := range []int{0, 1, 2, 3, 4, 5} {
		s.Before("DescribeExecution", skip, func() { s.Advance(10 * time.Second) })
	}
	var log strings.Builder
	if err := newSweep(s, &log).Handle(ctx, nil); err != nil {
		t.Error(err)
	}
	if open := len(s.Open()); open < 6 || open > 8 || !strings.Contains(log.String(), "unfinished=true") {
		t.Errorf("%d open, log %s", open, log.String())
	}
	before := s.Open()
	if err := newSweep(s, io.Discard).Handle(within{ctx, s.Now().Add(10 * time.Second)}, nil); err != nil || !slices.Equal(s.Open(), before) {
		t.Errorf("%v, open %q", err, s.Open())
	}
	sweeps(t, s)
	if open := s.Open(); len(open) > 0 {
		t.Errorf("open %q", open)
	}
}

// within is a context with a deadline by the lab's clock, as a function's run has one.
type within struct {
	context.Context
	deadline time.Time
}

func (c within) Deadline() (time.Time, bool) { return c.deadline, true }

func TestTwoSweepsAtOnceAreHarmless(t *testing.T) {
	for _, operation := range []string{"Query", "ListExecutions", "DescribeExecution", "TransactWriteItems", "SendMessage", "UpdateItem"} {
		s := simtest.NewScene(t, first)
		s.Begins(first)
		s.Flow.Ends(s.Execution(first), types.ExecutionStatusAborted)
		s.Advance(10 * time.Minute)
		s.Before(operation, 0, func() { sweeps(t, s) })
		sweeps(t, s)
		s.WantJob("m1", "failed at 10m0s: its execution was aborted")
		if letters := len(s.Letters()); letters < 1 || letters > 2 || len(s.Open()) > 0 {
			t.Errorf("%s: %d letters, open %q", operation, letters, s.Open())
		}
	}
}

func TestTheSettingsOfTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		set  map[string]string
		want sweep.Settings
		err  string
	}{
		"none":      {nil, sweep.Settings{Age: 5 * time.Minute, StartAge: 7 * time.Hour}, ""},
		"both":      {map[string]string{"SWEEP_AGE": "1m", "SWEEP_START_AGE": "1h"}, sweep.Settings{Age: time.Minute, StartAge: time.Hour}, ""},
		"wrong":     {map[string]string{"SWEEP_AGE": "1"}, sweep.Settings{}, "SWEEP_AGE"},
		"exchanged": {map[string]string{"SWEEP_AGE": "8h"}, sweep.Settings{}, "SWEEP_START_AGE=7h0m0s"},
	} {
		got, err := sweep.SettingsFrom(func(name string) string { return test.set[name] })
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) || err == nil && got != test.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
