package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// fetching is what fetching mail takes and meets: how large the mails are, and when no mail can be
// fetched.
type fetching struct {
	takes    map[string]time.Duration // by message; a large mail stays large
	absences []absence
}

// fetchTakes is how long it takes to fetch a message's mail. It is drawn at the first fetch.
func (w *World) fetchTakes(message string) time.Duration {
	if takes, drawn := w.fetching.takes[message]; drawn || w.staged() {
		return takes
	}
	takes := time.Duration(0)
	if w.dice.strikes(fault.SlowBegin, "mail") {
		takes = w.dice.between(0, 4*w.scenario.Claim.Lease, "delay.fetch")
		w.story.fault(fault.SlowBegin, fmt.Sprintf("to fetch %s takes %v", message, takes))
	}
	w.fetching.takes[message] = takes
	return takes
}

// absence is a time in which no mail can be fetched.
type absence struct{ from, until time.Time }

// layOutAbsences may lay out such times, each from when a mail arrives.
func (w *World) layOutAbsences() {
	for _, m := range w.scenario.Mails {
		if !w.dice.drawn(fault.BeginAway, "s3") {
			continue
		}
		from := w.now.Add(m.At)
		w.fetching.absences = append(w.fetching.absences, absence{from, from.Add(w.dice.between(time.Minute, w.scenario.Horizon, "delay.back"))})
	}
}

// away says whether no mail can be fetched now.
func (w *World) away() bool {
	return !w.dice.healed && slices.ContainsFunc(w.fetching.absences, func(a absence) bool { return !w.now.Before(a.from) && w.now.Before(a.until) })
}

// mayFallSick may lay out a time in which the machine can begin nothing.
func (wa *workerActor) mayFallSick() {
	w := wa.world
	if !w.dice.drawn(fault.SickWorker, "machine") {
		return
	}
	wa.sickFrom = w.now.Add(w.dice.between(0, w.scenario.Horizon/2, "delay.sick"))
	wa.sickUntil = wa.sickFrom.Add(w.dice.between(time.Minute, w.scenario.Horizon, "delay.well"))
}

// sick says whether the machine can begin nothing now.
func (wa *workerActor) sick() bool {
	w := wa.world
	return !w.dice.healed && !w.now.Before(wa.sickFrom) && w.now.Before(wa.sickUntil)
}

var errSick = fmt.Errorf("%w: no space left on device", worker.ErrMachine)

// prepared says what becomes of a preparation that is over: why the command cannot begin, or nil.
func (wa *workerActor) prepared() error {
	w := wa.world
	switch {
	case w.away():
		w.dice.tally.Strike(fault.BeginAway)
		w.story.fault(fault.BeginAway, "the mail cannot be fetched now")
		return worker.ErrNotNow
	case wa.sick():
		w.dice.tally.Strike(fault.SickWorker)
		w.story.fault(fault.SickWorker, "the machine has no space left")
		return errSick
	}
	return nil
}
