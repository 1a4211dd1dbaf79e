package fault

import (
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// Set is a set of faults.
type Set uint32

// Has says whether k is in the set.
func (s Set) Has(k Kind) bool { return s>>k&1 == 1 }

// Tally counts what has struck in a run, and in the life of each claim.
type Tally struct {
	struck, inClaim [Kinds]int
	held            map[job.Key]Set // what has struck in the life of each claim with jobs, expired or not
	lives           []Set           // of the claims that are over
}

// NewTally returns an empty Tally.
func NewTally() *Tally { return &Tally{held: map[job.Key]Set{}} }

// Strike counts a fault, and adds it to the life of every claim that is held.
func (t *Tally) Strike(k Kind) {
	t.struck[k]++
	if len(t.held) > 0 {
		t.inClaim[k]++
	}
	for key := range t.held {
		t.held[key] |= 1 << k
	}
}

// ClaimChanges follows which claims are held: a life ends with the claim's last job, or when
// another container takes its place.
func (t *Tally) ClaimChanges(key job.Key, before, after *claim.Row) {
	struck, held := t.held[key]
	holds := after != nil && len(after.Jobs) > 0
	if held && (!holds || after.ContainerID != before.ContainerID) {
		t.lives = append(t.lives, struck)
		delete(t.held, key)
		held = false
	}
	if holds && !held {
		t.held[key] = 0
	}
}

// Has says whether the fault has struck.
func (t *Tally) Has(k Kind) bool { return t.struck[k] > 0 }

// Struck is how often each fault struck, by name.
func (t *Tally) Struck() map[string]int { return byName(t.struck) }

// InClaim is how often each fault struck while a claim was held, by name.
func (t *Tally) InClaim() map[string]int { return byName(t.inClaim) }

// Lives lists what struck in the life of each claim that is over.
func (t *Tally) Lives() []Set { return t.lives }

func byName(counts [Kinds]int) map[string]int {
	named := map[string]int{}
	for k, n := range counts {
		if n > 0 {
			named[Kind(k).String()] = n
		}
	}
	return named
}
