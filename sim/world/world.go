// Package world is the deterministic simulation: one thread, one seed, one world. The real handlers, the
// real worker and the real state machine run over the pure cores of AWS's services, as coroutines that
// yield at every AWS call; a virtual clock and one Choose decide everything else: who runs next, how long
// things take, which fault strikes.
//
// It promises that the same chooser over the same scenario makes the same run, event for event, and
// that every event is followed by every oracle (see package oracle). It does not simulate AWS's latencies: how
// long a call takes is a choice. A run has a safety phase, in which faults strike, and a healed phase,
// in which they do not and in which everything must come to its end.
//
// Its files stand on floors, and the arrows between them point down:
//   - stage, backdrop: small scenes that are played in every order;
//   - world: the run; furnish sets it up, trouble lays out what goes wrong by itself, effects carries out what AWS
//     wants to happen;
//   - worker, session, function, call, actor: the real code, on its simulated machines;
//   - watch, writes, view: what oracles and histories get to see of it;
//   - recorder, history, agenda, coroutine, clock, dice, request, trace: parts that know little of a world.
//
// Around it stand packages that do not know it: scenario (what comes from outside), fault (what can go wrong), oracle
// (what must hold), story (what happened) and choose (who decides).
package world

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/webordinary/hephaestus/deploy/resources"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/sim/world/story"
)

// World is one run.
type World struct {
	scenario scenario.Scenario
	now      time.Time
	dice     *dice
	agenda   agenda
	trace    trace

	cloud  *cloud.Cloud
	names  awsx.Names
	stack  resources.Stack
	routes mail.Routes
	log    *slog.Logger

	actors           []*actor // that ever lived
	coroutines       coroutines
	parked           map[string][]*item // receives that wait, by queue
	sessions         []*session         // whose command runs
	ids, invocations int                // made so far

	stage   *stage // set if a Stage is played
	writes  writes
	oracles *oracle.Panel
	history *history // nil if none is kept
	story   *recorder
}

// Result is what a run came to.
type Result struct {
	Events    int               `json:"events"`
	Virtual   time.Duration     `json:"virtualNanoseconds"`
	Hash      uint64            `json:"hash"`
	Struck    map[string]int    `json:"struck"`        // how often each fault struck
	InClaim   map[string]int    `json:"struckInClaim"` // … while a claim was held
	Lives     []fault.Set       `json:"-"`             // what struck in each claim's life
	Outcomes  map[string]int    `json:"outcomes"`      // of the mails; "none" has none
	Violation *oracle.Violation `json:"violation,omitempty"`
	Story     *story.Story      `json:"-"`
	History   []Operation       `json:"-"` // of the protocol, if it was kept
}

// Run makes a world of the scenario and lets it happen.
func Run(s scenario.Scenario, chooser choose.Chooser, options Options) Result {
	w := newWorld(s, chooser, options)
	defer w.stop()
	w.run()
	w.story.executions(w.cloud.StepFunctions.Executions())
	tally := w.dice.tally
	return Result{
		Events: w.trace.events, Virtual: w.now.Sub(scenario.Epoch), Hash: w.trace.hash, Struck: tally.Struck(), InClaim: tally.InClaim(), Lives: tally.Lives(),
		Outcomes: view{w}.outcomes(), Violation: w.oracles.Violation(), Story: w.story.story, History: w.history.all(),
	}
}

// maxEvents bounds a run: one that is not over by then never ends (L1). The longest of thousands that do end has 1,800.
const maxEvents = 10_000

// settleFor is how far ahead of the last thing that happened the world looks for something that is yet
// to come, in the healed phase: longer than a job's timeout and every retry.
const settleFor = 26 * time.Hour

func (w *World) run() {
	for w.oracles.Violation() == nil {
		next, ok := w.next()
		if !ok || (w.dice.healed && next.After(w.now.Add(settleFor))) {
			if w.dice.healed {
				w.oracles.AtEnd(view{w}.ending())
				return
			}
			w.heal()
			continue
		}
		if !w.dice.healed && next.After(scenario.Epoch.Add(w.scenario.Horizon)) {
			w.heal()
			continue
		}
		w.advance(next)
		w.step()
		if w.trace.events > maxEvents {
			w.oracles.Broken("L1", fmt.Sprintf("the run is not over after %d events", maxEvents))
			return
		}
	}
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

// Who does what no actor does.
const (
	ofWorld = "world" // what comes from outside, and deliveries
	ofTime  = "time"  // what AWS does by itself when its time has come
)

// step lets one of the things happen that may happen now.
func (w *World) step() {
	ready := w.agenda.takeDue(w.now)
	due, ok := w.cloud.NextDeadline()
	ticks := ok && !due.After(w.now)
	n := len(ready) + bit(ticks)
	if n == 0 {
		return
	}
	picked := 0
	if n > 1 {
		picked = w.dice.next(n, func() []string { return whoIsReady(ready, ticks) })
	}
	for i, it := range ready {
		if i != picked {
			w.agenda.putBack(it)
		}
	}
	if picked == len(ready) {
		w.event(ofTime, "what has come due happens")
		w.carryOut(w.cloud.Tick(w.now))
	} else {
		it := ready[picked]
		w.eventOf(it.actor, it.who(), it.what)
		it.do()
	}
	w.oracles.AfterEvent()
}

// whoIsReady names who may go next; the last of all is what comes due by time, if something does.
func whoIsReady(ready []*item, ticks bool) []string {
	names := make([]string, 0, len(ready)+1)
	for _, it := range ready {
		names = append(names, it.who())
	}
	if ticks {
		names = append(names, ofTime)
	}
	return names
}

// schedule lets do happen after a delay.
func (w *World) schedule(after time.Duration, what string, do func()) {
	w.agenda.add(&item{at: w.now.Add(after), what: what, do: do})
}

// event counts, hashes and tells what happens of itself.
func (w *World) event(who, what string) { w.eventOf(nil, who, what) }

// eventOf is the same of an actor, if it is one's.
func (w *World) eventOf(a *actor, who, what string) {
	kind, message := story.OfWorld, ""
	switch {
	case a != nil && a.kind == workerKind:
		kind = story.OfWorker
	case a != nil:
		kind, message = story.OfFunction, a.about
	case who == ofTime:
		kind = story.OfTime
	}
	w.story.tell(w.now, kind, who, message, what)
	w.trace.add(w.now, who, what)
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
