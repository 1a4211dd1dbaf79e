package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// threadRetention is how long after a mail came an answer to it still finds its thread.
const threadRetention = 90 * 24 * time.Hour

// DynamoDB is what the threads table needs; *dynamodb.Client satisfies it.
type DynamoDB interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Threads is the table of the threads of mails, by key and by the ids that name them: one
// customer's mail says nothing of another's, and all that is known of a customer is one partition.
type Threads struct {
	db    DynamoDB
	table string
	now   func() time.Time
}

// NewThreads makes Threads over a table.
func NewThreads(db DynamoDB, table string, now func() time.Time) *Threads {
	return &Threads{db: db, table: table, now: now}
}

// Entry is an item of the table: to which thread of a key an id belongs. The rest is of the first
// mail with this id, so that a copy, sent again by an impatient server, is recognised. If the first
// came to nothing, MessageID is that of a later copy. An id that other mails have named, and whose
// own mail has not come, has none of it.
type Entry struct {
	Key          job.Key
	RFCMessageID string
	ThreadID     string
	MessageID    string
	ContentHash  string
	Subject      string // without what answers and lists add to it
}

// attributes is the one list of an entry's attributes; see package item. The item also has
// expiresAt, for DynamoDB's TTL only.
func (e *Entry) attributes(f *item.Fields) {
	f.Text("projectUserId", (*string)(&e.Key))
	f.Text("rfcMessageId", &e.RFCMessageID)
	f.Text("threadId", &e.ThreadID)
	f.OptionalText("messageId", &e.MessageID)
	f.OptionalText("contentHash", &e.ContentHash)
	f.OptionalText("subject", &e.Subject)
}

// Read returns the entry of an id. Its ThreadID is empty if there is none.
func (t *Threads) Read(ctx context.Context, key job.Key, id string) (Entry, error) {
	e := Entry{Key: key, RFCMessageID: id}
	out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(t.table), ConsistentRead: aws.Bool(true),
		Key: item.Map{"projectUserId": item.Text(string(key)), "rfcMessageId": item.Text(e.RFCMessageID)},
	})
	if err != nil {
		return Entry{}, fmt.Errorf("look up the thread of %s: %w", e.RFCMessageID, err)
	}
	return e, e.read(out.Item)
}

// Note puts the entry unless its id has one, and returns the one that is there.
func (t *Threads) Note(ctx context.Context, e Entry) (Entry, error) {
	put := t.put(e)
	put.ConditionExpression = aws.String("attribute_not_exists(rfcMessageId)")
	put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	_, err := t.db.PutItem(ctx, put)
	var exists *types.ConditionalCheckFailedException
	if errors.As(err, &exists) {
		return e, e.read(exists.Item)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("note the thread of %s: %w", e.RFCMessageID, err)
	}
	return e, nil
}

// Put puts the entry in the place of the one before, if the same message or none is in that still.
// Else it says that it has noted nothing: another mail was faster.
func (t *Threads) Put(ctx context.Context, e, before Entry) (noted bool, err error) {
	put := t.put(e)
	switch {
	case before.ThreadID == "":
		put.ConditionExpression = aws.String("attribute_not_exists(rfcMessageId)")
	case before.MessageID == "":
		put.ConditionExpression = aws.String("attribute_exists(rfcMessageId) AND attribute_not_exists(messageId)")
	default:
		put.ConditionExpression = aws.String("messageId = :before")
		put.ExpressionAttributeValues = item.Map{":before": item.Text(before.MessageID)}
	}
	_, err = t.db.PutItem(ctx, put)
	var faster *types.ConditionalCheckFailedException
	if errors.As(err, &faster) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("note %s as %s: %w", e.RFCMessageID, e.MessageID, err)
	}
	return true, nil
}

func (t *Threads) put(e Entry) *dynamodb.PutItemInput {
	row := item.Of(e.attributes)
	row["expiresAt"] = item.Number(t.now().Add(threadRetention).Unix())
	return &dynamodb.PutItemInput{TableName: aws.String(t.table), Item: row}
}

func (e *Entry) read(m item.Map) error {
	f := item.Reading(m)
	e.attributes(f)
	if err := f.Err(); err != nil {
		return fmt.Errorf("the thread of %s: %w", e.RFCMessageID, err)
	}
	return nil
}
