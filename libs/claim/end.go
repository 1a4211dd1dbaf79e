package claim

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// ErrLeaseLost says that the worker no longer holds the lease: nothing was written, and it must
// write nothing more.
var ErrLeaseLost = errors.New("the lease is lost")

// ErrNobodyWaits says that a job was to end as interrupted, but no thread asks for the key any
// more: nothing was written, and the job should go on.
var ErrNobodyWaits = errors.New("nobody asks to yield any more")

// ErrWorkedOn says that a worker with a live lease is at the job: nothing was written. A later try
// finds the job ended, or the lease over.
var ErrWorkedOn = errors.New("a worker is at the job, under a live lease")

// End is how a job ends.
type End struct {
	Outcome     job.Outcome
	Result      string // what the command or the clean-up has to say, for people
	PartialWork string // what a command that was stopped says it has saved
}

// Finished is the answer of the steps that end a job.
type Finished struct {
	Job   Job    // as it has ended, by this step or before it
	Wakes []Wake // who may go on now
}

// Finish ends the job that the lease is for, and gives the lease up. If the job already has its
// outcome (the answer of an earlier try was lost, or clean-up was faster), that outcome is the
// answer. An interrupted end needs a thread that still asks for the key (else ErrNobodyWaits).
// ErrLeaseLost says that the lease was taken.
func (s *Store) Finish(ctx context.Context, l Lease, end End) (Finished, error) {
	var finished Finished
	err := s.step(ctx, l.Key, l.MessageID, func(v view) ([]types.TransactWriteItem, error) {
		now := s.now()
		if v.ended() != nil {
			finished = Finished{Job: *v.job, Wakes: v.row.wakesWhenIdle(now, s.settings)}
			return nil, nil
		}
		if v.row == nil || v.row.Fence != l.Fence || v.row.WorkerID != l.WorkerID || !v.row.HasJob(l.MessageID) {
			seen, err := s.look(ctx, l.Key, l.MessageID)
			if err != nil {
				return nil, err
			}
			if seen.ended() != nil {
				finished = Finished{Job: *seen.job, Wakes: seen.row.wakesWhenIdle(now, s.settings)}
				return nil, nil
			}
			return nil, ErrLeaseLost
		}
		by := v.row.asker(end)
		if end.Outcome == job.Interrupted && by == nil {
			return nil, ErrNobodyWaits
		}
		e := mine(l).when("contains(jobs, :message)").value(":message", item.Text(l.MessageID))
		s.whenPreemptorIs(e, v.row.Preemptor)
		e.delete = append(e.delete, "jobs :ending")
		e.value(":ending", item.Set(l.MessageID)).clear("workerId", "workerJob", "leaseExpiresAt")
		running := Job{MessageID: l.MessageID, Key: l.Key, ContainerID: l.ContainerID, ThreadID: v.row.ThreadID, OpenShard: openShard(l.MessageID)}
		finished = Finished{Job: running.ended(end, by, now, false), Wakes: v.row.Preemptor.wakes(false, "")}
		return []types.TransactWriteItem{s.onClaim(l.Key, e), s.onJob(l.MessageID, outcome(finished.Job))}, nil
	})
	return finished, err
}

// asker is the thread that asked the holder to yield, as an interrupted job's row keeps it; nil for
// any other end, or if no other thread asks.
func (r *Row) asker(end End) *InterruptedBy {
	p := r.Preemptor
	if end.Outcome != job.Interrupted || p == nil || p.ThreadID == r.ThreadID {
		return nil
	}
	return &InterruptedBy{
		ThreadID: p.ThreadID, MessageID: p.NewestMessageID, RequestedAtMillis: p.RequestedAtMillis,
	}
}

// wakesWhenIdle lists who may take over the claim, if no worker has a live lease under it.
func (r *Row) wakesWhenIdle(now time.Time, s Settings) []Wake {
	if r == nil || r.HasLiveLease(now, s) {
		return nil
	}
	return r.Preemptor.wakes(false, "")
}

// Declined is the answer of Decline.
type Declined struct {
	Verdict Verdict // Yielded: declined now; else what Start would say of the work by now
	Finished
}

