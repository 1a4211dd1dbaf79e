package claim_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

func TestCheckDecidesAndWritesNothing(t *testing.T) {
	s := newScene(t, a1, b3)
	check := func(m job.Message) claim.Checked {
		checked, err := s.Check(ctx, m)
		return must(t, checked, err)
	}
	if got := check(a1); got != (claim.Checked{Decision: claim.DecisionNew}) {
		t.Errorf("without a row: %+v", got)
	}
	s.WantRow("no row")
	s.claims(a1, claim.DecisionNew)
	s.unchanged(func() {
		if got := check(b3); got.Decision != claim.DecisionInterrupt || simtest.Short(got.ContainerID) != "c1" {
			t.Errorf("held: %+v", got)
		}
	})
}

// A check may answer from a stale read, except with superseded, which ends a message.
func TestACheckThatReadsStale(t *testing.T) {
	tests := []struct {
		name string
		m    job.Message
		want claim.Decision
	}{
		{"superseded is said of the claim as it is alone: the newer thread has just finished", a1, claim.DecisionNew},
		{"that the holder must yield may be said too late: it has just finished", c5, claim.DecisionInterrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, a1, b3, c5)
			s.finishes(s.runs(b3, "w1"), job.Completed)
			s.ReadStale()
			checked, err := s.Check(ctx, test.m)
			if must(t, checked, err).Decision != test.want {
				t.Errorf("%v, want %v", checked.Decision, test.want)
			}
		})
	}
}

func TestANewClaim(t *testing.T) {
	s := newScene(t, a1)
	s.Advance(10 * time.Second)
	claimed := s.claims(a1, claim.DecisionNew)
	if !claimed.OK() || len(claimed.Wakes) > 0 {
		t.Errorf("claimed %+v", claimed)
	}
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=10s fence=10000 expires=1h0m10s")
	s.WantJob("a1", "open in c1")
}

func TestAClaimThatIsRetriedIsTheSameClaim(t *testing.T) {
	s := newScene(t, a1)
	first := s.claims(a1, claim.DecisionNew)
	s.Advance(time.Minute)
	s.unchanged(func() {
		if again := s.claims(a1, claim.DecisionAgain); again.ContainerID != first.ContainerID || !again.OK() {
			t.Errorf("again: %+v, first: %+v", again, first)
		}
	})
}

func TestAJoinExtendsTheClaim(t *testing.T) {
	s := newScene(t, a1, a2, a4)
	s.claims(a2, claim.DecisionNew)
	s.Advance(time.Minute)
	if joined := s.claims(a4, claim.DecisionJoin); simtest.Short(joined.ContainerID) != "c1" {
		t.Errorf("joined %s", joined.ContainerID)
	}
	s.WantRow("c1 A jobs=a2,a4 newest=a4@4s claimed=0s fence=0 expires=1h1m0s")
	s.WantJob("a4", "open in c1")
	s.claims(a1, claim.DecisionJoin) // an older one does not make the claim older
	s.WantRow("c1 A jobs=a1,a2,a4 newest=a4@4s claimed=0s fence=0 expires=1h1m0s")
}

