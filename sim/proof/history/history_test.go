package history_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/refinement"
	"github.com/webordinary/hephaestus/sim/proof/history"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

func play(seed uint64) (scenario.Scenario, world.Result) {
	c := choose.NewRandom(seed)
	drawn := scenario.Draw(c)
	on := map[fault.Kind]bool{}
	for _, f := range fault.All() {
		on[f] = true
	}
	return drawn, world.Run(drawn, c, world.Options{Faults: on, History: true})
}

// The protocol is linearizable with every fault on; a check that runs out of time is a failure.
func TestHistoriesAreLinearizable(t *testing.T) {
	seeds := uint64(150)
	switch {
	case os.Getenv("HEPH_BUDGET") == "long":
		seeds = 20_000
	case testing.Short():
		seeds = 20
	}
	histories, operations, unknown := 0, 0, 0
	var slowest time.Duration
	for seed := range seeds {
		scenario, result := play(seed)
		started := time.Now()
		for _, v := range history.Check(result.History, refinement.Settings(scenario.Claim), 10*time.Second) {
			histories, operations, unknown = histories+1, operations+v.Operations, unknown+v.Unknown
			if v.Result != porcupine.Ok {
				t.Errorf("seed %d, %s: %s: %s", seed, v.Key, v.Result, v.Longest)
			}
		}
		slowest = max(slowest, time.Since(started))
	}
	t.Logf("%d histories, %d operations, %d of which nobody knows whether they took effect; the slowest check took %v", histories, operations, unknown, slowest)
	if uint64(histories) < seeds || unknown < histories/10 {
		t.Errorf("%d histories, %d unknown outcomes: too little was checked", histories, unknown)
	}
}

// Seeds that once failed, each with what it found. A seed is worth this only as long as it draws
// the same choices.
func TestHistoriesThatOnceFailed(t *testing.T) {
	for seed, found := range map[uint64]string{
		710:  "a take-over was written over a claim that was left just then, and answered take-over",
		8722: "the same, while an older message of its thread was asking the holder to yield",
		4078: "the retries of an outage, each as one that may have ended the job, could not be put in order in time",
		5784: "the same",
	} {
		scenario, result := play(seed)
		for _, v := range history.Check(result.History, refinement.Settings(scenario.Claim), 10*time.Second) {
			if v.Result != porcupine.Ok {
				t.Errorf("seed %d, %s: %s: %s (%s)", seed, v.Key, v.Result, v.Longest, found)
			}
		}
	}
}

// The checker is not blind: a history with one wrong answer, or without one of its writes, is
// refused.
func TestAWrongHistoryIsRefused(t *testing.T) {
	wrongs := map[string]func(op *world.Operation) (changed, dropped bool){
		"two claims of one container": func(op *world.Operation) (bool, bool) {
			c, ok := op.Out.(claim.Claimed)
			c.ContainerID += "x"
			ok = ok && c.OK() && c.Decision == claim.DecisionJoin
			op.Out = c
			return ok, false
		},
		"a start that was not written": func(op *world.Operation) (bool, bool) {
			s, ok := op.Out.(claim.Start)
			return false, ok && s.Verdict == claim.Started && op.Err == nil
		},
		"a start under a fence that was used": func(op *world.Operation) (bool, bool) {
			s, ok := op.Out.(claim.Start)
			s.Lease.Fence--
			op.Out = s
			return ok && s.Verdict == claim.Started && op.Err == nil, false
		},
		"a heartbeat that was refused to the holder": func(op *world.Operation) (bool, bool) {
			b, ok := op.Out.(claim.Beat)
			ok = ok && b.Result == awsx.Applied
			op.Out = claim.Beat{Result: awsx.Refused}
			return ok, false
		},
		"a heartbeat that did not hear of the preemptor": func(op *world.Operation) (bool, bool) {
			b, ok := op.Out.(claim.Beat)
			ok = ok && b.Preemptor != nil
			b.Preemptor = nil
			op.Out = b
			return ok, false
		},
		"a job that ended twice": func(op *world.Operation) (bool, bool) {
			_, finishes := op.In.(world.ToFinish)
			f, ok := op.Out.(claim.Finished)
			ok = ok && finishes && op.Err == nil && f.Job.Outcome == job.Completed
			f.Job.Outcome = job.TimedOut
			op.Out = f
			return ok, false
		},
		"a job whose row did not expire before its mail came anew": func(op *world.Operation) (bool, bool) {
			_, ok := op.In.(world.ToExpireJob)
			return false, ok
		},
		"a message that was turned away": func(op *world.Operation) (bool, bool) {
			c, ok := op.Out.(claim.Checked)
			ok = ok && c.Decision == claim.DecisionNew
			c.Decision = claim.DecisionSuperseded
			op.Out = c
			return ok, false
		},
	}
	for name, wrong := range wrongs {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				scenario, result := play(seed)
				for i := range result.History {
					op := result.History[i]
					if op.Unknown || op.Err != nil {
						continue
					}
					changed, dropped := wrong(&op)
					if !changed && !dropped {
						continue
					}
					spoilt := slices.Concat(result.History[:i], []world.Operation{op}, result.History[i+1:])
					if dropped {
						spoilt = slices.Concat(result.History[:i], result.History[i+1:])
					}
					for _, v := range history.Check(spoilt, refinement.Settings(scenario.Claim), 10*time.Second) {
						if v.Key == op.Key && v.Result == porcupine.Ok {
							t.Errorf("seed %d: %s passed", seed, history.Describe(op))
						}
					}
					return
				}
			}
			t.Fatal("no history has such an operation")
		})
	}
}
