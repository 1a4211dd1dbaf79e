package world

import (
	"time"

	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// dice draw all that is left to chance in a world: how long things take, and which faults strike.
type dice struct {
	chooser choose.Chooser
	every   [fault.Kinds]int // a fault strikes one time in so many opportunities; 0: never
	labels  map[string]*[fault.Kinds]string
	tally   *fault.Tally
	instant bool // calls and deliveries take no time
	healed  bool // no fault strikes any more

	staged func(fault.Kind) bool // says whether a fault strikes, on a stage; nil elsewhere
}

func newDice(chooser choose.Chooser, instant bool) *dice {
	return &dice{chooser: chooser, instant: instant, labels: map[string]*[fault.Kinds]string{}, tally: fault.NewTally()}
}

// enable draws which of the allowed faults strike in this run, and how often (swarm testing). A
// calm run has few of them, so that the others do not hide what one alone does. If fixed, all
// strike, and most often.
func (d *dice) enable(allowed map[fault.Kind]bool, fixed bool) {
	calm := !fixed && d.choose(4, "swarm.calm") == 1
	for _, f := range fault.All() {
		switch {
		case !allowed[f]:
		case calm && d.choose(8, "calm."+f.String()) != 1:
		case fixed:
			d.every[f] = 4
		case d.choose(3, "swarm."+f.String()) != 0:
			d.every[f] = f.Strengths()[d.choose(3, "strength."+f.String())]
		}
	}
}

// strikes draws whether the fault strikes here and now.
func (d *dice) strikes(f fault.Kind, where string) bool {
	if d.staged != nil {
		return d.staged(f)
	}
	if !d.drawn(f, where) {
		return false
	}
	d.tally.Strike(f)
	return true
}

// drawn draws whether the fault will strike later; the caller counts it when it does.
func (d *dice) drawn(f fault.Kind, where string) bool {
	every := d.every[f]
	if every == 0 || d.healed {
		return false
	}
	return d.choose(every, d.faultLabels(where)[f]) == every-1
}

// faultLabels are the labels of the draws for faults at a place.
func (d *dice) faultLabels(where string) *[fault.Kinds]string {
	labels, ok := d.labels[where]
	if !ok {
		labels = &[fault.Kinds]string{}
		for _, f := range fault.All() {
			labels[f] = "fault." + f.String() + "." + where
		}
		d.labels[where] = labels
	}
	return labels
}

// choose picks one of n possibilities.
func (d *dice) choose(n int, label string) int {
	if n <= 1 {
		return 0
	}
	return d.chooser.Choose(n, label)
}

// between draws a duration, in steps of a thousandth of the range.
func (d *dice) between(from, to time.Duration, label string) time.Duration {
	if d.staged != nil {
		return from
	}
	return from + (to-from)/1000*time.Duration(d.choose(1001, label))
}

// latency is how long a call or a delivery takes: nothing if the chooser itself decides the order.
func (d *dice) latency(label string) time.Duration {
	if d.instant {
		return 0
	}
	return time.Duration(1+d.choose(60, "latency."+label)) * time.Millisecond
}

// next picks who of the ready goes next.
func (d *dice) next(n int, names func() []string) int {
	if scheduler, ok := d.chooser.(choose.Scheduler); ok {
		return scheduler.Next(names())
	}
	return d.choose(n, choose.Schedule)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
