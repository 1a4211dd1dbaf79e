package model

// Decision is what a message may do about a claim row.
type Decision uint8

// The decisions. DecisionAgain, DecisionNew, DecisionJoin and DecisionTakeOver let the message
// claim; the others do not.
const (
	DecisionAgain      Decision = iota // it already has the claim, so it writes nothing
	DecisionNew                        // the claim is free
	DecisionJoin                       // its thread holds the claim
	DecisionTakeOver                   // it has asked the holder to yield and need not wait longer
	DecisionInterrupt                  // it may ask the holder to yield
	DecisionLater                      // it has to look again: the row has no room, or the budget is spent
	DecisionSuperseded                 // a newer message of another thread goes first
)

func (d Decision) String() string {
	return [...]string{"again", "new", "join", "take-over", "interrupt", "later", "superseded"}[d]
}

// Proceeds says whether the decision lets the message claim.
func (d Decision) Proceeds() bool { return d <= DecisionTakeOver }

// Decide decides what a message may do about the claim. Check, claim and interrupt all ask it, so
// that one never admits what another refuses on every retry.
//
// A thread that takes the place of another preemptor costs no budget: it interrupts nobody else.
//
// A newer preemptor of another thread supersedes m even if the claim has no jobs left: it has been
// woken and is about to claim. On an expired claim it does not count, because it may be as dead as
// the holder.
func Decide(row Row, m Message, now int64, s Settings) Decision {
	held := row.Held(now, s)
	if held && row.HasJob(m.ID) {
		return DecisionAgain
	}
	p := row.Preemptor
	if p.Exists() && row.Expired(now, s) {
		p = Preemptor{}
	}
	newerThanPreemptor := !p.Exists() || m.NewerThan(p.ReceivedAtMillis, p.NewestMessageID)
	if p.ThreadID != m.Thread && !newerThanPreemptor {
		return DecisionSuperseded
	}
	if !held {
		return DecisionNew
	}
	if row.ThreadID == m.Thread {
		if s.MaxJobs > 0 && len(row.Jobs) >= s.MaxJobs {
			return DecisionLater
		}
		return DecisionJoin
	}
	_, waits := p.Token(m.ID)
	if waits && (!row.HasLiveLease(now, s) || p.RequestedAtMillis+s.InterruptGraceMillis+s.MaxClockSkewMillis < now) {
		return DecisionTakeOver
	}
	switch {
	case p.ThreadID != m.Thread && !m.NewerThan(row.ReceivedAtMillis, row.NewestMessageID):
		return DecisionSuperseded
	case p.ThreadID == m.Thread && !waits && s.MaxWaiting > 0 && len(p.Waiting) >= s.MaxWaiting:
		return DecisionLater
	case !p.Exists() && row.BudgetIsSpent(now, s):
		return DecisionLater
	}
	return DecisionInterrupt
}
