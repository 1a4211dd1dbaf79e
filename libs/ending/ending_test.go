package ending_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

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

// asked is a lab in which a worker works for the holder, and the preemptor waits.
func asked(t *testing.T, log *slog.Logger) (*simtest.Lab, *ending.Jobs) {
	t.Helper()
	lab := simtest.New(t)
	lab.Admit(holder, preemptor)
	store := lab.Store(claim.DefaultSettings())
	claimed, err := store.Claim(ctx, holder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Start(ctx, simtest.Work(holder, claimed.ContainerID), "w1"); err != nil {
		t.Fatal(err)
	}
	lab.Flow.Issue("token-m2")
	if _, err := store.Interrupt(ctx, preemptor, "token-m2"); err != nil {
		t.Fatal(err)
	}
	return lab, ending.NewJobs(store, lab.Records(), lab.StepFunctions(), log)
}

var timedOut = claim.CleanUp{Message: holder, End: claim.End{Outcome: job.TimedOut, Result: "too slow"}}

func TestAnEndWakesWhoWaitsAndIsOnRecord(t *testing.T) {
	lab, jobs := asked(t, slog.New(slog.DiscardHandler))
	for range 2 { // the second finds it ended
		if j, err := jobs.End(ctx, timedOut); err != nil || j.Outcome != job.TimedOut || j.Result != "too slow" {
			t.Errorf("%+v, %v", j, err)
		}
	}
	if answers := lab.Flow.Answers(); len(answers) != 1 || !strings.HasPrefix(answers[0], `token-m2: {"superseded":false,"by":"end of m1"}`) {
		t.Errorf("answers %q", answers)
	}
	if got, want := lab.Record("m1"), "timeout A in c1"; got != want {
		t.Errorf("record %q, want %q", got, want)
	}
}

func TestAnEndGoesOnWhereAWakeUpIsLost(t *testing.T) {
	var log strings.Builder
	lab, jobs := asked(t, slog.New(slog.NewTextHandler(&log, nil)))
	lab.Fail("SendTaskSuccess", 0)
	if j, err := jobs.End(ctx, timedOut); err != nil || j.Outcome != job.TimedOut {
		t.Errorf("%+v, %v", j, err)
	}
	if !strings.Contains(log.String(), "a wake-up was lost") || !strings.Contains(log.String(), "message=m1") {
		t.Errorf("log %s", log.String())
	}
}

func TestAnEndThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, operation := range []string{"TransactWriteItems", "PutItem"} {
		lab, jobs := asked(t, slog.New(slog.DiscardHandler))
		for i := range 10 {
			lab.Fail(operation, i)
		}
		if j, err := jobs.End(ctx, timedOut); err == nil {
			t.Errorf("%s: %+v", operation, j)
		}
	}
}

func TestALetterIsNotedOnlyWhenItWasSent(t *testing.T) {
	lab := simtest.New(t)
	lab.Admit(holder)
	store := lab.Store(claim.DefaultSettings())
	letters := ending.NewLetters(store, lab.SQS(), lab.DeadLetterURL)
	told := func() bool {
		j, err := store.ReadJob(ctx, "m1")
		return err == nil && j.DeadLettered()
	}
	lab.Fail("SendMessage", 0)
	if err := letters.Send(ctx, job.DeadLetter{MessageID: "m1"}); !errors.Is(err, simtest.ErrFailed) || !strings.Contains(err.Error(), "dead letter of m1") || told() {
		t.Errorf("error %v, told %v", err, told())
	}
	if err := letters.Send(ctx, job.DeadLetter{MessageID: "m1", Kind: "failed"}); err != nil || !told() {
		t.Errorf("error %v, told %v", err, told())
	}
	if sent := lab.Received(lab.DeadLetterURL); len(sent) != 1 || !strings.HasPrefix(*sent[0].Body, `{"kind":"failed","messageId":"m1"`) {
		t.Errorf("sent %+v", sent)
	}
}