func TestAJoinThatIsNewerThanTheWaitingThreadTakesItsPlace(t *testing.T) {
	s := newScene(t, a2, b3, a4)
	s.runs(a2, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	s.wantWakes(s.claims(a4, claim.DecisionJoin).Wakes, "b3:token-b3 superseded")
	s.WantRow("c1 A jobs=a2,a4 newest=a4@4s claimed=0s fence=1 worker=w1/a2 lease=1m30s expires=1h0m0s")
}

func TestAnOlderMessageOfTheHoldersThreadIsSupersededByWhoWaits(t *testing.T) {
	s := newScene(t, a1, a2, b3)
	s.claims(a2, claim.DecisionNew)
	s.asks(b3, claim.DecisionInterrupt)
	s.unchanged(func() {
		if claimed := s.claims(a1, claim.DecisionSuperseded); claimed.OK() || claimed.ContainerID != "" {
			t.Errorf("claimed %+v", claimed)
		}
	})
}

func TestAClaimOfAnothersKeyWritesNothing(t *testing.T) {
	s := newScene(t, a2, b3, c0)
	s.claims(a2, claim.DecisionNew)
	s.unchanged(func() {
		s.claims(b3, claim.DecisionInterrupt)
		s.claims(c0, claim.DecisionSuperseded)
	})
}

func TestAFreeClaimGoesToWhoComesAndWakesWhoWaits(t *testing.T) {
	s := newScene(t, a1, b2, b3, c5)
	l := s.runs(a1, "w1")
	s.asks(b2, claim.DecisionInterrupt)
	s.asks(b3, claim.DecisionInterrupt)
	s.wantWakes(s.finishes(l, job.Interrupted).Wakes, "b2:token-b2 goes on; b3:token-b3 goes on")
	s.WantRow("c1 A jobs= newest=a1@1s claimed=0s fence=1 expires=1h0m0s | B newest=b3@3s asked=0s waiting=b2:token-b2,b3:token-b3")

	s.Advance(time.Second)
	s.wantWakes(s.claims(b3, claim.DecisionNew).Wakes, "b2:token-b2 goes on")
	s.WantRow("c2 B jobs=b3 newest=b3@3s claimed=1s fence=1000 expires=1h0m1s")
	s.claims(b2, claim.DecisionJoin)
}

func TestAFreeClaimGoesToANewerThreadThanTheOneThatWaits(t *testing.T) {
	s := newScene(t, a1, b2, b3, c5)
	l := s.runs(a1, "w1")
	s.asks(b2, claim.DecisionInterrupt)
	s.asks(b3, claim.DecisionInterrupt)
	s.finishes(l, job.Completed)
	s.wantWakes(s.claims(c5, claim.DecisionNew).Wakes, "b2:token-b2 superseded; b3:token-b3 superseded")
	s.WantRow("c2 C jobs=c5 newest=c5@5s claimed=0s fence=2 expires=1h0m0s")
}

// A preemptor on an expired claim does not hold up an older message, but it is newer, so it may
// interrupt.
func TestAnExpiredClaimIsNewToAnOlderMessageAndANewerOneThatWaitsGoesOn(t *testing.T) {
	s := newScene(t, a1, b3, c5)
	s.claims(a1, claim.DecisionNew)
	s.asks(c5, claim.DecisionInterrupt)
	s.Advance(claimTTL + skew + time.Second)
	s.wantWakes(s.claims(b3, claim.DecisionNew).Wakes, "c5:token-c5 goes on")
	s.WantRow("c2 B jobs=b3 newest=b3@3s claimed=1h0m6s fence=3606000 expires=2h0m6s")
	s.asks(c5, claim.DecisionInterrupt)
}

func TestATakeOver(t *testing.T) {
	tests := []struct {
		name    string
		started bool          // a worker holds the lease
		beat    time.Duration // when it last beat
		wait    time.Duration // from the request
		want    claim.Decision
		row     string
	}{
		{"before any worker came", false, 0, 0, claim.DecisionTakeOver,
			"c2 B jobs=b3 newest=b3@3s claimed=0s fence=1 expires=1h0m0s"},
		{"while the worker lives and has its grace", true, 80 * time.Second, grace, claim.DecisionInterrupt, ""},
		{"when the lease is over, but not on every clock", true, 0, lease + skew, claim.DecisionInterrupt, ""},
		{"when the lease is over", true, 0, lease + skew + time.Millisecond, claim.DecisionTakeOver,
			"c2 B jobs=b3 newest=b3@3s claimed=1m35.001s fence=95001 expires=1h1m36s"},
		{"when the grace is over, but not on every clock", true, 80 * time.Second, grace + skew, claim.DecisionInterrupt, ""},
		{"when the grace is over, though the worker lives", true, 80 * time.Second, grace + skew + time.Millisecond, claim.DecisionTakeOver,
			"c2 B jobs=b3 newest=b3@3s claimed=1m35.001s fence=95001 expires=1h1m36s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, a1, b2, b3)
			var l claim.Lease
			if test.started {
				l = s.runs(a1, "w1")
			} else {
				s.claims(a1, claim.DecisionNew)
			}
			s.asks(b2, claim.DecisionInterrupt)
			s.asks(b3, claim.DecisionInterrupt)
			s.Advance(test.beat)
			if test.beat > 0 {
				beat, err := s.Heartbeat(ctx, l)
				must(t, beat, err)
			}
			s.Advance(test.wait - test.beat)
			claimed := s.claims(b3, test.want)
			if test.want == claim.DecisionTakeOver {
				s.wantWakes(claimed.Wakes, "b2:token-b2 goes on")
				s.WantRow(test.row)
			}
		})
	}
}

