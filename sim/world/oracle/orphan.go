package oracle

import (
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/claim"
)

// orphans is the oracle of orphan: at the end nothing is left behind.
type orphans struct {
	*Panel
	broken broken
}

func watchOrphans(p *Panel, broken broken) hooks {
	o := orphans{p, broken}
	return hooks{execution: o.execution, left: o.preemptor, remains: o.rest}
}

func (o orphans) execution(_ *Ending, x Execution) {
	if x.Status == sfntypes.ExecutionStatusRunning {
		o.broken("the execution of %s never ends", x.Message)
	}
}

// preemptor: a free claim has no preemptor.
func (o orphans) preemptor(row *claim.Row) {
	if len(row.Jobs) == 0 && row.WorkerID == "" && row.Preemptor != nil {
		o.broken("%s still has the preemptor %s", row.Key, row.Preemptor.ThreadID)
	}
}

func (o orphans) rest(e *Ending) {
	for _, m := range o.messages {
		if j := e.Jobs[m.ID]; j != nil && !j.Settled() {
			o.broken("%s has ended, and is still in the index of open jobs", m.ID)
		}
	}
	if e.OpenTokens > 0 {
		o.broken("%d task tokens are open", e.OpenTokens)
	}
	for _, q := range e.Queues {
		if q.Messages > 0 {
			o.broken("%d messages are left on %s", q.Messages, q.Name)
		}
	}
	o.CommandsAreOver()
}
