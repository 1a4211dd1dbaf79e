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

func TestAStartMakesTheWorkerTheHolderOfTheLease(t *testing.T) {
	s := newScene(t, a1)
	c := s.claims(a1, claim.DecisionNew).ContainerID
	s.Advance(10 * time.Second)
	l := s.starts(a1, c, "w1", claim.Started).Lease
	want := claim.Lease{
		Key: simtest.Key, ContainerID: c, MessageID: "a1", WorkerID: "w1",
		Fence: job.Millis(simtest.Start) + 1, ExpiresAt: simtest.Start.Add(10*time.Second + lease),
	}
	if l != want {
		t.Errorf("lease %+v, want %+v", l, want)
	}
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m40s expires=1h0m10s")
	s.WantJob("a1", "open in c1 started 10s")
}

func TestTheVerdictsOfStart(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(s scene, containerID string) // after a1 has claimed
		want    claim.Verdict
	}{
		{"nobody is there", func(scene, string) {}, claim.Started},
		{"it is the worker's own lease", func(s scene, c string) { s.starts(a1, c, "w1", claim.Started) }, claim.Started},
		{"the lease of a dead worker is over", func(s scene, c string) {
			s.starts(a1, c, "w0", claim.Started)
			s.Advance(lease + skew + time.Millisecond)
		}, claim.Started},
		{"another worker's lease is over, but not on every clock", func(s scene, c string) {
			s.starts(a1, c, "w0", claim.Started)
			s.Advance(lease + skew)
		}, claim.Busy},
		{"another worker holds the lease, and somebody waits", func(s scene, c string) {
			s.starts(a1, c, "w0", claim.Started)
			s.asks(b3, claim.DecisionInterrupt)
		}, claim.Busy},
		{"it has ended", func(s scene, c string) { s.finishes(s.starts(a1, c, "w0", claim.Started).Lease, job.Completed) }, claim.Ended},
		{"it was cleaned up", func(s scene, _ string) { s.cleansUp(a1, job.TimedOut) }, claim.Ended},
		{"a newer thread waits", func(s scene, _ string) { s.asks(b3, claim.DecisionInterrupt) }, claim.Yielded},
		{"a newer thread has taken over", func(s scene, _ string) {
			s.asks(b3, claim.DecisionInterrupt)
			s.claims(b3, claim.DecisionTakeOver)
		}, claim.Yielded},
		{"the claim is over, and the row still there", func(s scene, _ string) { s.Advance(claimTTL + skew + time.Second) }, claim.Lost},
		{"the claim is over, and the row deleted", func(s scene, _ string) {
			s.Advance(claimTTL + skew + time.Second)
			s.DeleteExpired()
		}, claim.Lost},
		{"the claim was over, and an older thread has the key", func(s scene, _ string) {
			s.Advance(claimTTL + skew + time.Second)
			s.claims(c0, claim.DecisionNew)
		}, claim.Lost},
		{"the claim was over, and its own thread has the key", func(s scene, _ string) {
			s.Advance(claimTTL + skew + time.Second)
			s.claims(a2, claim.DecisionNew)
		}, claim.Lost},
		{"it was claimed again, so this copy is old", func(s scene, _ string) {
			s.Advance(claimTTL + skew + time.Second)
			s.claims(a1, claim.DecisionNew)
		}, claim.Stale},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, a1, a2, b3, c0)
			c := s.claims(a1, claim.DecisionNew).ContainerID
			test.prepare(s, c)
			if test.want == claim.Started {
				before := s.fence()
				if l := s.starts(a1, c, "w1", test.want).Lease; l.Fence != before+1 {
					t.Errorf("fence %d after %d", l.Fence, before)
				}
				return
			}
			s.unchanged(func() { s.starts(a1, c, "w1", test.want) })
		})
	}
}

func (s scene) fence() int64 {
	s.t.Helper()
	row, err := s.ReadClaim(ctx, simtest.Key)
	return must(s.t, row, err).Fence
}

func TestABusyStartSaysUntilWhen(t *testing.T) {
	s := newScene(t, a1)
	l := s.runs(a1, "w0")
	start := s.starts(a1, l.ContainerID, "w1", claim.Busy)
	if want := simtest.Start.Add(lease + skew); !start.BusyUntil.Equal(want) {
		t.Errorf("busy until %v, want %v", start.BusyUntil, want)
	}
}

func TestAStartRecognisesItsOwnWriteAndLosesNoTime(t *testing.T) {
	s := newScene(t, a1)
	c := s.claims(a1, claim.DecisionNew).ContainerID
	s.LoseAnswer("TransactWriteItems", 0)
	s.Before("GetItem", 1, func() { s.Advance(time.Minute) }) // the look after the lost answer
	l := s.starts(a1, c, "w1", claim.Started).Lease
	if want := simtest.Start.Add(lease); !l.ExpiresAt.Equal(want) || l.Fence != s.fence() {
		t.Errorf("the lease lasts until %v, want %v from when it was sent; fence %d of %d", l.ExpiresAt, want, l.Fence, s.fence())
	}
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s")
}