// The answer take-over means that another thread still had the claim.
func TestATakeOverOfAClaimThatIsLeftJustThenIsANewOne(t *testing.T) {
	s := newScene(t, a1, b3)
	c1 := s.claims(a1, claim.DecisionNew).ContainerID
	s.asks(b3, claim.DecisionInterrupt)
	s.meanwhile(func() { s.declines(a1, c1, claim.Yielded) })
	s.claims(b3, claim.DecisionNew)
	s.WantJob("a1", "interrupted at 0s in c1: not started: a newer thread has the key (by B/b3 since 0s)")
}

func TestTheLeastIntervalBetweenTwoClaims(t *testing.T) {
	settings := claim.DefaultSettings()
	settings.MinClaimInterval = time.Minute
	s := newSceneWith(t, settings, a1, a2, b3)
	l := s.runs(a1, "w1")
	s.Advance(20 * time.Second)
	s.claims(a2, claim.DecisionJoin) // no new claim, so it need not wait
	s.finishes(l, job.Completed)
	s.cleansUp(a2, job.Failed)

	s.unchanged(func() {
		early := s.claims(b3, claim.DecisionNew)
		if early.OK() || !early.RetryAt.Equal(simtest.Start.Add(time.Minute)) || early.ContainerID != "" {
			t.Errorf("early: %+v", early)
		}
	})
	s.Advance(40 * time.Second)
	if claimed := s.claims(b3, claim.DecisionNew); !claimed.OK() {
		t.Errorf("in time: %+v", claimed)
	}
}

func TestAnInterruptLetsTheMessageWait(t *testing.T) {
	s := newScene(t, a1, b2, b3)
	s.runs(a1, "w1")
	s.Advance(time.Second)
	asked := s.asks(b3, claim.DecisionInterrupt)
	if asked.GoOn || simtest.Short(asked.ContainerID) != "c1" || len(asked.Wakes) > 0 {
		t.Errorf("asked %+v", asked)
	}
	s.Advance(time.Second)
	s.asks(b2, claim.DecisionInterrupt) // waits with its thread; newest and first request stay
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s | B newest=b3@3s asked=1s waiting=b2:token-b2,b3:token-b3")
}

