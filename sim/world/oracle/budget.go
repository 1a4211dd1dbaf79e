package oracle

import (
	"time"

	"github.com/webordinary/hephaestus/libs/job"
)

// budgets is the oracle of budget.
type budgets struct {
	*Panel
	broken broken
	asked  map[job.Key][]time.Time // when holders of the key were asked to yield, by the world's clock
}

func watchBudgets(p *Panel, broken broken) hooks {
	o := budgets{p, broken, map[job.Key][]time.Time{}}
	return hooks{claim: o.claimChanged}
}

// claimChanged: of any interruptions in a row, those beyond the budget take an hour's share each.
// That a thread takes the place of another that waits is no interruption. A budget does not outlive
// its row.
func (o budgets) claimChanged(c Change) {
	n := o.scenario.Claim.InterruptBudget
	if c.Row == nil || n == 0 {
		delete(o.asked, c.Key)
		return
	}
	if c.Row.Preemptor == nil || c.RowBefore == nil || c.RowBefore.Preemptor != nil {
		return
	}
	o.asked[c.Key] = append(o.asked[c.Key], c.AskedAt)
	share := time.Hour / time.Duration(n)
	for first, began := range o.asked[c.Key] {
		beyond := len(o.asked[c.Key]) - first - n
		if beyond > 0 && c.AskedAt.Sub(began) < time.Duration(beyond)*share-2*o.scenario.ClockBound() {
			o.broken("%s interrupts the holder of %s: %d within %v, of %d an hour", c.Row.Preemptor.NewestMessageID, c.Key, n+beyond, c.AskedAt.Sub(began), n)
			return
		}
	}
}
