package check

import (
	"slices"
	"testing"
)

func TestEveryMutantIsCaught(t *testing.T) {
	none := Bounds{}
	one := Faults{Crashes: 1, LostAnswers: 1, LeaseExpiries: 1, ClaimExpiries: 1, TTLDeletions: 1, TimeOuts: 1}
	for name, want := range map[string]struct {
		invariant string
		patterns  string
		faults    Faults
		bounds    Bounds
	}{
		"take-over-ignores-lease":        {s1, "ab", Faults{}, none},
		"join-clears-newer-preemptor":    {s3, "aab", Faults{}, none},
		"fence-restarts":                 {s7, "ab", one, none},
		"older-preempts":                 {s3, "ab", Faults{}, none},
		"superseded-by-thread-alone":     {l2, "ab", Faults{}, none},
		"interrupt-forgets-waiting":      {s3, "abb", Faults{}, none},
		"interrupt-any-container":        {s2, "aab", one, none},
		"expired-claim-supersedes-newer": {s3, "ab", Faults{LostAnswers: 1, ClaimExpiries: 1}, none},
		"claim-after-the-end":            {l3, "ab", Faults{LostAnswers: 1}, none},
		"wait-without-end":               {l1, "ab", Faults{Crashes: 1}, none},
		"budget-is-never-spent":          {budget, "abc", Faults{}, Bounds{Budget: 1}},
		"budget-forgets":                 {budget, "ab", Faults{}, Bounds{Budget: 1}},
		"spent-is-superseded":            {l2, "abc", Faults{}, Bounds{Budget: 1}},
		"row-without-bound":              {bounds, "aa", Faults{}, Bounds{Jobs: 1}},
		"start-ignores-lease":            {s1, "ab", Faults{Duplicates: 1}, none},
		"start-ignores-preemptor":        {s3, "ab", Faults{}, none},
		"start-keeps-fence":              {s7, "ab", Faults{}, none},
		"finish-without-fence":           {s1, "ab", Faults{LeaseExpiries: 1, Duplicates: 1}, none},
		"hand-back-drops-job":            {l2, "ab", Faults{Crashes: 1}, none},
		"no-own-clock":                   {s1, "ab", Faults{LeaseExpiries: 1}, none},
		"deletes-first":                  {l1, "ab", Faults{Crashes: 1}, none},
		"never-reports-again":            {l1, "ab", Faults{Crashes: 1}, none},
		"clean-up-by-key":                {s4, "ab", Faults{TimeOuts: 1}, none},
		"clean-up-overwrites":            {s6, "ab", Faults{TimeOuts: 1}, none},
		"clean-up-keeps-fence":           {s1, "ab", Faults{TimeOuts: 1}, none},
		"clean-up-forgets-waiting":       {l3, "ab", Faults{TimeOuts: 1}, none},
		"decline-keeps-job":              {l3, "ab", Faults{TimeOuts: 1}, none},
		"decline-by-container":           {l3, "ab", Faults{LostAnswers: 1, ClaimExpiries: 1}, none},
		"supersede-keeps-job":            {l3, "aba", Faults{LostAnswers: 1}, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope := Scope{Workers: 2, Patterns: []string{want.patterns}, Faults: want.faults, Bounds: want.bounds}
			report := Run(scope, Options{Mutant: name})
			if !report.has(want.invariant) {
				t.Fatalf("not caught by %q in %d states: %v", want.invariant, report.Distinct, report.Violations)
			}
			merged := Run(scope.merged(), Options{Mutant: name})
			if !merged.has(want.invariant) {
				t.Fatalf("merged, not caught by %q in %d states: %v", want.invariant, merged.Distinct, merged.Violations)
			}
			for _, v := range merged.Violations {
				if slices.Contains(v.Trace, "a step that the explorer does not list") {
					t.Errorf("the trace does not hold together: %q", v.Trace)
				}
			}
		})
	}
}
