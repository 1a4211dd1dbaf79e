package check

import (
	"slices"

	"github.com/webordinary/hephaestus/model"
)

// The invariants, as reports name them. S1 to S7 are judged on every step and in every state, L1 to
// L3 in every end, a state in which nothing is left to happen without a fault.
const (
	s1       = "S1: at most one worker holds a live lease, and a stale fence is refused"
	s2       = "S2: an interrupt meant for one container never stops another"
	s3       = "S3: an older message never takes the place of a newer one of another thread, and of those that wait none is lost"
	s4       = "S4: clean-up never touches a claim that is not the one that ended"
	s5       = "S5: each job that did not complete has exactly one record, each completed one none"
	s6       = "S6: a job's outcome is written once"
	s7       = "S7: fences only grow"
	l1       = "L1: every message reaches an outcome"
	l2       = "L2: of the messages that did not fail, the newest one's thread completes"
	l3       = "L3: no claim stays held without a job that still runs"
	bounds   = "bounds: of a claim's jobs and of those who wait there are never more than may be"
	budget   = "budget: new threads interrupt a key's holders so often an hour and no more"
	progress = "progress: from every state an end can be reached without another fault"
)

type stepKind uint8

const (
	byClaim stepKind = iota
	byInterrupt
	bySupersede
	byCleanUp
	byStart
	byHeartbeat
	byFinish
	byHandBack
	byDecline
)

func stepOf(call phase) stepKind {
	switch call {
	case claiming:
		return byClaim
	case interrupting:
		return byInterrupt
	case superseding:
		return bySupersede
	default:
		return byCleanUp
	}
}

// judge returns the invariant that a step for message m breaks, or "".
func (x *explorer) judge(m uint8, by stepKind, before *model.RowAndJob, result *model.Result, next *world, reading int64) string {
	if !result.OK() {
		return ""
	}
	after := &result.After
	switch {
	case evicts(by, before, after, m, reading):
		return s1
	case by == byInterrupt && next.row.pAsker:
		return s2
	case x.jumpsQueue(m, by, before, after, reading) || loses(m, by, before, result, x):
		return s3
	case by == byCleanUp && before.Row.Trespasses(after.Row, messageIDs[m]):
		return s4
	case before.Job.Outcome != "" && before.Job.Outcome != after.Job.Outcome:
		return s6
	case fenceFalls(&before.Row, &after.Row):
		return s7
	case x.overfills(&after.Row):
		return bounds
	case x.overspends(&before.Row, &after.Row):
		return budget
	}
	return ""
}

// overfills says whether the row holds more than the scope's bounds allow.
func (x *explorer) overfills(after *model.Row) bool {
	return x.bounds.Jobs > 0 && len(after.Jobs) > x.bounds.Jobs || x.bounds.Waiting > 0 && len(after.Preemptor.Waiting) > x.bounds.Waiting
}

// overspends says whether a step interrupts a holder although the budget was spent, or without
// spending it, or forgets what was spent.
func (x *explorer) overspends(before, after *model.Row) bool {
	if x.bounds.Budget == 0 || !before.Exists() || !after.Exists() {
		return false
	}
	interrupts := !before.Preemptor.Exists() && after.Preemptor.Exists()
	return after.BudgetUntilMillis < before.BudgetUntilMillis || interrupts && (x.here.row.spent || after.BudgetUntilMillis <= now+1)
}

// judgeWorker judges a step that only the holder of the lease may take: k is the worker that took
// it.
func (x *explorer) judgeWorker(k worker, m uint8, by stepKind, before *model.RowAndJob, result *model.Result, next *world) string {
	if result.OK() && !(k.owns && k.fenced) {
		return s1
	}
	return x.judge(m, by, before, result, next, now)
}

// evicts says whether a step wrongly takes a lease away from a worker that may still believe it
// holds it. Only a take-over after the grace period and the clean-up of the worker's own job may.
func evicts(by stepKind, before, after *model.RowAndJob, m uint8, reading int64) bool {
	b, a := &before.Row, &after.Row
	if !b.HasLiveLease(reading, settings) || a.WorkerID == b.WorkerID && a.Fence == b.Fence {
		return false
	}
	switch by {
	case byFinish, byHandBack:
		return false // the holder itself clears the lease, see judgeWorker
	case byCleanUp:
		return b.WorkerJob != messageIDs[m]
	case byClaim:
		return b.Preemptor.RequestedAtMillis+settings.InterruptGraceMillis+settings.MaxClockSkewMillis >= reading || !b.Preemptor.Exists()
	}
	return true
}

