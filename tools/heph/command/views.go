package command

import (
	"maps"
	"slices"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// The views are what `heph status -o json` writes. Their field names are stable; times are RFC
// 3339, UTC.

type overview struct {
	Claims        []claimView        `json:"claims"` // those with jobs, by key
	Jobs          []jobView          `json:"jobs"`   // newest first
	Interruptions []interruptionView `json:"interruptions"`
	DeadLetters   []letterView       `json:"deadLetters"`
	More          more               `json:"more"`
}

// more says which lists have more rows than are shown.
type more struct {
	Claims        bool `json:"claims"`
	Jobs          bool `json:"jobs"`
	Interruptions bool `json:"interruptions"`
	DeadLetters   bool `json:"deadLetters"`
}

// newOverview has lists that are empty, not null.
func newOverview() overview {
	return overview{Claims: []claimView{}, Jobs: []jobView{}, Interruptions: []interruptionView{}, DeadLetters: []letterView{}}
}

type claimView struct {
	Key            job.Key        `json:"key"`
	ContainerID    string         `json:"containerId"`
	ThreadID       string         `json:"threadId"`
	Jobs           []string       `json:"jobs"` // message ids that still have to end
	Fence          int64          `json:"fence"`
	WorkerID       string         `json:"workerId,omitempty"`
	WorkerJob      string         `json:"workerJob,omitempty"`
	ClaimedAt      time.Time      `json:"claimedAt,omitzero"`
	LeaseExpiresAt time.Time      `json:"leaseExpiresAt,omitzero"`
	ExpiresAt      time.Time      `json:"expiresAt,omitzero"`
	Expired        bool           `json:"expired"`
	Preemptor      *preemptorView `json:"preemptor,omitempty"`

	BudgetUsedPercent int `json:"budgetUsedPercent"` // of the key's interruption budget
}

type preemptorView struct {
	ThreadID    string    `json:"threadId"`
	RequestedAt time.Time `json:"requestedAt,omitzero"`
	Waiting     []string  `json:"waiting"` // message ids
}

type jobView struct {
	MessageID    string      `json:"messageId"`
	Key          job.Key     `json:"key,omitempty"`
	ThreadID     string      `json:"threadId,omitempty"`
	From         string      `json:"from,omitempty"`
	Subject      string      `json:"subject,omitempty"`
	ContainerID  string      `json:"containerId,omitempty"`
	State        string      `json:"state"` // held, waiting, queued, running; else the outcome
	Outcome      job.Outcome `json:"outcome,omitempty"`
	Result       string      `json:"result,omitempty"`
	ReceivedAt   time.Time   `json:"receivedAt,omitzero"`
	StartedAt    time.Time   `json:"startedAt,omitzero"`
	OutcomeAt    time.Time   `json:"outcomeAt,omitzero"`
	HeldAt       time.Time   `json:"heldAt,omitzero"` // a person must release it; result says why
	ReleasedAt   time.Time   `json:"releasedAt,omitzero"`
	ExecutionARN string      `json:"executionArn,omitempty"`

	DuplicateOf string         `json:"duplicateOf,omitempty"`
	Again       string         `json:"again,omitempty"`   // as which it is done again
	AgainOf     string         `json:"againOf,omitempty"` // which is done again as this
	Dismissed   *dismissedView `json:"dismissed,omitempty"`
}

type dismissedView struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Because string    `json:"because"`
}

type interruptionView struct {
	MessageID            string     `json:"messageId"`
	Key                  job.Key    `json:"key"`
	RecordID             string     `json:"recordId"`
	Reason               job.Reason `json:"reason"`
	InterruptedContainer string     `json:"interruptedContainer,omitempty"`
	InterruptedThreadID  string     `json:"interruptedThreadId,omitempty"`
	NewThreadID          string     `json:"newThreadId,omitempty"`
	NewMessageID         string     `json:"newMessageId,omitempty"`
	RequestedAt          time.Time  `json:"requestedAt,omitzero"`
	Timestamp            time.Time  `json:"timestamp,omitzero"`
	PartialWork          string     `json:"partialWork,omitempty"`
}

type letterView struct {
	QueueMessageID string    `json:"queueMessageId"`
	Kind           string    `json:"kind,omitempty"`
	MessageID      string    `json:"messageId,omitempty"`
	Key            job.Key   `json:"key,omitempty"`
	Subject        string    `json:"subject,omitempty"`
	What           string    `json:"what,omitempty"`
	LookInto       []string  `json:"lookInto,omitempty"`
	At             time.Time `json:"at,omitzero"`
	Body           string    `json:"body,omitempty"` // if the letter is none of the stack's own

	Dismissed *dismissedView `json:"dismissed,omitempty"`
}

type messageView struct {
	Job          jobView           `json:"job"`
	Claim        *claimView        `json:"claim,omitempty"` // if the message has a part in it
	Interruption *interruptionView `json:"interruption,omitempty"`
	DeadLetters  []letterView      `json:"deadLetters"`
	Execution    *executionView    `json:"execution,omitempty"`
}

type executionView struct {
	ARN       string     `json:"arn"`
	Status    string     `json:"status"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	StoppedAt *time.Time `json:"stoppedAt,omitempty"`
}

// state says in a word where a job is.
func state(j claim.Job) string {
	switch {
	case j.Outcome != "":
		return string(j.Outcome)
	case j.Held():
		return job.Held
	case j.StartedAtMillis != 0:
		return "running"
	case j.ContainerID != "":
		return "queued"
	}
	return "waiting"
}

// at is the time of so many milliseconds, the zero time for none.
func at(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return job.Time(millis)
}

func sortedIDs(waiting map[string]string) []string { return slices.Sorted(maps.Keys(waiting)) }
