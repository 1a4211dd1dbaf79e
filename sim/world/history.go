package world

import (
	"context"
	"slices"
	"time"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/system"
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

// lost notes that an attempt of the actor's step may take effect, or has, without its caller knowing. The
// answer is what to call when it can take effect no more.
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

// watched is the protocol, with its history.
type watched struct {
	system.Protocol
	history *history
	actor   *actor
}

// watch lets the oracle hear what an actor is answered, and the history see what it does.
func (w *World) watch(a *actor, p system.Protocol) system.Protocol {
	p = judged{Protocol: p, oracle: w.oracle, actor: a}
	if w.history == nil {
		return p
	}
	return watched{Protocol: p, history: w.history, actor: a}
}

// judged is the protocol, its answers heard by the oracle.
type judged struct {
	system.Protocol
	oracle *oracle
	actor  *actor
}

func (j judged) Check(ctx context.Context, m job.Message) (claim.Checked, error) {
	checked, err := j.Protocol.Check(ctx, m)
	if err == nil && checked.Decision == claim.DecisionSuperseded {
		j.oracle.saidSuperseded(j.actor, m)
	}
	return checked, err
}

func (j judged) Interrupt(ctx context.Context, m job.Message, token string) (claim.Asked, error) {
	asked, err := j.Protocol.Interrupt(ctx, m, token)
	if err == nil && asked.Decision == claim.DecisionSuperseded {
		j.oracle.saidSuperseded(j.actor, m)
	}
	return asked, err
}

func (j judged) Heartbeat(ctx context.Context, l claim.Lease) (claim.Beat, error) {
	beat, err := j.Protocol.Heartbeat(ctx, l)
	if s := j.actor.worker.session; s != nil && beat.Result == awsx.Applied {
		s.knows = max(s.knows, job.Millis(beat.Lease.ExpiresAt))
	}
	return beat, err
}

func observe[Out any](w watched, key job.Key, in any, do func() (Out, error)) (Out, error) {
	op := w.history.begin(w.actor, key, in)
	out, err := do()
	w.actor.operation = nil
	op.Out, op.Err, op.Returned = out, err, w.history.place()
	return out, err
}

func (w watched) Admit(ctx context.Context, m job.Message, executionARN string) (claim.Admitted, error) {
	return observe(w, m.ProjectUserID, ToAdmit{m}, func() (claim.Admitted, error) { return w.Protocol.Admit(ctx, m, executionARN) })
}

func (w watched) Check(ctx context.Context, m job.Message) (claim.Checked, error) {
	return observe(w, m.ProjectUserID, ToCheck{m}, func() (claim.Checked, error) { return w.Protocol.Check(ctx, m) })
}

func (w watched) Claim(ctx context.Context, m job.Message) (claim.Claimed, error) {
	return observe(w, m.ProjectUserID, ToClaim{m}, func() (claim.Claimed, error) { return w.Protocol.Claim(ctx, m) })
}

func (w watched) Interrupt(ctx context.Context, m job.Message, token string) (claim.Asked, error) {
	return observe(w, m.ProjectUserID, ToInterrupt{m, token}, func() (claim.Asked, error) { return w.Protocol.Interrupt(ctx, m, token) })
}

func (w watched) CleanUp(ctx context.Context, c claim.CleanUp) (claim.Finished, error) {
	return observe(w, c.Message.ProjectUserID, ToCleanUp{c}, func() (claim.Finished, error) { return w.Protocol.CleanUp(ctx, c) })
}

func (w watched) Start(ctx context.Context, work job.Work, workerID string) (claim.Start, error) {
	return observe(w, work.Message.ProjectUserID, ToStart{work, workerID}, func() (claim.Start, error) { return w.Protocol.Start(ctx, work, workerID) })
}

func (w watched) Decline(ctx context.Context, work job.Work, workerID string) (claim.Declined, error) {
	return observe(w, work.Message.ProjectUserID, ToDecline{work, workerID}, func() (claim.Declined, error) { return w.Protocol.Decline(ctx, work, workerID) })
}

func (w watched) Heartbeat(ctx context.Context, l claim.Lease) (claim.Beat, error) {
	return observe(w, l.Key, ToBeat{l}, func() (claim.Beat, error) { return w.Protocol.Heartbeat(ctx, l) })
}

func (w watched) Finish(ctx context.Context, l claim.Lease, end claim.End) (claim.Finished, error) {
	return observe(w, l.Key, ToFinish{l, end}, func() (claim.Finished, error) { return w.Protocol.Finish(ctx, l, end) })
}

func (w watched) HandBack(ctx context.Context, l claim.Lease) (wakes []claim.Wake, result awsx.Result, err error) {
	_, err = observe(w, l.Key, ToHandBack{l}, func() (awsx.Result, error) {
		wakes, result, err = w.Protocol.HandBack(ctx, l)
		return result, err
	})
	return wakes, result, err
}

// now is the actor's clock, for those who decide by it.
func (w *World) nowOf(a *actor) time.Time {
	now := a.clock.at(w.now)
	if a.operation != nil && (len(a.operation.Nows) == 0 || !a.operation.Nows[len(a.operation.Nows)-1].Equal(now)) {
		a.operation.Nows = append(a.operation.Nows, now)
	}
	return now
}
