package world

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// actor is something that runs real code: a Lambda invocation or a worker. Its code is a coroutine
// that yields at every call of AWS and at every wait; one runs at a time, when the world resumes
// it.
type actor struct {
	process
	world *World
	clock clock
	role  string // its ARN; empty on a stage, which has none

	coroutine *coroutine // nil if its code has run to its end, or was stopped
	ask       func(request) reply
	reply     reply
	asked     moment // when it made its last request
	done      func() // called when its code has run to its end
	died      func() // called when its process has died
	replace   func() // of a worker; called when faults cease, if it is dead by then

	frozenUntil  time.Time     // by the world's time
	cutOffUntil  time.Time     // by the world's time: what it sends does not arrive
	ahead        time.Duration // how far its clock has jumped ahead, or back, since it last ran: its timers do not know
	doomed       bool          // it dies after so many calls
	calls        int
	losesMessage bool // its message will be visible again, for no extension arrives

	ids      int  // made so far, on a stage
	stopping bool // a worker's process was told to stop
}

// newActor makes an actor of body, which runs when the actor is first resumed. Its draws are those
// of its group, so that more or fewer draws of one group do not change those of the others.
func (w *World) newActor(name string, kind actorKind, body func(a *actor)) *actor {
	group := name
	if at := strings.IndexAny(name, "/."); at > 0 {
		group = name[:at]
	}
	a := &actor{process: process{name: name, group: group, kind: kind, alive: true}, world: w, clock: w.newClock(name, group)}
	c := w.coroutines.take()
	c.body = func() { body(a) }
	a.coroutine = c
	a.ask = func(r request) reply {
		a.asked = moment{own: a.clock.at(w.now), world: w.now}
		a.requests++
		c.ask(r)
		return a.reply
	}
	return a
}

// newClock draws a clock for an actor, as far as the faults of the run allow.
func (w *World) newClock(name, group string) clock {
	c := clock{since: w.now, bound: w.scenario.ClockBound()}
	if w.dice.strikes(fault.ClockOffset, group) {
		c.offset = w.dice.between(-c.bound, c.bound, "clock.offset."+group)
		w.story.fault(fault.ClockOffset, fmt.Sprintf("the clock of %s is %v off", name, c.offset))
	}
	if w.dice.strikes(fault.ClockDrift, group) {
		c.drift = float64(w.dice.choose(2001, "clock.drift."+group)-1000) / 1e5 // up to 1 % either way
		w.story.fault(fault.ClockDrift, fmt.Sprintf("the clock of %s gains %.0f ms a second", name, c.drift*1000))
	}
	return c
}

// clockMayJump draws whether the actor's clock jumps soon. A function draws once, when it begins; a
// worker whenever it calls or waits.
func (a *actor) clockMayJump() {
	w := a.world
	if !w.dice.drawn(fault.ClockStep, a.group) {
		return
	}
	a.at(w.dice.between(0, a.kind.jumpsWithin(), "delay.clock-step."+a.group), "its clock jumps", func() {
		if !w.dice.healed {
			a.jump()
		}
	})
}

// jump sets the actor's clock.
func (a *actor) jump() {
	w := a.world
	before := a.clock.at(w.now)
	a.clock.stepped = w.dice.between(-a.clock.bound, a.clock.bound, "clock.step."+a.group)
	a.ahead += a.clock.at(w.now).Sub(before)
	w.dice.tally.Strike(fault.ClockStep)
	w.story.fault(fault.ClockStep, fmt.Sprintf("the clock of %s is now %v off", a.name, a.clock.at(w.now).Sub(w.now)))
}

// writer is the actor as oracles know it; nil is AWS itself.
func (a *actor) writer() oracle.Writer {
	switch {
	case a == nil:
		return oracle.Writer{}
	case a.kind == workerKind:
		return oracle.Writer{Name: a.name, Kind: oracle.Worker}
	}
	return oracle.Writer{Name: a.name, Kind: oracle.Function}
}

// now is the actor's clock, as its code reads it. The history keeps what a step of the protocol has
// read.
func (a *actor) now() time.Time {
	now := a.clock.at(a.world.now)
	if a.operation != nil {
		a.operation.saw(now)
	}
	return now
}

// newID makes an id for the actor's code. On a stage each actor counts its own, so that moves of
// two actors commute.
func (a *actor) newID() string {
	if a.world.staged() {
		a.ids++
		return fmt.Sprintf("%s.%d", a.name, a.ids)
	}
	id := a.world.newID()
	if a.operation != nil {
		a.operation.IDs = append(a.operation.IDs, id)
	}
	return id
}

// pause waits for a drawn time of at most the given one. On a stage it takes none: the chooser
// alone decides who goes on.
func (a *actor) pause(ctx context.Context, atMost time.Duration) error {
	if w := a.world; !w.staged() {
		a.ask(request{wait: true, until: a.clock.at(w.now).Add(w.dice.between(0, atMost, "delay.attempt."+a.group))})
	}
	return ctx.Err()
}

// call is the actor's client.Call.
func (a *actor) call(ctx context.Context, service, operation string, input any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := a.mayCall(input); err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	r := a.ask(request{service: service, operation: operation, input: input, deadline: deadline})
	return r.output, r.err
}

// mayCall is the error of a call that the actor's role does not allow.
func (a *actor) mayCall(input any) error {
	if a.role == "" {
		return nil
	}
	err := a.world.roles.Check(a.role, input)
	if err != nil {
		a.world.oracles.Denied(err)
	}
	return err
}

// at schedules do for the actor; it does not happen if the actor has died by then.
func (a *actor) at(after time.Duration, what string, do func()) *item {
	i := &item{at: a.world.now.Add(after), what: what, do: do, by: &a.process}
	a.world.agenda.add(i)
	return i
}

// die ends an actor's process, and with it its command.
func (a *actor) die() {
	a.world.history.died(&a.process)
	a.alive = false
	a.stop()
	if a.died != nil {
		a.died()
	}
}

// stop ends an actor's code, at whatever call or wait it is.
func (a *actor) stop() {
	if a.coroutine != nil {
		a.coroutine.cancel()
		a.coroutine = nil
	}
}
