// Package resources makes what a stack has besides its code: tables, queues, buckets and the state
// machine, by calls of AWS's own APIs. It makes the local stack, the simulation's and LocalStack's;
// a stack on AWS needs the same resources. Making a stack again changes nothing.
package resources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/deploy/statemachine"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
)

// DynamoDB has the calls that make tables.
type DynamoDB interface {
	CreateTable(ctx context.Context, in *dynamodb.CreateTableInput, opts ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	UpdateTimeToLive(ctx context.Context, in *dynamodb.UpdateTimeToLiveInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

// SQS has the calls that make queues.
type SQS interface {
	CreateQueue(ctx context.Context, in *sqs.CreateQueueInput, opts ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error)
	GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, opts ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// S3 has the calls that make buckets.
type S3 interface {
	CreateBucket(ctx context.Context, in *s3.CreateBucketInput, opts ...func(*s3.Options)) (*s3.CreateBucketOutput, error)
	PutBucketNotificationConfiguration(ctx context.Context, in *s3.PutBucketNotificationConfigurationInput, opts ...func(*s3.Options)) (*s3.PutBucketNotificationConfigurationOutput, error)
}

// StepFunctions has the call that makes the state machine.
type StepFunctions interface {
	CreateStateMachine(ctx context.Context, in *sfn.CreateStateMachineInput, opts ...func(*sfn.Options)) (*sfn.CreateStateMachineOutput, error)
}

// Clients reach the account or local stack where the resources are made.
type Clients struct {
	DynamoDB      DynamoDB
	SQS           SQS
	S3            S3
	StepFunctions StepFunctions
}

// Options are what differs between stacks.
type Options struct {
	Names       awsx.Names
	IntakeARN   string        // the Lambda that the bucket of raw mail notifies
	RoleARN     string        // of the state machine
	MaxReceives int           // of a work message, before the dead letter queue gets it; 0 means SQS's most, 1,000
	Visibility  time.Duration // the visibility timeout of the work queue; 0 means 95 s
}

// Stack names what was made.
type Stack struct {
	WorkQueueURL    string
	DeadLetterURL   string
	StateMachineARN string
}

// Make makes the stack's resources.
func Make(ctx context.Context, c Clients, o Options) (Stack, error) {
	for _, table := range Tables(o.Names) {
		if err := makeTable(ctx, c.DynamoDB, table); err != nil {
			return Stack{}, err
		}
	}
	stack, err := makeQueues(ctx, c.SQS, o)
	if err != nil {
		return Stack{}, err
	}
	for _, bucket := range []string{o.Names.Emails(), o.Names.Media()} {
		_, err := c.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
		var owned *s3types.BucketAlreadyOwnedByYou
		if err != nil && !errors.As(err, &owned) {
			return Stack{}, fmt.Errorf("make bucket %s: %w", bucket, err)
		}
	}
	if err := notifyIntake(ctx, c.S3, o); err != nil {
		return Stack{}, err
	}
	definition, err := statemachine.Definition(o.Names.Prefix(), stack.WorkQueueURL)
	if err != nil {
		return Stack{}, err
	}
	machine, err := c.StepFunctions.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: aws.String(o.Names.StateMachine()), Definition: aws.String(definition), RoleArn: aws.String(o.RoleARN), Type: sfntypes.StateMachineTypeStandard,
	})
	if err != nil {
		return Stack{}, fmt.Errorf("make state machine %s: %w", o.Names.StateMachine(), err)
	}
	stack.StateMachineARN = aws.ToString(machine.StateMachineArn)
	return stack, nil
}

// Table is a table with its TTL attribute.
type Table struct {
	Create *dynamodb.CreateTableInput
	TTL    string
}

// TimeToLive lets the table forget its items by the TTL attribute.
func (t Table) TimeToLive() *dynamodb.UpdateTimeToLiveInput {
	return &dynamodb.UpdateTimeToLiveInput{
		TableName:               t.Create.TableName,
		TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{AttributeName: aws.String(t.TTL), Enabled: aws.Bool(true)},
	}
}

// Tables lists the tables of a stack.
func Tables(n awsx.Names) []Table {
	jobs := table(n.Jobs(), "messageId")
	jobs.Create.AttributeDefinitions = append(jobs.Create.AttributeDefinitions,
		ddbtypes.AttributeDefinition{AttributeName: aws.String("projectUserId"), AttributeType: ddbtypes.ScalarAttributeTypeS},
		ddbtypes.AttributeDefinition{AttributeName: aws.String("receivedAt"), AttributeType: ddbtypes.ScalarAttributeTypeN},
		ddbtypes.AttributeDefinition{AttributeName: aws.String("openShard"), AttributeType: ddbtypes.ScalarAttributeTypeS},
		ddbtypes.AttributeDefinition{AttributeName: aws.String("admittedAt"), AttributeType: ddbtypes.ScalarAttributeTypeN})
	jobs.Create.GlobalSecondaryIndexes = []ddbtypes.GlobalSecondaryIndex{
		index(n.JobsByKey(), "projectUserId", "receivedAt", &ddbtypes.Projection{ProjectionType: ddbtypes.ProjectionTypeAll}),
		// Its attributes never change while a job is in it: it is written when the job enters and
		// leaves.
		index(n.JobsOpen(), "openShard", "admittedAt", &ddbtypes.Projection{ProjectionType: ddbtypes.ProjectionTypeInclude, NonKeyAttributes: []string{"executionArn"}}),
	}
	return []Table{
		table(n.ActiveJobs(), "projectUserId"), jobs,
		table(n.Interruptions(), "messageId"), table(n.Threads(), "projectUserId", "rfcMessageId"),
	}
}

func index(name, hash, rng string, projection *ddbtypes.Projection) ddbtypes.GlobalSecondaryIndex {
	return ddbtypes.GlobalSecondaryIndex{IndexName: aws.String(name), Projection: projection, KeySchema: []ddbtypes.KeySchemaElement{
		{AttributeName: aws.String(hash), KeyType: ddbtypes.KeyTypeHash},
		{AttributeName: aws.String(rng), KeyType: ddbtypes.KeyTypeRange},
	}}
}

// table is a table with a partition key, and a sort key if there is one.
func table(name, partition string, sort ...string) Table {
	create := &dynamodb.CreateTableInput{TableName: aws.String(name), BillingMode: ddbtypes.BillingModePayPerRequest}
	for i, key := range append([]string{partition}, sort...) {
		kind := ddbtypes.KeyTypeRange
		if i == 0 {
			kind = ddbtypes.KeyTypeHash
		}
		create.AttributeDefinitions = append(create.AttributeDefinitions,
			ddbtypes.AttributeDefinition{AttributeName: aws.String(key), AttributeType: ddbtypes.ScalarAttributeTypeS})
		create.KeySchema = append(create.KeySchema, ddbtypes.KeySchemaElement{AttributeName: aws.String(key), KeyType: kind})
	}
	return Table{TTL: "expiresAt", Create: create}
}

func makeTable(ctx context.Context, c DynamoDB, t Table) error {
	_, err := c.CreateTable(ctx, t.Create)
	var exists *ddbtypes.ResourceInUseException
	if errors.As(err, &exists) {
		return nil
	}
	if err == nil {
		_, err = c.UpdateTimeToLive(ctx, t.TimeToLive())
	}
	if err != nil {
		return fmt.Errorf("make table %s: %w", aws.ToString(t.Create.TableName), err)
	}
	return nil
}

// makeQueues makes the work queue with its dead letter queue, and the dead letter queue for people.
func makeQueues(ctx context.Context, c SQS, o Options) (Stack, error) {
	if o.MaxReceives == 0 {
		o.MaxReceives = 1000 // a receive that could not work on its message costs nothing; poison is found by its starts
	}
	if o.Visibility == 0 {
		o.Visibility = 95 * time.Second
	}
	fourteenDays := strconv.Itoa(14 * 24 * 60 * 60)
	dead, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String(o.Names.WorkDeadLetters()), Attributes: map[string]string{
			"FifoQueue": "true", "MessageRetentionPeriod": fourteenDays, "VisibilityTimeout": strconv.Itoa(int(deadWorkPause / time.Second)),
		},
	})
	if err != nil {
		return Stack{}, fmt.Errorf("make queue %s: %w", o.Names.WorkDeadLetters(), err)
	}
	redrive, err := redriveTo(ctx, c, dead.QueueUrl, o.MaxReceives)
	if err != nil {
		return Stack{}, fmt.Errorf("make queue %s: %w", o.Names.WorkQueue(), err)
	}
	work, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(o.Names.WorkQueue()), Attributes: map[string]string{
		"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId", // high throughput
		"MessageRetentionPeriod": fourteenDays, "RedrivePolicy": redrive,
		"VisibilityTimeout": strconv.Itoa(int((o.Visibility + time.Second - 1) / time.Second)),
	}})
	if err != nil {
		return Stack{}, fmt.Errorf("make queue %s: %w", o.Names.WorkQueue(), err)
	}
	people, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String(o.Names.DeadLetters()), Attributes: map[string]string{"MessageRetentionPeriod": fourteenDays},
	})
	if err != nil {
		return Stack{}, fmt.Errorf("make queue %s: %w", o.Names.DeadLetters(), err)
	}
	if redrive, err = redriveTo(ctx, c, people.QueueUrl, intakeRetries); err == nil {
		_, err = c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(o.Names.IntakeRetries()), Attributes: map[string]string{
			"MessageRetentionPeriod": fourteenDays, "RedrivePolicy": redrive,
			"VisibilityTimeout": strconv.Itoa(int(intakeRetryPause / time.Second)),
		}})
	}
	if err != nil {
		return Stack{}, fmt.Errorf("make queue %s: %w", o.Names.IntakeRetries(), err)
	}
	return Stack{WorkQueueURL: aws.ToString(work.QueueUrl), DeadLetterURL: aws.ToString(people.QueueUrl)}, nil
}

