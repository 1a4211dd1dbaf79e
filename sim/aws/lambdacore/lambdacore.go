// Package lambdacore is AWS Lambda's invocation as a pure state machine: it decides which function
// runs when, and what becomes of the answer. It runs nothing: the effect [Run] asks the caller to,
// and the caller reports the end with [Core.Returned].
//
// It promises what Lambda does around a function: a synchronous invocation is answered once, an
// asynchronous one is tried up to three times under one request id and then goes to the dead-letter
// queue and the on-failure destination; a run that outlives its timeout has failed, whatever it
// returns later. Options.Choose decides whether Lambda delivers an event twice.
//
// It does not promise concurrency limits and throttling, versions, aliases, layers or logs: it
// refuses by name what it does not know. It polls no queue: [Mapping] and the functions around it
// are for a caller that does.
//
// A Core is not safe for concurrent use: the caller serialises calls.
package lambdacore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// ChooseDuplicate is the label with which a Core asks Options.Choose whether Lambda delivers an
// asynchronous event twice: 1 is yes.
const ChooseDuplicate = "lambda.duplicate-event"

// Options configures a Core. The zero value serves tests.
type Options struct {
	AccountID string // twelve digits; default 000000000000
	Region    string // default us-east-1

	// RetryDelays are the waits before the second and the third try of an asynchronous invocation.
	// Default: one minute and two, as Lambda's.
	RetryDelays [2]time.Duration

	// NewID names requests. Default: a counter in the form of a UUID.
	NewID func() string

	// Choose answers with a number in [0, n). Default: always 0, the well-behaved choice.
	Choose func(n int, label string) int
}

// FunctionConfig is how Lambda treats a function. Zero values are Lambda's defaults.
type FunctionConfig struct {
	TimeoutSeconds         int  // 1 to 900; default 3
	MaximumRetryAttempts   *int // of an asynchronous event: 0 to 2; default 2
	MaximumEventAgeSeconds int  // of an asynchronous event: 60 to 21600; default 21600

	DeadLetterQueueARN string // an SQS queue that gets the event itself; optional
	OnFailureARN       string // an SQS queue that gets a record of the failure; optional
}

// FunctionError is how a function failed: the errorType and errorMessage of its error payload.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// An Effect is something that the caller should do.
type Effect interface{ effect() }

// Run asks to run a function and to call Returned with the InvocationID.
type Run struct {
	InvocationID string // of this run alone
	RequestID    string // the same for every try of one event
	FunctionName string
	FunctionARN  string
	Payload      []byte // JSON; the caller must not change it
	Attempt      int    // 1 for the first try
	Deadline     time.Time
}

// Stop says that a run has timed out: the caller should end its environment, and the core ignores
// its report.
type Stop struct{ InvocationID string }

// Answer answers a synchronous invocation; its Pending named the InvocationID.
type Answer struct {
	InvocationID string
	Output       *lambda.InvokeOutput
}

// DeadLetter asks to send a queue an event that no try could handle.
type DeadLetter struct {
	QueueName  string
	Body       string
	Attributes map[string]sqstypes.MessageAttributeValue // RequestID, ErrorCode, ErrorMessage
}

// OnFailure asks to send a queue the record of such an event.
type OnFailure struct {
	QueueName string
	Body      string // JSON (Lambda Developer Guide, invocation-async)
}

func (Run) effect()        {}
func (Stop) effect()       {}
func (Answer) effect()     {}
func (DeadLetter) effect() {}
func (OnFailure) effect()  {}

// Pending is Do's output for a synchronous invocation: the answer comes as the effect Answer with
// this id.
type Pending struct{ InvocationID string }

type function struct {
	name, arn string
	config    FunctionConfig
}

// An event is one accepted invocation and its state.
type event struct {
	requestID string
	function  *function
	payload   []byte
	async     bool
	queuedAt  time.Time
	attempt   int // tries begun
	lastError []byte

	// A running try has an invocation id and ends at dueAt at the latest; a waiting one has none
	// and begins at dueAt.
	invocationID string
	dueAt        time.Time
	accepted     uint64 // its number among all accepted events
	place        int    // in the agenda, plus one; 0: not in it
}

// Core holds the functions of one account in one region, and what runs and waits.
type Core struct {
	opts      Options
	now       time.Time
	functions map[string]*function
	agenda    agenda            // events that run or wait
	running   map[string]*event // those that run, by invocation id
	mappings  []Mapping
	accepted  uint64 // counts events
	runs      int
	pending   []Effect
}

