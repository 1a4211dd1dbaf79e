package ddbcore_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

// createRanged makes a table with the keys p (S) and c (N), a global index byA on a (S) and r (N)
// with only b besides the keys, and a local index byR on p and r with only the keys.
func createRanged() *dynamodb.CreateTableInput {
	key := func(hash, rng string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: aws.String(hash), KeyType: "HASH"}, {AttributeName: aws.String(rng), KeyType: "RANGE"}}
	}
	var definitions []types.AttributeDefinition
	for name, kind := range map[string]types.ScalarAttributeType{"p": "S", "c": "N", "a": "S", "r": "N"} {
		definitions = append(definitions, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind})
	}
	return &dynamodb.CreateTableInput{
		TableName: aws.String("items"), BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: definitions, KeySchema: key("p", "c"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("byA"), KeySchema: key("a", "r"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"b"}}}},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{IndexName: aws.String("byR"), KeySchema: key("p", "r"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}},
	}
}

// tenInARow has ten items of one hash, c = 1 … 10, r falling, and one of another hash.
func tenInARow(t *testing.T) *ddbcore.Core {
	core := ddbcore.New(ddbcore.Options{})
	mustDo(t, core, createRanged())
	for i := 1; i <= 10; i++ {
		put(t, core, attrs{"p": s("k"), "c": n(strconv.Itoa(i)), "a": s("x"), "r": n(strconv.Itoa(-i)), "b": s("b"), "d": n(strconv.Itoa(i % 2))})
	}
	put(t, core, attrs{"p": s("other"), "c": n("5")})
	return core
}

func rangeKeys(items []map[string]types.AttributeValue) string {
	var keys []string
	for _, it := range items {
		keys = append(keys, it["c"].(*types.AttributeValueMemberN).Value)
	}
	return strings.Join(keys, " ")
}

// TestKeyConditions (Developer Guide, Query.KeyConditionExpressions; scylladb
// test/alternator/test_key_condition_expression.py, run against AWS).
func TestKeyConditions(t *testing.T) {
	core := tenInARow(t)
	v := attrs{":p": s("k"), ":x": n("4"), ":y": n("6")}
	for condition, want := range map[string]string{
		"p = :p":                               "1 2 3 4 5 6 7 8 9 10",
		"p = :p AND c = :x":                    "4",
		"c < :x AND p = :p":                    "1 2 3",
		"p = :p AND c <= :x":                   "1 2 3 4",
		"p = :p AND c > :y":                    "7 8 9 10",
		"p = :p AND c >= :y":                   "6 7 8 9 10",
		":p = p AND :y < c":                    "7 8 9 10",
		"((p = :p) and (c between :x and :y))": "4 5 6",
		"p = :p AND c < :x AND p = :p":         "! Conditions can be of length 1 or 2 only",
		"p = :p AND p = :p":                    "! KeyConditionExpressions must only contain one condition per key",
		"p < :p":                               "! Query key condition not supported",
		"c = :x":                               "! Query condition missed key schema element: p",
		"p = :p AND d = :x":                    "! Query condition missed key schema element: c",
		"p = :x":                               "! Condition parameter type does not match schema type",
		"p = :p OR c = :x":                     "! Invalid operator used in KeyConditionExpression: OR",
		"NOT p = :p":                           "! Invalid operator used in KeyConditionExpression: NOT",
		"p = :p AND c <> :x":                   "! Invalid operator used in KeyConditionExpression: <>",
		"p = :p AND attribute_exists(c)":       "! Invalid operator used in KeyConditionExpression: attribute_exists",
		"p = :p AND begins_with(c, :x)":        "! operator or function: begins_with, operand type: N",
		"p = :p AND a.b < :x":                  "! KeyConditionExpressions cannot have conditions on nested attributes",
		"p = c":                                "! Multiple attribute names used in one condition",
		":p = :x":                              "! No key attribute specified",
		"((p = :p))":                           "! Invalid KeyConditionExpression: The expression has redundant parentheses;",
		"p = :p AND size(c) = :x":              "! KeyConditionExpressions cannot contain nested operations",
	} {
		values := attrs{}
		for name, value := range v {
			if strings.Contains(condition, name) {
				values[name] = value
			}
		}
		if len(values) == 0 {
			values = nil
		}
		out, err := core.Do(epoch, &dynamodb.QueryInput{TableName: aws.String("items"), KeyConditionExpression: aws.String(condition), ExpressionAttributeValues: values})
		if text, refused := strings.CutPrefix(want, "! "); refused {
			if code(err) != "ValidationException" || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: error %v, want %q", condition, err, text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", condition, err)
		} else if got := rangeKeys(out.(*dynamodb.QueryOutput).Items); got != want {
			t.Errorf("%s selected %s, want %s", condition, got, want)
		}
	}
}

