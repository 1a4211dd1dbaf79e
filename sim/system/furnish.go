package system

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/deploy/resources"
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

// FunctionTimeout is how long each handler may run.
const FunctionTimeout = time.Minute

// The most messages that one call of a function gets: dead work for handle-timeout, events of S3
// that came to nothing for intake.
const (
	workBatch  = 10
	eventBatch = 10
)

// NewCloud wires the cores and tells handle-timeout of executions that ended without an outcome of
// their own.
func NewCloud(names awsx.Names, cores cloud.Cores) *cloud.Cloud {
	return cloud.New(cores, []cloud.Rule{{
		Statuses: []sfntypes.ExecutionStatus{sfntypes.ExecutionStatusAborted, sfntypes.ExecutionStatusFailed, sfntypes.ExecutionStatusTimedOut},
		Function: names.Function("handle-timeout"),
	}})
}

// SweepSchedule calls the sweep.
func SweepSchedule(names awsx.Names) cloud.Schedule {
	return cloud.Schedule{Function: names.Function("sweep"), Every: 5 * time.Minute}
}

// WorkQueue says how the work queue is made.
type WorkQueue struct {
	Visibility  time.Duration // how long a message stays hidden from other workers
	MaxReceives int           // of a message, before it is dead work; 0: as many as SQS allows
}

// Furnish makes everything that a stack consists of, in a cloud that NewCloud made: its functions
// (only their names: the caller runs them), its resources, and the mappings that feed dead work to
// handle-timeout, and S3's events that came to nothing to intake again. call performs operations of
// c.
func Furnish(ctx context.Context, c *cloud.Cloud, names awsx.Names, work WorkQueue, call client.Call) (resources.Stack, error) {
	queues := "arn:aws:sqs:" + Region + ":" + AccountID + ":"
	for _, service := range Services() {
		config := lambdacore.FunctionConfig{TimeoutSeconds: int(FunctionTimeout / time.Second), DeadLetterQueueARN: queues + names.DeadLetters()}
		switch names.Function(service) {
		case names.Function("intake"):
			config.DeadLetterQueueARN, config.OnFailureARN = "", queues+names.IntakeRetries()
		case SweepSchedule(names).Function:
			// The next sweep does what this one could not, and no person need hear of it.
			config.MaximumRetryAttempts, config.DeadLetterQueueARN = aws.Int(0), ""
		}
		if err := c.Lambda.Register(names.Function(service), config); err != nil {
			return resources.Stack{}, fmt.Errorf("register %s: %w", service, err)
		}
	}
	made, err := resources.Make(ctx, resources.Clients{
		DynamoDB: client.NewDynamoDB(call), SQS: client.NewSQS(call), S3: client.NewS3(call), StepFunctions: client.NewStepFunctions(call),
	}, resources.Options{
		Names: names, Visibility: work.Visibility, MaxReceives: work.MaxReceives,
		IntakeARN: "arn:aws:lambda:" + Region + ":" + AccountID + ":function:" + names.Function("intake"),
		RoleARN:   "arn:aws:iam::" + AccountID + ":role/" + names.Prefix(),
	})
	if err != nil {
		return resources.Stack{}, err
	}
	if err := c.Lambda.AddMapping(names.IntakeRetries(), names.Function("intake"), eventBatch, true); err != nil {
		return resources.Stack{}, err
	}
	return made, c.Lambda.AddMapping(names.WorkDeadLetters(), names.Function("handle-timeout"), workBatch, true)
}

// All makes the function of every service, by the names under which Furnish registers them.
func All(e Environment) (map[string]Function, error) {
	functions := map[string]Function{}
	for _, service := range Services() {
		function, err := New(service, e)
		if err != nil {
			return nil, err
		}
		functions[e.Names.Function(service)] = function
	}
	return functions, nil
}
