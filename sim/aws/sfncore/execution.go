package sfncore

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// execution is one run of a state machine. It keeps the revision that it began with.
//
// Its invariants, and those of branches, tasks and machines, hold between two calls; the tests
// check them after every call.
type execution struct {
	number      int64 // in the order of starting
	arn, name   string
	machine     *machine
	revision    *revision
	input       string // as it was sent
	traceHeader string
	status      types.ExecutionStatus
	forgotten   bool      // its retention is over. Invariant: not while it runs
	start, stop time.Time // Invariant: start <= stop if it has ended, else stop is zero
	output      string    // JSON. Invariant: empty unless it succeeded
	failure     failure
	root        *branch // Invariant: nil == it has ended
	limit       *timer  // Invariant: nil == it has ended
	events      int     // in the history, kept or not. Invariant: 0 < events <= maxHistoryEvents
	history     []event // Invariant: len(history) == events, or 0 with OmitHistory
	inputValue  any     // input, decoded; nil once it has ended
}

// branch is one thread of control: the execution itself, a branch of a Parallel state or an
// iteration of a Map state.
type branch struct {
	core      *Core
	execution *execution
	parent    *branch // nil for the execution itself
	index     int     // among the parent's children
	item      any     // of a Map iteration
	over      bool    // it ended or was aborted
	pending   bool    // state is still to be entered

	state      *asl.State // where it is; nil before it has entered its first
	raw        any        // the state's input
	input      any        // after InputPath
	entered    time.Time
	retryCount int
	attempts   []int // retries per retrier of the state
	lastEvent  int64
	enteredID  int64

	// What it waits for. Invariant, while the execution runs: over == all are nil, and at most one
	// is not.
	task   *task  // of a Task state
	timer  *timer // of a Wait state or a retry
	fanout *fanout
}

func (x *execution) running() bool { return x.status == types.ExecutionStatusRunning }

// launch makes the execution and enters its first state.
func (c *Core) launch(x *execution, input any) {
	c.executions[x.arn] = x
	x.machine.executions = append(x.machine.executions, x)
	x.machine.running++
	x.inputValue = input
	x.root = &branch{core: c, execution: x}
	c.record(x.root, event{kind: types.HistoryEventTypeExecutionStarted, value: input})
	x.root.lastEvent = 0 // the first state's event has no predecessor
	limit := x.revision.asl.Timeout
	if limit == 0 || limit > maxExecutionTime {
		limit = maxExecutionTime
	}
	x.limit = c.at(x.start.Add(limit), x, func() {
		c.end(x, types.ExecutionStatusTimedOut, event{kind: types.HistoryEventTypeExecutionTimedOut})
	})
	c.enter(x.root, x.revision.asl.Flow.Start, input)
	c.run(x)
}

// run has the ready branches enter their states until every branch waits or has ended.
func (c *Core) run(x *execution) {
	for i := 0; i < len(c.ready); i++ { // it grows on the way
		if b := c.ready[i]; !b.over {
			c.enterState(b)
		}
		c.checkHistory(x)
	}
	c.checkHistory(x)
	clear(c.ready)
	c.ready = c.ready[:0]
}

// checkHistory fails an execution if its history is full; the failure itself is the last event.
func (c *Core) checkHistory(x *execution) {
	if x.running() && x.full() {
		c.end(x, types.ExecutionStatusFailed, event{
			kind: types.HistoryEventTypeExecutionFailed,
			failure: &failure{
				name:  text("States.Runtime"),
				cause: text("The execution reached the maximum number of history events (25000)."),
			},
		})
	}
}

// end closes the execution: it drops what is open, records the last event and tells the caller.
func (c *Core) end(x *execution, status types.ExecutionStatus, last event) {
	if !x.running() {
		return
	}
	c.drop(x.root)
	c.cancel(x.limit)
	x.status, x.stop = status, c.now
	if last.failure != nil {
		x.failure = *last.failure
	}
	if status == types.ExecutionStatusSucceeded {
		x.output = string(asl.Encode(last.value))
	}
	c.record(x.root, last)
	x.root, x.limit, x.inputValue = nil, nil, nil
	x.machine.running--
	c.ended = append(c.ended, x)
	if x.machine.deleting && x.machine.running == 0 {
		delete(c.machines, x.machine.arn)
	}
	c.effects = append(c.effects, ExecutionEnded{
		ExecutionArn: x.arn, Name: x.name, StateMachineArn: x.machine.arn, Status: status, Input: x.input, Output: x.output,
		Error: deref(x.failure.name), Cause: deref(x.failure.cause), StartDate: x.start, StopDate: x.stop,
	})
}

// drop closes everything that b and its children have open, without an event in the history.
func (c *Core) drop(b *branch) {
	b.over = true
	c.closeTask(b)
	c.cancel(b.timer)
	b.timer = nil
	if b.fanout != nil {
		for _, child := range b.fanout.children {
			if !child.over {
				c.drop(child)
			}
		}
	}
}

// contextMembers are the members of $$; each may be absent (Developer Guide, Context object).
var contextMembers = []string{"Execution", "Map", "State", "StateMachine", "Task"}

// WholeContext implements asl.Env.
func (b *branch) WholeContext() any {
	whole := map[string]any{}
	for _, name := range contextMembers {
		if value, present := b.Context(name); present {
			whole[name] = value
		}
	}
	return whole
}

// Context implements asl.Env.
func (b *branch) Context(member string) (any, bool) {
	x := b.execution
	switch member {
	case "Execution":
		return map[string]any{
			"Id": x.arn, "Input": x.inputValue, "Name": x.name, "RoleArn": x.revision.roleArn, "StartTime": timestamp(x.start),
			"RedriveCount": number(0),
		}, true
	case "StateMachine":
		return map[string]any{"Id": x.machine.arn, "Name": x.machine.name}, true
	case "State":
		at := b
		if b.state == nil {
			at = b.parent // an ItemSelector is evaluated for an iteration that has not begun
		}
		return map[string]any{
			"EnteredTime": timestamp(at.entered), "Name": at.state.Name, "RetryCount": number(at.retryCount),
		}, true
	case "Task":
		if b.task != nil && b.task.token != "" {
			return map[string]any{"Token": b.task.token}, true
		}
	case "Map":
		for at := b; at.parent != nil; at = at.parent {
			if at.parent.state.Type == asl.Map {
				return map[string]any{"Item": map[string]any{"Index": number(at.index), "Value": at.item}}, true
			}
		}
	}
	return nil, false
}

// Choose implements asl.Env.
func (b *branch) Choose(n int, label string) int { return b.core.choose(n, label) }

// NewID implements asl.Env.
func (b *branch) NewID() string { return b.core.newID() }
