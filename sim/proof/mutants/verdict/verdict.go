// Package verdict is what the killer of a mutant says to the runner that started it: one JSON value
// on its standard output. It depends on nothing, so that it is built once for all mutants.
package verdict

// Verdict is what became of a mutant.
type Verdict struct {
	Killed    bool     `json:"killed"`
	Invariant string   `json:"invariant,omitempty"` // or test, that killed it; panic: the mutant's own code panicked
	Seed      int      `json:"seed"`                // that killed it; the lowest of those tried
	Seeds     int      `json:"seeds"`               // tried
	Seconds   float64  `json:"seconds"`
	What      string   `json:"what,omitempty"`
	Struck    []string `json:"struck,omitempty"` // faults that struck under the seed, sorted
	Shrunk    *Shrunk  `json:"shrunk,omitempty"` // the run that killed, made small, if that was asked for
}

// Shrunk is what is left of the run that killed.
type Shrunk struct {
	Events       int      `json:"events"`       // to follow, see story.Story.EventsToFollow
	EventsBefore int      `json:"eventsBefore"` // … in the seed's run
	WorldEvents  int      `json:"worldEvents"`  // all that happened
	Faults       []string `json:"faults"`       // that may strike
	Runs         int      `json:"runs"`         // that shrinking took
	Seconds      float64  `json:"seconds"`
}
