package claim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

// wantOpen fails the test if the index of open jobs has others.
func wantOpen(t *testing.T, s simtest.Scene, want ...string) {
	t.Helper()
	if got := s.Open(); !slices.Equal(got, want) {
		t.Errorf("open are %q, want %q", got, want)
	}
}

func TestAJobIsInTheIndexOfOpenJobsUntilNothingIsLeftToDoForIt(t *testing.T) {
	m, b := simtest.Message("m1", "A", 1), simtest.Message("b1", "B", 2)
	ends := func(outcome job.Outcome) func(simtest.Scene) {
		return func(s simtest.Scene) {
			lease := s.Runs(m)
			s.Asks(b)
			s.Finishes(lease, claim.End{Outcome: outcome})
		}
	}
	declines := func(s simtest.Scene) {
		container := s.Claims(m).ContainerID
		s.Asks(b)
		if d, err := s.Protocol.Decline(ctx, simtest.Work(m, container), "w1"); err != nil || d.Verdict != claim.Yielded {
			t.Errorf("%+v, %v", d, err)
		}
	}
	cleansUp := func(outcome job.Outcome) func(simtest.Scene) {
		return func(s simtest.Scene) { s.CleansUp(m, outcome) }
	}
	for name, test := range map[string]struct {
		ends func(simtest.Scene)
		left bool
	}{
		"it runs":                               {func(s simtest.Scene) { s.Runs(m) }, true},
		"it has completed":                      {ends(job.Completed), false},
		"its worker yielded: no record yet":     {ends(job.Interrupted), true},
		"its worker declined: no record yet":    {declines, true},
		"its worker failed it: no record yet":   {ends(job.Failed), true},
		"it is superseded, on record":           {cleansUp(job.Superseded), false},
		"it is interrupted, on record":          {cleansUp(job.Interrupted), false},
		"it has failed: nobody was told yet":    {cleansUp(job.Failed), true},
		"its time is over: nobody was told yet": {cleansUp(job.TimedOut), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := simtest.NewScene(t, m, b)
			test.ends(s)
			want := []string{"b1"}
			if test.left {
				want = append(want, "m1")
			}
			wantOpen(t, s, want...)
		})
	}
}

func TestAJobLeavesTheIndexWhenAPersonWasTold(t *testing.T) {
	m := simtest.Message("m1", "A", 1)
	s := simtest.NewScene(t, m)
	s.CleansUp(m, job.Failed)
	if err := s.Protocol.MarkDeadLettered(ctx, "m1"); err != nil {
		t.Error(err)
	}
	wantOpen(t, s)
}

func TestOnlyAJobThatHasEndedIsSettled(t *testing.T) {
	m := simtest.Message("m1", "A", 1)
	s := simtest.NewScene(t, m)
	for _, id := range []string{"m1", "nobody"} {
		if err := s.Protocol.Settle(ctx, id); err != nil {
			t.Error(err)
		}
	}
	wantOpen(t, s, "m1")
	s.CleansUp(m, job.Failed)
	s.Fail("UpdateItem", 0)
	if err := s.Protocol.Settle(ctx, "m1"); !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v", err)
	}
	if err := s.Protocol.Settle(ctx, "m1"); err != nil {
		t.Error(err)
	}
	wantOpen(t, s)
}

func TestMailThatMakesNoJobIsNotOpen(t *testing.T) {
	s := simtest.NewScene(t)
	if _, err := s.Protocol.Reject(ctx, claim.Rejection{MessageID: "m1", Reason: "no recipient", ReceivedAtMillis: 1}); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, s)
}

func TestTheIndexNamesEveryOldJobOnceTheOldestFirst(t *testing.T) {
	s := simtest.NewScene(t)
	var want []string
	for i := range 40 {
		m := simtest.Message(fmt.Sprintf("m%02d", i), "A", 100-i)
		s.Admit(m)
		want = append(want, m.MessageID)
		s.Advance(time.Second)
	}
	s.Advance(-time.Second)
	var got []string
	for shard := range claim.OpenShards {
		last := ""
		for j, err := range s.Protocol.OpenJobs(ctx, shard, s.Now()) {
			if err != nil || j.MessageID < last || j.ExecutionARN == "" {
				t.Errorf("%+v after %s, %v", j, last, err)
			}
			last = j.MessageID
			got = append(got, j.MessageID)
		}
		if last == "" {
			t.Errorf("part %d is empty", shard)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want[:39]) {
		t.Errorf("open are %q", got)
	}
}

func TestAnExecutionEndsTheJobOfItsOwnRowOnly(t *testing.T) {
	m := simtest.Message("m1", "A", 1)
	cleanUp := func(s simtest.Scene, execution string) (claim.Finished, error) {
		return s.Protocol.CleanUp(ctx, claim.CleanUp{Message: m, ExecutionARN: execution, End: claim.End{Outcome: job.Failed}, Record: s.Records().Write})
	}
	s := simtest.NewScene(t, m)
	s.Runs(m)
	before, earlier := s.Row(), s.Execution(m)
	if f, err := cleanUp(s, earlier+"0"); err != nil || f.Job.Outcome != "" || s.Row() != before {
		t.Errorf("%+v, %v; row %s", f, err, s.Row())
	}
	if f, err := cleanUp(s, earlier); err != nil || f.Job.Outcome != job.Failed {
		t.Errorf("%+v, %v", f, err)
	}

	s = simtest.NewScene(t, m)
	s.Before("TransactWriteItems", 0, func() { // the row expires and the message comes anew just before the write
		s.Advance(31 * 24 * time.Hour)
		if s.DeleteExpired() != 1 {
			t.Error("the row has not expired")
		}
		s.Admit(m)
	})
	if f, err := cleanUp(s, earlier); err != nil || f.Job.Outcome != "" || s.Job("m1") != "open" {
		t.Errorf("%+v, %v; job %s", f, err, s.Job("m1"))
	}
}
