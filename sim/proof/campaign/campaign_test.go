package campaign_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

func everyFault(t testing.TB) map[fault.Kind]bool {
	t.Helper()
	on, err := fault.Parse("all")
	if err != nil {
		t.Fatal(err)
	}
	return on
}

// atOnce spreads over goroutines.
func atOnce(n int, work func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { work(i) })
	}
	all.Wait()
}

// clocksTooFarApart is a scenario in which the protocol does not hold: its clocks differ by more
// than the protocol allows.
func clocksTooFarApart(c choose.Chooser) scenario.Scenario {
	s := scenario.Draw(c)
	s.ClockError = 10 * time.Minute
	return s
}

func TestAReportDependsOnThePlanNotOnTheThreads(t *testing.T) {
	setup := campaign.Setup{Faults: everyFault(t)}
	alone := campaign.Run(campaign.Plan{Setup: setup, From: 100, Seeds: 30})
	for _, threads := range []int{1, 2} {
		together := campaign.Run(campaign.Plan{Setup: setup, From: 100, Seeds: 30, Threads: threads, Spread: atOnce})
		together.Threads = alone.Threads
		if !reflect.DeepEqual(alone, together) {
			t.Errorf("%d threads report\n%+v, one\n%+v", threads, together, alone)
		}
	}
	if other := campaign.Run(campaign.Plan{Setup: setup, From: 101, Seeds: 30}); other.Hash == alone.Hash {
		t.Error("other seeds have the same hash")
	}
}

func TestEverySeedIsTheSameRunTwice(t *testing.T) {
	for _, mode := range []campaign.Mode{campaign.Random, campaign.PCT} {
		report := campaign.Run(campaign.Plan{Setup: campaign.Setup{Mode: mode, Faults: everyFault(t)}, Seeds: 20, Twice: true})
		if len(report.Differences) > 0 || !report.Twice {
			t.Errorf("%s: the second runs of %v differ", mode, report.Differences)
		}
	}
}

// A scenario that depends on earlier runs makes a seed's second run differ from its first.
func TestTwiceFindsARunThatIsNotItsSeed(t *testing.T) {
	runs := 0
	setup := campaign.Setup{Draw: func(c choose.Chooser) scenario.Scenario {
		s := scenario.Draw(c)
		runs++
		s.Workers = 1 + runs%2
		return s
	}}
	report := campaign.Run(campaign.Plan{Setup: setup, From: 7, Seeds: 2, Twice: true})
	if !slices.Equal(report.Differences, []uint64{7, 8}) || report.OK() {
		t.Errorf("differences %v", report.Differences)
	}
}

func TestFaultsStrikeInsideTheLivesOfClaims(t *testing.T) {
	report := campaign.Run(campaign.Plan{Setup: campaign.Setup{Faults: everyFault(t)}, Seeds: 80})
	if report.Seeds != 80 || report.Events == 0 || report.Virtual == 0 || report.ClaimLives == 0 || report.Outcomes["completed"] == 0 {
		t.Errorf("%+v", report)
	}
	var times, inside int
	for _, s := range report.Struck {
		if s.InClaim > s.Times {
			t.Errorf("%s struck %d times, %d of them inside a claim's life", s.Fault, s.Times, s.InClaim)
		}
		times, inside = times+s.Times, inside+s.InClaim
	}
	if inside == 0 || inside == times || report.Pairs.Reached == 0 {
		t.Errorf("%d strikes, %d inside a claim's life, %d pairs", times, inside, report.Pairs.Reached)
	}
}

func TestAFaultThatIsOffDoesNotStrike(t *testing.T) {
	report := campaign.Run(campaign.Plan{Setup: campaign.Setup{Faults: map[fault.Kind]bool{fault.Freeze: true}}, Seeds: 40})
	if len(report.Struck) != 1 || report.Struck[0].Fault != "freeze" || report.Struck[0].Times == 0 || report.Pairs.Possible != 0 {
		t.Errorf("%+v", report)
	}
}

