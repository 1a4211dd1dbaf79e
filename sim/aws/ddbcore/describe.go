package ddbcore

import (
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (c *Core) describeTable(in *dynamodb.DescribeTableInput) (*dynamodb.DescribeTableOutput, error) {
	t, err := c.tableOfControlPlane(in.TableName)
	if err != nil {
		return nil, err
	}
	return &dynamodb.DescribeTableOutput{Table: t.describe(types.TableStatusActive)}, nil
}

func (c *Core) deleteTable(in *dynamodb.DeleteTableInput) (*dynamodb.DeleteTableOutput, error) {
	t, err := c.tableOfControlPlane(in.TableName)
	if err != nil {
		return nil, err
	}
	if t.protected {
		return nil, invalidf("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	delete(c.tables, t.name)
	return &dynamodb.DeleteTableOutput{TableDescription: t.describe(types.TableStatusDeleting)}, nil
}

const maxListedTables = 100

func (c *Core) listTables(in *dynamodb.ListTablesInput) (*dynamodb.ListTablesOutput, error) {
	limit := maxListedTables
	if in.Limit != nil {
		limit = int(*in.Limit)
		if limit < 1 || limit > maxListedTables {
			return nil, badMember(strconv.Itoa(limit), "limit", "Member must have value between 1 and 100")
		}
	}
	names := c.tableNames()
	if in.ExclusiveStartTableName != nil {
		at, found := slices.BinarySearch(names, *in.ExclusiveStartTableName)
		if found {
			at++
		}
		names = names[at:]
	}
	out := &dynamodb.ListTablesOutput{TableNames: names}
	if len(names) > limit {
		out.TableNames = names[:limit]
		out.LastEvaluatedTableName = aws.String(names[limit-1])
	}
	return out, nil
}

func (c *Core) tableOfControlPlane(name *string) (*table, error) {
	if name == nil {
		return nil, nullMember("tableName")
	}
	if err := checkTableName(*name); err != nil {
		return nil, err
	}
	if t := c.tables[*name]; t != nil {
		return t, nil
	}
	return nil, noSuchTableNamed(*name)
}

func (t *table) describe(status types.TableStatus) *types.TableDescription {
	d := &types.TableDescription{
		TableName: aws.String(t.name), TableArn: aws.String(t.arn), TableStatus: status,
		CreationDateTime: aws.Time(t.created), DeletionProtectionEnabled: aws.Bool(t.protected),
		AttributeDefinitions: slices.Clone(t.attrs), KeySchema: t.primary.schema.elements(),
		ItemCount: aws.Int64(t.count), TableSizeBytes: aws.Int64(t.bytes()),
		ProvisionedThroughput: t.throughput(),
	}
	if t.billing == types.BillingModePayPerRequest {
		d.BillingModeSummary = &types.BillingModeSummary{BillingMode: t.billing, LastUpdateToPayPerRequestDateTime: aws.Time(t.created)}
	}
	for _, ix := range t.indexes {
		projection := types.Projection{ProjectionType: ix.projection.ProjectionType, NonKeyAttributes: slices.Clone(ix.projection.NonKeyAttributes)}
		arn := aws.String(t.arn + "/index/" + ix.name)
		if ix.global {
			d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, types.GlobalSecondaryIndexDescription{
				IndexName: aws.String(ix.name), IndexArn: arn, IndexStatus: types.IndexStatusActive,
				KeySchema: ix.schema.elements(), Projection: &projection, ProvisionedThroughput: t.throughput(),
			})
			continue
		}
		d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, types.LocalSecondaryIndexDescription{
			IndexName: aws.String(ix.name), IndexArn: arn, KeySchema: ix.schema.elements(), Projection: &projection,
		})
	}
	return d
}

func (t *table) throughput() *types.ProvisionedThroughputDescription {
	d := &types.ProvisionedThroughputDescription{
		NumberOfDecreasesToday: aws.Int64(0), ReadCapacityUnits: aws.Int64(0), WriteCapacityUnits: aws.Int64(0),
	}
	if t.capacity != nil {
		d.ReadCapacityUnits = aws.Int64(aws.ToInt64(t.capacity.ReadCapacityUnits))
		d.WriteCapacityUnits = aws.Int64(aws.ToInt64(t.capacity.WriteCapacityUnits))
	}
	return d
}

func (t *table) bytes() int64 {
	total := 0
	for _, r := range t.records {
		total += r.bytes
	}
	return int64(total)
}

func (s keySchema) elements() []types.KeySchemaElement {
	elements := []types.KeySchemaElement{{AttributeName: aws.String(s.hash.name), KeyType: types.KeyTypeHash}}
	if s.rng.name != "" {
		elements = append(elements, types.KeySchemaElement{AttributeName: aws.String(s.rng.name), KeyType: types.KeyTypeRange})
	}
	return elements
}
