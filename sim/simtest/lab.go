// Package simtest is the lab in which the protocol and the handlers are tested: DynamoDB and SQS as
// the simulation's cores behind the SDK's clients, a Step Functions that remembers its tokens and
// executions, and a clock that only the test moves.
//
// A Scene is a lab with a story before the test: who holds the key, who asks for it. Row, Job and
// Record say in one line what became of it.
//
// It promises that a test can put anything before, instead of or after any single call: something
// else that happens first (Before), an error without effect (Fail), an effect without an answer
// (LoseAnswer). It is safe for concurrent use. It does not search interleavings by itself; the
// simulation does.
package simtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/sqscore"
	"github.com/webordinary/hephaestus/sim/system"
)

// TB is what the lab needs of a test; *testing.T, *testing.B and *rapid.T satisfy it.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Start is when the clock of every lab begins.
var Start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// The errors that the lab answers with in place of AWS.
var (
	ErrFailed     = errors.New("simtest: the call failed before it had an effect")
	ErrAnswerLost = errors.New("simtest: the call had its effect, its answer was lost")
)

// Lab is one account in one region, with the stack's tables and queues.
type Lab struct {
	Names         awsx.Names
	WorkQueueURL  string
	DeadLetterURL string
	Flow          *Flow

	t      TB
	mu     sync.Mutex
	now    time.Time
	ids    int
	tables *ddbcore.Core
	stale  bool // eventually consistent reads return the version before the latest
	queues *sqscore.Core
	rigged []*rig
	counts map[string]int
	paused []time.Duration
}

// rig is what happens to one later call of an operation.
type rig struct {
	operation string
	skip      int // calls of the operation that pass before
	before    func()
	fail      error // instead of the call
	lose      bool  // the answer, after the call
}

// New makes a lab whose tables and queues are as the stack makes them.
func New(t TB) *Lab {
	t.Helper()
	names, err := awsx.NewNames("")
	if err != nil {
		t.Fatalf("names: %v", err)
	}
	l := &Lab{
		Names: names, Flow: newFlow(), t: t, now: Start,
		queues: sqscore.New(sqscore.Options{}), counts: map[string]int{},
	}
	l.tables = ddbcore.New(ddbcore.Options{Choose: func(int, string) int {
		if l.stale {
			return 1
		}
		return 0
	}})
	stack, err := system.Template(names, system.WorkQueue{}, nil)
	if err != nil {
		t.Fatalf("template: %v", err)
	}
	for _, table := range stack.Tables {
		l.must(l.tables.Do(l.now, table.Create))
		l.must(l.tables.Do(l.now, table.TimeToLive()))
	}
	l.WorkQueueURL = l.createQueue(names.WorkQueue(), map[string]string{"FifoQueue": "true"})
	l.DeadLetterURL = l.createQueue(names.DeadLetters(), nil)
	return l
}

func (l *Lab) createQueue(name string, attributes map[string]string) string {
	l.t.Helper()
	out, _, err := l.queues.Do(l.now, &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
	l.must(out, err)
	return aws.ToString(out.(*sqs.CreateQueueOutput).QueueUrl)
}

func (l *Lab) must(_ any, err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("simtest: %v", err)
	}
}

// Now is the lab's time.
func (l *Lab) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// Advance moves the clock.
func (l *Lab) Advance(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

// ReadStale makes every eventually consistent read from now on miss the last write of its item.
func (l *Lab) ReadStale() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = true
}

// At is a clock that differs from the lab's by skew.
func (l *Lab) At(skew time.Duration) func() time.Time {
	return func() time.Time { return l.Now().Add(skew) }
}

// NewID counts: c1, c2, …
func (l *Lab) NewID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids++
	return fmt.Sprintf("c%d", l.ids)
}

// Pause notes how long it was to be, and does not wait.
func (l *Lab) Pause(ctx context.Context, atMost time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = append(l.paused, atMost)
	return ctx.Err()
}

// Paused lists the bounds of the pauses so far.
func (l *Lab) Paused() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.paused)
}

// Store is the protocol over the lab, by the lab's clock.
func (l *Lab) Store(settings claim.Settings) *claim.Store { return l.StoreAt(settings, 0) }

