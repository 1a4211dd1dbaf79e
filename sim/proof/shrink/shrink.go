// Package shrink makes a run that breaks a promise small: fewer mails, fewer faults, fewer choices
// that are not the well-behaved one, so that a person can follow what is left.
//
// It keeps only runs that break the same invariant and take no more events to follow (see
// story.Story.EventsToFollow: mails that arrive, claims and jobs that change, commands that begin,
// faults that strike, up to the place where the promise breaks). The result is a Tape, which plays
// the run again as long as the world asks for the same choices per label. Besides moves that make
// the run at hand smaller, it makes short runs at random with the faults that struck, and goes on
// from one that breaks the same invariant in fewer events. The result depends only on the failing
// run and the number of runs allowed, unless Stop ends the work. The run need not be the smallest:
// it is only promised that, if the work was not stopped, none of the package's own moves makes the
// run smaller.
package shrink

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// Limits bound the work.
type Limits struct {
	Runs     int                    // 0 is DefaultRuns
	Stop     func() bool            // asked before each run; nil is never
	Progress func(runs, events int) // called after each run; events are those to follow so far
}

// DefaultRuns is how many runs a shrink makes at most.
const DefaultRuns = 4000

// Seed shrinks a seed's run. It is an error if the run breaks nothing.
func Seed(setup campaign.Setup, seed uint64, limits Limits) (Tape, error) {
	if limits.Runs == 0 {
		limits.Runs = DefaultRuns
	}
	recorder := &choose.Recorder{From: setup.Chooser(seed)}
	setup.Compiled = world.NewCompiled()
	first := setup.Run(recorder, true)
	if first.Violation == nil {
		return Tape{}, fmt.Errorf("seed %d breaks no promise", seed)
	}
	if first.Story == nil {
		return Tape{}, fmt.Errorf("seed %d: %s: %s: a run that panics cannot be shrunk", seed, first.Violation.Invariant, first.Violation.What)
	}
	s := &shrinker{setup: setup, limits: limits, invariant: first.Violation.Invariant, events: first.Story.EventsToFollow()}
	s.best, s.what = choose.NewStreams(plain(recorder.Tape)), first.Violation.What
	before := s.events
	if !s.try(s.best.Clone(), s.without) {
		return Tape{}, fmt.Errorf("seed %d: the recorded choices do not break %s again", seed, s.invariant)
	}
	s.shrink()
	mode := setup.Mode
	if mode == "" {
		mode = campaign.Random
	}
	return Tape{
		Invariant: s.invariant, What: s.what, Seed: seed, Mode: mode, Faults: s.faults(), Without: s.without,
		EventsToFollow: s.events, EventsBefore: before, Runs: s.runs, Choices: s.best,
	}, nil
}

// faultLabels is what the labels of draws for faults begin with. A fault strikes if the draw picks
// the last possibility.
const faultLabels = "fault."

// plain keeps of each draw for a fault only whether it strikes.
func plain(tape []choose.Choice) []choose.Choice {
	list := make([]choose.Choice, len(tape))
	for i, c := range tape {
		if strings.HasPrefix(c.Label, faultLabels) {
			if c.Picked == c.N-1 {
				c.Picked = choose.Last
			} else {
				c.Picked = 0
			}
		}
		list[i] = c
	}
	return list
}

type shrinker struct {
	setup     campaign.Setup
	limits    Limits
	invariant string

	best    *choose.Streams
	without []string // mails that best leaves out
	what    string
	events  int // to follow, of best
	runs    int
	fresh   int // runs of starts afresh
}

// faults lists the faults that may strike in the best run.
func (s *shrinker) faults() []string {
	return slices.DeleteFunc(s.setup.FaultNames(), func(name string) bool { return len(s.best.Picks["swarm."+name]) == 0 })
}

// over says whether the budget is used up.
func (s *shrinker) over() bool {
	return s.runs >= s.limits.Runs || (s.limits.Stop != nil && s.limits.Stop())
}

// try runs a candidate, and makes it the best if it breaks the same promise and takes no more
// events to follow.
func (s *shrinker) try(candidate *choose.Streams, without []string) bool {
	result, ok := s.play(candidate, without)
	if !ok || result.Story.EventsToFollow() > s.events {
		return false
	}
	s.keep(candidate.Used(), without, result)
	return true
}

// play runs the choices, and says whether they break the same promise.
func (s *shrinker) play(choices choose.Chooser, without []string) (world.Result, bool) {
	if s.over() {
		return world.Result{}, false
	}
	s.runs++
	setup := s.setup
	setup.Draw = leaveOut(setup.Draw, without)
	result := setup.Run(choices, true)
	if s.limits.Progress != nil {
		s.limits.Progress(s.runs, s.events)
	}
	return result, result.Violation != nil && result.Violation.Invariant == s.invariant && result.Story != nil
}

func (s *shrinker) keep(choices *choose.Streams, without []string, result world.Result) {
	s.best, s.without, s.what, s.events = choices, nil, result.Violation.What, result.Story.EventsToFollow()
	for _, id := range s.mails() { // only those that the scenario has
		if slices.Contains(without, id) {
			s.without = append(s.without, id)
		}
	}
}

// mails lists the ids of the best run's mails that are not left out.
func (s *shrinker) mails() []string {
	var ids []string
	for _, m := range leaveOut(s.setup.Draw, s.without)(s.best.Clone()).Mails {
		ids = append(ids, m.ID)
	}
	return ids
}

// edit tries the best run with some lists changed. It runs nothing if change says that it changed
// nothing.
func (s *shrinker) edit(change func(c *choose.Streams) bool) bool {
	candidate := s.best.Clone()
	return change(candidate) && s.try(candidate, s.without)
}

// leaveOut draws a scenario and leaves mails out of it.
func leaveOut(draw func(choose.Chooser) scenario.Scenario, without []string) func(choose.Chooser) scenario.Scenario {
	if draw == nil {
		draw = scenario.Draw
	}
	return func(c choose.Chooser) scenario.Scenario {
		drawn := draw(c)
		drawn.Mails = slices.DeleteFunc(drawn.Mails, func(m scenario.Mail) bool { return slices.Contains(without, m.ID) })
		return drawn
	}
}
