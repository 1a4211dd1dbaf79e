package oracle

import "github.com/webordinary/hephaestus/libs/refinement"

// watchRows is the oracle of row: a claim row is valid after every write (see model.Row.Validate).
func watchRows(_ *Panel, broken broken) hooks {
	return hooks{claim: func(c Change) {
		if err := refinement.Row(c.Row).Validate(); err != nil {
			broken("the claim of %s: %v", c.Key, err)
		}
	}}
}
