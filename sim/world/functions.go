package world

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/system"
)

// runFunction begins an invocation: an actor of its own, with a clock of its own.
func (w *World) runFunction(run cloud.Run) {
	service := strings.TrimPrefix(run.Function, w.names.Prefix()+"-")
	name := fmt.Sprintf("%s/%d", service, w.invocations)
	w.invocations++
	var answer []byte
	var failed *lambdacore.FunctionError
	a := w.newActor(name, functionActor, func(a *actor) {
		function, err := system.New(service, w.environment(a))
		if err != nil {
			failed = &lambdacore.FunctionError{Type: "Runtime.ExitError", Message: err.Error()}
			return
		}
		answer, failed = function(system.Context(context.Background(), run.RequestID), run.Payload)
	})
	a.invocation, a.about = run.InvocationID, w.story.about(run.Payload, w.scenario.Mails)
	w.actors = append(w.actors, a)
	a.done = func() {
		if failed == nil && w.strikes(HandlerFails, "return") {
			// It did its work and ended badly: out of memory at its end, or its answer was lost on the way.
			failed = &lambdacore.FunctionError{Type: "Runtime.ExitError", Message: "the runtime exited"}
		}
		w.schedule(w.latency("return"), name+" returns"+failure(failed), func() {
			w.carryOut(w.cloud.Returned(w.now, run.InvocationID, answer, failed))
		})
	}
	w.clockMayJump(a)
	w.at(a, w.latency("begin"), "begins", func() { w.proceed(a, reply{}) })
}

func failure(f *lambdacore.FunctionError) string {
	if f == nil {
		return ""
	}
	return " " + f.Type
}

// environment is what a handler is made with, as the actor sees the world.
func (w *World) environment(a *actor) system.Environment {
	return system.Environment{
		Call: a.call, Now: func() time.Time { return w.nowOf(a) }, NewID: w.idsOf(a), Names: w.names, Stack: w.stack,
		Claim: w.scenario.Claim, Flow: w.scenario.Flow, Routes: w.scenario.routes, Limits: withoutWallClock(), Log: w.log,
		Watch: func(p system.Protocol) system.Protocol { return w.watch(a, p) },
	}
}

// withoutWallClock are the limits of mail without the one that needs a goroutine.
func withoutWallClock() mail.Limits {
	limits := mail.DefaultLimits()
	limits.WallClock = 0
	return limits
}

// functionDied reports an invocation whose process is gone.
func (w *World) functionDied(a *actor) {
	if w.stage != nil {
		return
	}
	w.schedule(w.latency("return"), a.name+" is found dead", func() {
		w.carryOut(w.cloud.Returned(w.now, a.invocation, nil, &lambdacore.FunctionError{Type: "Runtime.ExitError", Message: "the runtime exited"}))
	})
}

// idsOf is where an actor's ids come from. On a stage each has its own, so that moves of two actors commute.
func (w *World) idsOf(a *actor) func() string {
	if w.stage == nil {
		return func() string {
			id := w.newID()
			if a.operation != nil {
				a.operation.IDs = append(a.operation.IDs, id)
			}
			return id
		}
	}
	return func() string {
		a.ids++
		return fmt.Sprintf("%s.%d", a.name, a.ids)
	}
}

// newID is unique in the run.
func (w *World) newID() string {
	w.ids++
	return fmt.Sprintf("%08x", w.ids)
}
