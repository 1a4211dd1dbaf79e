package oracle

import (
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// leases is the oracle of S1.
type leases struct {
	*Panel
	broken    broken
	requested map[job.Key]time.Time // when the claim's holder was first asked to yield, by the world's clock
	revoked   map[Term]bool         // live leases that others than their holders have ended
}

func watchLeases(p *Panel, broken broken) hooks {
	o := &leases{Panel: p, broken: broken, requested: map[job.Key]time.Time{}, revoked: map[Term]bool{}}
	return hooks{claim: o.claimChanged, begins: o.commandBegins, runs: o.commandRuns}
}

func (o *leases) claimChanged(c Change) {
	if c.RowBefore != nil {
		o.writesUnderItsOwn(c)
		o.lasts(c)
	}
	if at := requestedAtMillis(c.Row); at != 0 && at != requestedAtMillis(c.RowBefore) {
		o.requested[c.Key] = c.AskedAt
	}
}

// requestedAtMillis is when the holder was first asked to yield, by the row; 0 without a preemptor.
func requestedAtMillis(row *claim.Row) int64 {
	if row == nil || row.Preemptor == nil {
		return 0
	}
	return row.Preemptor.RequestedAtMillis
}

// writesUnderItsOwn: no worker writes under another's lease.
func (o *leases) writesUnderItsOwn(c Change) {
	before := c.RowBefore
	if c.Writer.Kind != Worker || before.WorkerID == "" || before.WorkerID == c.Writer.Name {
		return
	}
	ended := c.Job != nil && c.Job.Outcome != "" && c.Job.Outcome != job.Interrupted
	beats := c.Row != nil && c.Row.WorkerID == before.WorkerID && c.Row.LeaseExpiresAtMillis != before.LeaseExpiresAtMillis
	if ended || beats {
		o.broken("%s writes under the lease of %s", c.Writer, before.WorkerID)
	}
}

// lasts: only its holder ends a live lease, unless the holder's grace is over or its job was ended
// from outside.
func (o *leases) lasts(c Change) {
	before := c.RowBefore
	if before.WorkerID == "" || (c.Row != nil && c.Row.WorkerID == before.WorkerID && c.Row.Fence == before.Fence && c.Row.WorkerJob == before.WorkerJob) {
		return
	}
	if c.Writer.Kind != AWS && c.Writer.Name == before.WorkerID {
		return
	}
	if c.Row != nil && c.Row.Fence == before.Fence {
		o.broken("%s ends the lease of %s and leaves its fence good", c.Writer, before.WorkerID)
	}
	if !o.holds(before) {
		return
	}
	jobEnded := c.Job != nil && c.Job.MessageID == before.WorkerJob && c.Job.Outcome != ""
	graceOver := c.Row != nil && c.Row.ContainerID != before.ContainerID && before.Preemptor != nil &&
		c.AskedAt.Sub(o.requested[c.Key]) > o.scenario.Claim.InterruptGrace
	if !jobEnded && !graceOver {
		o.broken("the live lease of %s on %s is ended by %s", before.WorkerID, c.Key, c.Writer)
	}
	o.revoked[Term{c.Key, before.Fence}] = true
}

// holds says whether the lease's holder may still believe in it: its process lives, and by its own
// clock the lease has not ended.
func (o *leases) holds(r *claim.Row) bool {
	for _, c := range o.commands {
		if c.Worker() == r.WorkerID && c.Term().Fence == r.Fence && !c.Exited() {
			return job.Millis(c.WorkerNow()) < r.LeaseExpiresAtMillis
		}
	}
	return false
}

// commandBegins: a command begins before its lease's end, and no two commands of a key run if both
// workers may believe in their leases.
func (o *leases) commandBegins(c Command) {
	if job.Millis(c.WorkerNow()) >= o.leaseEndMillis(c) {
		o.broken("the command of %s begins after its lease's end", c.MessageID())
	}
	for _, other := range o.commands {
		if other == c || other.Term().Key != c.Term().Key || other.Preparing() || other.Exited() || o.revoked[other.Term()] {
			continue
		}
		if other.Term().Fence >= c.Term().Fence {
			o.broken("the command of %s begins under fence %d beside one under fence %d", c.MessageID(), c.Term().Fence, other.Term().Fence)
		}
		if job.Millis(other.WorkerNow()) < o.leaseEndMillis(other) {
			o.broken("the command of %s begins while that of %s runs under a live lease", c.MessageID(), other.MessageID())
		}
	}
}

// commandRuns: no command goes on after its lease's end by its worker's clock. A timer, like a real
// one, does not see that the clock has jumped ahead since it was set, so the command may go on that
// much longer.
func (o *leases) commandRuns(c Command) {
	end := job.Time(o.leaseEndMillis(c))
	if c.WorkerNow().After(end.Add(momentToAct + max(0, c.ClockAhead()))) {
		o.broken("the command of %s goes on after its lease's end", c.MessageID())
	}
}
