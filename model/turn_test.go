package model_test

import (
	"testing"

	"github.com/webordinary/hephaestus/model"
)

// bounded are settings under which one job has a claim, one message waits, and one interruption is
// allowed an hour.
var bounded = func() model.Settings {
	b := s
	b.MaxJobs, b.MaxWaiting, b.InterruptBudget = 1, 1, 1
	return b
}()

const hour = 3_600_000

func spentUntil(at int64) func(*model.Row) { return func(r *model.Row) { r.BudgetUntilMillis = at } }

func TestAMessageWaitsForItsTurn(t *testing.T) {
	for name, c := range map[string]struct {
		row  model.Row
		m    model.Message
		want model.Decision
	}{
		"its thread's claim has no room":                 {row(), message("a6", 6), model.DecisionLater},
		"it is among the jobs of a full claim":           {row(), message("a5", 5), model.DecisionAgain},
		"its thread waits, and the row has no room":      {row(asked("b6", 6, 0)), message("b7", 7), model.DecisionLater},
		"it is the one that waits":                       {row(asked("b6", 6, 0)), message("b6", 6), model.DecisionInterrupt},
		"it is newer than who waits":                     {row(asked("b6", 6, 0)), message("c7", 7), model.DecisionInterrupt},
		"the budget is spent":                            {row(spentUntil(now + 1)), message("b6", 6), model.DecisionLater},
		"the budget has room again":                      {row(spentUntil(now)), message("b6", 6), model.DecisionInterrupt},
		"the budget is spent, and another waits":         {row(spentUntil(now+hour), asked("b6", 6, 0)), message("c7", 7), model.DecisionInterrupt},
		"the budget is spent, and it is older":           {row(spentUntil(now + hour)), message("b4", 4), model.DecisionSuperseded},
		"the budget is spent, and a newer message waits": {row(spentUntil(now+hour), asked("b9", 9, 0)), message("c7", 7), model.DecisionSuperseded},
		"the budget is spent, and the holder has ended":  {row(spentUntil(now+hour), done), message("b6", 6), model.DecisionNew},
		"the budget is spent, and the claim has expired": {row(spentUntil(now+hour), expired, unleased), message("b6", 6), model.DecisionNew},
	} {
		if got := model.Decide(c.row, c.m, now, bounded); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOnlyTheFirstWhoAsksSpendsTheBudgetAndANewClaimKeepsIt(t *testing.T) {
	interrupt := func(before model.RowAndJob, m model.Message) model.RowAndJob {
		t.Helper()
		before.Job = model.Job{MessageID: m.ID, ThreadID: m.Thread, ReceivedAtMillis: m.ReceivedAtMillis}
		result := model.Interrupt{Message: m, Token: "t", SeenContainerID: "c1"}.Apply(before, now, bounded)
		if !result.OK() {
			t.Fatalf("%s: %s", m.ID, result.Refused)
		}
		return result.After
	}
	asked := interrupt(model.RowAndJob{Row: row()}, message("b6", 6))
	replaced := interrupt(asked, message("c7", 7))
	if first, second := asked.Row.BudgetUntilMillis, replaced.Row.BudgetUntilMillis; first != now+hour || second != first {
		t.Errorf("the budget is used until %d, then until %d, want %d", first, second, now+hour)
	}
	done(&replaced.Row)
	claimed := model.Claim{Message: message("c7", 7), ContainerID: "c2"}.Apply(replaced, now, bounded)
	if !claimed.OK() || claimed.After.Row.BudgetUntilMillis != now+hour {
		t.Errorf("%s, the budget is used until %d", claimed.Refused, claimed.After.Row.BudgetUntilMillis)
	}
}
