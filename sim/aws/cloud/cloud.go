// Package cloud is AWS as this system uses it: the five cores, wired to each other the way AWS
// wires them. S3's notifications and EventBridge's events call functions, tasks of the state
// machine call functions and queues, a queue with a mapping feeds a function, and dead letters go
// to their queues.
//
// It is as pure as its cores: a call and the time go in, an answer and effects come out. It runs no
// function and sends nothing between services by itself: each such step is a Delivery, and it
// happens when the caller hands it back. The local stack does that at once; the simulation does it
// late, out of order, or twice. A Cloud is not safe for concurrent use.
package cloud

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/aws/s3core"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/aws/sqscore"
	"github.com/webordinary/hephaestus/sim/aws/wire"
)

// Cores are the services that a Cloud wires.
type Cores struct {
	DynamoDB      *ddbcore.Core
	SQS           *sqscore.Core
	S3            *s3core.Core
	StepFunctions *sfncore.Core
	Lambda        *lambdacore.Core
}

// Rule sends Step Functions' status changes to a function, as an EventBridge rule does.
type Rule struct {
	Statuses []sfntypes.ExecutionStatus
	Function string
}

// Schedule calls a function again and again, as an EventBridge rule with a ScheduleExpression does.
// Its caller keeps the time.
type Schedule struct {
	Function string
	Every    time.Duration
}

// Call is one call of the schedule's.
func (s Schedule) Call(at time.Time) Delivery {
	return Delivery{
		Kind: Scheduled, What: "EventBridge calls " + s.Function + " by its schedule",
		function: s.Function, payload: lambdacore.ScheduledEvent(s.Function, at),
	}
}

// Cloud is the cores, wired.
type Cloud struct {
	Cores
	codec *wire.Codec
	rules []Rule

	tasks   map[string]string // invocation id to the state machine's task
	batches map[string]batch  // invocation id to the messages of a mapping
}

// New wires the cores. Queues feed the functions that lambdacore's mappings name.
func New(cores Cores, rules []Rule) *Cloud {
	return &Cloud{
		Cores: cores, codec: wire.New(), rules: rules,
		tasks: map[string]string{}, batches: map[string]batch{},
	}
}

// Effect is what the caller has to do or to know: a Run, a Stop, an Answered, an Available or a
// Delivery.
type Effect interface{ effect() }

// Run asks to run a function and to report its end with Returned.
type Run struct {
	InvocationID string
	RequestID    string // the same for every try of one event
	Function     string
	Payload      []byte
	Attempt      int // from 1
}

// Stop says that a run has timed out: AWS freezes it, and the Cloud ignores its report.
type Stop struct{ InvocationID string }

// Answered ends a synchronous invocation that was made through Do.
type Answered struct {
	InvocationID string
	Output       *lambda.InvokeOutput
}

// Available says that receivers that wait on the queue should ask again.
type Available struct{ Queue string }

// Delivery is one step between two services that has not happened yet: hand it to Deliver.
type Delivery struct {
	Kind DeliveryKind
	// What describes it for people: "S3 notifies intake of emails/x".
	What string
	// Task is the call that an execution's state asks for, if Kind is Task.
	Task sfncore.RunTask

	function string
	payload  []byte
	queue    string
	attrs    map[string]sqstypes.MessageAttributeValue
	mapping  lambdacore.Mapping
}

func (Run) effect()       {}
func (Stop) effect()      {}
func (Answered) effect()  {}
func (Available) effect() {}
func (Delivery) effect()  {}

// DeliveryKind tells deliveries apart. The caller may hand a delivery of an at-least-once service
// to Deliver more than once, as that service may.
type DeliveryKind int

// The kinds of deliveries.
const (
	Notification DeliveryKind = iota // S3 calls a function: at least once, in any order
	StatusChange                     // EventBridge calls a function: at least once, in any order
	Scheduled                        // EventBridge calls a function by its schedule: at least once
	Task                             // the state machine calls a service: once
	DeadLetter                       // Lambda gives an event up and sends it to a queue
	Poll                             // a mapping looks into its queue
)

