package claim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

func TestAFinishEndsTheJobAndFreesTheClaim(t *testing.T) {
	s := newScene(t, a1)
	l := s.runs(a1, "w1")
	s.Advance(10 * time.Second)
	finished, err := s.Finish(ctx, l, claim.End{Outcome: job.Completed, Result: "done"})
	must(t, finished, err)
	if finished.Job.Outcome != job.Completed || finished.Job.Result != "done" {
		t.Errorf("finished %+v", finished)
	}
	s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=1 expires=1h0m0s")
	s.WantJob("a1", "completed at 10s in c1 started 0s: done")
}

func TestAFinishLeavesTheOtherJobsOfTheClaim(t *testing.T) {
	s := newScene(t, a1, a2)
	l := s.runs(a1, "w1")
	s.claims(a2, claim.DecisionJoin)
	s.finishes(l, job.Completed)
	s.WantRow("c1 A jobs=a2 newest=a2@2s claimed=0s fence=1 expires=1h0m0s")
	s.starts(a2, l.ContainerID, "w1", claim.Started)
}

func TestAnInterruptedFinishSaysForWhom(t *testing.T) {
	s := newScene(t, a1, b3)
	l := s.runs(a1, "w1")
	s.Advance(time.Second)
	s.asks(b3, claim.DecisionInterrupt)
	s.Advance(time.Second)
	finished, err := s.Finish(ctx, l, claim.End{Outcome: job.Interrupted, PartialWork: "half"})
	s.wantWakes(must(t, finished, err).Wakes, "b3:token-b3 goes on")
	s.WantJob("a1", "interrupted at 2s in c1 started 0s (by B/b3 since 1s), saved: half")
}

