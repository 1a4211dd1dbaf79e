package world_test

import (
	"errors"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// TestMain collects garbage less often: a run leaves a whole world behind, and keeps little.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	m.Run()
}

func every() map[fault.Kind]bool {
	on := map[fault.Kind]bool{}
	for _, f := range fault.All() {
		on[f] = true
	}
	return on
}

// seedRun is a seed's run with every fault.
func seedRun(seed uint64) world.Result {
	c := choose.NewRandom(seed)
	return world.Run(scenario.Draw(c), c, world.Options{Faults: every()})
}

// amount is how many seeds a test plays: many with HEPH_BUDGET=long, a few with -short. The
// campaign plays tens of thousands.
func amount(t *testing.T, usual, long uint64) uint64 {
	t.Helper()
	switch {
	case os.Getenv("HEPH_BUDGET") == "long":
		return long
	case testing.Short():
		return usual / 10
	}
	return usual
}

// explain plays again a seed that broke a promise, and tells its last events.
func explain(t *testing.T, seed uint64, options world.Options) {
	t.Helper()
	options.Story = true
	c := choose.NewRandom(seed)
	again := world.Run(scenario.Draw(c), c, options)
	t.Errorf("seed %d: %s: %s", seed, again.Violation.Invariant, again.Violation.What)
	again.Story.Write(os.Stdout, 60)
}

func TestWithoutFaultsEveryPromiseHolds(t *testing.T) {
	ended := map[string]int{}
	for seed := range amount(t, 300, 5_000) {
		c := choose.NewRandom(seed)
		result := world.Run(scenario.Draw(c), c, world.Options{})
		if len(result.Struck) > 0 {
			t.Fatalf("seed %d: %v struck", seed, result.Struck)
		}
		if result.Violation != nil {
			explain(t, seed, world.Options{})
			return
		}
		for outcome, n := range result.Outcomes {
			ended[string(outcome)] += n
		}
	}
	for _, outcome := range []job.Outcome{job.Completed, job.Interrupted, job.Superseded, job.Failed, job.TimedOut} {
		if ended[string(outcome)] == 0 {
			t.Errorf("no mail ever ends as %s", outcome)
		}
	}
}

// With every fault every promise holds; the same seed makes the same run, with a history or
// without; and the runs are worth something: each kind of fault strikes inside the life of a claim,
// and every interesting state is reached.
func TestWithEveryFaultEveryPromiseHoldsAndRunsAreTheSameTwice(t *testing.T) {
	inside, reached := map[string]int{}, map[string]int{}
	for seed := range amount(t, 1_000, 10_000) {
		c := choose.NewRandom(seed)
		result := world.Run(scenario.Draw(c), c, world.Options{Faults: every(), History: true})
		if result.Violation != nil {
			explain(t, seed, world.Options{Faults: every()})
			return
		}
		if again := seedRun(seed); again.Hash != result.Hash || again.Events != result.Events {
			t.Errorf("seed %d: hash %016x after %d events, then %016x after %d", seed, result.Hash, result.Events, again.Hash, again.Events)
		}
		for fault, n := range result.InClaim {
			inside[fault] += n
		}
		for goal := range goals(result.History) {
			reached[goal]++
		}
	}
	if testing.Short() {
		return
	}
	for _, fault := range fault.All() {
		if inside[fault.String()] == 0 && !fault.AfterAll() {
			t.Errorf("%s never struck inside the life of a claim", fault)
		}
	}
	for _, goal := range slices.Concat(sometimes, seldom[:amount(t, 0, uint64(len(seldom)))]) {
		if reached[goal] == 0 {
			t.Errorf("never happened: %s", goal)
		}
	}
	for _, goal := range slices.Sorted(maps.Keys(reached)) {
		t.Logf("%5d runs: %s", reached[goal], goal)
	}
}

// sometimes are the states that the seeds have to reach.
var sometimes = []string{
	"a new claim", "a join", "a take-over", "a claim again", "a claim that is too soon", "a claim has to wait for its turn", "a join clears an older preemptor",
	"an interrupt waits", "an interrupt need not wait", "an interrupt replaces an older one", "a waiting message is superseded",
	"a heartbeat hears of a preemptor", "a heartbeat is refused", "a heartbeat is not answered",
	"a start is busy", "a start is lost", "a start is stale", "a start yields", "a start of ended work", "a second start has a higher fence",
	"a job is declined", "a job is handed back", "nobody waits any more", "a finish finds the job ended",
	"clean-up of a message that waits", "clean-up of a job that has ended", "clean-up of a job that runs", "clean-up of dead work",
	"DynamoDB deletes a claim", "a step dies on its way",
}

// seldom are those that only the long budget has to reach.
var seldom = []string{"an interrupt has to wait for its turn", "a step finds its job ended"}

