// Package sqscore is Amazon SQS, standard and FIFO, as a pure state machine: a call and the time go
// in, an answer and effects come out.
//
// It promises what AWS documents or has been seen to do, at its sharpest: a FIFO queue delivers
// each group in order, locks a group while its head is in flight, and forgets a deduplication id
// after five minutes; a message that used up its receives goes to its dead-letter queue; error
// codes and texts are AWS's. What AWS may choose (the order among groups, duplicates on a standard
// queue, a deletion that does not stick), Options.Choose decides; without it the core behaves as
// well as AWS ever does.
//
// It does not promise throughput limits, access policies, encryption, or the up to 60 seconds that
// an attribute may take to spread: it refuses what it does not know and never answers as if it had
// done it. It never waits: a receive on an empty queue answers at once, and the effect [Available]
// tells the caller when to ask again.
//
// A Core is not safe for concurrent use: the caller serialises calls.
package sqscore

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// Labels of the choices that a Core asks Options.Choose for.
const (
	// ChooseGroup picks among the n groups of a FIFO queue that have a message to give; 0 is the
	// group whose head was sent first.
	ChooseGroup = "sqs.group-order"
	// ChooseMessage picks among the n receivable messages of a standard queue; 0 is the one sent
	// first.
	ChooseMessage = "sqs.standard-order"
	// ChooseDuplicate delivers a message of a standard queue that another consumer holds: 0 is
	// none, k the k-th of the n-1 in flight.
	ChooseDuplicate = "sqs.duplicate"
	// ChooseMiss asks whether a short poll of a standard queue misses the messages that are there:
	// 1 is yes.
	ChooseMiss = "sqs.short-poll-miss"
	// ChooseOldDelete asks whether a delete on a standard queue works with a handle older than the
	// message's last receive: 1 is yes.
	ChooseOldDelete = "sqs.old-handle-delete"
	// ChooseLostDelete asks whether a delete on a standard queue succeeds without effect, as when a
	// server that holds a copy is away: 1 is yes.
	ChooseLostDelete = "sqs.lost-delete"
)

// Options configures a Core. The zero value serves tests.
type Options struct {
	AccountID string // twelve digits; default 000000000000
	Region    string // default us-east-1

	// QueueURL builds the URL that the core answers with; its last path element must be the queue's
	// name. Default: AWS's own form.
	QueueURL func(name string) string

	// NewID names messages and move tasks. Ids must be unique in the core and free of spaces.
	// Default: a counter in the form of a UUID.
	NewID func() string

	// Choose answers with a number in [0, n). It is asked only if n > 1. Default: always 0, the
	// well-behaved choice.
	Choose func(n int, label string) int
}

// An Effect is something that the caller should know or do. [Available] is the only kind.
type Effect interface{ effect() }

// Available says that the call made at least one message of the queue receivable: receives that
// wait should ask again. Another receive may take it first.
type Available struct{ QueueName string }

func (Available) effect() {}

// Core holds all queues of one account in one region.
type Core struct {
	opts    Options
	now     time.Time // the latest time seen: time never runs backwards
	queues  map[string]*queue
	deleted map[string]time.Time // queue name -> when it was deleted, for 60 s
	tasks   []*moveTask          // all move tasks, oldest first
	timers  pile[*timer]
	serial  uint64 // numbers messages, receives, timers: unique and increasing
	woken   map[string]bool
}

// New returns a Core without queues.
func New(opts Options) *Core {
	c := &Core{opts: opts, queues: map[string]*queue{}, deleted: map[string]time.Time{}, woken: map[string]bool{}}
	if c.opts.AccountID == "" {
		c.opts.AccountID = "000000000000"
	}
	if c.opts.Region == "" {
		c.opts.Region = "us-east-1"
	}
	if c.opts.QueueURL == nil {
		c.opts.QueueURL = func(name string) string {
			return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", c.opts.Region, c.opts.AccountID, name)
		}
	}
	if c.opts.NewID == nil {
		ids := 0
		c.opts.NewID = func() string {
			ids++
			return fmt.Sprintf("00000000-0000-4000-8000-%012x", ids)
		}
	}
	return c
}

// Do performs one SQS operation. input is a pointer to the SDK's input struct, output a pointer to
// the matching output struct.
func (c *Core) Do(now time.Time, input any) (output any, effects []Effect, err error) {
	c.advance(now)
	output, err = c.dispatch(input)
	if err != nil {
		output = nil
	}
	return output, c.effects(), err
}

// Tick does what has come due by now.
func (c *Core) Tick(now time.Time) []Effect {
	c.advance(now)
	return c.effects()
}

