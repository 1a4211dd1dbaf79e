package claim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/job"
)

// Row is the claim of one key: an item of the active-jobs table. Times are epoch milliseconds but
// for ExpiresAtSeconds, which DynamoDB's TTL reads.
type Row struct {
	Key                  job.Key
	ContainerID          string
	ThreadID             string
	Jobs                 []string // messageIds that still have to end; empty: the claim is free
	ReceivedAtMillis     int64    // of the newest message that joined
	NewestMessageID      string
	ClaimedAtMillis      int64
	Fence                int64 // Invariant: grows with every claim, start and lost lease
	WorkerID             string
	WorkerJob            string // the message that WorkerID works on
	LeaseExpiresAtMillis int64
	ExpiresAtSeconds     int64
	Preemptor            *Preemptor
}

// Preemptor is the thread that has asked the holder to yield, with its messages that wait.
type Preemptor struct {
	ThreadID          string
	ReceivedAtMillis  int64 // of its newest message
	NewestMessageID   string
	RequestedAtMillis int64             // when the holder was first asked, by whatever thread
	Waiting           map[string]string // messageId to task token
}

// Held says whether somebody may be working under the claim at now: it has jobs and has not expired.
// An expired row is free whether or not DynamoDB has deleted it.
func (r *Row) Held(now time.Time, s Settings) bool {
	return r != nil && len(r.Jobs) > 0 && !r.Expired(now, s)
}

// Expired says whether the claim has expired for everybody, whatever their clocks.
func (r *Row) Expired(now time.Time, s Settings) bool {
	return r.ExpiresAtSeconds < s.expiryCutSeconds(now)
}

// HasLiveLease says whether a worker may still believe that it holds the lease.
func (r *Row) HasLiveLease(now time.Time, s Settings) bool {
	return r.WorkerID != "" && r.LeaseExpiresAtMillis >= s.expiryCutMillis(now)
}

// HasJob says whether the message is among the jobs that still have to end.
func (r *Row) HasJob(messageID string) bool { return slices.Contains(r.Jobs, messageID) }

// expiryCutMillis is the time before which a lease's end proves it expired on every clock.
func (s Settings) expiryCutMillis(now time.Time) int64 {
	return job.Millis(now.Add(-s.MaxClockSkew))
}

// expiryCutSeconds is the same for an expiresAt in whole seconds, rounded to the safe side.
func (s Settings) expiryCutSeconds(now time.Time) int64 { return s.expiryCutMillis(now) / 1000 }

// expiresAtSeconds is the expiresAt of a claim that is made or extended at now, rounded up.
func (s Settings) expiresAtSeconds(now time.Time) int64 {
	return (job.Millis(now.Add(s.ClaimTTL)) + 999) / 1000
}

// Job is what became of one email: an item of the jobs table.
type Job struct {
	MessageID        string
	Key              job.Key
	ThreadID         string
	ReceivedAtMillis int64
	ExecutionARN     string
	ContainerID      string // of its latest claim
	StartedAtMillis  int64  // when a worker first started it; 0: never
	Outcome          job.Outcome
	OutcomeAtMillis  int64
	Result           string
	From             string
	Subject          string
	PartialWork      string // what a command that was stopped says it has saved
	InterruptedBy    *InterruptedBy
	DeadLettered     bool // a person was told through the dead letter queue
}

// InterruptedBy is what a job's row keeps of the preemption that ended it, so that the audit record
// can be written whoever survives.
type InterruptedBy struct {
	ThreadID          string
	MessageID         string
	RequestedAtMillis int64
}

type item = map[string]types.AttributeValue

// reader takes typed attributes out of an item and remembers the first that does not fit.
type reader struct {
	item item
	err  error
}

func (r *reader) text(name string) string {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		r.wrong(name, "S", v)
	}
	return ""
}

func (r *reader) number(name string) int64 {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("attribute %s: %q is no integer", name, v.Value)
		}
		return n
	default:
		r.wrong(name, "N", v)
	}
	return 0
}

func (r *reader) set(name string) []string {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberSS:
		return slices.Sorted(slices.Values(v.Value))
	default:
		r.wrong(name, "SS", v)
	}
	return nil
}

