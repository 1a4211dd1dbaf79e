package ddbcore_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

// TestRefusedRequests holds each refusal's code and a part of its text.
func TestRefusedRequests(t *testing.T) {
	items := aws.String("items")
	value := attrs{":v": n("1")}
	for name, row := range map[string]struct {
		source string
		input  any
		code   string
		text   string
	}{
		"a table that is not there": {errorsTest, &dynamodb.GetItemInput{TableName: aws.String("nowhere"), Key: keyed(nil)},
			"ResourceNotFoundException", "Requested resource not found"},
		"describing a table that is not there": {"API Reference, DescribeTable", &dynamodb.DescribeTableInput{TableName: aws.String("nowhere")},
			"ResourceNotFoundException", "Requested resource not found: Table: nowhere not found"},
		"creating a table twice": {"API Reference, CreateTable", createTable("items"), "ResourceInUseException", "Table already exists: items"},
		"a put without its key": {putAPI, &dynamodb.PutItemInput{TableName: items, Item: attrs{"a": n("1")}},
			"ValidationException", "One or more parameter values were invalid: Missing the key p in the item"},
		"a put with a key of the wrong type": {putAPI, &dynamodb.PutItemInput{TableName: items, Item: attrs{"p": n("1")}},
			"ValidationException", "Type mismatch for key p expected: S actual: N"},
		"an empty key": {errorsTest, &dynamodb.PutItemInput{TableName: items, Item: attrs{"p": s("")}},
			"ValidationException", "The AttributeValue for a key attribute cannot contain an empty string value. Key: p"},
		"a key of 2049 bytes": {quotasPage, &dynamodb.GetItemInput{TableName: items, Key: attrs{"p": s(strings.Repeat("x", 2049))}},
			"ValidationException", "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		"an attribute too many in a key": {errorsTest, &dynamodb.GetItemInput{TableName: items, Key: keyed(attrs{"a": n("1")})},
			"ValidationException", "The provided key element does not match the schema"},
		"a key of the wrong type": {errorsTest, &dynamodb.DeleteItemInput{TableName: items, Key: attrs{"p": n("1")}},
			"ValidationException", "The provided key element does not match the schema"},
		"a put of more than 400 KB": {quotasPage, &dynamodb.PutItemInput{TableName: items, Item: keyed(attrs{"a": s(strings.Repeat("x", 400<<10))})},
			"ValidationException", "Item size has exceeded the maximum allowed size"},
		"a value without a type": {typesPage, &dynamodb.PutItemInput{TableName: items, Item: keyed(attrs{"a": nil})},
			"ValidationException", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		"an empty number set": {errorsTest, &dynamodb.PutItemInput{TableName: items, Item: keyed(attrs{"a": ns()})},
			"ValidationException", "1 validation error detected: One or more parameter values were invalid: An number set  may not be empty"},
		"UPDATED_NEW on a put": {returnTest, &dynamodb.PutItemInput{TableName: items, Item: keyed(nil), ReturnValues: "UPDATED_NEW"},
			"ValidationException", "ReturnValues can only be ALL_OLD or NONE"},
		"ReturnValues in lower case": {returnTest, &dynamodb.PutItemInput{TableName: items, Item: keyed(nil), ReturnValues: "none"},
			"ValidationException", "1 validation error detected: Value 'none' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set"},
		"ReturnValuesOnConditionCheckFailure of another name": {returnTest, &dynamodb.DeleteItemInput{TableName: items, Key: keyed(nil), ReturnValuesOnConditionCheckFailure: "ALL_NEW"},
			"ValidationException", "returnValuesOnConditionCheckFailure"},
		"the envelope is not on a read": {errorsTest, &dynamodb.GetItemInput{TableName: items, Key: keyed(nil), ProjectionExpression: aws.String(" ")},
			"ValidationException", "api error ValidationException: Invalid ProjectionExpression: The expression can not be empty;"},
		"overlapping projection": {pathsPage, &dynamodb.GetItemInput{TableName: items, Key: keyed(nil), ProjectionExpression: aws.String("a, a.b")},
			"ValidationException", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]"},
		"Expected": {"legacy", &dynamodb.PutItemInput{TableName: items, Item: keyed(nil), Expected: map[string]types.ExpectedAttributeValue{}},
			"ValidationException", "ddbcore does not support Expected in PutItem"},
		"AttributeUpdates": {"legacy", &dynamodb.UpdateItemInput{TableName: items, Key: keyed(nil), AttributeUpdates: map[string]types.AttributeValueUpdate{}},
			"ValidationException", "AttributeUpdates"},
		"KeyConditions": {"legacy", &dynamodb.QueryInput{TableName: items, KeyConditions: map[string]types.Condition{}}, "ValidationException", "KeyConditions"},
		"ReturnConsumedCapacity": {"not modelled", &dynamodb.GetItemInput{TableName: items, Key: keyed(nil), ReturnConsumedCapacity: "TOTAL"},
			"ValidationException", "ReturnConsumedCapacity TOTAL"},
		"a parallel scan": {"not modelled", &dynamodb.ScanInput{TableName: items, Segment: aws.Int32(0), TotalSegments: aws.Int32(2)}, "ValidationException", "TotalSegments"},
		"PartiQL":         {"not modelled", &dynamodb.ExecuteStatementInput{}, "UnknownOperationException", "ddbcore does not know *dynamodb.ExecuteStatementInput"},
		"a condition on nothing but its kind": {functionsPage, &dynamodb.PutItemInput{TableName: items, Item: keyed(nil), ConditionExpression: aws.String("a = :v AND"),
			ExpressionAttributeValues: value}, "ValidationException", `Syntax error; token: "<EOF>", near: "AND"`},
	} {
		t.Run(name, func(t *testing.T) {
			core := newTable(t, ddbcore.Options{})
			_, err := core.Do(epoch, row.input)
			if code(err) != row.code || !strings.Contains(err.Error(), row.text) {
				t.Fatalf("error %v, want %s with %q (%s)", err, row.code, row.text, row.source)
			}
		})
	}
}

func TestPutReplacesTheWholeItem(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	put(t, core, keyed(attrs{"a": n("1"), "b": n("1")}))
	out := mustDo(t, core, &dynamodb.PutItemInput{TableName: aws.String("items"), Item: keyed(attrs{"c": n("007.0")}), ReturnValues: "ALL_OLD"})
	if old := out.(*dynamodb.PutItemOutput).Attributes; !reflect.DeepEqual(old, keyed(attrs{"a": n("1"), "b": n("1")})) {
		t.Fatalf("ALL_OLD is %v", show(old))
	}
	if got := stored(core); !reflect.DeepEqual(got, keyed(attrs{"c": n("7")})) {
		t.Fatalf("stored %v", show(got))
	}
}

func TestDeleteIsIdempotentUnlessConditional(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	put(t, core, keyed(attrs{"a": n("1")}))
	del := &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: keyed(nil), ReturnValues: "ALL_OLD"}
	if old := mustDo(t, core, del).(*dynamodb.DeleteItemOutput).Attributes; !reflect.DeepEqual(old, keyed(attrs{"a": n("1")})) {
		t.Fatalf("the first delete returned %v", show(old))
	}
	if old := mustDo(t, core, del).(*dynamodb.DeleteItemOutput).Attributes; old != nil {
		t.Fatalf("the second delete returned %v", show(old))
	}
	del.ConditionExpression = aws.String("attribute_exists(p)")
	if _, err := core.Do(epoch, del); code(err) != "ConditionalCheckFailedException" {
		t.Fatalf("a conditional delete of an absent item: %v", err)
	}
}

