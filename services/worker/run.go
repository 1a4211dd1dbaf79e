package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// delivery is one received message on its way through the worker.
type delivery struct {
	worker   *Worker
	handle   *string
	receives int // of the message, this one included
	work     job.Work
	about    telemetry.Work // once the message is read
}

func (d delivery) tell(ctx context.Context, e telemetry.Event) { telemetry.Write(ctx, d.worker.log, e) }

// why a command is being stopped.
type why int

const (
	notStopped why = iota
	preempted      // a newer thread asked for the key
	overtime       // it ran longer than it may
	told           // the worker itself was told to stop
	leaseLost      // another worker has the lease by now, or may
)

func (y why) String() string {
	return [...]string{"", "preempted", "overtime", "worker stops", "lease lost"}[y]
}

// run is one job's life under a lease, from the command's begin to its end.
type run struct {
	delivery
	lease    claim.Lease
	session  Session
	stopping why
	nextBeat time.Time
	overtime time.Time // when the command's time is over, or that of its preparation
	killAt   time.Time // when a command that was asked to stop is killed; zero: not asked yet, or killed already
}

// run begins the command, watches over it until it has exited, and ends the job by how it went. It
// returns what ails the machine, if that is why there was no command.
func (d delivery) run(ctx context.Context, lease claim.Lease) error {
	w := d.worker
	if !w.host.Now().Before(lease.ExpiresAt) {
		d.tell(ctx, telemetry.StartAnsweredLate{Work: d.about})
		return nil
	}
	now := w.host.Now()
	r := &run{
		delivery: d, session: w.host.Begin(ctx, Task{Work: d.work, WorkerID: w.id, Fence: lease.Fence}),
		overtime: now.Add(w.settings.CommandTimeout),
	}
	r.hold(lease, now)
	last := r.watch(ctx)
	r.session.Close()
	if last.Kind == BeginFailed {
		return r.unbegun(ctx, last.Err)
	}
	r.end(ctx, last.Exit)
	return nil
}

// hold notes the lease, and when to extend it: a heartbeat's time from now, or sooner if its answer
// has come so late that little of it is left.
func (r *run) hold(lease claim.Lease, now time.Time) {
	heartbeat := r.worker.settings.Heartbeat
	r.lease, r.nextBeat = lease, now.Add(heartbeat)
	if latest := lease.ExpiresAt.Add(-2 * heartbeat); latest.Before(r.nextBeat) {
		r.nextBeat = latest
	}
}

// watch keeps the lease, and stops the command or its preparation if it must, until the command has
// exited or will not begin.
func (r *run) watch(ctx context.Context) Event {
	for {
		event := r.session.Await(ctx, r.until())
		now := r.worker.host.Now()
		switch event.Kind {
		case Exited, BeginFailed:
			return event
		case Begun:
			r.overtime, r.worker.sickFor = now.Add(r.worker.settings.CommandTimeout), 0
		case Nudged:
			r.nextBeat = now
		case Stopped:
			r.stop(ctx, told, now)
		}
		if r.stopping != leaseLost && !now.Before(r.lease.ExpiresAt) {
			r.abandon(ctx, "its end came before a heartbeat was answered")
		}
		if r.stopping == notStopped && !now.Before(r.overtime) {
			r.stop(ctx, overtime, now)
		}
		if !r.killAt.IsZero() && !now.Before(r.killAt) {
			r.tell(ctx, telemetry.CommandKilled{Work: r.about})
			r.killAt = time.Time{}
			r.session.Kill()
		}
		if r.stopping != leaseLost && !now.Before(r.nextBeat) {
			r.beat(ctx)
		}
	}
}

// until is when watch has to act next, even if nothing happens.
func (r *run) until() time.Time {
	if r.stopping == leaseLost {
		return r.worker.host.Now().Add(r.worker.settings.Heartbeat)
	}
	until := r.nextBeat
	for _, t := range []time.Time{r.lease.ExpiresAt, r.killAt} {
		if !t.IsZero() && t.Before(until) {
			until = t
		}
	}
	if r.stopping == notStopped && r.overtime.Before(until) {
		until = r.overtime
	}
	return until
}

// stop asks the command to end, once; the first reason counts.
func (r *run) stop(ctx context.Context, reason why, now time.Time) {
	if r.stopping != notStopped {
		return
	}
	r.stopping = reason
	r.killAt = now.Add(r.worker.settings.CommandGrace)
	r.tell(ctx, telemetry.CommandAskedToStop{Work: r.about, Because: reason.String()})
	r.session.Terminate()
}

