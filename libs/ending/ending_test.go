package ending_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var (
	ctx       = context.Background()
	holder    = simtest.Message("m1", "A", 1)
	preemptor = simtest.Message("m2", "B", 2)
)

// asked is a scene in which a worker works for the holder, and the preemptor waits.
func asked(t *testing.T, log *slog.Logger) (simtest.Scene, *ending.Jobs) {
	t.Helper()
	s := simtest.NewScene(t, holder, preemptor)
	s.Runs(holder)
	s.Asks(preemptor)
	return s, ending.NewJobs(s.Protocol, s.Records(), s.StepFunctions(), log)
}

var timedOut = claim.CleanUp{Message: holder, End: claim.End{Outcome: job.TimedOut, Result: "too slow"}}

func TestAnEndWakesWhoWaitsAndIsOnRecord(t *testing.T) {
	s, jobs := asked(t, slog.New(slog.DiscardHandler))
	for range 2 { // the second finds it ended
		if j, err := jobs.End(ctx, timedOut); err != nil || j.Outcome != job.TimedOut || j.Result != "too slow" {
			t.Errorf("%+v, %v", j, err)
		}
	}
	s.WantAnswers(`token-m2: {"superseded":false,"by":"end of m1"}`)
	if got, want := s.Record("m1"), "timeout A in c1"; got != want {
		t.Errorf("record %q, want %q", got, want)
	}
}

func TestAnEndGoesOnWhereAWakeUpIsLost(t *testing.T) {
	var log strings.Builder
	s, jobs := asked(t, slog.New(slog.NewTextHandler(&log, nil)))
	s.Fail("SendTaskSuccess", 0)
	if j, err := jobs.End(ctx, timedOut); err != nil || j.Outcome != job.TimedOut {
		t.Errorf("%+v, %v", j, err)
	}
	if !strings.Contains(log.String(), "a wake-up was lost") || !strings.Contains(log.String(), "message=m1") {
		t.Errorf("log %s", log.String())
	}
}

func TestAnEndThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, operation := range []string{"TransactWriteItems", "PutItem"} {
		s, jobs := asked(t, slog.New(slog.DiscardHandler))
		for i := range 10 {
			s.Fail(operation, i)
		}
		if j, err := jobs.End(ctx, timedOut); err == nil {
			t.Errorf("%s: %+v", operation, j)
		}
	}
}

func TestALetterIsNotedOnlyWhenItWasSent(t *testing.T) {
	s := simtest.NewScene(t, holder)
	letters := ending.NewLetters(s.Protocol, s.SQS(), s.DeadLetterURL)
	told := func() bool {
		j, err := s.Protocol.ReadJob(ctx, "m1")
		return err == nil && j.DeadLettered()
	}
	s.Fail("SendMessage", 0)
	if err := letters.Send(ctx, job.DeadLetter{MessageID: "m1"}); !errors.Is(err, simtest.ErrFailed) || !strings.Contains(err.Error(), "dead letter of m1") || told() {
		t.Errorf("error %v, told %v", err, told())
	}
	if err := letters.Send(ctx, job.DeadLetter{MessageID: "m1", Kind: "failed"}); err != nil || !told() {
		t.Errorf("error %v, told %v", err, told())
	}
	if sent := s.Letters(); len(sent) != 1 || sent[0].Kind != "failed" || sent[0].MessageID != "m1" {
		t.Errorf("sent %+v", sent)
	}
}

// A job that its worker has ended lacks its record until its end is known here; then nothing is
// left to do for it, unless a person must be told.
func TestAJobThatIsOnRecordAndNeedsNoLetterIsSettled(t *testing.T) {
	for outcome, left := range map[job.Outcome]bool{job.Interrupted: false, job.Completed: false, job.Failed: true} {
		s := simtest.NewScene(t, holder, preemptor)
		lease := s.Runs(holder)
		s.Asks(preemptor)
		s.Finishes(lease, claim.End{Outcome: outcome})
		jobs := ending.NewJobs(s.Protocol, s.Records(), s.StepFunctions(), s.Log())
		updates := s.Calls("UpdateItem")
		if j, err := jobs.End(ctx, timedOut); err != nil || j.Outcome != outcome {
			t.Errorf("%+v, %v", j, err)
		}
		if open := slices.Contains(s.Open(), "m1"); open != left {
			t.Errorf("%s: open %v", outcome, open)
		}
		if extra := s.Calls("UpdateItem") - updates; (extra > 0) != (outcome == job.Interrupted) {
			t.Errorf("%s: %d writes", outcome, extra)
		}
	}
}

func TestAJobThatCannotBeSettledIsAnError(t *testing.T) {
	s := simtest.NewScene(t, holder, preemptor)
	lease := s.Runs(holder)
	s.Asks(preemptor)
	s.Finishes(lease, claim.End{Outcome: job.Interrupted})
	s.Fail("UpdateItem", 0)
	jobs := ending.NewJobs(s.Protocol, s.Records(), s.StepFunctions(), s.Log())
	if _, err := jobs.End(ctx, timedOut); !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v", err)
	}
}

func TestAnExecutionThatRunsIsNoCase(t *testing.T) {
	for _, status := range []types.ExecutionStatus{types.ExecutionStatusRunning, types.ExecutionStatusPendingRedrive, ""} {
		if c, ok := ending.OfExecution(status, "", ""); ok {
			t.Errorf("%s: %+v", status, c)
		}
	}
}