func TestPrefixesSelectARangeOfText(t *testing.T) {
	core := ddbcore.New(ddbcore.Options{})
	in := createTable("items")
	in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("c"), AttributeType: "B"})
	in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String("c"), KeyType: "RANGE"})
	mustDo(t, core, in)
	for _, c := range []string{"a", "ab", "ab\xff", "ac", "\xff", "\xff\xff"} {
		put(t, core, keyed(attrs{"c": bin(c)}))
	}
	for prefix, want := range map[string]int{"a": 4, "ab": 2, "\xff": 2, "x": 0} {
		out := mustDo(t, core, &dynamodb.QueryInput{TableName: aws.String("items"), KeyConditionExpression: aws.String("p = :p AND begins_with(c, :c)"),
			ExpressionAttributeValues: attrs{":p": s("k"), ":c": bin(prefix)}}).(*dynamodb.QueryOutput)
		if int(out.Count) != want {
			t.Errorf("%q begins %d, want %d", prefix, out.Count, want)
		}
	}
}

// TestPagesByLimit: Limit counts what is evaluated, before the filter (Developer Guide,
// Query.Pagination).
func TestPagesByLimit(t *testing.T) {
	core := tenInARow(t)
	in := &dynamodb.QueryInput{
		TableName: aws.String("items"), KeyConditionExpression: aws.String("p = :p"), FilterExpression: aws.String("d = :one"),
		ExpressionAttributeValues: attrs{":p": s("k"), ":one": n("1")}, Limit: aws.Int32(4), ScanIndexForward: aws.Bool(false),
	}
	var pages []string
	for len(pages) < 10 {
		out := mustDo(t, core, in).(*dynamodb.QueryOutput)
		pages = append(pages, fmt.Sprintf("%s (%d of %d)", rangeKeys(out.Items), out.Count, out.ScannedCount))
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	if want := []string{"9 7 (2 of 4)", "5 3 (2 of 4)", "1 (1 of 2)"}; !slices.Equal(pages, want) {
		t.Fatalf("pages %q, want %q", pages, want)
	}
}

func TestAPageEndsAtOneMegabyte(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	for i := range 5 {
		put(t, core, attrs{"p": s(strconv.Itoa(i)), "a": s(strings.Repeat("x", 300<<10))})
	}
	out := mustDo(t, core, &dynamodb.ScanInput{TableName: aws.String("items")}).(*dynamodb.ScanOutput)
	if out.Count != 4 || !reflect.DeepEqual(out.LastEvaluatedKey, attrs{"p": s("3")}) {
		t.Fatalf("%d items, last %v", out.Count, show(out.LastEvaluatedKey))
	}
}

func TestIndexesProjectAndRefuse(t *testing.T) {
	core := tenInARow(t)
	query := func(index, condition string, change func(*dynamodb.QueryInput)) (*dynamodb.QueryOutput, error) {
		in := &dynamodb.QueryInput{TableName: aws.String("items"), IndexName: aws.String(index), KeyConditionExpression: aws.String(condition),
			ExpressionAttributeValues: attrs{":v": s("x")}, Limit: aws.Int32(1)}
		if strings.HasPrefix(condition, "p") {
			in.ExpressionAttributeValues = attrs{":v": s("k")}
		}
		if change != nil {
			change(in)
		}
		out, err := core.Do(epoch, in)
		if err != nil {
			return nil, err
		}
		return out.(*dynamodb.QueryOutput), nil
	}
	all := attrs{"p": s("k"), "c": n("10"), "a": s("x"), "r": n("-10"), "b": s("b"), "d": n("0")}
	key := attrs{"p": s("k"), "c": n("10"), "a": s("x"), "r": n("-10")}
	included := attrs{"p": s("k"), "c": n("10"), "a": s("x"), "r": n("-10"), "b": s("b")}
	keysOnly := attrs{"p": s("k"), "c": n("10"), "r": n("-10")}
	out, err := query("byA", "a = :v", nil)
	if err != nil || !reflect.DeepEqual(out.Items, []map[string]types.AttributeValue{included}) || !reflect.DeepEqual(out.LastEvaluatedKey, key) {
		t.Fatalf("a global index projects %v, %v", out, err)
	}
	if out, err = query("byR", "p = :v", nil); err != nil || !reflect.DeepEqual(out.Items[0], keysOnly) {
		t.Fatalf("a local index projects %v, %v", out, err)
	}
	fetch := func(in *dynamodb.QueryInput) {
		in.Select = types.SelectAllAttributes
		in.ConsistentRead = aws.Bool(true)
	}
	if out, err = query("byR", "p = :v", fetch); err != nil || !reflect.DeepEqual(out.Items[0], all) {
		t.Fatalf("a local index fetches %v, %v", out, err)
	}
	for text, change := range map[string]func(*dynamodb.QueryInput){
		"Consistent reads are not supported on global secondary indexes": func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(true) },
		"Select type ALL_ATTRIBUTES is not supported":                    func(in *dynamodb.QueryInput) { in.Select = types.SelectAllAttributes },
		"The table does not have the specified index: none":              func(in *dynamodb.QueryInput) { in.IndexName = aws.String("none") },
		"The provided starting key is invalid":                           func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = keyed(nil) },
		"can only contain non-primary key attributes":                    func(in *dynamodb.QueryInput) { in.FilterExpression = aws.String("r <> a") },
		"Member must satisfy enum value set":                             func(in *dynamodb.QueryInput) { in.Select = "ALL" },
	} {
		if _, err := query("byA", "a = :v", change); code(err) != "ValidationException" || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %q", err, text)
		}
	}
	_, err = core.Do(epoch, &dynamodb.PutItemInput{TableName: aws.String("items"), Item: attrs{"p": s("k"), "c": n("1"), "a": n("1")}})
	if code(err) != "ValidationException" || !strings.Contains(err.Error(), "Type mismatch for Index Key a Expected: S Actual: N IndexName: byA") {
		t.Errorf("an index key of the wrong type: %v", err)
	}
}

