// Package world is the deterministic simulation: one thread, one seed, one world. The real
// handlers, the real worker and the real state machine run over the pure cores of AWS's services,
// as coroutines that yield at every AWS call; a virtual clock and one chooser decide everything
// else: who runs next, how long things take, which fault strikes.
//
// It promises that the same chooser over the same scenario makes the same run, event for event, and
// that every oracle follows every event (see package oracle). It does not simulate AWS's latencies:
// how long a call takes is a choice. A run has a safety phase, in which faults strike, and a healed
// phase, in which they do not and everything must come to its end.
//
// Its files form layers, the highest first; a file uses the layers below it:
//   - stage_play, backdrop, stage: small scenes that are played in every order;
//   - run: the run; furnish sets it up, trouble schedules what goes wrong by itself, sweep what a schedule calls, effects
//     does what AWS wants to happen;
//   - function, worker, session, call, outage: the real code on its simulated machines, and what faults do to it;
//   - watch, view: what oracles and histories see of it;
//   - world, actor: the parts put together; and
//   - agenda, coroutine, clock, dice, history, process, recorder, request, trace, writes: parts that know no world.
//
// Four uses go up: an actor acts on its world, and what AWS wants to happen may begin an actor.
//
// Around it stand packages that do not know it: scenario (what comes from outside), fault (what can
// go wrong), oracle (what must hold), story (what happened) and choose (who decides).
package world

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/sim/world/story"
)

// site is the system that runs, without its code.
type site struct {
	cloud    *cloud.Cloud
	template *deploy.Stack
	roles    *system.Roles
	names    awsx.Names
	stack    system.Addresses
	routes   mail.Routes
	log      *slog.Logger // of the handlers
}

// expiry is that of one message's row, once all has ended.
type expiry struct {
	message *scenario.Message // nil for none
	at      time.Time         // when it happened; zero: not yet
}

// before says whether something of a message, at a time by any clock, is of the life of the row
// that has expired: that is longer ago than clocks differ.
func (e *expiry) before(messageID string, at time.Time) bool {
	return !e.at.IsZero() && e.message.ID == messageID && at.Before(e.at.Add(-time.Hour))
}

// World is one run.
type World struct {
	scenario scenario.Scenario
	messages map[string]scenario.Message // of the scenario, by id
	now      time.Time
	dice     *dice
	agenda   agenda
	trace    trace

	site
	actors           []*actor // that ever lived
	coroutines       coroutines
	parked           map[string][]*item // receives that wait, by queue
	sessions         []*session         // of all commands that run
	fetching         fetching
	doomed           map[string]int // events of which no try gets through, and how many calls the first one makes
	expiry           expiry
	sweeps           sweeps
	outage           *outage                  // that is laid out or was; nil for none
	ids, invocations int                      // made so far
	releases         map[string]scenario.Mail // that are under way, by invocation

	tokens  func(input any) (any, error) // Step Functions as a stage has it; nil elsewhere
	writes  writes
	oracles *oracle.Panel
	history *history // nil if none is kept
	story   *recorder
}

// next is when something may happen next.
func (w *World) next() (time.Time, bool) {
	next, found := w.agenda.next()
	if due, ok := w.cloud.NextDeadline(); ok && (!found || due.Before(next)) {
		next, found = due, true
	}
	return next, found
}

func (w *World) advance(to time.Time) {
	if to.After(w.now) {
		w.now = to
	}
}

// schedule calls do after a delay.
func (w *World) schedule(after time.Duration, what string, do func()) {
	w.agenda.add(&item{at: w.now.Add(after), what: what, do: do})
}

// event counts, hashes and tells an event.
func (w *World) event(who, what string) { w.eventOf(nil, who, what) }

// eventOf does the same, and tells whose event it is; nil: no actor's.
func (w *World) eventOf(p *process, who, what string) {
	kind, message := story.OfWorld, ""
	switch {
	case p != nil && p.kind == workerKind:
		kind = story.OfWorker
	case p != nil:
		kind, message = story.OfFunction, p.about
	case who == ofTime:
		kind = story.OfTime
	}
	w.story.tell(w.now, kind, who, message, what)
	w.trace.add(w.now, who, what)
}

// staged says whether a Stage is played.
func (w *World) staged() bool { return w.tokens != nil }

// sessionOf is the actor's session; nil if it runs no command.
func (w *World) sessionOf(a *actor) *session {
	for _, s := range w.sessions {
		if s.actor == a {
			return s
		}
	}
	return nil
}

// newID is unique in the run.
func (w *World) newID() string {
	w.ids++
	return fmt.Sprintf("%08x", w.ids)
}

// stop ends all coroutines.
func (w *World) stop() {
	for _, a := range w.actors {
		a.stop()
	}
	w.coroutines.stop()
}
