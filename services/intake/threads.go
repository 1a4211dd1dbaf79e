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

// threadRetention is how long after a mail came an answer to it still finds its thread.
const threadRetention = 90 * 24 * time.Hour

// DynamoDB is what the threads table needs; *dynamodb.Client satisfies it.
type DynamoDB interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Threads is the table of every mail's thread, by the mail's Message-ID.
type Threads struct {
	db    DynamoDB
	table string
	now   func() time.Time
}

// NewThreads makes Threads over a table.
func NewThreads(db DynamoDB, table string, now func() time.Time) *Threads {
	return &Threads{db: db, table: table, now: now}
}

// Entry is an item of the table. MessageID and ContentHash are of the first mail with this
// RFCMessageID, so that a copy, sent again by an impatient server, is recognised. If the first came
// to nothing, MessageID is that of a later copy.
type Entry struct {
	RFCMessageID string
	ThreadID     string
	MessageID    string
	ContentHash  string
}

// attributes is the one list of an entry's attributes; see package item. The item also has
// expiresAt, for DynamoDB's TTL only.
func (e *Entry) attributes(f *item.Fields) {
	f.Text("rfcMessageId", &e.RFCMessageID)
	f.Text("threadId", &e.ThreadID)
	f.Text("messageId", &e.MessageID)
	f.Text("contentHash", &e.ContentHash)
}

// Lookup finds the thread of a mail that came before.
func (t *Threads) Lookup(ctx context.Context, rfcMessageID string) (threadID string, found bool, err error) {
	entry, err := t.get(ctx, rfcMessageID)
	return entry.ThreadID, entry.ThreadID != "", err
}

// Note puts the entry unless its RFCMessageID has one, and returns the one that is there.
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

// Replace makes the entry name a copy of its mail. If another copy was faster, it returns an error,
// so that the event comes again and is decided anew.
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

// contentHash is equal for mails that are the same to their reader: the same key, the same body. It
// leaves out the header, because every mail server on the way adds fields to it.
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
