package command

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/timeline"
)

// simSeeds makes many runs and adds them up.
func (a *app) simSeeds(ctx context.Context, f simFlags, setup campaign.Setup) error {
	var runs, events, violations count
	var first sync.Once
	seconds := stopwatch()
	shown := follow(a.err(), func() string {
		rate := float64(runs.Load()) / max(seconds(), 0.001)
		return fmt.Sprintf("%s %d of %d seeds, %.0f/s, %d events, %d violations", bar(runs.Load(), f.seeds, 24), runs.Load(), f.seeds, rate, events.Load(), violations.Load())
	})
	report := campaign.Run(campaign.Plan{
		Setup: setup, From: f.from, Seeds: f.seeds, Twice: f.twice,
		Threads: f.threads, Spread: atOnce, Seconds: seconds,
		Stop: func() bool { return ctx.Err() != nil },
		Progress: func(seed uint64, r world.Result) {
			runs.Add(1)
			events.Add(uint64(r.Events))
			if r.Violation != nil {
				violations.Add(1)
				first.Do(func() { shown.say(firstBroken(setup, seed, *r.Violation)) })
			}
		},
	})
	shown.done()
	if a.output == asJSON {
		if err := a.json(report, "  "); err != nil {
			return err
		}
	} else {
		a.tellCampaign(report)
	}
	switch {
	case f.shrink && len(report.Violations) > 0 && ctx.Err() == nil:
		return a.shrinkFirst(ctx, f, setup, report)
	case !report.OK():
		return broken()
	case ctx.Err() != nil:
		return errStopped
	}
	return nil
}

// firstBroken tells at once of the first run that is seen to break a promise: the report comes when
// all seeds have run.
func firstBroken(setup campaign.Setup, seed uint64, v oracle.Violation) string {
	return fmt.Sprintf("seed %d breaks %s after %v: %s\nMake it small: %s\nThe other seeds run on.\n", seed, v.Invariant, v.At, v.What, setup.Shrink(seed))
}

// garbagePercent is GOGC for a simulation. Worlds are small and soon over: with Go's default of 100
// the collector would run all the time, and the simulation take a third longer.
const garbagePercent = 1000

// tolerateGarbage sets GOGC to garbagePercent, unless the environment sets it, until restore is
// called.
func (a *app) tolerateGarbage() (restore func()) {
	if a.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(garbagePercent)
	return func() { debug.SetGCPercent(before) }
}

// shrinkFirst shrinks the run of the lowest seed that breaks a promise. If stdout has JSON, the
// story goes to stderr.
func (a *app) shrinkFirst(ctx context.Context, f simFlags, setup campaign.Setup, report campaign.Report) error {
	teller := *a
	if a.output == asJSON {
		teller.Out, teller.output = a.Err, text
	}
	return teller.simShrink(ctx, f, setup, lowestSeed(report.Violations))
}

// lowestSeed is the lowest seed that breaks a promise; the failures of each promise are in the
// order of seeds.
func lowestSeed(violations []campaign.Broken) uint64 {
	return slices.MinFunc(violations, func(x, y campaign.Broken) int { return cmp.Compare(x.Failures[0].Seed, y.Failures[0].Seed) }).Failures[0].Seed
}

// tellCampaign tells a report to a person.
func (a *app) tellCampaign(r campaign.Report) {
	s := a.out()
	s.Printf("%s %s, from %d: %d events, %s of virtual time\n", s.Paint(screen.Bold, fmt.Sprintf("%d seeds", r.Seeds)), r.Mode, r.From, r.Events, timeline.Clock(r.Virtual))
	if r.Seconds > 0 {
		s.Printf("  speed     %.1f s on %d threads: %.0f seeds/s, %.0f events/s, virtual time %.0f times as fast as real (%.0f a thread)\n",
			r.Seconds, r.Threads, r.SeedsPerSecond, r.EventsPerSecond, r.VirtualToReal, r.VirtualToRealPerThread)
	}
	var ended []string
	for _, outcome := range slices.Sorted(maps.Keys(r.Outcomes)) {
		ended = append(ended, fmt.Sprintf("%d %s", r.Outcomes[outcome], outcome))
	}
	s.Printf("  mails     %s\n", strings.Join(ended, ", "))
	s.Printf("  hash      %s%s\n", r.Hash, twice(r))
	if len(r.Struck) > 0 {
		s.Printf("  claims    %d lives; %d of %d pairs of faults met in one\n\n", r.ClaimLives, r.Pairs.Reached, r.Pairs.Possible)
		table := screen.Table{Head: []string{"FAULT", "STRUCK", "IN A CLAIM'S LIFE"}}
		for _, f := range r.Struck {
			style := screen.Plain
			if f.InClaim == 0 {
				style = screen.Yellow
			}
			table.Rows = append(table.Rows, []screen.Cell{screen.Text(f.Fault), screen.Text(fmt.Sprint(f.Times)), {Text: fmt.Sprint(f.InClaim), Style: style}})
		}
		s.Table(table)
	}
	s.Printf("\n")
	for _, broken := range r.Violations {
		s.Printf("%s%s by %d runs\n", s.Sign("✘"), s.Paint(screen.Red, broken.Invariant+" is broken"), broken.Runs)
		for i, f := range broken.Failures {
			if i == 0 {
				s.Printf("%s\n", f)
			} else {
				s.Printf("And: %s\n", f.Command)
			}
		}
	}
	if len(r.Differences) > 0 {
		s.Printf("%s%s seeds %v\n", s.Sign("✘"), s.Paint(screen.Red, "not decided by the seed alone:"), r.Differences)
	}
	switch {
	case r.OK() && r.Seeds < r.Planned:
		s.Printf("%s%s\n", s.Sign("!"), s.Paint(screen.Yellow, fmt.Sprintf("%d of %d seeds were run, and kept every promise", r.Seeds, r.Planned)))
	case r.OK():
		s.Printf("%s%s\n", s.Sign("✔"), s.Paint(screen.Green, "every promise was kept in every run"))
	}
}

func twice(r campaign.Report) string {
	if !r.Twice {
		return ""
	}
	return fmt.Sprintf(", each seed run twice: %d differences", len(r.Differences))
}
