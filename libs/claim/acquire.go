package claim

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// Checked is the answer of Check.
type Checked struct {
	Decision    Decision
	ContainerID string    // of the claim that was seen; empty if there was none
	RetryAt     time.Time // when to check again, if the decision is DecisionLater
}

// Check reads the claim and decides; it writes nothing. Its read is eventually consistent, at half
// the price, because claim and interrupt decide again. Superseded ends a message, so Check says it
// only after a strongly consistent read.
func (s *Store) Check(ctx context.Context, m job.Message) (Checked, error) {
	checked, err := s.check(ctx, m, false)
	if err == nil && checked.Decision == DecisionSuperseded {
		return s.check(ctx, m, true)
	}
	return checked, err
}

func (s *Store) check(ctx context.Context, m job.Message, consistent bool) (Checked, error) {
	row, err := s.readClaim(ctx, m.ProjectUserID, consistent)
	if err != nil {
		return Checked{}, err
	}
	now := s.now()
	checked := Checked{Decision: Decide(row, m, now, s.settings)}
	if checked.Decision == DecisionLater {
		checked.RetryAt = lookAgain(m, now)
	}
	if row != nil {
		checked.ContainerID = row.ContainerID
	}
	return checked, nil
}

// Claimed is the answer of Claim.
type Claimed struct {
	Decision    Decision  // Again, New, Join or TakeOver if it claimed
	ContainerID string    // of the claim, if it claimed
	RetryAt     time.Time // when to try again, if the decision is DecisionLater or MinClaimInterval forbids the claim now; else zero
	Wakes       []Wake    // who must be told
}

// OK says whether the message is now among the claim's jobs.
func (c Claimed) OK() bool { return c.Decision.Proceeds() && c.RetryAt.IsZero() }

// Claim makes, joins or takes over the key's claim for m. If Decide says that m must wait or is
// superseded, Claim writes nothing and says so.
func (s *Store) Claim(ctx context.Context, m job.Message) (Claimed, error) {
	var claimed Claimed
	err := s.step(ctx, m.ProjectUserID, m.MessageID, func(v view) ([]types.TransactWriteItem, error) {
		if err := v.ended(); err != nil {
			return nil, err
		}
		now := s.now()
		claimed = Claimed{Decision: Decide(v.row, m, now, s.settings)}
		var e *expression
		switch claimed.Decision {
		case DecisionAgain:
			claimed.ContainerID = v.row.ContainerID
			return nil, nil
		case DecisionJoin:
			claimed.ContainerID = v.row.ContainerID
			claimed.Wakes = v.row.Preemptor.wakes(true, m.MessageID)
			e = s.join(v.row, m, now)
		case DecisionLater:
			claimed.RetryAt = lookAgain(m, now)
			return nil, nil
		case DecisionNew, DecisionTakeOver:
			if claimed.RetryAt = s.tooSoon(v.row, now); !claimed.RetryAt.IsZero() {
				return nil, nil
			}
			claimed.ContainerID = s.containerID(now)
			claimed.Wakes = v.row.wakesOnNew(m)
			e = s.fresh(v.row, claimed, m, now)
		default:
			return nil, nil
		}
		onJob := newExpression().when(jobIsOpen).assign("containerId", item.Text(claimed.ContainerID))
		return []types.TransactWriteItem{s.onClaim(m.ProjectUserID, e), s.onJob(m.MessageID, onJob)}, nil
	})
	return claimed, err
}

// tooSoon is when the key may be claimed again, or zero if it may be now.
func (s *Store) tooSoon(row *Row, now time.Time) time.Time {
	if row == nil || s.settings.MinClaimInterval == 0 {
		return time.Time{}
	}
	if at := job.Time(row.ClaimedAtMillis).Add(s.settings.MinClaimInterval); now.Before(at) {
		return at
	}
	return time.Time{}
}

// wakesOnNew lists whom a new claim for m wakes. Messages of m's own thread go on. So do those of a
// newer thread, left by an expired claim: they may interrupt m. Those of an older thread are
// superseded.
func (r *Row) wakesOnNew(m job.Message) []Wake {
	if r == nil {
		return nil
	}
	other := r.otherPreemptor(m)
	return r.Preemptor.wakes(other != nil && newerThan(m, other), m.MessageID)
}