// New returns a Core without functions.
func New(opts Options) *Core {
	c := &Core{opts: opts, functions: map[string]*function{}, running: map[string]*event{}}
	if c.opts.AccountID == "" {
		c.opts.AccountID = "000000000000"
	}
	if c.opts.Region == "" {
		c.opts.Region = "us-east-1"
	}
	if c.opts.RetryDelays == [2]time.Duration{} {
		c.opts.RetryDelays = [2]time.Duration{time.Minute, 2 * time.Minute}
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

// Register adds a function, or changes the configuration of a known one from its next run on.
func (c *Core) Register(name string, config FunctionConfig) error {
	if config.TimeoutSeconds == 0 {
		config.TimeoutSeconds = 3
	}
	if config.MaximumEventAgeSeconds == 0 {
		config.MaximumEventAgeSeconds = 21600
	}
	if config.MaximumRetryAttempts == nil {
		config.MaximumRetryAttempts = aws.Int(2)
	}
	retries := *config.MaximumRetryAttempts
	config.MaximumRetryAttempts = &retries
	switch {
	case name == "" || len(name) > 64 || strings.ContainsFunc(name, notInName):
		return fmt.Errorf("lambdacore: function name %q: want 1 to 64 letters, digits, hyphens and underscores", name)
	case config.TimeoutSeconds < 1 || config.TimeoutSeconds > 900:
		return fmt.Errorf("lambdacore: function %s: timeout of %d s: want 1 to 900", name, config.TimeoutSeconds)
	case retries < 0 || retries > 2:
		return fmt.Errorf("lambdacore: function %s: %d retry attempts: want 0 to 2", name, retries)
	case config.MaximumEventAgeSeconds < 60 || config.MaximumEventAgeSeconds > 21600:
		return fmt.Errorf("lambdacore: function %s: event age of %d s: want 60 to 21600", name, config.MaximumEventAgeSeconds)
	}
	for _, arn := range []string{config.DeadLetterQueueARN, config.OnFailureARN} {
		if arn != "" && !strings.HasPrefix(arn, "arn:aws:sqs:") {
			return fmt.Errorf("lambdacore: function %s: destination %s: only SQS queues are implemented", name, arn)
		}
	}
	f := c.functions[name]
	if f == nil {
		f = &function{name: name, arn: fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", c.opts.Region, c.opts.AccountID, name)}
		c.functions[name] = f
	}
	f.config = config
	return nil
}

func notInName(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}

// Functions lists the names of the registered functions, sorted.
func (c *Core) Functions() []string { return slices.Sorted(maps.Keys(c.functions)) }

// Do performs one Lambda operation: Invoke or ListFunctions. Invoke's output is an
// *lambda.InvokeOutput for an asynchronous invocation and a dry run, and a *Pending for a
// synchronous one.
func (c *Core) Do(now time.Time, input any) (output any, effects []Effect, err error) {
	c.advance(now)
	switch in := input.(type) {
	case *lambda.InvokeInput:
		output, err = c.invoke(in)
	case *lambda.ListFunctionsInput:
		output, err = c.list(in)
	default:
		err = &smithy.GenericAPIError{
			Code:    "UnknownOperationException",
			Message: fmt.Sprintf("lambdacore does not know %T", input),
			Fault:   smithy.FaultClient,
		}
	}
	if err != nil {
		output = nil
	}
	return output, c.effects(), err
}

// list lists the functions by name, in one page (Lambda API Reference, ListFunctions).
func (c *Core) list(in *lambda.ListFunctionsInput) (any, error) {
	if in.Marker != nil || in.MaxItems != nil || in.MasterRegion != nil || in.FunctionVersion != "" {
		return nil, &smithy.GenericAPIError{
			Code: "InvalidParameterValueException", Message: "lambdacore lists all functions at once: leave the parameters out", Fault: smithy.FaultClient,
		}
	}
	out := &lambda.ListFunctionsOutput{}
	for _, name := range c.Functions() {
		f := c.functions[name]
		out.Functions = append(out.Functions, types.FunctionConfiguration{
			FunctionName: aws.String(name), FunctionArn: aws.String(f.arn), Timeout: aws.Int32(int32(f.config.TimeoutSeconds)), Version: aws.String(latest),
		})
	}
	return out, nil
}

// Tick does what has come due by now: retries begin, runs time out.
func (c *Core) Tick(now time.Time) []Effect {
	c.advance(now)
	return c.effects()
}

// NextDeadline says when Tick next has something to do.
func (c *Core) NextDeadline() (time.Time, bool) {
	if len(c.agenda) == 0 {
		return time.Time{}, false
	}
	return c.agenda[0].dueAt, true
}

func (c *Core) effects() []Effect {
	effects := c.pending
	c.pending = nil
	return effects
}

func (c *Core) emit(e Effect) { c.pending = append(c.pending, e) }

// advance moves the clock to now and does what has come due, in the agenda's order.
func (c *Core) advance(now time.Time) {
	if now.After(c.now) {
		c.now = now
	}
	for len(c.agenda) > 0 && !c.agenda[0].dueAt.After(c.now) {
		e := c.agenda[0]
		switch {
		case e.invocationID != "":
			c.emit(Stop{e.invocationID})
			c.ended(e, nil, &FunctionError{Type: "Sandbox.Timedout", Message: fmt.Sprintf(
				"RequestId: %s Error: Task timed out after %d.00 seconds", e.requestID, e.function.config.TimeoutSeconds)})
		case e.tooOld(c.now):
			c.giveUp(e, "EventAgeExceeded")
		default:
			c.begin(e)
		}
	}
}

// find resolves a function's name, partial or whole ARN, with or without a qualifier (Lambda API
// Reference, Invoke).
func (c *Core) find(name, qualifier string) (*function, error) {
	const separator = "function:"
	scope := ""
	if i := strings.Index(name, separator); i >= 0 {
		scope, name = name[:i], name[i+len(separator):]
	}
	if base, q, ok := strings.Cut(name, ":"); ok {
		name, qualifier = base, q
	}
	account := c.opts.AccountID + ":"
	region := "arn:aws:lambda:" + c.opts.Region + ":" + account
	here := scope == "" || scope == account || scope == region
	if f := c.functions[name]; f != nil && here && (qualifier == "" || qualifier == latest) {
		return f, nil
	}
	arn := region + separator + name
	if !here {
		arn = scope + separator + name
	}
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return nil, &types.ResourceNotFoundException{Message: aws.String("Function not found: " + arn), Type: aws.String("User")}
}
