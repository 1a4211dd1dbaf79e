// Package iamcore says which permissions a call needs: for each input of the SDK the actions of IAM
// and the ARNs of what they act on (Service Authorization Reference, the services' pages).
//
// It promises that a call it does not know is an error, not a call that needs nothing. Who has
// which permissions is not its concern, and conditions of policies are not looked at.
package iamcore

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Place is where the called resources are.
type Place struct{ Region, AccountID string }

// Need is a permission that a call needs: an action on a resource, an ARN.
type Need struct{ Action, Resource string }

// Needs lists what the call needs. stateMachineARN is whose tasks' tokens a SendTask call may
// answer: a token does not say it.
func (p Place) Needs(input any, stateMachineARN string) ([]Need, error) {
	switch in := input.(type) {
	case *dynamodb.GetItemInput:
		return p.table("GetItem", in.TableName), nil
	case *dynamodb.PutItemInput:
		return p.table("PutItem", in.TableName), nil
	case *dynamodb.UpdateItemInput:
		return p.table("UpdateItem", in.TableName), nil
	case *dynamodb.QueryInput:
		if in.IndexName != nil {
			return []Need{{"dynamodb:Query", p.tableARN(in.TableName) + "/index/" + *in.IndexName}}, nil
		}
		return p.table("Query", in.TableName), nil
	case *dynamodb.TransactWriteItemsInput:
		return p.transaction(in.TransactItems), nil
	case *sqs.SendMessageInput:
		return p.queue("SendMessage", in.QueueUrl), nil
	case *sqs.ReceiveMessageInput:
		return p.queue("ReceiveMessage", in.QueueUrl), nil
	case *sqs.DeleteMessageInput:
		return p.queue("DeleteMessage", in.QueueUrl), nil
	case *sqs.ChangeMessageVisibilityInput:
		return p.queue("ChangeMessageVisibility", in.QueueUrl), nil
	case *sqs.CreateQueueInput:
		return p.queue("CreateQueue", in.QueueName), nil
	case *s3.GetObjectInput:
		return read(in.Bucket, in.Key), nil
	case *s3.HeadObjectInput:
		return read(in.Bucket, in.Key), nil
	case *s3.PutObjectInput:
		return []Need{{"s3:PutObject", objectARN(in.Bucket, in.Key)}}, nil
	case *sfn.StartExecutionInput:
		return []Need{{"states:StartExecution", aws.ToString(in.StateMachineArn)}}, nil
	case *sfn.ListExecutionsInput:
		return []Need{{"states:ListExecutions", aws.ToString(in.StateMachineArn)}}, nil
	case *sfn.DescribeExecutionInput:
		return []Need{{"states:DescribeExecution", aws.ToString(in.ExecutionArn)}}, nil
	case *sfn.SendTaskSuccessInput:
		return []Need{{"states:SendTaskSuccess", stateMachineARN}}, nil
	case *sfn.SendTaskFailureInput:
		return []Need{{"states:SendTaskFailure", stateMachineARN}}, nil
	}
	return nil, fmt.Errorf("iamcore: nothing is known of what %T needs", input)
}

func (p Place) tableARN(name *string) string {
	return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", p.Region, p.AccountID, aws.ToString(name))
}

func (p Place) table(action string, name *string) []Need {
	return []Need{{"dynamodb:" + action, p.tableARN(name)}}
}

// transaction needs what its items would need one by one (DynamoDB Developer Guide,
// transaction-apis-iam).
func (p Place) transaction(items []types.TransactWriteItem) (list []Need) {
	for _, item := range items {
		switch {
		case item.Put != nil:
			list = append(list, p.table("PutItem", item.Put.TableName)...)
		case item.Update != nil:
			list = append(list, p.table("UpdateItem", item.Update.TableName)...)
		case item.Delete != nil:
			list = append(list, p.table("DeleteItem", item.Delete.TableName)...)
		case item.ConditionCheck != nil:
			list = append(list, p.table("ConditionCheckItem", item.ConditionCheck.TableName)...)
		}
	}
	return list
}

// queue takes a queue's URL or its name.
func (p Place) queue(action string, url *string) []Need {
	name := aws.ToString(url)
	return []Need{{"sqs:" + action, fmt.Sprintf("arn:aws:sqs:%s:%s:%s", p.Region, p.AccountID, name[strings.LastIndexByte(name, '/')+1:])}}
}

func objectARN(bucket, key *string) string {
	return "arn:aws:s3:::" + aws.ToString(bucket) + "/" + aws.ToString(key)
}

// read is to get an object, or to learn that it is not there: who may not list its bucket is denied
// what is not there (Amazon S3 API Reference, GetObject).
func read(bucket, key *string) []Need {
	return []Need{{"s3:GetObject", objectARN(bucket, key)}, {"s3:ListBucket", "arn:aws:s3:::" + aws.ToString(bucket)}}
}