// fresh is the write of a new claim over what was seen: no row, or a claim that is free, expired or
// to be taken over. It is refused if anything that the decision rests on has changed.
func (s *Store) fresh(seen *Row, claimed Claimed, m job.Message, now time.Time) *expression {
	e := newExpression()
	fence := job.Millis(now)
	if seen == nil {
		e.when("attribute_not_exists(projectUserId)")
	} else {
		fence = max(fence, seen.Fence+1)
		e.when("containerId = :container AND fence = :fence").value(":container", item.Text(seen.ContainerID)).value(":fence", item.Number(seen.Fence))
		s.whenPreemptorIs(e, seen.Preemptor)
		if claimed.Decision == DecisionTakeOver {
			s.whenTakeable(e, now)
		} else {
			e.when("attribute_not_exists(jobs) OR expiresAt < :expiresCutSeconds").value(":expiresCutSeconds", item.Number(s.settings.expiryCutSeconds(now)))
		}
	}
	return e.assign("containerId", item.Text(claimed.ContainerID)).assign("threadId", item.Text(m.ThreadID)).
		assign("jobs", item.Set(m.MessageID)).assign("receivedAt", item.Number(m.ReceivedAtMillis)).
		assign("newestMessageId", item.Text(m.MessageID)).assign("claimedAt", item.Number(job.Millis(now))).
		assign("fence", item.Number(fence)).assign("expiresAt", item.Number(s.settings.expiresAtSeconds(now))).
		clear("workerId", "workerJob", "leaseExpiresAt", "preemptor")
}

// whenTakeable demands that the claim still has jobs, and that no worker has a live lease or the
// holder's grace is over.
func (s *Store) whenTakeable(e *expression, now time.Time) {
	e.when("attribute_exists(jobs)")
	e.when("attribute_not_exists(workerId) OR leaseExpiresAt < :leaseCutMillis OR preemptor.requestedAt < :graceCutMillis").
		value(":leaseCutMillis", item.Number(s.settings.expiryCutMillis(now))).
		value(":graceCutMillis", item.Number(s.settings.graceCutMillis(now)))
}

// whenPreemptorIs demands the preemptor that was seen, so that each message that the write clears
// is woken.
func (s *Store) whenPreemptorIs(e *expression, seen *Preemptor) {
	if seen == nil {
		e.when("attribute_not_exists(preemptor)")
		return
	}
	e.when("preemptor = :preemptor").value(":preemptor", seen.value())
}

// whenWorkerIs demands the worker that was seen, so that GoOn is true of the row that was written.
func (s *Store) whenWorkerIs(e *expression, workerID string) {
	if workerID == "" {
		e.when("attribute_not_exists(workerId)")
		return
	}
	e.when("workerId = :worker").value(":worker", item.Text(workerID))
}

// extend moves the claim's end to ClaimTTL from now, but never back: a write that is applied late
// must not take time from a claim that was extended meanwhile.
func (s *Store) extend(e *expression, seen *Row, now time.Time) *expression {
	until := s.settings.expiresAtSeconds(now)
	if seen.ExpiresAtSeconds > until {
		return e
	}
	return e.when("expiresAt <= :new_expiresAt").assign("expiresAt", item.Number(until))
}

// join is the write that adds m to the jobs of its thread's claim, and clears an older preemptor.
func (s *Store) join(seen *Row, m job.Message, now time.Time) *expression {
	e := newExpression().
		when("containerId = :container AND attribute_exists(jobs) AND NOT contains(jobs, :message) AND expiresAt >= :expiresCutSeconds").
		when("size(jobs) < :maxJobs").value(":maxJobs", item.Number(int64(s.settings.MaxJobs))).
		value(":container", item.Text(seen.ContainerID)).value(":message", item.Text(m.MessageID)).
		value(":expiresCutSeconds", item.Number(s.settings.expiryCutSeconds(now)))
	s.whenPreemptorIs(e, seen.Preemptor)
	if seen.Preemptor != nil {
		e.clear("preemptor")
	}
	if m.NewerThan(seen.ReceivedAtMillis, seen.NewestMessageID) {
		e.when("newestMessageId = :newest").value(":newest", item.Text(seen.NewestMessageID)).
			assign("receivedAt", item.Number(m.ReceivedAtMillis)).assign("newestMessageId", item.Text(m.MessageID))
	}
	e.add = append(e.add, "jobs :joining")
	e.value(":joining", item.Set(m.MessageID))
	return s.extend(e, seen, now)
}

