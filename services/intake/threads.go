package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// threadRetention is how long after a mail came an answer to it still finds its thread.
const threadRetention = 90 * 24 * time.Hour

// DynamoDB is what the threads table needs; *dynamodb.Client satisfies it.
type DynamoDB interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Threads is the table of the threads of mails, by key and by the ids that name them: one
// customer's mail says nothing of another's, and all that is known of a customer is one partition.
type Threads struct {
	db    DynamoDB
	table string
	jobs  string // the table of jobs
	now   func() time.Time
}

// NewThreads makes Threads over a stack's tables.
func NewThreads(db DynamoDB, names awsx.Names, now func() time.Time) *Threads {
	return &Threads{db: db, table: names.Threads(), jobs: names.Jobs(), now: now}
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
	out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(t.table), ConsistentRead: aws.Bool(true), Key: itemKey(e)})
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

// Put puts the entry in the place of the one before, if the same message or none is in that still,
// and that message has no job, or one that came to nothing. Else it says that it has noted nothing:
// another mail was faster.
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
	if before.MessageID == "" {
		_, err = t.db.PutItem(ctx, put)
	} else {
		_, err = t.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression, ExpressionAttributeValues: put.ExpressionAttributeValues}},
			{ConditionCheck: t.cameToNothing(before.MessageID)},
		}})
	}
	if awsx.Classify(err) == awsx.Refused {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("note %s as %s: %w", e.RFCMessageID, e.MessageID, err)
	}
	return true, nil
}

// cameToNothing is the check that a message has no job, or one that came to nothing (see stands).
func (t *Threads) cameToNothing(messageID string) *types.ConditionCheck {
	return &types.ConditionCheck{
		TableName: aws.String(t.jobs), Key: item.Map{"messageId": item.Text(messageID)},
		ConditionExpression: aws.String("attribute_not_exists(messageId) OR attribute_exists(heldAt) OR outcome IN (:failed, :late, :rejected)"),
		ExpressionAttributeValues: item.Map{
			":failed": item.Text(string(job.Failed)), ":late": item.Text(string(job.TimedOut)), ":rejected": item.Text(string(job.Rejected)),
		},
	}
}

// Names is the check that the entry still names its message.
func (t *Threads) Names(e Entry) *types.ConditionCheck {
	return &types.ConditionCheck{
		TableName: aws.String(t.table), Key: itemKey(e),
		ConditionExpression: aws.String("messageId = :message"), ExpressionAttributeValues: item.Map{":message": item.Text(e.MessageID)},
	}
}

func itemKey(e Entry) item.Map {
	return item.Map{"projectUserId": item.Text(string(e.Key)), "rfcMessageId": item.Text(e.RFCMessageID)}
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
