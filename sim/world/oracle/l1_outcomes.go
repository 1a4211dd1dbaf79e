package oracle

import (
	"slices"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// outcomes is the oracle of L1.
type outcomes struct {
	*Panel
	broken broken
}

func watchOutcomes(p *Panel, broken broken) hooks {
	o := outcomes{p, broken}
	return hooks{message: o.messageEnds, end: o.nothingEndsWithoutReason}
}

// messageEnds: a message has an outcome, and if a person must see it, a letter.
func (o outcomes) messageEnds(e *Ending, m scenario.Message, j *claim.Job) {
	switch {
	case j == nil:
		o.broken("%s has no job", m.ID)
	case j.Held() && o.scenario.Holds(m.Mail) && m.Release.At == 0: // S8 has it
	case j.Outcome == "":
		o.broken("%s has no outcome", m.ID)
	case (j.Outcome == job.TimedOut || j.Outcome == job.Failed) && !e.Letters[m.ID]:
		o.broken("%s is %s and not on the dead letter queue", m.ID, j.Outcome)
	}
}

// nothingEndsWithoutReason: a job fails or times out only because of its command, or of a harsh
// fault, of which none strikes a mail that came anew; and no execution is left to wait until its
// time is over.
func (o outcomes) nothingEndsWithoutReason(e *Ending) {
	for _, x := range e.Executions {
		if j := e.Jobs[x.Message]; j != nil && j.Result == ending.NeverBegan {
			o.broken("%s has failed because %s, and it did", x.Message, j.Result)
		}
	}
	timeout := time.Duration(o.scenario.Flow.JobTimeoutSeconds) * time.Second
	patient := timeout > 2*time.Hour
	for _, x := range e.Executions {
		if patient && !o.view.Struck(fault.StuckCommand) && x.Lasted >= timeout {
			o.broken("the execution of %s was left to wait until its time was over", x.Message)
		}
	}
	harsh := slices.ContainsFunc(fault.All(), func(k fault.Kind) bool { return k.Harsh() && o.view.Struck(k) })
	for _, m := range o.messages {
		if harsh && m.ID != e.Anew {
			continue
		}
		j := e.Jobs[m.ID]
		if j == nil { // held
			continue
		}
		overtime := m.Command.Takes >= o.scenario.Worker.CommandTimeout
		switch {
		case j.Outcome == job.Failed && m.Command.ExitCode == 0:
			o.broken("%s fails for no reason: %s", m.ID, j.Result)
		case j.Outcome == job.TimedOut && !overtime && patient:
			o.broken("%s times out for no reason: %s", m.ID, j.Result)
		}
	}
}
