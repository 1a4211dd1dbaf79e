package model

import "fmt"

// Start gives a worker the lease for a job. Fence is the one that the worker will get, one more
// than the fence it saw: if its first call was applied but the answer was lost, the worker
// recognises its own write by it.
type Start struct {
	MessageID   string
	ContainerID string // as the work message says
	WorkerID    string
	Fence       int64
}

func (w Start) String() string {
	return fmt.Sprintf("start of %s by %s (fence %d)", w.MessageID, w.WorkerID, w.Fence)
}

// Apply starts the job.
func (w Start) Apply(before RowAndJob, now int64, s Settings) Result {
	row := before.Row
	switch {
	case row.WorkerID == w.WorkerID && row.WorkerJob == w.MessageID && row.Fence == w.Fence && w.WorkerID != "":
		return Result{After: before}
	case unended(before.Job, w.MessageID) != "":
		return refuse(before, unended(before.Job, w.MessageID))
	case row.ContainerID != w.ContainerID:
		return refuse(before, otherContainer)
	case !row.HasJob(w.MessageID):
		return refuse(before, notAJob)
	case row.WorkerID != w.WorkerID && row.HasLiveLease(now, s):
		return refuse(before, otherLease)
	case row.Preemptor.Exists():
		return refuse(before, preempted)
	case row.Fence+1 != w.Fence:
		return refuse(before, staleFence)
	}
	after := before
	after.Row.Fence = w.Fence
	after.Row.WorkerID, after.Row.WorkerJob = w.WorkerID, w.MessageID
	after.Row.LeaseExpiresAtMillis = now + s.LeaseMillis
	after.Row.ExpiresAtSeconds = max(before.Row.ExpiresAtSeconds, s.ExpiresAtSeconds(now))
	if after.Job.StartedAtMillis == 0 {
		after.Job.StartedAtMillis = now
	}
	return Result{After: after}
}

// Heartbeat extends a worker's lease. A worker that is refused stops its command and writes nothing
// more.
type Heartbeat struct {
	WorkerID string
	Fence    int64
}

func (h Heartbeat) String() string {
	return fmt.Sprintf("heartbeat of %s (fence %d)", h.WorkerID, h.Fence)
}

func (r Row) worksFor(workerID string, fence int64) bool {
	return r.Exists() && workerID != "" && r.WorkerID == workerID && r.Fence == fence
}

// Apply extends the lease and the claim, and answers whether a thread has asked the holder to
// yield. It shortens neither: a heartbeat may be applied late, or its clock may have been set back.
func (h Heartbeat) Apply(before RowAndJob, now int64, s Settings) Result {
	if !before.Row.worksFor(h.WorkerID, h.Fence) {
		return refuse(before, staleFence)
	}
	after := before
	if now+s.LeaseMillis >= before.Row.LeaseExpiresAtMillis {
		after.Row.LeaseExpiresAtMillis = now + s.LeaseMillis
		after.Row.ExpiresAtSeconds = max(before.Row.ExpiresAtSeconds, s.ExpiresAtSeconds(now))
	}
	return Result{After: after, Asked: before.Row.Preemptor.Exists()}
}

// Finish ends a job that its worker has run, and wakes those who wait.
type Finish struct {
	MessageID string
	WorkerID  string
	Fence     int64
	Outcome   Outcome
}

func (f Finish) String() string {
	return fmt.Sprintf("finish of %s by %s (fence %d): %s", f.MessageID, f.WorkerID, f.Fence, f.Outcome)
}

// Apply writes the outcome and clears the lease.
func (f Finish) Apply(before RowAndJob, now int64, s Settings) Result {
	switch {
	case unended(before.Job, f.MessageID) != "":
		return refuse(before, unended(before.Job, f.MessageID))
	case !before.Row.worksFor(f.WorkerID, f.Fence):
		return refuse(before, staleFence)
	case !before.Row.HasJob(f.MessageID) || before.Row.WorkerJob != f.MessageID:
		return refuse(before, notAJob)
	case f.Outcome == Superseded || f.Outcome == "":
		return refuse(before, fmt.Sprintf("work does not end as %q", f.Outcome))
	}
	after := before
	after.Row.Jobs = without(before.Row.Jobs, f.MessageID)
	after.Row.clearLease()
	after.Job.Outcome, after.Job.OutcomeAtMillis = f.Outcome, now
	return Result{After: after, Wakes: before.Row.Preemptor.wakes("", false)}
}

// HandBack clears the lease and keeps the job, for a worker that is itself told to stop. It wakes
// those who wait.
type HandBack struct {
	WorkerID string
	Fence    int64
}

func (h HandBack) String() string {
	return fmt.Sprintf("hand back by %s (fence %d)", h.WorkerID, h.Fence)
}

// Apply clears the lease.
func (h HandBack) Apply(before RowAndJob, _ int64, _ Settings) Result {
	if !before.Row.worksFor(h.WorkerID, h.Fence) {
		return refuse(before, staleFence)
	}
	after := before
	after.Row.clearLease()
	return Result{After: after, Wakes: before.Row.Preemptor.wakes("", false)}
}
