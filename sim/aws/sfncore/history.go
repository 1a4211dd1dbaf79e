package sfncore

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// event is a history event as it is kept: it shares its data with the states, and only a reader
// encodes it. Its id is its place in the history, counted from 1.
type event struct {
	at      time.Time
	kind    types.HistoryEventType
	prev    int64
	state   string
	value   any // input or output
	index   int // of an iteration; the number of items of a Map
	failure *failure
	task    *taskDetails
}

type taskDetails struct {
	resource           asl.Resource
	timeout, heartbeat time.Duration
}

// full reports whether the history has room for the last event only.
func (x *execution) full() bool { return x.events >= maxHistoryEvents-1 }

// record appends an event to the history. A full history takes only the event that ends the
// execution.
func (c *Core) record(b *branch, e event) {
	x := b.execution
	if x.running() && x.full() {
		return
	}
	e.at, e.prev = c.now, b.lastEvent
	x.events++
	b.lastEvent = int64(x.events)
	if !c.options.OmitHistory {
		x.history = append(x.history, e)
	}
	if c.options.OnTransition != nil {
		c.options.OnTransition(Transition{ExecutionArn: x.arn, Name: x.name, Event: e.kind, State: e.state, At: e.at})
	}
}

// kinds names the events of each type of state. Some types cannot be aborted: they never wait.
var kinds = map[asl.Type]struct{ entered, exited, aborted types.HistoryEventType }{
	asl.Task: {types.HistoryEventTypeTaskStateEntered, types.HistoryEventTypeTaskStateExited, types.HistoryEventTypeTaskStateAborted},
	asl.Pass: {entered: types.HistoryEventTypePassStateEntered, exited: types.HistoryEventTypePassStateExited},
	asl.Choice: {
		entered: types.HistoryEventTypeChoiceStateEntered, exited: types.HistoryEventTypeChoiceStateExited,
	},
	asl.Wait: {types.HistoryEventTypeWaitStateEntered, types.HistoryEventTypeWaitStateExited, types.HistoryEventTypeWaitStateAborted},
	asl.Succeed: {
		entered: types.HistoryEventTypeSucceedStateEntered, exited: types.HistoryEventTypeSucceedStateExited,
	},
	asl.Fail: {entered: types.HistoryEventTypeFailStateEntered},
	asl.Parallel: {
		types.HistoryEventTypeParallelStateEntered, types.HistoryEventTypeParallelStateExited, types.HistoryEventTypeParallelStateAborted,
	},
	asl.Map: {types.HistoryEventTypeMapStateEntered, types.HistoryEventTypeMapStateExited, types.HistoryEventTypeMapStateAborted},
}

// taskPhase is a step in the life of a task.
type taskPhase int

const (
	taskScheduled taskPhase = iota
	taskStarted
	taskSubmitFailed
	taskSucceeded
	taskFailed
	taskTimedOut
)

// kindOf names the event of a phase: a function's own ARN has events of its own.
func kindOf(s *asl.State, phase taskPhase) types.HistoryEventType {
	if s.Resource.Function {
		return [...]types.HistoryEventType{
			taskScheduled: types.HistoryEventTypeLambdaFunctionScheduled, taskStarted: types.HistoryEventTypeLambdaFunctionStarted,
			taskSucceeded: types.HistoryEventTypeLambdaFunctionSucceeded, taskFailed: types.HistoryEventTypeLambdaFunctionFailed,
			taskTimedOut: types.HistoryEventTypeLambdaFunctionTimedOut,
		}[phase]
	}
	return [...]types.HistoryEventType{
		taskScheduled: types.HistoryEventTypeTaskScheduled, taskStarted: types.HistoryEventTypeTaskStarted,
		taskSubmitFailed: types.HistoryEventTypeTaskSubmitFailed, taskSucceeded: types.HistoryEventTypeTaskSucceeded,
		taskFailed: types.HistoryEventTypeTaskFailed, taskTimedOut: types.HistoryEventTypeTaskTimedOut,
	}[phase]
}

// historyEvent renders the event with the given id as the API returns it.
func (c *Core) historyEvent(x *execution, id int64, withData bool) types.HistoryEvent {
	e := x.history[id-1]
	h := types.HistoryEvent{Id: id, PreviousEventId: e.prev, Timestamp: aws.Time(e.at), Type: e.kind}
	r := rendering{e: e, x: x, region: c.options.Region}
	if withData {
		r.whole = &types.HistoryEventExecutionDataDetails{}
	}
	r.render(&h)
	return h
}
