package ddbcore

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (c *Core) putItem(now time.Time, in *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error) {
	refused := legacy{"PutItem", in.Expected, in.ConditionalOperator, in.ReturnConsumedCapacity, in.ReturnItemCollectionMetrics}
	if err := refused.refuse(); err != nil {
		return nil, err
	}
	if err := onlyAllOld(in.ReturnValues); err != nil {
		return nil, err
	}
	w, err := c.preparePut(putRequest{
		table: in.TableName, item: in.Item, condition: in.ConditionExpression, wraps: true,
		given: given{in.ExpressionAttributeNames, in.ExpressionAttributeValues}, failure: in.ReturnValuesOnConditionCheckFailure,
	})
	if err != nil {
		return nil, err
	}
	old, _, err := c.run(now, &w)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.PutItemOutput{}
	if in.ReturnValues == types.ReturnValueAllOld {
		out.Attributes = cloneItem(old)
	}
	return out, nil
}

func (c *Core) deleteItem(now time.Time, in *dynamodb.DeleteItemInput) (*dynamodb.DeleteItemOutput, error) {
	refused := legacy{"DeleteItem", in.Expected, in.ConditionalOperator, in.ReturnConsumedCapacity, in.ReturnItemCollectionMetrics}
	if err := refused.refuse(); err != nil {
		return nil, err
	}
	if err := onlyAllOld(in.ReturnValues); err != nil {
		return nil, err
	}
	w, err := c.prepareKeyed(keyedRequest{
		table: in.TableName, key: in.Key, condition: in.ConditionExpression, wraps: true,
		given: given{in.ExpressionAttributeNames, in.ExpressionAttributeValues}, failure: in.ReturnValuesOnConditionCheckFailure,
	}, deleteEffect{})
	if err != nil {
		return nil, err
	}
	old, _, err := c.run(now, &w)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.DeleteItemOutput{}
	if in.ReturnValues == types.ReturnValueAllOld {
		out.Attributes = cloneItem(old)
	}
	return out, nil
}

const returnValues = "ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW"

func onlyAllOld(v types.ReturnValue) error {
	switch v {
	case "", types.ReturnValueNone, types.ReturnValueAllOld:
		return nil
	case types.ReturnValueAllNew, types.ReturnValueUpdatedNew, types.ReturnValueUpdatedOld:
		return invalidf("ReturnValues can only be ALL_OLD or NONE")
	}
	return badEnum(string(v), "returnValues", returnValues)
}

func (c *Core) updateItem(now time.Time, in *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
	refused := legacy{"UpdateItem", in.Expected, in.ConditionalOperator, in.ReturnConsumedCapacity, in.ReturnItemCollectionMetrics}
	if err := refused.refuse(); err != nil {
		return nil, err
	}
	if in.AttributeUpdates != nil {
		return nil, unsupported("UpdateItem", "AttributeUpdates")
	}
	switch in.ReturnValues {
	case "", types.ReturnValueNone, types.ReturnValueAllOld, types.ReturnValueAllNew, types.ReturnValueUpdatedOld, types.ReturnValueUpdatedNew:
	default:
		return nil, badEnum(string(in.ReturnValues), "returnValues", returnValues)
	}
	w, e, err := c.prepareUpdate(&updateRequest{update: in.UpdateExpression, keyedRequest: keyedRequest{
		table: in.TableName, key: in.Key, condition: in.ConditionExpression, wraps: true,
		given: given{in.ExpressionAttributeNames, in.ExpressionAttributeValues}, failure: in.ReturnValuesOnConditionCheckFailure,
	}})
	if err != nil {
		return nil, err
	}
	old, next, err := c.run(now, &w)
	if err != nil {
		return nil, err
	}
	return &dynamodb.UpdateItemOutput{Attributes: e.returned(in.ReturnValues, old, next)}, nil
}

// returned is what ReturnValues asks for; nil if there is nothing.
func (e *updateEffect) returned(what types.ReturnValue, old, next item) item {
	switch what {
	case types.ReturnValueAllOld:
		return cloneItem(old)
	case types.ReturnValueAllNew:
		return cloneItem(next)
	case types.ReturnValueUpdatedOld:
		return e.touched(old)
	case types.ReturnValueUpdatedNew:
		return e.touched(next)
	}
	return nil
}

func (e *updateEffect) touched(it item) item {
	if e.update == nil || it == nil {
		return nil
	}
	if part := project(&e.bound, it, e.update.targets); len(part) > 0 {
		return part
	}
	return nil
}
