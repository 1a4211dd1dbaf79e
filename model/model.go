// Package model is the protocol of the active-job claim as a pure transition system: the rows, the
// decision, and the steps that may change them, with no store, no clock and no randomness.
//
// It promises that a step's result depends on its arguments alone, that a refused step changes
// nothing, and that no step retains or changes the slices it was given. It is the reference:
// package check visits every state that these functions can reach in a small world of workers,
// executions and faults, and Explain names the step behind any write of the real implementation, or
// says that there is none.
//
// Package libs/claim states the same protocol a second time, on purpose: it runs on DynamoDB, while
// this package can be searched. They share words, not code, so that each shows a mistake in the
// other.
//
// It does not promise that a caller keeps the rules around the steps (a worker that has lost its
// lease must stop its command itself), and it leaves out attributes that decide nothing, such as
// executionArn or result.
//
// All times are milliseconds of the caller's clock, except Row.ExpiresAtSeconds. Two clocks differ
// by at most Settings.MaxClockSkewMillis.
package model

import (
	"fmt"
	"slices"
)

// Settings are the protocol's durations in milliseconds, and its bounds.
type Settings struct {
	LeaseMillis          int64
	ClaimTTLMillis       int64
	InterruptGraceMillis int64
	MaxClockSkewMillis   int64

	MaxJobs         int // of one claim, at a time; 0: without bound
	MaxWaiting      int // messages of the preemptor, at a time; 0: without bound
	InterruptBudget int // so many times an hour new threads may interrupt the holder; 0: without bound
}

const hourMillis = 3_600_000

// shareMillis is the part of an hour that one interruption costs. There is a budget.
func (s Settings) shareMillis() int64 { return hourMillis / int64(s.InterruptBudget) }

// ExpiresAtSeconds is when a claim that is made or extended now expires. It rounds up, because a
// claim must not end earlier than its setting says.
func (s Settings) ExpiresAtSeconds(now int64) int64 { return (now + s.ClaimTTLMillis + 999) / 1000 }

// Message is one email. Messages are ordered by ReceivedAtMillis, ties by ID.
type Message struct {
	ID               string
	Thread           string
	ReceivedAtMillis int64
}

// NewerThan says whether m comes after the message with the given time and id in the total order of
// messages.
func (m Message) NewerThan(receivedAt int64, id string) bool {
	return newer(m.ReceivedAtMillis, m.ID, receivedAt, id)
}

func newer(receivedAt int64, id string, thanReceivedAt int64, thanID string) bool {
	return receivedAt > thanReceivedAt || receivedAt == thanReceivedAt && id > thanID
}

// Row is the claim row of one key. A row that does not exist is the zero Row.
type Row struct {
	ContainerID          string
	ThreadID             string
	Jobs                 []string // message ids, sorted, no duplicates
	ReceivedAtMillis     int64    // of the newest message that has joined
	NewestMessageID      string
	ClaimedAtMillis      int64
	Fence                int64
	WorkerID             string // empty together with WorkerJob and LeaseExpiresAtMillis
	WorkerJob            string
	LeaseExpiresAtMillis int64
	ExpiresAtSeconds     int64 // epoch seconds, as DynamoDB's TTL wants it
	Preemptor            Preemptor
	BudgetUntilMillis    int64 // until when the interruptions so far use the budget up, each by a share of an hour
}

// Preemptor is the thread that has asked the holder to yield. The zero Preemptor is none.
type Preemptor struct {
	ThreadID          string
	ReceivedAtMillis  int64 // of the newest message that has waited here
	NewestMessageID   string
	RequestedAtMillis int64 // of the first request to the holder, even if by another thread
	Waiting           []Waiting
}

// Waiting is one message whose execution sleeps until its token is answered.
type Waiting struct {
	MessageID string
	Token     string
}

// Exists says whether the row is there.
func (r Row) Exists() bool { return r.ContainerID != "" }

// HasJob says whether the message is one of the claim's jobs.
func (r Row) HasJob(messageID string) bool { return slices.Contains(r.Jobs, messageID) }

// Expired says whether others than the holder may treat the claim as expired. They round down to
// whole seconds, in favour of the holder.
func (r Row) Expired(now int64, s Settings) bool {
	return r.ExpiresAtSeconds < (now-s.MaxClockSkewMillis)/1000
}

// Held says whether the claim keeps other threads out.
func (r Row) Held(now int64, s Settings) bool {
	return r.Exists() && len(r.Jobs) > 0 && !r.Expired(now, s)
}

// BudgetIsSpent says whether no new thread may interrupt the holder: with one more interruption,
// more than an hour's budget would be used up.
func (r Row) BudgetIsSpent(now int64, s Settings) bool {
	return s.InterruptBudget > 0 && r.BudgetUntilMillis+s.shareMillis() > now+hourMillis
}

