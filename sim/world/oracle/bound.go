package oracle

import "time"

// bounds is the oracle of bound. Its times are by the clock of the command's worker.
type bounds struct {
	*Panel
	broken    broken
	goneBy    map[Command]time.Time // when the command must have exited, with a lease's time for a heartbeat that is under way
	waitSince map[Command]time.Time // since when a newer thread waits for it to stop, if one does
}

func watchBounds(p *Panel, broken broken) hooks {
	o := bounds{p, broken, map[Command]time.Time{}, map[Command]time.Time{}}
	return hooks{claim: o.preemptorsWait, prepares: o.prepares, begins: o.begins, asked: o.asked, frozen: o.standsStill, runs: o.runs}
}

// prepares: a preparation may take as long as a command.
func (o bounds) prepares(c Command) {
	o.goneBy[c] = c.WorkerNow().Add(o.scenario.Worker.CommandTimeout + o.scenario.Claim.Lease)
}

func (o bounds) begins(c Command) {
	o.goneBy[c] = c.BeganAt().Add(o.scenario.Worker.CommandTimeout + o.scenario.Worker.CommandGrace + o.scenario.Claim.Lease)
}

func (o bounds) asked(c Command) {
	o.goneBy[c] = c.WorkerNow().Add(o.scenario.Worker.CommandGrace + o.scenario.Claim.Lease)
}

// preemptorsWait notes since when a newer thread waits for a command to stop.
func (o bounds) preemptorsWait(change Change) {
	for _, c := range o.commands {
		if c.Term().Key != change.Key || change.Row == nil || change.Row.Fence != c.Term().Fence {
			continue
		}
		if change.Row.Preemptor == nil || change.Row.Preemptor.ThreadID == change.Row.ThreadID {
			delete(o.waitSince, c)
		} else if _, waits := o.waitSince[c]; !waits {
			o.waitSince[c] = c.WorkerNow()
		}
	}
}

// standsStill gives a command the time that its machine stands still.
func (o bounds) standsStill(c Command, d time.Duration) {
	o.goneBy[c] = o.goneBy[c].Add(d)
	if since, waits := o.waitSince[c]; waits {
		o.waitSince[c] = since.Add(d)
	}
}

// runs: a command is asked to stop once a newer thread has waited long enough for the command's
// worker to hear of it: a heartbeat is answered within a lease, or the lease ends. And a command is
// gone when its time is over, or soon after it was asked to stop.
func (o bounds) runs(c Command) {
	now := c.WorkerNow()
	since, waits := o.waitSince[c]
	if waits && !c.AskedToStop() && now.After(since.Add(o.scenario.Worker.Heartbeat+o.scenario.Claim.Lease+momentToAct)) {
		o.broken("the command of %s is not asked to stop, though a newer thread waits", c.MessageID())
	}
	if now.After(o.goneBy[c].Add(momentToAct)) {
		o.broken("the command of %s goes on although its time is over", c.MessageID())
	}
}
