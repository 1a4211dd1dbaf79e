package history

import (
	"errors"
	"fmt"
	"slices"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/refinement"
	"github.com/webordinary/hephaestus/model"
	"github.com/webordinary/hephaestus/sim/world"
)

// attempt is an operation that goes by one reading of its caller's clock.
type attempt struct {
	before   state
	op       world.Operation
	settings model.Settings
	now      int64
}

// steps lists the states that the operation may lead to from here, given its answer.
func steps(before state, op world.Operation, s model.Settings) []state {
	var next []state
	if op.Unknown {
		next = append(next, before)
	}
	nows := op.Nows
	if len(nows) == 0 {
		return append(next, attempt{before, op, s, 0}.timeless()...)
	}
	for _, now := range nows {
		next = append(next, attempt{before, op, s, job.Millis(now)}.timed()...)
	}
	return next
}

// take is the state after a step, if the model allows it.
func (a attempt) take(id string, step model.Step) (state, bool) {
	result := step.Apply(a.before.with(id), a.now, a.settings)
	return a.before.after(result.After), result.OK()
}

// either is the state after the first of the possible steps that the model allows, if the operation
// was taken or its outcome is unknown. If it was refused, the state stays, and the model must
// refuse all of the steps.
func (a attempt) either(id string, taken bool, possible ...model.Step) []state {
	for _, step := range possible {
		if after, ok := a.take(id, step); ok {
			if taken || a.op.Unknown {
				return []state{after}
			}
			return nil
		}
	}
	if taken || a.op.Unknown {
		return nil
	}
	return a.same(true)
}

// same is the state as it was, if the answer is right.
func (a attempt) same(right bool) []state {
	if right {
		return []state{a.before}
	}
	return nil
}

// timeless lists the states after an operation that never read the clock.
func (a attempt) timeless() []state {
	switch in := a.op.In.(type) {
	case world.ToHandBack:
		return a.handBack(in)
	case world.ToFinish, world.ToStart, world.ToClaim, world.ToInterrupt, world.ToCleanUp, world.ToCheck, world.ToBeat, world.ToDecline, world.ToAdmit:
		return nil // it did not get so far as to decide
	}
	panic(fmt.Sprintf("history: %T is not known", a.op.In))
}

func (a attempt) timed() []state {
	switch in := a.op.In.(type) {
	case world.ToAdmit:
		return a.admit(in.Message)
	case world.ToCheck:
		checked, _ := a.op.Out.(claim.Checked)
		return a.same(a.decides(in.Message, checked.Decision) && checked.ContainerID == a.before.row.ContainerID)
	case world.ToClaim:
		return a.claim(in.Message)
	case world.ToInterrupt:
		return a.interrupt(in)
	case world.ToStart:
		return a.start(in)
	case world.ToBeat:
		return a.beat(in)
	case world.ToFinish:
		return a.finish(in)
	case world.ToHandBack:
		return a.handBack(in)
	case world.ToDecline:
		return a.decline(in)
	case world.ToCleanUp:
		return a.cleanUp(in)
	case world.ToExpire:
		return a.either("", true, model.Delete{})
	case world.ToExpireJob:
		return a.expireJob(in.MessageID)
	}
	panic(fmt.Sprintf("history: %T is not known", a.op.In))
}

func (a attempt) admit(m job.Message) []state {
	admitted, _ := a.op.Out.(claim.Admitted)
	if _, there := a.before.find(m.MessageID); there {
		return a.same(!a.op.Unknown && !admitted.Fresh)
	}
	if !admitted.Fresh && !a.op.Unknown {
		return nil
	}
	return []state{a.before.after(model.RowAndJob{Row: a.before.row, Job: model.Job{MessageID: m.MessageID, ThreadID: m.ThreadID, ReceivedAtMillis: m.ReceivedAtMillis}})}
}

// expireJob is the state without the job, which must have ended and be off the claim.
func (a attempt) expireJob(id string) []state {
	at, found := a.before.find(id)
	if !found || a.before.jobs[at].Outcome == "" || a.before.row.HasJob(id) {
		return nil
	}
	return []state{{row: a.before.row, jobs: slices.Delete(slices.Clone(a.before.jobs), at, at+1)}}
}

func (a attempt) decides(m job.Message, said claim.Decision) bool {
	return model.Decide(a.before.row, refinement.Message(m), a.now, a.settings) == refinement.Decision(said)
}

func (a attempt) ended(id string) bool {
	return a.before.with(id).Job.Outcome != ""
}

func (a attempt) claim(m job.Message) []state {
	claimed, _ := a.op.Out.(claim.Claimed)
	switch {
	case a.op.Unknown:
		var next []state
		for _, id := range a.op.IDs {
			container := fmt.Sprintf("container-%d-%s", a.now, id)
			next = append(next, a.either(m.MessageID, true, model.Claim{Message: refinement.Message(m), ContainerID: container})...)
		}
		if len(a.op.IDs) == 0 && a.before.row.Exists() { // a join makes no id
			return a.either(m.MessageID, true, model.Claim{Message: refinement.Message(m), ContainerID: a.before.row.ContainerID})
		}
		return next
	case a.op.Err != nil:
		return a.same(a.ended(m.MessageID))
	case !claimed.RetryAt.IsZero():
		return a.same(claimed.RetryAt.UnixMilli() > a.now && a.decides(m, claimed.Decision))
	case !claimed.OK(), claimed.Decision == claim.DecisionAgain:
		return a.same(a.decides(m, claimed.Decision))
	case !a.decides(m, claimed.Decision):
		return nil
	}
	after, ok := a.take(m.MessageID, model.Claim{Message: refinement.Message(m), ContainerID: claimed.ContainerID})
	if !ok || after.row.ContainerID != claimed.ContainerID {
		return nil
	}
	return []state{after}
}

