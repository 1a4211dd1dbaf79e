package ddbcore_test

import (
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

var (
	genText   = rapid.SampledFrom([]string{"", "a", "ab", "b", "é", "Z"})
	genNumber = rapid.SampledFrom([]string{"0", "-0", "1", "1.0", "-1", "2", "10", "9.99", "1e3", "1000", "1e-20", "12345678901234567890123456789012345678"})
	genName   = rapid.SampledFrom([]string{"a", "b", "c"})
	genStep   = rapid.OneOf(rapid.Map(genName, func(s string) any { return s }), rapid.Map(rapid.IntRange(0, 3), func(i int) any { return i }))
	genSteps  = rapid.Custom(func(t *rapid.T) []any {
		return append([]any{genName.Draw(t, "head")}, rapid.SliceOfN(genStep, 0, 2).Draw(t, "steps")...)
	})
	genScalar = rapid.OneOf(
		rapid.Map(genText, s), rapid.Map(genNumber, n), rapid.Map(genText, bin), rapid.Map(rapid.Bool(), boolean), rapid.Just(null()),
		rapid.Map(rapid.SliceOfNDistinct(genText, 1, 3, rapid.ID), func(v []string) types.AttributeValue { return ss(v...) }),
		rapid.Map(rapid.SliceOfNDistinct(rapid.IntRange(-2, 2), 1, 3, rapid.ID), func(v []int) types.AttributeValue {
			var texts []string
			for _, i := range v {
				texts = append(texts, fmt.Sprint(i))
			}
			return ns(texts...)
		}),
	)
	genItem = rapid.MapOfN(genName, genValue(2), 0, 3)
)

// drawnValue and drawnItem are values as rapid logs them: the SDK's own are pointers.
type (
	drawnValue struct{ types.AttributeValue }
	drawnItem  attrs
)

func (v drawnValue) GoString() string { return showValue(v.AttributeValue) }
func (it drawnItem) GoString() string { return show(attrs(it)) }

func draw(t *rapid.T, gen *rapid.Generator[types.AttributeValue], label string) types.AttributeValue {
	return rapid.Map(gen, func(v types.AttributeValue) drawnValue { return drawnValue{v} }).Draw(t, label).AttributeValue
}

func drawItem(t *rapid.T) attrs {
	return attrs(rapid.Map(genItem, func(it attrs) drawnItem { return drawnItem(it) }).Draw(t, "item"))
}

func genValue(depth int) *rapid.Generator[types.AttributeValue] {
	if depth == 0 {
		return genScalar
	}
	inner := genValue(depth - 1)
	return rapid.OneOf(genScalar,
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(v []types.AttributeValue) types.AttributeValue { return list(v...) }),
		rapid.Map(rapid.MapOfN(genName, inner, 0, 3), m))
}

// genOperand is often a value of a few numbers and texts, so that equal ones meet.
func genOperand(t *rapid.T, label string) expr {
	switch rapid.IntRange(0, 5).Draw(t, label) {
	case 0:
		return expr{op: "VALUE", value: draw(t, genScalar, "value")}
	case 5:
		return expr{op: "VALUE", value: draw(t, rapid.OneOf(rapid.Map(genText, s), rapid.Map(genNumber, n)), "plain value")}
	case 1:
		return expr{op: "size", args: []expr{{op: "PATH", steps: genSteps.Draw(t, "sized")}}}
	}
	return expr{op: "PATH", steps: genSteps.Draw(t, "path")}
}

