package oracle

import (
	"slices"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/refinement"
	"github.com/webordinary/hephaestus/model"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// order is the oracle of S3.
type order struct {
	*Panel
	broken broken
}

func watchOrder(p *Panel, broken broken) hooks {
	o := order{p, broken}
	return hooks{job: o.jobChanged, claim: o.newestFirst, superseded: o.saidSuperseded, end: o.nobodyYieldsForNothing}
}

// jobChanged: a new job's key, time and thread are those of its mail. The other hooks rely on them.
func (o order) jobChanged(c Change) {
	arrives := c.JobBefore == nil || c.JobBefore.Held()
	if !arrives || c.Job.Outcome != "" || c.Job.Held() {
		return
	}
	j := c.Job
	at := slices.IndexFunc(o.messages, func(m scenario.Message) bool { return m.ID == j.MessageID })
	if at < 0 { // a stage's job, which no mail made
		return
	}
	m := o.messages[at]
	if j.Key != m.Key {
		o.broken("%s is for %s, its job for %s", m.ID, m.Key, j.Key)
	}
	if received := job.Millis(scenario.Epoch.Add(m.Received)); j.ReceivedAtMillis != received && j.ReleasedAtMillis == 0 {
		o.broken("%s was received at %d ms, by its job at %d", m.ID, received, j.ReceivedAtMillis)
	}
	for _, other := range o.messages {
		before := o.job(other.ID)
		if other.ID == m.ID || other.Key != m.Key || before == nil || before.ThreadID == "" {
			continue
		}
		if same := other.Thread == m.Thread; same != (before.ThreadID == j.ThreadID) {
			o.broken("%s and %s are of one thread: %v; their jobs say the opposite", m.ID, other.ID, same)
		}
	}
}

// newestFirst: an older message never takes the place of a newer one of another thread.
func (o order) newestFirst(c Change) {
	before, after := c.RowBefore, c.Row
	if before == nil || after == nil || before.Expired(c.Asked, o.scenario.Claim) {
		return
	}
	p, q := before.Preemptor, after.Preemptor
	if q != nil && (p == nil || p.ThreadID != q.ThreadID) {
		if p != nil && !job.Newer(q.ReceivedAtMillis, q.NewestMessageID, p.ReceivedAtMillis, p.NewestMessageID) {
			o.broken("%s takes the place of the newer preemptor %s", q.NewestMessageID, p.NewestMessageID)
		}
		if p == nil && !job.Newer(q.ReceivedAtMillis, q.NewestMessageID, before.ReceivedAtMillis, before.NewestMessageID) {
			o.broken("%s asks the newer %s to yield", q.NewestMessageID, before.NewestMessageID)
		}
	}
	if p != nil && q == nil && after.ThreadID != p.ThreadID && (after.ContainerID != before.ContainerID || len(after.Jobs) > len(before.Jobs)) {
		if !job.Newer(after.ReceivedAtMillis, after.NewestMessageID, p.ReceivedAtMillis, p.NewestMessageID) {
			o.broken("%s takes the place of %s, which waits and is newer", after.NewestMessageID, p.NewestMessageID)
		}
	}
	if after.ContainerID != before.ContainerID && after.ThreadID != before.ThreadID && len(before.Jobs) > 0 {
		if p == nil || p.ThreadID != after.ThreadID {
			o.broken("%s takes a claim that is held by %s without having asked", after.NewestMessageID, before.ThreadID)
		}
	}
}

// saidSuperseded: a message is told that it is superseded, which ends it, only if the claim as it
// is now says so. The answer comes at the very moment of the last read, so the claim cannot have
// changed in between.
func (o order) saidSuperseded(m job.Message, nowMillis int64) {
	d := model.Decide(refinement.Row(o.claim(m.ProjectUserID)), refinement.Message(m), nowMillis, o.model)
	if d != model.DecisionSuperseded {
		o.broken("%s is told that it is superseded, though by the claim as it is: %s", m.MessageID, d)
	}
}

// nobodyYieldsForNothing: a job is interrupted or superseded only for a newer message of another
// thread.
func (o order) nobodyYieldsForNothing(e *Ending) {
	for _, m := range o.messages {
		j := e.Jobs[m.ID]
		if j == nil || j.Outcome != job.Interrupted && j.Outcome != job.Superseded {
			continue
		}
		if !slices.ContainsFunc(o.messages, func(other scenario.Message) bool { return goesBefore(e.Jobs[other.ID], j) }) {
			o.broken("%s is %s, and no other thread of %s has a newer message", m.ID, j.Outcome, j.Key)
		}
	}
}

// goesBefore says whether a is newer than b, and of another thread of its key. A mail that is held
// (nil) goes before none.
func goesBefore(a, b *claim.Job) bool {
	return a != nil && a.Outcome != job.Rejected && a.Key == b.Key && a.ThreadID != b.ThreadID && job.Newer(a.ReceivedAtMillis, a.MessageID, b.ReceivedAtMillis, b.MessageID)
}
