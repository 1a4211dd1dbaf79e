package ddbcore_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

func putAction(key, condition string, failure types.ReturnValuesOnConditionCheckFailure) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: aws.String("items"), Item: attrs{"p": s(key), "new": boolean(true)}, ConditionExpression: optional(condition),
		ReturnValuesOnConditionCheckFailure: failure,
	}}
}

func addAction(key string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: aws.String("items"), Key: attrs{"p": s(key)}, UpdateExpression: aws.String("ADD a :one"),
		ExpressionAttributeValues: attrs{":one": n("1")},
	}}
}

func transact(actions ...types.TransactWriteItem) *dynamodb.TransactWriteItemsInput {
	return &dynamodb.TransactWriteItemsInput{TransactItems: actions}
}

func TestATransactionCommitsAllOrNothing(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	put(t, core, keyed(attrs{"a": n("1")}))
	_, err := core.Do(epoch, transact(addAction("other"), putAction("k", "attribute_not_exists(p)", "ALL_OLD"), putAction("x", "attribute_exists(p)", "ALL_OLD")))
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatalf("error %v", err)
	}
	const text = "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]"
	if cancelled.ErrorMessage() != text {
		t.Fatalf("text %q", cancelled.ErrorMessage())
	}
	failed := aws.String("The conditional request failed")
	want := []types.CancellationReason{
		{Code: aws.String("None")},
		{Code: aws.String("ConditionalCheckFailed"), Message: failed, Item: keyed(attrs{"a": n("1")})},
		{Code: aws.String("ConditionalCheckFailed"), Message: failed},
	}
	if !reflect.DeepEqual(cancelled.CancellationReasons, want) {
		t.Fatalf("reasons %+v", cancelled.CancellationReasons)
	}
	for key := range core.Items("items") {
		if key.Hash != "k" {
			t.Fatalf("a cancelled transaction wrote %v", key)
		}
	}
	mustDo(t, core, transact(addAction("other"), putAction("k", "attribute_exists(p)", "")))
	if got := stored(core); !reflect.DeepEqual(got, keyed(attrs{"new": boolean(true)})) {
		t.Fatalf("stored %v", show(got))
	}
}

func TestMistakesInTransactions(t *testing.T) {
	wrongKey := types.TransactWriteItem{Put: &types.Put{TableName: aws.String("items"), Item: attrs{"p": n("1")}}}
	badExpression := types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("items"), Key: keyed(nil), ConditionExpression: aws.String("status")}}
	unconditional := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: aws.String("items"), Key: keyed(nil)}}
	for name, row := range map[string]struct {
		input      *dynamodb.TransactWriteItemsInput
		code, text string
	}{
		"an item's mistake cancels":                {transact(addAction("x"), wrongKey, wrongKey), "TransactionCanceledException", "[None, ValidationError, None]"},
		"an expression's mistake fails the call":   {transact(addAction("x"), badExpression), "ValidationException", "Invalid ConditionExpression"},
		"two actions on one item":                  {transact(addAction("x"), addAction("x")), "ValidationException", "Transaction request cannot include multiple operations on one item"},
		"a ConditionCheck without a condition":     {transact(unconditional), "ValidationException", "conditionExpression"},
		"no action":                                {transact(), "ValidationException", "greater than or equal to 1"},
		"101 actions":                              {transact(make([]types.TransactWriteItem, 101)...), "ValidationException", "less than or equal to 100"},
		"an action of no kind":                     {transact(types.TransactWriteItem{}), "ValidationException", "only contain one of"},
		"an update that cannot be done":            {transact(addAction("string")), "TransactionCanceledException", "[ValidationError]"},
		"a table that is not there fails the call": {transact(types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("nowhere"), Key: keyed(nil)}}), "ResourceNotFoundException", ""},
		"a token that is too long fails the call":  {&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{addAction("x")}, ClientRequestToken: aws.String(strings.Repeat("x", 37))}, "ValidationException", "clientRequestToken"},
	} {
		t.Run(name, func(t *testing.T) {
			core := newTable(t, ddbcore.Options{})
			put(t, core, attrs{"p": s("string"), "a": s("x")})
			_, err := core.Do(epoch, row.input)
			if code(err) != row.code || !strings.Contains(err.Error(), row.text) {
				t.Fatalf("error %v, want %s with %q", err, row.code, row.text)
			}
		})
	}
}

// TestATransactionIsDoneOnceForItsToken (API Reference, TransactWriteItems, ClientRequestToken).
func TestATransactionIsDoneOnceForItsToken(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	count := func(want string) {
		t.Helper()
		if got := stored(core)["a"]; !reflect.DeepEqual(got, n(want)) {
			t.Fatalf("done %v times, want %s", got.(*types.AttributeValueMemberN).Value, want)
		}
	}
	in := transact(addAction("k"))
	in.ClientRequestToken = aws.String("token")
	for _, at := range []time.Duration{0, time.Second, 10 * time.Minute} {
		if _, err := core.Do(epoch.Add(at), in); err != nil {
			t.Fatal(err)
		}
		count("1")
	}
	changed := transact(addAction("k"), addAction("other"))
	changed.ClientRequestToken = aws.String("token")
	if _, err := core.Do(epoch.Add(time.Minute), changed); code(err) != "IdempotentParameterMismatchException" {
		t.Fatalf("another request under the same token: %v", err)
	}
	if _, err := core.Do(epoch.Add(10*time.Minute+time.Second), in); err != nil {
		t.Fatal(err)
	}
	count("2")
}

// TestACancelledTransactionMayBeTriedAgainWithItsToken: it has not completed, so the core evaluates
// the retry.
func TestACancelledTransactionMayBeTriedAgainWithItsToken(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	in := transact(putAction("x", "", ""), types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String("items"), Key: keyed(nil), ConditionExpression: aws.String("attribute_exists(p)"),
	}})
	in.ClientRequestToken = aws.String("token")
	if _, err := core.Do(epoch, in); code(err) != "TransactionCanceledException" {
		t.Fatalf("without the item: %v", err)
	}
	put(t, core, keyed(nil))
	if _, err := core.Do(epoch, in); err != nil {
		t.Fatalf("with the item: %v", err)
	}
}

func TestTransactGetReadsSeveralItems(t *testing.T) {
	core := newTable(t, ddbcore.Options{Choose: func(int, string) int { return 1 }})
	put(t, core, keyed(attrs{"a": n("1"), "b": n("2")}))
	get := func(key, projection string) types.TransactGetItem {
		return types.TransactGetItem{Get: &types.Get{TableName: aws.String("items"), Key: attrs{"p": s(key)}, ProjectionExpression: optional(projection)}}
	}
	out := mustDo(t, core, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{get("k", "a"), get("x", "")}}).(*dynamodb.TransactGetItemsOutput)
	if want := []types.ItemResponse{{Item: attrs{"a": n("1")}}, {}}; !reflect.DeepEqual(out.Responses, want) {
		t.Fatalf("read %+v", out.Responses)
	}
}
