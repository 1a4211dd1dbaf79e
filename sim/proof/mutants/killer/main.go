// Command killer looks for a seed under which the system that it was built from breaks a promise,
// and makes that seed's run small if it is asked to. Package mutants builds it over each wrong
// version of the system. It prints one JSON value (see package verdict) and exits with 0 whether or
// not it found a seed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/proof/mutants/verdict"
	"github.com/webordinary/hephaestus/sim/proof/shrink"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

func main() {
	seeds := flag.Int("seeds", 1000, "try this many seeds at most, from 0")
	budget := flag.Duration("budget", time.Minute, "stop trying after this time")
	faults := flag.String("faults", "all", "faults that may strike: all, none or their names")
	ignore := flag.String("ignore", "", "promises not to judge by, separated by commas")
	shrinking := flag.Duration("shrink", 0, "make the run that kills small, for this long at most")
	flag.Parse()
	on, err := fault.Parse(*faults)
	if err != nil {
		fmt.Fprintln(os.Stderr, "killer:", err)
		os.Exit(2)
	}
	ignored, err := oracle.Parse(*ignore)
	if err != nil {
		fmt.Fprintln(os.Stderr, "killer:", err)
		os.Exit(2)
	}
	options := world.Options{Faults: on, Ignore: ignored}
	debug.SetGCPercent(800) // a world lives for milliseconds and keeps little
	found := hunt(options, *seeds, *budget)
	if found.Killed && *shrinking > 0 {
		found.Shrunk = small(on, found, *shrinking)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		os.Exit(1)
	}
}

// hunters is how many seeds are tried at once.
const hunters = 2

// hunt tries seeds in order until one kills. What it finds does not depend on how its goroutines
// run: every seed below the one that is reported was tried to its end.
func hunt(options world.Options, seeds int, budget time.Duration) verdict.Verdict {
	begun := time.Now()
	var mu sync.Mutex
	var lowest verdict.Verdict
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if lowest.Killed || lowest.Seeds >= seeds || time.Since(begun) > budget {
			return 0, false
		}
		lowest.Seeds++
		return lowest.Seeds - 1, true
	}
	var all sync.WaitGroup
	for range hunters {
		all.Go(func() {
			options := options
			options.Compiled = world.NewCompiled()
			for seed, ok := take(); ok; seed, ok = take() {
				found := try(options, seed)
				mu.Lock()
				if found.Killed && (!lowest.Killed || seed < lowest.Seed) {
					found.Seeds = lowest.Seeds // so that none is taken twice
					lowest = found
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if lowest.Killed {
		lowest.Seeds = lowest.Seed + 1 // how many above it were begun depends on the machine
	}
	lowest.Seconds = time.Since(begun).Seconds()
	return lowest
}

// small shrinks the run that kills. It returns nil if the run cannot be shrunk, for example because
// it panics.
func small(faults map[fault.Kind]bool, found verdict.Verdict, budget time.Duration) *verdict.Shrunk {
	begun := time.Now()
	tape, err := shrink.Seed(campaign.Setup{Faults: faults}, uint64(found.Seed), shrink.Limits{
		Stop: func() bool { return time.Since(begun) > budget },
	})
	if err != nil {
		return nil
	}
	again, err := tape.Play(nil)
	if err != nil || again.Violation == nil || again.Violation.Invariant != found.Invariant {
		return nil
	}
	return &verdict.Shrunk{
		Events: tape.EventsToFollow, EventsBefore: tape.EventsBefore, WorldEvents: again.Events, Faults: tape.Faults, Runs: tape.Runs,
		Seconds: time.Since(begun).Seconds(),
	}
}

// try runs one seed.
func try(options world.Options, seed int) (found verdict.Verdict) {
	defer func() {
		if p := recover(); p != nil {
			found = verdict.Verdict{Killed: true, Invariant: "panic", Seed: seed, What: fmt.Sprint(p)}
		}
	}()
	chooser := choose.NewRandom(uint64(seed))
	result := world.Run(scenario.Draw(chooser), chooser, options)
	if v := result.Violation; v != nil {
		struck := slices.Sorted(maps.Keys(result.Struck))
		return verdict.Verdict{Killed: true, Invariant: v.Invariant, Seed: seed, What: v.What, Struck: struck}
	}
	return verdict.Verdict{}
}
