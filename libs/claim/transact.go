package claim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// maxAttempts bounds a step's loop of look, decide and write.
const maxAttempts = 10

// view is what a step knows of the claim and the job. job is nil until it refuses a write, or until
// the step looks again after an unknown end.
type view struct {
	row *Row
	job *Job
}

// plan decides from a view what to write: first the claim row's write, then the job row's
// (corrected relies on this order), then any others. No writes means that there is nothing to do.
type plan func(v view) ([]types.TransactWriteItem, error)

// step looks at the claim, plans, and writes in one transaction, guarded by what it saw. The answer
// to a refused write has the row that refused it, and the step decides again from that. After an
// unknown end, or a second refusal, it reads both rows, and the plan recognises its own write.
func (s *Store) step(ctx context.Context, key job.Key, messageID string, plan plan) error {
	row, err := s.ReadClaim(ctx, key)
	if err != nil {
		return err
	}
	v := view{row: row}
	var last error
	for failed := range maxAttempts {
		writes, err := plan(v)
		if err != nil || len(writes) == 0 {
			return err
		}
		_, last = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		result := awsx.Classify(last)
		switch {
		case result == awsx.Applied:
			return nil
		case result == awsx.Unknown && (awsx.Lasting(last) || ctx.Err() != nil):
			return fmt.Errorf("write claim %s for %s: %w", key, messageID, last)
		}
		if err := s.backOff(ctx, failed); err != nil {
			return fmt.Errorf("claim %s for %s: %w (last: %w)", key, messageID, err, last)
		}
		if result == awsx.Refused && failed == 0 {
			v, err = v.corrected(last)
		} else {
			v, err = s.look(ctx, key, messageID)
		}
		var never *job.InvalidRequest
		switch {
		case errors.As(err, &never):
			return never
		case err != nil:
			return errors.Join(fmt.Errorf("write claim %s for %s: %w", key, messageID, last), err)
		}
	}
	return fmt.Errorf("claim %s for %s: %w (last: %w)", key, messageID, ErrContended, last)
}

// The pauses between a step's attempts are random, up to a bound that doubles: two that were in
// each other's way once should not meet again. There is none after the first refusal, which brings
// the rows along; all of them take five seconds at most.
const (
	firstPause   = 25 * time.Millisecond
	longestPause = 1600 * time.Millisecond
)

// backOff waits before the attempt that follows that many failed ones. It returns an error at once
// if the wait could outlast ctx's deadline.
func (s *Store) backOff(ctx context.Context, failed int) error {
	if failed == 0 || failed == maxAttempts-1 {
		return nil
	}
	most := min(firstPause<<(failed-1), longestPause)
	if deadline, ok := ctx.Deadline(); ok && !s.now().Add(most).Before(deadline) {
		return context.DeadlineExceeded
	}
	return s.pause(ctx, most)
}

// withJob is the view with the job's row, which a step's first view lacks. It reads both rows
// again.
func (s *Store) withJob(ctx context.Context, v view, m job.Message) (view, error) {
	if v.job != nil {
		return v, nil
	}
	return s.look(ctx, m.ProjectUserID, m.MessageID)
}

// corrected is the view in which the rows that refused the transaction replace those that were
// seen.
func (v view) corrected(err error) (view, error) {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return v, err
	}
	for i, reason := range cancelled.CancellationReasons {
		if aws.ToString(reason.Code) != "ConditionalCheckFailed" {
			continue
		}
		var parseErr error
		switch i {
		case 0:
			v.row, parseErr = ParseRow(reason.Item)
		case 1:
			v.job, parseErr = ParseJob(reason.Item)
			if v.job == nil && parseErr == nil {
				return v, &job.InvalidRequest{Err: ErrNoJob}
			}
		}
		if parseErr != nil {
			return v, parseErr
		}
	}
	return v, nil
}

// look reads both rows.
func (s *Store) look(ctx context.Context, key job.Key, messageID string) (view, error) {
	row, err := s.ReadClaim(ctx, key)
	if err != nil {
		return view{}, err
	}
	j, err := s.ReadJob(ctx, messageID)
	if err != nil {
		return view{}, err
	}
	if j == nil {
		return view{}, &job.InvalidRequest{Err: fmt.Errorf("message %s: %w", messageID, ErrNoJob)}
	}
	return view{row: row, job: j}, nil
}

// ended is the error for a step on a job that has its outcome, or is held.
func (v view) ended() error {
	if v.job != nil && (v.job.Outcome != "" || v.job.Held()) {
		return &job.InvalidRequest{Err: &EndedError{Job: *v.job}}
	}
	return nil
}

