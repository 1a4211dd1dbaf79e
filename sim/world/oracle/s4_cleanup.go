package oracle

import "github.com/webordinary/hephaestus/libs/refinement"

// watchCleanUp is the oracle of S4: a function that ends a job takes nothing of the claim that is
// not that job's.
func watchCleanUp(_ *Panel, broken broken) hooks {
	return hooks{claim: func(c Change) {
		if c.Writer.Kind != Function || c.Job == nil || c.Job.Outcome == "" {
			return
		}
		if before, after := refinement.Row(c.RowBefore), refinement.Row(c.Row); before.Trespasses(after, c.Job.MessageID) {
			broken("%s ends %s, and of the claim of %s takes what is not its own", c.Writer, c.Job.MessageID, c.Key)
		}
	}}
}
