package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// threadRetention is how long a mail can still find its thread (design.md, webordinary-threads).
const threadRetention = 90 * 24 * time.Hour

// DynamoDB is what the threads table needs; *dynamodb.Client satisfies it.
type DynamoDB interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Threads is the table that knows the thread of every mail by the id that its sender gave it.
type Threads struct {
	db    DynamoDB
	table string
	now   func() time.Time
}

// NewThreads makes it over the table.
func NewThreads(db DynamoDB, table string, now func() time.Time) *Threads {
	return &Threads{db: db, table: table, now: now}
}

// Entry is an item of the table. MessageID and ContentHash are of the first mail that came under the
// id, so that the same mail, sent again by an impatient server, is known; MessageID is of a later copy
// where the first came to nothing.
type Entry struct {
	RFCMessageID string
	ThreadID     string
	MessageID    string
	ContentHash  string
}

// attributes is the one list of an entry's attributes; see package item. Its expiresAt is for DynamoDB's TTL only.
func (e *Entry) attributes(f *item.Fields) {
	f.Text("rfcMessageId", &e.RFCMessageID)
	f.Text("threadId", &e.ThreadID)
	f.Text("messageId", &e.MessageID)
	f.Text("contentHash", &e.ContentHash)
}

// Lookup is the thread of a mail that came before.
func (t *Threads) Lookup(ctx context.Context, rfcMessageID string) (threadID string, found bool, err error) {
	entry, err := t.get(ctx, rfcMessageID)
	return entry.ThreadID, entry.ThreadID != "", err
}

// Note puts the entry unless its id has one, and answers with the one that the id has.
func (t *Threads) Note(ctx context.Context, e Entry) (Entry, error) {
	put := t.put(e)
	put.ConditionExpression = aws.String("attribute_not_exists(rfcMessageId)")
	_, err := t.db.PutItem(ctx, put)
	var exists *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &exists):
		return t.get(ctx, e.RFCMessageID)
	case err != nil:
		return Entry{}, fmt.Errorf("note the thread of %s: %w", e.RFCMessageID, err)
	}
	return e, nil
}

// Replace makes a copy of its mail the one that the entry names, unless another copy was faster: then
// its error lets the event come again, and be decided anew.
func (t *Threads) Replace(ctx context.Context, e Entry, messageID string) (Entry, error) {
	before := e.MessageID
	e.MessageID = messageID
	put := t.put(e)
	put.ConditionExpression = aws.String("messageId = :before")
	put.ExpressionAttributeValues = item.Map{":before": item.Text(before)}
	if _, err := t.db.PutItem(ctx, put); err != nil {
		return Entry{}, fmt.Errorf("note %s in the place of %s: %w", messageID, before, err)
	}
	return e, nil
}

func (t *Threads) put(e Entry) *dynamodb.PutItemInput {
	row := item.Of(e.attributes)
	row["expiresAt"] = item.Number(t.now().Add(threadRetention).Unix())
	return &dynamodb.PutItemInput{TableName: aws.String(t.table), Item: row}
}

func (t *Threads) get(ctx context.Context, rfcMessageID string) (Entry, error) {
	out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(t.table), Key: item.Map{"rfcMessageId": item.Text(rfcMessageID)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return Entry{}, fmt.Errorf("look up the thread of %s: %w", rfcMessageID, err)
	}
	e := Entry{RFCMessageID: rfcMessageID}
	f := item.Reading(out.Item)
	e.attributes(f)
	if err := f.Err(); err != nil {
		return Entry{}, fmt.Errorf("the thread of %s: %w", rfcMessageID, err)
	}
	return e, nil
}

// contentHash tells whether two mails are the same to their reader: for the same key, with the same
// body. The header is left out, since every reception adds its own trace to it.
func contentHash(key job.Key, raw []byte) string {
	body := raw
	for _, blank := range [][]byte{[]byte("\r\n\r\n"), []byte("\n\n")} {
		if at := bytes.Index(raw, blank); at >= 0 {
			body = raw[at+len(blank):]
			break
		}
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n", key)
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}