func TestAStartGoesByAnEarlierAttemptThatTookEffectLate(t *testing.T) {
	s := newScene(t, a1)
	c := s.claims(a1, claim.DecisionNew).ContainerID
	s.Fail("TransactWriteItems", 0)
	s.Before("GetItem", 1, func() { s.Advance(time.Minute) }) // the look after the first attempt
	s.Before("TransactWriteItems", 1, func() {
		earlier := s.StoreAt(claim.DefaultSettings(), -time.Minute)
		if _, err := earlier.Start(ctx, simtest.Work(a1, c), "w1"); err != nil {
			t.Fatal(err)
		}
	})
	l := s.starts(a1, c, "w1", claim.Started).Lease
	if want := simtest.Start.Add(lease); !l.ExpiresAt.Equal(want) {
		t.Errorf("the lease lasts until %v, the row says %v", l.ExpiresAt, want)
	}
}

func TestAStartLosesRacesBetweenItsLookAndItsWrite(t *testing.T) {
	tests := []struct {
		name  string
		first func(s scene, containerID string)
		want  claim.Verdict
	}{
		{"to another worker", func(s scene, c string) { s.starts(a1, c, "w2", claim.Started) }, claim.Busy},
		{"to a thread that waits", func(s scene, _ string) { s.asks(b3, claim.DecisionInterrupt) }, claim.Yielded},
		{"to a clean-up", func(s scene, _ string) { s.cleansUp(a1, job.TimedOut) }, claim.Ended},
		{"to a take-over", func(s scene, _ string) { s.asks(b3, claim.DecisionInterrupt); s.claims(b3, claim.DecisionTakeOver) }, claim.Yielded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, a1, b3)
			c := s.claims(a1, claim.DecisionNew).ContainerID
			s.meanwhile(func() { test.first(s, c) })
			s.starts(a1, c, "w1", test.want)
		})
	}
}

func TestAHeartbeatExtendsLeaseAndClaimAndTellsWhoWaits(t *testing.T) {
	s := newScene(t, a1, b3)
	l := s.runs(a1, "w1")
	s.Advance(20 * time.Second)
	beat := s.beats(l, awsx.Applied)
	if beat.Preemptor != nil || beat.Lease.Fence != l.Fence || !beat.Lease.ExpiresAt.Equal(l.ExpiresAt.Add(20*time.Second)) {
		t.Errorf("beat %+v", beat)
	}
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m50s expires=1h0m20s")
	s.asks(b3, claim.DecisionInterrupt)
	if beat := s.beats(l, awsx.Applied); beat.Preemptor == nil || beat.Preemptor.ThreadID != "B" {
		t.Errorf("beat %+v", beat)
	}
}

func (s scene) beats(l claim.Lease, want awsx.Result) claim.Beat {
	s.t.Helper()
	beat, err := s.Heartbeat(ctx, l)
	if must(s.t, beat, err); beat.Result != want {
		s.t.Fatalf("heartbeat: %v, want %v", beat.Result, want)
	}
	return beat
}

func TestALeaseThatWasTakenCanDoNothing(t *testing.T) {
	tests := []struct {
		name string
		take func(s scene, l claim.Lease)
	}{
		{"by another worker", func(s scene, l claim.Lease) {
			s.Advance(lease + skew + time.Second)
			s.starts(a1, l.ContainerID, "w2", claim.Started)
		}},
		{"by the same worker, started anew", func(s scene, l claim.Lease) { s.starts(a1, l.ContainerID, "w1", claim.Started) }},
		{"by a newer thread after the grace", func(s scene, _ claim.Lease) {
			s.asks(b3, claim.DecisionInterrupt)
			s.Advance(grace + skew + time.Second)
			s.claims(b3, claim.DecisionTakeOver)
		}},
		{"by a clean-up", func(s scene, _ claim.Lease) { s.cleansUp(a1, job.TimedOut) }},
		{"by another claim, after its own was deleted", func(s scene, _ claim.Lease) {
			s.Advance(claimTTL + skew + time.Second)
			s.DeleteExpired()
			s.claims(b3, claim.DecisionNew)
		}},
		{"by time, the row deleted", func(s scene, _ claim.Lease) {
			s.Advance(claimTTL + skew + time.Second)
			s.DeleteExpired()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, a1, b3)
			l := s.runs(a1, "w1")
			test.take(s, l)
			s.unchanged(func() {
				s.beats(l, awsx.Refused)
				if wakes, result, err := s.HandBack(ctx, l); result != awsx.Refused || err != nil || wakes != nil {
					t.Errorf("hand back: %v %v %v", wakes, result, err)
				}
				finished, err := s.Finish(ctx, l, claim.End{Outcome: job.Completed})
				if !errors.Is(err, claim.ErrLeaseLost) && finished.Job.Outcome != job.TimedOut {
					t.Errorf("finish: %+v, %v", finished.Job, err)
				}
			})
		})
	}
}