// TestAFailedConditionReturnsTheOldItemOnRequest: only if the request asks for it and the item
// exists (API Reference, PutItem).
func TestAFailedConditionReturnsTheOldItemOnRequest(t *testing.T) {
	for name, row := range map[string]struct {
		item  attrs
		asked types.ReturnValuesOnConditionCheckFailure
		want  attrs
	}{
		"asked, present":     {keyed(attrs{"a": n("1")}), "ALL_OLD", keyed(attrs{"a": n("1")})},
		"asked, absent":      {nil, "ALL_OLD", nil},
		"not asked, present": {keyed(attrs{"a": n("1")}), "NONE", nil},
	} {
		t.Run(name, func(t *testing.T) {
			core := newTable(t, ddbcore.Options{})
			if row.item != nil {
				put(t, core, row.item)
			}
			_, err := core.Do(epoch, &dynamodb.UpdateItemInput{
				TableName: aws.String("items"), Key: keyed(nil), UpdateExpression: aws.String("SET a = :v"),
				ConditionExpression: aws.String("a = :v"), ExpressionAttributeValues: attrs{":v": n("2")},
				ReturnValuesOnConditionCheckFailure: row.asked,
			})
			var failed *types.ConditionalCheckFailedException
			if !errors.As(err, &failed) || failed.ErrorMessage() != "The conditional request failed" {
				t.Fatalf("error %v", err)
			}
			if !reflect.DeepEqual(failed.Item, row.want) {
				t.Fatalf("the error has %v, want %v", show(failed.Item), show(row.want))
			}
		})
	}
}

