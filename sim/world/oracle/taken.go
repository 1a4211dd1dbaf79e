package oracle

import "github.com/webordinary/hephaestus/sim/world/scenario"

// taken is the oracle of what intake has taken. The sweep would find a message that has no
// execution, but only much later.
type taken struct {
	*Panel
	broken broken
}

func watchTaken(p *Panel, broken broken) hooks { return hooks{taken: taken{p, broken}.isUnderWay} }

func (o taken) isUnderWay(m scenario.Message) {
	switch j := o.job(m.ID); {
	case j == nil:
		o.broken("intake has taken %s, and it has no row", m.ID)
	case j.Outcome == "" && !j.Held() && !o.view.Started(j.ExecutionARN):
		o.broken("intake has taken %s, and its execution was never started", m.ID)
	}
}
