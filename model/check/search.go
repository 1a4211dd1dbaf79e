package check

import "slices"

// Options tune a search.
type Options struct {
	// Seconds is a stopwatch: the seconds since some fixed moment. Without it the report has no times. (The search itself
	// knows no clock.)
	Seconds func() float64
	// Progress is told about every million distinct states or so.
	Progress func(distinct, generated int64)
	// MaxStates stops the search; the report then says that it is not complete. 0 is no limit.
	MaxStates int
	// Mutant names a wrong version of the protocol to search instead; see Mutants.
	Mutant string
}

// Report is the result of a search. Its JSON names are stable.
type Report struct {
	Scope           Scope       `json:"scope"`
	Mutant          string      `json:"mutant,omitempty"`
	Complete        bool        `json:"complete"` // every reachable state has been expanded
	Distinct        int64       `json:"distinct"`
	Generated       int64       `json:"generated"`
	Diameter        int         `json:"diameter"` // steps to the farthest state
	Ends            int64       `json:"ends"`     // states in which nothing is left to happen without a fault
	Seconds         float64     `json:"seconds"`
	StatesPerSecond float64     `json:"statesPerSecond"`
	CollisionBound  float64     `json:"collisionBound"` // of the odds that a state was taken for another; 0: compared whole
	Violations      []Violation `json:"violations"`
}

// Violation is a broken invariant with a shortest run that breaks it, one sentence a step.
type Violation struct {
	Invariant string   `json:"invariant"`
	Trace     []string `json:"trace"`
}

// noState is no index into the store.
const noState = ^uint32(0)

// search is one breadth-first walk. States are numbered in the order in which they are found, so it is its own queue.
type search struct {
	x       *explorer
	scope   Scope
	opts    Options
	store   *store
	parent  []uint32
	calm    []uint32 // successors without a fault, of all states one after the other
	calmEnd []uint64 // where those of a state end
	isEnd   []uint64 // bit set
	touched uint64   // keeps the compiler from leaving out store.touch
	report  *Report
}

// Run visits every state of the scope, or stops with the first depth at which an invariant of safety is broken. Liveness is
// judged on the whole graph, and so only if it is complete.
func Run(scope Scope, opts Options) Report {
	return run(scope, opts, protocolNamed(opts.Mutant))
}

func run(scope Scope, opts Options, p protocol) Report {
	began := opts.seconds()
	report := Report{Scope: scope, Mutant: opts.Mutant, Violations: []Violation{}}
	if scope.Room > 0 {
		newMergedSearch(scope, opts, p, &report).run()
	} else {
		newSearch(scope, opts, p, &report).run()
	}
	report.Seconds = opts.seconds() - began
	if report.Seconds > 0 {
		report.StatesPerSecond = float64(report.Distinct) / report.Seconds
	}
	return report
}

func newSearch(scope Scope, opts Options, p protocol, report *Report) *search {
	return &search{x: newExplorer(scope, p), scope: scope, opts: opts, store: newStore(), report: report}
}

func (s *search) run() {
	for i := range s.scope.Patterns {
		w := s.x.initial(i, s.scope.Faults)
		k := w.key()
		s.found(k, k.hash(), noState)
	}
	s.walk()
	s.report.Distinct = int64(len(s.store.keys))
	if s.report.Complete {
		s.judgeProgress()
	}
}

func (o Options) seconds() float64 {
	if o.Seconds == nil {
		return 0
	}
	return o.Seconds()
}

func (s *search) found(k key, hash uint64, from uint32) uint32 {
	index, added := s.store.add(k, hash)
	if added {
		s.parent = append(s.parent, from)
	}
	return index
}

func (s *search) walk() {
	levelEnd := len(s.store.keys)
	for at := 0; at < len(s.store.keys); at++ {
		if at == levelEnd {
			if len(s.report.Violations) > 0 {
				return
			}
			s.report.Diameter++
			levelEnd = len(s.store.keys)
		}
		if s.opts.MaxStates > 0 && len(s.store.keys) > s.opts.MaxStates {
			return
		}
		if s.opts.Progress != nil && at%1_000_000 == 999_999 {
			s.opts.Progress(int64(len(s.store.keys)), s.report.Generated)
		}
		s.expand(uint32(at))
	}
	s.report.Complete = len(s.report.Violations) == 0
}

func (s *search) expand(at uint32) {
	w := s.store.keys[at].world()
	if broken := s.x.sound(&w); broken != "" {
		s.violated(broken, at, nil)
	}
	calmBefore := len(s.calm)
	edges := s.x.successors(&w)
	s.report.Generated += int64(len(edges))
	for i := range edges {
		e := &edges[i]
		e.hash = e.to.hash()
		s.touched ^= s.store.touch(e.hash)
	}
	for i := range edges {
		e := &edges[i]
		if e.violates != "" {
			s.violated(e.violates, at, e)
		}
		to := s.found(e.to, e.hash, at)
		if !e.fault && to != at {
			s.calm = append(s.calm, to)
		}
	}
	s.calmEnd = append(s.calmEnd, uint64(len(s.calm)))
	if at%64 == 0 {
		s.isEnd = append(s.isEnd, 0)
	}
	if len(s.calm) == calmBefore {
		s.isEnd[at/64] |= 1 << (at % 64)
		s.report.Ends++
		if broken := s.x.final(&w); broken != "" {
			s.violated(broken, at, nil)
		}
	}
}

// judgeProgress looks for states from which no end can be reached without a fault. It works backwards: most steps lead to a
// state with a greater number, so few rounds settle all.
func (s *search) judgeProgress() {
	n := len(s.store.keys)
	good := s.isEnd
	for changed := true; changed; {
		changed = false
		for at := n - 1; at >= 0; at-- {
			if good[at/64]>>(at%64)&1 == 1 {
				continue
			}
			begin := uint64(0)
			if at > 0 {
				begin = s.calmEnd[at-1]
			}
			for _, to := range s.calm[begin:s.calmEnd[at]] {
				if good[to/64]>>(to%64)&1 == 1 {
					good[at/64] |= 1 << (at % 64)
					changed = true
					break
				}
			}
		}
	}
	for at := range n {
		if good[at/64]>>(at%64)&1 == 0 {
			s.violated(progress, uint32(at), nil)
			return
		}
	}
}

func (s *search) violated(invariant string, at uint32, by *edge) {
	if !s.report.has(invariant) {
		s.report.Violations = append(s.report.Violations, Violation{Invariant: invariant, Trace: s.trace(at, by)})
	}
}

// has says whether a violation of the invariant is known: the first, that is a shortest, is kept.
func (r *Report) has(invariant string) bool {
	return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Invariant == invariant })
}

// trace tells the way to a state, and the step from it that broke an invariant.
func (s *search) trace(at uint32, by *edge) []string {
	var path []key
	for i := at; i != noState; i = s.parent[i] {
		path = append(path, s.store.keys[i])
	}
	slices.Reverse(path)
	return story(s.scope, s.x.p, path, by)
}
