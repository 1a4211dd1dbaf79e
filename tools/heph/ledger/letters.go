package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/libs/job"
)

// Letter is a message on the dead letter queue.
type Letter struct {
	QueueMessageID string
	Body           string
	job.DeadLetter // empty if Body is none of ours
}

// Queue is a queue of dead letters.
type Queue interface {
	// Look returns the messages on the queue, and leaves them there.
	Look(ctx context.Context) ([]Letter, error)
}

// ErrNoPeeking says that the endpoint cannot show a queue without receiving from it: it is not the
// local stack.
var ErrNoPeeking = errors.New("the endpoint shows no queues")

// Peek looks into a queue of the local stack, which shows it without a receive.
type Peek struct {
	HTTP     *http.Client
	Endpoint string
	Name     string // the queue's
}

// Look reads the queue. The error is ErrNoPeeking if the endpoint is not the local stack.
func (p Peek) Look(ctx context.Context) ([]Letter, error) {
	url := strings.TrimRight(p.Endpoint, "/") + "/_heph/queues/" + p.Name
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", p.Name, err)
	}
	response, err := p.HTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", p.Name, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", p.Name, err)
	}
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		return nil, fmt.Errorf("look into %s: %w: GET %s answers %s", p.Name, ErrNoPeeking, url, response.Status)
	}
	var messages []struct {
		MessageID string `json:"messageId"`
		Body      string `json:"body"`
	}
	if err := json.Unmarshal(content, &messages); err != nil {
		return nil, fmt.Errorf("look into %s: %w", p.Name, err)
	}
	letters := make([]Letter, 0, len(messages))
	for _, m := range messages {
		letters = append(letters, ParseLetter(m.MessageID, m.Body))
	}
	return sorted(letters), nil
}

// SQS is what looking by receiving needs; *sqs.Client satisfies it.
type SQS interface {
	GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, opts ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
}

// Receive looks into a queue of AWS by receiving with a visibility timeout of 0. SQS counts that as
// a receive, and gives a sample: not all of a long queue.
type Receive struct {
	SQS  SQS
	Name string // the queue's
}

// maxReceives bounds how often a queue is asked.
const maxReceives = 10

// Look receives until nothing new comes.
func (r Receive) Look(ctx context.Context) ([]Letter, error) {
	url, err := r.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(r.Name)})
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", r.Name, err)
	}
	seen := map[string]bool{}
	var letters []Letter
	for range maxReceives {
		out, err := r.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
		})
		if err != nil {
			return nil, fmt.Errorf("look into %s: %w", r.Name, err)
		}
		fresh := false
		for _, m := range out.Messages {
			if id := aws.ToString(m.MessageId); !seen[id] {
				seen[id], fresh = true, true
				letters = append(letters, ParseLetter(id, aws.ToString(m.Body)))
			}
		}
		if !fresh {
			break
		}
	}
	return sorted(letters), nil
}

// ParseLetter reads a body. If the body is none of ours, DeadLetter stays empty.
func ParseLetter(id, body string) Letter {
	l := Letter{QueueMessageID: id, Body: body}
	if err := json.Unmarshal([]byte(body), &l.DeadLetter); err != nil {
		l.DeadLetter = job.DeadLetter{}
	}
	return l
}

func sorted(letters []Letter) []Letter {
	slices.SortStableFunc(letters, func(a, b Letter) int {
		return cmp.Or(cmp.Compare(b.AtMillis, a.AtMillis), cmp.Compare(a.MessageID, b.MessageID))
	})
	return letters
}
