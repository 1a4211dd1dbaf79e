package oracle

import (
	"fmt"
	"slices"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	handletimeout "github.com/webordinary/hephaestus/services/handle-timeout"
	"github.com/webordinary/hephaestus/services/worker"
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

// nothingEndsWithoutReason: a job fails or times out only because of its command, or of the harm
// that its result tells of, if a fault struck that does such harm; none strikes a mail that came
// anew. It is dead work only if the queue was made with few receives. And no execution is left to
// wait until its time is over.
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
	for _, m := range o.messages {
		j := e.Jobs[m.ID]
		if j == nil { // held
			continue
		}
		excused := o.isDeadWork(j) || m.ID != e.Anew && o.struck(o.harm(j))
		overtime := m.Command.Takes >= o.scenario.Worker.CommandTimeout
		switch {
		case j.Outcome == job.Failed && m.Command.ExitCode == 0 && !excused:
			o.broken("%s fails for no reason: %s", m.ID, j.Result)
		case j.Outcome == job.TimedOut && !overtime && patient && !excused:
			o.broken("%s times out for no reason: %s", m.ID, j.Result)
		}
	}
}

// isDeadWork says whether the job is dead work, of a queue that lets work die.
func (o outcomes) isDeadWork(j *claim.Job) bool {
	return o.scenario.MaxReceives > 0 && j.Result == handletimeout.DeadWork
}

// harm is what the job's result says was done to it.
func (o outcomes) harm(j *claim.Job) fault.Harm {
	var starts int
	switch {
	case j.Outcome == job.TimedOut:
		return fault.Overtime
	case j.Result == ending.NeverBegan:
		return fault.NoBegin
	case j.Result == ending.Aborted:
		return fault.Abort
	}
	if _, err := fmt.Sscanf(j.Result, worker.CameToNoEnd, &starts); err == nil && starts >= o.scenario.Worker.MaxStarts {
		return fault.LostStart
	}
	return fault.Delay
}

// struck says whether a fault struck that does such harm.
func (o outcomes) struck(harm fault.Harm) bool {
	does := func(k fault.Kind) bool { return k.Harm() == harm && o.view.Struck(k) }
	return harm != fault.Delay && slices.ContainsFunc(fault.All(), does)
}
