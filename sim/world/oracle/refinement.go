package oracle

import (
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/refinement"
)

// watchSteps is the oracle of refinement. It tells the listener which step a write is.
func watchSteps(p *Panel, broken broken) hooks {
	return hooks{change: func(c Change) {
		judged := refinement.Change{RowBefore: c.RowBefore, Row: c.Row, JobBefore: c.JobBefore, Job: c.Job}
		switch {
		case c.Job == nil:
			j := p.job(judged.About())
			judged.JobBefore, judged.Job = j, j
		case c.Row == nil && c.RowBefore == nil:
			row := p.claim(c.Job.Key)
			judged.RowBefore, judged.Row = row, row
		}
		step, err := judged.Judge(p.model, job.Millis(c.Asked))
		switch {
		case err != nil:
			broken("%s", err.Error())
		case step != nil: // nil: rejected at intake
			p.listener.Step(step)
		}
	}}
}