func TestAnInterruptAgainLeavesItsNewTokenOnly(t *testing.T) {
	s := newScene(t, a1, b3)
	s.runs(a1, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	s.unchanged(func() { s.asks(b3, claim.DecisionInterrupt) })
	s.Advance(time.Second)
	asked, err := s.Interrupt(ctx, b3, "second")
	if must(t, asked, err); len(asked.Wakes) > 0 {
		t.Errorf("woke itself: %+v", asked.Wakes)
	}
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:second")
}

// The holder was asked when the first thread asked: a stream of new ones must not put off the
// take-over.
func TestANewerThreadTakesThePlaceOfTheOneThatWaits(t *testing.T) {
	s := newScene(t, a1, b2, b3, c5)
	s.runs(a1, "w1")
	s.asks(b2, claim.DecisionInterrupt)
	s.asks(b3, claim.DecisionInterrupt)
	s.Advance(time.Second)
	s.wantWakes(s.asks(c5, claim.DecisionInterrupt).Wakes, "b2:token-b2 superseded; b3:token-b3 superseded")
	s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s | C newest=c5@5s asked=0s waiting=c5:token-c5")
	s.unchanged(func() { s.asks(b3, claim.DecisionSuperseded) })
}

func TestAnInterruptThatNeedNotWait(t *testing.T) {
	t.Run("no worker holds a lease", func(t *testing.T) {
		s := newScene(t, a1, b3)
		s.claims(a1, claim.DecisionNew)
		if asked := s.asks(b3, claim.DecisionInterrupt); !asked.GoOn {
			t.Errorf("asked %+v", asked)
		}
		s.claims(b3, claim.DecisionTakeOver)
	})
	t.Run("the holder has yielded meanwhile", func(t *testing.T) {
		s := newScene(t, a1, b3)
		l := s.runs(a1, "w1")
		s.finishes(l, job.Completed)
		s.unchanged(func() {
			if asked := s.asks(b3, claim.DecisionNew); !asked.GoOn {
				t.Errorf("asked %+v", asked)
			}
		})
	})
	t.Run("a newer thread has claimed meanwhile", func(t *testing.T) {
		s := newScene(t, b3, c5)
		s.claims(c5, claim.DecisionNew)
		s.unchanged(func() {
			if asked := s.asks(b3, claim.DecisionSuperseded); asked.GoOn {
				t.Errorf("asked %+v", asked)
			}
		})
	})
}

// A step whose every write is refused gives up in the end.
func TestAContendedStepGivesUp(t *testing.T) {
	s := newScene(t, a1)
	for i := range 10 {
		s.FailWith("TransactWriteItems", i, &types.TransactionCanceledException{
			CancellationReasons: []types.CancellationReason{{Code: aws.String("TransactionConflict")}, {Code: aws.String("None")}},
		})
	}
	if _, err := s.Claim(ctx, a1); !errors.Is(err, claim.ErrContended) {
		t.Errorf("error %v", err)
	}
	s.WantRow("no row")
}

// The attempts of a contended step come further and further apart; after one that was in another's
// way once there is no pause.
func TestAContendedStepPausesBetweenItsAttempts(t *testing.T) {
	conflict := &types.TransactionCanceledException{
		CancellationReasons: []types.CancellationReason{{Code: aws.String("TransactionConflict")}, {Code: aws.String("None")}},
	}
	s := newScene(t, a1)
	s.FailWith("TransactWriteItems", 0, conflict)
	s.claims(a1, claim.DecisionNew)
	if paused := s.Paused(); len(paused) != 0 {
		t.Errorf("after one conflict it paused %v", paused)
	}
	s = newScene(t, a1)
	for i := range 10 {
		s.FailWith("TransactWriteItems", i, conflict)
	}
	if _, err := s.Claim(ctx, a1); !errors.Is(err, claim.ErrContended) {
		t.Errorf("error %v", err)
	}
	want := "[25ms 50ms 100ms 200ms 400ms 800ms 1.6s 1.6s]"
	if got := fmt.Sprint(s.Paused()); got != want {
		t.Errorf("paused at most %s, want %s", got, want)
	}
}

func TestAStepDoesNotPauseBeyondItsDeadline(t *testing.T) {
	s := newScene(t, a1)
	for i := range 10 {
		s.Fail("TransactWriteItems", i)
	}
	bounded := deadline{Context: ctx, at: s.Now().Add(60 * time.Millisecond)}
	if _, err := s.Protocol.Claim(bounded, a1); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v, want the deadline's and the last attempt's", err)
	}
	if got := fmt.Sprint(s.Paused()); got != "[25ms 50ms]" {
		t.Errorf("paused at most %s", got)
	}
}

