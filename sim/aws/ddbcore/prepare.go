package ddbcore

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// checkFailureReturn reads ReturnValuesOnConditionCheckFailure.
func checkFailureReturn(v types.ReturnValuesOnConditionCheckFailure) (returnsOld bool, err error) {
	switch v {
	case "", types.ReturnValuesOnConditionCheckFailureNone:
		return false, nil
	case types.ReturnValuesOnConditionCheckFailureAllOld:
		return true, nil
	}
	return false, badEnum(string(v), "returnValuesOnConditionCheckFailure", "ALL_OLD, NONE")
}

// legacy refuses parameters that expressions have replaced or that are not modelled.
type legacy struct {
	operation  string
	expected   map[string]types.ExpectedAttributeValue
	operator   types.ConditionalOperator
	capacity   types.ReturnConsumedCapacity
	collection types.ReturnItemCollectionMetrics
}

func (l legacy) refuse() error {
	switch {
	case l.expected != nil:
		return unsupported(l.operation, "Expected")
	case l.operator != "":
		return unsupported(l.operation, "ConditionalOperator")
	case l.capacity != "" && l.capacity != types.ReturnConsumedCapacityNone:
		return unsupported(l.operation, "ReturnConsumedCapacity "+string(l.capacity))
	case l.collection != "" && l.collection != types.ReturnItemCollectionMetricsNone:
		return unsupported(l.operation, "ReturnItemCollectionMetrics "+string(l.collection))
	}
	return nil
}

// putRequest is a Put alone or in a transaction.
type putRequest struct {
	table     *string
	item      item
	condition *string
	given     given
	failure   types.ReturnValuesOnConditionCheckFailure
	wraps     bool
}

func (c *Core) preparePut(in putRequest) (write, error) {
	t, err := c.table(in.table)
	if err != nil {
		return write{}, err
	}
	w := write{table: t}
	if err := c.prepareCondition(&w, in.condition, in.given, in.failure, in.wraps); err != nil {
		return write{}, err
	}
	if w.effect, w.key, err = preparePutEffect(t, in.item); err != nil {
		return write{}, err
	}
	return w, nil
}

func preparePutEffect(t *table, it item) (effect, primaryKey, error) {
	if it == nil {
		return nil, primaryKey{}, nullMember("item")
	}
	canon, err := canonicalItem(it)
	if err != nil {
		return nil, primaryKey{}, err
	}
	key, err := t.keyOfPut(canon)
	if err != nil {
		return nil, primaryKey{}, err
	}
	for _, ix := range t.indexes {
		if err := ix.checkItem(canon); err != nil {
			return nil, primaryKey{}, err
		}
	}
	bytes := itemBytes(canon)
	if bytes > maxItemBytes {
		return nil, primaryKey{}, itemInvalidf("Item size has exceeded the maximum allowed size")
	}
	return putEffect{item: cloneItem(canon), bytes: bytes}, key, nil
}

// keyedRequest is a Delete or a ConditionCheck alone or in a transaction.
type keyedRequest struct {
	table     *string
	key       item
	condition *string
	given     given
	failure   types.ReturnValuesOnConditionCheckFailure
	wraps     bool
}

func (c *Core) prepareKeyed(in keyedRequest, e effect) (write, error) {
	t, err := c.table(in.table)
	if err != nil {
		return write{}, err
	}
	w := write{table: t, effect: e}
	if err := c.prepareCondition(&w, in.condition, in.given, in.failure, in.wraps); err != nil {
		return write{}, err
	}
	if in.key == nil {
		return write{}, nullMember("key")
	}
	w.key, err = t.primaryKeyOf(in.key)
	return w, err
}

// prepareCondition parses and binds the only expression of a Put, Delete or ConditionCheck.
func (c *Core) prepareCondition(w *write, text *string, from given, failure types.ReturnValuesOnConditionCheckFailure, wraps bool) error {
	var err error
	if w.returnsOld, err = checkFailureReturn(failure); err != nil {
		return err
	}
	parameters := [2]parameter{{conditionKind, text != nil}}
	if text == nil {
		return from.checkGiven(wraps, parameters)
	}
	if w.condition, err = c.condition(conditionKind, *text); err != nil {
		return err
	}
	if err := c.bind(&w.bound, conditionKind, &w.condition.placeholders, from); err != nil {
		return err
	}
	return from.checkGiven(wraps, parameters, &w.condition.placeholders)
}

// updateRequest is an Update alone or in a transaction.
type updateRequest struct {
	keyedRequest
	update *string
}

func (c *Core) prepareUpdate(in *updateRequest) (write, *updateEffect, error) {
	t, err := c.table(in.table)
	if err != nil {
		return write{}, nil, err
	}
	e := &updateEffect{}
	w := write{table: t, effect: e}
	if w.returnsOld, err = checkFailureReturn(in.failure); err != nil {
		return write{}, nil, err
	}
	if err := c.bindUpdate(in, &w, e); err != nil {
		return write{}, nil, err
	}
	if in.key == nil {
		return write{}, nil, nullMember("key")
	}
	if w.key, err = t.primaryKeyOf(in.key); err != nil || e.update == nil {
		return w, e, err
	}
	return w, e, e.checkKeys(t)
}

func (c *Core) bindUpdate(in *updateRequest, w *write, e *updateEffect) (err error) {
	// Both are parsed before either is bound: syntax comes first.
	uses := make([]*placeholders, 0, 2)
	if in.update != nil {
		if e.update, err = c.update(*in.update); err != nil {
			return err
		}
		uses = append(uses, &e.update.placeholders)
	}
	if in.condition != nil {
		if w.condition, err = c.condition(conditionKind, *in.condition); err != nil {
			return err
		}
		uses = append(uses, &w.condition.placeholders)
	}
	if e.update != nil {
		if err := c.bind(&e.bound, updateKind, &e.update.placeholders, in.given); err != nil {
			return err
		}
	}
	if w.condition != nil {
		if err := c.bind(&w.bound, conditionKind, &w.condition.placeholders, in.given); err != nil {
			return err
		}
	}
	parameters := [2]parameter{{updateKind, in.update != nil}, {conditionKind, in.condition != nil}}
	return in.given.checkGiven(in.wraps, parameters, uses...)
}

// checkKeys refuses an update of the primary key.
func (e *updateEffect) checkKeys(t *table) error {
	for _, path := range e.update.targets {
		if name := e.bound.head(path); t.isKey(name) {
			return itemInvalidf("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	return nil
}
