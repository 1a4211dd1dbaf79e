package system

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
)

// Region and AccountID are those of a system outside AWS.
const (
	Region    = "us-east-1"
	AccountID = "000000000000"
)

// WorkQueue says how the work queue is made; zero values are the template's.
type WorkQueue struct {
	Visibility  time.Duration // how long a message stays hidden from other workers
	MaxReceives int           // of a message, before it is dead work
}

// Template is the stack that deploy/template.yaml makes outside AWS. queueURL is nil if queues have
// the URLs that they have on AWS.
func Template(names awsx.Names, work WorkQueue, queueURL func(name string) string) (*deploy.Stack, error) {
	parameters := deploy.Parameters{"Prefix": names.Prefix(), "BucketSuffix": names.BucketSuffix()}
	if work.Visibility > 0 {
		parameters["WorkVisibilitySeconds"] = strconv.Itoa(int((work.Visibility + time.Second - 1) / time.Second))
	}
	if work.MaxReceives > 0 {
		parameters["MaxReceives"] = strconv.Itoa(work.MaxReceives)
	}
	return deploy.Read(parameters, deploy.Place{Region: Region, AccountID: AccountID, QueueURL: queueURL})
}

// NewCloud wires the cores as the stack's rules say.
func NewCloud(stack *deploy.Stack, cores cloud.Cores) *cloud.Cloud {
	var rules []cloud.Rule
	for _, rule := range stack.Rules {
		made := cloud.Rule{Function: rule.Function}
		for _, status := range rule.Statuses {
			made.Statuses = append(made.Statuses, sfntypes.ExecutionStatus(status))
		}
		rules = append(rules, made)
	}
	return cloud.New(cores, rules)
}

// Addresses are where handlers and workers find what was made.
type Addresses struct {
	WorkQueueURL    string
	DeadLetterURL   string
	StateMachineARN string
}

// Furnish makes everything that the stack consists of in a cloud that NewCloud made: its functions
// (only their names: the caller runs them), its resources, and the mappings that feed functions
// from queues. call performs operations of c. Furnishing again changes nothing.
func Furnish(ctx context.Context, c *cloud.Cloud, names awsx.Names, stack *deploy.Stack, call client.Call) (Addresses, error) {
	for _, f := range stack.Functions {
		if err := c.Lambda.Register(f.Name, lambdacore.FunctionConfig{
			TimeoutSeconds: f.TimeoutSeconds, MaximumRetryAttempts: f.MaximumRetryAttempts, MaximumEventAgeSeconds: f.MaximumEventAgeSeconds,
			DeadLetterQueueARN: f.DeadLetterQueueARN, OnFailureARN: f.OnFailureARN,
		}); err != nil {
			return Addresses{}, fmt.Errorf("register %s: %w", f.Name, err)
		}
	}
	made, err := furnishing{stack, call}.make(ctx, names)
	if err != nil {
		return Addresses{}, err
	}
	for _, m := range stack.Mappings {
		if err := c.Lambda.AddMapping(m.Queue, m.Function, m.BatchSize, m.ReportBatchItemFailures); err != nil {
			return Addresses{}, err
		}
	}
	return made, nil
}

// furnishing makes a stack's resources by AWS's own calls.
type furnishing struct {
	*deploy.Stack
	call client.Call
}

func (f furnishing) make(ctx context.Context, names awsx.Names) (Addresses, error) {
	if err := f.makeTables(ctx); err != nil {
		return Addresses{}, err
	}
	urls, err := f.makeQueues(ctx)
	if err != nil {
		return Addresses{}, err
	}
	if err := f.makeBuckets(ctx); err != nil {
		return Addresses{}, err
	}
	made := Addresses{WorkQueueURL: urls[names.WorkQueue()], DeadLetterURL: urls[names.DeadLetters()]}
	made.StateMachineARN, err = f.makeStateMachine(ctx)
	return made, err
}

func (f furnishing) makeTables(ctx context.Context) error {
	db := client.NewDynamoDB(f.call)
	for _, table := range f.Tables {
		_, err := db.CreateTable(ctx, table.Create)
		var exists *ddbtypes.ResourceInUseException
		if errors.As(err, &exists) {
			continue
		}
		if err == nil {
			_, err = db.UpdateTimeToLive(ctx, table.TimeToLive())
		}
		if err != nil {
			return fmt.Errorf("make table %s: %w", aws.ToString(table.Create.TableName), err)
		}
	}
	return nil
}

func (f furnishing) makeQueues(ctx context.Context) (urls map[string]string, err error) {
	queues := client.NewSQS(f.call)
	urls = map[string]string{}
	for _, queue := range f.Queues {
		made, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queue.Name), Attributes: queue.Attributes})
		if err != nil {
			return nil, fmt.Errorf("make queue %s: %w", queue.Name, err)
		}
		urls[queue.Name] = aws.ToString(made.QueueUrl)
	}
	return urls, nil
}

func (f furnishing) makeBuckets(ctx context.Context) error {
	objects := client.NewS3(f.call)
	for _, bucket := range f.Buckets {
		_, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket.Name)})
		var owned *s3types.BucketAlreadyOwnedByYou
		if err != nil && !errors.As(err, &owned) {
			return fmt.Errorf("make bucket %s: %w", bucket.Name, err)
		}
		if len(bucket.Notifications) == 0 {
			continue
		}
		if _, err := objects.PutBucketNotificationConfiguration(ctx, notifications(bucket)); err != nil {
			return fmt.Errorf("let %s notify its functions: %w", bucket.Name, err)
		}
	}
	return nil
}

func notifications(bucket deploy.Bucket) *s3.PutBucketNotificationConfigurationInput {
	all := &s3types.NotificationConfiguration{}
	for _, n := range bucket.Notifications {
		all.LambdaFunctionConfigurations = append(all.LambdaFunctionConfigurations, s3types.LambdaFunctionConfiguration{
			Id: aws.String(deploy.NameOf(n.FunctionARN)), LambdaFunctionArn: aws.String(n.FunctionARN), Events: []s3types.Event{s3types.Event(n.Event)},
			Filter: &s3types.NotificationConfigurationFilter{Key: &s3types.S3KeyFilter{FilterRules: []s3types.FilterRule{
				{Name: s3types.FilterRuleNamePrefix, Value: aws.String(n.Prefix)},
			}}},
		})
	}
	return &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String(bucket.Name), NotificationConfiguration: all}
}

func (f furnishing) makeStateMachine(ctx context.Context) (arn string, err error) {
	made, err := client.NewStepFunctions(f.call).CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: aws.String(f.StateMachine.Name), Definition: aws.String(f.StateMachine.Definition), RoleArn: aws.String(f.StateMachine.RoleARN), Type: sfntypes.StateMachineTypeStandard,
	})
	if err != nil {
		return "", fmt.Errorf("make state machine %s: %w", f.StateMachine.Name, err)
	}
	return aws.ToString(made.StateMachineArn), nil
}

// All makes the function of every service, by the names under which Furnish registers them. Each
// calls AWS by its own role.
func All(stack *deploy.Stack, roles *Roles, e Environment) (map[string]Function, error) {
	functions := map[string]Function{}
	for _, service := range Services() {
		is, ok := stack.Function(e.Names.Function(service))
		if !ok {
			return nil, fmt.Errorf("the template has no function %s", e.Names.Function(service))
		}
		own := e
		own.Call = roles.As(is.RoleARN, e.Call)
		function, err := New(service, own)
		if err != nil {
			return nil, err
		}
		functions[is.Name] = function
	}
	return functions, nil
}
