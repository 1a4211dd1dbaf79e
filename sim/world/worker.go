package world

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/aws/client"
)

// workerActor is a worker process: the real worker over a simulated machine.
type workerActor struct {
	world    *World
	number   int
	actor    *actor
	session  *session // of the command that runs
	stopping bool
	staged   *Command // what its command does, on a stage
}

// session is a run of a simulated command.
type session struct {
	owner          *workerActor
	task           worker.Task
	command        Command
	beganAt        time.Time // by the worker's clock
	ends           time.Time // when it exits by itself
	exit           worker.Exit
	stopsAt        time.Time // when it exits because it was asked to; zero: it was not, or ignores it
	killed         bool
	waits          bool      // its worker is in Await
	armed          *item     // what ends the wait
	nudged         bool      // heard and not told yet
	told           bool      // the worker was told to stop
	over           bool      // the command has exited
	knows          int64     // until when its worker was told at least that it has the lease, by its own clock, ms
	goneBy         time.Time // by the worker's clock, when the command must have exited: a heartbeat may be in the way
	preemptorSince time.Time // by the worker's clock, since when a newer thread waits; zero: none
	terminate      bool      // it was asked to end
}

// startWorkers brings the scenario's workers up.
func (w *World) startWorkers() {
	for n := range w.scenario.Workers {
		wa := &workerActor{world: w, number: n + 1}
		w.startWorker(wa)
	}
}

// startWorker begins a process of the worker, with an id that no other had.
func (w *World) startWorker(wa *workerActor) {
	w.ids++
	name := fmt.Sprintf("worker-%d.%d", wa.number, w.ids)
	wa.stopping = false
	a := w.newActor(name, workerKind, func(a *actor) { wa.make(a).Run(context.Background()) })
	a.worker = wa
	a.done = func() { w.restartWorker(wa) }
	wa.actor = a
	w.actors = append(w.actors, a)
	w.at(a, w.latency("begin"), "starts", func() { w.proceed(a, reply{}) })
	if w.drawn(WorkerStops, a.group) {
		w.at(a, w.between(0, 20*time.Minute, "delay.stop"), "is told to stop", func() { w.tellToStop(wa) })
	}
}

// make is the real worker, as the actor sees the world.
func (wa *workerActor) make(a *actor) *worker.Worker {
	w := wa.world
	store := must(claim.NewStore(client.NewDynamoDB(a.call), w.names, w.scenario.Claim, wa.Now, w.idsOf(a)))
	return must(worker.New(worker.Parts{
		ID: a.name, Queue: client.NewSQS(a.call), QueueURL: w.stack.WorkQueueURL, Protocol: w.watch(a, store),
		Tokens: client.NewStepFunctions(a.call), Host: wa, Settings: w.scenario.Worker, Log: w.log,
	}))
}

// restartWorker replaces a worker that has died or stopped, after a while.
func (w *World) restartWorker(wa *workerActor) {
	if w.stage != nil {
		return
	}
	after := w.latency("restart")
	if !w.healed {
		after = w.between(time.Second, 10*time.Minute, "delay.restart")
	}
	life := wa.actor
	w.schedule(after, fmt.Sprintf("worker %d is started again", wa.number), func() {
		if wa.actor == life {
			w.startWorker(wa)
		}
	})
}

// workerDied: its command dies with it.
func (w *World) workerDied(wa *workerActor) {
	if wa.session != nil {
		w.endSession(wa.session)
	}
	w.restartWorker(wa)
}

// tellToStop sends the worker SIGTERM.
func (w *World) tellToStop(wa *workerActor) {
	if w.healed {
		return
	}
	wa.stopping = true
	w.struck(WorkerStops)
	w.story.fault(WorkerStops, "SIGTERM")
	if wa.session != nil {
		w.wakeSession(wa.session)
		return
	}
	for _, queue := range sortedKeys(w.parked) {
		waiting := w.parked[queue]
		for i, it := range waiting {
			if it.actor == wa.actor {
				w.parked[queue] = append(waiting[:i:i], waiting[i+1:]...)
				w.at(wa.actor, 0, "gives its receive up", func() { w.proceed(wa.actor, reply{err: context.Canceled}) })
				return
			}
		}
	}
}

