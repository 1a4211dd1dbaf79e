package check

import (
	"fmt"

	"github.com/webordinary/hephaestus/model"
)

type actionKind uint8

const (
	arrives actionKind = iota
	checks
	freezes
	applies
	waitedLongEnough
	sends
	records
	timesOut
	exhausts
	receives
	starts
	startRefused
	findsOutcome
	declines
	leaves
	beats
	isAsked
	ends
	kills
	finishes
	wakesAll
	tells
	deletes
	handsBack
	crashes
	leaseEnds
	claimEnds
	graceEnds
	budgetRenews
	ttlDeletes
	redelivers
)

// action is a step of the world, as a trace tells it.
type action struct {
	kind       actionKind
	worker     int
	msg        uint8
	phase      phase
	outcome    outcome
	decision   model.Decision
	refused    string
	late       bool
	answerLost bool
	wakesLost  bool
	raises     bool // the fence
}

var callNames = map[phase]string{
	claiming: "claim", interrupting: "interrupt", superseding: "supersede", cleaning: "clean-up",
}

// sentence tells the action. who is the worker's lasting name; fence counts how often the trace has
// raised the row's fence.
func (a action) sentence(who string, fence int) string {
	s := a.phrase(who)
	switch {
	case a.refused != "":
		s += ", refused: " + a.refused
	case a.raises:
		s += fmt.Sprintf(" (fence %d)", fence)
	}
	if a.answerLost {
		s += "; the answer is lost"
	}
	if a.wakesLost {
		s += "; its wake-ups are lost"
	}
	return s
}

func (a action) phrase(who string) string {
	m := fmt.Sprintf("message %d", a.msg)
	switch a.kind {
	case arrives:
		return m + " arrives"
	case checks:
		return fmt.Sprintf("the check for %s says %s", m, a.decision)
	case freezes:
		return fmt.Sprintf("the %s of %s freezes, Step Functions will call again", callNames[a.phase], m)
	case applies:
		if a.late {
			return fmt.Sprintf("the frozen %s of %s is applied late", callNames[a.phase], m)
		}
		return fmt.Sprintf("the %s of %s is applied", callNames[a.phase], m)
	case waitedLongEnough:
		return m + " has waited long enough and goes on"
	case sends:
		return m + " is sent to the work queue"
	case records:
		return "the interruption of " + m + " is recorded"
	case timesOut:
		return "the execution of " + m + " times out"
	case exhausts:
		return m + " has used up its receives and leaves the work queue"
	case leaseEnds:
		return "time passes: the lease runs out"
	case claimEnds:
		return "time passes: the claim runs out"
	case graceEnds:
		return "time passes: the grace period ends"
	case budgetRenews:
		return "time passes: the budget of interruptions has room again"
	case ttlDeletes:
		return "DynamoDB deletes the expired row"
	case redelivers:
		return m + " becomes visible again while its receiver works"
	}
	return a.workerPhrase(who, m)
}

func (a action) workerPhrase(who, m string) string {
	switch a.kind {
	case receives:
		return who + " receives " + m
	case starts:
		return who + " starts " + m
	case startRefused:
		return who + " asks again whether it has started " + m + ", it has not"
	case findsOutcome:
		return fmt.Sprintf("%s finds %s already %s", who, m, outcomes[a.outcome])
	case declines:
		return who + " declines " + m
	case leaves:
		return who + " leaves " + m + " in the queue"
	case beats:
		return who + " sends a heartbeat"
	case isAsked:
		return who + " learns from its heartbeat that it has to stop " + m
	case ends:
		return fmt.Sprintf("%s: the command for %s ends, %s", who, m, outcomes[a.outcome])
	case kills:
		return who + " has lost its lease, kills the command for " + m + " and writes nothing"
	case finishes:
		return fmt.Sprintf("%s writes that %s is %s", who, m, outcomes[a.outcome])
	case wakesAll:
		return who + " wakes those who wait"
	case tells:
		return fmt.Sprintf("%s tells Step Functions that %s is %s", who, m, outcomes[a.outcome])
	case deletes:
		return who + " deletes " + m + " from the queue"
	case handsBack:
		return who + " is told to stop and hands " + m + " back"
	case crashes:
		return who + " crashes"
	}
	return fmt.Sprintf("action %d", a.kind)
}
