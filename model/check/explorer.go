package check

import "github.com/webordinary/hephaestus/model"

// explorer lists the successors of a world.
type explorer struct {
	workers  int
	messages int
	skew     bool
	merged   bool                 // see settle
	spoils   bool                 // executions may fail or time out
	threads  [][maxMessages]uint8 // by pattern
	bounds   Bounds
	p        protocol

	here   *world    // the world being expanded
	row    model.Row // its claim row
	thawed world     // here, while a frozen call is applied
	edges  []edge
	raw    bool // keep each successor with its workers unsorted
}

// edge is one step to a successor.
type edge struct {
	to       key
	hash     uint64 // of to, set by the search
	print    uint64 // of to, set by a merged search
	did      action
	fault    bool   // it is a fault, or a call that a fault has left behind
	violates string // the invariant that the step itself breaks
	raw      *world // for a trace: the successor with its workers unsorted
}

func newExplorer(scope Scope, p protocol) *explorer {
	x := &explorer{workers: scope.Workers, messages: len(scope.Patterns[0]), skew: scope.Skew, bounds: scope.Bounds, p: p,
		merged: scope.Room > 0, spoils: scope.Faults.TimeOuts+scope.Faults.Failures > 0}
	for _, pattern := range scope.Patterns {
		var threads [maxMessages]uint8
		for i, letter := range pattern {
			threads[i] = uint8(letter-'a') + 1
		}
		x.threads = append(x.threads, threads)
	}
	return x
}

// initial is the world before the first email of the pattern arrives.
func (x *explorer) initial(pattern int, f Faults) world {
	w := world{pattern: uint8(pattern), budget: f.budget()}
	x.normalise(&w)
	return w
}

// successors lists all steps from w. The slice is valid until the next call.
func (x *explorer) successors(w *world) []edge {
	x.edges = x.edges[:0]
	x.list(w)
	return x.edges
}

// list adds all steps from w to the edges.
func (x *explorer) list(w *world) {
	x.here = w
	if x.recordsFirst() {
		return
	}
	x.row = w.modelRow()
	for m := uint8(1); int(m) <= x.messages; m++ {
		x.execution(m)
	}
	for i := range w.frozen {
		x.thaw(i)
	}
	for i := range x.workers {
		x.worker(i)
	}
	x.passingTime()
}

func (x *explorer) emit(next world, did action, isFault bool, violates string) {
	e := edge{did: did, fault: isFault, violates: violates}
	x.normalise(&next)
	if x.raw {
		raw := next
		e.raw = &raw
	}
	next.sort(x.workers)
	e.to = next.key()
	x.edges = append(x.edges, e)
}

// normalise makes equal, except for the order of workers and frozen calls, what no later step or
// judgement can tell apart.
func (x *explorer) normalise(w *world) {
	w.normalise(x.p.refusesEnded)
	if x.merged {
		x.settle(w)
	}
}

// plain emits a step without a fault.
func (x *explorer) plain(next world, did action) { x.emit(next, did, false, "") }

// spend emits a step that is a fault, if its budget allows.
func (x *explorer) spend(f fault, next world, did action) {
	if x.take(f, &next) {
		x.emit(next, did, true, "")
	}
}

func (x *explorer) take(f fault, next *world) bool {
	if next.budget[f] == 0 {
		return false
	}
	next.budget[f]--
	return true
}

// readings counts the clock readings that an observer may have now: two if the lease or the claim
// is lapsing.
func (x *explorer) readings() int64 {
	if x.here.row.lease == lapsing || x.here.row.claim == lapsing {
		return 2
	}
	return 1
}

func (x *explorer) before(m uint8) model.RowAndJob {
	b := model.RowAndJob{Row: x.row}
	if m != none {
		b.Job = x.modelJob(x.here, m)
	}
	return b
}

// written applies what a step wrote to a copy of the world.
func (x *explorer) written(m uint8, before *model.RowAndJob, result *model.Result, reading int64) world {
	next := *x.here
	next.setRow(&before.Row, &result.After.Row, reading)
	if m != none {
		next.msgs[m-1].outcome = outcomeOf(result.After.Job.Outcome)
	}
	return next
}

// wake delivers wake-ups. A wake-up does nothing if no execution sleeps on its token any more.
func (w *world) wake(wakes []model.Wake) {
	for _, wake := range wakes {
		m := numberOf(wake.MessageID)
		msg := &w.msgs[m-1]
		if msg.phase != waiting || wake.Token != liveTokens[m] {
			continue
		}
		msg.phase = claiming
		if wake.Superseded {
			msg.phase = superseding
		}
	}
}

// deliver emits next after the wake-ups of its step, and once more as if they were lost.
func (x *explorer) deliver(next world, wakes []model.Wake, did action, isFault bool, violates string) {
	if lossy := next; sleeping(&lossy, wakes) && x.take(lostWake, &lossy) {
		did := did
		did.wakesLost = true
		x.emit(lossy, did, true, violates)
	}
	next.wake(wakes)
	x.emit(next, did, isFault, violates)
}

func sleeping(w *world, wakes []model.Wake) bool {
	for _, wake := range wakes {
		m := numberOf(wake.MessageID)
		if w.msgs[m-1].phase == waiting && wake.Token == liveTokens[m] {
			return true
		}
	}
	return false
}

// passingTime lists what happens by itself: leases, claims and grace periods end, budgets renew,
// rows are deleted, messages come back.
func (x *explorer) passingTime() {
	w := x.here
	if (w.row.lease == live || w.row.lease == lapsing) && w.row.exists {
		next := *w
		next.row.lease = x.older(w.row.lease)
		alive := false
		for i := range next.workers {
			k := &next.workers[i]
			if !k.owns {
				continue
			}
			alive = w.row.lease == live
			if (k.duty == running || k.duty == stopping) && k.fenced && x.p.ownClock {
				// The worker's own clock says so too: it kills the command and writes nothing more.
				next.retire(i)
			}
		}
		if did := (action{kind: leaseEnds}); alive {
			x.spend(pause, next, did)
		} else {
			x.plain(next, did)
		}
	}
	if w.row.claim == live && w.row.lease != live && w.row.lease != lapsing {
		next := *w
		next.row.claim = x.older(live)
		x.spend(claimExpiry, next, action{kind: claimEnds})
	}
	if w.row.claim == lapsing {
		next := *w
		next.row.claim = expired
		x.plain(next, action{kind: claimEnds})
	}
	if w.row.preemptor != 0 && !w.row.grace {
		next := *w
		next.row.grace = true
		x.plain(next, action{kind: graceEnds})
	}
	if w.row.spent {
		next := *w
		next.row.spent = false
		x.plain(next, action{kind: budgetRenews})
	}
	if w.row.claim == lapsing || w.row.claim == expired {
		before := x.before(none)
		result := x.p.delete(model.Delete{}, before, now)
		if result.OK() {
			next := x.written(none, &before, &result, now+1)
			x.spend(ttlDeletion, next, action{kind: ttlDeletes})
		}
	}
	if w.held() {
		next := *w
		next.dropReceipts()
		x.spend(duplicate, next, action{kind: redelivers, msg: w.queue[0]})
	}
}

func (x *explorer) older(a ageing) ageing {
	if a == live && x.skew {
		return lapsing
	}
	return expired
}
