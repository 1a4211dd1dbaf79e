// Package shrink makes a run that breaks a promise small: fewer mails, fewer faults, fewer choices that
// are not the well-behaved one, so that a person can follow what is left.
//
// It keeps only runs that break the same invariant and are no longer to follow (see
// world.Story.EventsToFollow: mails that arrive, claims and jobs that change, commands that begin, faults
// that strike, up to the place where the promise breaks). What it arrives at is a Tape, which plays the
// run again as long as the world asks for the same choices per label. The result depends on the failing
// run and the number of runs allowed alone, unless Stop ends it. It promises no smallest run, only that
// none of its own moves makes it smaller when it was not stopped.
package shrink

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/sim/campaign"
	"github.com/webordinary/hephaestus/sim/choose"
)

// Limits bound the work.
type Limits struct {
	Runs     int                    // 0 is DefaultRuns
	Stop     func() bool            // asked before each run; nil is never
	Progress func(runs, events int) // told after each run: events to follow so far
}

// DefaultRuns is how many runs a shrink makes at most.
const DefaultRuns = 4000

// Seed shrinks a seed's run. It is an error if that breaks nothing.
func Seed(setup campaign.Setup, seed uint64, limits Limits) (Tape, error) {
	if limits.Runs == 0 {
		limits.Runs = DefaultRuns
	}
	recorder := &choose.Recorder{From: setup.Chooser(seed)}
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
	if !s.try(s.best.Clone()) {
		return Tape{}, fmt.Errorf("seed %d: the recorded choices do not break %s again", seed, s.invariant)
	}
	s.shrink()
	mode := setup.Mode
	if mode == "" {
		mode = campaign.Random
	}
	return Tape{
		Invariant: s.invariant, What: s.what, Seed: seed, Mode: mode, Faults: s.faults(),
		EventsToFollow: s.events, EventsBefore: before, Runs: s.runs, Choices: s.best,
	}, nil
}

// faultLabels is what the labels of draws for faults begin with: a fault strikes if the last is picked.
const faultLabels = "fault."

// plain turns a recorded tape into what matters of it: of a draw for a fault, whether it strikes.
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

	best   *choose.Streams
	what   string
	events int // to follow, of best
	runs   int
}

// faults are those that the best run allows to strike.
func (s *shrinker) faults() []string {
	return slices.DeleteFunc(s.setup.FaultNames(), func(name string) bool { return len(s.best.Picks["swarm."+name]) == 0 })
}

// over says whether the budget is used up.
func (s *shrinker) over() bool {
	return s.runs >= s.limits.Runs || (s.limits.Stop != nil && s.limits.Stop())
}

// try runs a candidate, and makes it the best if it breaks the same promise and is no longer to follow.
func (s *shrinker) try(candidate *choose.Streams) bool {
	if s.over() {
		return false
	}
	s.runs++
	result := s.setup.Run(candidate, true)
	if s.limits.Progress != nil {
		defer func() { s.limits.Progress(s.runs, s.events) }()
	}
	if result.Violation == nil || result.Violation.Invariant != s.invariant || result.Story == nil {
		return false
	}
	events := result.Story.EventsToFollow()
	if events > s.events {
		return false
	}
	s.best, s.what, s.events = candidate.Used(), result.Violation.What, events
	return true
}

// edit tries the best with some lists changed. It does not run what would change nothing.
func (s *shrinker) edit(change func(c *choose.Streams) bool) bool {
	candidate := s.best.Clone()
	return change(candidate) && s.try(candidate)
}
