package world

import (
	"slices"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// Operation is one step of the protocol, as its caller saw it. Called and Returned are places in the
// order in which the run's operations were called and returned. One with several attempts whose answers
// were lost, or that took effect when their caller had given them up, is in the history more than once:
// as what it answered, and, Unknown, as what else it may have done.
type Operation struct {
	Who    string
	Key    job.Key
	In     any // ToAdmit, ToCheck, …
	Out    any // the step's answer, a type of package claim; nil where Unknown
	Err    error
	Nows   []time.Time // what the caller's clock said when the step asked it
	IDs    []string    // that it made
	Called int

	Returned int
	Unknown  bool // its caller does not know whether it took effect
}

// The steps of the protocol, with their arguments.
type (
	ToAdmit     struct{ Message job.Message }
	ToCheck     struct{ Message job.Message }
	ToClaim     struct{ Message job.Message }
	ToInterrupt struct {
		Message job.Message
		Token   string
	}
	ToCleanUp struct{ claim.CleanUp }
	ToStart   struct {
		Work     job.Work
		WorkerID string
	}
	ToDecline struct {
		Work     job.Work
		WorkerID string
	}
	ToBeat   struct{ claim.Lease }
	ToFinish struct {
		Lease claim.Lease
		End   claim.End
	}
	ToHandBack struct{ claim.Lease }
	ToExpire   struct{} // DynamoDB deletes the key's row
)

// history gathers operations; nil gathers none.
type history struct {
	operations []*Operation
	places     int
}

func (h *history) place() int {
	h.places++
	return h.places
}

// begin notes that an actor calls a step.
func (h *history) begin(a *actor, key job.Key, in any) *Operation {
	op := &Operation{Who: a.name, Key: key, In: in, Called: h.place()}
	h.operations = append(h.operations, op)
	a.operation = op
	return op
}

// lost records a copy of the actor's operation whose outcome its caller will never learn; call over once it can no
// longer take effect.
func (h *history) lost(a *actor) (over func()) {
	if h == nil || a == nil || a.operation == nil {
		return func() {}
	}
	ghost := *a.operation
	ghost.Unknown, ghost.Nows, ghost.IDs = true, slices.Clone(ghost.Nows), slices.Clone(ghost.IDs)
	h.operations = append(h.operations, &ghost)
	return func() { ghost.Returned = h.place() }
}

// died notes that the actor's step never returns.
func (h *history) died(a *actor) {
	if h != nil && a.operation != nil {
		a.operation.Unknown, a.operation.Returned = true, h.place()
		a.operation = nil
	}
}

// expired notes that DynamoDB deleted a claim.
func (h *history) expired(key job.Key, now time.Time) {
	if h != nil {
		h.operations = append(h.operations, &Operation{Who: "TTL", Key: key, In: ToExpire{}, Nows: []time.Time{now}, Called: h.place(), Returned: h.place()})
	}
}

// all are the operations, those that never returned with the end of the run as their return.
func (h *history) all() []Operation {
	if h == nil {
		return nil
	}
	list := make([]Operation, len(h.operations))
	for i, op := range h.operations {
		list[i] = *op
		if op.Returned == 0 {
			list[i].Unknown, list[i].Returned = true, h.places+1
		}
	}
	return list
}

// saw notes what the caller's clock said.
func (op *Operation) saw(now time.Time) {
	if n := len(op.Nows); n == 0 || !op.Nows[n-1].Equal(now) {
		op.Nows = append(op.Nows, now)
	}
}
