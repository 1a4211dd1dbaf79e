package oracle

import (
	"maps"
	"slices"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// heldMail is the oracle of S8.
type heldMail struct {
	*Panel
	broken broken
}

func watchHeldMail(p *Panel, broken broken) hooks {
	o := heldMail{p, broken}
	return hooks{claim: o.claimChanged, job: o.jobChanged, message: o.isHeld}
}

// jobChanged: a mail that waits for a person is no job, and one that does not is not held.
func (o heldMail) jobChanged(c Change) {
	switch id := c.Job.MessageID; {
	case o.waits(id) && !c.Job.Held():
		o.broken("%s was not released, and is a job", id)
	case c.Job.Held() && c.JobBefore != nil && !c.JobBefore.Held():
		o.broken("%s was a job, and is held", id)
	case c.JobBefore != nil && c.JobBefore.Held() && !c.Job.Held() && c.Job.ReceivedAtMillis < job.Millis(scenario.Epoch.Add(o.scenario.Mail(id).Release.At).Add(-o.scenario.ClockBound())):
		o.broken("%s counts as received before it was released", id)
	}
}

// isHeld: at the end, a mail that nobody has released is held still, and a person was told.
func (o heldMail) isHeld(e *Ending, m scenario.Message, j *claim.Job) {
	if o.waits(m.ID) && (j == nil || !j.Held() || !e.Letters[m.ID]) {
		o.broken("%s waits for a person: its row is %+v, its letter is there: %v", m.ID, j, e.Letters[m.ID])
	}
}

// claimChanged: a mail that waits for a person has no part in a claim.
func (o heldMail) claimChanged(c Change) {
	if c.Row == nil {
		return
	}
	part := slices.Clone(c.Row.Jobs)
	if c.Row.Preemptor != nil {
		part = slices.AppendSeq(part, maps.Keys(c.Row.Preemptor.Waiting))
	}
	for _, id := range part {
		if o.waits(id) {
			o.broken("%s was not released, and has a part in the claim of %s", id, c.Key)
		}
	}
}

// waits says whether the message may not begin before a person releases it, and nobody has yet.
func (o heldMail) waits(messageID string) bool {
	m := o.scenario.Mail(messageID)
	return m != nil && o.scenario.Holds(*m) && !(m.Release.At > 0 && o.since() >= m.Release.At)
}

func (o heldMail) since() time.Duration { return o.view.Now().Sub(scenario.Epoch) }
