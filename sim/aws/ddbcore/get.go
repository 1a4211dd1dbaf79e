package ddbcore

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (c *Core) getItem(in *dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error) {
	if err := refuseRead("GetItem", in.AttributesToGet, in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	t, err := c.table(in.TableName)
	if err != nil {
		return nil, err
	}
	shape, err := c.prepareShape(in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	if in.Key == nil {
		return nil, nullMember("key")
	}
	key, err := t.primaryKeyOf(in.Key)
	if err != nil {
		return nil, err
	}
	it := c.read(t.records[key], aws.ToBool(in.ConsistentRead))
	return &dynamodb.GetItemOutput{Item: shape.of(it)}, nil
}

func refuseRead(operation string, attributesToGet []string, capacity types.ReturnConsumedCapacity) error {
	switch {
	case attributesToGet != nil:
		return unsupported(operation, "AttributesToGet")
	case capacity != "" && capacity != types.ReturnConsumedCapacityNone:
		return unsupported(operation, "ReturnConsumedCapacity "+string(capacity))
	}
	return nil
}

// shape is the part of an item that a read returns; without a projection, all of it.
type shape struct {
	projection *projectionExpression
	bound      binding
}

func (c *Core) prepareShape(text *string, names map[string]string) (shape, error) {
	from := given{names: names}
	parameters := [2]parameter{{projectionKind, text != nil}}
	if text == nil {
		return shape{}, from.checkGiven(false, parameters)
	}
	s, err := c.bindShape(text, from)
	if err != nil {
		return shape{}, err
	}
	return s, from.checkGiven(false, parameters, &s.projection.placeholders)
}

func (c *Core) bindShape(text *string, from given) (s shape, err error) {
	if s.projection, err = c.projection(*text); err != nil {
		return s, err
	}
	err = c.bind(&s.bound, projectionKind, &s.projection.placeholders, from)
	return s, err
}

// of returns a copy of that part: nil for an absent item; empty, not nil, if the item has nothing
// of it.
func (s *shape) of(it item) item {
	if it == nil || s.projection == nil {
		return cloneItem(it)
	}
	return project(&s.bound, it, s.projection.paths)
}