// row is an item of the plain model, a list in no order.
type row struct{ p, c, a, r int }

func (w row) item() attrs {
	it := attrs{"p": s(strconv.Itoa(w.p)), "c": n(strconv.Itoa(w.c))}
	if w.a > 0 {
		it["a"] = s(strconv.Itoa(w.a))
	}
	if w.r > 0 {
		it["r"] = n(strconv.Itoa(w.r))
	}
	return it
}

// TestAnIndexAgreesWithSortingAList: after any writes, the pages of an index together equal a plain
// list, filtered and sorted.
func TestAnIndexAgreesWithSortingAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		core := ddbcore.New(ddbcore.Options{})
		if _, err := core.Do(epoch, createRanged()); err != nil {
			t.Fatalf("create: %v", err)
		}
		model := map[[2]int]row{}
		small := rapid.IntRange(0, 2)
		for range rapid.IntRange(1, 25).Draw(t, "writes") {
			w := row{small.Draw(t, "p"), rapid.IntRange(-3, 12).Draw(t, "c"), small.Draw(t, "a"), rapid.IntRange(0, 11).Draw(t, "r")}
			var in any = &dynamodb.PutItemInput{TableName: aws.String("items"), Item: w.item()}
			model[[2]int{w.p, w.c}] = w
			if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
				in = &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: attrs{"p": w.item()["p"], "c": w.item()["c"]}}
				delete(model, [2]int{w.p, w.c})
			}
			if _, err := core.Do(epoch, in); err != nil {
				t.Fatalf("write: %v", err)
			}
		}
		backward := rapid.Bool().Draw(t, "backward")
		want := []string{}
		var rows []row
		for _, w := range model {
			if w.a == 1 && w.r >= 3 {
				rows = append(rows, w)
			}
		}
		slices.SortFunc(rows, func(x, y row) int { return cmp.Or(x.r-y.r, x.p-y.p, x.c-y.c) })
		if backward {
			slices.Reverse(rows)
		}
		for _, w := range rows {
			want = append(want, fmt.Sprint(w.p, w.c))
		}
		in := &dynamodb.QueryInput{
			TableName: aws.String("items"), IndexName: aws.String("byA"), KeyConditionExpression: aws.String("a = :a AND r >= :r"),
			ExpressionAttributeValues: attrs{":a": s("1"), ":r": n("3")}, ScanIndexForward: aws.Bool(!backward),
			Limit: aws.Int32(int32(rapid.IntRange(1, 4).Draw(t, "limit"))),
		}
		got := []string{}
		for page := 0; page == 0 || in.ExclusiveStartKey != nil && page < 50; page++ {
			out, err := core.Do(epoch, in)
			if err != nil {
				t.Fatalf("query: %v", err)
			}
			for _, it := range out.(*dynamodb.QueryOutput).Items {
				got = append(got, it["p"].(*types.AttributeValueMemberS).Value+" "+it["c"].(*types.AttributeValueMemberN).Value)
			}
			in.ExclusiveStartKey = out.(*dynamodb.QueryOutput).LastEvaluatedKey
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the index gives %v, the list %v", got, want)
		}
		out, err := core.Do(epoch, &dynamodb.ScanInput{TableName: aws.String("items"), Select: types.SelectCount})
		if err != nil || int(out.(*dynamodb.ScanOutput).Count) != len(model) {
			t.Fatalf("a scan counts %v of %d, %v", out, len(model), err)
		}
	})
}

