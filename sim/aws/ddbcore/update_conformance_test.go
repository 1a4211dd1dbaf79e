package ddbcore_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

// update is a row: the item (nil: absent) before and after an update, or the text of its
// ValidationException.
type update struct {
	name, source string
	item         attrs
	update       string
	values       attrs
	want         attrs // without the key; nil: absent
	err          string
}

var sets = []update{
	{"SET creates an absent item", updateAPI, nil, "SET a = :v", attrs{":v": n("1")}, attrs{"a": n("1")}, ""},
	{"ADD creates an absent item", updateAPI, nil, "ADD a :v", attrs{":v": n("1")}, attrs{"a": n("1")}, ""},
	{"no expression creates a bare key", itemTest, nil, "", nil, attrs{}, ""},
	{"REMOVE alone does not create", itemTest, nil, "REMOVE a", nil, nil, ""},
	{"REMOVE of a nested path of an absent item", itemTest, nil, "REMOVE a.b", nil, nil, ""},
	{"DELETE alone does not create", itemTest, nil, "DELETE a :v", attrs{":v": ss("x")}, nil, ""},
	{"an update merges", updateAPI, attrs{"a": n("1")}, "SET b = :v", attrs{":v": n("2")}, attrs{"a": n("1"), "b": n("2")}, ""},
	{"right sides read the item before", updateTest, attrs{"a": n("1"), "b": n("2")}, "SET a = b, b = a", nil, attrs{"a": n("2"), "b": n("1")}, ""},
	{"REMOVE what is read", updateTest, attrs{"a": n("1")}, "REMOVE a SET b = a", nil, attrs{"b": n("1")}, ""},
	{"an attribute that is set is not there yet", updateTest, nil, "SET a = :v, b = a", attrs{":v": n("1")}, nil,
		"The provided expression refers to an attribute that does not exist in the item"},
	{"arithmetic", updatePage, attrs{"a": n("5")}, "SET a = a - :v, b = :v + a", attrs{":v": n("7")}, attrs{"a": n("-2"), "b": n("12")}, ""},
	{"arithmetic is exact", numberTest, attrs{"a": n("0.1")}, "SET a = a + :v", attrs{":v": n("0.2")}, attrs{"a": n("0.3")}, ""},
	{"a sum of more than 38 digits", numberTest, attrs{"a": n("1e50")}, "SET a = a + :v", attrs{":v": n("1")}, nil, "Number overflow"},
	{"two operators", updateTest, nil, "SET a = :v + :v + :v", attrs{":v": n("1")}, nil, `Syntax error; token: "+"`},
	{"a string in arithmetic", updateTest, nil, "SET a = :v + :w", attrs{":v": n("1"), ":w": s("x")}, nil, "operator or function: +, operand type: S"},
	{"a stored string in arithmetic", updateTest, attrs{"a": s("x")}, "SET a = a + :v", attrs{":v": n("1")}, nil,
		"An operand in the update expression has an incorrect data type"},
	{"if_not_exists of an absent attribute", updatePage, nil, "SET a = if_not_exists(a, :v)", attrs{":v": n("1")}, attrs{"a": n("1")}, ""},
	{"if_not_exists of a present attribute", updatePage, attrs{"a": n("5")}, "SET a = if_not_exists(a, :v)", attrs{":v": n("1")}, attrs{"a": n("5")}, ""},
	{"if_not_exists nests", updateTest, attrs{"c": n("3")}, "SET a = if_not_exists(a, if_not_exists(c, :v))", attrs{":v": n("1")}, attrs{"a": n("3"), "c": n("3")}, ""},
	{"a counter that starts", updatePage, nil, "SET a = if_not_exists(a, :zero) + :one", attrs{":zero": n("0"), ":one": n("1")}, attrs{"a": n("1")}, ""},
	{"list_append", updatePage, attrs{"a": list(n("1"))}, "SET a = list_append(a, :v)", attrs{":v": list(n("2"))}, attrs{"a": list(n("1"), n("2"))}, ""},
	{"list_append of what may be absent", updateTest, nil, "SET a = list_append(if_not_exists(a, :e), :v)", attrs{":e": list(), ":v": list(n("2"))}, attrs{"a": list(n("2"))}, ""},
	{"list_append of list_append", updateTest, nil, "SET a = list_append(list_append(a, :v), :v)", attrs{":v": list()}, nil,
		"The function is not allowed to be used this way in an expression; function: list_append"},
	{"list_append of a string :value", updateTest, nil, "SET a = list_append(a, :v)", attrs{":v": s("x")}, nil, "operator or function: list_append, operand type: S"},
}

