package world

import (
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/sim/world/story"
)

// Result is what a run came to.
type Result struct {
	Events    int               `json:"events"`
	Virtual   time.Duration     `json:"virtualNanoseconds"`
	Hash      uint64            `json:"hash"`
	Struck    map[string]int    `json:"struck"`        // how often each fault struck
	InClaim   map[string]int    `json:"struckInClaim"` // … while a claim was held
	Lives     []fault.Set       `json:"-"`             // what struck in each claim's life
	Outcomes  map[string]int    `json:"outcomes"`      // how many mails ended with each; "none": with none
	Violation *oracle.Violation `json:"violation,omitempty"`
	Story     *story.Story      `json:"-"`
	History   []Operation       `json:"-"` // of the protocol, if it was kept
}

// Run plays the scenario in a new world.
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

// maxEvents bounds a run: one that is not over by then counts as endless (L1). The longest of
// thousands that end has 1,800.
const maxEvents = 10_000

// settleFor is how long the healed world waits for one more event before the run is over: longer
// than a job's timeout and every retry.
const settleFor = 26 * time.Hour

func (w *World) run() {
	for w.oracles.Violation() == nil {
		next, ok := w.next()
		if !ok || (w.dice.healed && next.After(w.now.Add(settleFor))) {
			if w.dice.healed {
				w.oracles.AtEnd(view{w}.ending())
				if w.expireRow() {
					continue
				}
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

// step picks one of the things that may happen now, and does it.
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
		w.eventOf(it.by, it.who(), it.what)
		it.do()
	}
	w.oracles.AfterEvent()
}

// whoIsReady names who may go next; the last is time, if something comes due by it.
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

// heal ends the safety phase: no fault strikes any more, the dead are replaced, clocks stay as they
// are. An outage goes on to its end: what must pass by itself is not mended.
func (w *World) heal() {
	w.dice.healed = true
	w.event(ofWorld, "faults cease")
	for _, a := range w.actors {
		if !a.alive && a.replace != nil {
			a.replace()
		}
	}
}
