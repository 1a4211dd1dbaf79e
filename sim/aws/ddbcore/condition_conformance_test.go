package ddbcore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

// The sources of the rows: pages of the DynamoDB Developer Guide, and test suites that were run
// against AWS.
const (
	functionsPage = "Developer Guide, Expressions.OperatorsAndFunctions"
	namesPage     = "Developer Guide, Expressions.ExpressionAttributeNames"
	valuesPage    = "Developer Guide, Expressions.ExpressionAttributeValues"
	reservedPage  = "Developer Guide, ReservedWords"
	updatePage    = "Developer Guide, Expressions.UpdateExpressions"
	pathsPage     = "Developer Guide, Expressions.Attributes"
	typesPage     = "Developer Guide, HowItWorks.NamingRulesDataTypes"
	quotasPage    = "Developer Guide, ServiceQuotas"
	updateAPI     = "API Reference, UpdateItem"
	putAPI        = "API Reference, PutItem"
	deleteAPI     = "API Reference, DeleteItem"
	conditionTest = "scylladb test/alternator/test_condition_expression.py, run against AWS"
	updateTest    = "scylladb test/alternator/test_update_expression.py, run against AWS"
	returnTest    = "scylladb test/alternator/test_returnvalues.py, run against AWS"
	numberTest    = "scylladb test/alternator/test_number.py, run against AWS"
	itemTest      = "scylladb test/alternator/test_item.py, run against AWS"
	limitsTest    = "scylladb test/alternator/test_limits.py, run against AWS"
	errorsTest    = "moto tests/test_dynamodb/exceptions/test_dynamodb_exceptions.py, run against AWS"
)

// condition is a row: against the item (nil: absent) the condition is true, false, or an error with
// the text.
type condition struct {
	name, source string
	item         attrs
	condition    string
	names        map[string]string
	values       attrs
	want         any // bool or the text of a ValidationException
}

var absentItem = []condition{
	{"attribute_not_exists of any attribute", functionsPage, nil, "attribute_not_exists(a)", nil, nil, true},
	{"attribute_not_exists of the key", functionsPage, nil, "attribute_not_exists(p)", nil, nil, true},
	{"attribute_exists", functionsPage, nil, "attribute_exists(p)", nil, nil, false},
	{"=", conditionTest, nil, "a = :v", nil, attrs{":v": s("x")}, false},
	{"<", conditionTest, nil, "a < :v", nil, attrs{":v": s("x")}, false},
	{">=", conditionTest, nil, "a >= :v", nil, attrs{":v": s("x")}, false},
	{"BETWEEN", conditionTest, nil, "a BETWEEN :v AND :v", nil, attrs{":v": s("x")}, false},
	{"IN", conditionTest, nil, "a IN (:v)", nil, attrs{":v": s("x")}, false},
	{"begins_with", conditionTest, nil, "begins_with(a, :v)", nil, attrs{":v": s("x")}, false},
	{"contains", conditionTest, nil, "contains(a, :v)", nil, attrs{":v": s("x")}, false},
	{"size", conditionTest, nil, "size(a) = :v", nil, attrs{":v": n("0")}, false},
	{"<> is true", conditionTest, nil, "a <> :v", nil, attrs{":v": s("x")}, true},
	{"<> of two missing attributes is true", conditionTest, nil, "a <> b", nil, nil, true},
	{"= of two missing attributes is false", conditionTest, nil, "a = b", nil, nil, false},
	{"NOT is the complement", conditionTest, nil, "NOT (a = :v)", nil, attrs{":v": s("x")}, true},
	{"<> of the key itself is true", conditionTest, nil, "p <> :v", nil, attrs{":v": s("k")}, true},
}