func TestAnInterruptedFinishNeedsSomebodyWhoStillAsks(t *testing.T) {
	s := newScene(t, a1, b3, a4)
	l := s.runs(a1, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	s.claims(a4, claim.DecisionJoin) // newer than b3, which is superseded
	s.unchanged(func() {
		if _, err := s.Finish(ctx, l, claim.End{Outcome: job.Interrupted}); !errors.Is(err, claim.ErrNobodyWaits) {
			t.Errorf("error %v", err)
		}
	})
	s.WantJob("a1", "open in c1 started 0s")
}

func TestAFinishOfAJobThatHasEndedAnswersWithItsEnd(t *testing.T) {
	t.Run("by its own write, whose answer was lost", func(t *testing.T) {
		s := newScene(t, a1, b3)
		l := s.runs(a1, "w1")
		s.asks(b3, claim.DecisionInterrupt)
		s.LoseAnswer("TransactWriteItems", 0)
		finished := s.finishes(l, job.Completed)
		if finished.Job.Outcome != job.Completed {
			t.Errorf("finished %+v", finished)
		}
		s.wantWakes(finished.Wakes, "b3:token-b3 goes on")
	})
	t.Run("by an earlier finish", func(t *testing.T) {
		s := newScene(t, a1)
		l := s.runs(a1, "w1")
		s.finishes(l, job.Completed)
		s.unchanged(func() {
			if finished := s.finishes(l, job.Failed); finished.Job.Outcome != job.Completed {
				t.Errorf("finished %+v", finished)
			}
		})
	})
	t.Run("by a clean-up between its look and its write", func(t *testing.T) {
		s := newScene(t, a1)
		l := s.runs(a1, "w1")
		s.meanwhile(func() { s.cleansUp(a1, job.TimedOut) })
		if finished := s.finishes(l, job.Completed); finished.Job.Outcome != job.TimedOut {
			t.Errorf("finished %+v", finished)
		}
		s.WantJob("a1", "timed-out at 0s in c1 started 0s")
	})
}

func TestAFinishWithALeaseThatWasTakenWritesNothing(t *testing.T) {
	s := newScene(t, a1)
	l := s.runs(a1, "w1")
	s.Advance(lease + skew + time.Second)
	s.starts(a1, l.ContainerID, "w2", claim.Started)
	s.unchanged(func() {
		if _, err := s.Finish(ctx, l, claim.End{Outcome: job.Completed}); !errors.Is(err, claim.ErrLeaseLost) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAPreemptorThatComesUnderAFinishIsWoken(t *testing.T) {
	s := newScene(t, a1, b3)
	l := s.runs(a1, "w1")
	s.meanwhile(func() { s.asks(b3, claim.DecisionInterrupt) })
	s.wantWakes(s.finishes(l, job.Completed).Wakes, "b3:token-b3 goes on")
}

func (s scene) declines(m job.Message, containerID string, want claim.Verdict) claim.Declined {
	s.t.Helper()
	declined, err := s.Decline(ctx, simtest.Work(m, containerID), "w1")
	if must(s.t, declined, err); declined.Verdict != want {
		s.t.Fatalf("decline of %s: %v, want %v", m.MessageID, declined.Verdict, want)
	}
	return declined
}

func TestADeclineMakesRoomForWhoWaits(t *testing.T) {
	s := newScene(t, a1, b3)
	c := s.claims(a1, claim.DecisionNew).ContainerID
	s.Advance(time.Second)
	s.asks(b3, claim.DecisionInterrupt)
	declined := s.declines(a1, c, claim.Yielded)
	s.wantWakes(declined.Wakes, "b3:token-b3 goes on")
	s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=0 expires=1h0m0s | B newest=b3@3s asked=1s waiting=b3:token-b3")
	s.WantJob("a1", "interrupted at 1s in c1: not started: a newer thread has the key (by B/b3 since 1s)")
	s.unchanged(func() {
		if again := s.declines(a1, c, claim.Ended); again.Job.Outcome != job.Interrupted {
			t.Errorf("again: %+v", again)
		}
	})
}

func TestADeclineTakesADeadWorkersLeaseAndRaisesTheFence(t *testing.T) {
	s := newScene(t, a1, b3)
	l := s.runs(a1, "w0")
	s.asks(b3, claim.DecisionInterrupt)
	s.unchanged(func() { s.declines(a1, l.ContainerID, claim.Busy) })
	s.Advance(lease + skew + time.Millisecond)
	s.declines(a1, l.ContainerID, claim.Yielded)
	s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=2 expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:token-b3")
}

func TestADeclineLeavesTheClaimOfAnotherAlone(t *testing.T) {
	s := newScene(t, a1, b3)
	c := s.claims(a1, claim.DecisionNew).ContainerID
	s.asks(b3, claim.DecisionInterrupt)
	s.claims(b3, claim.DecisionTakeOver)
	s.unchanged(func() {
		if declined := s.declines(a1, c, claim.Yielded); len(declined.Wakes) > 0 {
			t.Errorf("woke %v", declined.Wakes)
		}
	})
	s.WantJob("a1", "interrupted at 0s in c1: not started: a newer thread has the key (by B/b3 since 0s)")
}

// The work's own thread has claimed again, and a third thread asks for the key: the job's row names
// the third.
func TestADeclineNamesTheThreadThatWantsTheKeyNotItsOwn(t *testing.T) {
	s := newScene(t, a1, a2, c5)
	c := s.claims(a1, claim.DecisionNew).ContainerID
	s.Advance(claimTTL + skew + time.Second)
	s.claims(a2, claim.DecisionNew)
	s.asks(c5, claim.DecisionInterrupt)
	s.unchanged(func() { s.declines(a1, c, claim.Yielded) })
	s.WantJob("a1", "interrupted at 1h0m6s in c1: not started: a newer thread has the key (by C/c5 since 1h0m6s)")
}

func TestADeclineDecidesAsStartDoes(t *testing.T) {
	s := newScene(t, a1)
	c := s.claims(a1, claim.DecisionNew).ContainerID
	s.unchanged(func() { s.declines(a1, c, claim.Started) })
	s.Advance(claimTTL + skew + time.Second)
	s.unchanged(func() { s.declines(a1, c, claim.Lost) })
	s.WantJob("a1", "open in c1")
}

func TestACleanUpEndsTheJobWithItsRecord(t *testing.T) {
	s := newScene(t, a1)
	s.runs(a1, "w1")
	s.Advance(time.Minute)
	finished, err := s.CleanUp(ctx, claim.CleanUp{
		Message: a1, End: claim.End{Outcome: job.TimedOut, Result: "too long"}, Record: s.Records().Write,
	})
	j := must(t, finished, err).Job
	if j.Outcome != job.TimedOut || j.ExecutionARN == "" || j.From != a1.From || j.StartedAtMillis == 0 {
		t.Errorf("the job, as it ended: %+v", j)
	}
	s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=2 expires=1h0m0s")
	s.WantJob("a1", "timed-out at 1m0s in c1 started 0s: too long")
	if got := s.Record("a1"); got != "timeout A in c1" {
		t.Errorf("record %q", got)
	}
	s.unchanged(func() {
		if again := s.cleansUp(a1, job.Failed); again.Job.Outcome != job.TimedOut {
			t.Errorf("again: %+v", again)
		}
	})
}

// What a clean-up does to the claim depends on the message's part in it (S4).
func TestWhatACleanUpTakesOffTheClaim(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(s scene)
		m       job.Message
		row     string // empty: as it was
		wakes   string
	}{
		{"no claim", func(scene) {}, a1, "", ""},
		{"the claim is another's", func(s scene) { s.runs(b3, "w1") }, a1, "", ""},
		{"the claim has passed to another", func(s scene) {
			s.claims(a1, claim.DecisionNew)
			s.asks(b3, claim.DecisionInterrupt)
			s.starts(b3, s.claims(b3, claim.DecisionTakeOver).ContainerID, "w1", claim.Started)
		}, a1, "", ""},
		{"the last that waits", func(s scene) { s.runs(a1, "w1"); s.asks(b3, claim.DecisionInterrupt) }, b3,
			"c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s", ""},
		{"one of those that wait", func(s scene) {
			s.runs(a1, "w1")
			s.asks(b2, claim.DecisionInterrupt)
			s.asks(b3, claim.DecisionInterrupt)
		}, b2,
			"c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:token-b3", ""},
		{"it runs, and somebody waits", func(s scene) { s.runs(a1, "w1"); s.asks(b3, claim.DecisionInterrupt) }, a1,
			"c1 A jobs= newest=a1@1s claimed=0s fence=2 expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:token-b3", "b3:token-b3 goes on"},
		{"it is queued behind another that runs", func(s scene) {
			s.runs(a1, "w1")
			s.claims(a2, claim.DecisionJoin)
			s.asks(b3, claim.DecisionInterrupt)
		}, a2,
			"c1 A jobs=a1 newest=a2@2s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:token-b3", ""},
		{"it is queued behind another whose worker is dead", func(s scene) {
			s.runs(a1, "w1")
			s.claims(a2, claim.DecisionJoin)
			s.asks(b3, claim.DecisionInterrupt)
			s.Advance(lease + skew + time.Second)
		}, a2,
			"c1 A jobs=a1 newest=a2@2s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:token-b3", "b3:token-b3 goes on"},
		{"it waits to be started, and others too", func(s scene) { s.claims(a1, claim.DecisionNew); s.claims(a2, claim.DecisionJoin) }, a1,
			"c1 A jobs=a2 newest=a2@2s claimed=0s fence=0 expires=1h0m0s", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, a1, a2, b2, b3)
			test.prepare(s)
			want := test.row
			if want == "" {
				want = s.Row()
			}
			s.wantWakes(s.cleansUp(test.m, job.TimedOut).Wakes, test.wakes)
			s.WantRow(want)
		})
	}
}

func TestACleanUpForAnOldContainerLeavesTheJobOpen(t *testing.T) {
	s := newScene(t, a1)
	s.claims(a1, claim.DecisionNew)
	s.Advance(claimTTL + skew + time.Second)
	s.claims(a1, claim.DecisionNew)
	c := s.cleanUp(a1, job.Failed)
	c.ContainerID = "container-1-c1"
	s.unchanged(func() {
		finished, err := s.CleanUp(ctx, c)
		if must(t, finished, err).Job.Outcome != "" {
			t.Errorf("ended %+v", finished.Job)
		}
	})
}

func TestACleanUpThatSparesTheLiving(t *testing.T) {
	spares := func(s scene) error {
		c := s.cleanUp(a1, job.Failed)
		c.SpareLive = true
		_, err := s.CleanUp(ctx, c)
		return err
	}
	t.Run("its worker lives", func(t *testing.T) {
		s := newScene(t, a1)
		s.runs(a1, "w1")
		s.Advance(lease + skew)
		s.unchanged(func() {
			if err := spares(s); !errors.Is(err, claim.ErrWorkedOn) {
				t.Errorf("error %v", err)
			}
		})
	})
	t.Run("its worker was silent for long, and is heard just then", func(t *testing.T) {
		s := newScene(t, a1)
		l := s.runs(a1, "w1")
		s.Advance(lease + skew + time.Second)
		s.meanwhile(func() {
			if _, err := s.Heartbeat(ctx, l); err != nil {
				t.Error(err)
			}
		})
		if err := spares(s); !errors.Is(err, claim.ErrWorkedOn) {
			t.Errorf("error %v", err)
		}
		s.WantJob("a1", "open in c1 started 0s")
	})
	t.Run("its worker is dead", func(t *testing.T) {
		s := newScene(t, a1)
		s.runs(a1, "w1")
		s.Advance(lease + skew + time.Second)
		if err := spares(s); err != nil {
			t.Fatal(err)
		}
		s.WantJob("a1", "failed at 1m36s in c1 started 0s")
	})
	t.Run("its claim is gone", func(t *testing.T) {
		s := newScene(t, a1)
		s.runs(a1, "w1")
		s.Advance(claimTTL + skew + time.Second)
		s.DeleteExpired()
		if err := spares(s); err != nil {
			t.Fatal(err)
		}
		s.WantJob("a1", "failed at 1h0m6s in c1 started 0s")
	})
	t.Run("another job's worker lives", func(t *testing.T) {
		s := newScene(t, a1, a2)
		s.claims(a1, claim.DecisionNew)
		s.starts(a2, s.claims(a2, claim.DecisionJoin).ContainerID, "w1", claim.Started)
		if err := spares(s); err != nil {
			t.Fatal(err)
		}
		s.WantJob("a1", "failed at 0s in c1")
	})
}

func TestASupersededMessageSaysByWhom(t *testing.T) {
	t.Run("by the holder", func(t *testing.T) {
		s := newScene(t, b3, a1)
		s.claims(b3, claim.DecisionNew)
		s.unchanged(func() { s.cleansUp(a1, job.Superseded) })
		if got := s.Record("a1"); got != "superseded A by B/b3 since 0s" {
			t.Errorf("record %q", got)
		}
	})
	t.Run("by who waits", func(t *testing.T) {
		s := newScene(t, a1, b3, c5)
		s.runs(a1, "w1")
		s.Advance(time.Second)
		s.asks(c5, claim.DecisionInterrupt)
		s.cleansUp(b3, job.Superseded)
		if got := s.Record("b3"); got != "superseded B by C/c5 since 1s" {
			t.Errorf("record %q", got)
		}
	})
}

func TestACleanUpWhoseAnswerWasLostIsDoneOnce(t *testing.T) {
	s := newScene(t, a1, b3)
	s.runs(a1, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	s.LoseAnswer("TransactWriteItems", 0)
	finished := s.cleansUp(a1, job.TimedOut)
	s.wantWakes(finished.Wakes, "b3:token-b3 goes on")
	s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=2 expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:token-b3")
}

func TestACleanUpLosesTheRaceToAFinish(t *testing.T) {
	s := newScene(t, a1)
	l := s.runs(a1, "w1")
	s.meanwhile(func() { s.finishes(l, job.Completed) })
	if finished := s.cleansUp(a1, job.TimedOut); finished.Job.Outcome != job.Completed {
		t.Errorf("finished %+v", finished)
	}
	if got := s.Record("a1"); got != "no record" {
		t.Errorf("a completed job has a record: %q", got)
	}
}

func TestAdmitPutsTheRowOnce(t *testing.T) {
	s := newScene(t)
	admitted, err := s.Store.Admit(ctx, a1, simtest.StateMachineARN, nil)
	if must(t, admitted, err); !admitted.Fresh || admitted.Existing != nil {
		t.Errorf("first: %+v", admitted)
	}
	named := s.Execution(a1)
	s.Advance(time.Minute)
	again, err := s.Store.Admit(ctx, a1, simtest.StateMachineARN, nil)
	if must(t, again, err); again.Fresh || again.ExecutionARN != named {
		t.Errorf("again: %+v", again)
	}
	rejected, err := s.Reject(ctx, claim.Rejection{MessageID: "a1", Raw: a1.Raw, Reason: "no recipient", ReceivedAtMillis: 1})
	if must(t, rejected, err); rejected.Fresh || rejected.Existing.Outcome != "" {
		t.Errorf("rejected: %+v", rejected)
	}
	bad := a2
	bad.ProjectUserID = "other#one"
	if _, err := s.Store.Admit(ctx, bad, simtest.StateMachineARN, nil); err == nil {
		t.Error("a message of another key was admitted")
	}
}

// Two mails under one id would be one of them lost, and the other seen by a stranger.
func TestARowIsNeverTakenForAnotherMessages(t *testing.T) {
	s := newScene(t)
	if admitted, err := s.Store.Admit(ctx, a1, "arn:1", nil); err != nil {
		t.Fatal(admitted, err)
	}
	elsewhere, otherKey := a1, a1
	elsewhere.Raw.Key = "emails/elsewhere/a1"
	otherKey.ProjectID, otherKey.UserID, otherKey.ProjectUserID = "atlas", "dana", "atlas#dana"
	for _, m := range []job.Message{elsewhere, otherKey} {
		_, err := s.Store.Admit(ctx, m, "arn:2", nil)
		var collision *claim.CollisionError
		if !errors.As(err, &collision) {
			t.Fatalf("error %v", err)
		}
		for _, named := range []string{a1.Raw.Key, m.Raw.Key, string(a1.ProjectUserID), string(m.ProjectUserID)} {
			if !strings.Contains(err.Error(), named) {
				t.Errorf("%v does not name %s", err, named)
			}
		}
	}
	var collision *claim.CollisionError
	if _, err := s.Reject(ctx, claim.Rejection{MessageID: "a1", Raw: elsewhere.Raw, Reason: "no recipient"}); !errors.As(err, &collision) {
		t.Errorf("error %v", err)
	}
}

func TestAPersonIsToldOnce(t *testing.T) {
	s := newScene(t)
	m1 := claim.Rejection{MessageID: "m1", Raw: a1.Raw, From: "x@example.com", Subject: "Hi", Reason: "no recipient", ReceivedAtMillis: 1}
	fresh, err := s.Reject(ctx, m1)
	if must(t, fresh, err); !fresh.Fresh {
		t.Errorf("first: %+v", fresh)
	}
	if err := s.MarkDeadLettered(ctx, "m1"); err != nil {
		t.Fatal(err)
	}
	again, err := s.Reject(ctx, m1)
	if j := must(t, again, err).Existing; !j.DeadLettered() || j.Outcome != job.Rejected || j.Result != "no recipient" {
		t.Errorf("again: %+v", j)
	}
	if err := s.MarkDeadLettered(ctx, "never"); err == nil {
		t.Error("a job that is not there was marked")
	}
}
