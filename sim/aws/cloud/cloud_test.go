package cloud_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
)

// notified is a lab with a bucket that notifies a function of new objects.
func notified(t *testing.T, function string) *lab {
	t.Helper()
	l := newLab(t)
	objects := client.NewS3(l.call)
	_, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("mail")})
	if err == nil {
		_, err = objects.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
			Bucket: aws.String("mail"), NotificationConfiguration: &s3types.NotificationConfiguration{LambdaFunctionConfigurations: []s3types.LambdaFunctionConfiguration{{
				LambdaFunctionArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:" + function), Events: []s3types.Event{s3types.EventS3ObjectCreated},
			}}},
		})
	}
	if err == nil {
		_, err = objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("mail"), Key: aws.String("emails/m1"), Body: strings.NewReader("hello")})
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAnObjectReachesItsFunctionByADelivery(t *testing.T) {
	l := notified(t, "smith")
	if len(l.runs) != 0 || len(l.deliveries) != 1 {
		t.Fatalf("runs %v, deliveries %q: want one delivery, and nothing to run before it happens", l.runs, l.pending())
	}
	if kind := l.deliveries[0].Kind; kind != cloud.Notification || !kind.AtLeastOnce() {
		t.Errorf("the delivery is of kind %v, want a notification, which may come twice", kind)
	}
	l.deliver()
	run := l.run()
	var event events.S3Event
	if err := json.Unmarshal(run.Payload, &event); err != nil {
		t.Fatal(err)
	}
	if run.Function != "smith" || run.Attempt != 1 || len(event.Records) != 1 || event.Records[0].S3.Object.Key != "emails/m1" {
		t.Errorf("%s is to be run with %s", run.Function, run.Payload)
	}
}

func TestANotificationThatIsDeliveredTwiceRunsTheFunctionTwice(t *testing.T) {
	l := notified(t, "smith")
	l.deliveries = append(l.deliveries, l.deliveries[0])
	l.deliver()
	if len(l.runs) != 2 || l.runs[0].InvocationID == l.runs[1].InvocationID || string(l.runs[0].Payload) != string(l.runs[1].Payload) {
		t.Errorf("runs %+v, want two of one event", l.runs)
	}
}

func TestANotificationForAFunctionThatIsGoneIsLost(t *testing.T) {
	l := notified(t, "nobody")
	l.deliver()
	if len(l.runs) != 0 {
		t.Errorf("%v is to be run", l.runs)
	}
}

func TestAnEventThatNoTryTakesGoesToTheDeadLetterQueue(t *testing.T) {
	l := notified(t, "smith")
	l.deliver()
	payload := string(l.runs[0].Payload)
	for attempt := 1; attempt <= 3; attempt++ {
		run := l.run()
		if run.Attempt != attempt {
			t.Errorf("attempt %d, want %d", run.Attempt, attempt)
		}
		l.fails(run, "errorString", "no fire")
		l.pass(time.Duration(attempt) * time.Minute) // Lambda waits one minute, then two
	}
	if len(l.runs) != 0 || len(l.deliveries) != 1 || l.deliveries[0].Kind != cloud.DeadLetter {
		t.Fatalf("runs %v, deliveries %q: want a dead letter", l.runs, l.pending())
	}
	l.deliver()
	letters := l.received("letters")
	if len(letters) != 1 || *letters[0].Body != payload || !strings.Contains(*letters[0].MessageAttributes["ErrorMessage"].StringValue, "no fire") {
		t.Errorf("letters %+v, want the event with its error", letters)
	}
}

func TestARunThatTakesTooLongIsStopped(t *testing.T) {
	l := notified(t, "smith")
	l.deliver()
	run := l.run()
	l.pass(3 * time.Second)
	if len(l.others) != 1 || l.others[0] != (cloud.Stop{InvocationID: run.InvocationID}) {
		t.Fatalf("effects %v, want a stop", l.others)
	}
	l.returns(run, `null`)
	l.pass(time.Minute)
	if again := l.run(); again.Attempt != 2 {
		t.Errorf("attempt %d: what a stopped run returns counts for nothing", again.Attempt)
	}
}

