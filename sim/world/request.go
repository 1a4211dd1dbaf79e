package world

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
)

// request is what an actor's code yields: a call, or a wait until a time.
type request struct {
	service, operation string
	input              any
	wait               bool
	until              time.Time       // by the actor's clock; of a wait
	arm                func(time.Time) // schedules what ends the wait, if that is not its time alone
	deadline           time.Time       // by the actor's clock, when the call is given up; zero: never
	over               bool            // the actor's code has run to its end
}

// reply is what it is resumed with.
type reply struct {
	output any
	err    error
}

// errTimeout is what a caller sees of a call that was not answered.
var errTimeout = &smithy.GenericAPIError{Code: "RequestTimeout", Message: "no answer came in time", Fault: smithy.FaultUnknown}

// wakeUp reads the answer that ends a wait; false if it is the one that ends a job, which has other
// fields.
func wakeUp(in *sfn.SendTaskSuccessInput) (job.Woken, bool) {
	var woken job.Woken
	output := json.NewDecoder(strings.NewReader(aws.ToString(in.Output)))
	output.DisallowUnknownFields()
	err := output.Decode(&woken)
	return woken, err == nil
}

// throttled is how AWS refuses the call for load, or a transaction for a conflict.
func throttled(req request) error {
	if req.operation == "TransactWriteItems" {
		conflict := ddbtypes.CancellationReason{Code: aws.String("TransactionConflict"), Message: aws.String("Transaction is ongoing for the item")}
		return &ddbtypes.TransactionCanceledException{
			Message:             aws.String("Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]"),
			CancellationReasons: []ddbtypes.CancellationReason{conflict, {Code: aws.String("None")}},
		}
	}
	return &ddbtypes.ProvisionedThroughputExceededException{Message: aws.String("The level of configured provisioned throughput for the table was exceeded")}
}

func describeError(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return err.Error()
}

// describe says what a call is, for people.
func describe(req request) string {
	switch in := req.input.(type) {
	case *sqs.ReceiveMessageInput:
		return "ReceiveMessage " + awsx.QueueName(aws.ToString(in.QueueUrl))
	case *sqs.SendMessageInput:
		return "SendMessage " + awsx.QueueName(aws.ToString(in.QueueUrl))
	case *dynamodb.TransactWriteItemsInput:
		return "TransactWriteItems" + touched(in)
	case *dynamodb.GetItemInput:
		return "GetItem " + tableName(in.TableName)
	case *dynamodb.UpdateItemInput:
		return "UpdateItem " + tableName(in.TableName)
	case *dynamodb.PutItemInput:
		return "PutItem " + tableName(in.TableName)
	}
	return req.operation
}

func touched(in *dynamodb.TransactWriteItemsInput) string {
	var b strings.Builder
	for _, w := range in.TransactItems {
		switch {
		case w.Update != nil:
			b.WriteString(" " + tableName(w.Update.TableName))
		case w.Put != nil:
			b.WriteString(" " + tableName(w.Put.TableName))
		}
	}
	return b.String()
}

func tableName(name *string) string {
	return strings.TrimPrefix(aws.ToString(name), awsx.DefaultPrefix+"-")
}
