package ddbcore_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func s(v string) types.AttributeValue     { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue     { return &types.AttributeValueMemberN{Value: v} }
func ss(v ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: v} }
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: append([]types.AttributeValue{}, v...)}
}
func m(v map[string]types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: v}
}

type attrs = map[string]types.AttributeValue

func bin(v string) types.AttributeValue   { return &types.AttributeValueMemberB{Value: []byte(v)} }
func ns(v ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: v} }
func boolean(v bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: v} }
func null() types.AttributeValue          { return &types.AttributeValueMemberNULL{Value: true} }

func mustDo(tb testing.TB, core *ddbcore.Core, input any) any {
	tb.Helper()
	out, err := core.Do(epoch, input)
	if err != nil {
		tb.Fatalf("%T: %v", input, err)
	}
	return out
}

// newTable makes the table "items" with the string key p.
func newTable(tb testing.TB, options ddbcore.Options) *ddbcore.Core {
	tb.Helper()
	core := ddbcore.New(options)
	mustDo(tb, core, createTable("items"))
	return core
}

func createTable(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("p"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("p"), KeyType: "HASH"}},
	}
}

// keyed adds the key p = "k".
func keyed(it attrs) attrs {
	out := attrs{"p": s("k")}
	for name, v := range it {
		out[name] = v
	}
	return out
}

func put(tb testing.TB, core *ddbcore.Core, it attrs) {
	tb.Helper()
	mustDo(tb, core, &dynamodb.PutItemInput{TableName: aws.String("items"), Item: it})
}

// stored is the item with the key "k" in "items", nil if absent.
func stored(core *ddbcore.Core) attrs {
	it, _ := core.Item(ddbcore.ItemKey{Table: "items", Hash: "k"})
	return it
}

// code is the error's AWS code, empty for none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return "not an API error: " + err.Error()
	}
	return ""
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// show prints an item so that a person can read it, with its types as DynamoDB names them.
func show(it attrs) string {
	if it == nil {
		return "absent"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(it)) {
		parts = append(parts, name+": "+showValue(it[name]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func showValue(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		return show(v.Value)
	case *types.AttributeValueMemberL:
		var parts []string
		for _, element := range v.Value {
			parts = append(parts, showValue(element))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("B%q", v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "NULL"
	case *types.AttributeValueMemberSS:
		return fmt.Sprintf("SS%q", v.Value)
	case *types.AttributeValueMemberNS:
		return fmt.Sprintf("NS%v", v.Value)
	case *types.AttributeValueMemberBS:
		return fmt.Sprintf("BS%q", v.Value)
	}
	return fmt.Sprintf("%#v", v)
}
