package ddbcore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (c *Core) createTable(now time.Time, in *dynamodb.CreateTableInput) (*dynamodb.CreateTableOutput, error) {
	if in.TableName == nil {
		return nil, nullMember("tableName")
	}
	if err := checkTableName(*in.TableName); err != nil {
		return nil, err
	}
	if err := refuseTableOptions(in); err != nil {
		return nil, err
	}
	if err := checkBilling(in); err != nil {
		return nil, err
	}
	defined := map[string]kind{}
	for _, a := range in.AttributeDefinitions {
		k, ok := map[types.ScalarAttributeType]kind{"S": kindS, "N": kindN, "B": kindB}[a.AttributeType]
		if !ok {
			return nil, badEnum(string(a.AttributeType), "attributeDefinitions.member.attributeType", "B, N, S")
		}
		defined[aws.ToString(a.AttributeName)] = k
	}
	schema, err := schemaOf(in.KeySchema, defined)
	if err != nil {
		return nil, err
	}
	if c.tables[*in.TableName] != nil {
		return nil, &types.ResourceInUseException{Message: aws.String("Table already exists: " + *in.TableName)}
	}
	t := &table{
		name: *in.TableName, created: now, protected: aws.ToBool(in.DeletionProtectionEnabled),
		arn:     fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", c.options.Region, c.options.Account, *in.TableName),
		billing: in.BillingMode, attrs: slices.Clone(in.AttributeDefinitions),
		records: map[primaryKey]*record{}, primary: newIndex("", false, schema, schema, types.Projection{}),
	}
	if in.ProvisionedThroughput != nil {
		capacity := *in.ProvisionedThroughput
		t.capacity = &capacity
	}
	if err := t.addIndexes(in, defined); err != nil {
		return nil, err
	}
	if err := t.checkDefinitions(defined); err != nil {
		return nil, err
	}
	c.tables[t.name] = t
	return &dynamodb.CreateTableOutput{TableDescription: t.describe(types.TableStatusActive)}, nil
}

// refuseTableOptions refuses by name the options that ask for behaviour that is not modelled. Tags
// have no effect here.
func refuseTableOptions(in *dynamodb.CreateTableInput) error {
	refused := []struct {
		given bool
		name  string
	}{
		{in.StreamSpecification != nil && aws.ToBool(in.StreamSpecification.StreamEnabled), "StreamSpecification"},
		{in.SSESpecification != nil, "SSESpecification"},
		{in.OnDemandThroughput != nil, "OnDemandThroughput"},
		{in.ResourcePolicy != nil, "ResourcePolicy"},
		{in.WarmThroughput != nil, "WarmThroughput"},
		{in.TableClass != "" && in.TableClass != types.TableClassStandard, "TableClass " + string(in.TableClass)},
		{in.GlobalTableSourceArn != nil, "GlobalTableSourceArn"},
		{in.GlobalTableSettingsReplicationMode != "", "GlobalTableSettingsReplicationMode"},
		{len(in.VectorIndexes) > 0, "VectorIndexes"},
	}
	for _, r := range refused {
		if r.given {
			return unsupported("CreateTable", r.name)
		}
	}
	return nil
}

func checkBilling(in *dynamodb.CreateTableInput) error {
	switch in.BillingMode {
	case types.BillingModePayPerRequest:
		if in.ProvisionedThroughput != nil {
			return invalidf("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
	case "", types.BillingModeProvisioned:
		if in.ProvisionedThroughput == nil {
			return invalidf("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
		}
	default:
		return badEnum(string(in.BillingMode), "billingMode", "PROVISIONED, PAY_PER_REQUEST")
	}
	return nil
}

func schemaOf(elements []types.KeySchemaElement, defined map[string]kind) (keySchema, error) {
	var schema keySchema
	if len(elements) == 0 || len(elements) > 2 {
		return schema, invalidf("%sValue at 'keySchema' failed to satisfy constraint: Member must have 1 or 2 elements", envelope)
	}
	places := []*keyAttribute{&schema.hash, &schema.rng}
	for i, wanted := range []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[:len(elements)] {
		name := aws.ToString(elements[i].AttributeName)
		if elements[i].KeyType != wanted {
			return schema, invalidf("Invalid KeySchema: The %s KeySchemaElement is not a %s key type", []string{"first", "second"}[i], wanted)
		}
		k, ok := defined[name]
		if !ok {
			return schema, invalidf("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				name, strings.Join(sortedKeys(defined), ", "))
		}
		*places[i] = keyAttribute{name, k}
	}
	if schema.hash.name == schema.rng.name {
		return schema, invalidf("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	return schema, nil
}

func (t *table) addIndexes(in *dynamodb.CreateTableInput, defined map[string]kind) error {
	add := func(name *string, elements []types.KeySchemaElement, projection *types.Projection, global bool) error {
		schema, err := schemaOf(elements, defined)
		if err != nil {
			return err
		}
		if projection == nil || projection.ProjectionType == "" {
			return invalidf("One or more parameter values were invalid: Unknown ProjectionType: null")
		}
		if !global && (schema.hash != t.primary.schema.hash || schema.rng.name == "" || t.primary.schema.rng.name == "") {
			return invalidf("One or more parameter values were invalid: Table KeySchema does not have a range key, or index %s does not have the table's hash key and a range key of its own", aws.ToString(name))
		}
		if t.index(aws.ToString(name)) != nil {
			return invalidf("One or more parameter values were invalid: Duplicate index name: %s", aws.ToString(name))
		}
		kept := types.Projection{ProjectionType: projection.ProjectionType, NonKeyAttributes: slices.Clone(projection.NonKeyAttributes)}
		t.indexes = append(t.indexes, newIndex(aws.ToString(name), global, schema, t.primary.schema, kept))
		return nil
	}
	for _, ix := range in.LocalSecondaryIndexes {
		if err := add(ix.IndexName, ix.KeySchema, ix.Projection, false); err != nil {
			return err
		}
	}
	for _, ix := range in.GlobalSecondaryIndexes {
		if err := add(ix.IndexName, ix.KeySchema, ix.Projection, true); err != nil {
			return err
		}
	}
	slices.SortFunc(t.indexes, func(a, b *index) int { return strings.Compare(a.name, b.name) })
	return nil
}

// checkDefinitions refuses attribute definitions that no key uses.
func (t *table) checkDefinitions(defined map[string]kind) error {
	used := map[string]kind{}
	for _, ix := range append([]*index{t.primary}, t.indexes...) {
		for _, a := range ix.schema.attributes() {
			used[a.name] = a.kind
		}
	}
	switch {
	case maps.Equal(used, defined):
		return nil
	case len(t.indexes) == 0:
		return invalidf("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return invalidf("One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(sortedKeys(defined), ", "), strings.Join(sortedKeys(used), ", "))
}
