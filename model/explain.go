package model

// Explain returns the step that, taken at the caller's time now, leads from before to after; ok is
// false if there is none. It is the oracle for refinement: every write of an implementation must be
// explained, given as the claim row and the job row before and after it.
//
// The job row is that of the message that the write is for. If a write changes the claim row alone
// (heartbeat, hand back, TTL deletion), any unchanged job of the key will do, or none. A write that
// changes nothing is explained as Nothing.
//
// The rows do not say who writes, so Explain assumes that the lease holder wrote a heartbeat,
// finish or decline. A caller that knows the writer must itself check that no worker writes under
// another's lease.
func (s Settings) Explain(before, after RowAndJob, now int64) (step Step, ok bool) {
	if before.Equal(after) {
		return Nothing{}, true
	}
	if !before.Job.Exists() && after.Job.Exists() && before.Row.Equal(after.Row) {
		arrival := Arrival{MessageID: after.Job.MessageID, ThreadID: after.Job.ThreadID, ReceivedAtMillis: after.Job.ReceivedAtMillis}
		return arrival, after.Job == arrival.job()
	}
	for _, candidate := range candidates(before, after) {
		if result := candidate.Apply(before, now, s); result.OK() && result.After.Equal(after) {
			return candidate, true
		}
	}
	return nil, false
}

// Nothing is the step that changes nothing: a write of what was there already.
type Nothing struct{}

// Apply changes nothing.
func (Nothing) Apply(before RowAndJob, _ int64, _ Settings) Result { return Result{After: before} }

func (Nothing) String() string { return "nothing" }

// Arrival writes a message's job row, which has no outcome yet.
type Arrival struct {
	MessageID, ThreadID string
	ReceivedAtMillis    int64
}

// Apply adds the job row if there is none.
func (a Arrival) Apply(before RowAndJob, _ int64, _ Settings) Result {
	if before.Job.Exists() {
		return refuse(before, hasJobRow)
	}
	return Result{After: RowAndJob{Row: before.Row, Job: a.job()}}
}

func (a Arrival) String() string { return "arrival of " + a.MessageID }

func (a Arrival) job() Job {
	return Job{MessageID: a.MessageID, ThreadID: a.ThreadID, ReceivedAtMillis: a.ReceivedAtMillis}
}

// candidates lists the steps that could lead from before to after, with arguments taken from the
// rows.
func candidates(before, after RowAndJob) []Step {
	job, row := after.Job, after.Row
	if job.Outcome != before.Job.Outcome {
		return []Step{
			Finish{MessageID: job.MessageID, WorkerID: before.Row.WorkerID, Fence: before.Row.Fence, Outcome: job.Outcome},
			CleanUp{MessageID: job.MessageID, Outcome: job.Outcome},
			Decline{MessageID: job.MessageID, ContainerID: before.Job.ContainerID, WorkerID: before.Row.WorkerID},
		}
	}
	token, _ := row.Preemptor.Token(job.MessageID)
	return []Step{
		Delete{},
		Heartbeat{WorkerID: row.WorkerID, Fence: row.Fence},
		HandBack{WorkerID: before.Row.WorkerID, Fence: before.Row.Fence},
		Start{MessageID: job.MessageID, ContainerID: row.ContainerID, WorkerID: row.WorkerID, Fence: row.Fence},
		Claim{Message: job.Message(), ContainerID: row.ContainerID},
		Interrupt{Message: job.Message(), Token: token, SeenContainerID: before.Row.ContainerID},
		CleanUp{MessageID: job.MessageID, Outcome: TimedOut}, // the job has ended, so only the claim changes
	}
}
