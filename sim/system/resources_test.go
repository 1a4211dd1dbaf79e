package system_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/sweep"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/aws/s3core"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/aws/sqscore"
	"github.com/webordinary/hephaestus/sim/system"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// stage is a furnished cloud that makes its deliveries at once; it notes which functions they call.
type stage struct {
	*testing.T
	cloud *cloud.Cloud
	names awsx.Names
	made  system.Addresses

	template *deploy.Stack
	runs     []cloud.Run
}

func furnished(t *testing.T) *stage {
	t.Helper()
	names, err := awsx.NewNames("smithy")
	if err != nil {
		t.Fatal(err)
	}
	template, err := system.Template(names, system.WorkQueue{Visibility: 1500 * time.Millisecond}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{T: t, names: names, template: template, cloud: system.NewCloud(template, cloud.Cores{
		DynamoDB: ddbcore.New(ddbcore.Options{}), SQS: sqscore.New(sqscore.Options{}), S3: s3core.New(s3core.Options{}),
		StepFunctions: sfncore.New(sfncore.Options{}), Lambda: lambdacore.New(lambdacore.Options{}),
	})}
	if s.made, err = system.Furnish(t.Context(), s.cloud, names, template, s.call); err != nil {
		t.Fatal(err)
	}
	return s
}

// call is a client.Call.
func (s *stage) call(_ context.Context, service, _ string, input any) (any, error) {
	output, effects, err := s.cloud.Do(start, service, input)
	s.take(effects)
	return output, err
}

func (s *stage) take(effects []cloud.Effect) { s.takeAt(start, effects) }

// takeRuns returns the runs so far, and forgets them.
func (s *stage) takeRuns() []cloud.Run {
	runs := s.runs
	s.runs = nil
	return runs
}

func (s *stage) takeAt(now time.Time, effects []cloud.Effect) {
	for _, effect := range effects {
		switch e := effect.(type) {
		case cloud.Delivery:
			s.takeAt(now, s.cloud.Deliver(now, e))
		case cloud.Run:
			s.runs = append(s.runs, e)
		}
	}
}

// ask does an operation that has to succeed.
func ask[Output any](s *stage, service string, input any) Output {
	s.Helper()
	output, err := s.call(s.Context(), service, "", input)
	if err != nil {
		s.Fatal(err)
	}
	return output.(Output)
}

func TestMakingAStackAgainChangesNothing(t *testing.T) {
	s := furnished(t)
	again := system.NewCloud(s.template, s.cloud.Cores)
	again.Lambda = lambdacore.New(lambdacore.Options{})
	made, err := system.Furnish(t.Context(), again, s.names, s.template, s.call)
	if err != nil || made != s.made {
		t.Errorf("made %+v, and then %+v (%v)", s.made, made, err)
	}
}

// What the code calls by its name is what the template makes under it.
func TestTheTemplateMakesWhatTheCodeNames(t *testing.T) {
	names, err := awsx.NewNames("smithy")
	if err == nil {
		names, err = names.WithBucketSuffix("-1")
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := system.Template(names, system.WorkQueue{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{s.StateMachine.Name: true}
	for _, table := range s.Tables {
		made[*table.Create.TableName] = true
		for _, index := range table.Create.GlobalSecondaryIndexes {
			made[*index.IndexName] = true
		}
	}
	for _, q := range s.Queues {
		made[q.Name] = true
	}
	for _, b := range s.Buckets {
		made[b.Name] = true
	}
	for _, f := range s.Functions {
		made[f.Name] = true
	}
	named := []string{
		names.ActiveJobs(), names.Jobs(), names.JobsByKey(), names.JobsOpen(), names.Interruptions(), names.Threads(), names.WorkQueue(),
		names.WorkDeadLetters(), names.IntakeRetries(), names.DeadLetters(), names.Emails(), names.Media(), names.StateMachine(),
	}
	for _, service := range system.Services() {
		named = append(named, names.Function(service))
	}
	for _, name := range named {
		if !made[name] {
			t.Errorf("the code names %s, which the template does not make", name)
		}
		delete(made, name)
	}
	for name := range made {
		t.Errorf("the template makes %s, which no code names", name)
	}
}

func TestTablesForgetByExpiresAt(t *testing.T) {
	s := furnished(t)
	for _, table := range []string{s.names.ActiveJobs(), s.names.Jobs(), s.names.Interruptions(), s.names.Threads()} {
		ttl := ask[*dynamodb.DescribeTimeToLiveOutput](s, "dynamodb", &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(table)}).TimeToLiveDescription
		if got := aws.ToString(ttl.AttributeName); got != "expiresAt" || ttl.TimeToLiveStatus == "DISABLED" {
			t.Errorf("%s forgets by %q (%s)", table, got, ttl.TimeToLiveStatus)
		}
	}
}

func TestJobsAreFoundByTheirKeyAndWhileTheyAreOpen(t *testing.T) {
	s := furnished(t)
	table := ask[*dynamodb.DescribeTableOutput](s, "dynamodb", &dynamodb.DescribeTableInput{TableName: aws.String(s.names.Jobs())}).Table
	got := map[string]string{}
	for _, index := range table.GlobalSecondaryIndexes {
		got[*index.IndexName] = *index.KeySchema[0].AttributeName + " " + *index.KeySchema[1].AttributeName
	}
	want := map[string]string{s.names.JobsByKey(): "projectUserId receivedAt", s.names.JobsOpen(): "openShard admittedAt"}
	if !maps.Equal(got, want) {
		t.Errorf("indexes %v, want %v", got, want)
	}
}

// The next sweep does what one could not: no person need hear of it.
func TestASweepThatFailsIsNotTriedAgainAndTellsNobody(t *testing.T) {
	s := furnished(t)
	effects := s.cloud.Deliver(start, cloud.Schedule{Function: s.template.Schedules[0].Function}.Call(start))
	if len(effects) != 1 {
		t.Fatalf("effects %+v", effects)
	}
	run := effects[0].(cloud.Run)
	if run.Function != s.names.Function("sweep") || !strings.Contains(string(run.Payload), `"detail-type":"Scheduled Event"`) {
		t.Errorf("run %+v", run)
	}
	if after := s.cloud.Returned(start, run.InvocationID, nil, &lambdacore.FunctionError{Type: "x"}); len(after) > 0 {
		t.Errorf("effects %+v", after)
	}
	if at, ok := s.cloud.NextDeadline(); ok {
		t.Errorf("something is due at %v", at)
	}
}

func TestWorkThatUsesUpItsReceivesGoesToTheWorkDeadLetters(t *testing.T) {
	s := furnished(t)
	attributes := ask[*sqs.GetQueueAttributesOutput](s, "sqs", &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(s.made.WorkQueueURL), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	}).Attributes
	if got := attributes["RedrivePolicy"]; !strings.Contains(got, ":"+s.names.WorkDeadLetters()+`"`) || !strings.Contains(got, `"maxReceiveCount":1000`) {
		t.Errorf("redrive policy %s", got)
	}
	if attributes["FifoQueue"] != "true" || attributes["VisibilityTimeout"] != "2" {
		t.Errorf("attributes %v: want a FIFO queue whose messages are hidden for the visibility, rounded up", attributes)
	}
	if attributes["DeduplicationScope"] != "messageGroup" || attributes["FifoThroughputLimit"] != "perMessageGroupId" {
		t.Errorf("attributes %v: want high throughput for each group", attributes)
	}
}

func TestOnlyNewMailIsNotified(t *testing.T) {
	s := furnished(t)
	for _, key := range []string{"emails/m1", "other/m2", "emails/m1"} {
		ask[*s3.PutObjectOutput](s, "s3", &s3.PutObjectInput{Bucket: aws.String(s.names.Emails()), Key: aws.String(key), Body: strings.NewReader("x")})
	}
	ask[*s3.PutObjectOutput](s, "s3", &s3.PutObjectInput{Bucket: aws.String(s.names.Media()), Key: aws.String("emails/m3"), Body: strings.NewReader("x")})
	var told []string
	for _, run := range s.runs {
		told = append(told, run.Function)
		if !strings.Contains(string(run.Payload), `"emails/m1"`) {
			t.Errorf("told of %s", run.Payload)
		}
	}
	if len(told) != 2 || told[0] != "smithy-intake" {
		t.Errorf("%v are told, want intake, of each put under %s", told, job.EmailFolder)
	}
}

// An event of S3 that intake cannot take, whatever Lambda tries, comes to it again from a queue,
// for longer than an outage of six hours; only then it is a person's, and the sweep's.
func TestAnEventThatIntakeCannotTakeComesAgainForHours(t *testing.T) {
	s := furnished(t)
	ask[*s3.PutObjectOutput](s, "s3", &s3.PutObjectInput{Bucket: aws.String(s.names.Emails()), Key: aws.String("emails/m1"), Body: strings.NewReader("x")})
	now, again := start, 0
	for len(s.cloud.SQS.Peek(s.names.DeadLetters())) == 0 {
		for _, run := range s.takeRuns() {
			if run.Function != "smithy-intake" || !strings.Contains(string(run.Payload), "emails/m1") {
				t.Fatalf("%s is called with %s", run.Function, run.Payload)
			}
			if strings.Contains(string(run.Payload), "requestPayload") {
				again++
			}
			s.takeAt(now, s.cloud.Returned(now, run.InvocationID, nil, &lambdacore.FunctionError{Type: "wrapError", Message: "the table is away"}))
		}
		at, ok := s.cloud.NextDeadline()
		if !ok || at.Sub(start) > 48*time.Hour {
			t.Fatalf("after %v and %d more tries nothing is to come, and no person is told", now.Sub(start), again)
		}
		now = at
		s.takeAt(now, s.cloud.Tick(now))
	}
	if lasted := now.Sub(start); again < 30 || lasted < 6*time.Hour || lasted > sweep.DefaultSettings().StartAge {
		t.Errorf("a person is told after %v and %d more tries", lasted, again)
	}
}

func TestTheStateMachineIsTheStacks(t *testing.T) {
	s := furnished(t)
	machine := ask[*sfn.DescribeStateMachineOutput](s, "states", &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(s.made.StateMachineARN)})
	if *machine.Name != s.names.StateMachine() || !strings.Contains(*machine.Definition, s.made.WorkQueueURL) || !strings.Contains(*machine.Definition, `"smithy-check-active-job"`) {
		t.Errorf("%s is %s", *machine.Name, *machine.Definition)
	}
}
