package sfncore

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// rendering turns a kept event into the API's details for its kind.
type rendering struct {
	e      event
	x      *execution
	region string
	whole  *types.HistoryEventExecutionDataDetails // nil if inputs and outputs are left out
}

func (r rendering) data() *string {
	if r.whole == nil {
		return nil
	}
	return text(string(asl.Encode(r.e.value)))
}

func (r rendering) name() *string { return text(r.e.state) }

func (r rendering) failed() failure {
	if r.e.failure == nil {
		return failure{}
	}
	return *r.e.failure
}

func (r rendering) render(h *types.HistoryEvent) {
	kind := string(r.e.kind)
	switch {
	case strings.HasPrefix(kind, "Execution"):
		r.execution(h)
	case strings.HasSuffix(kind, "StateEntered"):
		h.StateEnteredEventDetails = &types.StateEnteredEventDetails{Name: r.name(), Input: r.data(), InputDetails: r.whole}
	case strings.HasSuffix(kind, "StateExited"):
		h.StateExitedEventDetails = &types.StateExitedEventDetails{Name: r.name(), Output: r.data(), OutputDetails: r.whole}
	case strings.HasPrefix(kind, "LambdaFunction"):
		r.function(h)
	case strings.HasPrefix(kind, "Map"):
		r.iteration(h)
	case r.e.task != nil:
		r.task(h)
	}
}

func (r rendering) execution(h *types.HistoryEvent) {
	f := r.failed()
	switch r.e.kind {
	case types.HistoryEventTypeExecutionStarted:
		h.ExecutionStartedEventDetails = &types.ExecutionStartedEventDetails{RoleArn: text(r.x.revision.roleArn), InputDetails: r.whole}
		if r.whole != nil {
			h.ExecutionStartedEventDetails.Input = text(r.x.input)
		}
	case types.HistoryEventTypeExecutionSucceeded:
		h.ExecutionSucceededEventDetails = &types.ExecutionSucceededEventDetails{Output: r.data(), OutputDetails: r.whole}
	case types.HistoryEventTypeExecutionFailed:
		h.ExecutionFailedEventDetails = &types.ExecutionFailedEventDetails{Error: f.name, Cause: f.cause}
	case types.HistoryEventTypeExecutionAborted:
		h.ExecutionAbortedEventDetails = &types.ExecutionAbortedEventDetails{Error: f.name, Cause: f.cause}
	case types.HistoryEventTypeExecutionTimedOut:
		h.ExecutionTimedOutEventDetails = &types.ExecutionTimedOutEventDetails{Error: f.name, Cause: f.cause}
	}
}

func (r rendering) iteration(h *types.HistoryEvent) {
	details := &types.MapIterationEventDetails{Name: r.name(), Index: int32(r.e.index)}
	switch r.e.kind {
	case types.HistoryEventTypeMapStateStarted:
		h.MapStateStartedEventDetails = &types.MapStateStartedEventDetails{Length: int32(r.e.index)}
	case types.HistoryEventTypeMapIterationStarted:
		h.MapIterationStartedEventDetails = details
	case types.HistoryEventTypeMapIterationSucceeded:
		h.MapIterationSucceededEventDetails = details
	case types.HistoryEventTypeMapIterationFailed:
		h.MapIterationFailedEventDetails = details
	case types.HistoryEventTypeMapIterationAborted:
		h.MapIterationAbortedEventDetails = details
	}
}

func (r rendering) function(h *types.HistoryEvent) {
	f := r.failed()
	switch r.e.kind {
	case types.HistoryEventTypeLambdaFunctionScheduled:
		h.LambdaFunctionScheduledEventDetails = &types.LambdaFunctionScheduledEventDetails{
			Resource: text(r.e.task.resource.ARN), Input: r.data(), InputDetails: r.whole, TimeoutInSeconds: wholeSeconds(r.e.task.timeout),
		}
	case types.HistoryEventTypeLambdaFunctionSucceeded:
		h.LambdaFunctionSucceededEventDetails = &types.LambdaFunctionSucceededEventDetails{Output: r.data(), OutputDetails: r.whole}
	case types.HistoryEventTypeLambdaFunctionFailed:
		h.LambdaFunctionFailedEventDetails = &types.LambdaFunctionFailedEventDetails{Error: f.name, Cause: f.cause}
	case types.HistoryEventTypeLambdaFunctionTimedOut:
		h.LambdaFunctionTimedOutEventDetails = &types.LambdaFunctionTimedOutEventDetails{Error: f.name, Cause: f.cause}
	}
}

func (r rendering) task(h *types.HistoryEvent) {
	f := r.failed()
	service := text(r.e.task.resource.Service)
	action := text(r.e.task.resource.Action)
	if r.e.task.resource.WaitToken {
		action = text(*action + ".waitForTaskToken")
	}
	switch r.e.kind {
	case types.HistoryEventTypeTaskScheduled:
		h.TaskScheduledEventDetails = &types.TaskScheduledEventDetails{
			Resource: action, ResourceType: service, Region: text(r.region), Parameters: r.data(),
			TimeoutInSeconds: wholeSeconds(r.e.task.timeout), HeartbeatInSeconds: wholeSeconds(r.e.task.heartbeat),
		}
	case types.HistoryEventTypeTaskStarted:
		h.TaskStartedEventDetails = &types.TaskStartedEventDetails{Resource: action, ResourceType: service}
	case types.HistoryEventTypeTaskSubmitted:
		h.TaskSubmittedEventDetails = &types.TaskSubmittedEventDetails{
			Resource: action, ResourceType: service, Output: r.data(), OutputDetails: r.whole,
		}
	case types.HistoryEventTypeTaskSucceeded:
		h.TaskSucceededEventDetails = &types.TaskSucceededEventDetails{
			Resource: action, ResourceType: service, Output: r.data(), OutputDetails: r.whole,
		}
	case types.HistoryEventTypeTaskSubmitFailed:
		h.TaskSubmitFailedEventDetails = &types.TaskSubmitFailedEventDetails{
			Resource: action, ResourceType: service, Error: f.name, Cause: f.cause,
		}
	case types.HistoryEventTypeTaskFailed:
		h.TaskFailedEventDetails = &types.TaskFailedEventDetails{Resource: action, ResourceType: service, Error: f.name, Cause: f.cause}
	case types.HistoryEventTypeTaskTimedOut:
		h.TaskTimedOutEventDetails = &types.TaskTimedOutEventDetails{Resource: action, ResourceType: service, Error: f.name, Cause: f.cause}
	}
}

func wholeSeconds(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return aws.Int64(int64(d / time.Second))
}