var paths = []update{
	{"SET inside a map", pathsPage, attrs{"a": m(attrs{"b": n("1"), "c": n("2")})}, "SET a.b = :v", attrs{":v": n("9")}, attrs{"a": m(attrs{"b": n("9"), "c": n("2")})}, ""},
	{"SET inside an absent map", updateTest, attrs{"x": n("1")}, "SET a.b = :v", attrs{":v": n("9")}, nil, "The document path provided in the update expression is invalid for update"},
	{"SET an index of a map", updateTest, attrs{"a": m(attrs{})}, "SET a[0] = :v", attrs{":v": n("9")}, nil, "The document path provided in the update expression is invalid for update"},
	{"REMOVE inside an absent map of an existing item", updateTest, attrs{}, "REMOVE a.b", nil, nil, "The document path provided in the update expression is invalid for update"},
	{"SET past the end appends in the order of the indexes", updateTest, attrs{"a": list(n("1"))}, "SET a[9] = :x, a[5] = :y", attrs{":x": n("9"), ":y": n("5")},
		attrs{"a": list(n("1"), n("5"), n("9"))}, ""},
	{"REMOVE indexes of the list before", updateTest, attrs{"a": list(n("0"), n("1"), n("2"), n("3"))}, "REMOVE a[0], a[2], a[7]", nil, attrs{"a": list(n("1"), n("3"))}, ""},
	{"REMOVE past the end beside an append", updateTest, attrs{"a": list(n("0"))}, "REMOVE a[1] SET a[5] = :v", attrs{":v": n("9")}, attrs{"a": list(n("0"), n("9"))}, ""},
	{"two places in one map", updateTest, attrs{"a": m(attrs{"b": list(n("1"))})}, "SET a.b[0] = :v, a.c = :v", attrs{":v": n("9")}, attrs{"a": m(attrs{"b": list(n("9")), "c": n("9")})}, ""},
	{"overlapping paths", errorsTest, attrs{}, "SET a = :v, a.b = :v", attrs{":v": n("1")}, nil,
		"1 validation error detected: Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]"},
	{"conflicting paths", updateTest, attrs{}, "SET a.b = :v, a[1] = :v", attrs{":v": n("1")}, nil, "Two document paths conflict with each other"},
	{"an empty list, map and string may be stored", typesPage, nil, "SET a = :l, b = :m, c = :s", attrs{":l": list(), ":m": m(attrs{}), ":s": s("")},
		attrs{"a": list(), "b": m(attrs{}), "c": s("")}, ""},
	{"an empty set may not", typesPage, nil, "SET a = :v", attrs{":v": ss()}, nil, "An string set  may not be empty"},
	{"a set with duplicates may not", typesPage, nil, "SET a = :v", attrs{":v": ns("1", "1.0")}, nil, "Input collection contains duplicates"},
	{"33 levels may not", quotasPage, nil, "SET a = :v", attrs{":v": nested(33)}, nil, "Nesting Levels have exceeded supported limits"},
	{"32 levels may", quotasPage, nil, "SET a = :v", attrs{":v": nested(32)}, attrs{"a": nested(32)}, ""},
	{"33 levels by a path may not", quotasPage, attrs{"a": list()}, "SET a[0] = :v", attrs{":v": nested(32)}, nil, "Nesting Levels have exceeded supported limits"},
}