func (r *reader) sub(name string) *reader {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberM:
		return &reader{item: v.Value}
	default:
		r.wrong(name, "M", v)
	}
	return nil
}

func (r *reader) wrong(name, want string, got types.AttributeValue) {
	if r.err == nil {
		r.err = fmt.Errorf("attribute %s: want type %s, got %T", name, want, got)
	}
}

// ParseRow reads an item of the active-jobs table; nil for no item.
func ParseRow(it item) (*Row, error) {
	if len(it) == 0 {
		return nil, nil
	}
	r := &reader{item: it}
	row := &Row{
		Key: job.Key(r.text("projectUserId")), ContainerID: r.text("containerId"), ThreadID: r.text("threadId"),
		Jobs: r.set("jobs"), ReceivedAtMillis: r.number("receivedAt"), NewestMessageID: r.text("newestMessageId"),
		ClaimedAtMillis: r.number("claimedAt"), Fence: r.number("fence"), WorkerID: r.text("workerId"),
		WorkerJob: r.text("workerJob"), LeaseExpiresAtMillis: r.number("leaseExpiresAt"), ExpiresAtSeconds: r.number("expiresAt"),
	}
	if p := r.sub("preemptor"); p != nil {
		row.Preemptor = &Preemptor{
			ThreadID: p.text("threadId"), ReceivedAtMillis: p.number("receivedAt"), NewestMessageID: p.text("newestMessageId"),
			RequestedAtMillis: p.number("requestedAt"), Waiting: map[string]string{},
		}
		if w := p.sub("waiting"); w != nil {
			for _, id := range sortedKeys(w.item) {
				row.Preemptor.Waiting[id] = w.text(id)
			}
			r.err = firstError(r.err, w.err)
		}
		r.err = firstError(r.err, p.err)
	}
	if r.err != nil {
		return nil, fmt.Errorf("claim row %q: %w", row.Key, r.err)
	}
	return row, nil
}

// ParseJob reads an item of the jobs table; nil for no item.
func ParseJob(it item) (*Job, error) {
	if len(it) == 0 {
		return nil, nil
	}
	r := &reader{item: it}
	j := &Job{
		MessageID: r.text("messageId"), Key: job.Key(r.text("projectUserId")), ThreadID: r.text("threadId"),
		ReceivedAtMillis: r.number("receivedAt"), ExecutionARN: r.text("executionArn"), ContainerID: r.text("containerId"),
		StartedAtMillis: r.number("startedAt"), Outcome: job.Outcome(r.text("outcome")), OutcomeAtMillis: r.number("outcomeAt"),
		Result: r.text("result"), PartialWork: r.text("partialWork"), From: r.text("from"), Subject: r.text("subject"),
		DeadLettered: r.number("deadLetteredAt") != 0,
	}
	if by := r.sub("interruptedBy"); by != nil {
		j.InterruptedBy = &InterruptedBy{
			ThreadID: by.text("threadId"), MessageID: by.text("messageId"),
			RequestedAtMillis: by.number("requestedAt"),
		}
		r.err = firstError(r.err, by.err)
	}
	if r.err != nil {
		return nil, fmt.Errorf("job row %q: %w", j.MessageID, r.err)
	}
	return j, nil
}

// item writes the preemptor as the claim row holds it; its inverse is in ParseRow.
func (p *Preemptor) item() *types.AttributeValueMemberM {
	waiting := item{}
	for id, token := range p.Waiting {
		waiting[id] = text(token)
	}
	return &types.AttributeValueMemberM{Value: item{
		"threadId": text(p.ThreadID), "receivedAt": number(p.ReceivedAtMillis), "newestMessageId": text(p.NewestMessageID),
		"requestedAt": number(p.RequestedAtMillis), "waiting": &types.AttributeValueMemberM{Value: waiting},
	}}
}

func (b *InterruptedBy) item() *types.AttributeValueMemberM {
	return &types.AttributeValueMemberM{Value: item{
		"threadId": text(b.ThreadID), "messageId": text(b.MessageID),
		"requestedAt": number(b.RequestedAtMillis),
	}}
}

func text(s string) *types.AttributeValueMemberS { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func set(members ...string) *types.AttributeValueMemberSS {
	return &types.AttributeValueMemberSS{Value: members}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
