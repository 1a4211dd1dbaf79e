package claim

import (
	"time"

	"github.com/webordinary/hephaestus/libs/job"
)

// Decision is what the protocol says of a message that wants to work for its key.
type Decision int

// The decisions. DecisionAgain, DecisionNew, DecisionJoin and DecisionTakeOver are ways to claim;
// DecisionInterrupt means to ask the holder and wait; DecisionSuperseded means that a newer message
// of another thread has or wants the key. DecisionLater means to leave the row as it is and look
// again: it has no room, or the key's budget of interruptions is spent.
const (
	DecisionSuperseded Decision = iota
	DecisionInterrupt
	DecisionLater
	DecisionAgain
	DecisionNew
	DecisionJoin
	DecisionTakeOver
)

// String is the decision's name in logs and answers.
func (d Decision) String() string {
	return [...]string{"superseded", "interrupt", "later", "again", "new", "join", "take-over"}[d]
}

// Proceeds says whether the decision is a way to claim.
func (d Decision) Proceeds() bool { return d >= DecisionAgain }

// Decide is the one rule behind check, claim and interrupt, so that one never admits what another
// refuses on every retry. row is nil if the key has none.
func Decide(row *Row, m job.Message, now time.Time, s Settings) Decision {
	if row == nil || row.Expired(now, s) {
		return DecisionNew
	}
	if row.HasJob(m.MessageID) {
		return DecisionAgain
	}
	other := row.otherPreemptor(m)
	switch {
	case other != nil && !newerThan(m, other):
		return DecisionSuperseded
	case len(row.Jobs) == 0:
		return DecisionNew
	case row.ThreadID == m.ThreadID && row.hasRoomForJob(s):
		return DecisionJoin
	case row.ThreadID == m.ThreadID:
		return DecisionLater
	case row.waits(m) && row.mayBeTakenOver(now, s):
		return DecisionTakeOver
	case row.Preemptor != nil && other == nil:
		return laterUnless(row.waits(m) || row.hasRoomToWait(s))
	case m.NewerThan(row.ReceivedAtMillis, row.NewestMessageID):
		return laterUnless(row.Preemptor != nil || !row.budgetIsSpent(now, s))
	}
	return DecisionSuperseded
}

// laterUnless is for a message that may interrupt the holder if there is room for that.
func laterUnless(room bool) Decision {
	if room {
		return DecisionInterrupt
	}
	return DecisionLater
}

// otherPreemptor is the preemptor if it is of another thread than m's, else nil.
func (r *Row) otherPreemptor(m job.Message) *Preemptor {
	if r.Preemptor == nil || r.Preemptor.ThreadID == m.ThreadID {
		return nil
	}
	return r.Preemptor
}

func newerThan(m job.Message, p *Preemptor) bool {
	return m.NewerThan(p.ReceivedAtMillis, p.NewestMessageID)
}

// waits says whether m is among the preemptor's waiting messages.
func (r *Row) waits(m job.Message) bool {
	if r.Preemptor == nil {
		return false
	}
	_, ok := r.Preemptor.Waiting[m.MessageID]
	return ok
}

// mayBeTakenOver says whether the preemptor need not wait any longer: no worker holds a live lease,
// or the holder has had its grace.
func (r *Row) mayBeTakenOver(now time.Time, s Settings) bool {
	return !r.HasLiveLease(now, s) || r.Preemptor.RequestedAtMillis < s.graceCutMillis(now)
}

// graceCutMillis is the cut at now: if the holder was asked before it, its grace is over on every
// clock.
func (s Settings) graceCutMillis(now time.Time) int64 {
	return job.Millis(now.Add(-s.InterruptGrace - s.MaxClockSkew))
}