var elements = []update{
	{"ADD to a number", updatePage, attrs{"a": n("5")}, "ADD a :v", attrs{":v": n("-7")}, attrs{"a": n("-2")}, ""},
	{"ADD to a set", updatePage, attrs{"a": ss("x")}, "ADD a :v", attrs{":v": ss("y", "x")}, attrs{"a": ss("x", "y")}, ""},
	{"ADD a set to an absent attribute", updatePage, attrs{}, "ADD a :v", attrs{":v": ns("2", "1")}, attrs{"a": ns("1", "2")}, ""},
	{"ADD a set of another type", updateTest, attrs{"a": ss("x")}, "ADD a :v", attrs{":v": ns("1")}, nil, "An operand in the update expression has an incorrect data type"},
	{"ADD a string", updateTest, nil, "ADD a :v", attrs{":v": s("x")}, nil,
		"Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
	{"ADD a list", updateTest, nil, "ADD a :v", attrs{":v": list()}, nil, "operator: ADD, operand type: LIST"},
	{"DELETE from a set", updatePage, attrs{"a": ss("x", "y")}, "DELETE a :v", attrs{":v": ss("x", "z")}, attrs{"a": ss("y")}, ""},
	{"DELETE the last element removes the attribute", updateTest, attrs{"a": ss("x")}, "DELETE a :v", attrs{":v": ss("x")}, attrs{}, ""},
	{"DELETE from an absent attribute", updateTest, attrs{}, "DELETE a :v", attrs{":v": ss("x")}, attrs{}, ""},
	{"DELETE a number", updateTest, nil, "DELETE a :v", attrs{":v": n("1")}, nil, "operator: DELETE, operand type: NUMBER"},
	{"all clauses in any order and case", updateTest, attrs{"a": n("1"), "b": n("1"), "c": ss("x", "y"), "d": n("1")},
		"delete c :x add b :one remove a Set d = :one", attrs{":x": ss("x"), ":one": n("1")}, attrs{"b": n("2"), "c": ss("y"), "d": n("1")}, ""},
	{"a clause twice", errorsTest, nil, "SET a = :v SET b = :v", attrs{":v": n("1")}, nil,
		`1 validation error detected: Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`},
	{"a name that begins with _", updateTest, nil, "SET _123 = :v", attrs{":v": n("1")}, nil, `Invalid UpdateExpression: Syntax error; token: "_", near: "SET _123"`},
	{"a key attribute", updateAPI, attrs{}, "SET p = :v", attrs{":v": s("x")}, nil, "Cannot update attribute p. This attribute is part of the key"},
	{"a value without any expression", errorsTest, nil, "", attrs{":v": s("x")}, nil,
		"1 validation error detected: ExpressionAttributeValues can only be specified when using expressions"},
	{"no values in the map", errorsTest, nil, "SET a = b", attrs{}, nil, "1 validation error detected: ExpressionAttributeValues must not be empty"},
	{"an item over 400 KB", quotasPage, nil, "SET a = :v", attrs{":v": s(strings.Repeat("x", 400<<10))}, nil, "Item size to update has exceeded the maximum allowed size"},
}

func nested(levels int) types.AttributeValue {
	v := list()
	for range levels - 1 {
		v = list(v)
	}
	return v
}

func TestUpdates(t *testing.T) {
	for group, rows := range map[string][]update{"SET": sets, "paths": paths, "ADD, DELETE and requests": elements} {
		for _, row := range rows {
			t.Run(group+"/"+row.name, func(t *testing.T) { row.check(t) })
		}
	}
}

func (row update) check(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	if row.item != nil {
		put(t, core, keyed(row.item))
	}
	before := stored(core)
	_, err := core.Do(epoch, &dynamodb.UpdateItemInput{
		TableName: aws.String("items"), Key: keyed(nil), UpdateExpression: optional(row.update), ExpressionAttributeValues: row.values,
	})
	if row.err != "" {
		if code(err) != "ValidationException" || !strings.Contains(err.Error(), row.err) {
			t.Fatalf("%s: error %v, want %q (%s)", row.update, err, row.err, row.source)
		}
		if after := stored(core); !reflect.DeepEqual(before, after) {
			t.Fatalf("%s was refused and changed the item", row.update)
		}
		return
	}
	if err != nil {
		t.Fatalf("%s: %v (%s)", row.update, err, row.source)
	}
	var want attrs
	if row.want != nil {
		want = keyed(row.want)
	}
	if got := stored(core); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s made %v, want %v (%s)", row.update, show(got), show(want), row.source)
	}
}