var comparisons = []condition{
	{"types that differ are not equal", conditionTest, attrs{"a": n("1")}, "a = :v", nil, attrs{":v": s("1")}, false},
	{"types that differ are <>", conditionTest, attrs{"a": n("1")}, "a <> :v", nil, attrs{":v": s("1")}, true},
	{"order across types is false", conditionTest, attrs{"a": n("1")}, "a < :v", nil, attrs{":v": s("2")}, false},
	{"numbers compare by value", typesPage, attrs{"a": n("9")}, "a < :v", nil, attrs{":v": n("10")}, true},
	{"numbers compare beyond a float's precision", typesPage, attrs{"a": n("12345678901234567890123456789012345678")}, "a < :v", nil,
		attrs{":v": n("12345678901234567890123456789012345679")}, true},
	{"equal numbers with other text", numberTest, attrs{"a": n("1e2")}, "a = :v", nil, attrs{":v": n("100.00")}, true},
	{"negative numbers", typesPage, attrs{"a": n("-10")}, "a < :v", nil, attrs{":v": n("-9.5")}, true},
	{"strings compare by UTF-8 bytes", typesPage, attrs{"a": s("Z")}, "a < :v", nil, attrs{":v": s("é")}, true},
	{"bytes compare unsigned", typesPage, attrs{"a": bin("\x7f")}, "a < :v", nil, attrs{":v": bin("\x80")}, true},
	{"sets compare without order", conditionTest, attrs{"a": ss("x", "y")}, "a = :v", nil, attrs{":v": ss("y", "x")}, true},
	{"nested sets compare without order", conditionTest, attrs{"a": list(ns("1", "2"))}, "a = :v", nil, attrs{":v": list(ns("2", "1.0"))}, true},
	{"maps compare deeply", conditionTest, attrs{"a": m(attrs{"x": n("1")})}, "a = :v", nil, attrs{":v": m(attrs{"x": n("1")})}, true},
	{"a list :value has no order", conditionTest, nil, "a < :v", nil, attrs{":v": list()}, "Incorrect operand type for operator or function; operator or function: <, operand type: L"},
	{"a list attribute is just not ordered", conditionTest, attrs{"a": list()}, "a < b", nil, nil, false},
	{"< is strict", functionsPage, attrs{"a": n("5")}, "a < :v", nil, attrs{":v": n("5.0")}, false},
	{"> is strict", functionsPage, attrs{"a": s("x")}, "a > :v", nil, attrs{":v": s("x")}, false},
	{"<= takes the equal", functionsPage, attrs{"a": n("5")}, "a <= :v", nil, attrs{":v": n("5.0")}, true},
	{">= takes the equal", functionsPage, attrs{"a": bin("x")}, "a >= :v", nil, attrs{":v": bin("x")}, true},
	{"BETWEEN includes its ends", functionsPage, attrs{"a": n("5")}, "a BETWEEN :x AND :y", nil, attrs{":x": n("5"), ":y": n("5")}, true},
	{"BETWEEN of a :value and attributes", conditionTest, attrs{"a": n("1"), "b": n("3")}, ":v BETWEEN a AND b", nil, attrs{":v": n("2")}, true},
	{"BETWEEN with bounds of two types", conditionTest, nil, "a BETWEEN :x AND :y", nil, attrs{":x": n("5"), ":y": s("6")},
		"The BETWEEN operator requires same data type for lower and upper bounds"},
	{"BETWEEN with bounds in the wrong order", conditionTest, nil, "a BETWEEN :x AND :y", nil, attrs{":x": n("10"), ":y": n("9")},
		"The BETWEEN operator requires upper bound to be greater than or equal to lower bound"},
	{"IN finds one of many", functionsPage, attrs{"a": n("2")}, "a IN (:x, :y)", nil, attrs{":x": n("1"), ":y": n("2")}, true},
	{"an attribute compared with itself", errorsTest, nil, "a = a", nil, nil, "The first operand must be distinct from the remaining operands"},
}

