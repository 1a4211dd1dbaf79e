// Package ledger reads what the stack has written down: who holds which key, what became of each
// message, what was interrupted, and what waits for a person. It only reads: it promises to change
// no row, and to take no message off a queue.
package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// DynamoDB is what reading needs; *dynamodb.Client satisfies it.
type DynamoDB interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(ctx context.Context, in *dynamodb.ScanInput, opts ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Ledger reads one stack's tables.
type Ledger struct {
	db    DynamoDB
	names awsx.Names
}

// New makes a ledger over the tables of names.
func New(db DynamoDB, names awsx.Names) Ledger { return Ledger{db: db, names: names} }

// List is some of a table's rows. More says that there are others, or that not all were looked at.
type List[T any] struct {
	Rows []T
	More bool
}

// Claims are all claim rows, free ones too, by key.
func (l Ledger) Claims(ctx context.Context) (List[claim.Row], error) {
	rows, more, err := scan(ctx, l, l.names.ActiveJobs(), whole(claim.ParseRow))
	slices.SortFunc(rows, func(a, b claim.Row) int { return cmp.Compare(a.Key, b.Key) })
	return List[claim.Row]{Rows: rows, More: more}, err
}

// Claim is the claim row of a key; nil for none.
func (l Ledger) Claim(ctx context.Context, key job.Key) (*claim.Row, error) {
	row, err := l.get(ctx, l.names.ActiveJobs(), "projectUserId", string(key))
	if err != nil {
		return nil, err
	}
	return claim.ParseRow(row)
}

// Job is a message's job row; nil for none.
func (l Ledger) Job(ctx context.Context, messageID string) (*claim.Job, error) {
	row, err := l.get(ctx, l.names.Jobs(), "messageId", messageID)
	if err != nil {
		return nil, err
	}
	return claim.ParseJob(row)
}

// Jobs are the newest jobs, of one key or of all, newest first. For one key it queries the index,
// which may lag behind the table; for all it scans the table.
func (l Ledger) Jobs(ctx context.Context, key job.Key, limit int) (List[claim.Job], error) {
	if key != "" {
		return l.jobsOf(ctx, key, limit)
	}
	rows, more, err := scan(ctx, l, l.names.Jobs(), whole(claim.ParseJob))
	slices.SortFunc(rows, func(a, b claim.Job) int {
		return cmp.Or(cmp.Compare(b.ReceivedAtMillis, a.ReceivedAtMillis), cmp.Compare(b.MessageID, a.MessageID))
	})
	return first(rows, limit, more), err
}

// MessagesOf are the ids of the messages that the mail in the object is to its keys, in order. It
// scans the table.
func (l Ledger) MessagesOf(ctx context.Context, object string) ([]string, error) {
	rows, _, err := scan(ctx, l, l.names.Jobs(), whole(claim.ParseJob))
	var ids []string
	for _, j := range rows {
		if j.Raw != nil && j.Raw.Key == object {
			ids = append(ids, j.MessageID)
		}
	}
	slices.Sort(ids)
	return ids, err
}

func (l Ledger) jobsOf(ctx context.Context, key job.Key, limit int) (List[claim.Job], error) {
	out, err := l.db.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(l.names.Jobs()), IndexName: aws.String(l.names.JobsByKey()),
		KeyConditionExpression:    aws.String("projectUserId = :key"),
		ExpressionAttributeValues: item.Map{":key": item.Text(string(key))},
		ScanIndexForward:          aws.Bool(false), Limit: aws.Int32(int32(limit)),
	})
	if err != nil {
		return List[claim.Job]{}, fmt.Errorf("read the jobs of %s: %w", key, err)
	}
	list := List[claim.Job]{More: len(out.LastEvaluatedKey) > 0}
	for _, it := range out.Items {
		row, err := whole(claim.ParseJob)(it)
		if err != nil {
			return list, err
		}
		list.Rows = append(list.Rows, row)
	}
	return list, nil
}

// Interruptions are the newest records, of one key or of all, newest first.
func (l Ledger) Interruptions(ctx context.Context, key job.Key, limit int) (List[audit.Record], error) {
	rows, more, err := scan(ctx, l, l.names.Interruptions(), audit.Parse)
	rows = slices.DeleteFunc(rows, func(r audit.Record) bool { return key != "" && r.ProjectUserID != key })
	slices.SortFunc(rows, func(a, b audit.Record) int {
		return cmp.Or(cmp.Compare(b.TimestampMillis, a.TimestampMillis), cmp.Compare(b.MessageID, a.MessageID))
	})
	return first(rows, limit, more), err
}

// Interruption is the record of a message; nil for none.
func (l Ledger) Interruption(ctx context.Context, messageID string) (*audit.Record, error) {
	row, err := l.get(ctx, l.names.Interruptions(), "messageId", messageID)
	if err != nil || len(row) == 0 {
		return nil, err
	}
	record, err := audit.Parse(row)
	return &record, err
}

// whole reads an item that is there: what parse makes of it is not nil then.
func whole[T any](parse func(item.Map) (*T, error)) func(item.Map) (T, error) {
	return func(m item.Map) (T, error) {
		row, err := parse(m)
		if err != nil {
			var none T
			return none, err
		}
		return *row, nil
	}
}

func (l Ledger) get(ctx context.Context, table, key, value string) (item.Map, error) {
	out, err := l.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(table), ConsistentRead: aws.Bool(true),
		Key: item.Map{key: item.Text(value)},
	})
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", value, table, err)
	}
	return out.Item, nil
}

// maxPages bounds a scan: a page is up to 1 MB (DynamoDB Developer Guide, Scan).
const maxPages = 64

// scan reads a table, maxPages at most.
func scan[T any](ctx context.Context, l Ledger, table string, parse func(item.Map) (T, error)) (rows []T, more bool, err error) {
	in := &dynamodb.ScanInput{TableName: aws.String(table), ConsistentRead: aws.Bool(true)}
	for range maxPages {
		out, err := l.db.Scan(ctx, in)
		if err != nil {
			return nil, false, fmt.Errorf("read %s: %w", table, err)
		}
		for _, it := range out.Items {
			row, err := parse(it)
			if err != nil {
				return nil, false, fmt.Errorf("read %s: %w", table, err)
			}
			rows = append(rows, row)
		}
		if len(out.LastEvaluatedKey) == 0 {
			return rows, false, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	return rows, true, nil
}

func first[T any](rows []T, limit int, more bool) List[T] {
	if len(rows) > limit {
		return List[T]{Rows: rows[:limit], More: true}
	}
	return List[T]{Rows: rows, More: more}
}
