// Package world is the deterministic simulation: one thread, one seed, one world. The real handlers, the
// real worker and the real state machine run over the pure cores of AWS's services, as coroutines that
// yield at every AWS call; a virtual clock and one Choose decide everything else: who runs next, how long
// things take, which fault strikes.
//
// It promises that the same chooser over the same scenario makes the same run, event for event, and
// that every event is followed by every oracle (see Oracle). It does not simulate AWS's latencies: how
// long a call takes is a choice. A run has a safety phase, in which faults strike, and a healed phase,
// in which they do not and in which everything must come to its end.
package world

import (
	"container/heap"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/webordinary/hephaestus/deploy/resources"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/world/choose"
)

// Epoch is when every world begins.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// World is one run.
type World struct {
	scenario Scenario
	chooser  choose.Chooser
	faults   [faults]strength
	labels   map[string]*[faults]string // of the draws for faults, by place
	healed   bool

	now                      time.Time
	items                    itemHeap
	serial, ids, invocations int

	cloud *cloud.Cloud
	names awsx.Names
	stack resources.Stack
	log   *slog.Logger

	actors   []*actor
	idle     []*coroutine
	parked   map[string][]*item // receives that wait, by queue
	sessions []*session         // whose command runs

	stage   *stage // set where a Stage is played
	oracle  *oracle
	history *history // nil where none is kept
	story   *Story
	Struck  [faults]int // how often each fault struck
	inside  [faults]int // … while a claim was held
	lives   []FaultSet  // of the claims that are over
	Events  int
	hash    uint64
}

// item is something that may happen once its time has come.
type item struct {
	at     time.Time
	serial int
	what   string
	do     func()
	actor  *actor // whose request it is; nil for none
	life   int

	request *request // the call that it makes; nil for none
	session *session // the wait that it ends; nil for none
}

// stale says whether what the item was for is over.
func (i *item) stale() bool {
	if i.actor != nil && (!i.actor.alive || i.life != i.actor.life) {
		return true
	}
	return i.session != nil && (!i.session.waits || i.session.armed != i)
}

// Result is what a run came to.
type Result struct {
	Events    int            `json:"events"`
	Virtual   time.Duration  `json:"virtualNanoseconds"`
	Hash      uint64         `json:"hash"`
	Struck    map[string]int `json:"struck"`        // how often each fault struck
	InClaim   map[string]int `json:"struckInClaim"` // … while a claim was held
	Lives     []FaultSet     `json:"-"`             // what struck in each claim's life
	Outcomes  map[string]int `json:"outcomes"`      // of the mails; "none" has none
	Violation *Violation     `json:"violation,omitempty"`
	Story     *Story         `json:"-"`
	History   []Operation    `json:"-"` // of the protocol, where it was kept
}

// Run makes a world of the scenario and lets it happen.
func Run(scenario Scenario, chooser choose.Chooser, options Options) Result {
	w := newWorld(scenario, chooser, options)
	defer w.stop()
	w.run()
	if w.story.keep {
		w.story.executions(w.cloud.StepFunctions.Executions())
	}
	outcomes := w.oracle.outcomes()
	return Result{
		Events: w.Events, Virtual: w.now.Sub(Epoch), Hash: w.hash, Struck: byName(w.Struck), InClaim: byName(w.inside), Lives: w.lives,
		Outcomes: outcomes, Violation: w.oracle.violation, Story: w.story, History: w.history.all(),
	}
}

// maxEvents bounds a run: one that is not over by then never ends (L1). The longest of thousands that do end has 1,800.
const maxEvents = 10_000

// settleFor is how far ahead of the last thing that happened the world looks for something that is yet
// to come, in the healed phase: longer than a job's timeout and every retry.
const settleFor = 26 * time.Hour

func (w *World) run() {
	for w.oracle.violation == nil {
		next, ok := w.next()
		if !ok || (w.healed && next.After(w.now.Add(settleFor))) {
			if w.healed {
				w.oracle.atEnd()
				return
			}
			w.heal()
			continue
		}
		if !w.healed && next.After(Epoch.Add(w.scenario.Horizon)) {
			w.heal()
			continue
		}
		w.advance(next)
		w.step()
		if w.Events > maxEvents {
			w.oracle.fail("L1", fmt.Sprintf("the run is not over after %d events", maxEvents))
			return
		}
	}
}