// deadline is a context whose deadline is one of the lab's clock.
type deadline struct {
	context.Context
	at time.Time
}

func (d deadline) Deadline() (time.Time, bool) { return d.at, true }

// What is missing or forbidden is not there within seconds: the caller tries again later.
func TestAStepDoesNotWaitForAPersonsMend(t *testing.T) {
	s := newScene(t, a1)
	s.FailWith("TransactWriteItems", 0, &types.ResourceNotFoundException{})
	_, err := s.Claim(ctx, a1)
	var missing *types.ResourceNotFoundException
	var never *job.InvalidRequest
	if !errors.As(err, &missing) || errors.As(err, &never) {
		t.Errorf("error %v, want one that may pass", err)
	}
	if len(s.Paused()) != 0 {
		t.Errorf("paused %v", s.Paused())
	}
	s.claims(a1, claim.DecisionNew)
}

// The state machine knows an error by the type that is outermost.
func TestAStepOfAJobThatCannotGoOnIsAnInvalidRequest(t *testing.T) {
	s := newScene(t, a1)
	if _, err := s.Claim(ctx, a2); !isInvalid(err) || !errors.Is(err, claim.ErrNoJob) {
		t.Errorf("of a job without a row: %v", err)
	}
	s.CleansUp(a1, job.Failed)
	var ended *claim.EndedError
	if _, err := s.Claim(ctx, a1); !isInvalid(err) || !errors.As(err, &ended) {
		t.Errorf("of a job that has ended: %v", err)
	}
}

func isInvalid(err error) bool {
	_, invalid := err.(*job.InvalidRequest)
	return invalid
}

func TestAStepRecognisesItsOwnWriteWhenTheAnswerWasLost(t *testing.T) {
	t.Run("claim", func(t *testing.T) {
		s := newScene(t, a1)
		s.LoseAnswer("TransactWriteItems", 0)
		if claimed := s.claims(a1, claim.DecisionAgain); simtest.Short(claimed.ContainerID) != "c1" || !claimed.OK() {
			t.Errorf("claimed %+v", claimed)
		}
		s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=0 expires=1h0m0s")
	})
	t.Run("interrupt", func(t *testing.T) {
		s := newScene(t, a1, b3)
		s.runs(a1, "w1")
		s.LoseAnswer("TransactWriteItems", 0)
		if asked := s.asks(b3, claim.DecisionInterrupt); asked.GoOn || simtest.Short(asked.ContainerID) != "c1" {
			t.Errorf("asked %+v", asked)
		}
		s.WantRow("c1 A jobs=a1 newest=a1@1s claimed=0s fence=1 worker=w1/a1 lease=1m30s expires=1h0m0s | B newest=b3@3s asked=0s waiting=b3:token-b3")
	})
	t.Run("a write that had no effect is made again", func(t *testing.T) {
		s := newScene(t, a1)
		s.Fail("TransactWriteItems", 0)
		s.claims(a1, claim.DecisionNew)
	})
	t.Run("a look that fails is an error", func(t *testing.T) {
		s := newScene(t, a1)
		s.Fail("GetItem", 0)
		if _, err := s.Claim(ctx, a1); !errors.Is(err, simtest.ErrFailed) {
			t.Errorf("error %v", err)
		}
		s.LoseAnswer("TransactWriteItems", 0)
		s.Fail("GetItem", 1)
		if _, err := s.Claim(ctx, a1); !errors.Is(err, simtest.ErrFailed) || !errors.Is(err, simtest.ErrAnswerLost) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a cancelled context ends it", func(t *testing.T) {
		s := newScene(t, a1)
		cancelled, cancel := context.WithCancel(ctx)
		s.meanwhile(cancel)
		if _, err := s.Claim(cancelled, a1); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		s.WantRow("no row")
	})
}