// ReadClaim reads a key's claim, strongly consistent; nil if there is none.
func (s *Store) ReadClaim(ctx context.Context, key job.Key) (*Row, error) {
	return s.readClaim(ctx, key, true)
}

func (s *Store) readClaim(ctx context.Context, key job.Key, consistent bool) (*Row, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(s.names.ActiveJobs()), Key: claimKey(key), ConsistentRead: aws.Bool(consistent),
	})
	if err != nil {
		return nil, fmt.Errorf("read claim %s: %w", key, err)
	}
	return ParseRow(out.Item)
}

// ReadJob reads a message's job, strongly consistent; nil if there is none.
func (s *Store) ReadJob(ctx context.Context, messageID string) (*Job, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(s.names.Jobs()), Key: jobKey(messageID), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", messageID, err)
	}
	return ParseJob(out.Item)
}

func claimKey(key job.Key) item.Map    { return item.Map{"projectUserId": item.Text(string(key))} }
func jobKey(messageID string) item.Map { return item.Map{"messageId": item.Text(messageID)} }

// jobIsOpen is the condition on the job's row that every step for a message carries.
const jobIsOpen = "attribute_exists(messageId) AND attribute_not_exists(outcome) AND attribute_not_exists(heldAt)"

// expression gathers one conditional write.
type expression struct {
	conditions []string
	set        []string
	remove     []string
	add        []string
	delete     []string
	names      map[string]string
	values     item.Map
}

func newExpression() *expression { return &expression{names: map[string]string{}, values: item.Map{}} }

// when adds a condition; all of them must hold.
func (e *expression) when(condition string) *expression {
	e.conditions = append(e.conditions, condition)
	return e
}

func (e *expression) value(placeholder string, v types.AttributeValue) *expression {
	e.values[placeholder] = v
	return e
}

func (e *expression) name(placeholder, attribute string) *expression {
	e.names[placeholder] = attribute
	return e
}

// assign sets an attribute, by a placeholder named after it.
func (e *expression) assign(attribute string, v types.AttributeValue) *expression {
	placeholder := ":new_" + attribute
	e.set = append(e.set, attribute+" = "+placeholder)
	return e.value(placeholder, v)
}

func (e *expression) clear(attributes ...string) *expression {
	e.remove = append(e.remove, attributes...)
	return e
}

func (e *expression) update() *string {
	var clauses []string
	for _, clause := range []struct {
		keyword string
		parts   []string
	}{{"SET", e.set}, {"REMOVE", e.remove}, {"ADD", e.add}, {"DELETE", e.delete}} {
		if len(clause.parts) > 0 {
			clauses = append(clauses, clause.keyword+" "+strings.Join(clause.parts, ", "))
		}
	}
	if len(clauses) == 0 {
		return nil
	}
	return aws.String(strings.Join(clauses, " "))
}

func (e *expression) condition() *string {
	if len(e.conditions) == 0 {
		return nil
	}
	parts := make([]string, len(e.conditions))
	for i, c := range e.conditions {
		parts[i] = c
		if strings.Contains(c, " OR ") && len(e.conditions) > 1 {
			parts[i] = "(" + c + ")"
		}
	}
	return aws.String(strings.Join(parts, " AND "))
}

func (e *expression) attributeNames() map[string]string {
	if len(e.names) == 0 {
		return nil
	}
	return e.names
}

func (e *expression) attributeValues() item.Map {
	if len(e.values) == 0 {
		return nil
	}
	return e.values
}

// write makes the expression a part of a transaction: an update, or a check if it changes nothing.
func (e *expression) write(table string, key item.Map) types.TransactWriteItem {
	if update := e.update(); update != nil {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: aws.String(table), Key: key, UpdateExpression: update, ConditionExpression: e.condition(),
			ExpressionAttributeNames: e.attributeNames(), ExpressionAttributeValues: e.attributeValues(),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String(table), Key: key, ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.attributeNames(), ExpressionAttributeValues: e.attributeValues(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// onClaim and onJob put an expression on its table.
func (s *Store) onClaim(key job.Key, e *expression) types.TransactWriteItem {
	return e.write(s.names.ActiveJobs(), claimKey(key))
}

func (s *Store) onJob(messageID string, e *expression) types.TransactWriteItem {
	return e.write(s.names.Jobs(), jobKey(messageID))
}

// updateJob puts an expression on the jobs table by itself, for what has no part in a claim. The
// answer has the row, also that to a refusal.
func (s *Store) updateJob(ctx context.Context, messageID string, e *expression) (*dynamodb.UpdateItemOutput, error) {
	return s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(s.names.Jobs()), Key: jobKey(messageID),
		UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.attributeNames(), ExpressionAttributeValues: e.attributeValues(),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
}
