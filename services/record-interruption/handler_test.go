package recordinterruption_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	recordinterruption "github.com/webordinary/hephaestus/services/record-interruption"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var (
	ctx       = context.Background()
	holder    = simtest.Message("m1", "A", 1)
	preemptor = simtest.Message("m2", "B", 2)
	newest    = simtest.Message("m3", "C", 3)
)

type scene struct {
	simtest.Scene
	t       *testing.T
	lease   claim.Lease // of the holder
	handler *recordinterruption.Handler
}

// newScene has a worker that runs the holder.
func newScene(t *testing.T) scene {
	t.Helper()
	s := simtest.NewScene(t, holder, preemptor, newest)
	jobs := ending.NewJobs(s.Protocol, s.Records(), s.StepFunctions(), s.Log())
	return scene{Scene: s, t: t, lease: s.Runs(holder), handler: recordinterruption.New(jobs, s.Log())}
}

func (s scene) records(m job.Message, reason job.Reason, want job.Outcome, record string) {
	s.t.Helper()
	out, err := s.handler.Handle(ctx, recordinterruption.Input{Message: m, Reason: reason})
	if err != nil || out.Outcome != want || out.MessageID != m.MessageID {
		s.t.Errorf("%+v, %v; want %s", out, err, want)
	}
	if got := s.Record(m.MessageID); got != record {
		s.t.Errorf("record %q, want %q", got, record)
	}
}

func TestASupersededMessageEndsHere(t *testing.T) {
	s := newScene(t)
	s.Advance(time.Second)
	s.Asks(newest)
	before := s.Row()
	s.records(preemptor, job.ReasonSuperseded, job.Superseded, "superseded B by C/m3 since 1s")
	if got := s.Job("m2"); got != "superseded at 1s: a newer message of another thread has or wants the key (by C/m3 since 1s)" {
		t.Errorf("job %q", got)
	}
	if after := s.Row(); after != before {
		t.Errorf("the row was\n\t%s\nand is\n\t%s", before, after)
	}
}

func TestASupersededMessageNoLongerWaits(t *testing.T) {
	s := newScene(t)
	s.Asks(preemptor)
	s.records(preemptor, job.ReasonSuperseded, job.Superseded, "superseded B by A/m1 since 0s")
	if got := s.Row(); got != "c1 A jobs=m1 newest=m1@1s claimed=0s fence=1 worker=w1/m1 lease=1m30s expires=1h0m0s" {
		t.Errorf("row %s", got)
	}
}

func TestAPreemptedJobIsRecordedAsItsWorkerEndedIt(t *testing.T) {
	s := newScene(t)
	s.Advance(time.Second)
	s.Asks(preemptor)
	s.Finishes(s.lease, claim.End{Outcome: job.Interrupted, PartialWork: "branch wip"})
	s.records(holder, job.ReasonPreempted, job.Interrupted, "preempted A in c1 by B/m2 since 1s, saved: branch wip")
}

func TestAPreemptedJobWhoseWorkerCouldNotWriteEndsHereAndWakesWhoWaits(t *testing.T) {
	s := newScene(t)
	s.Asks(preemptor)
	s.records(holder, job.ReasonPreempted, job.Interrupted, "preempted A in c1")
	if got, want := s.Flow.Answers(), []string{`token-m2: {"superseded":false,"by":"end of m1"}`}; !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
}

func TestACompletedJobGetsNoRecord(t *testing.T) {
	for _, reason := range []job.Reason{job.ReasonPreempted, job.ReasonSuperseded} {
		s := newScene(t)
		s.Finishes(s.lease, claim.End{Outcome: job.Completed})
		s.records(holder, reason, job.Completed, "no record")
	}
}

func TestARetryWritesNothingTwice(t *testing.T) {
	s := newScene(t)
	s.Asks(newest)
	want := "superseded B by C/m3 since 0s"
	s.records(preemptor, job.ReasonSuperseded, job.Superseded, want)
	before := s.Job("m2")
	s.Advance(time.Minute)
	s.records(preemptor, job.ReasonSuperseded, job.Superseded, want)
	s.records(preemptor, job.ReasonPreempted, job.Superseded, want)
	if after := s.Job("m2"); after != before {
		t.Errorf("job %q, was %q", after, before)
	}
}

// The worker's transaction does not write the record. If this handler dies before it writes the
// record, the next call must.
func TestARecordThatCouldNotBeWrittenIsWrittenByTheRetry(t *testing.T) {
	s := newScene(t)
	s.Asks(preemptor)
	s.Finishes(s.lease, claim.End{Outcome: job.Interrupted})
	s.Fail("PutItem", 0)
	if _, err := s.handler.Handle(ctx, recordinterruption.Input{Message: holder, Reason: job.ReasonPreempted}); !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v", err)
	}
	s.records(holder, job.ReasonPreempted, job.Interrupted, "preempted A in c1 by B/m2 since 0s")
}

func TestALostWakeUpIsNoError(t *testing.T) {
	s := newScene(t)
	s.Asks(preemptor)
	s.Fail("SendTaskSuccess", 0)
	s.records(holder, job.ReasonPreempted, job.Interrupted, "preempted A in c1")
}

func TestInputsThatAreNoneAreRefused(t *testing.T) {
	s := newScene(t)
	for name, in := range map[string]recordinterruption.Input{
		"no message":       {Reason: job.ReasonPreempted},
		"no reason":        {Message: holder},
		"another's reason": {Message: holder, Reason: job.ReasonTimeout},
	} {
		if _, err := s.handler.Handle(ctx, in); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
