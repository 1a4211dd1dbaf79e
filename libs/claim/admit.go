package claim

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
)

// Admitted is what Admit found: a fresh row, or the job that was there before.
type Admitted struct {
	Fresh    bool
	Existing *Job // nil where Fresh
}

// Admit puts the job's row, once, whatever S3 repeats.
func (s *Store) Admit(ctx context.Context, m job.Message, executionARN string) (Admitted, error) {
	if err := m.Validate(); err != nil {
		return Admitted{}, err
	}
	return s.admit(ctx, m.MessageID, item{
		"projectUserId": text(string(m.ProjectUserID)), "threadId": text(m.ThreadID), "receivedAt": number(m.ReceivedAtMillis),
		"executionArn": text(executionARN), "from": text(m.From), "subject": text(m.Subject),
	})
}

// Reject puts the row of mail that is not to be a job, its outcome and the reason with it, once.
func (s *Store) Reject(ctx context.Context, messageID, from, subject, reason string, receivedAtMillis int64) (Admitted, error) {
	return s.admit(ctx, messageID, item{
		"receivedAt": number(receivedAtMillis), "from": text(from), "subject": text(subject),
		"outcome": text(string(job.Rejected)), "outcomeAt": number(job.Millis(s.now())), "result": text(reason),
	})
}

func (s *Store) admit(ctx context.Context, messageID string, row item) (Admitted, error) {
	row["messageId"] = text(messageID)
	row["expiresAt"] = number(s.now().Add(s.settings.JobRetention).Unix())
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(s.names.Jobs()), Item: row, ConditionExpression: aws.String("attribute_not_exists(messageId)"),
	})
	switch awsx.Classify(err) {
	case awsx.Applied:
		return Admitted{Fresh: true}, nil
	case awsx.Refused:
		existing, err := s.ReadJob(ctx, messageID)
		if err == nil && existing == nil {
			err = errors.New("the row that was there is gone: try again")
		}
		if err != nil {
			return Admitted{}, fmt.Errorf("admit %s: %w", messageID, err)
		}
		return Admitted{Existing: existing}, nil
	}
	return Admitted{}, fmt.Errorf("admit %s: %w", messageID, err)
}

// MarkDeadLettered notes on the job that a person was told, so that whoever comes later need not.
func (s *Store) MarkDeadLettered(ctx context.Context, messageID string) error {
	e := newExpression().when("attribute_exists(messageId)").assign("deadLetteredAt", number(job.Millis(s.now())))
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(s.names.Jobs()), Key: jobKey(messageID),
		UpdateExpression: e.update(), ConditionExpression: e.condition(), ExpressionAttributeValues: e.attributeValues(),
	})
	if err != nil {
		return fmt.Errorf("mark %s as dead-lettered: %w", messageID, err)
	}
	return nil
}