func TestAHeartbeatWhoseAnswerWasLostIsNoRefusal(t *testing.T) {
	s := newScene(t, a1)
	l := s.runs(a1, "w1")
	s.Advance(20 * time.Second)
	s.LoseAnswer("UpdateItem", 0)
	beat, err := s.Heartbeat(ctx, l)
	if beat.Result != awsx.Unknown || err == nil || beat.Lease != l {
		t.Errorf("beat %+v, %v: an unknown end extends nothing", beat, err)
	}
	s.beats(l, awsx.Applied)
}

// If a Lambda's clock is ahead, or its CLAIM_TTL is greater, its claim lasts longer than a worker's
// heartbeats would make it.
func TestAHeartbeatExtendsTheLeaseOfAClaimThatIsAhead(t *testing.T) {
	s := newScene(t, a1)
	l := s.runs(a1, "w1")
	settings := claim.DefaultSettings()
	settings.ClaimTTL /= 2
	worker := s.Lab.Store(settings)
	for range 3 {
		s.Advance(20 * time.Second)
		beat, err := worker.Heartbeat(ctx, l)
		if must(t, beat, err); beat.Result != awsx.Applied || !beat.Lease.ExpiresAt.Equal(s.Now().Add(lease)) {
			t.Fatalf("beat %+v at %v", beat, s.Now())
		}
		l = beat.Lease
	}
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=2m30s expires=1h0m0s")
	late := s.Lab.StoreAt(settings, -3*time.Second)
	beat, err := late.Heartbeat(ctx, l)
	if must(t, beat, err); beat.Result != awsx.Applied || beat.Lease != l {
		t.Errorf("by a clock that was set back: %+v, want the lease as it was", beat)
	}
}

// The SDK repeats a call whose answer was lost. The second call finds that the first gave the lease
// up.
func TestAHandBackThatIsSentTwice(t *testing.T) {
	s := newScene(t, a1, b3)
	l := s.runs(a1, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	for range 2 {
		wakes, result, err := s.HandBack(ctx, l)
		if err != nil || result != awsx.Applied {
			t.Fatal(result, err)
		}
		s.wantWakes(wakes, "b3:token-b3 goes on")
	}
}

func TestAHandBackKeepsTheJobAndWakesWhoWaits(t *testing.T) {
	s := newScene(t, a1, b3)
	l := s.runs(a1, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	wakes, result, err := s.HandBack(ctx, l)
	if err != nil || result != awsx.Applied {
		t.Fatal(result, err)
	}
	s.wantWakes(wakes, "b3:token-b3 goes on")
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:token-b3")
	s.claims(b3, claim.DecisionTakeOver)
}

func TestAFenceNeverFalls(t *testing.T) {
	s := newScene(t, a1, a2, b3, c5)
	l := s.runs(a1, "w1")
	last := l.Fence
	grows := func(step string, at int64) {
		t.Helper()
		if at <= last {
			t.Errorf("%s: fence %d after %d", step, at, last)
		}
		last = at
	}
	for range 3 { // starts put the fence ahead of the clock: the next claim must not set it back
		grows("start", s.starts(a1, l.ContainerID, "w1", claim.Started).Lease.Fence)
	}
	s.asks(b3, claim.DecisionInterrupt)
	s.cleansUp(a1, job.TimedOut)
	grows("clean-up of a lease", s.fence())
	s.claims(b3, claim.DecisionNew)
	grows("new claim over a free one", s.fence())
	s.asks(c5, claim.DecisionInterrupt)
	s.claims(c5, claim.DecisionTakeOver)
	grows("take-over", s.fence())
	s.Advance(claimTTL + skew + time.Second)
	if s.DeleteExpired() != 1 {
		t.Fatal("the row was not deleted")
	}
	early := scene{Scene: s.Scene, Store: s.StoreAt(claim.DefaultSettings(), -skew), t: t} // by the slowest clock
	early.claims(a2, claim.DecisionNew)
	grows("new claim after the row was deleted", s.fence())
}

func (s scene) handsBack(l claim.Lease) {
	s.t.Helper()
	if _, result, err := s.HandBack(ctx, l); result != awsx.Applied || err != nil {
		s.t.Fatalf("hand back: %v, %v", result, err)
	}
}

func TestAStartThatCameToNoEndIsCountedByTheNext(t *testing.T) {
	s := newScene(t, a1)
	container := s.claims(a1, claim.DecisionNew).ContainerID
	begins := func(worker string, lost int64) claim.Lease {
		t.Helper()
		start := s.starts(a1, container, worker, claim.Started)
		if start.LostStarts != lost {
			t.Errorf("%s finds %d lost starts, want %d", worker, start.LostStarts, lost)
		}
		return start.Lease
	}
	s.handsBack(begins("w1", 0)) // to hand back is an end
	begins("w2", 0)
	s.Advance(lease + skew + time.Second)
	l := begins("w3", 1)
	s.WantJob("a1", "open in c1 started 0s (1 lost)")
	s.handsBack(l)
	begins("w4", 0)
	s.Advance(lease + skew + time.Second)
	s.finishes(begins("w5", 2), job.Completed)
	s.WantJob("a1", "completed at 3m12s in c1 started 0s (2 lost)")
}