// Decline ends, as interrupted, work that may not be started because a newer thread has or wants
// the key. It decides by the same rule as Start. If the verdict has changed meanwhile, Decline
// writes nothing and answers with the new one.
func (s *Store) Decline(ctx context.Context, w job.Work, workerID string) (Declined, error) {
	var declined Declined
	m := w.Message
	err := s.step(ctx, m.ProjectUserID, m.MessageID, func(v view) ([]types.TransactWriteItem, error) {
		v, err := s.withJob(ctx, v, m)
		if err != nil {
			return nil, err
		}
		now := s.now()
		start := s.verdict(v, w, workerID, now)
		declined = Declined{Verdict: start.Verdict, Finished: Finished{Job: start.Job}}
		if start.Verdict != Yielded {
			return nil, nil
		}
		e := seenRow(v.row)
		s.whenPreemptorIs(e, v.row.Preemptor)
		if v.row.ContainerID == w.ContainerID {
			e.when("attribute_not_exists(workerId) OR workerId = :me OR leaseExpiresAt < :leaseCutMillis").
				value(":me", item.Text(workerID)).value(":leaseCutMillis", item.Number(s.settings.expiryCutMillis(now)))
			s.release(e, v.row, m.MessageID)
			declined.Wakes = v.row.Preemptor.wakes(false, "")
		}
		declined.Job = v.job.ended(End{Outcome: job.Interrupted, Result: "not started: a newer thread has the key"}, v.row.supersedes(m), now, false)
		onJob := outcome(declined.Job).when("containerId = :container").value(":container", item.Text(w.ContainerID))
		return []types.TransactWriteItem{s.onClaim(m.ProjectUserID, e), s.onJob(m.MessageID, onJob)}, nil
	})
	return declined, err
}

// CleanUp is a job that has to be ended from outside: its time is over, its execution failed or was
// aborted, or it is superseded.
type CleanUp struct {
	Message     job.Message
	ContainerID string // if set: end the job only while this is its container (an old work message must not)

	// ExecutionARN, if set: end the job only if this is its execution. One of an earlier row of the
	// message, which has expired, must not.
	ExecutionARN string
	SpareLive    bool // leave the job to a worker with a live lease for it, and answer ErrWorkedOn
	End          End  // not Completed
	// Record makes the audit record from the job as it ends. The same transaction writes it.
	Record func(Job) types.TransactWriteItem
}

// CleanUp ends the job unless it has ended, and takes its message off the claim: out of the claim's
// jobs and of those who wait, and off the lease. If the lease was the message's, the fence grows,
// so that its worker's later writes are refused. A claim that has passed to others stays as it is
// (S4). The answer's job has no outcome only if its container or execution is not the one named.
func (s *Store) CleanUp(ctx context.Context, c CleanUp) (Finished, error) {
	var finished Finished
	m := c.Message
	err := s.step(ctx, m.ProjectUserID, m.MessageID, func(v view) ([]types.TransactWriteItem, error) {
		v, err := s.withJob(ctx, v, m)
		if err != nil {
			return nil, err
		}
		now := s.now()
		if v.ended() != nil || (c.ContainerID != "" && c.ContainerID != v.job.ContainerID) {
			finished = Finished{Job: *v.job, Wakes: v.row.wakesWhenIdle(now, s.settings)}
			return nil, nil
		}
		if c.ExecutionARN != "" && c.ExecutionARN != v.job.ExecutionARN {
			finished = Finished{Job: *v.job}
			return nil, nil
		}
		spares := c.SpareLive && v.row != nil && v.row.HasJob(m.MessageID) && v.row.WorkerJob == m.MessageID
		if spares && v.row.HasLiveLease(now, s.settings) {
			return nil, ErrWorkedOn
		}
		var by *InterruptedBy
		if c.End.Outcome == job.Superseded {
			by = v.row.supersedes(m)
		}
		finished = Finished{Job: v.job.ended(c.End, by, now, true)}
		e := newExpression().when("attribute_not_exists(projectUserId)")
		if v.row != nil {
			e, finished.Wakes = s.takeOff(v.row, m.MessageID, now)
		}
		if spares {
			e.when("leaseExpiresAt < :leaseCutMillis").value(":leaseCutMillis", item.Number(s.settings.expiryCutMillis(now)))
		}
		onJob := outcome(finished.Job)
		if c.ContainerID != "" {
			onJob.when("containerId = :container").value(":container", item.Text(c.ContainerID))
		}
		if c.ExecutionARN != "" {
			onJob.when("executionArn = :execution").value(":execution", item.Text(c.ExecutionARN))
		}
		writes := []types.TransactWriteItem{s.onClaim(m.ProjectUserID, e), s.onJob(m.MessageID, onJob)}
		return append(writes, c.Record(finished.Job)), nil
	})
	return finished, err
}

