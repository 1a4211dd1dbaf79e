package model

import "fmt"

// Decline ends, as interrupted, a job that a worker received and may not start: the claim has
// passed to another container, or a preemptor waits. It is refused if the job may start after all,
// or while another worker holds a live lease for it.
//
// Decline takes the message out of the claim's jobs whatever the claim's container: a delayed claim
// call may have claimed anew for the message after its first claim expired, and no further step
// comes for a job that has ended.
type Decline struct {
	MessageID   string
	ContainerID string // as the work message says
	WorkerID    string
}

func (d Decline) String() string { return fmt.Sprintf("decline of %s by %s", d.MessageID, d.WorkerID) }

// Apply ends the job without work.
func (d Decline) Apply(before RowAndJob, now int64, s Settings) Result {
	row := before.Row
	inJobs := row.HasJob(d.MessageID)
	switch {
	case unended(before.Job, d.MessageID) != "":
		return refuse(before, unended(before.Job, d.MessageID))
	case row.WorkerJob == d.MessageID && row.WorkerID != d.WorkerID && row.HasLiveLease(now, s):
		return refuse(before, otherLease)
	case inJobs && row.ContainerID == d.ContainerID && !row.Preemptor.Exists():
		return refuse(before, mayStart)
	}
	after := before
	after.Job.Outcome, after.Job.OutcomeAtMillis = Interrupted, now
	if inJobs {
		after.Row.release(d.MessageID)
	}
	return Result{After: after, Wakes: after.Row.wakesWhenIdle(now, s)}
}

// release takes the message out of the claim's jobs. If the lease is for it, release clears the
// lease and raises the fence, because the worker may still be there and write.
func (r *Row) release(messageID string) {
	r.Jobs = without(r.Jobs, messageID)
	if r.WorkerJob == messageID {
		r.clearLease()
		r.Fence++
	}
}

// wakesWhenIdle wakes those who wait, unless a worker holds a live lease on a held claim.
func (r Row) wakesWhenIdle(now int64, s Settings) []Wake {
	if r.Held(now, s) && r.HasLiveLease(now, s) {
		return nil
	}
	return r.Preemptor.wakes("", false)
}

// CleanUp ends a job from outside: its execution timed out, failed or was aborted, or a newer
// message of another thread goes first. A job that has ended keeps its outcome. Like Decline,
// CleanUp takes the message out of the claim's jobs whatever the claim's container, and out of
// those who wait; a claim that the message has no part in stays as it is.
type CleanUp struct {
	MessageID string
	Outcome   Outcome // TimedOut, Failed or Superseded
}

func (c CleanUp) String() string { return fmt.Sprintf("clean-up of %s: %s", c.MessageID, c.Outcome) }

// Apply cleans up.
func (c CleanUp) Apply(before RowAndJob, now int64, s Settings) Result {
	switch {
	case before.Job.MessageID != c.MessageID:
		return refuse(before, noJobRow)
	case c.Outcome != TimedOut && c.Outcome != Failed && c.Outcome != Superseded:
		return refuse(before, fmt.Sprintf("clean-up does not end a job as %q", c.Outcome))
	}
	after := before
	if after.Job.Outcome == "" {
		after.Job.Outcome, after.Job.OutcomeAtMillis = c.Outcome, now
	}
	if after.Row.HasJob(c.MessageID) {
		after.Row.release(c.MessageID)
	}
	after.Row.Preemptor = after.Row.Preemptor.waitingWithout(c.MessageID)
	return Result{After: after, Wakes: after.Row.wakesWhenIdle(now, s)}
}

// Delete is DynamoDB's TTL deletion of the row, which may come at any time after the row has
// expired, or never.
type Delete struct{}

func (Delete) String() string { return "TTL deletion" }

// Apply deletes the row. It allows for no clock skew, because no right depends on an expired row
// being there.
func (Delete) Apply(before RowAndJob, now int64, _ Settings) Result {
	if !before.Row.Exists() || before.Row.ExpiresAtSeconds*1000 >= now {
		return refuse(before, notExpired)
	}
	return Result{After: RowAndJob{Job: before.Job}}
}

// Trespasses reports whether clean-up of messageID, which turned r into after, also took another
// message's job, claim or lease (S4).
func (r Row) Trespasses(after Row, messageID string) bool {
	if !r.Exists() {
		return after.Exists()
	}
	for _, job := range r.Jobs {
		if job != messageID && !after.HasJob(job) {
			return true
		}
	}
	leaseTouched := after.WorkerID != r.WorkerID || after.Fence != r.Fence
	return after.ContainerID != r.ContainerID || leaseTouched && r.WorkerJob != messageID
}
