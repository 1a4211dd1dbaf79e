package claim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

// bounded are the defaults with other bounds.
func bounded(jobs, waiting, budget int) claim.Settings {
	s := claim.DefaultSettings()
	s.MaxJobs, s.MaxWaiting, s.InterruptBudget = jobs, waiting, budget
	return s
}

// waitsForItsTurn demands that the message may do nothing now: check, claim and interrupt say so,
// none of them writes, and check and claim say when to look again.
func (s scene) waitsForItsTurn(m job.Message) {
	s.t.Helper()
	s.unchanged(func() {
		s.t.Helper()
		checked, err := s.Check(ctx, m)
		must(s.t, checked, err)
		claimed := s.claims(m, claim.DecisionLater)
		s.asks(m, claim.DecisionLater)
		if checked.Decision != claim.DecisionLater || claimed.OK() {
			s.t.Fatalf("%s: check says %v, claimed: %v", m.MessageID, checked.Decision, claimed.OK())
		}
		for _, at := range []time.Time{checked.RetryAt, claimed.RetryAt} {
			if pause := at.Sub(s.Now()); pause < time.Second || pause > time.Minute {
				s.t.Fatalf("%s looks again after %v", m.MessageID, pause)
			}
		}
	})
}

func (s scene) budgetUntil() time.Duration {
	s.t.Helper()
	row, err := s.ReadClaim(ctx, simtest.Key)
	must(s.t, row, err)
	if row.BudgetUntilMillis == 0 {
		return 0
	}
	return job.Time(row.BudgetUntilMillis).Sub(simtest.Start)
}

func TestAClaimHasSoManyJobsAndTheRestJoinLater(t *testing.T) {
	s := newSceneWith(t, bounded(2, 20, 60), a1, a2, a4)
	l := s.runs(a1, "w1")
	s.claims(a2, claim.DecisionJoin)
	s.waitsForItsTurn(a4)
	s.claims(a2, claim.DecisionAgain)
	s.finishes(l, job.Completed)
	s.claims(a4, claim.DecisionJoin)
}

func TestJoinsThatComeAtOnceDoNotOutrunTheBound(t *testing.T) {
	s := newSceneWith(t, bounded(2, 20, 60), a1, a2, a4)
	s.runs(a1, "w1")
	s.meanwhile(func() { s.claims(a4, claim.DecisionJoin) })
	s.claims(a2, claim.DecisionLater)
}

func TestAFullClaimDoesNotKeepANewerThreadFromAsking(t *testing.T) {
	s := newSceneWith(t, bounded(1, 1, 60), a1, a2, b3, a4)
	l := s.runs(a1, "w1")
	s.waitsForItsTurn(a2)
	s.asks(b3, claim.DecisionInterrupt)
	s.claims(a2, claim.DecisionSuperseded)
	s.waitsForItsTurn(a4) // newer than who waits: it goes first, once there is room
	s.finishes(l, job.Interrupted)
	s.claims(a4, claim.DecisionNew)
}

