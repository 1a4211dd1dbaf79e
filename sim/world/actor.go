package world

import (
	"context"
	"strings"
	"time"
)

// actor is something that runs real code: a Lambda invocation or a worker. Its code is a coroutine that
// yields at every call of AWS and at every wait; one runs at a time, and only while the world lets it.
type actor struct {
	name  string
	group string // its name without what tells it from earlier ones: whose draws it shares
	kind  actorKind
	clock clock

	coroutine *coroutine // nil where its code has run to its end, or was stopped
	ask       func(request) reply
	reply     reply
	asked     moment // when it made its last request
	alive     bool
	life      int    // counts restarts, so that what was meant for an earlier life is dropped
	done      func() // called when its code has run to its end

	frozenUntil  time.Time     // by the world's time
	cutOffUntil  time.Time     // by the world's time: what it sends does not arrive
	ahead        time.Duration // how far its clock has jumped ahead, or back, since it last ran: its timers do not know
	losesMessage bool          // its message will be visible again, for no extension arrives

	invocation string     // of a function
	ids        int        // made so far, on a stage
	requests   int        // made so far
	operation  *Operation // of the protocol, under way; nil for none, or where no history is kept
	about      string     // the message that a function's run is for; only where a story is kept
	worker     *workerActor
}

// moment is a time by an actor's own clock, and by the world's.
type moment struct{ own, world time.Time }

type actorKind int

const (
	functionActor actorKind = iota
	workerKind
)

// request is what a coroutine yields: a call, or a wait until a time.
type request struct {
	service, operation string
	input              any
	wait               bool
	until              time.Time // by the actor's clock; of a wait
	session            *session  // whose events end the wait early; nil for a mere pause
	deadline           time.Time // by the actor's clock, when the call is given up; zero: never
	over               bool      // the actor's code has run to its end
}

// reply is what it is resumed with.
type reply struct {
	output any
	err    error
}

// newActor makes an actor of body, which runs when the actor is first resumed. Its draws are those of its
// group, so that what befalls one group does not reshuffle what befalls the others.
func (w *World) newActor(name string, kind actorKind, body func(a *actor)) *actor {
	group := name
	if at := strings.IndexAny(name, "/."); at > 0 {
		group = name[:at]
	}
	a := &actor{name: name, group: group, kind: kind, clock: w.newClock(name, group), alive: true}
	w.spawn(a, body)
	return a
}

func (w *World) spawn(a *actor, body func(a *actor)) {
	a.alive = true
	a.life++
	c := w.coroutine()
	c.body = func() { body(a) }
	a.coroutine = c
	a.ask = func(r request) reply {
		a.asked = moment{own: a.clock.at(w.now), world: w.now}
		a.requests++
		c.ask(r)
		return a.reply
	}
}

// stop ends an actor's code wherever it is.
func (a *actor) stop() {
	if a.coroutine != nil {
		a.coroutine.cancel()
		a.coroutine = nil
	}
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
