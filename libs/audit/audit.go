// Package audit keeps the record of every job that did not complete: who stopped it, for whom,
// when, and what was saved. It promises one record per message, whatever is retried, kept for 30
// days.
package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// Retention is how long a record stays.
const Retention = 30 * 24 * time.Hour

// Record is one interruption: an item of the interruptions table, keyed by MessageID.
type Record struct {
	MessageID            string     `json:"messageId"` // whose work was stopped or never begun
	RecordID             string     `json:"recordId"`
	ProjectUserID        job.Key    `json:"projectUserId"`
	InterruptedContainer string     `json:"interruptedContainer,omitempty"`
	InterruptedThreadID  string     `json:"interruptedThreadId"`
	NewThreadID          string     `json:"newThreadId,omitempty"`
	NewMessageID         string     `json:"newMessageId,omitempty"`
	Reason               job.Reason `json:"reason"`
	RequestedAtMillis    int64      `json:"requestedAt,omitempty"`
	TimestampMillis      int64      `json:"timestamp"`
	PartialWork          string     `json:"partialWork,omitempty"`
}

// attributes is the one list of a record's attributes; see package item. Its expiresAt is for
// DynamoDB's TTL only.
func (r *Record) attributes(f *item.Fields) {
	f.Text("messageId", &r.MessageID)
	f.Text("recordId", &r.RecordID)
	f.OptionalText("projectUserId", (*string)(&r.ProjectUserID))
	f.OptionalText("interruptedContainer", &r.InterruptedContainer)
	f.OptionalText("interruptedThreadId", &r.InterruptedThreadID)
	f.OptionalText("newThreadId", &r.NewThreadID)
	f.OptionalText("newMessageId", &r.NewMessageID)
	f.Text("reason", (*string)(&r.Reason))
	f.OptionalNumber("requestedAt", &r.RequestedAtMillis)
	f.Number("timestamp", &r.TimestampMillis)
	f.OptionalText("partialWork", &r.PartialWork)
}

// Item is the record as the table holds it, with the time at which DynamoDB may delete it.
func (r *Record) Item() item.Map {
	m := item.Of(r.attributes)
	m["expiresAt"] = item.Number(job.Time(r.TimestampMillis).Add(Retention).Unix())
	return m
}

// Parse reads an item of the interruptions table.
func Parse(m item.Map) (Record, error) {
	var r Record
	f := item.Reading(m)
	r.attributes(f)
	if err := f.Err(); err != nil {
		return r, fmt.Errorf("interruption of %q: %w", r.MessageID, err)
	}
	return r, nil
}

// Of is the record of a job that ended; ok is false for one that has none: it completed, was
// rejected before it was a job, or has not ended.
func Of(j claim.Job) (r Record, ok bool) {
	reason, ok := j.Outcome.RecordReason()
	if !ok {
		return Record{}, false
	}
	r = Record{
		MessageID: j.MessageID, RecordID: "interruption-" + j.MessageID, ProjectUserID: j.Key,
		InterruptedContainer: j.ContainerID, InterruptedThreadID: j.ThreadID, Reason: reason, TimestampMillis: j.OutcomeAtMillis,
		PartialWork: j.PartialWork,
	}
	if by := j.InterruptedBy; by != nil {
		r.NewThreadID, r.NewMessageID, r.RequestedAtMillis = by.ThreadID, by.MessageID, by.RequestedAtMillis
	}
	return r, true
}

// DynamoDB is what keeping records needs; *dynamodb.Client satisfies it.
type DynamoDB interface {
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Log writes records to one table.
type Log struct {
	db    DynamoDB
	table string
}

// NewLog makes a log over the table.
func NewLog(db DynamoDB, table string) *Log { return &Log{db: db, table: table} }

// Put writes the record unless the message has it. That of an earlier row of the message, which has
// expired, gives way to it. fresh says whether this call wrote it.
func (l *Log) Put(ctx context.Context, r Record) (fresh bool, err error) {
	put := l.write(r).Put
	_, err = l.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression,
		ExpressionAttributeNames: put.ExpressionAttributeNames, ExpressionAttributeValues: put.ExpressionAttributeValues,
	})
	var exists *types.ConditionalCheckFailedException
	if errors.As(err, &exists) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("record the interruption of %s: %w", r.MessageID, err)
	}
	return true, nil
}

// Write is the record of a job that ends, as part of the transaction that ends it.
func (l *Log) Write(j claim.Job) types.TransactWriteItem {
	r, _ := Of(j) // a job that is cleaned up never completes
	return l.write(r)
}

func (l *Log) write(r Record) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: aws.String(l.table), Item: r.Item(), ConditionExpression: aws.String("attribute_not_exists(messageId) OR #timestamp < :timestamp"),
		ExpressionAttributeNames:  map[string]string{"#timestamp": "timestamp"},
		ExpressionAttributeValues: item.Map{":timestamp": item.Number(r.TimestampMillis)},
	}}
}
