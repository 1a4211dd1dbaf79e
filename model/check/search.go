package check

import "slices"

// Options tune a search.
type Options struct {
	// Seconds returns the seconds since some fixed moment, because the search itself has no clock.
	// If nil, the report has no times.
	Seconds func() float64
	// Progress is called about once per million distinct states.
	Progress func(distinct, generated int64)
	// MaxStates stops the search, whose report is then not complete. 0 is no limit.
	MaxStates int
	// Stop is called often; if it returns true, the search stops, and its report is not complete.
	// nil never stops it.
	Stop func() bool
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
	CollisionBound  float64     `json:"collisionBound"` // of the odds that a state was taken for another; 0 for whole states
	Violations      []Violation `json:"violations"`
}

// Violation is a broken invariant with a shortest run that breaks it, one sentence per step.
type Violation struct {
	Invariant string   `json:"invariant"`
	Trace     []string `json:"trace"`
}

// noState is not an index into the store.
const noState = ^uint32(0)

// batch is how many states are expanded together: enough to fetch many of their slots at once (see
// store.touch), and few enough that their steps stay in the processor's cache.
const batch = 32

// search is one breadth-first walk. States are numbered in the order in which they are found, so it
// is its own queue.
type search struct {
	x       *explorer
	scope   Scope
	opts    Options
	store   *store
	parent  list[uint32]
	ways    ways
	here    world  // being expanded
	touched uint64 // keeps the compiler from leaving out store.touch
	report  *Report
}

// Run visits every state of the scope, or stops after the first depth at which a step or state
// breaks an invariant. Progress is judged on the whole graph, so only if the search is complete.
func Run(scope Scope, opts Options) Report {
	return run(scope, opts, protocolNamed(opts.Mutant, scope.settings()))
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
	s.report.Distinct = int64(s.store.keys.len)
	if s.report.Complete {
		if stuck, found := s.ways.stuck(s.store.keys.len); found {
			s.violated(progress, stuck, nil)
		}
	}
}

func (o Options) seconds() float64 {
	if o.Seconds == nil {
		return 0
	}
	return o.Seconds()
}

func (o Options) stop() bool { return o.Stop != nil && o.Stop() }

func (s *search) found(k key, hash uint64, from uint32) uint32 {
	index, added := s.store.add(k, hash)
	if added {
		s.parent.add(from)
	}
	return index
}

func (s *search) walk() {
	told := 0
	for first, end := 0, s.store.keys.len; first < end; first, end = end, s.store.keys.len {
		if first > 0 {
			s.report.Diameter++
		}
		for at := first; at < end; at += batch {
			if s.opts.MaxStates > 0 && s.store.keys.len > s.opts.MaxStates || s.opts.stop() {
				return
			}
			s.expand(uint32(at), uint32(min(at+batch, end)))
			if million := s.store.keys.len / 1_000_000; s.opts.Progress != nil && million > told {
				told = million
				s.opts.Progress(int64(s.store.keys.len), s.report.Generated)
			}
		}
		if len(s.report.Violations) > 0 {
			return
		}
	}
	s.report.Complete = true
}

// expand judges the states from first up to but not including end, at most a batch, and takes their
// steps. It lists all steps before it takes the first.
func (s *search) expand(first, end uint32) {
	s.x.edges = s.x.edges[:0]
	var edgesEnd [batch]int
	for at := first; at < end; at++ {
		s.here = s.store.keys.at(at).world()
		if broken := s.x.sound(&s.here); broken != "" {
			s.violated(broken, at, nil)
		}
		s.x.list(&s.here)
		edgesEnd[at-first] = len(s.x.edges)
	}
	edges := s.x.edges
	s.report.Generated += int64(len(edges))
	for i := range edges {
		edges[i].hash = edges[i].to.hash()
	}
	for i := range edges { // a loop of its own, so that the processor fetches more slots at once
		s.touched ^= s.store.touch(edges[i].hash)
	}
	begin := 0
	for at := first; at < end; at++ {
		s.follow(at, edges[begin:edgesEnd[at-first]])
		begin = edgesEnd[at-first]
	}
}

// follow takes the steps of a state.
func (s *search) follow(from uint32, edges []edge) {
	calm := false
	for i := range edges {
		e := &edges[i]
		if e.violates != "" {
			s.violated(e.violates, from, e)
		}
		to := s.found(e.to, e.hash, from)
		if !e.fault && to != from {
			calm = true
			s.ways.to(to)
		}
	}
	if calm {
		s.ways.from(from)
		return
	}
	s.ways.end(from)
	s.report.Ends++
	w := s.store.keys.at(from).world()
	if broken := s.x.final(&w); broken != "" {
		s.violated(broken, from, nil)
	}
}

func (s *search) violated(invariant string, at uint32, by *edge) {
	if !s.report.has(invariant) {
		s.report.Violations = append(s.report.Violations, Violation{Invariant: invariant, Trace: s.trace(at, by)})
	}
}

// has says whether a violation of the invariant is known. The report keeps only the first, whose
// run is a shortest.
func (r *Report) has(invariant string) bool {
	return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Invariant == invariant })
}

// trace tells the run to a state, and the step from it that broke an invariant.
func (s *search) trace(at uint32, by *edge) []string {
	var path []key
	for i := at; i != noState; i = s.parent.at(i) {
		path = append(path, s.store.keys.at(i))
	}
	slices.Reverse(path)
	return story(s.scope, s.x.p, path, by)
}
