package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

const integration = "arn:aws:states:::"

// perform makes the call of a state machine's task (Step Functions Developer Guide, Integrating
// optimized services). The core has refused every other resource when the state machine was
// created.
func (c *Cloud) perform(now time.Time, task sfncore.RunTask) []Effect {
	resource := strings.TrimSuffix(strings.TrimPrefix(task.Resource, integration), ".waitForTaskToken")
	switch resource {
	case "lambda:invoke":
		var parameters struct {
			FunctionName string          `json:"FunctionName"`
			Payload      json.RawMessage `json:"Payload"`
		}
		if err := json.Unmarshal(task.Input, &parameters); err != nil {
			return c.taskFailed(now, task.TaskID, "Lambda.ClientException", err)
		}
		return c.invokeTask(now, task.TaskID, parameters.FunctionName, parameters.Payload)
	case "sqs:sendMessage":
		return c.sendTask(now, task)
	case "dynamodb:getItem":
		return c.dynamoTask(now, task, &dynamodb.GetItemInput{})
	case "dynamodb:putItem":
		return c.dynamoTask(now, task, &dynamodb.PutItemInput{})
	case "dynamodb:updateItem":
		return c.dynamoTask(now, task, &dynamodb.UpdateItemInput{})
	case "dynamodb:deleteItem":
		return c.dynamoTask(now, task, &dynamodb.DeleteItemInput{})
	}
	if strings.HasPrefix(task.Resource, "arn:aws:lambda:") {
		return c.invokeTask(now, task.TaskID, task.Resource, task.Input)
	}
	return c.taskFailed(now, task.TaskID, "States.Runtime", fmt.Errorf("the resource %s is not known here", task.Resource))
}

// Fails makes a delivery of Kind Task fail with an error of its queue's service, in place of
// Deliver.
func (c *Cloud) Fails(now time.Time, d Delivery, err error) []Effect {
	return c.taskFailed(now, d.Task.TaskID, "SQS.AmazonSQSException", err)
}

func (c *Cloud) invokeTask(now time.Time, taskID, function string, payload []byte) []Effect {
	id, effects, err := c.invoke(now, function, payload)
	if err != nil {
		return c.taskFailed(now, taskID, "Lambda."+errorCode(err, "AWSLambdaException"), err)
	}
	c.tasks[id] = taskID
	return effects
}

// lambdaTaskDone turns a function's answer into the task's result, or its error into the task's
// error.
func (c *Cloud) lambdaTaskDone(now time.Time, taskID string, a lambdacore.Answer) []Effect {
	if aws.ToString(a.Output.FunctionError) != "" {
		var said struct {
			ErrorType string `json:"errorType"`
		}
		name := "Lambda.Unknown"
		if err := json.Unmarshal(a.Output.Payload, &said); err == nil && said.ErrorType != "" {
			name = said.ErrorType
		}
		return c.fromStates(c.StepFunctions.TaskDone(now, taskID, nil, &sfncore.TaskFailure{Error: name, Cause: string(a.Output.Payload)}))
	}
	result := slices.Concat([]byte(`{"ExecutedVersion":"$LATEST","StatusCode":200,"Payload":`), a.Output.Payload, []byte("}"))
	return c.fromStates(c.StepFunctions.TaskDone(now, taskID, withMetadata(result, a.InvocationID), nil))
}

// withMetadata adds Step Functions' metadata to an answer, a JSON object.
func withMetadata(answer []byte, requestID string) []byte {
	metadata := mustJSON(map[string]any{
		"SdkHttpMetadata": map[string]any{"HttpStatusCode": 200}, "SdkResponseMetadata": map[string]any{"RequestId": requestID},
	})
	if string(answer) == "{}" {
		return metadata
	}
	return slices.Concat(answer[:len(answer)-1], []byte(","), metadata[1:])
}

// sendTask sends a message. A body that is not a string is sent as its JSON.
func (c *Cloud) sendTask(now time.Time, task sfncore.RunTask) []Effect {
	var parameters map[string]json.RawMessage
	if err := json.Unmarshal(task.Input, &parameters); err != nil {
		return c.taskFailed(now, task.TaskID, "SQS.SdkClientException", err)
	}
	in := &sqs.SendMessageInput{}
	body := parameters["MessageBody"]
	structured := len(body) > 0 && body[0] != '"'
	if structured {
		delete(parameters, "MessageBody")
	}
	if err := c.codec.Decode(mustJSON(parameters), in); err != nil {
		return c.taskFailed(now, task.TaskID, "SQS.SdkClientException", err)
	}
	if structured {
		in.MessageBody = aws.String(string(body))
	}
	output, sent, err := c.SQS.Do(now, in)
	if err != nil {
		return append(c.fromSQS(sent), c.taskFailed(now, task.TaskID, "SQS.AmazonSQSException", err)...)
	}
	return append(c.fromSQS(sent), c.apiTaskDone(now, task.TaskID, output)...)
}

func (c *Cloud) dynamoTask(now time.Time, task sfncore.RunTask, in any) []Effect {
	if err := c.codec.Decode(task.Input, in); err != nil {
		return c.taskFailed(now, task.TaskID, "DynamoDB.SdkClientException", err)
	}
	output, err := c.DynamoDB.Do(now, in)
	if err != nil {
		name := "DynamoDB.AmazonDynamoDBException"
		switch code := errorCode(err, ""); code {
		case "ConditionalCheckFailedException", "ResourceNotFoundException":
			name = "DynamoDB." + code
		}
		return c.taskFailed(now, task.TaskID, name, err)
	}
	return c.apiTaskDone(now, task.TaskID, output)
}

// apiTaskDone reports an API's answer with the metadata that Step Functions adds to it.
func (c *Cloud) apiTaskDone(now time.Time, taskID string, output any) []Effect {
	encoded, err := c.codec.Encode(output)
	if err != nil {
		return c.taskFailed(now, taskID, "States.Runtime", err)
	}
	return c.fromStates(c.StepFunctions.TaskDone(now, taskID, withMetadata(encoded, taskID), nil))
}

func (c *Cloud) taskFailed(now time.Time, taskID, name string, err error) []Effect {
	return c.fromStates(c.StepFunctions.TaskDone(now, taskID, nil, &sfncore.TaskFailure{Error: name, Cause: err.Error()}))
}

func errorCode(err error, otherwise string) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return otherwise
}
