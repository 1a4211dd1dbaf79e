package check

import "slices"

// mergedSearch walks a scope of many states breadth first. It keeps a fingerprint and a parent of
// each visited state, and whole states only of two depths: the one that it expands and the next.
// Progress does not depend on the budgets, so it keeps the steps without a fault once for each
// world.
type mergedSearch struct {
	x      *explorer
	scope  Scope
	opts   Options
	report *Report

	prints  *prints
	parent  []uint32 // by slot; an initial state is its own parent
	depth   []visit  // to be expanded
	next    []visit
	ways    ways // by the first slot of a world
	touched uint64
}

// visit is a state to be expanded.
type visit struct {
	state key
	slot  uint32
	fresh bool // the first of its world
}

func newMergedSearch(scope Scope, opts Options, p protocol, report *Report) *mergedSearch {
	s := &mergedSearch{x: newExplorer(scope, p), scope: scope, opts: opts, report: report}
	s.prints = newPrints(scope.Room, scope.Faults.budget())
	s.parent = make([]uint32, len(s.prints.slots))
	return s
}

func (s *mergedSearch) run() {
	for i := range s.scope.Patterns {
		w := s.x.initial(i, s.scope.Faults)
		k := w.key()
		s.found(k, s.prints.add(s.prints.print(k)), noState)
	}
	s.walk()
	s.report.Distinct = int64(s.prints.count)
	s.report.CollisionBound = s.prints.collisionBound()
	if s.report.Complete {
		if stuck, found := s.ways.stuck(len(s.prints.slots)); found {
			s.violated(progress, stuck, nil)
		}
	}
}

func (s *mergedSearch) found(k key, at place, from uint32) {
	if !at.added {
		return
	}
	if from == noState {
		from = at.slot
	}
	s.parent[at.slot] = from
	s.next = append(s.next, visit{state: k, slot: at.slot, fresh: at.slot == at.first})
}

func (s *mergedSearch) walk() {
	limit := s.scope.Room
	if s.opts.MaxStates > 0 {
		limit = min(limit, s.opts.MaxStates)
	}
	told := 0
	for len(s.next) > 0 {
		if s.depth != nil {
			s.report.Diameter++
		}
		s.depth, s.next = s.next, s.depth[:0]
		for i := range s.depth {
			if s.prints.count > limit || i%batch == 0 && s.opts.stop() {
				return
			}
			s.expand(&s.depth[i])
			if million := s.prints.count / 1_000_000; s.opts.Progress != nil && million > told {
				told = million
				s.opts.Progress(int64(s.prints.count), s.report.Generated)
			}
		}
		if len(s.report.Violations) > 0 {
			return
		}
	}
	s.report.Complete = true
}

func (s *mergedSearch) expand(v *visit) {
	w := v.state.world()
	if broken := s.x.sound(&w); broken != "" {
		s.violated(broken, v.slot, nil)
	}
	edges := s.x.successors(&w)
	s.report.Generated += int64(len(edges))
	for i := range edges {
		e := &edges[i]
		e.hash, e.print = s.prints.print(e.to)
		s.touched ^= s.prints.slots[e.hash&uint64(len(s.prints.slots)-1)]
	}
	calm := false
	for i := range edges {
		e := &edges[i]
		if e.violates != "" {
			s.violated(e.violates, v.slot, e)
		}
		at := s.prints.add(e.hash, e.print)
		s.found(e.to, at, v.slot)
		if !e.fault && e.to != v.state {
			calm = true
			if v.fresh {
				s.ways.to(at.first)
			}
		}
	}
	switch {
	case calm && v.fresh:
		s.ways.from(v.slot)
	case !calm:
		s.ways.end(v.slot)
		s.report.Ends++
		if broken := s.x.final(&w); broken != "" {
			s.violated(broken, v.slot, nil)
		}
	}
}

func (s *mergedSearch) violated(invariant string, at uint32, by *edge) {
	if !s.report.has(invariant) {
		s.report.Violations = append(s.report.Violations, Violation{Invariant: invariant, Trace: s.trace(at, by)})
	}
}

// trace walks from the initial state to this one again, along the slots of their parents.
func (s *mergedSearch) trace(at uint32, last *edge) []string {
	way := []uint32{at}
	for s.parent[at] != at {
		at = s.parent[at]
		way = append(way, at)
	}
	slices.Reverse(way)
	path := []key{s.firstAt(way[0])}
	x := newExplorer(s.scope, s.x.p)
	for _, slot := range way[1:] {
		w := path[len(path)-1].world()
		edges := x.successors(&w)
		i := slices.IndexFunc(edges, func(e edge) bool { return s.isAt(e.to, slot) })
		path = append(path, edges[i].to)
	}
	return story(s.scope, s.x.p, path, last)
}

func (s *mergedSearch) firstAt(slot uint32) key {
	for i := range s.scope.Patterns {
		w := s.x.initial(i, s.scope.Faults)
		if k := w.key(); s.isAt(k, slot) {
			return k
		}
	}
	panic("check: a way that begins nowhere")
}

func (s *mergedSearch) isAt(k key, slot uint32) bool {
	home, print := s.prints.print(k)
	return s.prints.find(home, print, false).slot == slot
}