// deadWorkPause is how long dead work that could not be ended stays hidden: six times as long as a
// function runs, as AWS advises (Lambda Developer Guide, with-sqs).
const deadWorkPause = 6 * time.Minute

// An event of S3 that intake could not take comes again every ten minutes, for six and a half
// hours: longer than an outage may last. Then it is a person's.
const (
	intakeRetryPause = 10 * time.Minute
	intakeRetries    = 40
)

// redriveTo is the policy that a message goes to the queue after so many receives.
func redriveTo(ctx context.Context, c SQS, queueURL *string, maxReceives int) (string, error) {
	attributes, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: queueURL, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", err
	}
	policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": attributes.Attributes["QueueArn"], "maxReceiveCount": maxReceives})
	return string(policy), err
}

func notifyIntake(ctx context.Context, c S3, o Options) error {
	_, err := c.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
		Bucket: aws.String(o.Names.Emails()),
		NotificationConfiguration: &s3types.NotificationConfiguration{LambdaFunctionConfigurations: []s3types.LambdaFunctionConfiguration{{
			Id: aws.String("intake"), LambdaFunctionArn: aws.String(o.IntakeARN), Events: []s3types.Event{s3types.EventS3ObjectCreated},
			Filter: &s3types.NotificationConfigurationFilter{Key: &s3types.S3KeyFilter{FilterRules: []s3types.FilterRule{
				{Name: s3types.FilterRuleNamePrefix, Value: aws.String(job.EmailFolder)},
			}}},
		}}},
	})
	if err != nil {
		return fmt.Errorf("let %s notify intake: %w", o.Names.Emails(), err)
	}
	return nil
}
