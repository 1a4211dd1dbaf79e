package check

import "github.com/webordinary/hephaestus/model"

// fault is a kind of misfortune with a budget.
type fault uint8

const (
	crash       fault = iota // a worker dies, or is told to stop and hands its job back
	lostAnswer               // a call is applied, at once or much later, and its caller never gets the answer
	duplicate                // the head of the queue is delivered again while its first receiver still works
	pause                    // a worker is stopped past its lease, and goes on afterwards
	claimExpiry              // a claim without a live lease expires
	ttlDeletion              // DynamoDB deletes an expired row
	timeout                  // an execution times out or is aborted, or its work message used up its receives
	lostWake                 // the wake-ups of one step are lost
	failure                  // a command fails
	faultKinds
)

// Faults says how many of each fault a run may meet, at most 3 of each.
type Faults struct {
	Crashes       int `json:"crashes"`
	LostAnswers   int `json:"lostAnswers"`
	Duplicates    int `json:"duplicates"`
	LeaseExpiries int `json:"leaseExpiries"`
	ClaimExpiries int `json:"claimExpiries"`
	TTLDeletions  int `json:"ttlDeletions"`
	TimeOuts      int `json:"timeOuts"`
	LostWakes     int `json:"lostWakes"`
	Failures      int `json:"failures"`
}

func (f Faults) budget() [faultKinds]uint8 {
	return [faultKinds]uint8{
		crash: uint8(f.Crashes), lostAnswer: uint8(f.LostAnswers), duplicate: uint8(f.Duplicates),
		pause: uint8(f.LeaseExpiries), claimExpiry: uint8(f.ClaimExpiries), ttlDeletion: uint8(f.TTLDeletions),
		timeout: uint8(f.TimeOuts), lostWake: uint8(f.LostWakes), failure: uint8(f.Failures),
	}
}

// Scope bounds a search. Within it, the search visits every order of arrival, every interleaving
// and every placing of the faults.
type Scope struct {
	Name    string `json:"name"`
	Workers int    `json:"workers"` // 1 to 3
	// Patterns are the starting points: one letter for each message, the oldest first, which names
	// its thread. "aba" has the oldest and the newest message in one thread and one of another
	// thread between them.
	Patterns []string `json:"patterns"`
	Faults   Faults   `json:"faults"`
	// Skew adds a time in which a lease or claim is over for its holder, while other clocks may or
	// may not agree.
	Skew bool `json:"skew"`
	// Bounds are those of the protocol, mostly none.
	Bounds Bounds `json:"bounds"`
	// Room, if not 0, makes the search a merged one: it visits fewer states (see settle) and keeps
	// fingerprints of at most so many. A search without Room keeps whole states, as many as there
	// are.
	Room int `json:"room,omitempty"`
}

// Bounds say what a claim's row may hold, and how often new threads may interrupt a holder. 0 is no
// bound.
type Bounds struct {
	Jobs    int `json:"jobs,omitempty"`
	Waiting int `json:"waiting,omitempty"`
	// Budget is 0 or 1: after an interruption the next has to wait until an hour has passed, which
	// may be at any time.
	Budget int `json:"budget,omitempty"`
}

// settings are the times that spell the abstract ages, and the scope's bounds.
func (s Scope) settings() model.Settings {
	all := settings
	all.MaxJobs, all.MaxWaiting, all.InterruptBudget = s.Bounds.Jobs, s.Bounds.Waiting, s.Bounds.Budget
	return all
}

// Scopes are the searches that the project runs, the smallest first.
func Scopes() []Scope {
	three := []string{"aab", "aba", "abb"} // all patterns of three messages in two threads
	return []Scope{
		{Name: "small", Workers: 2, Patterns: []string{"ab", "aa"}, Skew: true, Faults: Faults{
			Crashes: 1, LostAnswers: 1, Duplicates: 1, LeaseExpiries: 1, ClaimExpiries: 1, TTLDeletions: 1}},
		{Name: "ends", Workers: 2, Patterns: three, Faults: Faults{
			Crashes: 1, LostAnswers: 1, TimeOuts: 1, LostWakes: 1, Failures: 1}},
		{Name: "all", Workers: 2, Patterns: []string{"ab", "aa"}, Faults: Faults{
			Crashes: 1, LostAnswers: 1, Duplicates: 1, LeaseExpiries: 1, ClaimExpiries: 1, TTLDeletions: 1, TimeOuts: 1,
			LostWakes: 1, Failures: 1}},
		{Name: "pr", Workers: 2, Patterns: three, Faults: Faults{
			Crashes: 1, LostAnswers: 1, Duplicates: 1, LeaseExpiries: 1, ClaimExpiries: 1, TTLDeletions: 1}},
		// Here messages have to wait for their turn.
		{Name: "turns", Workers: 2, Patterns: []string{"aab", "aba", "abb", "abc"}, Bounds: Bounds{Jobs: 1, Waiting: 1, Budget: 1}, Faults: Faults{
			Crashes: 1, LostAnswers: 1, ClaimExpiries: 1, TTLDeletions: 1}},
		// Here workers are not paused past their lease, and executions do not fail: the scopes
		// above have that.
		{Name: "long", Workers: 3, Patterns: []string{"abca"}, Skew: true, Room: 100_000_000, Faults: Faults{
			Crashes: 2, LostAnswers: 2, Duplicates: 2, ClaimExpiries: 1, TTLDeletions: 1}},
	}
}

// ScopeNamed returns the scope of Scopes with this name.
func ScopeNamed(name string) (Scope, bool) {
	for _, s := range Scopes() {
		if s.Name == name {
			return s, true
		}
	}
	return Scope{}, false
}

// settings are the durations that spell the abstract ages for the model's steps. Any would do.
var settings = model.Settings{LeaseMillis: 90_000, ClaimTTLMillis: 3_600_000, InterruptGraceMillis: 90_000, MaxClockSkewMillis: 5_000}