// TestAnEventualReadMayReturnTheVersionBefore (Developer Guide, HowItWorks.ReadConsistency).
func TestAnEventualReadMayReturnTheVersionBefore(t *testing.T) {
	stale := false
	core := ddbcore.New(ddbcore.Options{Choose: func(n int, label string) int {
		if stale && n == 2 && label == "stale-read" {
			return 1
		}
		return 0
	}})
	mustDo(t, core, createRanged())
	write := func(a, b string) {
		put(t, core, attrs{"p": s("k"), "c": n("1"), "a": s(a), "r": n("1"), "b": s(b)})
	}
	get := func(consistent bool) string {
		out := mustDo(t, core, &dynamodb.GetItemInput{TableName: aws.String("items"), Key: attrs{"p": s("k"), "c": n("1")}, ConsistentRead: aws.Bool(consistent)})
		if it := out.(*dynamodb.GetItemOutput).Item; it != nil {
			return it["b"].(*types.AttributeValueMemberS).Value
		}
		return "absent"
	}
	count := func(a string) int32 {
		return mustDo(t, core, &dynamodb.QueryInput{TableName: aws.String("items"), IndexName: aws.String("byA"), KeyConditionExpression: aws.String("a = :a"),
			ExpressionAttributeValues: attrs{":a": s(a)}}).(*dynamodb.QueryOutput).Count
	}
	expect := func(when, fresh, before string, countX, countY [2]int32) {
		t.Helper()
		for i, want := range []string{fresh, before} {
			stale = i == 1
			if got := get(false); got != want {
				t.Fatalf("%s, stale %v: %s, want %s", when, stale, got, want)
			}
			if got := get(true); got != fresh {
				t.Fatalf("%s: a consistent read gives %s, want %s", when, got, fresh)
			}
			if x, y := count("x"), count("y"); x != countX[i] || y != countY[i] {
				t.Fatalf("%s, stale %v: the index has %d and %d, want %d and %d", when, stale, x, y, countX[i], countY[i])
			}
		}
	}
	expect("nothing written", "absent", "absent", [2]int32{0, 0}, [2]int32{0, 0})
	write("x", "1")
	expect("first version", "1", "absent", [2]int32{1, 0}, [2]int32{0, 0})
	write("y", "2")
	expect("moved in the index", "2", "1", [2]int32{0, 1}, [2]int32{1, 0})
	write("y", "3")
	expect("second version there", "3", "2", [2]int32{0, 0}, [2]int32{1, 1})
	mustDo(t, core, &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: attrs{"p": s("k"), "c": n("1")}})
	expect("deleted", "absent", "3", [2]int32{0, 0}, [2]int32{0, 1})
	write("x", "4")
	expect("written again", "4", "absent", [2]int32{1, 0}, [2]int32{0, 0})
}

func TestTablesAreListedInPages(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	mustDo(t, core, createTable("zzz"))
	mustDo(t, core, createTable("aaa"))
	in := &dynamodb.ListTablesInput{Limit: aws.Int32(2)}
	first := mustDo(t, core, in).(*dynamodb.ListTablesOutput)
	in.ExclusiveStartTableName = first.LastEvaluatedTableName
	second := mustDo(t, core, in).(*dynamodb.ListTablesOutput)
	if !slices.Equal(first.TableNames, []string{"aaa", "items"}) || !slices.Equal(second.TableNames, []string{"zzz"}) || second.LastEvaluatedTableName != nil {
		t.Fatalf("pages %v and %v", first.TableNames, second.TableNames)
	}
	mustDo(t, core, &dynamodb.DeleteTableInput{TableName: aws.String("zzz")})
	if _, err := core.Do(epoch, &dynamodb.DescribeTableInput{TableName: aws.String("zzz")}); code(err) != "ResourceNotFoundException" {
		t.Fatalf("a deleted table: %v", err)
	}
	described := mustDo(t, core, &dynamodb.DescribeTableInput{TableName: aws.String("aaa")}).(*dynamodb.DescribeTableOutput).Table
	if described.TableStatus != types.TableStatusActive || *described.TableArn != "arn:aws:dynamodb:us-east-1:000000000000:table/aaa" {
		t.Fatalf("described as %v, %v", described.TableStatus, *described.TableArn)
	}
}
