// Package choose holds the ways to make a simulation's choices. Everything that a simulated world
// leaves open (who runs next, whether a fault strikes, how long something takes) is one call of
// Choose(n, label), so that the same world can be run at random, by priorities (PCT), by rapid's
// draws, exhaustively, or again from a tape.
//
// Each chooser is deterministic: the same chooser over the same world makes the same run. None is
// safe for concurrent use.
package choose

// Chooser picks a number in [0, n). label says what for; 0 is always the well-behaved choice. n is
// at least 1.
type Chooser interface {
	Choose(n int, label string) int
}

// Random chooses by seed. Each label has a stream of its own, so that a new kind of draw does not
// reshuffle the others.
type Random struct {
	seed    uint64
	streams map[string]*uint64
}

// NewRandom makes a chooser of a seed.
func NewRandom(seed uint64) *Random {
	return &Random{seed: seed, streams: map[string]*uint64{}}
}

// Choose draws evenly.
func (r *Random) Choose(n int, label string) int {
	if n <= 1 {
		return 0
	}
	state, ok := r.streams[label]
	if !ok {
		start := r.seed ^ hash(label)
		state = &start
		r.streams[label] = state
	}
	return int(next(state) % uint64(n))
}

// next is a step of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
// generators).
func next(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// hash is FNV-1a of the label, spread over all bits.
func hash(label string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(label) {
		h = (h ^ uint64(label[i])) * 1099511628211
	}
	return next(&h)
}

// Choice is one call of Choose and its answer.
type Choice struct {
	N      int    `json:"n"`
	Picked int    `json:"picked"`
	Label  string `json:"label"`
}

// Recorder writes down what another chooser picks.
type Recorder struct {
	From Chooser
	Tape []Choice
}

// Choose asks and records.
func (r *Recorder) Choose(n int, label string) int {
	return r.record(n, label, r.From.Choose(n, label))
}

// Next asks and records who runs next.
func (r *Recorder) Next(ready []string) int {
	if s, ok := r.From.(Scheduler); ok {
		return r.record(len(ready), Schedule, s.Next(ready))
	}
	return r.Choose(len(ready), Schedule)
}

func (r *Recorder) record(n int, label string, picked int) int {
	r.Tape = append(r.Tape, Choice{N: n, Picked: picked, Label: label})
	return picked
}

// Schedule is the label of the choice of who runs next.
const Schedule = "next"

// Scheduler is a Chooser that picks who runs next by name.
type Scheduler interface {
	Chooser
	// Next returns the index of the name that runs next. Names may repeat.
	Next(ready []string) int
}

// PCT picks the actor with the highest priority to run next. Priorities are random, and at a few
// random points the actor that would run drops to the lowest priority (Burckhardt et al., A
// randomized scheduler with probabilistic guarantees of finding bugs). It finds a bug of depth d
// among n actors and k steps with a probability of at least 1/(n·k^(d-1)). It draws all other
// choices at random.
type PCT struct {
	random     *Random
	changes    map[int]bool
	priorities map[string]int // the greater runs first
	steps      int
	lowest     int
}

// NewPCT makes a chooser for runs of about steps schedule choices, with depth-1 priority changes.
func NewPCT(seed uint64, steps, depth int) *PCT {
	p := &PCT{random: NewRandom(seed), changes: map[int]bool{}, priorities: map[string]int{}}
	for range depth - 1 {
		p.changes[p.random.Choose(steps, "pct.change")] = true
	}
	return p
}

// Choose draws.
func (p *PCT) Choose(n int, label string) int { return p.random.Choose(n, label) }

// Next picks by priority.
func (p *PCT) Next(ready []string) int {
	first := p.first(ready)
	if p.changes[p.steps] {
		p.lowest--
		p.priorities[ready[first]] = p.lowest
		first = p.first(ready)
	}
	p.steps++
	return first
}

func (p *PCT) first(ready []string) int {
	first := 0
	for i, name := range ready {
		if _, known := p.priorities[name]; !known {
			p.priorities[name] = p.random.Choose(1<<30, "pct.priority")
		}
		if p.priorities[name] > p.priorities[ready[first]] {
			first = i
		}
	}
	return first
}
