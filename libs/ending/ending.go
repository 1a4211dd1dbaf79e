// Package ending is for the services that end a mail from outside of its worker: it ends the job,
// and tells a person.
//
// It promises that both may be done again at any time: what an earlier try has done stays as it is.
// The caller decides how a job ends, and whether a person must act.
package ending

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
)

// Protocol is the part of claim.Store that ending a job needs.
type Protocol interface {
	CleanUp(ctx context.Context, c claim.CleanUp) (claim.Finished, error)
	Settle(ctx context.Context, messageID string) error
}

// Records is the part of audit.Log that ending a job needs.
type Records interface {
	Put(ctx context.Context, r audit.Record) (fresh bool, err error)
	Write(j claim.Job) types.TransactWriteItem
}

// Jobs ends jobs.
type Jobs struct {
	protocol Protocol
	records  Records
	tokens   interrupt.StepFunctions
	log      *slog.Logger
}

// NewJobs makes a Jobs that wakes those who wait for a key by their tokens.
func NewJobs(protocol Protocol, records Records, tokens interrupt.StepFunctions, log *slog.Logger) *Jobs {
	return &Jobs{protocol: protocol, records: records, tokens: tokens, log: log}
}

// End cleans the job up, wakes who may go on, and makes sure that the end is on record. If no
// letter has to follow, the job is settled. End answers with the job as it has ended, by this call
// or before it. It sets c.Record itself.
func (e *Jobs) End(ctx context.Context, c claim.CleanUp) (claim.Job, error) {
	c.Record = e.records.Write
	finished, err := e.protocol.CleanUp(ctx, c)
	if err != nil {
		return claim.Job{}, err
	}
	interrupt.WakeAll(ctx, e.tokens, e.log, c.Message, "end of "+c.Message.MessageID, finished.Wakes)
	// If CleanUp ended the job, it has written the record. If a worker did, there is none yet.
	if record, ok := audit.Of(finished.Job); ok {
		if _, err := e.records.Put(ctx, record); err != nil {
			return claim.Job{}, err
		}
	}
	if j := finished.Job; j.Outcome != "" && !j.Settled() && !j.NeedsLetter() {
		return j, e.protocol.Settle(ctx, j.MessageID)
	}
	return finished.Job, nil
}

// Marker is the part of claim.Store that telling a person needs.
type Marker interface {
	MarkDeadLettered(ctx context.Context, messageID string) error
	MarkHeldTold(ctx context.Context, messageID string) error
}

// SQS sends to the dead letter queue; *sqs.Client does.
type SQS interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, opts ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Letters tells people, through the dead letter queue.
type Letters struct {
	protocol Marker
	queue    SQS
	url      string
}

// NewLetters makes a Letters; url is the dead letter queue.
func NewLetters(protocol Marker, queue SQS, url string) *Letters {
	return &Letters{protocol: protocol, queue: queue, url: url}
}

// Send puts the letter on the queue, and then notes on the mail's row that a person was told, so
// that later steps need not. A person may be told twice, never not at all.
func (l *Letters) Send(ctx context.Context, letter job.DeadLetter) error {
	body, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("dead letter of %s: %w", letter.MessageID, err)
	}
	_, err = l.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(l.url), MessageBody: aws.String(string(body))})
	if err != nil {
		return fmt.Errorf("dead letter of %s: %w", letter.MessageID, err)
	}
	if letter.Kind == job.Held {
		return l.protocol.MarkHeldTold(ctx, letter.MessageID)
	}
	return l.protocol.MarkDeadLettered(ctx, letter.MessageID)
}
