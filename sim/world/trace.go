package world

import "time"

// trace counts a run's events, and hashes them: two runs are the same if their hashes are.
type trace struct {
	events int
	hash   uint64
}

// The names of what acts without being an actor.
const (
	ofWorld = "world" // what comes from outside, and deliveries
	ofTime  = "time"  // what AWS does by itself when its time has come
)

func (t *trace) add(now time.Time, who, what string) {
	t.events++
	t.hash = (t.hash ^ uint64(now.UnixNano())) * 1099511628211
	for _, s := range [2]string{who, what} {
		for i := range len(s) {
			t.hash = (t.hash ^ uint64(s[i])) * 1099511628211
		}
	}
}