// NextDeadline says when Tick next has something to do. A time in the past means at once.
func (c *Core) NextDeadline() (time.Time, bool) {
	if len(c.timers) == 0 {
		return time.Time{}, false
	}
	return c.timers[0].at, true
}

// WaitTime says how long a receive may wait for a message: its own WaitTimeSeconds or, without one,
// the queue's. The caller does the waiting.
func (c *Core) WaitTime(in *sqs.ReceiveMessageInput) time.Duration {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return 0
	}
	return q.waitTime(in)
}

func (c *Core) dispatch(input any) (any, error) {
	switch in := input.(type) {
	case *sqs.CreateQueueInput:
		return c.createQueue(in)
	case *sqs.GetQueueUrlInput:
		return c.getQueueURL(in)
	case *sqs.ListQueuesInput:
		return c.listQueues(in)
	case *sqs.DeleteQueueInput:
		return c.deleteQueue(in)
	case *sqs.GetQueueAttributesInput:
		return c.getQueueAttributes(in)
	case *sqs.SetQueueAttributesInput:
		return c.setQueueAttributes(in)
	case *sqs.TagQueueInput:
		return c.tagQueue(in)
	case *sqs.UntagQueueInput:
		return c.untagQueue(in)
	case *sqs.ListQueueTagsInput:
		return c.listQueueTags(in)
	case *sqs.PurgeQueueInput:
		return c.purgeQueue(in)
	case *sqs.SendMessageInput:
		return c.sendMessage(in)
	case *sqs.SendMessageBatchInput:
		return c.sendMessageBatch(in)
	case *sqs.ReceiveMessageInput:
		return c.receiveMessage(in)
	case *sqs.DeleteMessageInput:
		return c.deleteMessage(in)
	case *sqs.DeleteMessageBatchInput:
		return c.deleteMessageBatch(in)
	case *sqs.ChangeMessageVisibilityInput:
		return c.changeMessageVisibility(in)
	case *sqs.ChangeMessageVisibilityBatchInput:
		return c.changeMessageVisibilityBatch(in)
	case *sqs.ListDeadLetterSourceQueuesInput:
		return c.listDeadLetterSourceQueues(in)
	case *sqs.StartMessageMoveTaskInput:
		return c.startMessageMoveTask(in)
	case *sqs.ListMessageMoveTasksInput:
		return c.listMessageMoveTasks(in)
	case *sqs.CancelMessageMoveTaskInput:
		return c.cancelMessageMoveTask(in)
	}
	return nil, &smithy.GenericAPIError{
		Code:    "UnknownOperationException",
		Message: fmt.Sprintf("sqscore does not know %T", input),
		Fault:   smithy.FaultClient,
	}
}

// advance moves the clock to now and does what has come due, earliest first.
func (c *Core) advance(now time.Time) {
	if now.After(c.now) {
		c.now = now
	}
	for len(c.timers) > 0 && !c.timers[0].at.After(c.now) {
		t := c.timers[0]
		c.timers.drop(t)
		if t.task != nil {
			c.stepMove(t.task)
			continue
		}
		t.message.queue.due(t.message)
	}
}

// effects lists, by name, the queues in which something became receivable.
func (c *Core) effects() []Effect {
	if len(c.woken) == 0 {
		return nil
	}
	names := make([]string, 0, len(c.woken))
	for name := range c.woken {
		if q := c.queues[name]; q != nil && len(q.ready) > 0 {
			names = append(names, name)
		}
	}
	clear(c.woken)
	sort.Strings(names)
	effects := make([]Effect, 0, len(names))
	for _, name := range names {
		effects = append(effects, Available{QueueName: name})
	}
	return effects
}

func (c *Core) choose(n int, label string) int {
	if n <= 1 || c.opts.Choose == nil {
		return 0
	}
	return c.opts.Choose(n, label)
}

func (c *Core) next() uint64 {
	c.serial++
	return c.serial
}

// find looks a queue up by the last path element of its URL. It ignores the host, because a local
// stack answers under many.
func (c *Core) find(url *string) (*queue, error) {
	if aws.ToString(url) == "" {
		return nil, missing("QueueUrl")
	}
	if q := c.queues[queueName(*url)]; q != nil {
		return q, nil
	}
	return nil, noQueue()
}

func queueName(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

func (c *Core) arn(name string) string {
	return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", c.opts.Region, c.opts.AccountID, name)
}

// byARN finds a queue of this account and region, or nil.
func (c *Core) byARN(arn string) *queue {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if q := c.queues[name]; q != nil && q.arn == arn {
		return q
	}
	return nil
}
