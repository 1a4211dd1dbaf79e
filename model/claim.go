package model

import "fmt"

// Claim makes, joins or takes over the claim for a message, whichever Decide allows. ContainerID is
// fresh; a new claim and a take-over use it. If the message is already a job of the claim, Claim
// writes nothing and answers with the row's container.
//
// A new claim or a take-over wakes the messages that waited: those of an older thread are
// superseded, the others go on. An expired claim may have a preemptor that is newer than the
// message; it goes on too and asks the new holder to yield.
type Claim struct {
	Message     Message
	ContainerID string
}

func (c Claim) String() string { return fmt.Sprintf("claim for %s (%s)", c.Message.ID, c.ContainerID) }

// Apply claims.
func (c Claim) Apply(before RowAndJob, now int64, s Settings) Result {
	if why := unended(before.Job, c.Message.ID); why != "" {
		return refuse(before, why)
	}
	after := before
	var wakes []Wake
	switch decision := Decide(before.Row, c.Message, now, s); decision {
	case DecisionAgain:
		return Result{After: before}
	case DecisionNew, DecisionTakeOver:
		after.Row = Row{
			ContainerID: c.ContainerID, ThreadID: c.Message.Thread, Jobs: []string{c.Message.ID},
			ReceivedAtMillis: c.Message.ReceivedAtMillis, NewestMessageID: c.Message.ID,
			ClaimedAtMillis: now, Fence: max(before.Row.Fence+1, now), ExpiresAtSeconds: s.ExpiresAtSeconds(now),
			BudgetUntilMillis: before.Row.BudgetUntilMillis,
		}
		p := before.Row.Preemptor
		wakes = p.wakes(c.Message.ID, p.ThreadID != c.Message.Thread && c.Message.NewerThan(p.ReceivedAtMillis, p.NewestMessageID))
	case DecisionJoin:
		after.Row.Jobs = with(before.Row.Jobs, c.Message.ID)
		if c.Message.NewerThan(before.Row.ReceivedAtMillis, before.Row.NewestMessageID) {
			after.Row.ReceivedAtMillis, after.Row.NewestMessageID = c.Message.ReceivedAtMillis, c.Message.ID
		}
		after.Row.ExpiresAtSeconds = max(before.Row.ExpiresAtSeconds, s.ExpiresAtSeconds(now)) // a late join takes no time away
		after.Row.Preemptor = Preemptor{}
		wakes = before.Row.Preemptor.wakes(c.Message.ID, true)
	default:
		return refuse(before, decision.String())
	}
	after.Job.ContainerID = after.Row.ContainerID
	return Result{After: after, Wakes: wakes}
}

// Interrupt writes the message's token on the claim of another thread, to be answered when the
// holder yields. SeenContainerID is the container that the message decided to interrupt: an
// interrupt meant for one container never stops another (S2). If no worker holds a live lease,
// Interrupt wakes the message at once.
type Interrupt struct {
	Message         Message
	Token           string
	SeenContainerID string
}

func (i Interrupt) String() string {
	return fmt.Sprintf("interrupt of %s for %s", i.SeenContainerID, i.Message.ID)
}

// Apply adds the message to those who wait. If its thread replaces another, RequestedAtMillis stays
// that of the first request, so a stream of new threads cannot put off the take-over without end.
func (i Interrupt) Apply(before RowAndJob, now int64, s Settings) Result {
	if why := unended(before.Job, i.Message.ID); why != "" {
		return refuse(before, why)
	}
	if before.Row.ContainerID != i.SeenContainerID {
		return refuse(before, otherContainer)
	}
	if decision := Decide(before.Row, i.Message, now, s); decision != DecisionInterrupt {
		return refuse(before, decision.String())
	}
	after := before
	p := before.Row.Preemptor
	if !p.Exists() {
		after.Row.spendBudget(now, s)
	}
	var wakes []Wake
	if p.ThreadID != i.Message.Thread {
		wakes = p.wakes("", true)
		requestedAt := now
		if p.Exists() {
			requestedAt = p.RequestedAtMillis
		}
		p = Preemptor{ThreadID: i.Message.Thread, RequestedAtMillis: requestedAt}
	}
	if i.Message.NewerThan(p.ReceivedAtMillis, p.NewestMessageID) {
		p.ReceivedAtMillis, p.NewestMessageID = i.Message.ReceivedAtMillis, i.Message.ID
	}
	after.Row.Preemptor = p.waitingWith(i.Message.ID, i.Token)
	if !before.Row.HasLiveLease(now, s) {
		wakes = append(wakes, Wake{MessageID: i.Message.ID, Token: i.Token})
	}
	return Result{After: after, Wakes: wakes}
}
