package claim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// Lease is a worker's right to work on one message. The worker trusts it until ExpiresAt by its own
// clock, which counts from when the write was sent, not from when its answer came.
type Lease struct {
	Key         job.Key
	ContainerID string
	MessageID   string
	WorkerID    string
	Fence       int64     // Invariant: no other lease of the key has it
	ExpiresAt   time.Time // Invariant: not after the row's LeaseExpiresAtMillis, while the row has this Fence and WorkerID
}

// Verdict is what Start found.
type Verdict int

// The verdicts of Start. A worker runs the job only on Started.
const (
	Started Verdict = iota
	Ended           // the job has its outcome: report it and delete the message
	Yielded         // a newer thread has or wants the key: decline
	Lost            // the container's claim is gone, and no newer thread has the key: the job must be claimed again
	Stale           // the job has another container by now: this copy of the message is old
	Busy            // another worker holds a live lease: leave the message for later
)

// String is the verdict's name in logs.
func (v Verdict) String() string {
	return [...]string{"started", "ended", "yielded", "lost", "stale", "busy"}[v]
}

// Start is the answer of Start.
type Start struct {
	Verdict   Verdict
	Lease     Lease     // if Started
	Job       Job       // if Ended
	BusyUntil time.Time // if Busy: when the other lease has expired on every clock

	// LostStarts is, if this start found one more, how many earlier ones have come to no end: their
	// workers neither finished nor handed back. Else it is 0.
	LostStarts int64
}

// Start makes the worker the holder of the lease for the work, with a higher fence.
func (s *Store) Start(ctx context.Context, w job.Work, workerID string) (Start, error) {
	var start Start
	var wrote int64 // the fence that an attempt of this call tried to write
	m := w.Message
	err := s.step(ctx, m.ProjectUserID, m.MessageID, func(v view) ([]types.TransactWriteItem, error) {
		now := s.now()
		if wrote != 0 && v.row != nil && v.row.Fence == wrote && v.row.WorkerID == workerID && v.row.WorkerJob == m.MessageID {
			// An earlier attempt may have taken effect late: go by the row, as others do.
			start.Lease.ExpiresAt = job.Time(v.row.LeaseExpiresAtMillis)
			return nil, nil
		}
		start = s.verdict(v, w, workerID, now)
		if v.job == nil && start.Verdict != Busy && (start.Verdict != Started || v.row.WorkerJob == m.MessageID) {
			seen, err := s.look(ctx, m.ProjectUserID, m.MessageID)
			if err != nil {
				return nil, err
			}
			now = s.now()
			v, start = seen, s.verdict(seen, w, workerID, now)
		}
		if start.Verdict != Started {
			return nil, nil
		}
		wrote = v.row.Fence + 1
		start.Lease = Lease{
			Key: m.ProjectUserID, ContainerID: w.ContainerID, MessageID: m.MessageID, WorkerID: workerID,
			Fence: wrote, ExpiresAt: now.Add(s.settings.Lease),
		}
		e := newExpression().
			when("containerId = :container AND contains(jobs, :message) AND fence = :fence AND expiresAt >= :expiresCutSeconds").
			when("attribute_not_exists(workerId) OR workerId = :me OR leaseExpiresAt < :leaseCutMillis").
			value(":container", item.Text(w.ContainerID)).value(":message", item.Text(m.MessageID)).value(":fence", item.Number(v.row.Fence)).
			value(":me", item.Text(workerID)).value(":leaseCutMillis", item.Number(s.settings.expiryCutMillis(now))).
			value(":expiresCutSeconds", item.Number(s.settings.expiryCutSeconds(now)))
		if v.row.Preemptor == nil {
			e.when("attribute_not_exists(preemptor)")
		} else {
			e.when("preemptor.threadId = :thread").value(":thread", item.Text(m.ThreadID))
		}
		e.assign("workerId", item.Text(workerID)).assign("workerJob", item.Text(m.MessageID)).assign("fence", item.Number(wrote)).
			assign("leaseExpiresAt", item.Number(job.Millis(start.Lease.ExpiresAt)))
		s.extend(e, v.row, now)
		onJob := newExpression().when(jobIsOpen+" AND containerId = :container").value(":container", item.Text(w.ContainerID))
		onJob.set = append(onJob.set, "startedAt = if_not_exists(startedAt, :now)")
		onJob.value(":now", item.Number(job.Millis(now)))
		if v.row.WorkerJob == m.MessageID { // whoever started it before has come to no end
			start.LostStarts = v.job.LostStarts + 1
			onJob.assign("lostStarts", item.Number(start.LostStarts))
		}
		return []types.TransactWriteItem{s.onClaim(m.ProjectUserID, e), s.onJob(m.MessageID, onJob)}, nil
	})
	return start, err
}

