package world

import "time"

// process is what the agenda, the history and a stage know of an actor.
type process struct {
	name      string
	group     string // its name up to "/" or "."; actors of one group share their draws
	kind      actorKind
	alive     bool       // until its code has run to its end, or its process has died; it never lives again
	about     string     // the message that a function's run is for; only if a story is kept
	requests  int        // made so far
	operation *Operation // of the protocol, under way; nil for none, or if no history is kept
}

type actorKind int

const (
	functionActor actorKind = iota
	workerKind
)

// longestFreeze is the longest that an actor stands still at one call. Lambda ends a function's run
// after its time-out, a minute for most; a worker's machine may stand still for longer than its
// lease.
func (k actorKind) longestFreeze() time.Duration {
	if k == functionActor {
		return time.Minute
	}
	return 5 * time.Minute
}

// jumpsWithin is the time within which a clock jumps, if it does: while a function makes its few
// calls, or while a worker watches its command.
func (k actorKind) jumpsWithin() time.Duration {
	if k == functionActor {
		return 200 * time.Millisecond
	}
	return 30 * time.Second
}
