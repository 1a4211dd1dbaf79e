package ddbcore

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Options configures a Core. The zero value is a well-behaved DynamoDB.
type Options struct {
	// Choose picks one of n possibilities if DynamoDB may choose; 0 is the well-behaved one, and
	// nil always picks it. The label "stale-read" with n = 2 asks whether an eventually consistent
	// read of one item returns the version before the latest committed one.
	Choose func(n int, label string) int
	// OnWrite sees every committed write of an item, in order, before Do returns.
	OnWrite func(Write)
	// Expressions, if set, is a cache that the core reads and fills.
	Expressions *Expressions
	// Region and Account stand in table ARNs; "us-east-1" and "000000000000" if empty.
	Region, Account string
}

// ItemKey names one item: the table, and the text of its key attributes (an S as it is, an N in
// canonical decimal, the bytes of a B). Range is empty in a table without a range key.
type ItemKey struct{ Table, Hash, Range string }

// Cause says who wrote.
type Cause uint8

const (
	ByRequest Cause = iota // an operation of Do
	ByTTL                  // DeleteExpired
)

// Write is one committed change of one item. Old and New are nil if the item is absent; both belong
// to the core, and the caller must not change them.
type Write struct {
	Key      ItemKey
	Old, New map[string]types.AttributeValue
	Cause    Cause
	At       time.Time
}

// Core is one region of DynamoDB in memory. It is not safe for concurrent use: the caller
// serialises calls.
type Core struct {
	options     Options
	tables      map[string]*table
	tokens      tokens
	expressions *Expressions

	// boundNames and boundValues hold the bindings of the request under way.
	boundNames  []string
	boundValues []types.AttributeValue
}

// New returns an empty Core.
func New(options Options) *Core {
	if options.Region == "" {
		options.Region = "us-east-1"
	}
	if options.Account == "" {
		options.Account = "000000000000"
	}
	expressions := options.Expressions
	if expressions == nil {
		expressions = &Expressions{}
	}
	return &Core{options: options, tables: map[string]*table{}, tokens: newTokens(), expressions: expressions}
}

// Do runs one operation at the given time. input is a pointer to an Input struct of the SDK's
// dynamodb package, output to the matching Output struct. Do neither keeps nor changes the input,
// and the output shares nothing with the core.
func (c *Core) Do(now time.Time, input any) (output any, err error) {
	c.boundNames, c.boundValues = c.boundNames[:0], c.boundValues[:0]
	output, err = c.dispatch(now, input)
	if err != nil {
		return nil, dressed(err, usesEnvelope(input))
	}
	return output, nil
}

func (c *Core) dispatch(now time.Time, input any) (any, error) {
	switch in := input.(type) {
	case *dynamodb.GetItemInput:
		return c.getItem(in)
	case *dynamodb.PutItemInput:
		return c.putItem(now, in)
	case *dynamodb.UpdateItemInput:
		return c.updateItem(now, in)
	case *dynamodb.DeleteItemInput:
		return c.deleteItem(now, in)
	case *dynamodb.QueryInput:
		return c.query(in)
	case *dynamodb.ScanInput:
		return c.scan(in)
	case *dynamodb.BatchGetItemInput:
		return c.batchGetItem(in)
	case *dynamodb.BatchWriteItemInput:
		return c.batchWriteItem(now, in)
	case *dynamodb.TransactWriteItemsInput:
		return c.transactWriteItems(now, in)
	case *dynamodb.TransactGetItemsInput:
		return c.transactGetItems(in)
	case *dynamodb.CreateTableInput:
		return c.createTable(now, in)
	case *dynamodb.DescribeTableInput:
		return c.describeTable(in)
	case *dynamodb.ListTablesInput:
		return c.listTables(in)
	case *dynamodb.DeleteTableInput:
		return c.deleteTable(in)
	case *dynamodb.UpdateTimeToLiveInput:
		return c.updateTimeToLive(now, in)
	case *dynamodb.DescribeTimeToLiveInput:
		return c.describeTimeToLive(in)
	}
	return nil, &smithy.GenericAPIError{
		Code: "UnknownOperationException", Message: fmt.Sprintf("ddbcore does not know %T", input), Fault: smithy.FaultClient,
	}
}

func usesEnvelope(input any) bool {
	switch input.(type) {
	case *dynamodb.PutItemInput, *dynamodb.UpdateItemInput, *dynamodb.DeleteItemInput:
		return true
	}
	return false
}
