package check

import (
	"slices"
	"testing"
)

func TestEveryMutantIsCaught(t *testing.T) {
	one := Faults{Crashes: 1, LostAnswers: 1, LeaseExpiries: 1, ClaimExpiries: 1, TTLDeletions: 1, TimeOuts: 1}
	for name, want := range map[string]struct {
		invariant string
		patterns  string
		faults    Faults
	}{
		"take-over-ignores-lease":        {s1, "ab", Faults{}},
		"join-clears-newer-preemptor":    {s3, "aab", Faults{}},
		"fence-restarts":                 {s7, "ab", one},
		"older-preempts":                 {s3, "ab", Faults{}},
		"superseded-by-thread-alone":     {l2, "ab", Faults{}},
		"interrupt-forgets-waiting":      {s3, "abb", Faults{}},
		"interrupt-any-container":        {s2, "aab", one},
		"expired-claim-supersedes-newer": {s3, "ab", Faults{LostAnswers: 1, ClaimExpiries: 1}},
		"claim-after-the-end":            {l3, "ab", Faults{LostAnswers: 1}},
		"wait-without-end":               {l1, "ab", Faults{Crashes: 1}},
		"start-ignores-lease":            {s1, "ab", Faults{Duplicates: 1}},
		"start-ignores-preemptor":        {s3, "ab", Faults{}},
		"start-keeps-fence":              {s7, "ab", Faults{}},
		"finish-without-fence":           {s1, "ab", Faults{LeaseExpiries: 1, Duplicates: 1}},
		"hand-back-drops-job":            {l2, "ab", Faults{Crashes: 1}},
		"no-own-clock":                   {s1, "ab", Faults{LeaseExpiries: 1}},
		"deletes-first":                  {l1, "ab", Faults{Crashes: 1}},
		"never-reports-again":            {l1, "ab", Faults{Crashes: 1}},
		"clean-up-by-key":                {s4, "ab", Faults{TimeOuts: 1}},
		"clean-up-overwrites":            {s6, "ab", Faults{TimeOuts: 1}},
		"clean-up-keeps-fence":           {s1, "ab", Faults{TimeOuts: 1}},
		"clean-up-forgets-waiting":       {l3, "ab", Faults{TimeOuts: 1}},
		"decline-keeps-job":              {l3, "ab", Faults{TimeOuts: 1}},
		"decline-by-container":           {l3, "ab", Faults{LostAnswers: 1, ClaimExpiries: 1}},
		"supersede-keeps-job":            {l3, "aba", Faults{LostAnswers: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope := Scope{Workers: 2, Patterns: []string{want.patterns}, Faults: want.faults}
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
