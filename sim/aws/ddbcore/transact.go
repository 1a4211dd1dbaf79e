package ddbcore

import (
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	maxTransactActions = 100
	maxTokenLength     = 36
)

// The codes of cancellation reasons that arise here. Conflicts and throttling come from outside.
const (
	reasonNone            = "None"
	reasonConditionFailed = "ConditionalCheckFailed"
	reasonInvalid         = "ValidationError"
)

func (c *Core) transactWriteItems(now time.Time, in *dynamodb.TransactWriteItemsInput) (*dynamodb.TransactWriteItemsOutput, error) {
	refused := legacy{operation: "TransactWriteItems", capacity: in.ReturnConsumedCapacity, collection: in.ReturnItemCollectionMetrics}
	if err := refused.refuse(); err != nil {
		return nil, err
	}
	if n := len(in.TransactItems); n < 1 || n > maxTransactActions {
		return nil, transactCount(n)
	}
	token := aws.ToString(in.ClientRequestToken)
	if in.ClientRequestToken != nil && (token == "" || len(token) > maxTokenLength) {
		return nil, badMember(token, "clientRequestToken", "Member must have length between 1 and 36")
	}
	fingerprint, bytes := fingerprintOf(in)
	if bytes > maxTransactBytes {
		return nil, invalidf("Transaction request size has exceeded the maximum allowed size")
	}
	if done, err := c.tokens.seen(now, token, fingerprint); done || err != nil {
		return &dynamodb.TransactWriteItemsOutput{}, err
	}
	writes, reasons, err := c.prepareTransaction(in.TransactItems)
	if err != nil {
		return nil, err
	}
	if err := c.runTransaction(now, writes, reasons); err != nil {
		return nil, err
	}
	c.tokens.remember(now, token, fingerprint)
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// prepareTransaction checks all actions. A mistake in an item's content is a reason to cancel; any
// other mistake fails the call.
func (c *Core) prepareTransaction(actions []types.TransactWriteItem) ([]write, *reasons, error) {
	writes := make([]write, len(actions))
	why := &reasons{list: make([]types.CancellationReason, len(actions))}
	type target struct {
		table *table
		key   primaryKey
	}
	targets := make(map[target]bool, len(actions))
	for i := range actions {
		w, err := c.prepareAction(&actions[i])
		var bad *invalid
		if errors.As(err, &bad) && bad.ofItem {
			why.invalid(i, err)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if at := (target{w.table, w.key}); targets[at] {
			return nil, nil, invalidf("Transaction request cannot include multiple operations on one item")
		} else {
			targets[at] = true
		}
		writes[i] = w
	}
	return writes, why, why.error()
}

func (c *Core) prepareAction(a *types.TransactWriteItem) (write, error) {
	given := func(names map[string]string, values item) given { return given{names, values} }
	count := 0
	for _, present := range []bool{a.Put != nil, a.Update != nil, a.Delete != nil, a.ConditionCheck != nil} {
		if present {
			count++
		}
	}
	if count != 1 {
		return write{}, invalidf("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	switch {
	case a.Put != nil:
		in := a.Put
		return c.preparePut(putRequest{
			table: in.TableName, item: in.Item, condition: in.ConditionExpression,
			given: given(in.ExpressionAttributeNames, in.ExpressionAttributeValues), failure: in.ReturnValuesOnConditionCheckFailure,
		})
	case a.Delete != nil:
		in := a.Delete
		return c.prepareKeyed(keyedRequest{
			table: in.TableName, key: in.Key, condition: in.ConditionExpression,
			given: given(in.ExpressionAttributeNames, in.ExpressionAttributeValues), failure: in.ReturnValuesOnConditionCheckFailure,
		}, deleteEffect{})
	case a.ConditionCheck != nil:
		in := a.ConditionCheck
		if in.ConditionExpression == nil {
			return write{}, nullMember("transactItems.member.conditionCheck.conditionExpression")
		}
		return c.prepareKeyed(keyedRequest{
			table: in.TableName, key: in.Key, condition: in.ConditionExpression,
			given: given(in.ExpressionAttributeNames, in.ExpressionAttributeValues), failure: in.ReturnValuesOnConditionCheckFailure,
		}, nil)
	}
	in := a.Update
	if in.UpdateExpression == nil {
		return write{}, nullMember("transactItems.member.update.updateExpression")
	}
	w, _, err := c.prepareUpdate(&updateRequest{update: in.UpdateExpression, keyedRequest: keyedRequest{
		table: in.TableName, key: in.Key, condition: in.ConditionExpression,
		given: given(in.ExpressionAttributeNames, in.ExpressionAttributeValues), failure: in.ReturnValuesOnConditionCheckFailure,
	}})
	return w, err
}

// runTransaction evaluates every action against the items as they are and commits all or none. An
// action without an effect is a ConditionCheck.
func (c *Core) runTransaction(now time.Time, writes []write, why *reasons) error {
	type result struct {
		next  item
		bytes int
	}
	results := make([]result, len(writes))
	for i := range writes {
		w := &writes[i]
		var old item
		bytes := 0
		if r := w.table.records[w.key]; r != nil {
			old, bytes = r.current, r.bytes
		}
		if !w.holds(old) {
			why.conditionFailed(i, w, old)
			continue
		}
		if w.effect == nil {
			continue
		}
		next, bytes, err := w.effect.next(w.table, w.key, old, bytes)
		if err != nil {
			why.invalid(i, err)
			continue
		}
		results[i] = result{next, bytes}
	}
	if err := why.error(); err != nil {
		return err
	}
	for i := range writes {
		w := &writes[i]
		if w.effect != nil && (results[i].next != nil || w.table.current(w.key) != nil) {
			c.commit(now, w.table, w.key, results[i].next, results[i].bytes, ByRequest)
		}
	}
	return nil
}

// reasons are a cancelled transaction's reasons, one entry for each action.
type reasons struct {
	list      []types.CancellationReason
	cancelled bool
	anInvalid bool
}

func (r *reasons) conditionFailed(i int, w *write, old item) {
	r.cancelled = true
	r.list[i] = types.CancellationReason{Code: aws.String(reasonConditionFailed), Message: aws.String("The conditional request failed")}
	if w.returnsOld {
		r.list[i].Item = cloneItem(old)
	}
}

// invalid keeps the first mistake only.
func (r *reasons) invalid(i int, err error) {
	if r.anInvalid {
		return
	}
	r.cancelled, r.anInvalid = true, true
	r.list[i] = types.CancellationReason{Code: aws.String(reasonInvalid), Message: aws.String(err.Error())}
}

// error is the cancellation, nil if there is no reason for one.
func (r *reasons) error() error {
	if !r.cancelled {
		return nil
	}
	codes := make([]string, len(r.list))
	for i := range r.list {
		if r.list[i].Code == nil {
			r.list[i].Code = aws.String(reasonNone)
		}
		codes[i] = *r.list[i].Code
	}
	return &types.TransactionCanceledException{
		Message: aws.String("Transaction cancelled, please refer cancellation reasons for specific reasons [" +
			strings.Join(codes, ", ") + "]"),
		CancellationReasons: r.list,
	}
}

func transactCount(n int) error {
	constraint := "Member must have length less than or equal to 100"
	if n == 0 {
		constraint = "Member must have length greater than or equal to 1"
	}
	return invalidf("%sValue at 'transactItems' failed to satisfy constraint: %s", envelope, constraint)
}

func (c *Core) transactGetItems(in *dynamodb.TransactGetItemsInput) (*dynamodb.TransactGetItemsOutput, error) {
	if err := refuseRead("TransactGetItems", nil, in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	if n := len(in.TransactItems); n < 1 || n > maxTransactActions {
		return nil, transactCount(n)
	}
	why := &reasons{list: make([]types.CancellationReason, len(in.TransactItems))}
	out := &dynamodb.TransactGetItemsOutput{Responses: make([]types.ItemResponse, len(in.TransactItems))}
	for i, action := range in.TransactItems {
		it, err := c.transactGet(action.Get)
		var bad *invalid
		switch {
		case errors.As(err, &bad) && bad.ofItem:
			why.invalid(i, err)
		case err != nil:
			return nil, err
		}
		out.Responses[i].Item = it
	}
	if err := why.error(); err != nil {
		return nil, err
	}
	return out, nil
}

// transactGet reads the latest version: a transaction is serializable.
func (c *Core) transactGet(get *types.Get) (item, error) {
	if get == nil {
		return nil, nullMember("transactItems.member.get")
	}
	t, err := c.table(get.TableName)
	if err != nil {
		return nil, err
	}
	shape, err := c.prepareShape(get.ProjectionExpression, get.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	key, err := t.primaryKeyOf(get.Key)
	if err != nil {
		return nil, err
	}
	return shape.of(t.current(key)), nil
}
