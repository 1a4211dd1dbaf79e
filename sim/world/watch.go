package world

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/system"
)

// watch wraps an actor's protocol: the oracles hear its answers, and the history records its steps.
func (w *World) watch(a *actor, p system.Protocol) system.Protocol {
	p = judged{Protocol: p, actor: a}
	if w.history == nil {
		return p
	}
	return watched{Protocol: p, history: w.history, actor: a}
}

// judged is the protocol; it passes its answers to the oracles.
type judged struct {
	system.Protocol
	actor *actor
}

func (j judged) Check(ctx context.Context, m job.Message) (claim.Checked, error) {
	checked, err := j.Protocol.Check(ctx, m)
	j.told(m, checked.Decision, err)
	return checked, err
}

func (j judged) Interrupt(ctx context.Context, m job.Message, token string) (claim.Asked, error) {
	asked, err := j.Protocol.Interrupt(ctx, m, token)
	j.told(m, asked.Decision, err)
	return asked, err
}

func (j judged) told(m job.Message, d claim.Decision, err error) {
	if w := j.actor.world; err == nil && d == claim.DecisionSuperseded {
		w.oracles.ToldSuperseded(m, job.Millis(j.actor.clock.at(w.now)))
	}
}

func (j judged) Heartbeat(ctx context.Context, l claim.Lease) (claim.Beat, error) {
	beat, err := j.Protocol.Heartbeat(ctx, l)
	if s := j.actor.world.sessionOf(j.actor); s != nil && beat.Result == awsx.Applied {
		j.actor.world.oracles.LeaseIsKnown(s, job.Millis(beat.Lease.ExpiresAt))
	}
	return beat, err
}

// watched is the protocol; it records its steps in the history.
type watched struct {
	system.Protocol
	history *history
	actor   *actor
}

func observe[Out any](w watched, key job.Key, in any, do func() (Out, error)) (Out, error) {
	op := w.history.begin(&w.actor.process, key, in)
	out, err := do()
	w.actor.operation = nil
	op.Out, op.Err, op.Returned = out, err, w.history.place()
	return out, err
}

func (w watched) Admit(ctx context.Context, m job.Message, stateMachineARN string, while *types.ConditionCheck) (claim.Admitted, error) {
	return observe(w, m.ProjectUserID, ToAdmit{m}, func() (claim.Admitted, error) { return w.Protocol.Admit(ctx, m, stateMachineARN, while) })
}

// Release is an arrival: held mail has no part in the protocol.
func (w watched) Release(ctx context.Context, m job.Message, stateMachineARN string, while *types.ConditionCheck) (claim.Admitted, error) {
	return observe(w, m.ProjectUserID, ToAdmit{m}, func() (claim.Admitted, error) { return w.Protocol.Release(ctx, m, stateMachineARN, while) })
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
