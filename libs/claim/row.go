package claim

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// Row is the claim of one key: an item of the active-jobs table. Times are epoch milliseconds,
// except ExpiresAtSeconds, which DynamoDB's TTL reads.
type Row struct {
	Key         job.Key
	ContainerID string
	ThreadID    string

	// Jobs are the messageIds that still have to end, sorted. If it is empty, the claim is free.
	// Invariant: no job in it has an outcome.
	Jobs []string

	// ReceivedAtMillis and NewestMessageID are of the newest message that joined. Invariant: they
	// grow, as job.Newer orders them, while ContainerID stays.
	ReceivedAtMillis int64
	NewestMessageID  string

	ClaimedAtMillis int64
	Fence           int64 // Invariant: grows with every claim, start and lost lease; never falls

	// WorkerID holds the lease, to work on the message WorkerJob. Invariant: (WorkerID == "") ==
	// (WorkerJob == "") && (WorkerID == "") == (LeaseExpiresAtMillis == 0). Invariant: WorkerJob ==
	// "" || HasJob(WorkerJob).
	WorkerID             string
	WorkerJob            string
	LeaseExpiresAtMillis int64 // Invariant: <= 1000*ExpiresAtSeconds
	ExpiresAtSeconds     int64

	// Preemptor is nil if no thread asks the holder to yield. Invariant: it is newer than
	// NewestMessageID, and while there are Jobs, of another thread.
	Preemptor *Preemptor

	// BudgetUntilMillis is until when the interruptions so far use the key's budget up: each moves
	// it on by an hour's share, from now at least. No new thread may interrupt while it is so far
	// ahead that one share more would be over an hour. Invariant: never falls.
	BudgetUntilMillis int64
}

// attributes is the one list of a claim row's attributes; see package item.
func (r *Row) attributes(f *item.Fields) {
	f.Text("projectUserId", (*string)(&r.Key))
	f.Text("containerId", &r.ContainerID)
	f.Text("threadId", &r.ThreadID)
	f.Set("jobs", &r.Jobs)
	f.Number("receivedAt", &r.ReceivedAtMillis)
	f.Text("newestMessageId", &r.NewestMessageID)
	f.Number("claimedAt", &r.ClaimedAtMillis)
	f.Number("fence", &r.Fence)
	f.OptionalText("workerId", &r.WorkerID)
	f.OptionalText("workerJob", &r.WorkerJob)
	f.OptionalNumber("leaseExpiresAt", &r.LeaseExpiresAtMillis)
	f.Number("expiresAt", &r.ExpiresAtSeconds)
	item.Part(f, "preemptor", &r.Preemptor, (*Preemptor).attributes)
	f.OptionalNumber("budgetUntil", &r.BudgetUntilMillis)
}

// Item is the row as the table holds it.
func (r *Row) Item() item.Map { return item.Of(r.attributes) }

// ParseRow reads an item of the active-jobs table; nil for no item.
func ParseRow(m item.Map) (*Row, error) {
	if len(m) == 0 {
		return nil, nil
	}
	row, f := &Row{}, item.Reading(m)
	row.attributes(f)
	if err := f.Err(); err != nil {
		return nil, fmt.Errorf("claim row %q: %w", row.Key, err)
	}
	return row, nil
}

// Preemptor is the thread that has asked the holder to yield, with its messages that wait.
type Preemptor struct {
	ThreadID          string
	ReceivedAtMillis  int64 // of its newest message, even if that no longer waits
	NewestMessageID   string
	RequestedAtMillis int64             // when the holder was first asked. Invariant: stays if another thread takes the place
	Waiting           map[string]string // messageId to task token. Invariant: not empty, and none has an outcome
}

func (p *Preemptor) attributes(f *item.Fields) {
	f.Text("threadId", &p.ThreadID)
	f.Number("receivedAt", &p.ReceivedAtMillis)
	f.Text("newestMessageId", &p.NewestMessageID)
	f.Number("requestedAt", &p.RequestedAtMillis)
	f.Texts("waiting", &p.Waiting)
}

// value is the preemptor as the claim row holds it.
func (p *Preemptor) value() *types.AttributeValueMemberM { return item.ValueOf(p.attributes) }

// Held says whether a worker may be working under the claim at now: it has jobs and has not
// expired. An expired row is free whether or not DynamoDB has deleted it.
func (r *Row) Held(now time.Time, s Settings) bool {
	return r != nil && len(r.Jobs) > 0 && !r.Expired(now, s)
}

// Expired says whether the claim has expired on every clock.
func (r *Row) Expired(now time.Time, s Settings) bool {
	return r.ExpiresAtSeconds < s.expiryCutSeconds(now)
}

// HasLiveLease says whether a worker may still believe that it holds the lease.
func (r *Row) HasLiveLease(now time.Time, s Settings) bool {
	return r.WorkerID != "" && r.LeaseExpiresAtMillis >= s.expiryCutMillis(now)
}

// HasJob says whether the message is among the jobs that still have to end.
func (r *Row) HasJob(messageID string) bool { return slices.Contains(r.Jobs, messageID) }

// expiryCutMillis is the cut at now: a lease that ends before it has expired on every clock.
func (s Settings) expiryCutMillis(now time.Time) int64 {
	return job.Millis(now.Add(-s.MaxClockSkew))
}

// expiryCutSeconds is the same for an expiresAt in whole seconds, rounded down, which is the safe
// side.
func (s Settings) expiryCutSeconds(now time.Time) int64 { return s.expiryCutMillis(now) / 1000 }

// expiresAtSeconds is the expiresAt of a claim that is made or extended at now, rounded up.
func (s Settings) expiresAtSeconds(now time.Time) int64 {
	return (job.Millis(now.Add(s.ClaimTTL)) + 999) / 1000
}