func TestProjectionKeepsTheStructureAroundWhatItNames(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	put(t, core, keyed(attrs{"a": m(attrs{"b": list(n("0"), n("1"), n("2")), "c": n("1")}), "d": n("4")}))
	for projection, want := range map[string]attrs{
		"a.b[2], a.b[0], d":   {"a": m(attrs{"b": list(n("0"), n("2"))}), "d": n("4")},
		"a.c, x.y, a.b[9], p": {"a": m(attrs{"c": n("1")}), "p": s("k")},
		"nothing":             {},
	} {
		out := mustDo(t, core, &dynamodb.GetItemInput{TableName: aws.String("items"), Key: keyed(nil), ProjectionExpression: aws.String(projection)})
		if got := out.(*dynamodb.GetItemOutput).Item; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", projection, show(got), show(want))
		}
	}
	out := mustDo(t, core, &dynamodb.GetItemInput{TableName: aws.String("items"), Key: attrs{"p": s("other")}})
	if it := out.(*dynamodb.GetItemOutput).Item; it != nil {
		t.Errorf("an absent item is %v, want no Item", it)
	}
}

func TestNeitherInputNorOutputIsShared(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	inner := m(attrs{"x": n("1")}).(*types.AttributeValueMemberM)
	in := keyed(attrs{"a": inner, "s": ss("y", "x"), "b": bin("z")})
	put(t, core, in)
	inner.Value["x"] = n("2")
	in["s"].(*types.AttributeValueMemberSS).Value[0] = "changed"
	in["b"].(*types.AttributeValueMemberB).Value[0] = '!'
	want := keyed(attrs{"a": m(attrs{"x": n("1")}), "s": ss("x", "y"), "b": bin("z")})
	get := &dynamodb.GetItemInput{TableName: aws.String("items"), Key: keyed(nil)}
	first := mustDo(t, core, get).(*dynamodb.GetItemOutput).Item
	if !reflect.DeepEqual(first, want) {
		t.Fatalf("changing the input changed the item to %v", show(first))
	}
	first["a"].(*types.AttributeValueMemberM).Value["x"] = n("3")
	first["b"].(*types.AttributeValueMemberB).Value[0] = '?'
	get.ProjectionExpression = aws.String("a, b")
	mustDo(t, core, get).(*dynamodb.GetItemOutput).Item["b"].(*types.AttributeValueMemberB).Value[0] = '?'
	get.ProjectionExpression = nil
	if again := mustDo(t, core, get).(*dynamodb.GetItemOutput).Item; !reflect.DeepEqual(again, want) {
		t.Fatalf("changing the output changed the item to %v", show(again))
	}
}

