package cloud

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
)

// batch is the messages that a mapping has given to its function, until the answer.
type batch struct {
	mapping  lambdacore.Mapping
	messages []types.Message
}

// poll receives from the mapping's queue and gives the messages to the function.
func (c *Cloud) poll(now time.Time, m lambdacore.Mapping) []Effect {
	output, received, err := c.SQS.Do(now, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(c.queueURL(m.QueueName)), MaxNumberOfMessages: int32(m.BatchSize),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	effects := c.fromSQS(received)
	if err != nil {
		return effects
	}
	messages := output.(*sqs.ReceiveMessageOutput).Messages
	if len(messages) == 0 {
		return effects
	}
	queueARN := c.queueARN(now, m.QueueName)
	region, _ := place(queueARN)
	id, run, err := c.invoke(now, m.FunctionName, lambdacore.SQSEvent(queueARN, region, messages))
	if err != nil {
		return effects
	}
	c.batches[id] = batch{mapping: m, messages: messages}
	return append(effects, run...)
}

// batchDone deletes the messages that the function handled. The others (all, if it failed) become
// visible again after the queue's visibility timeout.
func (c *Cloud) batchDone(now time.Time, b batch, out *lambda.InvokeOutput) []Effect {
	var effects []Effect
	for _, m := range b.mapping.Handled(b.messages, out) {
		// What cannot be deleted comes again.
		_, deleted, _ := c.SQS.Do(now, &sqs.DeleteMessageInput{QueueUrl: aws.String(c.queueURL(b.mapping.QueueName)), ReceiptHandle: m.ReceiptHandle})
		effects = append(effects, c.fromSQS(deleted)...)
	}
	return append(effects, pollOf(b.mapping))
}

func pollOf(m lambdacore.Mapping) Delivery {
	return Delivery{Kind: Poll, What: m.FunctionName + " polls " + m.QueueName, mapping: m}
}

func deadLetter(queue, body string, attributes map[string]types.MessageAttributeValue) Delivery {
	return Delivery{
		Kind: DeadLetter, What: "an event that no try of its function took goes to " + queue,
		queue: queue, payload: []byte(body), attrs: attributes,
	}
}

// Body is what a dead letter says.
func (d Delivery) Body() []byte { return d.payload }

// Queue names the queue that the delivery sends to or receives from; empty for none.
func (d Delivery) Queue() string {
	switch d.Kind {
	case DeadLetter:
		return d.queue
	case Poll:
		return d.mapping.QueueName
	case Task:
		var parameters struct {
			QueueURL string `json:"QueueUrl"`
		}
		if err := json.Unmarshal(d.Task.Input, &parameters); err != nil {
			return ""
		}
		return parameters.QueueURL[strings.LastIndexByte(parameters.QueueURL, '/')+1:]
	}
	return ""
}

// sendDeadLetter puts an event that its function did not handle on the function's dead letter
// queue.
func (c *Cloud) sendDeadLetter(now time.Time, d Delivery) []Effect {
	// Lambda drops what its dead letter queue refuses.
	_, effects, _ := c.SQS.Do(now, &sqs.SendMessageInput{
		QueueUrl: aws.String(c.queueURL(d.queue)), MessageBody: aws.String(string(d.payload)), MessageAttributes: d.attrs,
	})
	return c.fromSQS(effects)
}

// queueURL names a queue for the core, which reads only the last part.
func (c *Cloud) queueURL(name string) string { return "https://sqs/" + name }

func (c *Cloud) queueARN(now time.Time, name string) string {
	output, _, err := c.SQS.Do(now, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(c.queueURL(name)), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return ""
	}
	return output.(*sqs.GetQueueAttributesOutput).Attributes["QueueArn"]
}