func TestAFailureSaysHowToSeeItAgain(t *testing.T) {
	setup := campaign.Setup{Faults: everyFault(t), Draw: clocksTooFarApart}
	delete(setup.Faults, fault.NudgeLost)
	report := campaign.Run(campaign.Plan{Setup: setup, From: 230, Seeds: 5})
	if report.OK() {
		t.Fatal("clocks that differ by ten minutes broke nothing")
	}
	for _, broken := range report.Violations {
		f := broken.Failures[0]
		if f.Invariant != broken.Invariant || f.What == "" || len(f.LastEvents) == 0 {
			t.Errorf("%+v", f)
		}
		if !strings.HasPrefix(f.Command, "heph sim --seed ") || !strings.Contains(f.Command, " --faults crash-before,") || strings.Contains(f.Command, "nudge-lost") {
			t.Errorf("command %q", f.Command)
		}
		if !slices.IsSortedFunc(broken.Failures, func(a, b *campaign.Failure) int { return int(a.Seed) - int(b.Seed) }) {
			t.Errorf("the lowest seeds come first: %v", broken.Failures)
		}
		if again := setup.Explain(f.Seed); !reflect.DeepEqual(again, f) {
			t.Errorf("again: %v", again)
		}
	}
}

func TestAPanicIsAViolation(t *testing.T) {
	setup := campaign.Setup{Draw: func(choose.Chooser) scenario.Scenario { panic("no such scenario") }}
	report := campaign.Run(campaign.Plan{Setup: setup, Seeds: 2})
	if len(report.Violations) != 1 || report.Violations[0].Invariant != campaign.Panicked || report.Violations[0].Runs != 2 {
		t.Fatalf("%+v", report.Violations)
	}
	if f := report.Violations[0].Failures[0]; f.What != "no such scenario" {
		t.Errorf("%+v", f)
	}
}

func TestAStoppedCampaignReportsWhatWasRun(t *testing.T) {
	told := 0
	report := campaign.Run(campaign.Plan{Seeds: 1000, Progress: func(uint64, world.Result) { told++ }, Stop: func() bool { return told == 3 }})
	if report.Planned != 1000 || report.Seeds != 3 || told != 3 {
		t.Errorf("%d seeds, told of %d", report.Seeds, told)
	}
}

func TestTheStopwatchGivesTheRates(t *testing.T) {
	now := 0.0
	report := campaign.Run(campaign.Plan{Seeds: 4, Seconds: func() float64 { now += 2; return now }})
	if report.Seconds != 2 || report.SeedsPerSecond != 2 || report.EventsPerSecond != float64(report.Events)/2 || report.VirtualToReal != report.Virtual.Seconds()/2 {
		t.Errorf("%+v", report)
	}
}

func TestTheReportsNamesAreStable(t *testing.T) {
	line, err := json.Marshal(campaign.Run(campaign.Plan{Seeds: 1}))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"mode", "faults", "from", "planned", "seeds", "events", "virtualNanoseconds", "outcomes", "struck", "claimLives", "pairs", "violations", "hash",
		"twice", "differences", "threads", "seconds", "seedsPerSecond", "eventsPerSecond", "virtualToReal", "virtualToRealPerThread",
	} {
		if _, ok := fields[name]; !ok {
			t.Errorf("no %s in %s", name, line)
		}
		delete(fields, name)
	}
	if len(fields) > 0 {
		t.Errorf("unknown to the specification: %v", fields)
	}
}

// One seed per iteration, with every fault.
func BenchmarkSeeds(b *testing.B) {
	report := campaign.Run(campaign.Plan{Setup: campaign.Setup{Faults: everyFault(b)}, Seeds: uint64(b.N)})
	b.ReportMetric(float64(report.Events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(report.Virtual.Seconds()/b.Elapsed().Seconds(), "virtual/real")
}
