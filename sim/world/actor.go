package world

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// actor is something that runs real code: a Lambda invocation or a worker. Its code is a coroutine that
// yields at every call of AWS and at every wait; one runs at a time, and only while the world lets it.
type actor struct {
	world *World
	name  string
	group string // its name without what tells it from earlier ones: whose draws it shares
	kind  actorKind
	clock clock

	coroutine *coroutine // nil if its code has run to its end, or was stopped
	ask       func(request) reply
	reply     reply
	asked     moment // when it made its last request
	alive     bool   // until its code has run to its end, or its process has died; it never lives again
	done      func() // called when its code has run to its end
	died      func() // called when its process has died

	frozenUntil  time.Time     // by the world's time
	cutOffUntil  time.Time     // by the world's time: what it sends does not arrive
	ahead        time.Duration // how far its clock has jumped ahead, or back, since it last ran: its timers do not know
	losesMessage bool          // its message will be visible again, for no extension arrives

	ids       int        // made so far, on a stage
	requests  int        // made so far
	operation *Operation // of the protocol, under way; nil for none, or if no history is kept
	about     string     // the message that a function's run is for; only if a story is kept
	worker    *workerActor
}

// moment is a time by an actor's own clock, and by the world's.
type moment struct{ own, world time.Time }

type actorKind int

const (
	functionActor actorKind = iota
	workerKind
)

// longestFreeze is how long an actor stands still at one call. A function's run is ended by Lambda after its
// timeout, whatever it does; a worker's machine may stand for longer than its lease.
func (k actorKind) longestFreeze() time.Duration {
	if k == functionActor {
		return system.FunctionTimeout
	}
	return 5 * time.Minute
}

// jumpsWithin is how soon a clock jumps that will: while a function makes its few calls, or while a worker
// watches its command.
func (k actorKind) jumpsWithin() time.Duration {
	if k == functionActor {
		return 200 * time.Millisecond
	}
	return 30 * time.Second
}

// newActor makes an actor of body, which runs when the actor is first resumed. Its draws are those of its
// group, so that what befalls one group does not reshuffle what befalls the others.
func (w *World) newActor(name string, kind actorKind, body func(a *actor)) *actor {
	group := name
	if at := strings.IndexAny(name, "/."); at > 0 {
		group = name[:at]
	}
	a := &actor{world: w, name: name, group: group, kind: kind, clock: w.newClock(name, group), alive: true}
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

// now is the actor's clock, as its code reads it: what a step of the protocol decides by is kept in the history.
func (a *actor) now() time.Time {
	now := a.clock.at(a.world.now)
	if a.operation != nil {
		a.operation.saw(now)
	}
	return now
}

// newID is where the ids of the actor's code come from. On a stage each actor has its own, so that moves of two actors
// commute.
func (a *actor) newID() string {
	if a.world.stage != nil {
		a.ids++
		return fmt.Sprintf("%s.%d", a.name, a.ids)
	}
	id := a.world.newID()
	if a.operation != nil {
		a.operation.IDs = append(a.operation.IDs, id)
	}
	return id
}

// call is the actor's client.Call.
func (a *actor) call(ctx context.Context, service, operation string, input any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	r := a.ask(request{service: service, operation: operation, input: input, deadline: deadline})
	return r.output, r.err
}

// at schedules something of an actor's; it does not happen if the actor has died by then.
func (a *actor) at(after time.Duration, what string, do func()) *item {
	i := &item{at: a.world.now.Add(after), what: what, do: do, actor: a}
	a.world.agenda.add(i)
	return i
}

// proceed lets an actor run until its next request, and takes that up.
func (a *actor) proceed(r reply) {
	w := a.world
	a.reply = r
	if a.ahead > 0 { // it finds out now, as one does that stood still
		a.frozenUntil = w.now
	}
	a.ahead = 0
	req, _ := a.coroutine.resume()
	if req.over {
		w.coroutines.giveBack(a.coroutine)
		a.coroutine, a.alive = nil, false
		if a.done != nil {
			a.done()
		}
		return
	}
	if a.kind == workerKind {
		a.clockMayJump()
	}
	switch {
	case !req.wait:
		a.takeUp(req)
	case req.arm != nil:
		req.arm(req.until)
	default:
		w.agenda.add(&item{at: a.clock.until(req.until, w.now), what: "wakes up", actor: a, do: func() { a.proceed(reply{}) }})
	}
}

// die ends an actor's process, and with it its command.
func (a *actor) die() {
	a.world.history.died(a)
	a.alive = false
	a.stop()
	if a.died != nil {
		a.died()
	}
}

// stop ends an actor's code wherever it is.
func (a *actor) stop() {
	if a.coroutine != nil {
		a.coroutine.cancel()
		a.coroutine = nil
	}
}
