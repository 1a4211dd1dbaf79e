package claim

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// Admitted is what Admit found: a fresh row, or the job that was there before.
type Admitted struct {
	Fresh        bool
	Existing     *Job   // nil if Fresh
	ExecutionARN string // of the row, fresh or not; empty if its mail was rejected
}

// Rejection is a message that must not become a job.
type Rejection struct {
	MessageID        string
	Key              job.Key // none, if the message is for nobody
	ThreadID         string  // none, if it was not looked for
	Raw              job.ObjectRef
	From, Subject    string
	ReceivedAtMillis int64
	Reason           string
	DuplicateOf      string // the message of which it is a copy, if that is the reason
	AgainOf          string // see job.Message
}

// CollisionError says that a row is there under a message's id and is another message's: that of
// another object, or for another key.
type CollisionError struct {
	MessageID       string
	Raw, TakenRaw   job.ObjectRef
	Key, TakenByKey job.Key
}

func (e *CollisionError) Error() string {
	return fmt.Sprintf("message %s is s3://%s/%s for %q, and cannot be s3://%s/%s for %q too",
		e.MessageID, e.TakenRaw.Bucket, e.TakenRaw.Key, e.TakenByKey, e.Raw.Bucket, e.Raw.Key, e.Key)
}

// ErrNoLonger says that a message may no longer be admitted: its while does not hold.
var ErrNoLonger = errors.New("the message may no longer be admitted")

// Admit puts the job's row once, even if S3 repeats its event. The row names its execution of the
// state machine, which no earlier row of the message has named. Admit returns a *CollisionError if
// the row that is there is another message's. It puts no row unless while holds, a check of another
// table; nil is none.
func (s *Store) Admit(ctx context.Context, m job.Message, stateMachineARN string, while *types.ConditionCheck) (Admitted, error) {
	if err := m.Validate(); err != nil {
		return Admitted{}, err
	}
	return s.admit(ctx, while, admitted(m, stateMachineARN, job.Millis(s.now())), noRow)
}

// admitted is the row of a job that begins.
func admitted(m job.Message, stateMachineARN string, nowMillis int64) Job {
	return Job{
		MessageID: m.MessageID, Key: m.ProjectUserID, Raw: &m.Raw, ThreadID: m.ThreadID, ReceivedAtMillis: m.ReceivedAtMillis, AdmittedAtMillis: nowMillis,
		ExecutionARN: awsx.ExecutionARN(stateMachineARN, job.ExecutionName(m.MessageID, nowMillis)), OpenShard: openShard(m.MessageID),
		From: m.From, Subject: m.Subject, AgainOf: m.AgainOf,
	}
}

// Reject puts, once, the row of a message that must not become a job, with its outcome and the
// reason. It returns a *CollisionError as Admit does.
func (s *Store) Reject(ctx context.Context, r Rejection) (Admitted, error) {
	return s.admit(ctx, nil, r.rejected(job.Millis(s.now())), noRow)
}

func (r Rejection) rejected(nowMillis int64) Job {
	j := r.row(nowMillis)
	j.Outcome, j.OutcomeAtMillis = job.Rejected, nowMillis
	return j
}

// row is the row without how the message is: rejected or held.
func (r Rejection) row(nowMillis int64) Job {
	return Job{
		MessageID: r.MessageID, Key: r.Key, Raw: &r.Raw, ReceivedAtMillis: r.ReceivedAtMillis, AdmittedAtMillis: nowMillis, From: r.From, Subject: r.Subject,
		Result: r.Reason, ThreadID: r.ThreadID, DuplicateOf: r.DuplicateOf, AgainOf: r.AgainOf,
	}
}

// What admit demands of the row in whose place it puts one.
const (
	noRow   = "attribute_not_exists(messageId)"
	heldRow = "attribute_exists(heldAt)"
)

func (s *Store) admit(ctx context.Context, while *types.ConditionCheck, j Job, condition string) (Admitted, error) {
	err := s.putJob(ctx, while, j, condition)
	switch awsx.Classify(err) {
	case awsx.Applied:
		return Admitted{Fresh: true, ExecutionARN: j.ExecutionARN}, nil
	case awsx.Refused:
		existing, err := s.ReadJob(ctx, j.MessageID)
		if err == nil {
			err = refusal(existing, j, condition, while != nil)
		}
		if err != nil {
			return Admitted{}, fmt.Errorf("admit %s: %w", j.MessageID, err)
		}
		return Admitted{Existing: existing, ExecutionARN: existing.ExecutionARN}, nil
	}
	return Admitted{}, fmt.Errorf("admit %s: %w", j.MessageID, err)
}

// refusal is why the row of j was not put under the condition, by the row that is there; nil if
// that is of the same message.
func refusal(existing *Job, j Job, condition string, hasWhile bool) error {
	place := existing == nil // whether the row itself would take j
	if condition == heldRow {
		place = existing != nil && existing.Held()
	}
	switch {
	case place && hasWhile:
		return ErrNoLonger
	case existing == nil && condition == heldRow:
		return ErrNoJob
	case existing == nil:
		return errors.New("the row that was there is gone: try again")
	}
	return collision(j, *existing)
}

// putJob puts a job's row under a condition.
func (s *Store) putJob(ctx context.Context, while *types.ConditionCheck, j Job, condition string) error {
	row := j.Item()
	row["expiresAt"] = item.Number(s.now().Add(s.settings.JobRetention).Unix())
	put := types.Put{
		TableName: aws.String(s.names.Jobs()), Item: row, ConditionExpression: aws.String(condition),
	}
	if while == nil {
		_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression})
		return err
	}
	_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &put}, {ConditionCheck: while}}})
	return err
}

// collision is an error if the row that is there is another message's than the one that was to be
// put. A mail that was rejected, or is to be now, had or has no key: it is the same all the same.
func collision(j, existing Job) error {
	otherKey := j.Key != existing.Key && j.Outcome == "" && existing.Outcome == ""
	if existing.Raw == nil || (*existing.Raw == *j.Raw && !otherKey) {
		return nil
	}
	return &CollisionError{MessageID: j.MessageID, Raw: *j.Raw, TakenRaw: *existing.Raw, Key: j.Key, TakenByKey: existing.Key}
}

// MarkDeadLettered notes on the job, which has ended, that a person was told, so that later steps
// need not. That is the last that is done for a job.
func (s *Store) MarkDeadLettered(ctx context.Context, messageID string) error {
	e := newExpression().when("attribute_exists(messageId)").assign("deadLetteredAt", item.Number(job.Millis(s.now()))).
		clear("openShard")
	if _, err := s.updateJob(ctx, messageID, e); err != nil {
		return fmt.Errorf("mark %s as dead-lettered: %w", messageID, err)
	}
	return nil
}