// returned is a row of what UpdateItem answers with.
type returned struct {
	name   string
	item   attrs
	update string
	values attrs
	what   types.ReturnValue
	want   attrs
}

var returnedRows = []returned{
	{"NONE", attrs{"a": n("1")}, "SET a = :v", attrs{":v": n("2")}, "NONE", nil},
	{"ALL_OLD", attrs{"a": n("1")}, "SET a = :v", attrs{":v": n("2")}, "ALL_OLD", attrs{"p": s("k"), "a": n("1")}},
	{"ALL_OLD of an absent item", nil, "SET a = :v", attrs{":v": n("2")}, "ALL_OLD", nil},
	{"ALL_NEW", attrs{"b": n("1")}, "SET a = :v", attrs{":v": n("2")}, "ALL_NEW", attrs{"p": s("k"), "a": n("2"), "b": n("1")}},
	{"ALL_NEW after a REMOVE of an absent item", nil, "REMOVE a", nil, "ALL_NEW", nil},
	{"UPDATED_OLD shows what was touched", attrs{"a": n("1"), "b": n("1")}, "SET a = :v, c = :v", attrs{":v": n("2")}, "UPDATED_OLD", attrs{"a": n("1")}},
	{"UPDATED_OLD of a new attribute", attrs{}, "SET a = :v", attrs{":v": n("2")}, "UPDATED_OLD", nil},
	{"UPDATED_NEW has no key", nil, "SET a = :v", attrs{":v": n("2")}, "UPDATED_NEW", attrs{"a": n("2")}},
	{"UPDATED_NEW after REMOVE", attrs{"a": n("1")}, "REMOVE a", nil, "UPDATED_NEW", nil},
	{"UPDATED_OLD of a nested path", attrs{"a": m(attrs{"b": s("x"), "c": list(n("1"), n("2"))})}, "SET a.c[1] = :v, a.b = :v", attrs{":v": n("8")},
		"UPDATED_OLD", attrs{"a": m(attrs{"b": s("x"), "c": list(n("2"))})}},
	{"UPDATED_NEW of what is appended is not shown", attrs{"a": list(n("1"))}, "SET a[100] = :v", attrs{":v": n("8")}, "UPDATED_NEW", nil},
	{"UPDATED_NEW after REMOVE shows what moved up", attrs{"a": list(n("1"), n("2"), n("3"))}, "REMOVE a[1]", nil, "UPDATED_NEW", attrs{"a": list(n("3"))}},
}

func TestReturnValuesOfUpdateItem(t *testing.T) {
	for _, row := range returnedRows {
		t.Run(row.name, func(t *testing.T) {
			core := newTable(t, ddbcore.Options{})
			if row.item != nil {
				put(t, core, keyed(row.item))
			}
			out := mustDo(t, core, &dynamodb.UpdateItemInput{
				TableName: aws.String("items"), Key: keyed(nil), UpdateExpression: aws.String(row.update),
				ExpressionAttributeValues: row.values, ReturnValues: row.what,
			}).(*dynamodb.UpdateItemOutput)
			if !reflect.DeepEqual(out.Attributes, row.want) {
				t.Fatalf("%s of %s returned %v, want %v (%s)", row.what, row.update, show(out.Attributes), show(row.want), returnTest)
			}
		})
	}
}
