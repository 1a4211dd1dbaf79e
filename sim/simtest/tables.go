package simtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/awsx"
)

// table is one table of the stack.
type table struct {
	create *dynamodb.CreateTableInput
	ttl    *dynamodb.UpdateTimeToLiveInput
}

// tables are the stack's, as design.md has them. Every one forgets by expiresAt.
func tables(names awsx.Names) []table {
	jobs := keyed(names.Jobs(), "messageId")
	jobs.create.AttributeDefinitions = append(jobs.create.AttributeDefinitions,
		types.AttributeDefinition{AttributeName: aws.String("projectUserId"), AttributeType: types.ScalarAttributeTypeS},
		types.AttributeDefinition{AttributeName: aws.String("receivedAt"), AttributeType: types.ScalarAttributeTypeN},
	)
	jobs.create.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{
		IndexName: aws.String(names.JobsByKey()), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("projectUserId"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("receivedAt"), KeyType: types.KeyTypeRange},
		},
	}}
	return []table{
		keyed(names.ActiveJobs(), "projectUserId"), jobs,
		keyed(names.Interruptions(), "messageId"), keyed(names.Threads(), "rfcMessageId"),
	}
}

// keyed is a table with one key, a string.
func keyed(name, key string) table {
	return table{
		create: &dynamodb.CreateTableInput{
			TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(key), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(key), KeyType: types.KeyTypeHash}},
		},
		ttl: &dynamodb.UpdateTimeToLiveInput{
			TableName:               aws.String(name),
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expiresAt"), Enabled: aws.Bool(true)},
		},
	}
}