func genCondition(t *rapid.T, depth int) expr {
	if depth > 0 {
		switch rapid.IntRange(0, 4).Draw(t, "node") {
		case 0, 1:
			op := rapid.SampledFrom([]string{"AND", "OR"}).Draw(t, "op")
			return expr{op: op, args: []expr{genCondition(t, depth-1), genCondition(t, depth-1)}}
		case 2:
			return expr{op: "NOT", args: []expr{genCondition(t, depth-1)}}
		}
	}
	path := expr{op: "PATH", steps: genSteps.Draw(t, "subject")}
	switch op := rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "attribute_exists",
		"attribute_not_exists", "begins_with", "contains"}).Draw(t, "op"); op {
	case "attribute_exists", "attribute_not_exists":
		return expr{op: op, args: []expr{path}}
	case "begins_with":
		return expr{op: op, args: []expr{path, {op: "VALUE", value: draw(t, rapid.OneOf(rapid.Map(genText, s), rapid.Map(genText, bin)), "prefix")}}}
	case "contains":
		return expr{op: op, args: []expr{path, {op: "VALUE", value: draw(t, rapid.OneOf(genScalar, genValue(1)), "part")}}}
	case "BETWEEN", "IN":
		return expr{op: op, args: []expr{genOperand(t, "x"), genOperand(t, "y"), genOperand(t, "z")}}
	default:
		return expr{op: op, args: []expr{genOperand(t, "x"), genOperand(t, "y")}}
	}
}

func TestConditionsAgreeWithTheReference(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		it := keyed(drawItem(t))
		tree := genCondition(t, 2)
		values := attrs{}
		text := tree.text(values)
		if len(values) == 0 {
			values = nil
		}
		core := ddbcore.New(ddbcore.Options{})
		if _, err := core.Do(epoch, createTable("items")); err != nil {
			t.Fatalf("create: %v", err)
		}
		if _, err := core.Do(epoch, &dynamodb.PutItemInput{TableName: aws.String("items"), Item: it}); err != nil {
			t.Fatalf("put: %v", err)
		}
		_, err := core.Do(epoch, &dynamodb.DeleteItemInput{
			TableName: aws.String("items"), Key: keyed(nil), ConditionExpression: aws.String(text), ExpressionAttributeValues: values,
		})
		var failed *types.ConditionalCheckFailedException
		if err != nil && !errors.As(err, &failed) {
			return // values that DynamoDB refuses, such as a list in an ordering
		}
		accepted++
		if want := tree.holds(decodeItem(it)); want != (err == nil) {
			t.Fatalf("%s on %s with %s is %v, the reference says %v", text, show(it), show(values), err == nil, want)
		}
	})
	if accepted == 0 {
		t.Fatal("no condition was accepted")
	}
}

// action is one action of an update on a top-level or nested path.
type action struct {
	clause string // SET, REMOVE, ADD
	steps  []any
	from   []any                // SET: copy of a path, if not nil
	value  types.AttributeValue // SET without from: the value; ADD: a number
}

func genAction(t *rapid.T, head string) action {
	a := action{steps: append([]any{head}, rapid.SliceOfN(genStep, 0, 2).Draw(t, "steps")...)}
	switch rapid.IntRange(0, 3).Draw(t, "clause") {
	case 0:
		a.clause = "REMOVE"
	case 1:
		a.clause, a.value = "ADD", n(genNumber.Draw(t, "amount"))
	case 2:
		a.clause, a.from = "SET", genSteps.Draw(t, "from")
	default:
		a.clause, a.value = "SET", draw(t, genValue(1), "value")
	}
	return a
}

// applyTo is the reference: it computes every right side from before. ok is false if DynamoDB
// refuses the update.
func applyTo(before map[string]any, actions []action) (after map[string]any, ok bool) {
	after = copyTree(before).(map[string]any)
	for _, a := range actions {
		current := lookup(before, a.steps)
		parent := lookup(after, a.steps[:len(a.steps)-1])
		var v any
		switch {
		case a.clause == "ADD":
			v = decode(a.value)
			if old, isNumber := current.(*big.Rat); isNumber {
				v = new(big.Rat).Add(old, v.(*big.Rat))
				if !fits(v.(*big.Rat)) {
					return nil, false
				}
			} else if current != any(missing{}) {
				return nil, false
			}
		case a.from != nil:
			if v = lookup(before, a.from); v == any(missing{}) {
				return nil, false
			}
		case a.clause == "SET":
			v = decode(a.value)
		}
		if !place(after, a, parent, copyTree(v)) {
			return nil, false
		}
	}
	return after, true
}