var functions = []condition{
	{"attribute_type by its short name", functionsPage, attrs{"a": ss("x")}, "attribute_type(a, :t)", nil, attrs{":t": s("SS")}, true},
	{"attribute_type of another type", functionsPage, attrs{"a": ss("x")}, "attribute_type(a, :t)", nil, attrs{":t": s("S")}, false},
	{"attribute_type with an unknown type", conditionTest, nil, "attribute_type(a, :t)", nil, attrs{":t": s("STRING")}, "Invalid attribute type name found; type: STRING"},
	{"begins_with of a string", functionsPage, attrs{"a": s("hello")}, "begins_with(a, :v)", nil, attrs{":v": s("he")}, true},
	{"begins_with of a number attribute is false", conditionTest, attrs{"a": n("12")}, "begins_with(a, :v)", nil, attrs{":v": s("1")}, false},
	{"begins_with a number :value", conditionTest, nil, "begins_with(a, :v)", nil, attrs{":v": n("1")}, "operator or function: begins_with, operand type: N"},
	{"contains a substring", functionsPage, attrs{"a": s("hello")}, "contains(a, :v)", nil, attrs{":v": s("ell")}, true},
	{"contains an element of a set", functionsPage, attrs{"a": ns("1", "2")}, "contains(a, :v)", nil, attrs{":v": n("2.0")}, true},
	{"contains an element of a list of any type", conditionTest, attrs{"a": list(n("1"), m(attrs{}))}, "contains(a, :v)", nil, attrs{":v": m(attrs{})}, true},
	{"contains of one path twice", errorsTest, nil, "contains(#a, #a)", map[string]string{"#a": "data"}, nil,
		"operator: contains, first operand: [data]"},
	{"size of a string", functionsPage, attrs{"a": s("hello")}, "size(a) = :v", nil, attrs{":v": n("5")}, true},
	{"size of a map", functionsPage, attrs{"a": m(attrs{"x": n("1")})}, "size(a) > :v", nil, attrs{":v": n("0")}, true},
	{"size of a number attribute is false", conditionTest, attrs{"a": n("5")}, "size(a) > :v", nil, attrs{":v": n("0")}, false},
	{"size of a number :value", conditionTest, nil, "size(:v) > :v", nil, attrs{":v": n("0")}, "operator or function: size, operand type: N"},
	{"size alone", conditionTest, nil, "size(a)", nil, nil, "The function is not allowed to be used this way in an expression; function: size"},
	{"a condition's function compared", conditionTest, nil, "attribute_exists(a) < :v", nil, attrs{":v": n("1")},
		"The function is not allowed to be used this way in an expression; function: attribute_exists"},
	{"if_not_exists in a condition", conditionTest, nil, "if_not_exists(a, :v) = :v", nil, attrs{":v": n("1")},
		"The function is not allowed to be used this way in an expression; function: if_not_exists"},
	{"attribute_exists of a :value", conditionTest, nil, "attribute_exists(:v)", nil, attrs{":v": n("1")}, "Operator or function requires a document path"},
	{"an unknown function", functionsPage, nil, "f(a)", nil, nil, "Invalid ConditionExpression: Invalid function name; function: f"},
	{"function names have a case", conditionTest, nil, "SIZE(a) = :v", nil, attrs{":v": n("1")}, "Invalid function name; function: SIZE"},
	{"too many operands", conditionTest, nil, "size(a, b) = :v", nil, attrs{":v": n("1")},
		"Incorrect number of operands for operator or function; operator or function: size, number of operands: 2"},
}