// Now is the machine's clock.
func (wa *workerActor) Now() time.Time { return wa.world.nowOf(wa.actor) }

// Stopping says whether the worker was told to stop.
func (wa *workerActor) Stopping() bool { return wa.stopping }

// WithDeadline is a context of the machine's clock.
func (wa *workerActor) WithDeadline(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	return bounded{Context: ctx, until: until, owner: wa}, func() {}
}

// bounded is a context that ends at a time of its machine's clock.
type bounded struct {
	context.Context
	until time.Time
	owner *workerActor
}

// Deadline is when it ends.
func (b bounded) Deadline() (time.Time, bool) { return b.until, true }

// Err says whether it has ended.
func (b bounded) Err() error {
	if b.owner.Now().Before(b.until) {
		return b.Context.Err()
	}
	return context.DeadlineExceeded
}

// UntilStopped is ctx: being told to stop ends a receive by itself here.
func (wa *workerActor) UntilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

// Pause sleeps.
func (wa *workerActor) Pause(_ context.Context, d time.Duration) {
	wa.actor.ask(request{wait: true, until: wa.Now().Add(d)})
}

// Begin starts the command that the scenario gives the message.
func (wa *workerActor) Begin(_ context.Context, t worker.Task) (worker.Session, error) {
	w := wa.world
	command := w.scenario.command(t.Work.Message.MessageID)
	if wa.staged != nil {
		command = *wa.staged
	}
	stuck := w.strikes(StuckCommand, wa.actor.group)
	if stuck {
		command.Takes, command.Ignores = 100*time.Hour, true
	}
	s := &session{
		owner: wa, task: t, command: command, beganAt: wa.Now(), ends: w.now.Add(command.Takes),
		exit: worker.Exit{Code: command.ExitCode, Summary: "done"},
	}
	wa.session = s
	w.sessions = append(w.sessions, s)
	w.eventOf(wa.actor, wa.actor.name, "begins the command of "+t.Work.Message.MessageID)
	w.story.begin(w.now, s)
	if stuck {
		w.story.fault(StuckCommand, "the command never ends by itself, and ignores SIGTERM")
	}
	s.knows = w.oracle.leases[s.term()]
	s.goneBy = s.beganAt.Add(w.scenario.Worker.CommandTimeout + w.scenario.Worker.CommandGrace + w.scenario.Claim.Lease)
	w.oracle.commandBegins(s)
	return s, nil
}

// Await sleeps until the command exits, a nudge or a signal comes, or until.
func (s *session) Await(_ context.Context, until time.Time) worker.Event {
	wa := s.owner
	if e, ok := s.happened(wa.world.now); ok {
		return e
	}
	wa.actor.ask(request{wait: true, until: until, session: s})
	s.waits = false
	if e, ok := s.happened(wa.world.now); ok {
		return e
	}
	return worker.Event{Kind: worker.Quiet}
}

// happened is what the session has to report.
func (s *session) happened(now time.Time) (worker.Event, bool) {
	switch {
	case s.exited(now):
		exit := s.exit
		if s.killed || s.terminate {
			exit.Code = -1
			if !s.killed {
				exit.Code, exit.PartialWork = 143, "half of it"
			}
		}
		return worker.Event{Kind: worker.Exited, Exit: exit}, true
	case s.nudged:
		s.nudged = false
		return worker.Event{Kind: worker.Nudged}, true
	case s.owner.stopping && !s.told:
		s.told = true
		return worker.Event{Kind: worker.Stopped}, true
	}
	return worker.Event{}, false
}

func (s *session) exited(now time.Time) bool {
	return s.killed || !s.ends.After(now) || (!s.stopsAt.IsZero() && !s.stopsAt.After(now))
}

// Terminate asks the command to end.
func (s *session) Terminate() {
	w := s.owner.world
	if s.terminate {
		return
	}
	s.terminate = !s.exited(w.now)
	s.goneBy = s.owner.Now().Add(w.scenario.Worker.CommandGrace + w.scenario.Claim.Lease)
	if !s.command.Ignores {
		s.stopsAt = w.now.Add(s.command.Saves)
	}
	w.eventOf(s.owner.actor, s.owner.actor.name, "asks the command to stop")
	w.oracle.commandStops(s)
}

