package model

import "slices"

// Step is one conditional write (or transaction) of the protocol with its arguments.
type Step interface {
	// Apply takes the step at the caller's time now. It reads nothing but its arguments.
	Apply(before RowAndJob, now int64, s Settings) Result
	// String names the step and its arguments.
	String() string
}

// Result is what a step did. If the step was refused, Refused says why and After equals before;
// else Refused is empty.
type Result struct {
	After   RowAndJob
	Wakes   []Wake // sent after the write; each may be lost
	Asked   bool   // heartbeat only: a preemptor waits, so the worker must stop
	Refused string
}

// OK says whether the step's condition held.
func (r Result) OK() bool { return r.Refused == "" }

// Wake answers the token of a message that waits.
type Wake struct {
	MessageID  string
	Token      string
	Superseded bool // if false, the message tries to claim
}

func refuse(before RowAndJob, why string) Result { return Result{After: before, Refused: why} }

// Reasons to refuse a step.
const (
	noJobRow       = "the message has no job row"
	hasJobRow      = "the message has a job row"
	hasOutcome     = "the job has an outcome"
	otherContainer = "another container holds the claim"
	notAJob        = "the message is not one of the claim's jobs"
	otherLease     = "another worker holds a live lease"
	preempted      = "a preemptor waits"
	staleFence     = "fence or worker is not the claim's"
	mayStart       = "the job may start"
	notExpired     = "the claim has not expired"
)

// unended returns a reason to refuse any step for a message without a job, or whose job has ended:
// a call that is delayed past the end of its execution must change nothing.
func unended(j Job, messageID string) string {
	switch {
	case j.MessageID != messageID || messageID == "":
		return noJobRow
	case j.Outcome != "":
		return hasOutcome
	}
	return ""
}

func with(set []string, id string) []string {
	i, found := slices.BinarySearch(set, id)
	if found {
		return set
	}
	out := make([]string, 0, len(set)+1)
	return append(append(append(out, set[:i]...), id), set[i:]...)
}

func without(set []string, id string) []string {
	i := slices.Index(set, id)
	if i < 0 {
		return set
	}
	if len(set) == 1 {
		return nil
	}
	out := make([]string, 0, len(set)-1)
	return append(append(out, set[:i]...), set[i+1:]...)
}

// waitingWith returns the preemptor with the message waiting under the token, sorted by message id.
func (p Preemptor) waitingWith(messageID, token string) Preemptor {
	out := make([]Waiting, 0, len(p.Waiting)+1)
	placed := false
	for _, w := range p.Waiting {
		if !placed && w.MessageID >= messageID {
			out = append(out, Waiting{messageID, token})
			placed = true
		}
		if w.MessageID != messageID {
			out = append(out, w)
		}
	}
	if !placed {
		out = append(out, Waiting{messageID, token})
	}
	p.Waiting = out
	return p
}

// waitingWithout returns the preemptor without the message, or the zero Preemptor if no other
// waits.
func (p Preemptor) waitingWithout(messageID string) Preemptor {
	if _, waits := p.Token(messageID); !waits {
		return p
	}
	if len(p.Waiting) == 1 {
		return Preemptor{}
	}
	out := make([]Waiting, 0, len(p.Waiting)-1)
	for _, w := range p.Waiting {
		if w.MessageID != messageID {
			out = append(out, w)
		}
	}
	p.Waiting = out
	return p
}

// wakes lists a wake-up for each message that waits, except the one named.
func (p Preemptor) wakes(except string, superseded bool) []Wake {
	var out []Wake
	for _, w := range p.Waiting {
		if w.MessageID != except {
			out = append(out, Wake{MessageID: w.MessageID, Token: w.Token, Superseded: superseded})
		}
	}
	return out
}

func (r *Row) clearLease() { r.WorkerID, r.WorkerJob, r.LeaseExpiresAtMillis = "", "", 0 }
