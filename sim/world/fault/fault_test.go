package fault_test

import (
	"testing"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

func TestEveryKindHasAWholeLineInTheTable(t *testing.T) {
	names := map[string]bool{}
	for _, k := range fault.All() {
		if k.String() == "" || k.Family() == "" || len(k.Says()) < 20 || names[k.String()] {
			t.Errorf("kind %d: name %q, family %q, says %q", k, k, k.Family(), k.Says())
		}
		names[k.String()] = true
		on, err := fault.Parse(k.String())
		if err != nil || len(on) != 1 || !on[k] {
			t.Errorf("%s is read as %v, %v", k, on, err)
		}
	}
}

func TestParseRefusesAFaultThatIsNotKnown(t *testing.T) {
	if on, err := fault.Parse("freeze, no-such"); err == nil {
		t.Errorf("no-such is read as %v", on)
	}
}

func TestAFaultCountsForTheClaimsThatAreHeld(t *testing.T) {
	tally := fault.NewTally()
	held := &claim.Row{ContainerID: "c1", Jobs: []string{"m1"}}
	free := &claim.Row{ContainerID: "c1"}
	tally.Strike(fault.Freeze)
	tally.ClaimChanges("a#b", nil, held)
	tally.Strike(fault.Throttle)
	tally.ClaimChanges("a#b", held, free)
	tally.Strike(fault.ClockStep)
	if got := tally.InClaim(); len(got) != 1 || got["throttle"] != 1 {
		t.Errorf("in a claim struck %v", got)
	}
	if lives := tally.Lives(); len(lives) != 1 || !lives[0].Has(fault.Throttle) || lives[0].Has(fault.Freeze) || lives[0].Has(fault.ClockStep) {
		t.Errorf("lives %v", lives)
	}
	if len(tally.Struck()) != 3 || !tally.Has(fault.Freeze) || tally.Has(fault.SDKRetry) {
		t.Errorf("struck %v", tally.Struck())
	}
}
