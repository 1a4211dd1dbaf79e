package oracle

import "github.com/webordinary/hephaestus/libs/claim"

// watchHeldClaims is the oracle of L3: at the end no claim is held.
func watchHeldClaims(_ *Panel, broken broken) hooks {
	return hooks{left: func(row *claim.Row) {
		switch {
		case len(row.Jobs) > 0:
			broken("%s is still claimed for %v", row.Key, row.Jobs)
		case row.WorkerID != "":
			broken("%s still has the worker %s", row.Key, row.WorkerID)
		}
	}}
}
