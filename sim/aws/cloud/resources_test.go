package cloud_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/deploy/resources"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
)

// furnish makes the stack's resources in the lab.
func furnish(l *lab) (awsx.Names, resources.Stack) {
	l.Helper()
	names, err := awsx.NewNames("smithy")
	if err != nil {
		l.Fatal(err)
	}
	stack, err := resources.Make(l.Context(), resources.Clients{
		DynamoDB: client.NewDynamoDB(l.call), SQS: client.NewSQS(l.call), S3: client.NewS3(l.call), StepFunctions: client.NewStepFunctions(l.call),
	}, resources.Options{
		Names: names, IntakeARN: "arn:aws:lambda:us-east-1:000000000000:function:smithy-intake", RoleARN: "arn:aws:iam::000000000000:role/smithy",
		Visibility: 1500 * time.Millisecond,
	})
	if err != nil {
		l.Fatal(err)
	}
	return names, stack
}

// ask does an operation that has to succeed.
func ask[Output any](l *lab, service string, input any) Output {
	l.Helper()
	output, err := l.call(l.Context(), service, "", input)
	if err != nil {
		l.Fatal(err)
	}
	return output.(Output)
}

func TestMakingAStackAgainChangesNothing(t *testing.T) {
	l := newLab(t)
	_, first := furnish(l)
	l.pass(time.Hour)
	if _, second := furnish(l); second != first {
		t.Errorf("made %+v, and then %+v", first, second)
	}
}

func TestTablesForgetByExpiresAt(t *testing.T) {
	l := newLab(t)
	names, _ := furnish(l)
	for _, table := range []string{names.ActiveJobs(), names.Jobs(), names.Interruptions(), names.Threads()} {
		ttl := ask[*dynamodb.DescribeTimeToLiveOutput](l, "dynamodb", &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(table)}).TimeToLiveDescription
		if got := aws.ToString(ttl.AttributeName); got != "expiresAt" || ttl.TimeToLiveStatus == "DISABLED" {
			t.Errorf("%s forgets by %q (%s)", table, got, ttl.TimeToLiveStatus)
		}
	}
}

func TestJobsAreFoundByTheirKey(t *testing.T) {
	l := newLab(t)
	names, _ := furnish(l)
	table := ask[*dynamodb.DescribeTableOutput](l, "dynamodb", &dynamodb.DescribeTableInput{TableName: aws.String(names.Jobs())}).Table
	if len(table.GlobalSecondaryIndexes) != 1 {
		t.Fatalf("%d indexes", len(table.GlobalSecondaryIndexes))
	}
	index := table.GlobalSecondaryIndexes[0]
	if *index.IndexName != names.JobsByKey() || *index.KeySchema[0].AttributeName != "projectUserId" || *index.KeySchema[1].AttributeName != "receivedAt" {
		t.Errorf("index %s by %+v", *index.IndexName, index.KeySchema)
	}
}

func TestWorkThatUsesUpItsReceivesGoesToTheWorkDeadLetters(t *testing.T) {
	l := newLab(t)
	names, stack := furnish(l)
	attributes := ask[*sqs.GetQueueAttributesOutput](l, "sqs", &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(stack.WorkQueueURL), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	}).Attributes
	if got := attributes["RedrivePolicy"]; !strings.Contains(got, ":"+names.WorkDeadLetters()+`"`) || !strings.Contains(got, `"maxReceiveCount":10`) {
		t.Errorf("redrive policy %s", got)
	}
	if attributes["FifoQueue"] != "true" || attributes["VisibilityTimeout"] != "2" {
		t.Errorf("attributes %v: want a FIFO queue whose messages are hidden for the visibility, rounded up", attributes)
	}
}

func TestOnlyNewMailIsNotified(t *testing.T) {
	l := newLab(t)
	names, _ := furnish(l)
	l.function("smithy-intake", lambdacore.FunctionConfig{})
	for _, key := range []string{"emails/m1", "other/m2", "emails/m1"} {
		ask[*s3.PutObjectOutput](l, "s3", &s3.PutObjectInput{Bucket: aws.String(names.Emails()), Key: aws.String(key), Body: strings.NewReader("x")})
	}
	ask[*s3.PutObjectOutput](l, "s3", &s3.PutObjectInput{Bucket: aws.String(names.Media()), Key: aws.String("emails/m3"), Body: strings.NewReader("x")})
	l.deliver()
	var told []string
	for _, run := range l.runs {
		told = append(told, run.Function)
		if !strings.Contains(string(run.Payload), `"emails/m1"`) {
			t.Errorf("told of %s", run.Payload)
		}
	}
	if len(told) != 2 || told[0] != "smithy-intake" {
		t.Errorf("%v are told, want intake, of each put under %s", told, resources.EmailPrefix)
	}
}

func TestTheStateMachineIsTheStacks(t *testing.T) {
	l := newLab(t)
	names, stack := furnish(l)
	machine := ask[*sfn.DescribeStateMachineOutput](l, "states", &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(stack.StateMachineARN)})
	if *machine.Name != names.StateMachine() || !strings.Contains(*machine.Definition, stack.WorkQueueURL) || !strings.Contains(*machine.Definition, `"smithy-check-active-job"`) {
		t.Errorf("%s is %s", *machine.Name, *machine.Definition)
	}
}
