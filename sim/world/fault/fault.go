// Package fault is the table of what can go wrong in the simulation: each kind has a name, a
// family, one sentence on what it does, and the places where it strikes.
//
// It promises that a new kind needs one line here; the one place of package world that asks whether
// it strikes gives it its effect. It does not say when a fault strikes: the seed or the stage
// chooses that.
package fault

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is a kind of fault; a run has each on or off.
type Kind int

// The kinds of faults. Seeds draw in this order, so a new one comes last.
const (
	CrashBefore Kind = iota
	CrashAfter
	RequestLost
	AnswerLost
	SDKRetry
	DuplicateDelivery
	RedeliveryWhileRun
	Reordering
	LateRequest
	Freeze
	ClockOffset
	ClockDrift
	ClockStep
	TTLLag
	StaleRead
	Throttle
	TokenGone
	SlowHeartbeat
	HandlerFails
	NudgeLost
	StuckCommand
	WorkerStops
	SlowBegin
	SickWorker
	BeginAway
	EventLost
	RowExpires
	IntakeGivenUp
	ServiceAway
	Kinds // how many there are; as a Kind it is none
)

// Family holds faults that do the same kind of harm: a mistake that one of them shows, the others
// often show too.
type Family string

// The families.
const (
	Crashes    Family = "crashes" // to die after a call is to die before the next
	LostCalls  Family = "lost calls"
	Repeats    Family = "repeats"
	Order      Family = "order"
	Standstill Family = "standstill"
	Clocks     Family = "clocks"
	Refusals   Family = "refusals"
	Storage    Family = "storage"
	Endings    Family = "endings"
	Hints      Family = "hints"
	Begins     Family = "begins"
	Outages    Family = "outages"
)

// place is where a fault strikes.
type place string

const (
	atCall     place = "a call of AWS"
	atDelivery place = "a delivery or a nudge"
	atBirth    place = "the birth of an actor"
	anyTime    place = "any time of an actor's life"
	inCore     place = "a choice that AWS makes"
	bySchedule place = "a time that is laid out before the run"
	atReturn   place = "a function's return"
	atCommand  place = "the begin of a command"
	ofMachine  place = "the machine of a worker"
	afterAll   place = "a time after all has ended"
)

// Harm is the worst that a fault may do to a job: why it may fail or time out that would have
// completed.
type Harm int

// The harms.
const (
	Delay     Harm = iota // it costs time, and nothing else
	LostStart             // a worker that has started the job does not come to its end
	Overtime              // the command runs longer than it may
	Abort                 // the execution is aborted
	NoBegin               // the execution never begins
)

// entry is what the table says of a kind.
type entry struct {
	name   string // on the command line and in reports
	family Family
	what   string // what it does
	where  place  // where it strikes
	harm   Harm
	staged bool // it can strike on a stage
}

