package iamcore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/sim/aws/iamcore"
)

const machine = "arn:aws:states:eu-west-1:1:stateMachine:m"

func TestWhatACallNeeds(t *testing.T) {
	const table, queue = "dynamodb:eu-west-1:1:table/t", "sqs:eu-west-1:1:q"
	for name, test := range map[string]struct {
		input any
		want  []string
	}{
		"a read":           {&dynamodb.GetItemInput{TableName: aws.String("t")}, []string{"dynamodb:GetItem " + table}},
		"a query":          {&dynamodb.QueryInput{TableName: aws.String("t")}, []string{"dynamodb:Query " + table}},
		"an index's query": {&dynamodb.QueryInput{TableName: aws.String("t"), IndexName: aws.String("i")}, []string{"dynamodb:Query " + table + "/index/i"}},
		"a transaction": {&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String("t")}}, {Update: &types.Update{TableName: aws.String("t")}},
			{Delete: &types.Delete{TableName: aws.String("t")}}, {ConditionCheck: &types.ConditionCheck{TableName: aws.String("t")}},
		}}, []string{"dynamodb:PutItem " + table, "dynamodb:UpdateItem " + table, "dynamodb:DeleteItem " + table, "dynamodb:ConditionCheckItem " + table}},
		"a queue by its URL":          {&sqs.SendMessageInput{QueueUrl: aws.String("https://sqs/1/q")}, []string{"sqs:SendMessage " + queue}},
		"a queue by its name":         {&sqs.CreateQueueInput{QueueName: aws.String("q")}, []string{"sqs:CreateQueue " + queue}},
		"an object":                   {&s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}, []string{"s3:GetObject s3:::b/k", "s3:ListBucket s3:::b"}},
		"an object's size":            {&s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}, []string{"s3:GetObject s3:::b/k", "s3:ListBucket s3:::b"}},
		"an object's place":           {&s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}, []string{"s3:PutObject s3:::b/k"}},
		"an answer to a task's token": {&sfn.SendTaskSuccessInput{}, []string{"states:SendTaskSuccess " + strings.TrimPrefix(machine, "arn:aws:")}},
	} {
		needs, err := iamcore.Place{Region: "eu-west-1", AccountID: "1"}.Needs(test.input, machine)
		var got []string
		for _, n := range needs {
			got = append(got, n.Action+" "+strings.TrimPrefix(n.Resource, "arn:aws:"))
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s needs %v (%v), want %v", name, got, err, test.want)
		}
	}
}

func TestACallThatIsNotKnownIsAnError(t *testing.T) {
	if _, err := (iamcore.Place{}).Needs(&sqs.PurgeQueueInput{}, machine); err == nil || !strings.Contains(err.Error(), "PurgeQueueInput") {
		t.Errorf("error %v", err)
	}
}
