package cloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/aws/s3core"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/aws/sqscore"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// lab is a cloud; the test decides when its deliveries and runs happen.
type lab struct {
	*testing.T
	*cloud.Cloud
	now        time.Time
	deliveries []cloud.Delivery
	runs       []cloud.Run
	others     []cloud.Effect // Stop, Answered, Available
}

// newLab makes a cloud with the function "smith", the queue "letters" and a rule that tells smith
// of executions that failed.
func newLab(t *testing.T) *lab {
	t.Helper()
	rule := cloud.Rule{Statuses: []sfntypes.ExecutionStatus{sfntypes.ExecutionStatusFailed, sfntypes.ExecutionStatusAborted}, Function: "smith"}
	l := &lab{T: t, now: start, Cloud: cloud.New(cloud.Cores{
		DynamoDB: ddbcore.New(ddbcore.Options{}), SQS: sqscore.New(sqscore.Options{}), S3: s3core.New(s3core.Options{}),
		StepFunctions: sfncore.New(sfncore.Options{}), Lambda: lambdacore.New(lambdacore.Options{}),
	}, []cloud.Rule{rule})}
	l.queue("letters", nil)
	l.function("smith", lambdacore.FunctionConfig{DeadLetterQueueARN: "arn:aws:sqs:us-east-1:000000000000:letters"})
	return l
}

func (l *lab) function(name string, config lambdacore.FunctionConfig) {
	l.Helper()
	if err := l.Lambda.Register(name, config); err != nil {
		l.Fatal(err)
	}
}

func (l *lab) queue(name string, attributes map[string]string) {
	l.Helper()
	_, err := client.NewSQS(l.call).CreateQueue(l.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
	if err != nil {
		l.Fatal(err)
	}
}

// call is a client.Call.
func (l *lab) call(_ context.Context, service, _ string, input any) (any, error) {
	output, effects, err := l.Do(l.now, service, input)
	l.take(effects)
	return output, err
}

func (l *lab) take(effects []cloud.Effect) {
	for _, effect := range effects {
		switch e := effect.(type) {
		case cloud.Delivery:
			l.deliveries = append(l.deliveries, e)
		case cloud.Run:
			l.runs = append(l.runs, e)
		default:
			l.others = append(l.others, e)
		}
	}
}

// deliver makes all deliveries, and those that follow from them.
func (l *lab) deliver() {
	for len(l.deliveries) > 0 {
		next := l.deliveries[0]
		l.deliveries = l.deliveries[1:]
		l.take(l.Deliver(l.now, next))
	}
}

// pending describes the deliveries that have not happened.
func (l *lab) pending() string {
	var list []string
	for _, d := range l.deliveries {
		list = append(list, d.What)
	}
	return strings.Join(list, "; ")
}

// run returns the only run that the cloud asks for.
func (l *lab) run() cloud.Run {
	l.Helper()
	if len(l.runs) != 1 {
		l.Fatalf("%d functions are to be run, want one", len(l.runs))
	}
	run := l.runs[0]
	l.runs = nil
	return run
}

func (l *lab) returns(run cloud.Run, payload string) {
	l.take(l.Returned(l.now, run.InvocationID, []byte(payload), nil))
}

func (l *lab) fails(run cloud.Run, kind, message string) {
	l.take(l.Returned(l.now, run.InvocationID, nil, &lambdacore.FunctionError{Type: kind, Message: message}))
}

// pass moves the clock; what comes due happens at its time.
func (l *lab) pass(d time.Duration) {
	until := l.now.Add(d)
	for {
		at, ok := l.NextDeadline()
		if !ok || at.After(until) {
			break
		}
		l.now = at
		l.take(l.Tick(at))
	}
	l.now = until
	l.take(l.Tick(until))
}

// received receives what is visible in a queue.
func (l *lab) received(queue string) []types.Message {
	l.Helper()
	out, err := client.NewSQS(l.call).ReceiveMessage(l.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String("https://sqs/" + queue), MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		l.Fatal(err)
	}
	return out.Messages
}

func bodies(messages []types.Message) string {
	var list []string
	for _, m := range messages {
		list = append(list, aws.ToString(m.Body))
	}
	return strings.Join(list, " ")
}

// task starts a state machine of one task and makes its call.
func (l *lab) task(resource, parameters string) (arn string) {
	l.Helper()
	definition := fmt.Sprintf(`{"StartAt":"Call","States":{"Call":{"Type":"Task","Resource":%q,"Parameters":%s,"End":true}}}`, resource, parameters)
	flow := client.NewStepFunctions(l.call)
	machine, err := flow.CreateStateMachine(l.Context(), &sfn.CreateStateMachineInput{
		Name: aws.String("flow"), Definition: aws.String(definition), RoleArn: aws.String("arn:aws:iam::000000000000:role/flow"),
	})
	if err != nil {
		l.Fatal(err)
	}
	out, err := flow.StartExecution(l.Context(), &sfn.StartExecutionInput{StateMachineArn: machine.StateMachineArn, Name: aws.String("x")})
	if err != nil {
		l.Fatal(err)
	}
	l.deliver()
	return *out.ExecutionArn
}

// result is how an execution ended, without the metadata of the answer.
func (l *lab) result(arn string) string {
	l.Helper()
	out, err := client.NewStepFunctions(l.call).DescribeExecution(l.Context(), &sfn.DescribeExecutionInput{ExecutionArn: aws.String(arn)})
	if err != nil {
		l.Fatal(err)
	}
	if out.Status != sfntypes.ExecutionStatusSucceeded {
		return strings.TrimSpace(fmt.Sprintf("%s %s", out.Status, aws.ToString(out.Error)))
	}
	var result map[string]json.RawMessage
	if err := json.Unmarshal([]byte(*out.Output), &result); err != nil {
		l.Fatal(err)
	}
	for _, added := range []string{"SdkHttpMetadata", "SdkResponseMetadata"} {
		if result[added] == nil {
			l.Errorf("the result has no %s", added)
		}
		delete(result, added)
	}
	rest, err := json.Marshal(result)
	if err != nil {
		l.Fatal(err)
	}
	return string(rest)
}
