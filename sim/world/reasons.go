package world

import (
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// momentToAct is how long a worker that runs may take to do what is due by its clock: a few of the
// simulation's latencies.
const momentToAct = time.Second

// commandsEndWithTheirLease: no command goes on after its lease's end by its worker's clock (S1), nor long
// after it had its time or was asked to stop (bound), but for one that stands still with its machine. A timer runs by
// what the clock showed when it was set, as real ones do: a jump ahead since then is given to it.
func (o *oracle) commandsEndWithTheirLease() {
	for _, s := range o.world.sessions {
		now := o.world.now
		if s.exited(now) || !now.After(s.owner.actor.frozenUntil.Add(momentToAct)) {
			continue
		}
		if end := job.Time(o.leases[s.term()]); s.owner.Now().After(end.Add(momentToAct + max(0, s.owner.actor.ahead))) {
			o.fail("S1", fmt.Sprintf("the command of %s goes on after its lease's end", s.task.Work.Message.MessageID))
		}
		if s.ignoresRival() {
			o.fail("bound", fmt.Sprintf("the command of %s is not asked to stop, though a newer thread waits", s.task.Work.Message.MessageID))
		}
		if s.owner.Now().After(s.goneBy.Add(momentToAct)) {
			o.fail("bound", fmt.Sprintf("the command of %s goes on although its time is over", s.task.Work.Message.MessageID))
		}
	}
}

// preemptorsWait notes since when a newer thread waits for a command to stop.
func (o *oracle) preemptorsWait(c change) {
	for _, s := range o.world.sessions {
		switch {
		case s.keyOf() != c.key || c.row == nil || c.row.Fence != s.task.Fence:
		case c.row.Preemptor == nil || c.row.Preemptor.ThreadID == c.row.ThreadID:
			s.preemptorSince = time.Time{}
		case s.preemptorSince.IsZero():
			s.preemptorSince = s.owner.Now()
		}
	}
}

// ignoresRival says whether a command that a newer thread waits for was not asked to stop, though its worker had
// the time to hear of it: a heartbeat is answered within a lease, or the lease ends.
func (s *session) ignoresRival() bool {
	settings := s.owner.world.scenario
	return !s.terminate && !s.preemptorSince.IsZero() &&
		s.owner.Now().After(s.preemptorSince.Add(settings.Worker.Heartbeat+settings.Claim.Lease+momentToAct))
}

// commandKilled: a command that nobody asked to stop is killed for the loss of its lease only, not because
// its worker did not recognise what it had written itself (spurious).
func (o *oracle) commandKilled(s *session) {
	if s.terminate || s.exited(o.world.now) || job.Millis(s.owner.Now()) >= s.knows {
		return
	}
	if row := o.readClaim(s.keyOf()); row != nil && row.Fence == s.task.Fence && row.WorkerID == s.owner.actor.name {
		o.fail("spurious", fmt.Sprintf("the command of %s is killed under a lease that its worker knows to have", s.task.Work.Message.MessageID))
	}
}

// harsh are the faults that may make a job fail, by using up retries; the others must cost time at most.
var harsh = []Fault{CrashBefore, CrashAfter, RequestLost, AnswerLost, LateRequest, Freeze, Throttle, TokenGone, SlowHeartbeat, StuckCommand}

// nothingEndsWithoutReason: a job fails or times out only by its command, or by faults that may do that; and
// no execution is left to wait until its time is over (L1).
func (o *oracle) nothingEndsWithoutReason(ended map[string]*claim.Job) {
	w := o.world
	patient := time.Duration(w.scenario.Flow.JobTimeoutSeconds) * time.Second
	for _, x := range w.cloud.StepFunctions.Executions() {
		if patient > 2*time.Hour && w.Struck[StuckCommand] == 0 && x.StopDate.Sub(x.StartDate) >= patient {
			o.fail("L1", fmt.Sprintf("the execution of %s was left to wait until its time was over", x.Name))
		}
	}
	for _, f := range harsh {
		if w.Struck[f] > 0 {
			return
		}
	}
	for _, m := range w.scenario.Mails {
		j := ended[m.ID]
		overtime := m.Command.Takes >= w.scenario.Worker.CommandTimeout
		switch {
		case j.Outcome == job.Failed && m.Command.ExitCode == 0:
			o.fail("L1", fmt.Sprintf("%s fails for no reason: %s", m.ID, j.Result))
		case j.Outcome == job.TimedOut && !overtime && patient > 2*time.Hour:
			o.fail("L1", fmt.Sprintf("%s times out for no reason: %s", m.ID, j.Result))
		}
	}
}
