package check

// A merged search visits fewer states than there are and judges no less. It takes a worker's silent
// steps as soon as they are possible: steps that no other process can see or hinder, and that take
// no choice away. Whatever a run does before such a step, it can do after it as well (a crash or a
// redelivery leads to the same state, or to one that a greater budget covers), and no invariant
// sees the difference. Besides,
//   - every email has arrived from the start: nothing happens to it before its check, which may come at any time;
//   - if no execution can fail or time out, the search keeps that a message has reigned only once its claim was lost;
//   - the search visits a world only with its greatest budgets (see prints): a step that a smaller budget allows leads to the
//     same world from a greater one, and no invariant looks at what is left of a budget.
//
// TestMergingHidesNothing compares this with the search that merges nothing: on small scopes the
// worlds of that one, merged afterwards, are the worlds of this one, and every mutant gets the same
// verdict.

// settle takes the silent steps.
func (x *explorer) settle(w *world) {
	for i := range w.msgs[:x.messages] {
		m := &w.msgs[i]
		if m.phase == absent {
			m.phase = checking
		}
		if !x.spoils {
			m.reigned = m.lost
		}
	}
	for i := range x.workers {
		if w.workers[i].duty != idle {
			x.settleWorker(w, i)
		}
	}
}

func (x *explorer) settleWorker(w *world, i int) {
	k := &w.workers[i]
	msg := w.msgs[k.job-1]
	ended := msg.outcome != open
	deaf := msg.phase >= superseding // its execution will not sleep on the work's token again
	stale := !k.fenced && x.p.refusesStale
	if stale && k.duty == stopping {
		k.duty = finishing
	}
	if stale && k.duty == finishing {
		k.ends = completed // its write will be refused, whatever the outcome
		if ended {
			k.duty, k.ends = telling, open
		}
	}
	if ended && (k.duty == got || k.duty == restarting) {
		k.duty = telling
		if !x.p.reportsAgain {
			k.duty = deleting
		}
	}
	if deaf && k.duty == telling {
		k.duty, k.fenced = deleting, false
	}
	nothingLeft := k.duty == deleting || stale && deaf && (k.duty == running || k.duty == finishing)
	if nothingLeft && !k.receipt {
		w.retire(i)
	}
}
