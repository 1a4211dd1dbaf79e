// Package sfncore is AWS Step Functions (Standard workflows) as a pure core: an interpreter of
// Amazon States Language that takes one request or one report at a time, with the time at which it
// happens, and returns what has to be done as data.
//
// It speaks the structs of the AWS SDK (service/sfn), answers with the SDK's own errors, and never
// touches a socket, a clock, a goroutine or global randomness. A Task state becomes a RunTask
// effect; the caller performs the call and reports it with TaskDone. What waits for time (Wait
// states, time-outs, heartbeats, retries) is kept in one heap: NextDeadline says when Tick has
// something to do.
//
// Promises: a running execution has an open task, an open token or a deadline; a timer never fires
// before its time; a token takes one answer; equal calls in equal order give equal results. A
// deadline takes effect at the first Tick after it: so the caller decides whether a late answer or
// the time-out comes first, as the service does on AWS.
//
// Not promised: the order of object members in data (they come sorted), billing, logging,
// throttling, the size of a request, redrives, tags, versions and aliases, Express workflows,
// activities. The core refuses by name what it does not know. A Core is not safe for concurrent
// use.
package sfncore

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// The service's limits (Developer Guide, Quotas).
const (
	maxDataBytes     = 262_144
	maxHistoryEvents = 25_000
	maxExecutionTime = 365 * 24 * time.Hour
	defaultRetention = 90 * 24 * time.Hour
)

// Options are the choices of a Core. The zero value is a deterministic, well-behaved service.
type Options struct {
	Region  string // us-east-1 if empty
	Account string // 000000000000 if empty
	// NewID returns unique ids for executions without a name, revisions, States.UUID and tokens;
	// nil counts.
	NewID func() string
	// Choose draws from [0, n) what AWS draws at random: jitter and States.MathRandom. Nil always
	// takes 0: no jitter, the lowest number.
	Choose func(n int, label string) int
	// OmitHistory counts events instead of keeping them, for runs with very many executions; the
	// core then refuses GetExecutionHistory.
	OmitHistory bool
	// Retention is how long an ended execution, and so its name, is kept; 90 days if 0.
	Retention time.Duration
	// OnTransition, if set, is called with each history event as it happens. It must not call the
	// Core.
	OnTransition func(Transition)
	// Definitions, if set, is a cache that the core reads and fills.
	Definitions Definitions
}

// Definitions are compiled state machines by their text. Cores that run one after the other may
// share them: compiling the same text again is a large part of a short run.
type Definitions map[string]*asl.Machine

// Transition is one history event, for Options.OnTransition.
type Transition struct {
	ExecutionArn, Name string
	Event              types.HistoryEventType
	State              string // the state it is about; empty for events of the execution itself
	At                 time.Time
}

// Effect is something that the caller has to do: a RunTask or an ExecutionEnded.
type Effect interface{ effect() }

// RunTask asks the caller to perform a service call and to report its outcome with TaskDone: the
// output as the integration returns it (Payload, StatusCode and so on for lambda:invoke, the bare
// payload for a function's own ARN), a FunctionError or a service's error as a TaskFailure.
type RunTask struct {
	TaskID       string
	Resource     string          // as in the definition
	Input        json.RawMessage // the effective Parameters
	Token        string          // the task token; empty if the state does not wait for one
	ExecutionArn string
	State        string
}

// ExecutionEnded says that an execution has ended, as the EventBridge event "Step Functions
// Execution Status Change" would.
type ExecutionEnded struct {
	ExecutionArn, Name, StateMachineArn string
	Status                              types.ExecutionStatus
	Input                               string
	Output                              string // JSON; only of one that succeeded
	Error, Cause                        string
	StartDate, StopDate                 time.Time
}

func (RunTask) effect()        {}
func (ExecutionEnded) effect() {}

// TaskFailure is how a service call failed: Error as Retry and Catch name it (such as
// Lambda.ServiceException).
type TaskFailure struct{ Error, Cause string }

// Core is the service with all of its state machines and executions.
type Core struct {
	options    Options
	machines   map[string]*machine   // by ARN
	executions map[string]*execution // by ARN
	ended      []*execution          // in the order in which they ended, until Retention has passed
	tasks      map[string]*task      // open ones, by TaskID
	tokens     map[string]*task      // open ones, by token
	timers     timerHeap
	started    int64 // counts executions
	scheduled  int64 // counts tasks
	ids        int64 // counts ids if Options.NewID is nil
	madeTimers int64

	// While a call is served:
	now     time.Time
	ready   []*branch // branches that are about to enter a state, first come first served
	effects []Effect
}

// New returns an empty service.
func New(options Options) *Core {
	c := &Core{
		options:    options,
		machines:   map[string]*machine{},
		executions: map[string]*execution{},
		tasks:      map[string]*task{},
		tokens:     map[string]*task{},
	}
	if c.options.Region == "" {
		c.options.Region = "us-east-1"
	}
	if c.options.Account == "" {
		c.options.Account = "000000000000"
	}
	if c.options.Retention == 0 {
		c.options.Retention = defaultRetention
	}
	return c
}

