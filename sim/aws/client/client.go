// Package client is the Go SDK's clients over a function: the same methods with the same types, but
// each call goes to a Call instead of the network. The local runtime's Call asks the cores at once;
// the simulation's yields to its scheduler first, so that anything may happen at every call. Code
// that takes the SDK's clients as small interfaces takes these too.
package client

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Call performs one operation of a service ("dynamodb", "sqs", "states", "s3", "lambda"). input and
// output are pointers to the SDK's structs; err is the SDK's typed error.
type Call func(ctx context.Context, service, operation string, input any) (output any, err error)

// do makes a Call and checks that the output has the operation's type.
func do[Output any](ctx context.Context, call Call, service, operation string, input any) (*Output, error) {
	output, err := call(ctx, service, operation, input)
	if err != nil {
		return nil, err
	}
	typed, ok := output.(*Output)
	if !ok {
		return nil, fmt.Errorf("%s %s answered with %T", service, operation, output)
	}
	return typed, nil
}

// DynamoDB is a client of DynamoDB.
type DynamoDB struct{ call Call }

// NewDynamoDB makes a client over call.
func NewDynamoDB(call Call) DynamoDB { return DynamoDB{call: call} }

// CreateTable is the SDK's CreateTable.
func (c DynamoDB) CreateTable(ctx context.Context, in *dynamodb.CreateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	return do[dynamodb.CreateTableOutput](ctx, c.call, "dynamodb", "CreateTable", in)
}

// DescribeTable is the SDK's DescribeTable.
func (c DynamoDB) DescribeTable(ctx context.Context, in *dynamodb.DescribeTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	return do[dynamodb.DescribeTableOutput](ctx, c.call, "dynamodb", "DescribeTable", in)
}

// UpdateTimeToLive is the SDK's UpdateTimeToLive.
func (c DynamoDB) UpdateTimeToLive(ctx context.Context, in *dynamodb.UpdateTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error) {
	return do[dynamodb.UpdateTimeToLiveOutput](ctx, c.call, "dynamodb", "UpdateTimeToLive", in)
}

// GetItem is the SDK's GetItem.
func (c DynamoDB) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return do[dynamodb.GetItemOutput](ctx, c.call, "dynamodb", "GetItem", in)
}

// PutItem is the SDK's PutItem.
func (c DynamoDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return do[dynamodb.PutItemOutput](ctx, c.call, "dynamodb", "PutItem", in)
}

// UpdateItem is the SDK's UpdateItem.
func (c DynamoDB) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return do[dynamodb.UpdateItemOutput](ctx, c.call, "dynamodb", "UpdateItem", in)
}

// DeleteItem is the SDK's DeleteItem.
func (c DynamoDB) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return do[dynamodb.DeleteItemOutput](ctx, c.call, "dynamodb", "DeleteItem", in)
}

// Query is the SDK's Query.
func (c DynamoDB) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return do[dynamodb.QueryOutput](ctx, c.call, "dynamodb", "Query", in)
}

// Scan is the SDK's Scan.
func (c DynamoDB) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return do[dynamodb.ScanOutput](ctx, c.call, "dynamodb", "Scan", in)
}

// BatchGetItem is the SDK's BatchGetItem.
func (c DynamoDB) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return do[dynamodb.BatchGetItemOutput](ctx, c.call, "dynamodb", "BatchGetItem", in)
}

// TransactWriteItems is the SDK's TransactWriteItems.
func (c DynamoDB) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return do[dynamodb.TransactWriteItemsOutput](ctx, c.call, "dynamodb", "TransactWriteItems", in)
}

// SQS is a client of SQS.
type SQS struct{ call Call }

// NewSQS makes a client over call.
func NewSQS(call Call) SQS { return SQS{call: call} }

// CreateQueue is the SDK's CreateQueue.
func (c SQS) CreateQueue(ctx context.Context, in *sqs.CreateQueueInput, _ ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error) {
	return do[sqs.CreateQueueOutput](ctx, c.call, "sqs", "CreateQueue", in)
}

// GetQueueUrl is the SDK's GetQueueUrl.
//
//lint:ignore ST1003 the SDK spells it so, and so do the interfaces of its callers
func (c SQS) GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return do[sqs.GetQueueUrlOutput](ctx, c.call, "sqs", "GetQueueUrl", in)
}

// GetQueueAttributes is the SDK's GetQueueAttributes.
func (c SQS) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return do[sqs.GetQueueAttributesOutput](ctx, c.call, "sqs", "GetQueueAttributes", in)
}

// SetQueueAttributes is the SDK's SetQueueAttributes.
func (c SQS) SetQueueAttributes(ctx context.Context, in *sqs.SetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error) {
	return do[sqs.SetQueueAttributesOutput](ctx, c.call, "sqs", "SetQueueAttributes", in)
}

// ListQueues is the SDK's ListQueues.
func (c SQS) ListQueues(ctx context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	return do[sqs.ListQueuesOutput](ctx, c.call, "sqs", "ListQueues", in)
}

// SendMessage is the SDK's SendMessage.
func (c SQS) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return do[sqs.SendMessageOutput](ctx, c.call, "sqs", "SendMessage", in)
}

// ReceiveMessage is the SDK's ReceiveMessage.
func (c SQS) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return do[sqs.ReceiveMessageOutput](ctx, c.call, "sqs", "ReceiveMessage", in)
}

// DeleteMessage is the SDK's DeleteMessage.
func (c SQS) DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	return do[sqs.DeleteMessageOutput](ctx, c.call, "sqs", "DeleteMessage", in)
}