// AtLeastOnce says whether the service may make such a delivery more than once.
func (k DeliveryKind) AtLeastOnce() bool {
	return k == Notification || k == StatusChange || k == Scheduled
}

// Do performs one operation of a service ("dynamodb", "sqs", "states", "s3", "lambda"). For a
// synchronous invocation of a function the output is a *lambdacore.Pending, which names the
// invocation; its Answered follows.
func (c *Cloud) Do(now time.Time, service string, input any) (any, []Effect, error) {
	switch service {
	case "dynamodb":
		output, err := c.DynamoDB.Do(now, input)
		return output, nil, err
	case "sqs":
		output, effects, err := c.SQS.Do(now, input)
		return output, c.fromSQS(effects), err
	case "s3":
		output, effects, err := c.S3.Do(now, input)
		return output, c.fromS3(effects), err
	case "states":
		output, effects, err := c.StepFunctions.Do(now, input)
		return output, c.fromStates(effects), err
	case "lambda":
		output, effects, err := c.Lambda.Do(now, input)
		return output, c.fromLambda(now, effects), err
	}
	return nil, nil, fmt.Errorf("cloud: there is no service %q", service)
}

// NextDeadline says when Tick has something to do.
func (c *Cloud) NextDeadline() (time.Time, bool) {
	var next time.Time
	found := false
	for _, deadline := range []func() (time.Time, bool){c.SQS.NextDeadline, c.StepFunctions.NextDeadline, c.Lambda.NextDeadline} {
		if at, ok := deadline(); ok && (!found || at.Before(next)) {
			next, found = at, true
		}
	}
	return next, found
}

// Tick does what has come due by now.
func (c *Cloud) Tick(now time.Time) []Effect {
	return slices.Concat(
		c.fromSQS(c.SQS.Tick(now)),
		c.fromStates(c.StepFunctions.Tick(now)),
		c.fromLambda(now, c.Lambda.Tick(now)),
	)
}

// Returned reports how a function's run ended: with a payload or with an error.
func (c *Cloud) Returned(now time.Time, invocationID string, payload []byte, failed *lambdacore.FunctionError) []Effect {
	return c.fromLambda(now, c.Lambda.Returned(now, invocationID, payload, failed))
}

func (c *Cloud) fromSQS(effects []sqscore.Effect) []Effect {
	var list []Effect
	for _, e := range effects {
		available, ok := e.(sqscore.Available)
		if !ok {
			continue
		}
		list = append(list, Available{Queue: available.QueueName})
		for _, m := range c.Lambda.Mappings() {
			if m.QueueName == available.QueueName {
				list = append(list, pollOf(m))
			}
		}
	}
	return list
}

func (c *Cloud) fromS3(effects []s3core.Effect) []Effect {
	var list []Effect
	for _, e := range effects {
		if n, ok := e.(s3core.Notify); ok {
			list = append(list, Delivery{Kind: Notification, What: "S3 notifies " + n.FunctionARN, function: n.FunctionARN, payload: n.Event})
		}
	}
	return list
}

func (c *Cloud) fromStates(effects []sfncore.Effect) []Effect {
	var list []Effect
	for _, effect := range effects {
		switch e := effect.(type) {
		case sfncore.RunTask:
			list = append(list, Delivery{Kind: Task, What: e.State + " of " + e.ExecutionArn + " calls " + e.Resource, Task: e})
		case sfncore.ExecutionEnded:
			list = append(list, c.statusChanges(e)...)
		}
	}
	return list
}