// Do serves one request: input is a *sfn.…Input, output the matching *sfn.…Output.
func (c *Core) Do(now time.Time, input any) (output any, effects []Effect, err error) {
	c.begin(now)
	output, err = c.dispatch(input)
	if err != nil {
		return nil, c.takeEffects(), err
	}
	return output, c.takeEffects(), nil
}

func (c *Core) dispatch(input any) (any, error) {
	switch in := input.(type) {
	case *sfn.CreateStateMachineInput:
		return c.createStateMachine(in)
	case *sfn.UpdateStateMachineInput:
		return c.updateStateMachine(in)
	case *sfn.DescribeStateMachineInput:
		return c.describeStateMachine(in)
	case *sfn.DescribeStateMachineForExecutionInput:
		return c.describeStateMachineForExecution(in)
	case *sfn.ListStateMachinesInput:
		return c.listStateMachines(in)
	case *sfn.DeleteStateMachineInput:
		return c.deleteStateMachine(in)
	case *sfn.ValidateStateMachineDefinitionInput:
		return c.validateDefinition(in)
	case *sfn.StartExecutionInput:
		return c.startExecution(in)
	case *sfn.StopExecutionInput:
		return c.stopExecution(in)
	case *sfn.DescribeExecutionInput:
		return c.describeExecution(in)
	case *sfn.ListExecutionsInput:
		return c.listExecutions(in)
	case *sfn.GetExecutionHistoryInput:
		return c.getExecutionHistory(in)
	case *sfn.SendTaskSuccessInput:
		return c.sendTaskSuccess(in)
	case *sfn.SendTaskFailureInput:
		return c.sendTaskFailure(in)
	case *sfn.SendTaskHeartbeatInput:
		return c.sendTaskHeartbeat(in)
	}
	return nil, &smithy.GenericAPIError{
		Code: "UnknownOperationException", Message: fmt.Sprintf("sfncore does not know %T", input), Fault: smithy.FaultClient,
	}
}

// begin opens a call: it forgets executions after their retention.
func (c *Core) begin(now time.Time) {
	c.now = now.UTC()
	for len(c.ended) > 0 && !c.ended[0].stop.Add(c.options.Retention).After(c.now) {
		c.forget(c.ended[0])
		c.ended[0] = nil
		c.ended = c.ended[1:]
	}
}

func (c *Core) takeEffects() []Effect {
	effects := c.effects
	c.effects = nil
	return effects
}

// NextDeadline returns the earliest time at which Tick has something to do.
func (c *Core) NextDeadline() (time.Time, bool) {
	if len(c.timers) == 0 {
		return time.Time{}, false
	}
	return c.timers[0].at, true
}

// Tick fires every timer that is due, earliest first; at equal times, the one made first.
func (c *Core) Tick(now time.Time) []Effect {
	c.begin(now)
	for len(c.timers) > 0 && !c.timers[0].at.After(c.now) {
		t := c.timers[0]
		c.cancel(t)
		t.fire()
		c.run(t.execution)
	}
	return c.takeEffects()
}

// TaskDone reports the outcome of a RunTask: its output, or a failure. A report about a task that
// is no longer open (timed out, answered, stopped) is ignored. For a task with a token a success
// means that the call was made; the callback ends the state.
func (c *Core) TaskDone(now time.Time, taskID string, output json.RawMessage, failure *TaskFailure) []Effect {
	c.begin(now)
	if t, open := c.tasks[taskID]; open {
		c.reported(t, output, failure)
		c.run(t.branch.execution)
	}
	return c.takeEffects()
}

// OpenToken is a token that an execution waits for.
type OpenToken struct {
	Token, ExecutionArn, State string
	Submitted                  bool // the call that carries the token away has been reported as made
}

// OpenTokens lists every open token, sorted by execution and state.
func (c *Core) OpenTokens() []OpenToken {
	var open []OpenToken
	for _, token := range slices.Sorted(maps.Keys(c.tokens)) {
		t := c.tokens[token]
		open = append(open, OpenToken{token, t.branch.execution.arn, t.branch.state.Name, t.submitted})
	}
	sortTokens(open)
	return open
}

// Execution is the state of one execution.
type Execution struct {
	Arn, Name, StateMachineArn string
	Status                     types.ExecutionStatus
	Input, Output              string
	Error, Cause               string
	StartDate, StopDate        time.Time // StopDate is zero while it runs
	Events                     int       // in its history
}

// Executions lists every execution within its retention, sorted by ARN.
func (c *Core) Executions() []Execution {
	all := make([]Execution, 0, len(c.executions))
	for _, arn := range slices.Sorted(maps.Keys(c.executions)) {
		x := c.executions[arn]
		all = append(all, Execution{
			Arn: x.arn, Name: x.name, StateMachineArn: x.machine.arn, Status: x.status, Input: x.input, Output: x.output,
			Error: deref(x.failure.name), Cause: deref(x.failure.cause), StartDate: x.start, StopDate: x.stop, Events: x.events,
		})
	}
	return all
}

// newID and choose also serve the intrinsic functions.
func (c *Core) newID() string {
	if c.options.NewID != nil {
		return c.options.NewID()
	}
	c.ids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", c.ids)
}

func (c *Core) choose(n int, label string) int {
	if c.options.Choose == nil || n <= 1 {
		return 0
	}
	return c.options.Choose(n, label)
}

var _ asl.Env = (*branch)(nil)