// ChangeMessageVisibility is the SDK's ChangeMessageVisibility.
func (c SQS) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	return do[sqs.ChangeMessageVisibilityOutput](ctx, c.call, "sqs", "ChangeMessageVisibility", in)
}

// StepFunctions is a client of Step Functions.
type StepFunctions struct{ call Call }

// NewStepFunctions makes a client over call.
func NewStepFunctions(call Call) StepFunctions { return StepFunctions{call: call} }

// CreateStateMachine is the SDK's CreateStateMachine.
func (c StepFunctions) CreateStateMachine(ctx context.Context, in *sfn.CreateStateMachineInput, _ ...func(*sfn.Options)) (*sfn.CreateStateMachineOutput, error) {
	return do[sfn.CreateStateMachineOutput](ctx, c.call, "states", "CreateStateMachine", in)
}

// StartExecution is the SDK's StartExecution.
func (c StepFunctions) StartExecution(ctx context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	return do[sfn.StartExecutionOutput](ctx, c.call, "states", "StartExecution", in)
}

// StopExecution is the SDK's StopExecution.
func (c StepFunctions) StopExecution(ctx context.Context, in *sfn.StopExecutionInput, _ ...func(*sfn.Options)) (*sfn.StopExecutionOutput, error) {
	return do[sfn.StopExecutionOutput](ctx, c.call, "states", "StopExecution", in)
}

// DescribeExecution is the SDK's DescribeExecution.
func (c StepFunctions) DescribeExecution(ctx context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	return do[sfn.DescribeExecutionOutput](ctx, c.call, "states", "DescribeExecution", in)
}

// ListExecutions is the SDK's ListExecutions.
func (c StepFunctions) ListExecutions(ctx context.Context, in *sfn.ListExecutionsInput, _ ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error) {
	return do[sfn.ListExecutionsOutput](ctx, c.call, "states", "ListExecutions", in)
}

// GetExecutionHistory is the SDK's GetExecutionHistory.
func (c StepFunctions) GetExecutionHistory(ctx context.Context, in *sfn.GetExecutionHistoryInput, _ ...func(*sfn.Options)) (*sfn.GetExecutionHistoryOutput, error) {
	return do[sfn.GetExecutionHistoryOutput](ctx, c.call, "states", "GetExecutionHistory", in)
}

// SendTaskSuccess is the SDK's SendTaskSuccess.
func (c StepFunctions) SendTaskSuccess(ctx context.Context, in *sfn.SendTaskSuccessInput, _ ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error) {
	return do[sfn.SendTaskSuccessOutput](ctx, c.call, "states", "SendTaskSuccess", in)
}

// SendTaskFailure is the SDK's SendTaskFailure.
func (c StepFunctions) SendTaskFailure(ctx context.Context, in *sfn.SendTaskFailureInput, _ ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error) {
	return do[sfn.SendTaskFailureOutput](ctx, c.call, "states", "SendTaskFailure", in)
}

// SendTaskHeartbeat is the SDK's SendTaskHeartbeat.
func (c StepFunctions) SendTaskHeartbeat(ctx context.Context, in *sfn.SendTaskHeartbeatInput, _ ...func(*sfn.Options)) (*sfn.SendTaskHeartbeatOutput, error) {
	return do[sfn.SendTaskHeartbeatOutput](ctx, c.call, "states", "SendTaskHeartbeat", in)
}

// S3 is a client of S3.
type S3 struct{ call Call }

// NewS3 makes a client over call.
func NewS3(call Call) S3 { return S3{call: call} }

// CreateBucket is the SDK's CreateBucket.
func (c S3) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, _ ...func(*s3.Options)) (*s3.CreateBucketOutput, error) {
	return do[s3.CreateBucketOutput](ctx, c.call, "s3", "CreateBucket", in)
}

// PutBucketNotificationConfiguration is the SDK's PutBucketNotificationConfiguration.
func (c S3) PutBucketNotificationConfiguration(ctx context.Context, in *s3.PutBucketNotificationConfigurationInput, _ ...func(*s3.Options)) (*s3.PutBucketNotificationConfigurationOutput, error) {
	return do[s3.PutBucketNotificationConfigurationOutput](ctx, c.call, "s3", "PutBucketNotificationConfiguration", in)
}

// GetObject is the SDK's GetObject.
func (c S3) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return do[s3.GetObjectOutput](ctx, c.call, "s3", "GetObject", in)
}

// PutObject is the SDK's PutObject.
func (c S3) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return do[s3.PutObjectOutput](ctx, c.call, "s3", "PutObject", in)
}

// HeadObject is the SDK's HeadObject.
func (c S3) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return do[s3.HeadObjectOutput](ctx, c.call, "s3", "HeadObject", in)
}

// DeleteObject is the SDK's DeleteObject.
func (c S3) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	return do[s3.DeleteObjectOutput](ctx, c.call, "s3", "DeleteObject", in)
}

// ListObjectsV2 is the SDK's ListObjectsV2.
func (c S3) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return do[s3.ListObjectsV2Output](ctx, c.call, "s3", "ListObjectsV2", in)
}

// Lambda is a client of Lambda.
type Lambda struct{ call Call }

// NewLambda makes a client over call.
func NewLambda(call Call) Lambda { return Lambda{call: call} }

// Invoke is the SDK's Invoke.
func (c Lambda) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	return do[lambda.InvokeOutput](ctx, c.call, "lambda", "Invoke", in)
}
