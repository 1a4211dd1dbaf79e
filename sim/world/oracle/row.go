package oracle

import "github.com/webordinary/hephaestus/libs/refinement"

// watchRows is the oracle of row: a claim row is valid after every write (see model.Row.Validate),
// and within its bounds.
func watchRows(p *Panel, broken broken) hooks {
	return hooks{claim: func(c Change) {
		row, bounds := refinement.Row(c.Row), p.scenario.Claim
		if err := row.Validate(); err != nil {
			broken("the claim of %s: %v", c.Key, err)
		}
		if n := len(row.Jobs); n > bounds.MaxJobs {
			broken("the claim of %s has %d jobs, more than %d", c.Key, n, bounds.MaxJobs)
		}
		if n := len(row.Preemptor.Waiting); n > bounds.MaxWaiting {
			broken("%d messages wait in the claim of %s, more than %d", n, c.Key, bounds.MaxWaiting)
		}
	}}
}
