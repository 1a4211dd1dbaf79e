// Package campaign runs the simulated world over many seeds and adds up what happened: how much was
// run, how the mails ended, how often each fault struck, alone and with others in one claim's life,
// and which promises broke.
//
// A report depends on its plan alone (except for the stopwatch's times), not on how many threads
// ran it or in which order. The package starts no goroutine and reads no clock: its caller brings
// both (see Plan). A campaign that is stopped early reports what was run until then.
package campaign

import (
	"fmt"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/sim/world"
)

// Plan is a range of seeds and how they are run.
type Plan struct {
	Setup
	From  uint64
	Seeds uint64
	Twice bool // run each seed twice, and compare

	Threads int    // how many runs at a time; 0 is 1
	Spread  Spread // nil runs one after the other

	Seconds  func() float64                         // a stopwatch; without it the report has no times and rates
	Progress func(seed uint64, result world.Result) // called after each run, by the thread that ran it
	Stop     func() bool                            // asked before each run, by the thread that is to run it
}

// Spread calls work(0) … work(n-1), at the same time if it can, and returns when all have returned.
type Spread func(n int, work func(thread int))

func oneByOne(n int, work func(int)) {
	for i := range n {
		work(i)
	}
}

// keptFailures is how many seeds of each broken promise a report names: the lowest.
const keptFailures = 5

// lastEvents is how much of its story a failure tells.
const lastEvents = 20

// Run carries the plan out.
func Run(plan Plan) Report {
	threads := max(plan.Threads, 1)
	spread := plan.Spread
	if spread == nil {
		spread = oneByOne
	}
	tallies := make([]*tally, threads)
	began := plan.seconds()
	spread(threads, func(thread int) {
		tallies[thread] = plan.share(uint64(thread), uint64(threads))
	})
	seconds := plan.seconds() - began
	total := newTally()
	for _, t := range tallies {
		total.add(t)
	}
	report := plan.report(total)
	report.measure(seconds, threads)
	return report
}

func (p Plan) seconds() float64 {
	if p.Seconds == nil {
		return 0
	}
	return p.Seconds()
}

// share runs every threads-th seed, beginning with thread.
func (p Plan) share(thread, threads uint64) *tally {
	t := newTally()
	p.Compiled = world.NewCompiled() // the thread's own
	for n := thread; n < p.Seeds; n += threads {
		if p.Stop != nil && p.Stop() {
			break
		}
		seed := p.From + n
		result := p.Run(p.Chooser(seed), false)
		t.count(seed, result)
		if p.Twice {
			if again := p.Run(p.Chooser(seed), false); again.Hash != result.Hash || again.Events != result.Events {
				t.differ = append(t.differ, seed)
			}
		}
		if p.Progress != nil {
			p.Progress(seed, result)
		}
	}
	return t
}

// Failure is a run that broke a promise.
type Failure struct {
	Seed       uint64        `json:"seed"`
	Invariant  string        `json:"invariant"`
	What       string        `json:"what"`
	At         time.Duration `json:"atNanoseconds"`
	Event      int           `json:"event"`
	LastEvents []string      `json:"lastEvents"`
	Command    string        `json:"command"` // shows the run again
	Shrink     string        `json:"shrink"`  // makes it small
}

// Explain runs a seed again and tells how it breaks a promise. It returns nil if the run breaks
// none.
func (s Setup) Explain(seed uint64) *Failure {
	result := s.Run(s.Chooser(seed), true)
	if result.Violation == nil {
		return nil
	}
	v := result.Violation
	f := &Failure{Seed: seed, Invariant: v.Invariant, What: v.What, At: v.At, Event: v.Event, LastEvents: []string{}, Command: s.Command(seed), Shrink: s.Shrink(seed)}
	if result.Story != nil {
		var text strings.Builder
		result.Story.Write(&text, lastEvents)
		f.LastEvents = strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	}
	return f
}

// String is the failure as a banner: what a person needs to see it again.
func (f *Failure) String() string {
	return fmt.Sprintf("seed %d breaks %s after %v: %s\n  %s\nSee it again: %s\nMake it small: %s",
		f.Seed, f.Invariant, f.At, f.What, strings.Join(f.LastEvents, "\n  "), f.Command, f.Shrink)
}
