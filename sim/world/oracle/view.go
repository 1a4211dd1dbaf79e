package oracle

import (
	"time"

	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// View is a world as oracles read it at any moment.
type View interface {
	Now() time.Time // by the world's clock
	Event() int     // the number of the event under way
	Struck(fault.Kind) bool

	// Claim and Job read rows as they are now; nil is a row that is not there.
	Claim(key job.Key) (*claim.Row, error)
	Job(messageID string) (*claim.Job, error)

	Started(executionARN string) bool // the execution runs, or has ended
}

// Command is a command that a worker prepares or runs, as oracles read it. A worker's clock is its
// own.
type Command interface {
	Term() Term
	Message() job.Message
	MessageID() string
	Reads() string // the mail's content, as its worker fetched it
	ContainerID() string
	Worker() string // the name of its process
	BeganAt() time.Time
	WorkerNow() time.Time

	Preparing() bool // it is yet to begin
	Exited() bool
	AskedToStop() bool
	WorkerStops() bool  // its worker was told to stop
	Exit() *worker.Exit // as its worker was told; nil: it was not, or not yet

	FrozenUntil() time.Time    // by the world's clock, until when its machine stands still
	ClockAhead() time.Duration // how far its worker's clock has jumped ahead since its timer was set
}

// Term is one lease of one worker.
type Term struct {
	Key   job.Key
	Fence int64
}

// Writer is who made a call; the zero Writer is AWS itself.
type Writer struct {
	Name string
	Kind WriterKind
}

// WriterKind is what a writer is.
type WriterKind int

// The kinds of writers.
const (
	AWS WriterKind = iota
	Function
	Worker
)

// String names the writer.
func (w Writer) String() string {
	if w.Kind == AWS {
		return "AWS"
	}
	return w.Name
}

// Change is what one call did to the claim of a key and to the job of one of its messages; nil is a
// row that is not there, or that the call did not touch.
type Change struct {
	Writer         Writer
	Asked          time.Time // when the writer decided, by its own clock
	AskedAt        time.Time // the same by the world's clock
	Key            job.Key
	RowBefore, Row *claim.Row
	JobBefore, Job *claim.Job
}

// Ending is a world in which nothing happens any more.
type Ending struct {
	Claims     []*claim.Row
	Letters    map[string]bool // the messages on the dead letter queue
	Records    map[string]audit.Record
	Executions []Execution
	OpenTokens int
	Queues     []Queue // that must be empty

	Anew string // the message that came anew after its row had expired, when faults had ceased; empty for none

	Jobs map[string]*claim.Job // by message, without those that are held; all have their outcome
}

// Execution is a run of the state machine.
type Execution struct {
	Message, Input, Error string
	Status                sfntypes.ExecutionStatus
	Lasted                time.Duration // if it has ended
}

// Queue is a queue with messages on it.
type Queue struct {
	Name     string
	Messages int
}