// supersedes is the thread that has or wants m's place, as a job's row keeps it.
func (r *Row) supersedes(m job.Message) *InterruptedBy {
	if r == nil {
		return nil
	}
	if other := r.otherPreemptor(m); other != nil {
		return &InterruptedBy{ThreadID: other.ThreadID, MessageID: other.NewestMessageID, RequestedAtMillis: other.RequestedAtMillis}
	}
	return &InterruptedBy{ThreadID: r.ThreadID, MessageID: r.NewestMessageID, RequestedAtMillis: r.ClaimedAtMillis}
}

// takeOff takes the message off the claim that was seen, which may or may not have it among its
// jobs, and lists whom that wakes.
func (s *Store) takeOff(row *Row, messageID string, now time.Time) (*expression, []Wake) {
	e := seenRow(row)
	s.whenPreemptorIs(e, row.Preemptor)
	rest := row.Preemptor.without(messageID)
	if rest == nil && row.Preemptor != nil {
		e.clear("preemptor")
	} else if rest != row.Preemptor {
		e.assign("preemptor", rest.value())
	}
	if !row.HasJob(messageID) {
		return e.when("NOT contains(jobs, :message)").value(":message", item.Text(messageID)), nil
	}
	s.release(e, row, messageID)
	if row.WorkerJob != messageID && row.HasLiveLease(now, s.settings) {
		return e, nil
	}
	return e, rest.wakes(false, "")
}

// without is p without the message: p itself if the message does not wait, nil if no other message
// does.
func (p *Preemptor) without(messageID string) *Preemptor {
	if p == nil || p.Waiting[messageID] == "" {
		return p
	}
	if len(p.Waiting) == 1 {
		return nil
	}
	rest := *p
	rest.Waiting = map[string]string{}
	for id, token := range p.Waiting {
		if id != messageID {
			rest.Waiting[id] = token
		}
	}
	return &rest
}

// release takes a message out of the claim's jobs. If the lease is for it, release clears the lease
// and raises the fence, so that its worker's later writes are refused.
func (s *Store) release(e *expression, row *Row, messageID string) {
	e.when("contains(jobs, :message)").value(":message", item.Text(messageID))
	e.delete = append(e.delete, "jobs :ending")
	e.value(":ending", item.Set(messageID))
	if row.WorkerJob == messageID {
		e.when("workerJob = :message") // it may have been handed back since, under the same fence
		e.clear("workerId", "workerJob", "leaseExpiresAt").assign("fence", item.Number(row.Fence+1))
	}
}

// seenRow demands the claim that was seen, under the same fence.
func seenRow(row *Row) *expression {
	return newExpression().when("containerId = :seen AND fence = :seenFence").
		value(":seen", item.Text(row.ContainerID)).value(":seenFence", item.Number(row.Fence))
}

// ended is the job with its end; recorded says whether the write that ends it puts that on record.
func (j Job) ended(end End, by *InterruptedBy, now time.Time, recorded bool) Job {
	j.Outcome, j.OutcomeAtMillis, j.Result, j.PartialWork, j.InterruptedBy = end.Outcome, job.Millis(now), end.Result, end.PartialWork, by
	if !j.leftToDo(recorded) {
		j.OpenShard = ""
	}
	return j
}

// outcome is the write that decides how a job ended: once, and never again.
func outcome(j Job) *expression {
	e := newExpression().when(jobIsOpen).
		assign("outcome", item.Text(string(j.Outcome))).assign("outcomeAt", item.Number(j.OutcomeAtMillis))
	if j.Result != "" {
		e.set = append(e.set, "#result = :result")
		e.name("#result", "result").value(":result", item.Text(j.Result))
	}
	if j.Settled() {
		e.clear("openShard")
	}
	if j.PartialWork != "" {
		e.assign("partialWork", item.Text(j.PartialWork))
	}
	if j.InterruptedBy != nil {
		e.assign("interruptedBy", j.InterruptedBy.value())
	}
	return e
}