func TestOnWriteSeesEveryCommittedWriteInOrder(t *testing.T) {
	var seen []string
	core := newTable(t, ddbcore.Options{OnWrite: func(w ddbcore.Write) {
		seen = append(seen, w.Key.Hash+": "+show(w.Old)+" -> "+show(w.New))
	}})
	put(t, core, keyed(attrs{"a": n("1")}))
	_, _ = core.Do(epoch, &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: keyed(nil), ConditionExpression: aws.String("attribute_not_exists(p)")})
	mustDo(t, core, &dynamodb.UpdateItemInput{TableName: aws.String("items"), Key: attrs{"p": s("absent")}, UpdateExpression: aws.String("REMOVE a")})
	mustDo(t, core, &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: keyed(nil)})
	mustDo(t, core, &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: keyed(nil)})
	item := `{a: 1, p: "k"}`
	if want := []string{"k: absent -> " + item, "k: " + item + " -> absent"}; !reflect.DeepEqual(seen, want) {
		t.Fatalf("saw %q, want %q", seen, want)
	}
}

func TestBatchesWriteAndReadAcrossTables(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	mustDo(t, core, createTable("others"))
	put(t, core, keyed(attrs{"a": n("1")}))
	mustDo(t, core, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
		"items":  {{DeleteRequest: &types.DeleteRequest{Key: keyed(nil)}}, {PutRequest: &types.PutRequest{Item: attrs{"p": s("x")}}}},
		"others": {{PutRequest: &types.PutRequest{Item: keyed(attrs{"b": n("2")})}}},
	}})
	out := mustDo(t, core, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"items":  {Keys: []map[string]types.AttributeValue{keyed(nil), {"p": s("x")}}},
		"others": {Keys: []map[string]types.AttributeValue{keyed(nil)}, ProjectionExpression: aws.String("b")},
	}}).(*dynamodb.BatchGetItemOutput)
	want := map[string][]map[string]types.AttributeValue{"items": {{"p": s("x")}}, "others": {{"b": n("2")}}}
	if !reflect.DeepEqual(out.Responses, want) {
		t.Fatalf("read %v", out.Responses)
	}
	_, err := core.Do(epoch, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
		"items": {{DeleteRequest: &types.DeleteRequest{Key: keyed(nil)}}, {PutRequest: &types.PutRequest{Item: keyed(nil)}}},
	}})
	if code(err) != "ValidationException" || !strings.Contains(err.Error(), "Provided list of item keys contains duplicates") {
		t.Fatalf("two writes of one item: %v", err)
	}
}

// TestCoresThatShareExpressionsShareNothingElse: no values, items or table of a request.
func TestCoresThatShareExpressionsShareNothingElse(t *testing.T) {
	known := &ddbcore.Expressions{}
	update := func(core *ddbcore.Core, condition, by string) error {
		_, err := core.Do(epoch, &dynamodb.UpdateItemInput{
			TableName: aws.String("items"), Key: attrs{"p": s("a")}, UpdateExpression: aws.String("ADD #n :by"), ConditionExpression: aws.String(condition),
			ExpressionAttributeNames: map[string]string{"#n": "n" + by}, ExpressionAttributeValues: attrs{":by": n(by)},
		})
		return err
	}
	for _, by := range []string{"1", "2"} {
		core := newTable(t, ddbcore.Options{Expressions: known})
		if err := update(core, "attribute_not_exists(#n)", by); err != nil {
			t.Fatalf("by %s: %v", by, err)
		}
		var refused *types.ConditionalCheckFailedException
		if err := update(core, "attribute_not_exists(#n)", by); !errors.As(err, &refused) {
			t.Errorf("by %s, again: %v", by, err)
		}
		if err := update(core, "attribute_not_exists(#n", by); err == nil || errors.As(err, &refused) {
			t.Errorf("by %s, a condition that does not parse: %v", by, err)
		}
		out := mustDo(t, core, &dynamodb.GetItemInput{TableName: aws.String("items"), Key: attrs{"p": s("a")}}).(*dynamodb.GetItemOutput)
		if want := (attrs{"p": s("a"), "n" + by: n(by)}); !reflect.DeepEqual(out.Item, want) {
			t.Errorf("by %s: %v, want %v", by, out.Item, want)
		}
	}
}
