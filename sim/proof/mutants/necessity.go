package mutants

import (
	"context"
	"slices"

	"github.com/webordinary/hephaestus/sim/world/fault"
)

// byWrite are the promises that judge each write, whether or not the write does harm. With them a
// mutant seldom needs a fault: its write is found wrong before a fault makes it do harm.
var byWrite = []string{refined, "row"}

const refined = "refinement"

// families are faults that do the same kind of harm: a mutant that needs one of them dies of any.
var families = []fault.Family{fault.Clocks, fault.Crashes, fault.LostCalls, fault.Standstill}

// Need is a fault, or a family of faults, with the mutants that live without it.
type Need struct {
	Fault   string   `json:"fault"`
	Family  []string `json:"family,omitempty"` // the faults that are switched off together
	Mutants []string `json:"mutants"`          // empty: it is not proven useful
}

// Necessity turns a report that was made with Options.Faults into a row for each fault and family.
// A mutant is judged by the promises alone, without those that look at each write, and lives
// without a fault if it survives ten times the seeds that it takes to kill it with all faults, 300
// at least.
func Necessity(r Report) []Need {
	var rows []Need
	row := func(name string, faults []string) {
		need := Need{Fault: name, Family: faults, Mutants: []string{}}
		for _, m := range r.Mutants {
			if slices.Contains(m.LivesWithout, name) {
				need.Mutants = append(need.Mutants, m.Name)
			}
		}
		rows = append(rows, need)
	}
	for _, f := range fault.All() {
		row(f.String(), nil)
	}
	for _, family := range families {
		var names []string
		for _, f := range fault.Of(family) {
			names = append(names, f.String())
		}
		row(string(family), names)
	}
	return rows
}

// livesWithout tries the mutant without each fault, and each family, that may matter: a fault that
// did not strike under the seed that kills is not needed, because that seed kills without it too.
func (l *lab) livesWithout(ctx context.Context, killer string, result Result) ([]string, error) {
	seen := result.Verdict
	if slices.Contains(byWrite, seen.Invariant) {
		if result.Second == nil {
			return nil, nil
		}
		seen = *result.Second
	}
	p := prey{ignore: without(refined), seeds: max(300, 10*seen.Seeds), budget: l.options.Budget}
	struck := seen.Struck
	var lives []string
	try := func(name string, faults ...fault.Kind) error {
		if !slices.ContainsFunc(faults, func(f fault.Kind) bool { return slices.Contains(struck, f.String()) }) {
			return nil
		}
		p.faults = slices.DeleteFunc(fault.All(), func(f fault.Kind) bool { return slices.Contains(faults, f) })
		verdict, err := l.hunt(ctx, killer, p)
		if err != nil {
			return err
		}
		if !verdict.Killed {
			if verdict.Seeds >= p.seeds { // else the time was up before anything was shown
				lives = append(lives, name)
			}
			return nil
		}
		struck = slices.DeleteFunc(slices.Clone(struck), func(f string) bool { return !slices.Contains(verdict.Struck, f) })
		return nil
	}
	for _, f := range fault.All() {
		if err := try(f.String(), f); err != nil {
			return nil, err
		}
	}
	struck = seen.Struck
	for _, family := range families {
		if err := try(string(family), fault.Of(family)...); err != nil {
			return nil, err
		}
	}
	return lives, nil
}
