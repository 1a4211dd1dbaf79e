package check

import "strings"

// Options tune a search.
type Options struct {
	// Seconds is a stopwatch: the seconds since some fixed moment. Without it the report has no times. (The search itself
	// knows no clock.)
	Seconds func() float64
	// Progress is told about every million distinct states.
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
	CollisionBound  float64     `json:"collisionBound"` // odds that two states were taken for one; 0: keys are compared whole
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
	report  Report
}

// Run visits every state of the scope, or stops with the first depth at which an invariant of safety is broken. Liveness is
// judged on the whole graph, and so only if it is complete.
func Run(scope Scope, opts Options) Report {
	return run(scope, opts, protocolNamed(opts.Mutant))
}

func run(scope Scope, opts Options, p protocol) Report {
	s := &search{x: newExplorer(scope, p), scope: scope, opts: opts, store: newStore()}
	s.report = Report{Scope: scope, Mutant: opts.Mutant, Violations: []Violation{}}
	began := s.seconds()
	for i := range scope.Patterns {
		w := s.x.initial(i, scope.Faults)
		k := w.key()
		s.found(k, k.hash(), noState)
	}
	s.walk()
	s.report.Distinct = int64(len(s.store.keys))
	if s.report.Complete {
		s.judgeProgress()
	}
	s.report.Seconds = s.seconds() - began
	if s.report.Seconds > 0 {
		s.report.StatesPerSecond = float64(s.report.Distinct) / s.report.Seconds
	}
	return s.report
}

func (s *search) seconds() float64 {
	if s.opts.Seconds == nil {
		return 0
	}
	return s.opts.Seconds()
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

// violated keeps the first, that is a shortest, violation of each invariant.
func (s *search) violated(invariant string, at uint32, by *edge) {
	for _, v := range s.report.Violations {
		if v.Invariant == invariant {
			return
		}
	}
	s.report.Violations = append(s.report.Violations, Violation{Invariant: invariant, Trace: s.trace(at, by)})
}

// trace tells the way to a state, and the step from it that broke an invariant.
func (s *search) trace(at uint32, by *edge) []string {
	path := []key{}
	if by != nil {
		path = append(path, by.to)
	}
	for i := at; i != noState; i = s.parent[i] {
		path = append(path, s.store.keys[i])
	}
	first := path[len(path)-1].world()
	x := newExplorer(s.scope, s.x.p)
	x.raw = true
	t := teller{x: x, names: [maxWorkers]string{"worker 1", "worker 2", "worker 3"}}
	lines := []string{"threads of the messages, oldest first: " + strings.Join(strings.Split(s.scope.Patterns[first.pattern], ""), " ")}
	for i := len(path) - 1; i > 0; i-- {
		w := path[i].world()
		violates := ""
		if i == 1 && by != nil {
			violates = by.violates
		}
		lines = append(lines, t.tell(&w, path[i-1], violates))
	}
	return lines
}

// teller turns steps into sentences. The search sorts the workers of each state; a teller follows them through that.
type teller struct {
	x     *explorer
	names [maxWorkers]string // by place in the current state
	fence int
}

func (t *teller) tell(w *world, to key, violates string) string {
	for _, e := range t.x.successors(w) {
		if e.to != to || e.violates != violates {
			continue
		}
		if e.did.raises {
			t.fence++
		}
		line := e.did.sentence(t.names[e.did.worker], t.fence)
		t.follow(&e.raw)
		return line
	}
	return "a step that the explorer does not list"
}

// follow sorts the names as normalise sorts the workers.
func (t *teller) follow(raw *world) {
	ws := raw.workers
	for i := 1; i < t.x.workers; i++ {
		for j := i; j > 0 && ws[j].rank() < ws[j-1].rank(); j-- {
			ws[j], ws[j-1] = ws[j-1], ws[j]
			t.names[j], t.names[j-1] = t.names[j-1], t.names[j]
		}
	}
}