func (c *Cloud) fromLambda(now time.Time, effects []lambdacore.Effect) []Effect {
	var list []Effect
	for _, effect := range effects {
		switch e := effect.(type) {
		case lambdacore.Run:
			list = append(list, Run{InvocationID: e.InvocationID, RequestID: e.RequestID, Function: e.FunctionName, Payload: e.Payload, Attempt: e.Attempt})
		case lambdacore.Answer:
			list = append(list, c.answer(now, e)...)
		case lambdacore.Stop:
			list = append(list, Stop{InvocationID: e.InvocationID})
		case lambdacore.DeadLetter:
			list = append(list, deadLetter(e.QueueName, e.Body, e.Attributes))
		case lambdacore.OnFailure:
			list = append(list, deadLetter(e.QueueName, e.Body, nil))
		}
	}
	return list
}

// answer gives a synchronous invocation's answer to its caller: a task, a mapping or Do's caller.
func (c *Cloud) answer(now time.Time, a lambdacore.Answer) []Effect {
	if taskID, ok := c.tasks[a.InvocationID]; ok {
		delete(c.tasks, a.InvocationID)
		return c.lambdaTaskDone(now, taskID, a)
	}
	if b, ok := c.batches[a.InvocationID]; ok {
		delete(c.batches, a.InvocationID)
		return c.batchDone(now, b, a.Output)
	}
	return []Effect{Answered{InvocationID: a.InvocationID, Output: a.Output}}
}

func (c *Cloud) statusChanges(e sfncore.ExecutionEnded) []Effect {
	var list []Effect
	region, account := place(e.ExecutionArn)
	for _, rule := range c.rules {
		if !slices.Contains(rule.Statuses, e.Status) {
			continue
		}
		event := lambdacore.StatusChange{
			ID: e.ExecutionArn + "/" + string(e.Status), AccountID: account, Region: region, Time: e.StopDate, ExecutionARN: e.ExecutionArn, StateMachineARN: e.StateMachineArn,
			Name: e.Name, Status: string(e.Status), StartDate: e.StartDate, StopDate: e.StopDate, Input: e.Input,
			Output: optional(e.Output), Error: optional(e.Error), Cause: optional(e.Cause),
		}
		list = append(list, Delivery{
			Kind: StatusChange, What: fmt.Sprintf("EventBridge tells %s that %s is %s", rule.Function, e.Name, e.Status),
			function: rule.Function, payload: event.Event(),
		})
	}
	return list
}

// Deliver makes a delivery happen.
func (c *Cloud) Deliver(now time.Time, d Delivery) []Effect {
	switch d.Kind {
	case Notification, StatusChange, Scheduled:
		return c.invokeAsync(now, d)
	case Task:
		return c.perform(now, d.Task)
	case DeadLetter:
		return c.sendDeadLetter(now, d)
	case Poll:
		return c.poll(now, d.mapping)
	}
	return nil
}

// invokeAsync queues an event for a function. If the function does not exist, the event is lost, as
// when a notification's target was deleted.
func (c *Cloud) invokeAsync(now time.Time, d Delivery) []Effect {
	_, effects, err := c.Lambda.Do(now, &lambda.InvokeInput{
		FunctionName: aws.String(d.function), Payload: d.payload, InvocationType: lambdatypes.InvocationTypeEvent,
	})
	if err != nil {
		return nil
	}
	return c.fromLambda(now, effects)
}

// invoke runs a function synchronously and returns its invocation's id.
func (c *Cloud) invoke(now time.Time, function string, payload []byte) (string, []Effect, error) {
	output, effects, err := c.Lambda.Do(now, &lambda.InvokeInput{FunctionName: aws.String(function), Payload: payload})
	if err != nil {
		return "", nil, err
	}
	pending, ok := output.(*lambdacore.Pending)
	if !ok {
		return "", nil, fmt.Errorf("a synchronous invocation of %s was answered with %T", function, output)
	}
	return pending.InvocationID, c.fromLambda(now, effects), nil
}

// place returns the region and account of a resource.
func place(resourceARN string) (region, account string) {
	parsed, err := arn.Parse(resourceARN)
	if err != nil {
		return "", ""
	}
	return parsed.Region, parsed.AccountID
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func mustJSON(v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("cloud: %T cannot be written as JSON: %v", v, err))
	}
	return encoded
}