var table = [Kinds]entry{
	CrashBefore:        {"crash-before", Crashes, "an actor dies before its call is made", atCall, LostStart, true},
	CrashAfter:         {"crash-after", Crashes, "an actor dies after its call took effect, before it acts on the answer", atCall, LostStart, true},
	RequestLost:        {"request-lost", LostCalls, "a call never arrives, or none does for a while; the caller sees an error", atCall, LostStart, true},
	AnswerLost:         {"answer-lost", LostCalls, "a call takes effect, and the caller sees an error", atCall, LostStart, true},
	SDKRetry:           {"sdk-retry", Repeats, "a call takes effect, its answer is lost, and the SDK sends it again", atCall, Delay, true},
	DuplicateDelivery:  {"duplicate-delivery", Repeats, "an event or a nudge is delivered twice", atDelivery, Delay, false},
	RedeliveryWhileRun: {"redelivery-while-running", Repeats, "a worker's extensions of its message's visibility are lost", atCall, Delay, false},
	Reordering:         {"reordering", Order, "events and messages overtake each other", atDelivery, Delay, false},
	LateRequest:        {"late-request", LostCalls, "the caller gives up a call that takes effect later", atCall, LostStart, true},
	Freeze:             {"freeze", Standstill, "an actor stands still before a call, and goes on", atCall, LostStart, false},
	ClockOffset:        {"clock-offset", Clocks, "an actor's clock differs from the others", atBirth, Delay, false},
	ClockDrift:         {"clock-drift", Clocks, "an actor's clock runs faster or slower than the others", atBirth, Delay, false},
	ClockStep:          {"clock-step", Clocks, "an actor's clock jumps", anyTime, Delay, false},
	TTLLag:             {"ttl-lag", Storage, "expired items are deleted late, early or never", bySchedule, Delay, false},
	StaleRead:          {"stale-read", Storage, "an eventually consistent read does not see the last write", inCore, Delay, false},
	Throttle:           {"throttle", Refusals, "a call is refused for load, or a transaction for a conflict", atCall, LostStart, true},
	TokenGone:          {"token-gone", Endings, "an execution is stopped while its task is under way", bySchedule, Abort, false},
	SlowHeartbeat:      {"slow-heartbeat", Standstill, "a worker's heartbeat takes long", atCall, LostStart, false},
	HandlerFails:       {"handler-fails", Endings, "a function does its work, and its run fails all the same", atReturn, Delay, false},
	NudgeLost:          {"nudge-lost", Hints, "a nudge or a wake-up is lost", atCall, Delay, false},
	StuckCommand:       {"stuck-command", Endings, "a command never ends by itself and ignores SIGTERM", atCommand, Overtime, false},
	WorkerStops:        {"worker-stops", Endings, "a worker is told to stop, and started again", anyTime, Delay, false},
	SlowBegin:          {"slow-begin", Begins, "a mail takes long to fetch, up to several leases, whenever it is fetched", atCommand, Delay, false},
	SickWorker:         {"sick-worker", Begins, "a worker's machine can begin nothing for a while, or until faults cease", ofMachine, Delay, false},
	BeginAway:          {"begin-away", Begins, "no mail can be fetched for a while", bySchedule, Delay, false},
	EventLost:          {"event-lost", Hints, "EventBridge loses the event of an execution's end", atDelivery, Delay, false},
	RowExpires:         {"row-expires", Storage, "a mail's row expires, the name of its execution lives on, and its object is put again", afterAll, Delay, false},
	IntakeGivenUp:      {"intake-given-up", Endings, "no try of an event of intake gets through, and nobody gives it to intake again if its mail has a row", atCall, NoBegin, false},
	ServiceAway:        {"service-away", Outages, "one service, table, queue or function is away for minutes or hours: each call of it fails", bySchedule, Delay, false},
}

// String is the fault's name on the command line.
func (k Kind) String() string { return table[k].name }

// Family is the kind's family.
func (k Kind) Family() Family { return table[k].family }

// Says tells in one sentence what the fault does, and where it strikes.
func (k Kind) Says() string { return table[k].what + " (at " + string(table[k].where) + ")" }

// Harm is the worst that the fault may do to a job.
func (k Kind) Harm() Harm { return table[k].harm }

// AfterAll says whether the fault strikes only when no claim is held any more.
func (k Kind) AfterAll() bool { return table[k].where == afterAll }

// Strengths are how seldom the fault strikes in a run, of which one is drawn: one time in so many
// opportunities. Of some kinds a run has few.
func (k Kind) Strengths() [3]int {
	if k == EventLost {
		return [3]int{4, 3, 2}
	}
	return [3]int{80, 25, 8}
}

// Staged says whether the fault can strike on a stage.
func (k Kind) Staged() bool { return table[k].staged }

// All lists every kind.
func All() []Kind {
	list := make([]Kind, Kinds)
	for i := range list {
		list[i] = Kind(i)
	}
	return list
}

// Of lists the kinds of a family.
func Of(f Family) []Kind {
	return slices.DeleteFunc(All(), func(k Kind) bool { return k.Family() != f })
}

// Parse reads a list of names separated by commas; "all" and "none" stand for themselves.
func Parse(list string) (map[Kind]bool, error) {
	on := map[Kind]bool{}
	switch list {
	case "all":
		for _, k := range All() {
			on[k] = true
		}
		return on, nil
	case "none", "":
		return on, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		at := slices.IndexFunc(table[:], func(e entry) bool { return e.name == strings.TrimSpace(name) })
		if at < 0 {
			return nil, fmt.Errorf("fault %q: want all, none, or some of %s", name, strings.Join(names(), ", "))
		}
		on[Kind(at)] = true
	}
	return on, nil
}

func names() []string {
	var list []string
	for _, e := range table {
		list = append(list, e.name)
	}
	return list
}
