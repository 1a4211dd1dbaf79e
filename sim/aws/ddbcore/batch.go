package ddbcore

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxBatchBytes = 16 << 20 // of a BatchGetItem's answer; the rest comes back as unprocessed
)

func (c *Core) batchGetItem(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	if err := refuseRead("BatchGetItem", nil, in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	if len(in.RequestItems) == 0 {
		return nil, invalidf("%sValue at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1", envelope)
	}
	out := &dynamodb.BatchGetItemOutput{
		Responses: map[string][]map[string]types.AttributeValue{}, UnprocessedKeys: map[string]types.KeysAndAttributes{},
	}
	reads, err := c.prepareBatchGet(in.RequestItems)
	if err != nil {
		return nil, err
	}
	bytes := 0
	for i := range reads {
		r := &reads[i]
		name := r.table.name
		if out.Responses[name] == nil {
			out.Responses[name] = []map[string]types.AttributeValue{}
		}
		if bytes >= maxBatchBytes {
			left, ok := out.UnprocessedKeys[name]
			if !ok {
				left = in.RequestItems[name]
				left.Keys = nil
			}
			left.Keys = append(left.Keys, r.table.keyItem(r.key))
			out.UnprocessedKeys[name] = left
			continue
		}
		if it := c.read(r.table.records[r.key], r.consistent); it != nil {
			bytes += itemBytes(it)
			out.Responses[name] = append(out.Responses[name], r.shape.of(it))
		}
	}
	return out, nil
}

type batchRead struct {
	table      *table
	key        primaryKey
	shape      shape
	consistent bool
}

// prepareBatchGet checks everything before anything is read, tables in the order of their names.
func (c *Core) prepareBatchGet(request map[string]types.KeysAndAttributes) ([]batchRead, error) {
	var reads []batchRead
	for _, name := range sortedKeys(request) {
		wanted := request[name]
		if wanted.AttributesToGet != nil {
			return nil, unsupported("BatchGetItem", "AttributesToGet")
		}
		t, err := c.table(&name)
		if err != nil {
			return nil, err
		}
		shape, err := c.prepareShape(wanted.ProjectionExpression, wanted.ExpressionAttributeNames)
		if err != nil {
			return nil, err
		}
		seen := map[primaryKey]bool{}
		for _, k := range wanted.Keys {
			key, err := t.primaryKeyOf(k)
			if err != nil {
				return nil, err
			}
			if seen[key] {
				return nil, invalidf("Provided list of item keys contains duplicates")
			}
			seen[key] = true
			reads = append(reads, batchRead{t, key, shape, aws.ToBool(wanted.ConsistentRead)})
		}
	}
	if len(reads) > maxBatchGet {
		return nil, invalidf("Too many items requested for the BatchGetItem call")
	}
	return reads, nil
}

func (c *Core) batchWriteItem(now time.Time, in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
	refused := legacy{operation: "BatchWriteItem", capacity: in.ReturnConsumedCapacity, collection: in.ReturnItemCollectionMetrics}
	if err := refused.refuse(); err != nil {
		return nil, err
	}
	if len(in.RequestItems) == 0 {
		return nil, invalidf("%sValue at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1", envelope)
	}
	writes, err := c.prepareBatchWrite(in.RequestItems)
	if err != nil {
		return nil, err
	}
	for i := range writes {
		if _, _, err := c.run(now, &writes[i]); err != nil {
			return nil, err
		}
	}
	return &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}, nil
}

// prepareBatchWrite checks everything before anything is written: one mistake refuses the whole
// batch.
func (c *Core) prepareBatchWrite(request map[string][]types.WriteRequest) ([]write, error) {
	var writes []write
	for _, name := range sortedKeys(request) {
		t, err := c.table(&name)
		if err != nil {
			return nil, err
		}
		seen := map[primaryKey]bool{}
		for _, r := range request[name] {
			w := write{table: t, effect: deleteEffect{}}
			switch {
			case (r.PutRequest == nil) == (r.DeleteRequest == nil):
				return nil, invalidf("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			case r.PutRequest != nil:
				w.effect, w.key, err = preparePutEffect(t, r.PutRequest.Item)
			default:
				w.key, err = t.primaryKeyOf(r.DeleteRequest.Key)
			}
			if err != nil {
				return nil, err
			}
			if seen[w.key] {
				return nil, invalidf("Provided list of item keys contains duplicates")
			}
			seen[w.key] = true
			writes = append(writes, w)
		}
	}
	if len(writes) > maxBatchWrite {
		return nil, invalidf("Too many items requested for the BatchWriteItem call")
	}
	return writes, nil
}
