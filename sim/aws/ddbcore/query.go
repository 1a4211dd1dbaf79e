package ddbcore

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (c *Core) query(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	switch {
	case in.KeyConditions != nil:
		return nil, unsupported("Query", "KeyConditions")
	case in.QueryFilter != nil:
		return nil, unsupported("Query", "QueryFilter")
	case in.ConditionalOperator != "":
		return nil, unsupported("Query", "ConditionalOperator")
	case in.KeyConditionExpression == nil:
		return nil, invalidf("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	r := walkRequest{
		operation: "Query", table: in.TableName, index: in.IndexName, attributesToGet: in.AttributesToGet,
		capacity: in.ReturnConsumedCapacity, consistent: in.ConsistentRead, limit: in.Limit, choose: in.Select,
		keys: in.KeyConditionExpression, filter: in.FilterExpression, projection: in.ProjectionExpression,
		given: given{in.ExpressionAttributeNames, in.ExpressionAttributeValues}, start: in.ExclusiveStartKey,
	}
	w, err := c.prepareWalk(&r)
	if err != nil {
		return nil, err
	}
	w.backward = in.ScanIndexForward != nil && !*in.ScanIndexForward
	p := w.run(c)
	return &dynamodb.QueryOutput{Items: p.items, Count: p.count, ScannedCount: p.scanned, LastEvaluatedKey: p.last}, nil
}

func (c *Core) scan(in *dynamodb.ScanInput) (*dynamodb.ScanOutput, error) {
	switch {
	case in.ScanFilter != nil:
		return nil, unsupported("Scan", "ScanFilter")
	case in.ConditionalOperator != "":
		return nil, unsupported("Scan", "ConditionalOperator")
	case aws.ToInt32(in.TotalSegments) > 1:
		return nil, unsupported("Scan", "TotalSegments above 1")
	case aws.ToInt32(in.Segment) != 0:
		return nil, unsupported("Scan", "Segment above 0")
	}
	r := walkRequest{
		operation: "Scan", table: in.TableName, index: in.IndexName, attributesToGet: in.AttributesToGet,
		capacity: in.ReturnConsumedCapacity, consistent: in.ConsistentRead, limit: in.Limit, choose: in.Select,
		filter: in.FilterExpression, projection: in.ProjectionExpression,
		given: given{in.ExpressionAttributeNames, in.ExpressionAttributeValues}, start: in.ExclusiveStartKey,
	}
	w, err := c.prepareWalk(&r)
	if err != nil {
		return nil, err
	}
	p := w.run(c)
	return &dynamodb.ScanOutput{Items: p.items, Count: p.count, ScannedCount: p.scanned, LastEvaluatedKey: p.last}, nil
}

// walkRequest is what Query and Scan have in common.
type walkRequest struct {
	operation                string
	table, index             *string
	attributesToGet          []string
	capacity                 types.ReturnConsumedCapacity
	consistent               *bool
	limit                    *int32
	choose                   types.Select
	keys, filter, projection *string
	given                    given
	start                    item
}

func (c *Core) prepareWalk(r *walkRequest) (*walk, error) {
	if err := refuseRead(r.operation, r.attributesToGet, r.capacity); err != nil {
		return nil, err
	}
	t, err := c.table(r.table)
	if err != nil {
		return nil, err
	}
	w := &walk{table: t, index: t.primary, consistent: aws.ToBool(r.consistent), limit: int(aws.ToInt32(r.limit))}
	if r.limit != nil && *r.limit < 1 {
		return nil, invalidf("%sValue at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1", envelope)
	}
	if r.index != nil {
		if w.index = t.index(*r.index); w.index == nil {
			return nil, invalidf("The table does not have the specified index: %s", *r.index)
		}
		if w.consistent && w.index.global {
			return nil, invalidf("Consistent reads are not supported on global secondary indexes")
		}
	}
	if err := w.choose(r); err != nil {
		return nil, err
	}
	if err := c.bindWalk(w, r); err != nil {
		return nil, err
	}
	return w, w.startAt(r.start)
}

// choose reads Select.
func (w *walk) choose(r *walkRequest) error {
	switch r.choose {
	case "":
	case types.SelectCount:
		w.countOnly = true
	case types.SelectSpecificAttributes:
		if r.projection == nil {
			text := "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
			if r.operation == "Query" {
				text = envelope + text
			}
			return invalidf("%s", text)
		}
	case types.SelectAllProjectedAttributes:
		if w.index == w.table.primary {
			return invalidf("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
	case types.SelectAllAttributes:
		if w.index.global && w.index.projection.ProjectionType != types.ProjectionTypeAll {
			return invalidf("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", w.index.name)
		}
		w.whole = true
	default:
		return badEnum(string(r.choose), "select", "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES")
	}
	if r.projection != nil && r.choose != "" && r.choose != types.SelectSpecificAttributes {
		return invalidf("Cannot specify the ProjectionExpression when choosing to get %s", r.choose)
	}
	// A local index can fetch from the table what it does not project, if the request names it.
	w.whole = w.whole || r.projection != nil && !w.index.global
	return nil
}

// bindWalk parses and binds the expressions.
func (c *Core) bindWalk(w *walk, r *walkRequest) (err error) {
	var none placeholders
	uses := [3]*placeholders{&none, &none, &none}
	if r.keys != nil {
		e, err := c.condition(keyConditionKind, *r.keys)
		if err != nil {
			return err
		}
		uses[0] = &e.placeholders
		var b binding
		if err := c.bind(&b, keyConditionKind, uses[0], r.given); err != nil {
			return err
		}
		within, err := keyRangeOf(e, &b, w.index.schema)
		if err != nil {
			return err
		}
		w.within = &within
	}
	if r.filter != nil {
		if w.filter, err = c.condition(filterKind, *r.filter); err != nil {
			return err
		}
		uses[1] = &w.filter.placeholders
		if err := c.bind(&w.filterWith, filterKind, uses[1], r.given); err != nil {
			return err
		}
		if err := w.checkFilter(); err != nil {
			return err
		}
	}
	if r.projection != nil {
		if w.shape, err = c.bindShape(r.projection, r.given); err != nil {
			return err
		}
		uses[2] = &w.shape.projection.placeholders
	}
	parameters := [2]parameter{{filterKind, r.filter != nil || r.projection != nil}}
	if r.keys != nil {
		parameters[1] = parameter{keyConditionKind, true}
	}
	return r.given.checkGiven(false, parameters, uses[:]...)
}

// checkFilter refuses a Query's filter on the attributes of its key.
func (w *walk) checkFilter() error {
	if w.within == nil {
		return nil
	}
	for _, p := range w.filter.paths {
		if name := w.filterWith.head(p); w.index.schema.has(name) {
			return invalidf("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
		}
	}
	return nil
}
