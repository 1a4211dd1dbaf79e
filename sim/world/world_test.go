package world_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/sim/choose"
	"github.com/webordinary/hephaestus/sim/world"
)

func all() map[world.Fault]bool {
	on := map[world.Fault]bool{}
	for _, f := range world.Faults() {
		on[f] = true
	}
	return on
}

func TestSeedsHoldEveryPromise(t *testing.T) {
	n := 200
	if v := os.Getenv("SEEDS"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	first := 0
	if v := os.Getenv("SEED"); v != "" {
		first, _ = strconv.Atoi(v)
		n = 1
	}
	faults := all()
	if os.Getenv("NOFAULTS") != "" {
		faults = nil
	}
	start := time.Now()
	events, bad := 0, 0
	var virtual time.Duration
	kinds := map[string]int{}
	for seed := first; seed < first+n; seed++ {
		run := func(story bool) world.Result {
			c := choose.NewRandom(uint64(seed))
			return world.Run(world.Draw(c), c, world.Options{Faults: faults, Story: story})
		}
		r := run(false)
		events += r.Events
		virtual += r.Virtual
		if r.Violation != nil {
			kinds[r.Violation.Invariant]++
			bad++
			if bad <= 2 || n == 1 {
				again := run(true)
				t.Errorf("seed %d: %s: %s", seed, r.Violation.Invariant, r.Violation.What)
				again.Story.Write(os.Stdout, 70)
			}
		}
	}
	el := time.Since(start)
	t.Logf("%d seeds, %d events, %v virtual in %v: %.0f seeds/s %.0f events/s %.0fx; %v", n, events, virtual, el, float64(n)/el.Seconds(), float64(events)/el.Seconds(), virtual.Seconds()/el.Seconds(), kinds)
}