// spendBudget takes one interruption from the budget.
func (r *Row) spendBudget(now int64, s Settings) {
	if s.InterruptBudget > 0 {
		r.BudgetUntilMillis = max(r.BudgetUntilMillis, now) + s.shareMillis()
	}
}

// HasLiveLease says whether a worker may still believe that it holds the lease.
func (r Row) HasLiveLease(now int64, s Settings) bool {
	return r.WorkerID != "" && now <= r.LeaseExpiresAtMillis+s.MaxClockSkewMillis
}

// Exists says whether a thread waits to preempt.
func (p Preemptor) Exists() bool { return p.ThreadID != "" }

// Token returns the token that the message waits with.
func (p Preemptor) Token(messageID string) (string, bool) {
	for _, w := range p.Waiting {
		if w.MessageID == messageID {
			return w.Token, true
		}
	}
	return "", false
}

// Outcome says how a job ended; it is empty until then.
type Outcome string

// The outcomes, spelt as the jobs table spells them.
const (
	Completed   Outcome = "completed"
	Interrupted Outcome = "interrupted"
	Superseded  Outcome = "superseded"
	TimedOut    Outcome = "timed-out"
	Failed      Outcome = "failed"
)

// Job is the jobs row of one message. A row that does not exist is the zero Job.
type Job struct {
	MessageID        string
	ThreadID         string
	ReceivedAtMillis int64
	ContainerID      string  // of the claim that the message last made, took over or joined
	StartedAtMillis  int64   // of the first start
	Outcome          Outcome // written once
	OutcomeAtMillis  int64
}

// Exists says whether the job row is there.
func (j Job) Exists() bool { return j.MessageID != "" }

// Message is the email that the job is for.
func (j Job) Message() Message {
	return Message{ID: j.MessageID, Thread: j.ThreadID, ReceivedAtMillis: j.ReceivedAtMillis}
}

// RowAndJob is what one step may read and write: the claim row of a key and the job row of one of
// its messages.
type RowAndJob struct {
	Row Row
	Job Job
}

// Equal compares every field.
func (a RowAndJob) Equal(b RowAndJob) bool { return a.Job == b.Job && a.Row.Equal(b.Row) }

// Equal compares every field; no jobs and empty jobs are the same.
func (r Row) Equal(o Row) bool {
	return r.ContainerID == o.ContainerID && r.ThreadID == o.ThreadID && slices.Equal(r.Jobs, o.Jobs) &&
		r.ReceivedAtMillis == o.ReceivedAtMillis && r.NewestMessageID == o.NewestMessageID && r.ClaimedAtMillis == o.ClaimedAtMillis &&
		r.Fence == o.Fence && r.WorkerID == o.WorkerID && r.WorkerJob == o.WorkerJob &&
		r.LeaseExpiresAtMillis == o.LeaseExpiresAtMillis && r.ExpiresAtSeconds == o.ExpiresAtSeconds && r.Preemptor.Equal(o.Preemptor) &&
		r.BudgetUntilMillis == o.BudgetUntilMillis
}

// Equal compares every field.
func (p Preemptor) Equal(o Preemptor) bool {
	return p.ThreadID == o.ThreadID && p.ReceivedAtMillis == o.ReceivedAtMillis && p.NewestMessageID == o.NewestMessageID &&
		p.RequestedAtMillis == o.RequestedAtMillis && slices.Equal(p.Waiting, o.Waiting)
}

// Validate names the first reason why no step can have made the row, or returns nil.
func (r Row) Validate() error {
	switch {
	case !r.Exists() && !r.Equal(Row{}):
		return fmt.Errorf("row without containerId has other attributes: %+v", r)
	case !slices.IsSorted(r.Jobs):
		return fmt.Errorf("jobs are not sorted: %v", r.Jobs)
	case (r.WorkerID == "") != (r.WorkerJob == "") || (r.WorkerID == "") != (r.LeaseExpiresAtMillis == 0):
		return fmt.Errorf("half a lease: workerId %q, workerJob %q, leaseExpiresAt %d", r.WorkerID, r.WorkerJob, r.LeaseExpiresAtMillis)
	case r.WorkerID != "" && !r.HasJob(r.WorkerJob):
		return fmt.Errorf("workerJob %q is not among jobs %v", r.WorkerJob, r.Jobs)
	case r.Preemptor.Exists() != (len(r.Preemptor.Waiting) > 0):
		return fmt.Errorf("preemptor %q has %d waiting", r.Preemptor.ThreadID, len(r.Preemptor.Waiting))
	case len(r.Jobs) > 0 && r.Preemptor.ThreadID == r.ThreadID:
		return fmt.Errorf("thread %q preempts itself", r.ThreadID)
	}
	return nil
}