func place(after map[string]any, a action, parent, v any) bool {
	last := a.steps[len(a.steps)-1]
	switch parent := parent.(type) {
	case map[string]any:
		name, ok := last.(string)
		if !ok {
			return false
		}
		if a.clause == "REMOVE" {
			delete(parent, name)
		} else {
			parent[name] = v
		}
		return true
	case []any:
		i, ok := last.(int)
		if !ok {
			return false
		}
		switch {
		case i >= len(parent) && a.clause == "REMOVE":
			return true
		case i >= len(parent):
			parent = append(parent, v)
		case a.clause == "REMOVE":
			parent = append(parent[:i:i], parent[i+1:]...)
		default:
			parent[i] = v
			return true
		}
		grand := a
		grand.clause, grand.steps = "SET", a.steps[:len(a.steps)-1]
		return place(after, grand, lookup(after, grand.steps[:len(grand.steps)-1]), parent)
	}
	return false
}

func copyTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			out[name] = copyTree(e)
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, copyTree(e))
		}
		return out
	}
	return v
}

// fits says that a sum is a number of at most 38 digits.
func fits(r *big.Rat) bool {
	text := r.FloatString(130)
	digits := ""
	for _, c := range text {
		if c >= '0' && c <= '9' {
			digits += string(c)
		}
	}
	trim := func(s string) string {
		for len(s) > 0 && s[0] == '0' {
			s = s[1:]
		}
		for len(s) > 0 && s[len(s)-1] == '0' {
			s = s[:len(s)-1]
		}
		return s
	}
	return len(trim(digits)) <= 38
}

func TestUpdatesAgreeWithTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		it := keyed(drawItem(t))
		var actions []action
		for _, head := range rapid.SliceOfNDistinct(genName, 1, 3, rapid.ID).Draw(t, "heads") {
			actions = append(actions, genAction(t, head))
		}
		values := attrs{}
		clauses := map[string]string{}
		for i, a := range actions {
			text := pathText(a.steps)
			name := fmt.Sprintf(":v%d", i)
			switch {
			case a.from != nil:
				text += " = " + pathText(a.from)
			case a.clause == "SET":
				text, values[name] = text+" = "+name, a.value
			case a.clause == "ADD":
				text, values[name] = text+" "+name, a.value
			}
			if clauses[a.clause] != "" {
				text = clauses[a.clause] + ", " + text
			}
			clauses[a.clause] = text
		}
		if len(values) == 0 {
			values = nil
		}
		update := ""
		for _, clause := range []string{"SET", "REMOVE", "ADD"} {
			if clauses[clause] != "" {
				update += clause + " " + clauses[clause] + " "
			}
		}
		core := ddbcore.New(ddbcore.Options{})
		if _, err := core.Do(epoch, createTable("items")); err != nil {
			t.Fatalf("create: %v", err)
		}
		if _, err := core.Do(epoch, &dynamodb.PutItemInput{TableName: aws.String("items"), Item: it}); err != nil {
			t.Fatalf("put: %v", err)
		}
		_, err := core.Do(epoch, &dynamodb.UpdateItemInput{
			TableName: aws.String("items"), Key: keyed(nil), UpdateExpression: aws.String(update), ExpressionAttributeValues: values,
		})
		want, accepted := applyTo(decodeItem(it), actions)
		if accepted != (err == nil) {
			t.Fatalf("%s on %s with %s: error %v, the reference accepts: %v", update, show(it), show(values), err, accepted)
		}
		if !accepted {
			want = decodeItem(it)
		}
		if got := decodeItem(stored(core)); !same(got, want) {
			t.Fatalf("%s on %s with %s made %v, the reference says %v", update, show(it), show(values), got, want)
		}
	})
}