// abandon kills the command: this worker has lost the right to its effects.
func (r *run) abandon(ctx context.Context, because string) {
	r.stopping, r.killAt = leaseLost, time.Time{}
	r.tell(ctx, telemetry.LeaseLost{Work: r.about, Because: because})
	r.session.Kill()
}

// beat extends the lease and then the message's visibility, and asks whether a newer thread waits.
// An answer after the lease's end is useless, so beat waits no longer than that.
func (r *run) beat(ctx context.Context) {
	w := r.worker
	bounded, cancel := w.host.WithDeadline(ctx, r.lease.ExpiresAt)
	defer cancel()
	beat, err := w.protocol.Heartbeat(bounded, r.lease)
	now := w.host.Now()
	switch beat.Result {
	case awsx.Refused:
		r.abandon(ctx, "a heartbeat was refused")
		return
	case awsx.Unknown:
		r.tell(ctx, telemetry.HeartbeatUnanswered{Work: r.about, Error: text(err)})
		r.nextBeat = now.Add(w.settings.Heartbeat / 4)
		return
	}
	r.hold(beat.Lease, now)
	if beat.Preemptor != nil && r.stopping == notStopped {
		r.tell(ctx, telemetry.NewerThreadAsks{Work: r.about, NewThread: beat.Preemptor.ThreadID, NewMessage: beat.Preemptor.NewestMessageID})
		r.stop(ctx, preempted, now)
	}
	r.showIn(bounded, w.settings.Visibility)
}

// unbegun turns a begin that came to nothing into what becomes of the job: only what its mail or
// its key is to blame for fails it. It returns what ails the machine, if anything does.
func (r *run) unbegun(ctx context.Context, why error) error {
	switch r.stopping {
	case leaseLost, preempted, told:
		r.end(ctx, Exit{Code: -1, Asked: true})
		return nil
	case overtime: // a disk that hangs may be why
		why = r.worker.host.Check(ctx)
		if why == nil {
			why = fmt.Errorf("%w: not within %v", ErrNotNow, r.worker.settings.CommandTimeout)
		}
	}
	r.tell(ctx, telemetry.CommandFailed{Work: r.about, Error: why.Error()})
	switch {
	case errors.Is(why, ErrMachine):
		r.handBack(ctx, r.lease, r.worker.settings.pause(r.work.Message.MessageID, r.receives-1)) // at first for another worker, at once
		return why
	case errors.Is(why, ErrNotNow):
		r.handBack(ctx, r.lease, r.worker.settings.pause(r.work.Message.MessageID, r.receives))
	default:
		r.finish(ctx, r.lease, claim.End{Outcome: job.Failed, Result: why.Error()})
	}
	return nil
}

// end ends the job as its command has ended. If the lease is lost, the job was ended from outside,
// or another worker has it: then its message, as long as it is hidden, keeps back the key's next
// ones.
func (r *run) end(ctx context.Context, exit Exit) {
	r.tell(ctx, telemetry.CommandEnded{Work: r.about, Exit: exit.Code, Stopped: r.stopping.String()})
	if r.stopping == leaseLost {
		r.showIn(ctx, 0)
		return
	}
	r.finish(ctx, r.lease, r.endOf(exit))
}

// endOf is the end of a job whose command has ended so (docs/protocol.md, How a command ends). A
// command that was not asked to stop says by its status how it went. One that was asked says that
// it is done by its result file alone: a program may exit with any status because of SIGTERM.
func (r *run) endOf(exit Exit) claim.End {
	switch {
	case exit.Asked && exit.Result == "" && r.stopping == overtime:
		what := fmt.Sprintf("the command ran longer than %v", r.worker.settings.CommandTimeout)
		return claim.End{Outcome: job.TimedOut, Result: joined(": ", what, exit.Summary), PartialWork: exit.PartialWork}
	case exit.Asked && exit.Result == "":
		what := "stopped: " + r.stopping.String()
		return claim.End{Outcome: job.Interrupted, Result: joined(": ", what, exit.Summary), PartialWork: exit.PartialWork}
	case exit.Asked || exit.Code == 0:
		return claim.End{Outcome: job.Completed, Result: joined("\n", exit.Result, exit.Summary)}
	}
	what := fmt.Sprintf("the command exited with status %d", exit.Code)
	return claim.End{Outcome: job.Failed, Result: joined(": ", what, joined("\n", exit.Result, exit.Summary))}
}

// joined joins what is not empty.
func joined(by string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), by)
}

