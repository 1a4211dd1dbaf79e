package world

import (
	"fmt"
	"strings"
)

// Fault is a kind of fault, each a switch.
type Fault int

// The kinds of faults.
const (
	CrashBefore        Fault = iota // F1 an actor dies before its call is made
	CrashAfter                      // F2 … after its call took effect, before it acts on the answer
	RequestLost                     // F3 a call never arrives, or none for a while; the caller sees an error
	AnswerLost                      // F4 a call takes effect; the caller sees an error
	SDKRetry                        // F5 a call takes effect, its answer is lost, and the SDK sends it again
	DuplicateDelivery               // F6 an event or a nudge is delivered twice
	RedeliveryWhileRun              // F7 a worker's extensions of its message's visibility are lost
	Reordering                      // F8 events and messages overtake each other
	LateRequest                     // F9 the caller gives up on a call that takes effect later
	Freeze                          // F10 an actor stands still between two calls, and goes on
	ClockOffset                     // F11 clocks differ
	ClockDrift                      // F12 clocks run apart
	ClockStep                       // F13 a clock jumps
	TTLLag                          // F14 expired items are deleted late, early or never
	StaleRead                       // F15 an eventually consistent read is stale
	Throttle                        // F16 a call is refused for load, or a transaction for a conflict
	TokenGone                       // F17 an execution is stopped while its task is under way
	SlowHeartbeat                   // F18 a heartbeat comes late
	HandlerFails                    // F19 a function does its work, and its run fails all the same
	NudgeLost                       // F20 a nudge or a wake-up is lost
	StuckCommand                    // F22 a command never ends by itself and ignores SIGTERM
	WorkerStops                     // a worker is told to stop, and started again
	faults
)

var faultNames = [faults]string{
	"crash-before", "crash-after", "request-lost", "answer-lost", "sdk-retry", "duplicate-delivery", "redelivery-while-running",
	"reordering", "late-request", "freeze", "clock-offset", "clock-drift", "clock-step", "ttl-lag", "stale-read", "throttle",
	"token-gone", "slow-heartbeat", "handler-fails", "nudge-lost", "stuck-command", "worker-stops",
}

// String is the fault's name on the command line.
func (f Fault) String() string { return faultNames[f] }

// Faults lists every kind.
func Faults() []Fault {
	list := make([]Fault, faults)
	for i := range list {
		list[i] = Fault(i)
	}
	return list
}

// ParseFaults reads a list of names separated by commas; "all" and "none" stand for themselves.
func ParseFaults(list string) (map[Fault]bool, error) {
	on := map[Fault]bool{}
	switch list {
	case "all":
		for _, f := range Faults() {
			on[f] = true
		}
		return on, nil
	case "none", "":
		return on, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		found := false
		for f, known := range faultNames {
			if known == strings.TrimSpace(name) {
				on[Fault(f)], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("fault %q: want all, none, or some of %s", name, strings.Join(faultNames[:], ", "))
		}
	}
	return on, nil
}

// strength is how often an enabled fault strikes: one time in so many opportunities. 0 is off.
type strength int

// strikes draws whether the fault strikes here and now.
func (w *World) strikes(f Fault, where string) bool {
	if w.stage != nil {
		return w.stage.strikes(f)
	}
	if !w.drawn(f, where) {
		return false
	}
	w.struck(f)
	return true
}

// drawn draws whether the fault will strike; it is counted when it does.
func (w *World) drawn(f Fault, where string) bool {
	every := w.faults[f]
	if every == 0 || w.healed {
		return false
	}
	return w.choose(int(every), w.faultLabels(where)[f]) == int(every)-1
}

// FaultSet is a set of faults.
type FaultSet uint32

// Has says whether f is in the set.
func (s FaultSet) Has(f Fault) bool { return s>>f&1 == 1 }

// struck counts a fault, and whether it struck inside a claim's life.
func (w *World) struck(f Fault) {
	w.Struck[f]++
	if len(w.oracle.held) > 0 {
		w.inside[f]++
	}
	for key := range w.oracle.held {
		w.oracle.held[key] |= 1 << f
	}
}

// faultLabels are the labels of the draws for faults at a place.
func (w *World) faultLabels(where string) *[faults]string {
	labels, ok := w.labels[where]
	if !ok {
		labels = &[faults]string{}
		for f, name := range faultNames {
			labels[f] = "fault." + name + "." + where
		}
		w.labels[where] = labels
	}
	return labels
}

func byName(counts [faults]int) map[string]int {
	named := map[string]int{}
	for f, n := range counts {
		if n > 0 {
			named[Fault(f).String()] = n
		}
	}
	return named
}