// Asked is the answer of Interrupt.
type Asked struct {
	Decision    Decision // Interrupt: m waits now
	ContainerID string   // the container that it asked to yield
	GoOn        bool     // m need not wait: it may claim, or the holder has no live lease
	Wakes       []Wake   // the messages whose place m's thread took
}

// Interrupt makes m's thread the preemptor, or adds m to its thread's waiting messages, with m's
// task token. If m need not wait there, or is superseded by now, the answer says so. Only the first
// thread that asks a holder spends the key's budget: one that takes its place interrupts nobody
// else.
func (s *Store) Interrupt(ctx context.Context, m job.Message, token string) (Asked, error) {
	var asked Asked
	err := s.step(ctx, m.ProjectUserID, m.MessageID, func(v view) ([]types.TransactWriteItem, error) {
		if err := v.ended(); err != nil {
			return nil, err
		}
		now := s.now()
		asked = Asked{Decision: Decide(v.row, m, now, s.settings)}
		if asked.Decision.Proceeds() {
			asked.GoOn = true
		}
		if asked.Decision != DecisionInterrupt {
			return nil, nil
		}
		asked.ContainerID = v.row.ContainerID
		asked.GoOn = !v.row.HasLiveLease(now, s.settings)
		if v.row.waits(m) && v.row.Preemptor.Waiting[m.MessageID] == token {
			return nil, nil
		}
		wanted := &Preemptor{
			ThreadID: m.ThreadID, ReceivedAtMillis: m.ReceivedAtMillis, NewestMessageID: m.MessageID,
			RequestedAtMillis: job.Millis(now), Waiting: map[string]string{m.MessageID: token},
		}
		asked.Wakes = wanted.succeed(v.row.Preemptor, m)
		e := newExpression().
			when("containerId = :container AND attribute_exists(jobs) AND expiresAt >= :expiresCutSeconds AND newestMessageId = :newest").
			value(":container", item.Text(v.row.ContainerID)).value(":expiresCutSeconds", item.Number(s.settings.expiryCutSeconds(now))).
			value(":newest", item.Text(v.row.NewestMessageID))
		s.whenPreemptorIs(e, v.row.Preemptor)
		s.whenWorkerIs(e, v.row.WorkerID)
		e.assign("preemptor", wanted.value())
		if v.row.Preemptor == nil && s.settings.InterruptBudget > 0 {
			s.spend(e, v.row, now)
		}
		return []types.TransactWriteItem{s.onClaim(m.ProjectUserID, e), s.onJob(m.MessageID, newExpression().when(jobIsOpen))}, nil
	})
	return asked, err
}

// spend takes one interruption from the key's budget, as it was seen.
func (s *Store) spend(e *expression, seen *Row, now time.Time) {
	if seen.BudgetUntilMillis == 0 {
		e.when("attribute_not_exists(budgetUntil)")
	} else {
		e.when("budgetUntil = :budgetUntil").value(":budgetUntil", item.Number(seen.BudgetUntilMillis))
	}
	e.assign("budgetUntil", item.Number(seen.budgetAfter(now, s.settings)))
}

// succeed makes p, in which only m waits, the successor of old, and lists whom p replaced. The time
// of the first request stays, even if another thread made it: otherwise a stream of new threads
// could put off the take-over without end.
func (p *Preemptor) succeed(old *Preemptor, m job.Message) []Wake {
	if old == nil {
		return nil
	}
	p.RequestedAtMillis = old.RequestedAtMillis
	if old.ThreadID != p.ThreadID {
		return old.wakes(true, "")
	}
	if !newerThan(m, old) {
		p.ReceivedAtMillis, p.NewestMessageID = old.ReceivedAtMillis, old.NewestMessageID
	}
	for id, token := range old.Waiting {
		if id != m.MessageID {
			p.Waiting[id] = token
		}
	}
	return nil
}