// next is when something may happen next.
func (w *World) next() (time.Time, bool) {
	var next time.Time
	found := false
	if len(w.items) > 0 {
		next, found = w.items[0].at, true
	}
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

// step lets one of the things happen that may happen now.
func (w *World) step() {
	var ready []*item
	for len(w.items) > 0 && !w.items[0].at.After(w.now) {
		ready = append(ready, heap.Pop(&w.items).(*item))
	}
	ready = slices.DeleteFunc(ready, (*item).stale)
	due, ok := w.cloud.NextDeadline()
	ticks := ok && !due.After(w.now)
	n := len(ready)
	if ticks {
		n++
	}
	if n == 0 {
		return
	}
	picked := 0
	if n > 1 {
		picked = w.pick(ready, ticks)
	}
	for i, it := range ready {
		if i != picked {
			heap.Push(&w.items, it)
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
	w.oracle.afterEvent()
}

// ofTime is who does what AWS does by itself when its time has come.
const ofTime = "time"

// pick picks what of the ready happens next; the last of all is what comes due by time, if something does.
func (w *World) pick(ready []*item, ticks bool) int {
	scheduler, ok := w.chooser.(choose.Scheduler)
	if !ok {
		return w.choose(len(ready)+bit(ticks), choose.Schedule)
	}
	names := make([]string, 0, len(ready)+1)
	for _, it := range ready {
		names = append(names, it.who())
	}
	if ticks {
		names = append(names, ofTime)
	}
	return scheduler.Next(names)
}

// who does it.
func (i *item) who() string {
	if i.actor == nil {
		return "world"
	}
	return i.actor.name
}

// schedule lets do happen after a delay.
func (w *World) schedule(after time.Duration, what string, do func()) {
	w.push(&item{at: w.now.Add(after), what: what, do: do})
}

func (w *World) push(i *item) {
	w.serial++
	i.serial = w.serial
	heap.Push(&w.items, i)
}

// choose picks one of n possibilities.
func (w *World) choose(n int, label string) int {
	if n <= 1 {
		return 0
	}
	return w.chooser.Choose(n, label)
}

// between draws a duration, in steps of a thousandth of the range.
func (w *World) between(from, to time.Duration, label string) time.Duration {
	if w.stage != nil {
		return from
	}
	return from + (to-from)/1000*time.Duration(w.choose(1001, label))
}

// event counts, hashes and tells what happens of itself.
func (w *World) event(who, what string) { w.eventOf(nil, who, what) }

// eventOf is the same of an actor, if it is one's.
func (w *World) eventOf(a *actor, who, what string) {
	w.story.tell(w.now, a, who, what)
	w.Events++
	w.hash = (w.hash ^ uint64(w.now.UnixNano())) * 1099511628211
	for _, s := range [2]string{who, what} {
		for i := range len(s) {
			w.hash = (w.hash ^ uint64(s[i])) * 1099511628211
		}
	}
}

// carryOut takes up what the cloud wants to happen.
func (w *World) carryOut(effects []cloud.Effect) {
	for _, effect := range effects {
		switch e := effect.(type) {
		case cloud.Delivery:
			w.deliver(e)
		case cloud.Run:
			w.runFunction(e)
		case cloud.Available:
			w.wakeReceivers(e.Queue)
			w.hearNudges(e.Queue)
		case cloud.Stop:
			// Lambda hears the run no more, but a frozen one may thaw and go on.
		}
	}
}

// deliver lets a delivery happen, at some time, and maybe again.
func (w *World) deliver(d cloud.Delivery) {
	times := 1
	if d.Kind.AtLeastOnce() && w.strikes(DuplicateDelivery, "delivery") {
		w.story.fault(DuplicateDelivery, "twice: "+d.What)
		times = 2
	}
	for range times {
		delay := w.latency("delivery")
		if w.strikes(Reordering, "delivery") {
			late := w.between(0, 2*time.Minute, "delay.reordering")
			w.story.fault(Reordering, fmt.Sprintf("%v late: %s", late, d.What))
			delay += late
		}
		w.schedule(delay, d.What, func() {
			w.story.enters(d)
			w.carryOut(w.cloud.Deliver(w.now, d))
		})
	}
}

// latency is how long a call or a delivery takes: nothing where the chooser itself decides the order.
func (w *World) latency(label string) time.Duration {
	if w.scenario.Instant {
		return 0
	}
	return time.Duration(1+w.choose(60, "latency."+label)) * time.Millisecond
}

// heal ends the safety phase: no more faults; the dead are replaced, the frozen thaw, clocks are kept.
func (w *World) heal() {
	w.healed = true
	w.event("world", "faults cease")
	for _, a := range w.actors {
		if a.kind == workerKind && !a.alive && a.worker.actor == a {
			w.restartWorker(a.worker)
		}
	}
	w.redrive()
}

// stop ends all coroutines.
func (w *World) stop() {
	for _, a := range w.actors {
		a.stop()
	}
	for _, c := range w.idle {
		c.cancel()
	}
}

type itemHeap []*item

func (h itemHeap) Len() int { return len(h) }
func (h itemHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].serial < h[j].serial
}
func (h itemHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *itemHeap) Push(x any)   { *h = append(*h, x.(*item)) }
func (h *itemHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
