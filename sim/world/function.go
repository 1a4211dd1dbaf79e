package world

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// runFunction begins an invocation: an actor of its own, with a clock of its own.
func (w *World) runFunction(run cloud.Run) {
	service := strings.TrimPrefix(run.Function, w.names.Prefix()+"-")
	name := fmt.Sprintf("%s/%d", service, w.invocations)
	w.invocations++
	if failed := w.outage.stops(w.now, service); failed != nil {
		w.schedule(w.dice.latency("return"), name+" fails: "+failed.Type, func() {
			w.carryOut(w.cloud.Returned(w.now, run.InvocationID, nil, failed))
		})
		return
	}
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
	if f, ok := w.template.Function(run.Function); ok && !w.staged() {
		a.role = f.RoleARN
	}
	a.about = w.story.about(run.Payload)
	a.calls, a.doomed = w.dooms(service, run)
	w.actors = append(w.actors, a)
	returns := func(what string, answer []byte, failed *lambdacore.FunctionError) {
		w.schedule(w.dice.latency("return"), name+what, func() {
			w.carryOut(w.cloud.Returned(w.now, run.InvocationID, answer, failed))
		})
	}
	exited := &lambdacore.FunctionError{Type: "Runtime.ExitError", Message: "the runtime exited"}
	a.done = func() {
		if failed == nil && w.dice.strikes(fault.HandlerFails, "return") {
			// It did its work and ended badly: out of memory at its end, or its answer was lost on
			// the way.
			failed = exited
		}
		if service == "intake" && failed == nil {
			w.intakeHasTaken(run, answer)
		}
		what := " returns"
		if failed != nil {
			what += " " + failed.Type
		}
		returns(what, answer, failed)
	}
	a.died = func() { returns(" is found dead", nil, exited) }
	a.clockMayJump()
	a.at(w.dice.latency("begin"), "begins", func() { a.proceed(reply{}) })
}

// environment is what a handler is made with: the world as the actor sees it.
func (w *World) environment(a *actor) system.Environment {
	return system.Environment{
		Call: a.call, Now: a.now, NewID: a.newID, Pause: a.pause, Names: w.names, Stack: w.stack,
		Claim: w.scenario.Claim, Flow: w.scenario.Flow, Routes: w.routes, Senders: cmp.Or(w.scenario.Senders, mail.SendersOpen), Limits: withoutWallClock(), Log: w.log,
		Watch: func(p system.Protocol) system.Protocol { return w.watch(a, p) },
	}
}

// withoutWallClock returns mail's limits without the one that needs a goroutine.
func withoutWallClock() mail.Limits {
	limits := mail.DefaultLimits()
	limits.WallClock = 0
	return limits
}