// goals are the interesting states that a run's history went through.
func goals(history []world.Operation) map[string]bool {
	seen := map[string]bool{}
	fences, waiting, running := map[string]int64{}, map[string]bool{}, map[string]bool{}
	note := func(goal string, reached bool) {
		if reached {
			seen[goal] = true
		}
	}
	for _, op := range history {
		var ended *claim.EndedError
		note("a step dies on its way", op.Unknown && op.Out == nil)
		note("a step finds its job ended", errors.As(op.Err, &ended))
		switch in := op.In.(type) {
		case world.ToExpire:
			note("DynamoDB deletes a claim", true)
		case world.ToClaim:
			claimGoals(op, note)
		case world.ToInterrupt:
			asked, _ := op.Out.(claim.Asked)
			waits := op.Err == nil && asked.Decision == claim.DecisionInterrupt
			waiting[in.Message.MessageID] = waits && !asked.GoOn
			note("an interrupt has to wait for its turn", asked.Decision == claim.DecisionLater)
			note("an interrupt waits", waits && !asked.GoOn)
			note("an interrupt need not wait", waits && asked.GoOn)
			note("an interrupt replaces an older one", len(asked.Wakes) > 0)
			note("a waiting message is superseded", op.Out != nil && op.Err == nil && asked.Decision == claim.DecisionSuperseded)
		case world.ToBeat:
			beat, _ := op.Out.(claim.Beat)
			note("a heartbeat hears of a preemptor", beat.Preemptor != nil)
			note("a heartbeat is refused", op.Out != nil && beat.Result == awsx.Refused)
			note("a heartbeat is not answered", op.Out != nil && beat.Result == awsx.Unknown)
		case world.ToStart:
			start, answered := op.Out.(claim.Start)
			if !answered || op.Err != nil {
				continue
			}
			id := in.Work.Message.MessageID
			note(startGoals[start.Verdict], startGoals[start.Verdict] != "")
			if start.Verdict == claim.Started {
				note("a second start has a higher fence", fences[id] != 0 && start.Lease.Fence > fences[id])
				fences[id], running[id] = start.Lease.Fence, true
			}
		case world.ToDecline:
			declined, _ := op.Out.(claim.Declined)
			note("a job is declined", op.Out != nil && op.Err == nil && declined.Verdict == claim.Yielded)
		case world.ToHandBack:
			result, answered := op.Out.(awsx.Result)
			note("a job is handed back", answered && result == awsx.Applied)
		case world.ToFinish:
			finished, _ := op.Out.(claim.Finished)
			note("nobody waits any more", errors.Is(op.Err, claim.ErrNobodyWaits))
			note("a finish finds the lease lost", errors.Is(op.Err, claim.ErrLeaseLost))
			note("a finish finds the job ended", op.Err == nil && op.Out != nil && finished.Job.Outcome != in.End.Outcome)
			running[in.Lease.MessageID] = false
		case world.ToCleanUp:
			finished, answered := op.Out.(claim.Finished)
			ends := answered && op.Err == nil && finished.Job.Outcome == in.End.Outcome
			fromOutside := in.End.Outcome == job.TimedOut || in.End.Outcome == job.Failed
			id := in.Message.MessageID
			note("clean-up of a message that waits", ends && fromOutside && waiting[id])
			note("clean-up of a job that runs", ends && fromOutside && running[id])
			note("clean-up of a job that has ended", answered && op.Err == nil && fromOutside && !ends)
			note("clean-up of dead work", ends && in.ContainerID != "")
		}
	}
	return seen
}

var startGoals = map[claim.Verdict]string{
	claim.Busy: "a start is busy", claim.Lost: "a start is lost", claim.Stale: "a start is stale",
	claim.Yielded: "a start yields", claim.Ended: "a start of ended work",
}

func claimGoals(op world.Operation, note func(string, bool)) {
	claimed, answered := op.Out.(claim.Claimed)
	if !answered || op.Err != nil {
		return
	}
	note("a claim that is too soon", !claimed.RetryAt.IsZero() && claimed.Decision.Proceeds())
	note("a claim has to wait for its turn", claimed.Decision == claim.DecisionLater)
	note("a new claim", claimed.OK() && claimed.Decision == claim.DecisionNew)
	note("a join", claimed.OK() && claimed.Decision == claim.DecisionJoin)
	note("a take-over", claimed.OK() && claimed.Decision == claim.DecisionTakeOver)
	note("a claim again", claimed.OK() && claimed.Decision == claim.DecisionAgain)
	note("a join clears an older preemptor", claimed.Decision == claim.DecisionJoin && len(claimed.Wakes) > 0)
}

// Seeds that found something once, each with what it found. They find it as long as nothing changes
// what a seed draws.
func TestSeedsThatOnceFailed(t *testing.T) {
	for seed, found := range map[uint64]string{
		39106:  "a healthy job failed as dead work: deliveries that found its worker busy had used its receives up",
		252177: "a clock that jumped ahead while a call waited was held against the worker, whose timer could not know",
	} {
		c := choose.NewRandom(seed)
		if result := world.Run(scenario.Draw(c), c, world.Options{Faults: every()}); result.Violation != nil {
			t.Errorf("%s", found)
			explain(t, seed, world.Options{Faults: every()})
		}
	}
}
