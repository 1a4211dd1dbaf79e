// Package ending is what the services share that end a mail from outside of its worker: how its job ends, and
// how a person is told.
//
// It promises that both may be done again at any time: what an earlier try has done stays as it is. It does not
// decide how a job ends, nor whether a person must act: who calls it does.
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

// NewJobs makes it; through tokens it wakes those who wait for a key.
func NewJobs(protocol Protocol, records Records, tokens interrupt.StepFunctions, log *slog.Logger) *Jobs {
	return &Jobs{protocol: protocol, records: records, tokens: tokens, log: log}
}

// End cleans the job up, wakes who may go on, and makes sure that the end is on record. Its answer is the job as
// it has ended, by this call or before it. c.Record is set here.
func (e *Jobs) End(ctx context.Context, c claim.CleanUp) (claim.Job, error) {
	c.Record = e.records.Write
	finished, err := e.protocol.CleanUp(ctx, c)
	if err != nil {
		return claim.Job{}, err
	}
	interrupt.WakeAll(ctx, e.tokens, e.log, c.Message, "end of "+c.Message.MessageID, finished.Wakes)
	// CleanUp has written the record if it ended the job. If a worker did, nobody has yet.
	if record, ok := audit.Of(finished.Job); ok {
		if _, err := e.records.Put(ctx, record); err != nil {
			return claim.Job{}, err
		}
	}
	return finished.Job, nil
}

// Marker is the part of claim.Store that telling a person needs.
type Marker interface {
	MarkDeadLettered(ctx context.Context, messageID string) error
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

// NewLetters makes it; url is the queue that people look into.
func NewLetters(protocol Marker, queue SQS, url string) *Letters {
	return &Letters{protocol: protocol, queue: queue, url: url}
}

// Send puts the letter on the queue, and then notes on the mail's row that a person was told: who sees the
// note need not send. A person may be told twice, never not at all.
func (l *Letters) Send(ctx context.Context, letter job.DeadLetter) error {
	body, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("dead letter of %s: %w", letter.MessageID, err)
	}
	_, err = l.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(l.url), MessageBody: aws.String(string(body))})
	if err != nil {
		return fmt.Errorf("dead letter of %s: %w", letter.MessageID, err)
	}
	return l.protocol.MarkDeadLettered(ctx, letter.MessageID)
}
