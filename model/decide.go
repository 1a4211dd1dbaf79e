package model

// Decision is what a message may do about a claim row.
type Decision uint8

// The decisions. Again, New, Join and TakeOver let the message claim; the others do not.
const (
	Again         Decision = iota // it already has the claim, nothing is to be written
	New                           // the claim is free
	Join                          // its thread holds the claim
	TakeOver                      // it has asked the holder to yield, and need not wait any longer
	MustInterrupt                 // it may ask the holder to yield
	MustYield                     // a newer message of another thread goes first: it is superseded
)

func (d Decision) String() string {
	return [...]string{"again", "new", "join", "take over", "interrupt", "superseded"}[d]
}

// MayClaim says whether the decision lets the message claim.
func (d Decision) MayClaim() bool { return d <= TakeOver }

// Decide is the one place where a message's right to a claim is decided; check, claim and interrupt all ask it, so that they
// cannot disagree for ever.
//
// A preemptor of another thread that is newer than m bars m's way even where the claim has no jobs left, because that
// preemptor has been woken and is about to claim. On an expired claim it bars nobody: it may be as dead as the holder.
func Decide(row Row, m Message, now int64, s Settings) Decision {
	held := row.Held(now, s)
	if held && row.HasJob(m.ID) {
		return Again
	}
	p := row.Preemptor
	if p.Exists() && row.Expired(now, s) {
		p = Preemptor{}
	}
	newerThanPreemptor := !p.Exists() || m.NewerThan(p.ReceivedAt, p.NewestMessageID)
	if p.ThreadID != m.Thread && !newerThanPreemptor {
		return MustYield
	}
	if !held {
		return New
	}
	if row.ThreadID == m.Thread {
		return Join
	}
	if _, waits := p.Token(m.ID); waits && (!row.Leased(now, s) || p.RequestedAt+s.InterruptGraceMillis+s.SkewMillis < now) {
		return TakeOver
	}
	if p.ThreadID == m.Thread || m.NewerThan(row.ReceivedAt, row.NewestMessageID) {
		return MustInterrupt
	}
	return MustYield
}
