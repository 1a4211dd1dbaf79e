// Package choose holds the ways to make a simulation's choices. Everything that a simulated world leaves
// open (who runs next, whether a fault strikes, how long something takes) is one call of
// Choose(n, label), so that the same world can be run at random, by priorities (PCT), by rapid's draws,
// exhaustively, or again from a tape.
//
// Each chooser is deterministic: the same chooser over the same world makes the same run. None is safe
// for concurrent use.
package choose

import "fmt"

// Chooser picks a number in [0, n). label says what for; 0 is always the well-behaved choice. n is at
// least 1.
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

// next is a step of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
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
	picked := r.From.Choose(n, label)
	r.Tape = append(r.Tape, Choice{N: n, Picked: picked, Label: label})
	return picked
}

// Tape plays recorded choices. Past its end, and where the world asks for something else than was
// recorded, it picks 0; Strayed says so.
type Tape struct {
	Choices []Choice
	at      int
	Strayed bool
}

// Choose plays the next choice.
func (t *Tape) Choose(n int, label string) int {
	if t.at >= len(t.Choices) {
		return 0
	}
	c := t.Choices[t.at]
	t.at++
	if c.Label != label || c.Picked >= n {
		t.Strayed = true
		return 0
	}
	return c.Picked
}

// Odometer visits every combination of choices: run the world, call Next, run it again, until Next is
// false. It keeps one path and no states (the idea is TigerBeetle's exhaustigen).
type Odometer struct {
	path []digit
	at   int
	Runs int // begun so far
}

type digit struct{ picked, n int }

// Choose picks by the path, and 0 past its end.
func (o *Odometer) Choose(n int, label string) int {
	if n <= 1 {
		return 0
	}
	if o.at == len(o.path) {
		o.path = append(o.path, digit{n: n})
	}
	d := o.path[o.at]
	if d.n != n {
		panic(fmt.Sprintf("choose: the world is not deterministic: choice %d (%s) had %d possibilities, now it has %d", o.at, label, d.n, n))
	}
	o.at++
	return d.picked
}

// Next turns to the next combination; false says that all were visited.
func (o *Odometer) Next() bool {
	o.Runs++
	o.path = o.path[:o.at]
	for len(o.path) > 0 {
		last := &o.path[len(o.path)-1]
		if last.picked+1 < last.n {
			last.picked++
			o.at = 0
			return true
		}
		o.path = o.path[:len(o.path)-1]
	}
	o.at = 0
	return false
}

// PCT chooses who runs next by random priorities that change at a few random points (Burckhardt et
// al., A randomized scheduler with probabilistic guarantees of finding bugs): a bug of depth d among n
// actors and k steps is found with probability 1/(n·k^(d-1)) at least. It schedules only the choices
// whose label is Schedule; the others are drawn at random.
type PCT struct {
	random  *Random
	changes map[int]bool
	steps   int
	shift   int
}

// Schedule is the label of the choice of who runs next.
const Schedule = "next"

// NewPCT makes a chooser for runs of about steps schedule choices, with depth-1 priority changes.
func NewPCT(seed uint64, steps, depth int) *PCT {
	p := &PCT{random: NewRandom(seed), changes: map[int]bool{}}
	for range depth - 1 {
		p.changes[p.random.Choose(steps, "pct.change")] = true
	}
	return p
}

// Choose follows one order of the candidates until a change point turns it.
func (p *PCT) Choose(n int, label string) int {
	if label != Schedule {
		return p.random.Choose(n, label)
	}
	if p.changes[p.steps] {
		p.shift += 1 + p.random.Choose(7, "pct.shift")
	}
	p.steps++
	return p.shift % n
}