// Kill ends the command.
func (s *session) Kill() {
	s.owner.world.oracle.commandKilled(s)
	s.killed = !s.exited(s.owner.world.now) || s.killed
	s.owner.world.eventOf(s.owner.actor, s.owner.actor.name, "kills the command")
}

// Close frees nothing here.
func (s *session) Close() { s.owner.world.endSession(s) }

// endSession takes the command off the books.
func (w *World) endSession(s *session) {
	if s.over {
		return
	}
	s.over = true
	s.owner.session = nil
	for i, other := range w.sessions {
		if other == s {
			w.sessions = append(w.sessions[:i:i], w.sessions[i+1:]...)
		}
	}
	w.story.end(w.now, s)
}

// arm ends a session's wait at the first of: until, the command's exit.
func (w *World) arm(s *session, until time.Time) {
	a := s.owner.actor
	at := a.clock.until(until, w.now)
	for _, t := range []time.Time{s.ends, s.stopsAt} {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	if at.Before(w.now) || s.killed {
		at = w.now
	}
	w.endWait(s, at)
}

// endWait lets a session's worker look up at a time, and at no other.
func (w *World) endWait(s *session, at time.Time) {
	a := s.owner.actor
	i := &item{at: at, what: "looks up", actor: a, life: a.life, session: s}
	i.do = func() { w.proceed(a, reply{}) }
	s.armed = i
	w.push(i)
}

// wakeSession ends a session's wait now.
func (w *World) wakeSession(s *session) {
	if !s.waits {
		return
	}
	w.endWait(s, w.now)
}

// freezeSession lets the command stand still as long as its worker does: the machine is frozen.
func (w *World) freezeSession(a *actor, d time.Duration) {
	if a.kind != workerKind || a.worker.session == nil {
		return
	}
	s := a.worker.session
	s.ends = s.ends.Add(d)
	s.goneBy = s.goneBy.Add(d)
	if !s.preemptorSince.IsZero() {
		s.preemptorSince = s.preemptorSince.Add(d)
	}
	if !s.stopsAt.IsZero() {
		s.stopsAt = s.stopsAt.Add(d)
	}
}

// hearNudges takes what is on a key's interrupt queue to the session that listens to it.
func (w *World) hearNudges(queue string) {
	for _, s := range w.sessions {
		if w.names.InterruptQueue(s.task.Work.Message.ProjectUserID) != queue {
			continue
		}
		w.at(s.owner.actor, w.latency("nudge"), "listens on "+queue, func() { w.hear(s, queue) })
	}
}

func (w *World) hear(s *session, queue string) {
	if s.over {
		return
	}
	url := aws.String("https://sqs/" + queue)
	output, _, err := w.cloud.Do(w.now, "sqs", &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
	if err != nil {
		return
	}
	for _, m := range output.(*sqs.ReceiveMessageOutput).Messages {
		var n interrupt.Nudge
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &n); err == nil && n.ContainerID == s.task.Work.ContainerID {
			s.nudged = true
			w.nudgeAgain(s)
		}
		_, _, _ = w.cloud.Do(w.now, "sqs", &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle})
	}
	if s.nudged {
		w.wakeSession(s)
	}
}

// nudgeAgain lets the queue, a standard one, hand out once more what was heard and deleted.
func (w *World) nudgeAgain(s *session) {
	if !w.drawn(DuplicateDelivery, "nudge") {
		return
	}
	w.at(s.owner.actor, w.between(0, time.Minute, "delay.nudge-again"), "hears a nudge again", func() {
		if w.healed || s.over {
			return
		}
		w.struck(DuplicateDelivery)
		w.story.fault(DuplicateDelivery, "the queue hands a nudge out that it has handed out")
		s.nudged = true
		w.wakeSession(s)
	})
}

// keyOf is the key that a session works for.
func (s *session) keyOf() job.Key { return s.task.Work.Message.ProjectUserID }
