// Package exhaustive plays small scenes of the real handlers and the real worker in every order,
// with every single fault at every call, all oracles on.
//
// It promises that a scene that is explored to its end holds in every order of its calls. If orders
// differ only in neighbours that commute, it plays one of them (sleep sets); the package's tests
// compare this with playing them all. It promises nothing about larger scenes: those are left to
// the seeds of package campaign.
package exhaustive

import (
	"fmt"

	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/story"
)

// Report is what an exploration came to.
type Report struct {
	Complete  int            // plays to the end
	Orders    uint64         // that they stand for: a naive exploration plays this many
	Cut       int            // plays that were cut short, because all that could follow had been played
	Whole     bool           // no order is left to play
	Endings   map[string]int // how often each was reached
	Choices   int            // the most choices between several moves in one play
	Violation *oracle.Violation
	Path      []string     // of the violation
	Story     *story.Story // of the violation
}

// Explore plays the stage in every order. It stops after most complete plays, or if a promise
// breaks. Naive plays also the orders that differ only in neighbours that commute.
func Explore(s world.Stage, naive bool, most int) Report {
	e := &choose.Explorer{Naive: naive}
	s.Compiled = world.NewCompiled()
	r := Report{Endings: map[string]int{}}
	for {
		choices := 0
		pick := func(moves []choose.Move) (int, bool) {
			if len(moves) > 1 {
				choices++
			}
			return e.Pick(moves)
		}
		ending := s.Play(pick, false)
		r.Choices = max(r.Choices, choices)
		switch {
		case ending.Violation != nil:
			r.Violation, r.Path = ending.Violation, e.Path()
			r.Story = Replay(s, r.Path).Story
			return r
		case ending.Cut:
			r.Cut++
		default:
			r.Complete++
			r.Endings[ending.Rows]++
			if naive {
				r.Orders++
			} else {
				r.Orders += e.Orders()
			}
		}
		if !e.Next() {
			r.Whole = true
			return r
		}
		if r.Complete >= most {
			return r
		}
	}
}

// Replay plays the stage by the names of its moves, and keeps the story. It ends where the path
// ends.
func Replay(s world.Stage, path []string) world.Ending {
	return s.Play(func(moves []choose.Move) (int, bool) {
		if len(path) == 0 {
			return 0, false
		}
		for i, m := range moves {
			if m.Name == path[0] {
				path = path[1:]
				return i, true
			}
		}
		panic(fmt.Sprintf("exhaustive: the path's next move, %q, cannot be made", path[0]))
	}, true)
}
