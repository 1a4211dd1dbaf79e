package world_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// Each permission that the seeds use is taken away, one at a time: the first seed that used it must
// break the promise that no call is denied, by its name.
func TestAPermissionThatIsMissingIsSeen(t *testing.T) {
	run := func(seed uint64, o world.Options) *world.Result {
		c := choose.NewRandom(seed)
		o.Faults = every()
		result := world.Run(scenario.Draw(c), c, o)
		return &result
	}
	first := map[deploy.Permission]uint64{}
	for seed := range amount(t, 150, 3_000) {
		run(seed, world.Options{Used: func(p deploy.Permission) {
			if _, known := first[p]; !known {
				first[p] = seed
			}
		}})
	}
	if len(first) < 40 {
		t.Errorf("only %d permissions are used: %v", len(first), first)
	}
	for p, seed := range first {
		v := run(seed, world.Options{Without: p}).Violation
		if v == nil || v.Invariant != "allowed" || !strings.Contains(v.What, p.Action) || !strings.Contains(v.What, p.Role) {
			t.Errorf("without %s seed %d breaks %+v", p, seed, v)
		}
	}
	if t.Failed() || testing.Short() {
		return
	}
	var roles []string
	for p := range first {
		if !slices.Contains(roles, p.Role) {
			roles = append(roles, p.Role)
		}
	}
	if len(roles) != 9 { // eight functions' and the workers'
		t.Errorf("roles that are used: %v", roles)
	}
}