func TestSoManyMessagesWaitInTheRowAndTheRestAskLater(t *testing.T) {
	b4 := simtest.Message("b4", "B", 4)
	s := newSceneWith(t, bounded(100, 1, 60), a1, b3, b4, c5)
	l := s.runs(a1, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	s.waitsForItsTurn(b4)
	again, err := s.Interrupt(ctx, b3, "another token")
	if must(t, again, err); again.Decision != claim.DecisionInterrupt {
		t.Errorf("one that waits already asks with another token: %v", again.Decision)
	}
	s.finishes(l, job.Interrupted)
	s.claims(b3, claim.DecisionNew)
	s.claims(b4, claim.DecisionJoin)
}

func TestPastTheBudgetANewThreadWaitsForItsTurn(t *testing.T) {
	s := newSceneWith(t, bounded(100, 20, 2), a1, b3, c5)
	d6, e7 := simtest.Message("d6", "D", 6), simtest.Message("e7", "E", 7)
	s.Lab.Admit(d6)
	s.Lab.Admit(e7)
	l := s.runs(a1, "w1")
	for i, m := range []job.Message{b3, c5} {
		s.asks(m, claim.DecisionInterrupt)
		s.finishes(l, job.Interrupted)
		if want := time.Duration(i+1) * 30 * time.Minute; s.budgetUntil() != want {
			t.Fatalf("after %d interruptions the budget is used until %v, want %v", i+1, s.budgetUntil(), want)
		}
		l = s.runs(m, "w1")
	}
	s.waitsForItsTurn(d6)
	s.claims(b3, claim.DecisionSuperseded)

	s.Advance(time.Minute)
	s.finishes(l, job.Completed)
	s.runs(d6, "w1") // the holder has ended: no budget is needed
	s.waitsForItsTurn(e7)
	s.Advance(29*time.Minute + time.Millisecond)
	s.asks(e7, claim.DecisionInterrupt)
	if s.budgetUntil() != 90*time.Minute {
		t.Errorf("the budget is used until %v", s.budgetUntil())
	}
}

func TestOnlyTheFirstThreadThatAsksAHolderSpendsTheBudget(t *testing.T) {
	b4 := simtest.Message("b4", "B", 4)
	s := newSceneWith(t, bounded(100, 20, 1), a1, b3, b4, c5)
	l := s.runs(a1, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	s.asks(b4, claim.DecisionInterrupt) // its thread waits already
	s.asks(c5, claim.DecisionInterrupt) // it takes their place
	if s.finishes(l, job.Interrupted); s.budgetUntil() != time.Hour {
		t.Errorf("the budget is used until %v, want that of one interruption", s.budgetUntil())
	}
}

func TestWithoutABudgetNothingIsCounted(t *testing.T) {
	s := newSceneWith(t, bounded(100, 20, 0), a1, b3)
	s.runs(a1, "w1")
	s.asks(b3, claim.DecisionInterrupt)
	if s.budgetUntil() != 0 {
		t.Errorf("the budget is used until %v", s.budgetUntil())
	}
}

func TestABudgetIsForgottenWithItsRow(t *testing.T) {
	s := newSceneWith(t, bounded(100, 20, 1), a1, b3, c5)
	s.runs(a1, "w1")
	s.Advance(claimTTL)
	s.asks(b3, claim.DecisionInterrupt)
	s.Advance(skew + 2*time.Second)
	s.DeleteExpired()
	s.runs(b3, "w2")
	s.asks(c5, claim.DecisionInterrupt)
}

func TestTheBudgetIsSpentUnderAnInterrupt(t *testing.T) {
	for budget, before := range map[int][]job.Message{1: nil, 2: {b2}} {
		t.Run(fmt.Sprintf("%d an hour", budget), func(t *testing.T) {
			s := newSceneWith(t, bounded(100, 20, budget), a1, b2, b3, c5)
			s.runs(a1, "w1")
			passes := func(m job.Message) { // it asks, and gives up: nobody waits, and the budget is used
				s.asks(m, claim.DecisionInterrupt)
				s.cleansUp(m, job.TimedOut)
			}
			for _, m := range before {
				passes(m)
			}
			s.meanwhile(func() { passes(b3) })
			s.asks(c5, claim.DecisionLater)
		})
	}
}

func TestAMessageLooksAgainAfterAPauseThatGrowsWithItsAge(t *testing.T) {
	s := newSceneWith(t, bounded(1, 1, 1), a1)
	s.runs(a1, "w1")
	for _, test := range []struct{ age, least, most time.Duration }{
		{0, time.Second, 2 * time.Second}, {20 * time.Second, 10 * time.Second, 20 * time.Second}, {time.Hour, 30 * time.Second, time.Minute},
	} {
		pauses := map[time.Duration]bool{}
		for i := range 200 {
			m := simtest.Message(fmt.Sprintf("m%d", i), "A", 1)
			m.ReceivedAtMillis = job.Millis(s.Now().Add(-test.age))
			checked, err := s.Check(ctx, m)
			pause := must(t, checked, err).RetryAt.Sub(s.Now())
			if pause < test.least || pause > test.most {
				t.Fatalf("at the age of %v it looks again after %v, want %v to %v", test.age, pause, test.least, test.most)
			}
			pauses[pause.Round((test.most-test.least)/20)] = true
		}
		if len(pauses) < 15 {
			t.Errorf("200 messages at the age of %v look again in %d of 20 parts of the pause only", test.age, len(pauses))
		}
	}
}

func TestARowThatIsFullFitsIntoAnItem(t *testing.T) {
	const most = 300 << 10 // of 400 KB
	text := func(n, bytes int) string { return fmt.Sprintf("%0*d", bytes, n) }
	row := held(leased(lease), asked(0, b3))
	for i := range 250 {
		row.Jobs = append(row.Jobs, text(i, 256))
	}
	for i := range 100 {
		row.Preemptor.Waiting[text(i, 256)] = strings.Repeat("t", 2048)
	}
	if size := sizeBytes(&types.AttributeValueMemberM{Value: row.Item()}); size > most {
		t.Errorf("%d bytes, want at most %d", size, most)
	}
	full := bounded(250, 100, 0)
	if err := full.Validate(); err != nil {
		t.Errorf("these bounds: %v", err)
	}
}

// sizeBytes is no less than DynamoDB counts for a value.
func sizeBytes(v types.AttributeValue) int {
	const overhead = 4
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value) + overhead
	case *types.AttributeValueMemberN:
		return len(v.Value) + overhead
	case *types.AttributeValueMemberSS:
		return len(strings.Join(v.Value, "")) + overhead*(1+len(v.Value))
	case *types.AttributeValueMemberM:
		sum := overhead
		for name, inner := range v.Value {
			sum += len(name) + sizeBytes(inner)
		}
		return sum
	}
	panic(fmt.Sprintf("no size of %T", v))
}

func TestABudgetIsUsedUpByTheHourThatItIsFor(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	for used, until := range map[int]time.Time{0: {}, 50: now.Add(30 * time.Minute), 100: now.Add(3 * time.Hour)} {
		row := claim.Row{BudgetUntilMillis: max(0, job.Millis(until))}
		if got := row.BudgetUsedPercent(now); got != used {
			t.Errorf("until %v: %d %%, want %d", until, got, used)
		}
	}
	past := claim.Row{BudgetUntilMillis: job.Millis(now) - 1}
	if got := past.BudgetUsedPercent(now); got != 0 {
		t.Errorf("in the past: %d %%", got)
	}
}