func TestExecutionsThatEndAreToldByTheirStatus(t *testing.T) {
	for _, test := range []struct {
		name, state string
		stop        bool
		told        string // the status; empty: no function is told
	}{
		{"succeeded", `{"Type":"Succeed"}`, false, ""},
		{"failed", `{"Type":"Fail","Error":"COLD","Cause":"no fire"}`, false, "FAILED"},
		{"stopped", `{"Type":"Wait","Seconds":60,"Next":"End"},"End":{"Type":"Succeed"}`, true, "ABORTED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t)
			flow := client.NewStepFunctions(l.call)
			machine, err := flow.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
				Name: aws.String("flow"), RoleArn: aws.String("arn:aws:iam::000000000000:role/flow"),
				Definition: aws.String(`{"StartAt":"Begin","States":{"Begin":` + test.state + `}}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := flow.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: machine.StateMachineArn, Name: aws.String("m1"), Input: aws.String(`{"n":1}`)})
			if err == nil && test.stop {
				_, err = flow.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: out.ExecutionArn})
			}
			if err != nil {
				t.Fatal(err)
			}
			if test.told == "" {
				if len(l.deliveries) != 0 {
					t.Errorf("deliveries %q, want none", l.pending())
				}
				return
			}
			if len(l.deliveries) != 1 || l.deliveries[0].Kind != cloud.StatusChange || !l.deliveries[0].Kind.AtLeastOnce() {
				t.Fatalf("deliveries %q, want one status change, which may come twice", l.pending())
			}
			l.deliver()
			var event struct {
				DetailType      string `json:"detail-type"`
				Account, Region string
				Detail          struct{ Name, Status, Input string }
			}
			if err := json.Unmarshal(l.run().Payload, &event); err != nil {
				t.Fatal(err)
			}
			if event.DetailType != "Step Functions Execution Status Change" || event.Detail.Name != "m1" || event.Detail.Status != test.told || event.Detail.Input != `{"n":1}` {
				t.Errorf("told %+v", event)
			}
			if event.Account != "000000000000" || event.Region != "us-east-1" {
				t.Errorf("told of account %q in %q", event.Account, event.Region)
			}
		})
	}
}

// mapped is a lab with a queue that feeds a function in batches of two; the function reports what
// it could not handle.
func mapped(t *testing.T, messages ...string) *lab {
	t.Helper()
	l := newLab(t)
	l.queue("orders", map[string]string{"VisibilityTimeout": "30"})
	if err := l.Lambda.AddMapping("orders", "smith", 2, true); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if _, err := client.NewSQS(l.call).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("https://sqs/orders"), MessageBody: aws.String(m)}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// batch is what a function of a mapping gets.
func batch(t *testing.T, run cloud.Run) (event events.SQSEvent, bodies string) {
	t.Helper()
	if err := json.Unmarshal(run.Payload, &event); err != nil {
		t.Fatal(err)
	}
	for _, r := range event.Records {
		bodies += r.Body
		if r.EventSourceARN != "arn:aws:sqs:us-east-1:000000000000:orders" || r.AWSRegion != "us-east-1" {
			t.Errorf("a message of %s in %s", r.EventSourceARN, r.AWSRegion)
		}
	}
	return event, bodies
}

func TestAMappingFeedsItsFunctionInBatches(t *testing.T) {
	l := mapped(t, "a", "b", "c")
	if len(l.runs) != 0 || !strings.Contains(l.pending(), "smith polls orders") {
		t.Fatalf("runs %v, deliveries %q: want polls, and nothing to run before they happen", l.runs, l.pending())
	}
	l.deliver()
	if len(l.runs) != 2 {
		t.Fatalf("%d batches, want 2", len(l.runs))
	}
	first, second := l.runs[0], l.runs[1]
	if _, got := batch(t, first); got != "ab" {
		t.Errorf("the first batch is %s", got)
	}
	if _, got := batch(t, second); got != "c" {
		t.Errorf("the second batch is %s", got)
	}
	l.returns(first, `{"batchItemFailures":[]}`)
	l.returns(second, `null`)
	l.pass(time.Hour)
	if left := l.received("orders"); len(left) != 0 {
		t.Errorf("%s is left, want that all is deleted", bodies(left))
	}
}

func TestWhatAMappingsFunctionCouldNotHandleComesAgain(t *testing.T) {
	for _, test := range []struct {
		name, answer string // the second message's id stands for ID
		left         string
	}{
		{"one of them", `{"batchItemFailures":[{"itemIdentifier":"ID"}]}`, "b"},
		{"a report that makes no sense", `{"batchItemFailures":[{"itemIdentifier":"another"}]}`, "a b"},
		{"all, by an error", ``, "a b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := mapped(t, "a", "b")
			l.deliver()
			run := l.run()
			event, _ := batch(t, run)
			if test.answer == "" {
				l.fails(run, "errorString", "no fire")
			} else {
				l.returns(run, strings.Replace(test.answer, "ID", event.Records[1].MessageId, 1))
			}
			l.deliveries = nil
			if hidden := l.received("orders"); len(hidden) != 0 {
				t.Errorf("%s is visible before its time", bodies(hidden))
			}
			l.pass(30 * time.Second)
			if got := bodies(l.received("orders")); got != test.left {
				t.Errorf("%q comes again, want %q", got, test.left)
			}
		})
	}
}

func TestASynchronousCallIsAnsweredWhenItsRunReturns(t *testing.T) {
	l := newLab(t)
	output, effects, err := l.Do(l.now, "lambda", &lambda.InvokeInput{FunctionName: aws.String("smith"), Payload: []byte(`{"n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	pending, ok := output.(*lambdacore.Pending)
	if !ok {
		t.Fatalf("the output is %T, want a Pending", output)
	}
	l.take(effects)
	run := l.run()
	if run.InvocationID != pending.InvocationID || string(run.Payload) != `{"n":1}` {
		t.Errorf("run %+v", run)
	}
	l.returns(run, `{"n":2}`)
	answered, ok := l.others[0].(cloud.Answered)
	if !ok || answered.InvocationID != pending.InvocationID || string(answered.Output.Payload) != `{"n":2}` {
		t.Errorf("effects %+v, want the answer", l.others)
	}
}

func TestAnAsynchronousCallIsAnsweredAtOnce(t *testing.T) {
	l := newLab(t)
	output, effects, err := l.Do(l.now, "lambda", &lambda.InvokeInput{FunctionName: aws.String("smith"), InvocationType: lambdatypes.InvocationTypeEvent})
	if err != nil {
		t.Fatal(err)
	}
	if out, ok := output.(*lambda.InvokeOutput); !ok || out.StatusCode != 202 {
		t.Errorf("the output is %+v", output)
	}
	l.take(effects)
	l.run()
}

func TestTheNextDeadlineIsTheFirstOfAllCores(t *testing.T) {
	l := newLab(t)
	if at, ok := l.NextDeadline(); ok {
		t.Errorf("something is due at %v of a cloud in which nothing happens", at)
	}
	_, effects, err := l.Do(l.now, "lambda", &lambda.InvokeInput{FunctionName: aws.String("smith")})
	if err != nil {
		t.Fatal(err)
	}
	l.take(effects)
	_, err = client.NewSQS(l.call).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("https://sqs/letters"), MessageBody: aws.String("x"), DelaySeconds: 1})
	if err != nil {
		t.Fatal(err)
	}
	if at, _ := l.NextDeadline(); !at.Equal(start.Add(time.Second)) {
		t.Errorf("due %v, want when the message's delay ends", at.Sub(start))
	}
	l.others = nil
	l.pass(time.Second)
	if len(l.others) != 1 || l.others[0] != (cloud.Available{Queue: "letters"}) {
		t.Errorf("effects %v, want that the queue has something to give", l.others)
	}
	if at, _ := l.NextDeadline(); !at.Equal(start.Add(3 * time.Second)) {
		t.Errorf("due %v, want when the function's time is over", at.Sub(start))
	}
}

func TestAServiceThatIsNotThereIsNamed(t *testing.T) {
	if _, _, err := newLab(t).Do(start, "glacier", nil); err == nil || !strings.Contains(err.Error(), "glacier") {
		t.Errorf("error %v", err)
	}
}
