// Package claim is the protocol of Hephaestus on DynamoDB: who may work for a key.
//
// It promises that per key (project#user) at most one worker holds a live lease, that every write
// carries the fence of its writer, that a message is decided exactly once, and that each step is
// one conditional write: an UpdateItem, or one transaction if it checks or changes a job's row too.
// Every step for a message demands that its job has no outcome yet. So a Lambda that was frozen and
// wakes up after its execution ended changes nothing.
//
// It does not promise that a stopped worker's process stops acting on the outside world: effects
// must carry the fence, and their receiver must refuse a stale one. It assumes that clocks differ
// by at most Settings.MaxClockSkew: another's lease or claim counts as expired only once it is over
// by more than that.
//
// Package model states the same protocol a second time, on purpose: this package is what runs, the
// model is what is searched, and libs/refinement compares each write here with the steps there.
// They share words, not code.
//
// The rules are in decide.go (pure), the writes in acquire.go (check, claim, interrupt), lease.go
// (start, heartbeat, hand back) and end.go (finish, decline, clean up). docs/protocol.md has the
// table.
package claim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
)

// DynamoDB is what the protocol needs of it; *dynamodb.Client satisfies it.
type DynamoDB interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Settings are the times and the bounds of the protocol.
type Settings struct {
	ClaimTTL         time.Duration // a claim without heartbeats is free after it
	Lease            time.Duration // a worker without heartbeats is dead after it
	InterruptGrace   time.Duration // a holder that was asked to yield may be taken over after it
	MaxClockSkew     time.Duration // the most that two clocks differ by
	MinClaimInterval time.Duration // the least time between two claims of one key; 0 for none
	JobRetention     time.Duration // how long a job's row stays

	MaxJobs         int // of one claim, at a time
	MaxWaiting      int // messages of the preemptor that wait in the row, at a time
	InterruptBudget int // so many times an hour new threads may interrupt a key's holder; 0: without bound
}

// DefaultSettings are the defaults of docs/protocol.md, section Settings.
func DefaultSettings() Settings {
	return Settings{
		ClaimTTL:       time.Hour,
		Lease:          90 * time.Second,
		InterruptGrace: 90 * time.Second,
		MaxClockSkew:   5 * time.Second,
		JobRetention:   30 * 24 * time.Hour,

		MaxJobs:         100,
		MaxWaiting:      20,
		InterruptBudget: 60,
	}
}

// An item of DynamoDB has at most 400 KB. These bounds keep a claim's row below 300 KB, with task
// tokens of 2 KB and message ids of 256 bytes.
const (
	mostJobs    = 250
	mostWaiting = 100
)

// mostInterrupts keeps each interruption's share of the budget's hour at a second or more.
const mostInterrupts = 3600

// Validate refuses settings under which the protocol does not hold, naming the rule.
func (s Settings) Validate() error {
	switch {
	case s.Lease <= 0, s.ClaimTTL <= 0, s.InterruptGrace <= 0, s.JobRetention <= 0:
		return fmt.Errorf("settings: lease, claim TTL, interrupt grace and job retention must be positive")
	case s.MaxClockSkew < 0, s.MinClaimInterval < 0:
		return fmt.Errorf("settings: clock skew and claim interval must not be negative")
	case s.ClaimTTL < s.Lease:
		return fmt.Errorf("settings: claim TTL %v is shorter than the lease %v: a claim would be free while its worker lives", s.ClaimTTL, s.Lease)
	case s.ClaimTTL <= 2*s.MaxClockSkew:
		return fmt.Errorf("settings: claim TTL %v must exceed twice the clock skew %v: fences could fall after a TTL deletion", s.ClaimTTL, s.MaxClockSkew)
	case s.MaxJobs < 1, s.MaxJobs > mostJobs:
		return fmt.Errorf("settings: %d jobs of a claim: want 1 to %d, so that its row fits into an item", s.MaxJobs, mostJobs)
	case s.MaxWaiting < 1, s.MaxWaiting > mostWaiting:
		return fmt.Errorf("settings: %d messages that wait: want 1 to %d, so that the claim's row fits into an item", s.MaxWaiting, mostWaiting)
	case s.InterruptBudget < 0, s.InterruptBudget > mostInterrupts:
		return fmt.Errorf("settings: interrupt budget %d: want 0 (no bound) to %d an hour", s.InterruptBudget, mostInterrupts)
	}
	return nil
}

// Store takes the protocol's steps. It is safe for concurrent use if its DynamoDB is.
type Store struct {
	db       DynamoDB
	names    awsx.Names
	settings Settings
	now      func() time.Time
	newID    func() string
	pause    Pause
}

// Pause waits for a random time of at most the given one, and returns ctx's error if that ends
// before.
type Pause func(ctx context.Context, atMost time.Duration) error

// NewStore makes a store. now is the caller's clock; newID returns a fresh random string for each
// container id; pause waits between two attempts of a step.
func NewStore(db DynamoDB, names awsx.Names, settings Settings, now func() time.Time, newID func() string, pause Pause) (*Store, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	return &Store{db: db, names: names, settings: settings, now: now, newID: newID, pause: pause}, nil
}

// Settings are the times that the store works with.
func (s *Store) Settings() Settings { return s.settings }

// ErrContended says that other writers were faster so many times that the step gave up. Nothing was
// written; the caller may try again later.
var ErrContended = errors.New("the claim changed under every attempt: try again")

// ErrNoJob says that the message has no row in the jobs table: it was never admitted, or its row
// expired.
var ErrNoJob = errors.New("no job row: the message was never admitted, or its row expired")

// EndedError says that the job has its outcome already, or is held, so no step may be taken for it.
type EndedError struct{ Job Job }

func (e *EndedError) Error() string {
	if e.Job.Held() {
		return fmt.Sprintf("job %s is held: a person must release it", e.Job.MessageID)
	}
	return fmt.Sprintf("job %s has ended: %s", e.Job.MessageID, e.Job.Outcome)
}

// Wake is a waiting message that must be told, by its task token, whether it lost its place to a
// newer thread or may go on.
type Wake struct {
	MessageID  string
	Token      string
	Superseded bool
}

// wakes lists the messages that wait in p, without except, in the order of their ids.
func (p *Preemptor) wakes(superseded bool, except string) []Wake {
	if p == nil {
		return nil
	}
	var list []Wake
	for _, id := range slices.Sorted(maps.Keys(p.Waiting)) {
		if id != except {
			list = append(list, Wake{MessageID: id, Token: p.Waiting[id], Superseded: superseded})
		}
	}
	return list
}

// containerID names a claim: container-{unixMillis}-{random}.
func (s *Store) containerID(now time.Time) string {
	return fmt.Sprintf("container-%d-%s", job.Millis(now), s.newID())
}
