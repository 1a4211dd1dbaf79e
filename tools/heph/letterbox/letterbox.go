// Package letterbox takes letters off a stack's dead letter queue, for a person who has dealt with
// them.
//
// It promises to delete only what it is asked to, and to leave every other letter visible, or
// hidden for a minute at most. It does not promise to find a letter: SQS gives a sample of a long
// queue, and hides what another reader has just received.
package letterbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/tools/heph/ledger"
)

// SQS is what taking letters off a queue needs; *sqs.Client satisfies it.
type SQS interface {
	GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, opts ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
	ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
}

const (
	hiddenSeconds = 60 // how long a letter that was received stays hidden, unless it is shown again
	waitSeconds   = 1  // a receive that waits asks all of SQS's servers, not a sample
	maxReceives   = 200
	batch         = 10 // the most that a receive gives
)

// Taken says how many letters were found.
type Taken struct {
	Deleted int
	Others  int // that do not match
}

// Take receives until nothing new comes, deletes the letters that match, and shows the others
// again.
func Take(ctx context.Context, client SQS, queue string, matches func(ledger.Letter) bool) (taken Taken, err error) {
	url, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(queue)})
	if err != nil {
		return taken, fmt.Errorf("take letters off %s: %w", queue, err)
	}
	others := map[string]*string{} // receipt handles of the letters that stay, by queue message id
	defer func() {
		for _, handle := range others { // in any order: each stands for itself
			_, shown := client.ChangeMessageVisibility(context.WithoutCancel(ctx), &sqs.ChangeMessageVisibilityInput{
				QueueUrl: url.QueueUrl, ReceiptHandle: handle, VisibilityTimeout: 0,
			})
			if shown != nil {
				err = errors.Join(err, fmt.Errorf("show a letter of %s again, which shows itself within %d seconds: %w", queue, hiddenSeconds, shown))
			}
		}
	}()
	for range maxReceives {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: url.QueueUrl, MaxNumberOfMessages: batch, VisibilityTimeout: hiddenSeconds, WaitTimeSeconds: waitSeconds,
		})
		if err != nil {
			return taken, fmt.Errorf("take letters off %s: %w", queue, err)
		}
		fresh := false
		for _, m := range out.Messages {
			id := aws.ToString(m.MessageId)
			_, again := others[id]
			others[id], fresh = m.ReceiptHandle, fresh || !again
		}
		for _, m := range out.Messages {
			id := aws.ToString(m.MessageId)
			if !matches(ledger.ParseLetter(id, aws.ToString(m.Body))) {
				continue
			}
			if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url.QueueUrl, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return taken, fmt.Errorf("delete a letter of %s: %w", queue, err)
			}
			delete(others, id)
			taken.Deleted++
		}
		if taken.Others = len(others); !fresh {
			break
		}
	}
	return taken, nil
}