// verdict decides from the view what becomes of a work message.
func (s *Store) verdict(v view, w job.Work, workerID string, now time.Time) Start {
	m := w.Message
	if v.job != nil {
		if v.job.Outcome != "" {
			return Start{Verdict: Ended, Job: *v.job}
		}
		if v.job.ContainerID != w.ContainerID {
			return Start{Verdict: Stale}
		}
	}
	row := v.row
	if row == nil || row.ContainerID != w.ContainerID || !row.HasJob(m.MessageID) || row.Expired(now, s.settings) {
		if row != nil && row.newerThan(m, now, s.settings) {
			return Start{Verdict: Yielded}
		}
		return Start{Verdict: Lost}
	}
	if row.WorkerID != workerID && row.HasLiveLease(now, s.settings) {
		return Start{Verdict: Busy, BusyUntil: job.Time(row.LeaseExpiresAtMillis).Add(s.settings.MaxClockSkew)}
	}
	if row.otherPreemptor(m) != nil {
		return Start{Verdict: Yielded}
	}
	return Start{Verdict: Started}
}

// newerThan says whether a newer message than m, of another thread, has or wants the key.
func (r *Row) newerThan(m job.Message, now time.Time, s Settings) bool {
	if r.Expired(now, s) {
		return false
	}
	if other := r.otherPreemptor(m); other != nil && !newerThan(m, other) {
		return true
	}
	return len(r.Jobs) > 0 && r.ThreadID != m.ThreadID && !m.NewerThan(r.ReceivedAtMillis, r.NewestMessageID)
}

// Beat is the answer of Heartbeat.
type Beat struct {
	Result    awsx.Result // Refused: the lease is lost, stop at once
	Lease     Lease       // if Applied: as extended
	Preemptor *Preemptor  // another thread that has asked to yield; nil for none
}

// Heartbeat extends the lease and the claim, and tells whether another thread asked the worker to
// yield. It never takes time back: a heartbeat that is applied after a later one changes nothing.
// err says why the Result is Unknown.
func (s *Store) Heartbeat(ctx context.Context, l Lease) (Beat, error) {
	now := s.now()
	extended := l
	extended.ExpiresAt = now.Add(s.settings.Lease)
	e := mine(l).when("leaseExpiresAt <= :new_leaseExpiresAt AND expiresAt <= :new_expiresAt").
		assign("leaseExpiresAt", item.Number(job.Millis(extended.ExpiresAt))).
		assign("expiresAt", item.Number(s.settings.expiresAtSeconds(now)))
	row, result, err := s.update(ctx, l.Key, e)
	if result == awsx.Refused && row != nil && row.ExpiresAtSeconds > s.settings.expiresAtSeconds(now) {
		// The claim lasts longer already: its writer's clock is ahead, or its CLAIM_TTL greater, or
		// a join came in between. Extend the lease all the same.
		now = s.now()
		extended.ExpiresAt = now.Add(s.settings.Lease)
		e = mine(l).when("leaseExpiresAt <= :new_leaseExpiresAt").assign("leaseExpiresAt", item.Number(job.Millis(extended.ExpiresAt)))
		row, result, err = s.update(ctx, l.Key, s.extend(e, row, now))
	}
	switch {
	case result == awsx.Refused && row != nil && row.Fence == l.Fence && row.WorkerID == l.WorkerID:
		extended = l // still mine: its end in the row is later, since this clock was set back
	case result != awsx.Applied:
		return Beat{Result: result, Lease: l}, err
	}
	beat := Beat{Result: awsx.Applied, Lease: extended}
	if row.Preemptor != nil && row.Preemptor.ThreadID != row.ThreadID {
		beat.Preemptor = row.Preemptor
	}
	return beat, nil
}

// HandBack gives the lease up and keeps the job, for a worker that is told to stop. The answer
// lists those who wait: they may take over now. Refused means that the lease was lost before.
func (s *Store) HandBack(ctx context.Context, l Lease) ([]Wake, awsx.Result, error) {
	row, result, err := s.update(ctx, l.Key, mine(l).clear("workerId", "workerJob", "leaseExpiresAt"))
	if result == awsx.Refused && row != nil && row.Fence == l.Fence && row.WorkerID == "" {
		result = awsx.Applied // by an earlier try of the SDK: only the holder clears a lease and keeps the fence
	}
	if result != awsx.Applied {
		return nil, result, err
	}
	return row.Preemptor.wakes(false, ""), result, nil
}

// mine demands that the lease is still l's.
func mine(l Lease) *expression {
	return newExpression().when("fence = :fence AND workerId = :me").
		value(":fence", item.Number(l.Fence)).value(":me", item.Text(l.WorkerID))
}

// update writes a claim row without a transaction. It answers with the row after the write, or with
// the row that refused it.
func (s *Store) update(ctx context.Context, key job.Key, e *expression) (*Row, awsx.Result, error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(s.names.ActiveJobs()), Key: claimKey(key),
		UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.attributeNames(), ExpressionAttributeValues: e.attributeValues(),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	result := awsx.Classify(err)
	switch result {
	case awsx.Applied:
		row, err := ParseRow(out.Attributes)
		if err == nil && row == nil {
			err = errors.New("the answer has no attributes")
		}
		if err != nil {
			return nil, awsx.Unknown, fmt.Errorf("update claim %s: %w", key, err)
		}
		return row, result, nil
	case awsx.Refused:
		var failed *types.ConditionalCheckFailedException
		errors.As(err, &failed) // Classify found one
		row, err := ParseRow(failed.Item)
		return row, result, err
	}
	return nil, result, fmt.Errorf("update claim %s: %w", key, err)
}