// finish writes the job's end while the lease lasts, and then does what follows from it.
func (d delivery) finish(ctx context.Context, lease claim.Lease, end claim.End) {
	w := d.worker
	for {
		bounded, cancel := w.host.WithDeadline(ctx, lease.ExpiresAt)
		finished, err := w.protocol.Finish(bounded, lease, end)
		cancel()
		switch {
		case err == nil:
			d.tell(ctx, telemetry.JobFinished{Work: d.about, Outcome: finished.Job.Outcome, Saved: finished.Job.PartialWork != ""})
			d.conclude(ctx, finished)
			return
		case errors.Is(err, claim.ErrNobodyWaits):
			d.handBack(ctx, lease, 0)
			return
		case errors.Is(err, claim.ErrLeaseLost):
			d.tell(ctx, telemetry.FinishTooLate{Work: d.about})
			return
		}
		d.tell(ctx, telemetry.FinishFailed{Work: d.about, Error: err.Error()})
		if !w.host.Now().Add(time.Second).Before(lease.ExpiresAt) {
			return
		}
		w.host.Pause(ctx, time.Second)
	}
}

// handBack gives the lease up and lets the message be delivered again.
func (d delivery) handBack(ctx context.Context, lease claim.Lease, showIn time.Duration) {
	wakes, result, err := d.worker.protocol.HandBack(ctx, lease)
	if result != awsx.Applied {
		d.tell(ctx, telemetry.HandBackFailed{Work: d.about, Result: result.String(), Error: text(err)})
		return
	}
	d.tell(ctx, telemetry.JobHandedBack{Work: d.about})
	d.showIn(ctx, showIn)
	d.wake(ctx, wakes)
}

// dispose handles a message whose job may not be started.
func (d delivery) dispose(ctx context.Context, start claim.Start) {
	d.tell(ctx, telemetry.JobNotStarted{Work: d.about, Because: start.Verdict.String()})
	switch start.Verdict {
	case claim.Ended:
		d.conclude(ctx, claim.Finished{Job: start.Job})
	case claim.Lost, claim.Stale:
		// The claim under another container may be that of a frozen call that its execution had
		// given up, so the execution is told. If it did send newer work, this token is dead and the
		// answer changes nothing.
		if d.fail(ctx, job.ErrorClaimLost, "the claim was gone before a worker came") {
			d.delete(ctx)
		}
	case claim.Busy:
		d.showIn(ctx, max(start.BusyUntil.Sub(d.worker.host.Now()), time.Second))
	case claim.Yielded:
		d.decline(ctx)
	}
}

// decline ends the job as interrupted. If the claim no longer calls for that, it makes the message
// visible, to be looked at anew.
func (d delivery) decline(ctx context.Context) {
	declined, err := d.worker.protocol.Decline(ctx, d.work, d.worker.id)
	switch {
	case err != nil:
		d.tell(ctx, telemetry.DeclineFailed{Work: d.about, Error: err.Error()})
	case declined.Verdict == claim.Yielded || declined.Verdict == claim.Ended:
		d.conclude(ctx, declined.Finished)
	default:
		d.showIn(ctx, 0)
	}
}

// conclude does what follows a job's end: it wakes those who wait, answers Step Functions and
// deletes the message. If the answer fails, the message stays, so that its next receiver answers.
func (d delivery) conclude(ctx context.Context, finished claim.Finished) {
	d.wake(ctx, finished.Wakes)
	if d.answer(ctx, finished.Job) {
		d.delete(ctx)
	}
}

func (d delivery) wake(ctx context.Context, wakes []claim.Wake) {
	interrupt.WakeAll(ctx, d.worker.tokens, d.worker.log, d.work.Message, d.worker.id, wakes)
}

// delete takes the message off the queue. One that stays is delivered again and deleted then.
func (d delivery) delete(ctx context.Context) {
	_, err := d.worker.queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{
		QueueUrl: aws.String(d.worker.queueURL), ReceiptHandle: d.handle,
	})
	if err != nil {
		d.tell(ctx, telemetry.MessageNotDeleted{Work: d.about, Error: err.Error()})
	}
}

// showIn makes the message visible again after the given time.
func (d delivery) showIn(ctx context.Context, after time.Duration) {
	_, err := d.worker.queue.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: aws.String(d.worker.queueURL), ReceiptHandle: d.handle, VisibilityTimeout: seconds(after),
	})
	if err != nil {
		d.tell(ctx, telemetry.VisibilityUnchanged{Worker: d.worker.id, Error: err.Error()})
	}
}

// text is what an error says, if there is one.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