// jumpsQueue says whether a message takes the place of a newer one of another thread. A thread on
// the row counts as new as its newest message there.
func (x *explorer) jumpsQueue(m uint8, by stepKind, before, after *model.RowAndJob, reading int64) bool {
	if m == none {
		return false
	}
	b, a, msg := &before.Row, &after.Row, x.message(x.here, m)
	barred := b.Preemptor.Exists() && b.Preemptor.ThreadID != msg.Thread && !b.Expired(reading, settings) &&
		!msg.NewerThan(b.Preemptor.ReceivedAtMillis, b.Preemptor.NewestMessageID)
	switch by {
	case byClaim:
		if a.Equal(*b) {
			return false
		}
		behind := b.Held(reading, settings) && b.ThreadID != msg.Thread && b.Preemptor.ReceivedAtMillis <= b.ReceivedAtMillis
		return barred || behind
	case byInterrupt:
		return barred || a.Preemptor.ReceivedAtMillis <= b.ReceivedAtMillis
	}
	return false
}

// loses says whether a message that waited is neither waiting nor woken after the step, or is
// superseded by an older one.
func loses(m uint8, by stepKind, before *model.RowAndJob, result *model.Result, x *explorer) bool {
	p := &before.Row.Preemptor
	for _, wait := range p.Waiting {
		if _, still := result.After.Row.Preemptor.Token(wait.MessageID); still || wait.MessageID == messageIDs[m] {
			continue
		}
		woken := slices.ContainsFunc(result.Wakes, func(w model.Wake) bool { return w.MessageID == wait.MessageID })
		if !woken {
			return true
		}
	}
	for _, wake := range result.Wakes {
		if wake.Superseded && !x.message(x.here, m).NewerThan(p.ReceivedAtMillis, p.NewestMessageID) {
			return true
		}
	}
	return false
}

func fenceFalls(before, after *model.Row) bool {
	switch {
	case !after.Exists():
		return false
	case !before.Exists():
		return after.Fence <= fenceNow // the greatest fence that a deleted row can have had
	case after.ContainerID != before.ContainerID || after.WorkerID != before.WorkerID && after.WorkerID != "":
		return after.Fence <= before.Fence
	}
	return after.Fence < before.Fence
}

// sound returns the invariant that a state breaks by itself, or "".
func (x *explorer) sound(w *world) string {
	fenced := 0
	for i := range x.workers {
		k := &w.workers[i]
		if k.fenced {
			fenced++
		}
		commands := k.duty == running || k.duty == stopping
		if commands && k.fenced && (!k.owns || w.row.lease != live) || fenced > 1 {
			return s1
		}
	}
	for i := range x.messages {
		m := &w.msgs[i]
		if m.recorded && (m.outcome == completed || m.outcome == open) {
			return s5
		}
	}
	return ""
}

// final returns the invariant that an end state breaks, or "".
func (x *explorer) final(w *world) string {
	for i := range x.messages {
		m := &w.msgs[i]
		if m.phase != ended || m.outcome == open {
			return l1
		}
		if m.recorded != (m.outcome != completed) {
			return s5
		}
	}
	if w.queue[0] != none {
		return l1
	}
	if !x.newestThreadCompletes(w) {
		return l2
	}
	if w.hasJobs() || w.row.lease != unset || w.row.preemptor != 0 {
		return l3
	}
	return ""
}

// newestThreadCompletes is L2: of the messages that did not fail, time out or lose their claim by
// expiry, take the newest. Its thread has a completed job, unless a newer message of another thread
// reached the claim row and one of these happened to it.
func (x *explorer) newestThreadCompletes(w *world) bool {
	threads := &x.threads[w.pattern]
	excused := [len(threadIDs)]bool{} // by thread: such a newer message in it reached the row
	for i := x.messages - 1; i >= 0; i-- {
		m := &w.msgs[i]
		if m.outcome.bad() || m.lost {
			excused[threads[i]] = excused[threads[i]] || m.reigned
			continue
		}
		for j := range x.messages {
			if threads[j] == threads[i] && w.msgs[j].outcome == completed {
				return true
			}
		}
		for t := range excused {
			if excused[t] && uint8(t) != threads[i] {
				return true
			}
		}
		return false
	}
	return true
}