// StoreAt is the protocol by a clock that differs from the lab's.
func (l *Lab) StoreAt(settings claim.Settings, skew time.Duration) *claim.Store {
	l.t.Helper()
	store, err := claim.NewStore(l.DynamoDB(), l.Names, settings, l.At(skew), l.NewID, l.Pause)
	l.must(nil, err)
	return store
}

// Records is the log of interruptions over the lab.
func (l *Lab) Records() *audit.Log { return audit.NewLog(l.DynamoDB(), l.Names.Interruptions()) }

// Nudges are the interrupt queues over the lab.
func (l *Lab) Nudges() *interrupt.Queues {
	l.t.Helper()
	queues, err := interrupt.NewQueues(l.SQS(), l.Names, l.WorkQueueURL)
	l.must(nil, err)
	return queues
}

// DynamoDB is a client of the lab's DynamoDB.
func (l *Lab) DynamoDB() client.DynamoDB { return client.NewDynamoDB(l.Call) }

// SQS is a client of the lab's SQS.
func (l *Lab) SQS() client.SQS { return client.NewSQS(l.Call) }

// StepFunctions is a client of the lab's Flow.
func (l *Lab) StepFunctions() client.StepFunctions { return client.NewStepFunctions(l.Call) }

// Log throws away what is logged.
func (l *Lab) Log() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// Before runs f once, just before a call of the operation; skip calls pass first. f may make calls
// itself.
func (l *Lab) Before(operation string, skip int, f func()) {
	l.rig(rig{operation: operation, skip: skip, before: f})
}

// Fail answers one such call with ErrFailed, without effect.
func (l *Lab) Fail(operation string, skip int) {
	l.rig(rig{operation: operation, skip: skip, fail: ErrFailed})
}

// FailWith answers one such call with an error, without effect.
func (l *Lab) FailWith(operation string, skip int, err error) {
	l.rig(rig{operation: operation, skip: skip, fail: err})
}

// LoseAnswer loses one such call's answer: the call has its effect, the caller gets ErrAnswerLost.
func (l *Lab) LoseAnswer(operation string, skip int) {
	l.rig(rig{operation: operation, skip: skip, lose: true})
}

func (l *Lab) rig(r rig) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rigged = append(l.rigged, &r)
}

// Calls counts the calls of an operation so far, those that failed included.
func (l *Lab) Calls(operation string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[operation]
}

// Call is the lab's client.Call.
func (l *Lab) Call(ctx context.Context, service, operation string, input any) (any, error) {
	rigs := l.take(operation)
	for _, r := range rigs {
		if r.before != nil {
			r.before()
		}
	}
	for _, r := range rigs {
		if r.fail != nil {
			return nil, r.fail
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	output, err := l.do(service, input)
	for _, r := range rigs {
		if r.lose && err == nil {
			return nil, ErrAnswerLost
		}
	}
	return output, err
}

// take counts the call and takes the rigs that are for it.
func (l *Lab) take(operation string) []*rig {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[operation]++
	var now, later []*rig
	for _, r := range l.rigged {
		switch {
		case r.operation != operation:
			later = append(later, r)
		case r.skip > 0:
			r.skip--
			later = append(later, r)
		default:
			now = append(now, r)
		}
	}
	l.rigged = later
	return now
}

func (l *Lab) do(service string, input any) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch service {
	case "dynamodb":
		return l.tables.Do(l.now, input)
	case "sqs":
		output, _, err := l.queues.Do(l.now, input)
		return output, err
	case "states":
		return l.Flow.do(input)
	}
	return nil, fmt.Errorf("simtest has no %s", service)
}

// DeleteExpired deletes all items that DynamoDB's TTL may delete by now, and says how many it
// deleted.
func (l *Lab) DeleteExpired() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	deleted := 0
	for _, key := range l.tables.Expired(l.now) {
		if l.tables.DeleteExpired(l.now, key) {
			deleted++
		}
	}
	return deleted
}

// Received takes all messages off a queue, with their attributes.
func (l *Lab) Received(queueURL string) []types.Message {
	l.t.Helper()
	var all []types.Message
	for {
		out, err := l.SQS().ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(queueURL), MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		l.must(out, err)
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}