var grammar = []condition{
	{"AND binds tighter than OR", functionsPage, attrs{"a": n("1")}, "a = :v OR a = :v AND b = :v", nil, attrs{":v": n("1")}, true},
	{"NOT binds tighter than AND", functionsPage, attrs{"a": n("1")}, "NOT b = :v AND a = :v", nil, attrs{":v": n("1")}, true},
	{"NOT NOT", conditionTest, attrs{"a": n("1")}, "NOT NOT a=:v", nil, attrs{":v": n("1")}, true},
	{"keywords have no case", conditionTest, attrs{"a": n("1")}, "nOt b = :v aNd a bEtWeEn :v and :v", nil, attrs{":v": n("1")}, true},
	{"parentheses once", conditionTest, attrs{"a": n("1")}, "((a = :v) AND a = :v)", nil, attrs{":v": n("1")}, true},
	{"parentheses twice", conditionTest, nil, "((a = :v))", nil, attrs{":v": n("1")}, "Invalid ConditionExpression: The expression has redundant parentheses;"},
	{"a bare path", conditionTest, nil, "a", nil, nil, `Syntax error; token: "<EOF>"`},
	{"an unknown operator", conditionTest, nil, "a != :v", nil, attrs{":v": n("1")}, `Syntax error; token: "!", near: "a !="`},
	{"an empty expression", errorsTest, nil, " ", nil, nil, "Invalid ConditionExpression: The expression can not be empty;"},
	{"nested paths", pathsPage, attrs{"a": m(attrs{"b": list(n("1"), n("2"))})}, "a.b[1] = :v", nil, attrs{":v": n("2")}, true},
	{"a dot in a name is no path", namesPage, attrs{"a": m(attrs{"b": n("1")})}, "attribute_exists(#x)", map[string]string{"#x": "a.b"}, nil, false},
	{"a reserved word", reservedPage, nil, "status = :v", nil, attrs{":v": n("1")}, "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: status"},
	{"a reserved word behind a placeholder", reservedPage, attrs{"status": n("1")}, "#s = :v", map[string]string{"#s": "status"}, attrs{":v": n("1")}, true},
	{"a reserved word inside a path", reservedPage, nil, "a.Status = :v", nil, attrs{":v": n("1")}, "reserved keyword: Status"},
	{"an undefined name", namesPage, nil, "#x = :v", nil, attrs{":v": n("1")},
		"An expression attribute name used in the document path is not defined; attribute name: #x"},
	{"an undefined value", valuesPage, nil, "a = :v", nil, nil,
		"An expression attribute value used in expression is not defined; attribute value: :v"},
	{"an undefined value that is never evaluated", conditionTest, attrs{"a": n("1")}, "attribute_exists(a) OR a = :v", nil, nil, "attribute value: :v"},
	{"a name unused", namesPage, nil, "attribute_exists(a)", map[string]string{"#b": "b", "#a": "a"}, nil,
		"Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"},
	{"a value unused", valuesPage, nil, "attribute_exists(a)", nil, attrs{":v": n("1")},
		"Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"},
	{"a value with an invalid number", numberTest, nil, "a = :v", nil, attrs{":v": n("b")}, "The parameter cannot be converted to a numeric value: b"},
	{"300 operators", limitsTest, attrs{"a": n("1")}, strings.Repeat("a=:v OR ", 150) + "b=:v", nil, attrs{":v": n("1")}, "operator count: 301"},
	{"too many bytes", limitsTest, nil, strings.Repeat(" ", 4090) + "a = :vvvv", nil, attrs{":v": n("1")}, "Expression size has exceeded the maximum allowed size; expression size: 4099"},
	{"100 candidates of IN", limitsTest, nil, "a IN (" + strings.Repeat(":v,", 99) + ":v)", nil, attrs{":v": n("1")}, "number of operands: 101"},
}

func TestConditions(t *testing.T) {
	for group, rows := range map[string][]condition{
		"absent item": absentItem, "comparisons": comparisons, "functions": functions, "grammar": grammar,
	} {
		for _, row := range rows {
			t.Run(group+"/"+row.name, func(t *testing.T) { row.check(t) })
		}
	}
}

// check asks by a ConditionCheck, which changes nothing.
func (row condition) check(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	if row.item != nil {
		put(t, core, keyed(row.item))
	}
	_, err := core.Do(epoch, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{
		ConditionCheck: &types.ConditionCheck{
			TableName: aws.String("items"), Key: keyed(nil), ConditionExpression: aws.String(row.condition),
			ExpressionAttributeNames: row.names, ExpressionAttributeValues: row.values,
		},
	}}})
	if text, wantsError := row.want.(string); wantsError {
		if code(err) != "ValidationException" || !strings.Contains(err.Error(), text) {
			t.Fatalf("%s: error %v, want %q (%s)", row.condition, err, text, row.source)
		}
		return
	}
	var cancelled *types.TransactionCanceledException
	holds := err == nil
	if !holds && !errors.As(err, &cancelled) {
		t.Fatalf("%s: %v (%s)", row.condition, err, row.source)
	}
	if holds != row.want.(bool) {
		t.Fatalf("%s on %v is %v (%s)", row.condition, row.item, holds, row.source)
	}
}