// A Lambda that was frozen and wakes up after its execution ended must change nothing.
func TestNoStepIsTakenForAJobThatHasEnded(t *testing.T) {
	s := newScene(t, a1, a2, b3)
	s.cleansUp(a2, job.TimedOut)
	s.cleansUp(b3, job.Failed)
	var ended *claim.EndedError
	refused := func(step string, err error) {
		t.Helper()
		if !errors.As(err, &ended) {
			t.Errorf("%s: %v", step, err)
		}
	}
	_, err := s.Claim(ctx, b3)
	refused("new claim", err)
	s.WantRow("no row")

	s.claims(a1, claim.DecisionNew)
	s.unchanged(func() {
		_, err := s.Claim(ctx, a2)
		refused("join", err)
		_, err = s.Interrupt(ctx, b3, "token")
		refused("interrupt", err)
		s.starts(a2, "container-1-c1", "w1", claim.Ended)
	})
}

func TestNoStepIsTakenForAMessageThatWasNeverAdmitted(t *testing.T) {
	s := newScene(t)
	if _, err := s.Claim(ctx, a1); !errors.Is(err, claim.ErrNoJob) {
		t.Errorf("claim: %v", err)
	}
	if _, err := s.Start(ctx, simtest.Work(a1, "container-1-c1"), "w1"); !errors.Is(err, claim.ErrNoJob) {
		t.Errorf("start: %v", err)
	}
	if _, err := s.CleanUp(ctx, s.cleanUp(a1, job.Failed)); !errors.Is(err, claim.ErrNoJob) {
		t.Errorf("clean up: %v", err)
	}
	s.WantRow("no row")
}

func TestOfManyThreadsThatRaceForAKeyOneClaims(t *testing.T) {
	decisions := race(t, func(i int) job.Message { return simtest.Message(fmt.Sprintf("m%02d", i), fmt.Sprintf("T%d", i), 1) })
	if decisions[claim.DecisionNew] != 1 || decisions[claim.DecisionJoin]+decisions[claim.DecisionTakeOver]+decisions[claim.DecisionAgain] != 0 {
		t.Errorf("decisions: %v", decisions)
	}
}

func TestOfOneThreadAllJoinTheFirst(t *testing.T) {
	decisions := race(t, func(i int) job.Message { return simtest.Message(fmt.Sprintf("m%02d", i), "A", i) })
	if decisions[claim.DecisionNew] != 1 || decisions[claim.DecisionJoin] != racers-1 {
		t.Errorf("decisions: %v", decisions)
	}
}

const racers = 50

// race makes messages claim at once, and counts the decisions. A claim that gives up is tried
// again, as the state machine does.
func race(t *testing.T, message func(int) job.Message) map[claim.Decision]int {
	t.Helper()
	s := newScene(t)
	var wg sync.WaitGroup
	claims := make([]claim.Claimed, racers)
	errs := make([]error, racers)
	for i := range racers {
		m := message(i)
		s.Lab.Admit(m)
		wg.Go(func() {
			for {
				if claims[i], errs[i] = s.Claim(ctx, m); !errors.Is(errs[i], claim.ErrContended) {
					return
				}
			}
		})
	}
	wg.Wait()
	row, err := s.ReadClaim(ctx, simtest.Key)
	must(t, row, err)
	decisions := map[claim.Decision]int{}
	for i, c := range claims {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		decisions[c.Decision]++
		if c.OK() && c.ContainerID != row.ContainerID {
			t.Errorf("%d claimed %s, the row is %s", i, c.ContainerID, row.ContainerID)
		}
		if c.OK() != row.HasJob(message(i).MessageID) {
			t.Errorf("%d claimed: %v, but jobs are %v", i, c.OK(), row.Jobs)
		}
	}
	return decisions
}
