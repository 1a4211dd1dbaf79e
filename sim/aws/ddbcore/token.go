package ddbcore

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tokenLife is how long after a transaction's completion the core knows its ClientRequestToken (API
// reference, TransactWriteItems).
const tokenLife = 10 * time.Minute

type fingerprint [sha256.Size]byte

// tokens remembers the transactions that have completed within tokenLife. order is that of
// completion.
type tokens struct {
	known map[string]completed
	order []string
}

type completed struct {
	request fingerprint
	at      time.Time
}

func newTokens() tokens { return tokens{known: map[string]completed{}} }

// seen says whether the same request has completed under this token. Another request under it is an
// error.
func (t *tokens) seen(now time.Time, token string, request fingerprint) (bool, error) {
	for len(t.order) > 0 && now.Sub(t.known[t.order[0]].at) > tokenLife {
		delete(t.known, t.order[0])
		t.order = t.order[1:]
	}
	first, ok := t.known[token]
	switch {
	case !ok:
		return false, nil
	case first.request != request:
		return false, &types.IdempotentParameterMismatchException{
			Message: aws.String("The request uses the same client token as a previous, but non-identical request. " +
				"Do not reuse a client token with different requests, unless the requests are identical"),
		}
	}
	return true, nil
}

// remember records a completed transaction that has a token.
func (t *tokens) remember(now time.Time, token string, request fingerprint) {
	if token == "" {
		return
	}
	t.known[token] = completed{request, now}
	t.order = append(t.order, token)
}

// fingerprintOf identifies the actions of a transaction, and returns their size too. It writes
// every part with its length, so that different requests never give the same text, and maps in the
// order of their keys.
func fingerprintOf(in *dynamodb.TransactWriteItemsInput) (fingerprint, int) {
	e := encoder{out: make([]byte, 0, 2048)} // most requests fit
	for i := range in.TransactItems {
		switch a := &in.TransactItems[i]; {
		case a.Put != nil:
			e.text("Put")
			e.optional(a.Put.TableName, a.Put.ConditionExpression)
			e.item(a.Put.Item)
			e.placeholders(a.Put.ExpressionAttributeNames, a.Put.ExpressionAttributeValues)
			e.text(string(a.Put.ReturnValuesOnConditionCheckFailure))
		case a.Update != nil:
			e.text("Update")
			e.optional(a.Update.TableName, a.Update.ConditionExpression, a.Update.UpdateExpression)
			e.item(a.Update.Key)
			e.placeholders(a.Update.ExpressionAttributeNames, a.Update.ExpressionAttributeValues)
			e.text(string(a.Update.ReturnValuesOnConditionCheckFailure))
		case a.Delete != nil:
			e.text("Delete")
			e.optional(a.Delete.TableName, a.Delete.ConditionExpression)
			e.item(a.Delete.Key)
			e.placeholders(a.Delete.ExpressionAttributeNames, a.Delete.ExpressionAttributeValues)
			e.text(string(a.Delete.ReturnValuesOnConditionCheckFailure))
		case a.ConditionCheck != nil:
			e.text("ConditionCheck")
			e.optional(a.ConditionCheck.TableName, a.ConditionCheck.ConditionExpression)
			e.item(a.ConditionCheck.Key)
			e.placeholders(a.ConditionCheck.ExpressionAttributeNames, a.ConditionCheck.ExpressionAttributeValues)
			e.text(string(a.ConditionCheck.ReturnValuesOnConditionCheckFailure))
		}
	}
	return sha256.Sum256(e.out), len(e.out)
}

// encoder writes values so that only equal values give equal bytes.
type encoder struct{ out []byte }

func (e *encoder) length(n int) { e.out = binary.AppendUvarint(e.out, uint64(n)) }

func (e *encoder) text(s string) {
	e.length(len(s))
	e.out = append(e.out, s...)
}

func (e *encoder) texts(list []string) {
	e.length(len(list))
	for _, s := range list {
		e.text(s)
	}
}

func (e *encoder) optional(list ...*string) {
	for _, s := range list {
		if s == nil {
			e.out = append(e.out, 0)
			continue
		}
		e.out = append(e.out, 1)
		e.text(*s)
	}
}

func (e *encoder) placeholders(names map[string]string, values item) {
	e.length(len(names))
	for _, name := range sortedKeys(names) {
		e.text(name)
		e.text(names[name])
	}
	e.item(values)
}

func (e *encoder) item(it item) {
	e.length(len(it))
	for _, name := range sortedKeys(it) {
		e.text(name)
		e.value(it[name])
	}
}

func (e *encoder) value(v types.AttributeValue) {
	e.text(kindOf(v).String())
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		e.text(v.Value)
	case *types.AttributeValueMemberN:
		e.text(v.Value)
	case *types.AttributeValueMemberB:
		e.text(string(v.Value))
	case *types.AttributeValueMemberBOOL:
		if v.Value {
			e.length(1)
		} else {
			e.length(0)
		}
	case *types.AttributeValueMemberSS:
		e.texts(v.Value)
	case *types.AttributeValueMemberNS:
		e.texts(v.Value)
	case *types.AttributeValueMemberBS:
		e.length(len(v.Value))
		for _, element := range v.Value {
			e.text(string(element))
		}
	case *types.AttributeValueMemberL:
		e.length(len(v.Value))
		for _, element := range v.Value {
			e.value(element)
		}
	case *types.AttributeValueMemberM:
		e.item(v.Value)
	}
}
