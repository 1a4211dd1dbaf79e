package world

import (
	"slices"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
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
func (h *history) begin(p *process, key job.Key, in any) *Operation {
	op := &Operation{Who: p.name, Key: key, In: in, Called: h.place()}
	h.operations = append(h.operations, op)
	p.operation = op
	return op
}

// lost records a copy of the actor's operation whose outcome its caller will never learn; call over
// once it can no longer take effect.
func (h *history) lost(p *process) (over func()) {
	if h == nil || p.operation == nil {
		return func() {}
	}
	ghost := *p.operation
	ghost.Unknown, ghost.Nows, ghost.IDs = true, slices.Clone(ghost.Nows), slices.Clone(ghost.IDs)
	h.operations = append(h.operations, &ghost)
	return func() { ghost.Returned = h.place() }
}

// died notes that the actor's step never returns.
func (h *history) died(p *process) {
	if h != nil && p.operation != nil {
		p.operation.Unknown, p.operation.Returned = true, h.place()
		p.operation = nil
	}
}

// expired notes that DynamoDB deleted a claim or a job: in says which.
func (h *history) expired(key job.Key, in any, now time.Time) {
	if h != nil {
		h.operations = append(h.operations, &Operation{Who: "TTL", Key: key, In: in, Nows: []time.Time{now}, Called: h.place(), Returned: h.place()})
	}
}

// all lists the operations. One that never returned is Unknown, and returns at the end of the run.
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