// Job is what became of one message: an item of the jobs table.
type Job struct {
	MessageID        string
	Key              job.Key        // none, if the message was rejected and is for nobody
	Raw              *job.ObjectRef // the mail's object; nil in rows that were put before there was this field
	ThreadID         string
	ReceivedAtMillis int64
	AdmittedAtMillis int64       // when its row was put; ReceivedAtMillis may be long before
	ExecutionARN     string      // of this row's execution. Invariant: stays
	OpenShard        string      // its part of the index of open jobs. Invariant: not empty while Outcome is
	ContainerID      string      // of its latest claim
	StartedAtMillis  int64       // when a worker first started it; 0: never. Invariant: stays once it is set
	LostStarts       int64       // how many of its starts came to no end: their workers died, or lost the lease
	Outcome          job.Outcome // Invariant: stays once it is set
	OutcomeAtMillis  int64       // Invariant: (OutcomeAtMillis == 0) == (Outcome == "")
	HeldAtMillis     int64       // since when a person must release it; 0: it is not held. Invariant: 0 if it has an execution or an outcome
	ReleasedAtMillis int64       // when a person released it; 0: it was never held
	Result           string
	From             string
	Subject          string
	PartialWork      string         // what a command that was stopped says it has saved
	InterruptedBy    *InterruptedBy // Invariant: nil unless Outcome is Interrupted or Superseded
	// DeadLetteredAtMillis is when a person was told through the dead letter queue; 0: never.
	DeadLetteredAtMillis int64
	DuplicateOf          string // the message that it is a copy of, if it was rejected for that
	Again                string // the message as which a person had it done again
	AgainOf              string // the message that is done again as this one
	DismissedAtMillis    int64  // when a person said that nobody has to act any more; 0: never
	DismissedBy          string
	DismissedBecause     string
}

// attributes is the one list of a job row's attributes; see package item. Its expiresAt is for
// DynamoDB's TTL only.
func (j *Job) attributes(f *item.Fields) {
	f.Text("messageId", &j.MessageID)
	f.OptionalText("projectUserId", (*string)(&j.Key))
	item.Part(f, "raw", &j.Raw, objectAttributes)
	f.OptionalText("threadId", &j.ThreadID)
	f.Number("receivedAt", &j.ReceivedAtMillis)
	f.OptionalNumber("admittedAt", &j.AdmittedAtMillis)
	f.OptionalText("executionArn", &j.ExecutionARN)
	f.OptionalText("openShard", &j.OpenShard)
	f.OptionalText("containerId", &j.ContainerID)
	f.OptionalNumber("startedAt", &j.StartedAtMillis)
	f.OptionalNumber("lostStarts", &j.LostStarts)
	f.OptionalText("outcome", (*string)(&j.Outcome))
	f.OptionalNumber("outcomeAt", &j.OutcomeAtMillis)
	f.OptionalNumber("heldAt", &j.HeldAtMillis)
	f.OptionalNumber("releasedAt", &j.ReleasedAtMillis)
	f.OptionalText("result", &j.Result)
	f.Text("from", &j.From)
	f.Text("subject", &j.Subject)
	f.OptionalText("partialWork", &j.PartialWork)
	item.Part(f, "interruptedBy", &j.InterruptedBy, (*InterruptedBy).attributes)
	f.OptionalNumber("deadLetteredAt", &j.DeadLetteredAtMillis)
	f.OptionalText("duplicateOf", &j.DuplicateOf)
	f.OptionalText("again", &j.Again)
	f.OptionalText("againOf", &j.AgainOf)
	f.OptionalNumber("dismissedAt", &j.DismissedAtMillis)
	f.OptionalText("dismissedBy", &j.DismissedBy)
	f.OptionalText("dismissedBecause", &j.DismissedBecause)
}

func objectAttributes(o *job.ObjectRef, f *item.Fields) {
	f.Text("bucket", &o.Bucket)
	f.Text("key", &o.Key)
}

// Held says whether a person must release the message. Until then it is not open: no step is taken
// for it.
func (j *Job) Held() bool { return j.HeldAtMillis != 0 }

// DeadLettered says whether a person was told of the job through the dead letter queue.
func (j *Job) DeadLettered() bool { return j.DeadLetteredAtMillis != 0 }

// WorkResult is the job's end as it is sent to Step Functions.
func (j *Job) WorkResult() job.WorkResult {
	return job.WorkResult{MessageID: j.MessageID, Outcome: j.Outcome, ContainerID: j.ContainerID, Result: j.Result}
}

// Item is the job as the table holds it.
func (j *Job) Item() item.Map { return item.Of(j.attributes) }

// ParseJob reads an item of the jobs table; nil for no item.
func ParseJob(m item.Map) (*Job, error) {
	if len(m) == 0 {
		return nil, nil
	}
	j, f := &Job{}, item.Reading(m)
	j.attributes(f)
	if err := f.Err(); err != nil {
		return nil, fmt.Errorf("job row %q: %w", j.MessageID, err)
	}
	return j, nil
}

// InterruptedBy is what a job's row keeps of the preemption that ended it, so that any later step
// can write the audit record.
type InterruptedBy struct {
	ThreadID          string
	MessageID         string
	RequestedAtMillis int64
}

func (b *InterruptedBy) attributes(f *item.Fields) {
	f.Text("threadId", &b.ThreadID)
	f.Text("messageId", &b.MessageID)
	f.Number("requestedAt", &b.RequestedAtMillis)
}

// value is the preemption as the job's row holds it.
func (b *InterruptedBy) value() *types.AttributeValueMemberM { return item.ValueOf(b.attributes) }
