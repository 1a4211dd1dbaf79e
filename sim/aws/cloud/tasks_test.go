package cloud_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/sim/aws/client"
)

func TestATaskCallsAFunction(t *testing.T) {
	const invoke = "arn:aws:states:::lambda:invoke"
	smith := `{"FunctionName":"smith","Payload":{"n":1}}`
	for _, test := range []struct {
		name, resource, parameters string
		ends                       func(l *lab)
		want                       string
	}{
		{"that answers", invoke, smith, func(l *lab) { run := l.run(); l.returns(run, `{"called with":`+string(run.Payload)+`}`) }, `{"ExecutedVersion":"$LATEST","Payload":{"called with":{"n":1}},"StatusCode":200}`},
		{"that answers with nothing", invoke, smith, func(l *lab) { l.returns(l.run(), `null`) }, `{"ExecutedVersion":"$LATEST","Payload":null,"StatusCode":200}`},
		{"that fails: its error's type is the task's error", invoke, smith, func(l *lab) { l.fails(l.run(), "EndedError", "over") }, `FAILED EndedError`},
		{"that fails without a type", invoke, smith, func(l *lab) { l.fails(l.run(), "", "over") }, `FAILED Lambda.Unknown`},
		{"that takes too long", invoke, smith, func(l *lab) { l.run(); l.pass(3 * time.Second) }, `FAILED Sandbox.Timedout`},
		{"that is not there", invoke, `{"FunctionName":"nobody","Payload":{}}`, func(*lab) {}, `FAILED Lambda.ResourceNotFoundException`},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t)
			arn := l.task(test.resource, test.parameters)
			test.ends(l)
			if got := l.result(arn); got != test.want {
				t.Errorf("it ended as %s, want %s", got, test.want)
			}
		})
	}
}

func TestATaskSendsAMessage(t *testing.T) {
	const send = "arn:aws:states:::sqs:sendMessage"
	for _, test := range []struct{ name, parameters, body string }{
		{"a string as it is", `{"QueueUrl":"https://sqs/letters","MessageBody":"hello"}`, `hello`},
		{"anything else as its JSON", `{"QueueUrl":"https://sqs/letters","MessageBody":{"n":[1,2]}}`, `{"n":[1,2]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t)
			l.task(send, test.parameters)
			messages := l.received("letters")
			if got := bodies(messages); got != test.body {
				t.Errorf("sent %q, want %q", got, test.body)
			}
		})
	}
	t.Run("to a queue that is not there", func(t *testing.T) {
		l := newLab(t)
		if got := l.result(l.task(send, `{"QueueUrl":"https://sqs/nowhere","MessageBody":"hello"}`)); got != "FAILED SQS.AmazonSQSException" {
			t.Errorf("it ended as %s", got)
		}
	})
}

func TestATaskReadsAndWritesATable(t *testing.T) {
	for _, test := range []struct{ name, operation, parameters, want string }{
		{"get", "getItem", `{"TableName":"forge","Key":{"id":{"S":"door"}}}`, `{"Item":{"id":{"S":"door"},"n":{"N":"1"}}}`},
		{"get nothing", "getItem", `{"TableName":"forge","Key":{"id":{"S":"none"}}}`, `{}`},
		{"put", "putItem", `{"TableName":"forge","Item":{"id":{"S":"gate"}}}`, `{}`},
		{"update", "updateItem", `{"TableName":"forge","Key":{"id":{"S":"door"}},"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{":n":{"N":"2"}},"ReturnValues":"ALL_NEW"}`,
			`{"Attributes":{"id":{"S":"door"},"n":{"N":"2"}}}`},
		{"delete", "deleteItem", `{"TableName":"forge","Key":{"id":{"S":"door"}}}`, `{}`},
		{"a condition that is false", "putItem", `{"TableName":"forge","Item":{"id":{"S":"door"}},"ConditionExpression":"attribute_not_exists(id)"}`,
			`FAILED DynamoDB.ConditionalCheckFailedException`},
		{"no such table", "getItem", `{"TableName":"sea","Key":{"id":{"S":"door"}}}`, `FAILED DynamoDB.ResourceNotFoundException`},
		{"a request that is wrong", "getItem", `{"TableName":"forge","Key":{"no":{"S":"door"}}}`, `FAILED DynamoDB.AmazonDynamoDBException`},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t)
			db := client.NewDynamoDB(l.call)
			_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
				TableName: aws.String("forge"), BillingMode: types.BillingModePayPerRequest,
				AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
				KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
			})
			if err == nil {
				_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("forge"), Item: map[string]types.AttributeValue{
					"id": &types.AttributeValueMemberS{Value: "door"}, "n": &types.AttributeValueMemberN{Value: "1"},
				}})
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := l.result(l.task("arn:aws:states:::dynamodb:"+test.operation, test.parameters)); got != test.want {
				t.Errorf("it ended as %s, want %s", got, test.want)
			}
		})
	}
}
