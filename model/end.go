package model

import "fmt"

// Decline ends, as interrupted, a job that a worker got and may not start: the claim has passed to another container, or a
// preemptor waits. It is refused where the job may start after all, and while another worker holds a live lease for it.
//
// The message leaves the claim's jobs under whatever container it is there: a claim call that was delayed until its first
// claim had expired may have claimed anew for it, and once the job has ended nobody else would take it out.
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

// release takes the message out of the claim's jobs. Where the lease was for it, the lease goes too, and the fence is raised,
// because its worker may wake up.
func (r *Row) release(messageID string) {
	r.Jobs = without(r.Jobs, messageID)
	if r.WorkerJob == messageID {
		r.clearLease()
		r.Fence++
	}
}

// wakesWhenIdle wakes whoever waits, if nothing keeps him waiting any longer.
func (r Row) wakesWhenIdle(now int64, s Settings) []Wake {
	if r.Held(now, s) && r.HasLiveLease(now, s) {
		return nil
	}
	return r.Preemptor.wakes("", false)
}

// CleanUp ends a job from outside: its execution timed out, failed or was aborted, or a newer message of another thread goes
// first. A job that has ended keeps its outcome. The message leaves the claim's jobs under whatever container it is there,
// for the reason given at Decline; a claim that does not have it among its jobs is not the one that ended, and is left alone.
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

// Delete is DynamoDB's TTL deletion of the row: any time after it has expired, or never.
type Delete struct{}

func (Delete) String() string { return "TTL deletion" }

// Apply deletes. DynamoDB's clock needs no allowance for skew: nobody's right depends on the row being there.
func (Delete) Apply(before RowAndJob, now int64, _ Settings) Result {
	if !before.Row.Exists() || before.Row.ExpiresAtSeconds*1000 >= now {
		return refuse(before, notExpired)
	}
	return Result{After: RowAndJob{Job: before.Job}}
}

// Trespasses says whether ending a message's job from outside made of r an after that lacks more than what is the
// message's own: another job, or another one's claim or lease (S4).
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
