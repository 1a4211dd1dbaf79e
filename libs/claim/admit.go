package claim

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// Admitted is what Admit found: a fresh row, or the job that was there before.
type Admitted struct {
	Fresh    bool
	Existing *Job // nil if Fresh
}

// Admit puts the job's row once, even if S3 repeats its event.
func (s *Store) Admit(ctx context.Context, m job.Message, executionARN string) (Admitted, error) {
	if err := m.Validate(); err != nil {
		return Admitted{}, err
	}
	return s.admit(ctx, Job{
		MessageID: m.MessageID, Key: m.ProjectUserID, ThreadID: m.ThreadID, ReceivedAtMillis: m.ReceivedAtMillis,
		ExecutionARN: executionARN, From: m.From, Subject: m.Subject,
	})
}

// Reject puts, once, the row of mail that must not become a job, with its outcome and the reason.
func (s *Store) Reject(ctx context.Context, messageID, from, subject, reason string, receivedAtMillis int64) (Admitted, error) {
	return s.admit(ctx, Job{
		MessageID: messageID, ReceivedAtMillis: receivedAtMillis, From: from, Subject: subject,
		Outcome: job.Rejected, OutcomeAtMillis: job.Millis(s.now()), Result: reason,
	})
}

func (s *Store) admit(ctx context.Context, j Job) (Admitted, error) {
	row := j.Item()
	row["expiresAt"] = item.Number(s.now().Add(s.settings.JobRetention).Unix())
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(s.names.Jobs()), Item: row, ConditionExpression: aws.String("attribute_not_exists(messageId)"),
	})
	switch awsx.Classify(err) {
	case awsx.Applied:
		return Admitted{Fresh: true}, nil
	case awsx.Refused:
		existing, err := s.ReadJob(ctx, j.MessageID)
		if err == nil && existing == nil {
			err = errors.New("the row that was there is gone: try again")
		}
		if err != nil {
			return Admitted{}, fmt.Errorf("admit %s: %w", j.MessageID, err)
		}
		return Admitted{Existing: existing}, nil
	}
	return Admitted{}, fmt.Errorf("admit %s: %w", j.MessageID, err)
}

// MarkDeadLettered notes on the job that a person was told, so that later steps need not.
func (s *Store) MarkDeadLettered(ctx context.Context, messageID string) error {
	e := newExpression().when("attribute_exists(messageId)").assign("deadLetteredAt", item.Number(job.Millis(s.now())))
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(s.names.Jobs()), Key: jobKey(messageID),
		UpdateExpression: e.update(), ConditionExpression: e.condition(), ExpressionAttributeValues: e.attributeValues(),
	})
	if err != nil {
		return fmt.Errorf("mark %s as dead-lettered: %w", messageID, err)
	}
	return nil
}
