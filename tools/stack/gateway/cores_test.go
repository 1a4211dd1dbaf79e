package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/sqscore"
	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

// cores serialises the calls to real cores, for which time stands still.
type cores struct {
	mu  sync.Mutex
	ddb *ddbcore.Core
	sqs *sqscore.Core
}

func (c *cores) Do(_ context.Context, service, operation string, input any) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Unix(1_800_000_000, 0)
	switch service {
	case "dynamodb":
		return c.ddb.Do(now, input)
	case "sqs":
		output, _, err := c.sqs.Do(now, input)
		return output, err
	}
	return nil, fmt.Errorf("no core for %s %s", service, operation)
}

func serveCores(t testing.TB) aws.Config {
	return serve(t, &cores{ddb: ddbcore.New(ddbcore.Options{}), sqs: sqscore.New(sqscore.Options{})}, gateway.Options{})
}

func createJobs(t testing.TB, client *dynamodb.Client) {
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("jobs"), BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: ddbtypes.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// putJob puts a job only once, and asks for the old one if it is there.
func putJob(id string) *ddbtypes.Put {
	return &ddbtypes.Put{
		TableName: aws.String("jobs"), Item: map[string]ddbtypes.AttributeValue{"id": &ddbtypes.AttributeValueMemberS{Value: id}},
		ConditionExpression:                 aws.String("attribute_not_exists(id)"),
		ReturnValuesOnConditionCheckFailure: ddbtypes.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

func TestTheOldItemOfAFailedConditionCrossesTheWire(t *testing.T) {
	client := dynamodb.NewFromConfig(serveCores(t))
	createJobs(t, client)
	job := putJob("m1")
	put := &dynamodb.PutItemInput{
		TableName: job.TableName, Item: job.Item, ConditionExpression: job.ConditionExpression,
		ReturnValuesOnConditionCheckFailure: job.ReturnValuesOnConditionCheckFailure,
	}
	if _, err := client.PutItem(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	_, err := client.PutItem(t.Context(), put)
	var failed *ddbtypes.ConditionalCheckFailedException
	if !errors.As(err, &failed) || failed.Item["id"].(*ddbtypes.AttributeValueMemberS).Value != "m1" {
		t.Fatalf("got %v", err)
	}

	_, err = client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
		TransactItems: []ddbtypes.TransactWriteItem{{Put: putJob("m2")}, {Put: putJob("m1")}},
	})
	var cancelled *ddbtypes.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 {
		t.Fatalf("got %v", err)
	}
	reason := cancelled.CancellationReasons[1]
	if *cancelled.CancellationReasons[0].Code != "None" || *reason.Code != "ConditionalCheckFailed" || reason.Item["id"] == nil {
		t.Errorf("got %+v", cancelled.CancellationReasons)
	}
}

func TestAMessageCrossesTheWire(t *testing.T) {
	client := sqs.NewFromConfig(serveCores(t))
	created, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("work.fifo"), Attributes: map[string]string{"FifoQueue": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: created.QueueUrl, MessageBody: aws.String("body"), MessageGroupId: aws.String("amelia#scott"), MessageDeduplicationId: aws.String("m1"),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: aws.String("job")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	received, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: created.QueueUrl, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
	})
	if err != nil || len(received.Messages) != 1 {
		t.Fatalf("got %+v, %v", received, err)
	}
	message := received.Messages[0]
	if *message.Body != "body" || message.Attributes["MessageGroupId"] != "amelia#scott" || *message.MessageAttributes["kind"].StringValue != "job" {
		t.Errorf("got %+v", message)
	}

	_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: created.QueueUrl, MessageBody: aws.String("body")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "MissingParameter" {
		t.Errorf("without a group: %v", err)
	}
	_, err = client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("missing")})
	var missing *sqstypes.QueueDoesNotExist
	if !errors.As(err, &missing) || missing.ErrorCode() != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("a missing queue: %v", err)
	}
}
