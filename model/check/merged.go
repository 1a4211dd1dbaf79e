package check

import "slices"

// mergedSearch walks a scope of many states breadth first. Of a state that it has visited it keeps a fingerprint and a parent;
// whole are only those of two depths, the one that is expanded and the next. Progress does not depend on the budgets, so
// the steps without a fault are kept once for each world.
type mergedSearch struct {
	x      *explorer
	scope  Scope
	opts   Options
	report *Report

	prints  *prints
	parent  []uint32 // by slot; of a first state itself
	depth   []visit  // to be expanded
	next    []visit
	calm    calmSteps
	good    []uint64 // bit set, by the first slot of a world: an end, or one from which an end can be reached without a fault
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
	s.good = make([]uint64, len(s.prints.slots)/64+1)
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
		s.judgeProgress()
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
			if s.prints.count > limit {
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
				s.calm.to(at.first)
			}
		}
	}
	switch {
	case calm && v.fresh:
		s.calm.from(v.slot)
	case !calm:
		s.good[v.slot/64] |= 1 << (v.slot % 64)
		s.report.Ends++
		if broken := s.x.final(&w); broken != "" {
			s.violated(broken, v.slot, nil)
		}
	}
}

// judgeProgress looks for worlds from which no end can be reached without a fault.
func (s *mergedSearch) judgeProgress() {
	for changed := true; changed; {
		changed = false
		s.calm.backwards(func(from uint32, to []uint32) bool {
			if s.isGood(from) || !slices.ContainsFunc(to, s.isGood) {
				return true
			}
			s.good[from/64] |= 1 << (from % 64)
			changed = true
			return true
		})
	}
	s.calm.backwards(func(from uint32, _ []uint32) bool {
		if s.isGood(from) {
			return true
		}
		s.violated(progress, from, nil)
		return false
	})
}

func (s *mergedSearch) isGood(slot uint32) bool { return s.good[slot/64]>>(slot%64)&1 == 1 }

func (s *mergedSearch) violated(invariant string, at uint32, by *edge) {
	if !s.report.has(invariant) {
		s.report.Violations = append(s.report.Violations, Violation{Invariant: invariant, Trace: s.trace(at, by)})
	}
}

// trace walks to the state again, along the slots on the way to it.
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

// calmSteps are the steps without a fault: the worlds that those of a world lead to, how many there are, and the world.
type calmSteps struct {
	blocks [][]uint32
	open   []uint32 // of the world that is being expanded
}

const calmBlock = 1 << 20

func (c *calmSteps) to(world uint32) { c.open = append(c.open, world) }

func (c *calmSteps) from(world uint32) {
	c.open = append(c.open, uint32(len(c.open)), world)
	if n := len(c.blocks); n == 0 || len(c.blocks[n-1])+len(c.open) > calmBlock {
		c.blocks = append(c.blocks, make([]uint32, 0, calmBlock))
	}
	last := &c.blocks[len(c.blocks)-1]
	*last = append(*last, c.open...)
	c.open = c.open[:0]
}

// backwards visits the worlds, the last one first: most steps lead to a world that was found later, so few rounds settle
// all. It stops where visit returns false.
func (c *calmSteps) backwards(visit func(from uint32, to []uint32) bool) {
	for _, block := range slices.Backward(c.blocks) {
		for end := len(block); end > 0; {
			from, n := block[end-1], int(block[end-2])
			begin := end - 2 - n
			if !visit(from, block[begin:end-2]) {
				return
			}
			end = begin
		}
	}
}
