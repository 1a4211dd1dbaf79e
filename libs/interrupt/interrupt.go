// Package interrupt carries the two signals beside the protocol: the nudge, which makes a busy
// worker ask at once whether a preemptor waits, and the wake-up, which ends the wait of a
// preemptor's message. Both are hints: a lost one costs a heartbeat or a grace period, a
// superfluous one costs a read. Neither stops or starts anything by itself.
package interrupt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Nudge is the body of a message on a key's interrupt queue.
type Nudge struct {
	ProjectUserID job.Key `json:"projectUserId"`
	ContainerID   string  `json:"containerId"` // the container it is for; any other ignores it
	NewThreadID   string  `json:"newThreadId"`
	NewMessageID  string  `json:"newMessageId"`
}

// SQS is what nudging and listening need; *sqs.Client satisfies it.
type SQS interface {
	CreateQueue(ctx context.Context, in *sqs.CreateQueueInput, opts ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error)
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, opts ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

// Queues reaches the interrupt queues, one per key, and makes each on first use. They are beside
// the work queue: in its account and region.
type Queues struct {
	sqs          SQS
	names        awsx.Names
	workQueueURL string
}

// NewQueues makes a Queues, if the work queue's URL is one of SQS.
func NewQueues(client SQS, names awsx.Names, workQueueURL string) (*Queues, error) {
	if _, err := awsx.SiblingQueue(workQueueURL, names.DeadLetters()); err != nil {
		return nil, err
	}
	return &Queues{sqs: client, names: names, workQueueURL: workQueueURL}, nil
}

// URL is the key's interrupt queue.
func (q *Queues) URL(key job.Key) string {
	url, _ := awsx.SiblingQueue(q.workQueueURL, q.names.InterruptQueue(key)) // NewQueues checked it
	return url
}

// Send nudges the container. The message's attributes carry containerId and projectUserId, so that
// a subscriber can filter without reading the body.
func (q *Queues) Send(ctx context.Context, n Nudge) error {
	body, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("nudge %s: %w", n.ContainerID, err)
	}
	send := &sqs.SendMessageInput{
		QueueUrl: aws.String(q.URL(n.ProjectUserID)), MessageBody: aws.String(string(body)),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"containerId":   {DataType: aws.String("String"), StringValue: aws.String(n.ContainerID)},
			"projectUserId": {DataType: aws.String("String"), StringValue: aws.String(string(n.ProjectUserID))},
		},
	}
	_, err = q.sqs.SendMessage(ctx, send)
	if missing(err) {
		if err := q.create(ctx, n.ProjectUserID); err != nil {
			return err
		}
		_, err = q.sqs.SendMessage(ctx, send)
	}
	if err != nil {
		return fmt.Errorf("nudge %s: %w", n.ContainerID, err)
	}
	return nil
}

// Receive waits up to waitSeconds for nudges of the key and takes them off the queue, those for
// other containers too: the key has one holder, so a nudge for any other comes too late.
func (q *Queues) Receive(ctx context.Context, key job.Key, waitSeconds int32) ([]Nudge, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(q.URL(key)), MaxNumberOfMessages: 10, WaitTimeSeconds: waitSeconds,
	}
	out, err := q.sqs.ReceiveMessage(ctx, in)
	if missing(err) {
		if err := q.create(ctx, key); err != nil {
			return nil, err
		}
		out, err = q.sqs.ReceiveMessage(ctx, in)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for nudges of %s: %w", key, err)
	}
	var nudges []Nudge
	for _, m := range out.Messages {
		var n Nudge
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &n); err == nil {
			nudges = append(nudges, n)
		}
		// If this fails, the nudge is only received again.
		_, _ = q.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: in.QueueUrl, ReceiptHandle: m.ReceiptHandle})
	}
	return nudges, nil
}

// create makes the key's queue. An hour of retention is plenty: an older nudge means nothing.
func (q *Queues) create(ctx context.Context, key job.Key) error {
	name := q.names.InterruptQueue(key)
	_, err := q.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String(name), Attributes: map[string]string{"MessageRetentionPeriod": "3600"},
	})
	if err != nil {
		return fmt.Errorf("create queue %s: %w", name, err)
	}
	return nil
}

func missing(err error) bool {
	var gone *types.QueueDoesNotExist
	return errors.As(err, &gone)
}

// StepFunctions is what waking needs; *sfn.Client satisfies it.
type StepFunctions interface {
	SendTaskSuccess(ctx context.Context, in *sfn.SendTaskSuccessInput, opts ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error)
}

// Wake ends the wait of each message. It is no error if a message no longer waits. The error joins
// the wake-ups that failed: such a wait ends by itself after the grace period.
func Wake(ctx context.Context, client StepFunctions, by string, wakes []claim.Wake) error {
	var failed []error
	for _, w := range wakes {
		output, err := json.Marshal(job.Woken{Superseded: w.Superseded, By: by})
		if err != nil {
			return fmt.Errorf("wake %s: %w", w.MessageID, err)
		}
		_, err = client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{
			TaskToken: aws.String(w.Token), Output: aws.String(string(output)),
		})
		if err != nil && !TokenGone(err) {
			failed = append(failed, fmt.Errorf("wake %s: %w", w.MessageID, err))
		}
	}
	return errors.Join(failed...)
}

// WakeAll is Wake for a caller that goes on if a wake-up fails: it logs the failure. m is the
// message that the caller works for.
func WakeAll(ctx context.Context, client StepFunctions, log *slog.Logger, m job.Message, by string, wakes []claim.Wake) {
	if err := Wake(ctx, client, by, wakes); err != nil {
		telemetry.Write(ctx, log, telemetry.WakeUpLost{Message: m.MessageID, Key: m.ProjectUserID, Error: err.Error()})
	}
}

// TokenGone says whether Step Functions no longer takes the token: it was answered, it timed out,
// or its execution is over. An earlier answer may have been accepted.
func TokenGone(err error) bool {
	var timedOut *sfntypes.TaskTimedOut
	var unknown *sfntypes.TaskDoesNotExist
	var invalid *sfntypes.InvalidToken
	return errors.As(err, &timedOut) || errors.As(err, &unknown) || errors.As(err, &invalid)
}
