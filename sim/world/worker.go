package world

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// workerActor is the machine of a worker: the real worker runs on it as one process after another.
type workerActor struct {
	world  *World
	number int
	actor  *actor            // the process
	staged *scenario.Command // what its command does, on a stage

	sickFrom, sickUntil time.Time // its machine can begin nothing meanwhile
}

// startWorkers brings the scenario's workers up.
func (w *World) startWorkers() {
	for n := range w.scenario.Workers {
		wa := &workerActor{world: w, number: n + 1}
		wa.mayFallSick()
		wa.start()
	}
}

// newProcess makes a process of the worker that runs body.
func (wa *workerActor) newProcess(name string, body func(*worker.Worker)) *actor {
	a := wa.world.newActor(name, workerKind, func(a *actor) { body(wa.make(a)) })
	wa.actor = a
	a.died = func() {
		if s := wa.world.sessionOf(a); s != nil { // its command dies with it
			s.end()
		}
		wa.restart()
	}
	a.replace = func() {
		if wa.actor == a {
			wa.restart()
		}
	}
	return a
}

// start begins a process of the worker, with an id that no other process had.
func (wa *workerActor) start() {
	w := wa.world
	w.ids++
	a := wa.newProcess(fmt.Sprintf("worker-%d.%d", wa.number, w.ids), func(real *worker.Worker) { _ = real.Run(context.Background()) }) // a machine that stays sick ends it: it is started again
	a.done, a.role = wa.restart, w.template.WorkerRole
	w.actors = append(w.actors, a)
	a.at(w.dice.latency("begin"), "starts", func() { a.proceed(reply{}) })
	if w.dice.drawn(fault.WorkerStops, a.group) {
		a.at(w.dice.between(0, 20*time.Minute, "delay.stop"), "is told to stop", wa.tellToStop)
	}
}

// make makes the real worker, which sees the world as the actor does.
func (wa *workerActor) make(a *actor) *worker.Worker {
	w := wa.world
	store := must(claim.NewStore(client.NewDynamoDB(a.call), w.names, w.scenario.Claim, wa.Now, a.newID, a.pause))
	return must(worker.New(worker.Parts{
		ID: a.name, Queue: client.NewSQS(a.call), QueueURL: w.stack.WorkQueueURL, Protocol: w.watch(a, store),
		Tokens: client.NewStepFunctions(a.call), Host: wa, Settings: w.scenario.Worker, Log: w.log,
	}))
}

// restart starts the worker again, some time after its process has died or stopped.
func (wa *workerActor) restart() {
	w := wa.world
	if w.staged() {
		return
	}
	after := w.dice.latency("restart")
	if !w.dice.healed {
		after = w.dice.between(time.Second, 10*time.Minute, "delay.restart")
	}
	life := wa.actor
	w.schedule(after, fmt.Sprintf("worker %d is started again", wa.number), func() {
		if wa.actor == life {
			wa.start()
		}
	})
}

// tellToStop sends the worker SIGTERM.
func (wa *workerActor) tellToStop() {
	w := wa.world
	if w.dice.healed {
		return
	}
	a, s := wa.actor, w.sessionOf(wa.actor)
	if s != nil && !a.stopping {
		s.stopIsNews = true
	}
	a.stopping = true
	w.dice.tally.Strike(fault.WorkerStops)
	w.story.fault(fault.WorkerStops, "SIGTERM")
	if s != nil {
		s.wake()
		return
	}
	for _, queue := range slices.Sorted(maps.Keys(w.parked)) {
		waiting := w.parked[queue]
		for i, it := range waiting {
			if it.by == &a.process {
				w.parked[queue] = append(waiting[:i:i], waiting[i+1:]...)
				a.at(0, "gives its receive up", func() { a.proceed(reply{err: context.Canceled}) })
				return
			}
		}
	}
}

// Now is the machine's clock.
func (wa *workerActor) Now() time.Time { return wa.actor.now() }

// Stopping says whether the worker was told to stop.
func (wa *workerActor) Stopping() bool { return wa.actor.stopping }

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

// UntilStopped is ctx: here tellToStop itself ends a receive.
func (wa *workerActor) UntilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

// Pause sleeps.
func (wa *workerActor) Pause(_ context.Context, d time.Duration) {
	wa.actor.ask(request{wait: true, until: wa.Now().Add(d)})
}

// Check says whether the machine is sick.
func (wa *workerActor) Check(context.Context) error {
	if wa.sick() {
		return errSick
	}
	return nil
}

// contentOf is the content of a message as the worker fetches it; empty if there is none, as on a
// stage.
func (wa *workerActor) contentOf(m job.Message) string {
	w := wa.world
	for _, object := range []job.ObjectRef{m.Raw, m.Content} {
		if wa.actor.mayCall(&s3.GetObjectInput{Bucket: aws.String(object.Bucket), Key: aws.String(object.Key)}) != nil {
			return ""
		}
	}
	output, err := w.do("s3", &s3.GetObjectInput{Bucket: aws.String(m.Content.Bucket), Key: aws.String(m.Content.Key)})
	if err != nil {
		return ""
	}
	return string(must(io.ReadAll(output.(*s3.GetObjectOutput).Body)))
}

// Begin begins to fetch the mail.
func (wa *workerActor) Begin(_ context.Context, t worker.Task) worker.Session {
	w, a := wa.world, wa.actor
	s := &session{
		machine: wa, actor: a, task: t, state: preparing, readyAt: w.now.Add(w.fetchTakes(t.Work.Message.MessageID)), stopIsNews: a.stopping,
	}
	w.sessions = append(w.sessions, s)
	w.oracles.CommandPrepares(s)
	return s
}
