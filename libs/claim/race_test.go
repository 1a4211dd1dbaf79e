package claim_test

import (
	"errors"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

// In these tests, the row changes between a step's look at it and its write. Each condition of a
// write that its other conditions do not imply has a scene, here or in the tests of its step, that
// goes wrong without it.

// silent makes w1 run a1 without heartbeats until its lease is over on every clock.
func (s scene) silent() claim.Lease {
	s.t.Helper()
	l := s.runs(a1, "w1")
	s.Advance(lease + skew + time.Second)
	return l
}

func TestAClaimChangesUnderAClaim(t *testing.T) {
	t.Run("another thread claims the free key: it is asked to yield", func(t *testing.T) {
		s := newScene(t, a2, b3)
		s.meanwhile(func() { s.claims(a2, claim.DecisionNew) })
		s.claims(b3, claim.DecisionInterrupt)
		s.WantRow("c2 A jobs=a2 newest=a2@2s claimed=0s fence=0 expires=1h0m0s")
	})
	t.Run("its own thread claims the free key: the message joins", func(t *testing.T) {
		s := newScene(t, a1, a2)
		s.meanwhile(func() { s.claims(a1, claim.DecisionNew) })
		s.claims(a2, claim.DecisionJoin)
		s.WantRow("c2 A jobs=a1,a2 newest=a2@2s claimed=0s fence=0 expires=1h0m0s")
	})
	t.Run("its worker is heard before a take-over: it waits", func(t *testing.T) {
		s := newScene(t, a1, b3)
		l := s.runs(a1, "w1")
		s.Advance(60 * time.Second)
		s.asks(b3, claim.DecisionInterrupt)
		s.Advance(lease - 60*time.Second + skew + time.Millisecond)
		s.meanwhile(func() { s.beats(l, awsx.Applied) })
		s.claims(b3, claim.DecisionInterrupt)
	})
	t.Run("its worker is heard though it has expired: it is asked to yield", func(t *testing.T) {
		s := newScene(t, a1, b3)
		l := s.runs(a1, "w1")
		s.Advance(claimTTL + skew + time.Second)
		s.meanwhile(func() { s.beats(l, awsx.Applied) })
		s.claims(b3, claim.DecisionInterrupt)
	})
}

func TestAClaimChangesUnderAJoin(t *testing.T) {
	a0 := simtest.Message("a0", "A", 0)
	t.Run("its thread has another container: the message joins that", func(t *testing.T) {
		s := newScene(t, a0, a1, a2)
		l := s.runs(a1, "w1")
		var second string
		s.meanwhile(func() {
			s.finishes(l, job.Completed)
			second = s.claims(a2, claim.DecisionNew).ContainerID
		})
		if joined := s.claims(a0, claim.DecisionJoin).ContainerID; joined != second {
			t.Errorf("it joins %s, and %s has the claim", joined, second)
		}
	})
	t.Run("nobody has it any more: the claim is new", func(t *testing.T) {
		s := newScene(t, a0, a1)
		l := s.runs(a1, "w1")
		s.meanwhile(func() { s.finishes(l, job.Completed) })
		s.claims(a0, claim.DecisionNew)
	})
	t.Run("nobody has it any more, and the row is deleted: the claim is new", func(t *testing.T) {
		s := newScene(t, a1, a2)
		l := s.runs(a1, "w1")
		s.Advance(claimTTL)
		s.meanwhile(func() {
			s.finishes(l, job.Completed)
			s.Advance(skew + time.Second)
			s.DeleteExpired()
		})
		s.claims(a2, claim.DecisionNew)
	})
	t.Run("another thread asks before: it is woken", func(t *testing.T) {
		s := newScene(t, a1, b3, a4)
		s.claims(a1, claim.DecisionNew)
		s.meanwhile(func() { s.asks(b3, claim.DecisionInterrupt) })
		s.wantWakes(s.claims(a4, claim.DecisionJoin).Wakes, "b3:token-b3 superseded")
	})
	t.Run("the message is in it already: nothing is written", func(t *testing.T) {
		s := newScene(t, a0, a1)
		s.claims(a1, claim.DecisionNew)
		s.meanwhile(func() { s.claims(a0, claim.DecisionJoin) })
		s.claims(a0, claim.DecisionAgain)
	})
	t.Run("a newer message joins before: that stays the newest", func(t *testing.T) {
		s := newScene(t, a1, a2, a4)
		s.claims(a1, claim.DecisionNew)
		s.meanwhile(func() { s.claims(a4, claim.DecisionJoin) })
		s.claims(a2, claim.DecisionJoin)
		s.WantRow("c1 A jobs=a1,a2,a4 newest=a4@4s claimed=0s fence=0 expires=1h0m0s")
	})
	t.Run("one more waits in the thread that it supersedes: both are woken", func(t *testing.T) {
		s := newScene(t, a1, b2, b3, a4)
		s.claims(a1, claim.DecisionNew)
		s.asks(b2, claim.DecisionInterrupt)
		s.meanwhile(func() { s.asks(b3, claim.DecisionInterrupt) })
		s.wantWakes(s.claims(a4, claim.DecisionJoin).Wakes, "b2:token-b2 superseded; b3:token-b3 superseded")
	})
	t.Run("a heartbeat comes before: the claim is not shortened", func(t *testing.T) {
		s := newScene(t, a1, a2)
		l := s.runs(a1, "w1")
		s.meanwhile(func() {
			s.Advance(20 * time.Second)
			s.beats(l, awsx.Applied)
		})
		s.claims(a2, claim.DecisionJoin)
		s.WantRow("c1 A jobs=a1,a2 newest=a2@2s claimed=0s fence=1 worker=w1/a1 lease=1m50s expires=1h0m20s")
	})
}

func TestAClaimChangesUnderAnInterrupt(t *testing.T) {
	t.Run("it expired, and the same message has another container: that is asked", func(t *testing.T) {
		s := newScene(t, a1, b3)
		s.claims(a1, claim.DecisionNew)
		var second string
		s.meanwhile(func() {
			s.Advance(claimTTL + skew + time.Second)
			second = s.claims(a1, claim.DecisionNew).ContainerID
		})
		if asked := s.asks(b3, claim.DecisionInterrupt).ContainerID; asked != second {
			t.Errorf("%s is asked to yield, and %s has the claim", asked, second)
		}
	})
	t.Run("nobody has it any more: the message goes on", func(t *testing.T) {
		s := newScene(t, a1, b3)
		s.claims(a1, claim.DecisionNew)
		s.meanwhile(func() { s.cleansUp(a1, job.TimedOut) })
		if asked := s.asks(b3, claim.DecisionNew); !asked.GoOn {
			t.Error("it waits for nobody")
		}
	})
	t.Run("a newer message joins before: the message is superseded", func(t *testing.T) {
		s := newScene(t, a1, b3, a4)
		s.claims(a1, claim.DecisionNew)
		s.meanwhile(func() { s.claims(a4, claim.DecisionJoin) })
		s.asks(b3, claim.DecisionSuperseded)
	})
	t.Run("a worker starts before: the message waits", func(t *testing.T) {
		s := newScene(t, a1, b3)
		c := s.claims(a1, claim.DecisionNew).ContainerID
		s.meanwhile(func() { s.starts(a1, c, "w1", claim.Started) })
		if asked := s.asks(b3, claim.DecisionInterrupt); asked.GoOn {
			t.Error("it goes on though a worker holds the lease")
		}
	})
	t.Run("another worker goes on after a dead one: the message waits", func(t *testing.T) {
		s := newScene(t, a1, b3)
		l := s.silent()
		s.meanwhile(func() { s.starts(a1, l.ContainerID, "w2", claim.Started) })
		if asked := s.asks(b3, claim.DecisionInterrupt); asked.GoOn {
			t.Error("it goes on though a worker holds the lease")
		}
	})
}

// A worker whose lease is over sends a heartbeat just then.
func TestALeaseIsRevived(t *testing.T) {
	t.Run("under the start of another worker", func(t *testing.T) {
		s := newScene(t, a1)
		l := s.silent()
		s.meanwhile(func() { s.beats(l, awsx.Applied) })
		s.starts(a1, l.ContainerID, "w2", claim.Busy)
	})
	t.Run("under a decline by another worker", func(t *testing.T) {
		s := newScene(t, a1, b3)
		l := s.silent()
		s.asks(b3, claim.DecisionInterrupt)
		s.meanwhile(func() { s.beats(l, awsx.Applied) })
		declined, err := s.Decline(ctx, simtest.Work(a1, l.ContainerID), "w2")
		if must(t, declined, err).Verdict != claim.Busy {
			t.Errorf("declined: %+v", declined)
		}
	})
}

func TestAClaimChangesUnderACleanUp(t *testing.T) {
	t.Run("its worker hands the job back: no lease is there to end, and the fence stays", func(t *testing.T) {
		s := newScene(t, a1)
		l := s.runs(a1, "w1")
		s.meanwhile(func() { s.handsBack(l) })
		s.cleansUp(a1, job.TimedOut)
		s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=1 expires=1h0m0s")
	})
	t.Run("the message claims a key that had no row: it is taken off", func(t *testing.T) {
		s := newScene(t, a1)
		s.meanwhile(func() { s.claims(a1, claim.DecisionNew) })
		s.cleansUp(a1, job.TimedOut)
		s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=0 expires=1h0m0s")
	})
	t.Run("a worker starts the message: its lease is taken off too", func(t *testing.T) {
		s := newScene(t, a1)
		c := s.claims(a1, claim.DecisionNew).ContainerID
		var l claim.Lease
		s.meanwhile(func() { l = s.starts(a1, c, "w1", claim.Started).Lease })
		s.cleansUp(a1, job.TimedOut)
		s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=2 expires=1h0m0s")
		s.beats(l, awsx.Refused)
	})
	t.Run("the message joins its thread's claim: it is taken off", func(t *testing.T) {
		s := newScene(t, a1, a2)
		s.claims(a1, claim.DecisionNew)
		s.meanwhile(func() { s.claims(a2, claim.DecisionJoin) })
		s.cleansUp(a2, job.TimedOut)
		s.WantRow("c1 A jobs=a1 newest=a2@2s claimed=0s fence=0 expires=1h0m0s")
	})
}

// A heartbeat that is applied after a later one, or after a join, shortens neither the lease nor
// the claim. After a join it still extends the lease.
func TestAHeartbeatThatWasOvertaken(t *testing.T) {
	t.Run("by a later one of the same second", func(t *testing.T) {
		s := newScene(t, a1)
		l := s.runs(a1, "w1")
		s.Advance(20*time.Second + 200*time.Millisecond)
		s.Before("UpdateItem", 0, func() {
			s.Advance(400 * time.Millisecond)
			s.beats(l, awsx.Applied)
		})
		s.beats(l, awsx.Applied)
		s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m50.6s expires=1h0m21s")
	})
	t.Run("by a join", func(t *testing.T) {
		s := newScene(t, a1, a2)
		l := s.runs(a1, "w1")
		s.Advance(20 * time.Second)
		s.Before("UpdateItem", 0, func() {
			s.Advance(5 * time.Second)
			s.claims(a2, claim.DecisionJoin)
		})
		s.beats(l, awsx.Applied)
		s.WantRow("c1 A jobs=a1,a2 newest=a2@2s claimed=0s fence=1 worker=w1/a1 lease=1m55s expires=1h0m25s")
	})
}

func TestALeaseIsHandedBackUnderAFinish(t *testing.T) {
	s := newScene(t, a1)
	l := s.runs(a1, "w1")
	s.meanwhile(func() {
		if _, result, err := s.HandBack(ctx, l); must(t, result, err) != awsx.Applied {
			t.Fatalf("hand back: %v", result)
		}
	})
	if finished, err := s.Finish(ctx, l, claim.End{Outcome: job.Completed}); !errors.Is(err, claim.ErrLeaseLost) {
		t.Errorf("it finishes: %+v, %v", finished, err)
	}
}
