package ddbcore_test

import (
	"bytes"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The reference is a second, plain implementation of conditions and updates. It shares nothing with
// the core: it works on trees built by the test instead of text, on items decoded into Go values,
// and on rational numbers.

// refSet is a decoded set. Other decoded values are string, *big.Rat, []byte, bool, nil (NULL),
// []any and map[string]any.
type refSet struct {
	kind     string
	elements []string // sorted, each as decoded text
}

// missing is the value of a path that leads nowhere.
type missing struct{}

func decode(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return rat(v.Value)
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberSS:
		return refSet{"SS", slices.Sorted(slices.Values(v.Value))}
	case *types.AttributeValueMemberNS:
		var texts []string
		for _, e := range v.Value {
			texts = append(texts, rat(e).RatString())
		}
		return refSet{"NS", slices.Sorted(slices.Values(texts))}
	case *types.AttributeValueMemberL:
		l := []any{}
		for _, e := range v.Value {
			l = append(l, decode(e))
		}
		return l
	case *types.AttributeValueMemberM:
		return decodeItem(v.Value)
	}
	return nil
}

func decodeItem(it attrs) map[string]any {
	out := map[string]any{}
	for name, v := range it {
		out[name] = decode(v)
	}
	return out
}

func rat(s string) *big.Rat {
	r, _ := new(big.Rat).SetString(s)
	return r
}

func same(a, b any) bool {
	if x, ok := a.(*big.Rat); ok {
		y, ok := b.(*big.Rat)
		return ok && x.Cmp(y) == 0
	}
	if x, ok := a.([]byte); ok {
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	}
	if x, ok := a.([]any); ok {
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, same)
	}
	if x, ok := a.(map[string]any); ok {
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name := range x {
			if _, has := y[name]; !has || !same(x[name], y[name]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

// less says a < b; ok is false if they have no order.
func less(a, b any) (lt, ok bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return a < b, ok
	case *big.Rat:
		b, ok := b.(*big.Rat)
		return ok && a.Cmp(b) < 0, ok
	case []byte:
		b, ok := b.([]byte)
		return bytes.Compare(a, b) < 0, ok
	}
	return false, false
}

// expr is a tree that prints as an expression and evaluates itself.
type expr struct {
	op    string // a comparator, AND, OR, NOT, BETWEEN, IN, a function's name, PATH or VALUE
	steps []any  // of PATH: string or int
	value types.AttributeValue
	args  []expr
}

// text prints the tree; values are collected under the names :v0, :v1, …
func (e expr) text(values attrs) string {
	part := func(i int) string { return e.args[i].text(values) }
	switch e.op {
	case "PATH":
		return pathText(e.steps)
	case "VALUE":
		name := ":v" + string(rune('a'+len(values)/26)) + string(rune('a'+len(values)%26))
		values[name] = e.value
		return name
	case "AND", "OR":
		return "(" + part(0) + " " + e.op + " " + part(1) + ")"
	case "NOT":
		return "(NOT " + part(0) + ")"
	case "BETWEEN":
		return part(0) + " BETWEEN " + part(1) + " AND " + part(2)
	case "IN":
		return part(0) + " IN (" + part(1) + ", " + part(2) + ")"
	case "=", "<>", "<", "<=", ">", ">=":
		return part(0) + " " + e.op + " " + part(1)
	}
	var args []string
	for i := range e.args {
		args = append(args, part(i))
	}
	return e.op + "(" + strings.Join(args, ", ") + ")"
}

func pathText(steps []any) string {
	var w strings.Builder
	for i, step := range steps {
		switch step := step.(type) {
		case string:
			if i > 0 {
				w.WriteByte('.')
			}
			w.WriteString(step)
		case int:
			w.WriteString("[" + big.NewInt(int64(step)).String() + "]")
		}
	}
	return w.String()
}

func lookup(it map[string]any, steps []any) any {
	var v any = it
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			inside, ok := v.(map[string]any)
			if !ok {
				return missing{}
			}
			next, ok := inside[step]
			if !ok {
				return missing{}
			}
			v = next
		case int:
			inside, ok := v.([]any)
			if !ok || step >= len(inside) {
				return missing{}
			}
			v = inside[step]
		}
	}
	return v
}

func (e expr) operand(it map[string]any) any {
	switch e.op {
	case "PATH":
		return lookup(it, e.steps)
	case "VALUE":
		return decode(e.value)
	}
	// size
	switch v := e.args[0].operand(it).(type) {
	case string:
		return big.NewRat(int64(len([]rune(v))), 1)
	case []byte:
		return big.NewRat(int64(len(v)), 1)
	case refSet:
		return big.NewRat(int64(len(v.elements)), 1)
	case []any:
		return big.NewRat(int64(len(v)), 1)
	case map[string]any:
		return big.NewRat(int64(len(v)), 1)
	}
	return missing{}
}

func (e expr) holds(it map[string]any) bool {
	switch e.op {
	case "AND":
		return e.args[0].holds(it) && e.args[1].holds(it)
	case "OR":
		return e.args[0].holds(it) || e.args[1].holds(it)
	case "NOT":
		return !e.args[0].holds(it)
	}
	var v []any
	for _, a := range e.args {
		v = append(v, a.operand(it))
	}
	isMissing := func(x any) bool { return x == any(missing{}) }
	switch e.op {
	case "attribute_exists":
		return !isMissing(v[0])
	case "attribute_not_exists":
		return isMissing(v[0])
	case "<>":
		return isMissing(v[0]) || isMissing(v[1]) || !same(v[0], v[1])
	}
	if slices.ContainsFunc(v[:1], isMissing) {
		return false
	}
	switch e.op {
	case "=":
		return same(v[0], v[1])
	case "IN":
		return same(v[0], v[1]) || same(v[0], v[2])
	case "<":
		lt, ok := less(v[0], v[1])
		return ok && lt
	case ">":
		gt, ok := less(v[1], v[0])
		return ok && gt
	case "<=":
		gt, ok := less(v[1], v[0])
		return ok && !gt
	case ">=":
		lt, ok := less(v[0], v[1])
		return ok && !lt
	case "BETWEEN":
		below, okBelow := less(v[0], v[1])
		above, okAbove := less(v[2], v[0])
		return okBelow && okAbove && !below && !above
	case "begins_with":
		if b, ok := v[0].([]byte); ok {
			prefix, ok := v[1].([]byte)
			return ok && bytes.HasPrefix(b, prefix)
		}
		text, ok := v[0].(string)
		prefix, alsoOK := v[1].(string)
		return ok && alsoOK && strings.HasPrefix(text, prefix)
	}
	return refContains(v[0], v[1])
}

func refContains(v, part any) bool {
	switch v := v.(type) {
	case string:
		text, ok := part.(string)
		return ok && strings.Contains(v, text)
	case []byte:
		b, ok := part.([]byte)
		return ok && bytes.Contains(v, b)
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return same(e, part) })
	case refSet:
		switch part := part.(type) {
		case string:
			return v.kind == "SS" && slices.Contains(v.elements, part)
		case *big.Rat:
			return v.kind == "NS" && slices.Contains(v.elements, part.RatString())
		}
	}
	return false
}