func (a attempt) interrupt(in world.ToInterrupt) []state {
	asked, _ := a.op.Out.(claim.Asked)
	step := model.Interrupt{Message: refinement.Message(in.Message), Token: in.Token, SeenContainerID: a.before.row.ContainerID}
	switch {
	case a.op.Err != nil && !a.op.Unknown:
		return a.same(a.ended(in.Message.MessageID))
	case a.op.Unknown || asked.Decision == claim.DecisionInterrupt:
		if after, ok := a.take(in.Message.MessageID, step); ok && (a.op.Unknown || asked.ContainerID == after.row.ContainerID) {
			return []state{after}
		}
		return nil
	}
	return a.same(a.decides(in.Message, asked.Decision))
}

func (a attempt) start(in world.ToStart) []state {
	start, _ := a.op.Out.(claim.Start)
	m, row := in.Work.Message, a.before.row
	step := model.Start{MessageID: m.MessageID, ContainerID: in.Work.ContainerID, WorkerID: in.WorkerID, Fence: row.Fence + 1}
	switch {
	case a.op.Unknown:
		return a.either(m.MessageID, true, step)
	case a.op.Err != nil:
		return a.same(a.ended(m.MessageID))
	case start.Verdict == claim.Ended:
		return a.same(a.ended(m.MessageID) && a.before.with(m.MessageID).Job.Outcome == refinement.Outcome(start.Job.Outcome))
	case start.Verdict != claim.Started:
		// The code refuses to start under an expired claim; the model does not ask whether it has
		// expired.
		return append(a.either(m.MessageID, false, step), a.same(row.Expired(a.now, a.settings))...)
	case row.Fence == start.Lease.Fence && row.WorkerID == in.WorkerID && row.WorkerJob == m.MessageID:
		return a.same(true) // its own earlier attempt, whose answer was lost
	}
	if start.Lease.Fence != step.Fence || job.Millis(start.Lease.ExpiresAt) != a.now+a.settings.LeaseMillis {
		return nil
	}
	return a.either(m.MessageID, true, step)
}

func (a attempt) beat(in world.ToBeat) []state {
	beat, _ := a.op.Out.(claim.Beat)
	step := model.Heartbeat{WorkerID: in.WorkerID, Fence: in.Fence}
	if !a.op.Unknown && beat.Result == awsx.Applied && (beat.Preemptor != nil) != a.before.row.Preemptor.Exists() {
		return nil
	}
	return a.either("", beat.Result == awsx.Applied, step)
}

func (a attempt) handBack(in world.ToHandBack) []state {
	result, _ := a.op.Out.(awsx.Result)
	return a.either("", result == awsx.Applied, model.HandBack{WorkerID: in.WorkerID, Fence: in.Fence})
}

func (a attempt) finish(in world.ToFinish) []state {
	finished, _ := a.op.Out.(claim.Finished)
	id := in.Lease.MessageID
	step := model.Finish{MessageID: id, WorkerID: in.Lease.WorkerID, Fence: in.Lease.Fence, Outcome: refinement.Outcome(in.End.Outcome)}
	switch {
	case a.op.Unknown:
		return a.either(id, true, step)
	case errors.Is(a.op.Err, claim.ErrNobodyWaits):
		return a.same(!a.before.row.Preemptor.Exists())
	case a.op.Err != nil:
		return a.either(id, false, step)
	case a.ended(id):
		return a.same(a.before.with(id).Job.Outcome == refinement.Outcome(finished.Job.Outcome))
	}
	return a.either(id, finished.Job.Outcome == in.End.Outcome, step)
}

func (a attempt) decline(in world.ToDecline) []state {
	declined, _ := a.op.Out.(claim.Declined)
	id := in.Work.Message.MessageID
	step := model.Decline{MessageID: id, ContainerID: in.Work.ContainerID, WorkerID: in.WorkerID}
	switch {
	case a.op.Unknown || (a.op.Err == nil && declined.Verdict == claim.Yielded):
		return a.either(id, true, step)
	case a.op.Err == nil && declined.Verdict == claim.Ended:
		return a.same(a.ended(id))
	}
	return a.same(true) // it looked, and wrote nothing
}

func (a attempt) cleanUp(in world.ToCleanUp) []state {
	finished, _ := a.op.Out.(claim.Finished)
	id := in.Message.MessageID
	j := a.before.with(id).Job
	if j.Outcome != "" || (in.ContainerID != "" && in.ContainerID != j.ContainerID) {
		return a.same(!a.op.Unknown && j.Outcome == refinement.Outcome(finished.Job.Outcome))
	}
	if errors.Is(a.op.Err, claim.ErrWorkedOn) {
		return a.same(a.before.row.WorkerJob == id && a.before.row.HasLiveLease(a.now, a.settings))
	}
	ends := finished.Job.Outcome == in.End.Outcome
	if in.End.Outcome == job.Interrupted {
		return a.either(id, ends, model.Decline{MessageID: id, ContainerID: j.ContainerID, WorkerID: a.before.row.WorkerID})
	}
	return a.either(id, ends, model.CleanUp{MessageID: id, Outcome: refinement.Outcome(in.End.Outcome)})
}
