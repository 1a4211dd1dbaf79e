package ddbcore

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// conditionExpression is a parsed ConditionExpression, FilterExpression or KeyConditionExpression.
type conditionExpression struct {
	placeholders
	root condition
}

func (e *conditionExpression) String() string {
	var w strings.Builder
	e.root.print(&w)
	return w.String()
}

// condition is a node that is true or false of an item. A missing attribute, or one of the wrong
// type, makes it false and never an error; an absent item is an item without attributes.
type condition interface {
	holds(b *binding, it item) bool
	print(w *strings.Builder)
}

// operand is what a condition compares; value is nil if the item has none.
type operand interface {
	value(b *binding, it item) types.AttributeValue
	print(w *strings.Builder)
}

// valueRef is a :value.
type valueRef struct {
	name string
	slot int
}

func (v valueRef) value(b *binding, _ item) types.AttributeValue { return b.values[v.slot] }
func (v valueRef) print(w *strings.Builder)                      { w.WriteString(v.name) }

// sizeOf is size(operand).
type sizeOf struct{ of operand }

func (s sizeOf) value(b *binding, it item) types.AttributeValue {
	n, ok := sizeFunction(s.of.value(b, it))
	if !ok {
		return nil
	}
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func (s sizeOf) print(w *strings.Builder) { printCall(w, "size", s.of) }

// logical is AND or OR.
type logical struct {
	or          bool
	left, right condition
}

func (c *logical) holds(b *binding, it item) bool {
	if c.or {
		return c.left.holds(b, it) || c.right.holds(b, it)
	}
	return c.left.holds(b, it) && c.right.holds(b, it)
}

func (c *logical) print(w *strings.Builder) {
	c.left.print(w)
	if c.or {
		w.WriteString(" OR ")
	} else {
		w.WriteString(" AND ")
	}
	c.right.print(w)
}

type negation struct{ of condition }

func (c *negation) holds(b *binding, it item) bool { return !c.of.holds(b, it) }
func (c *negation) print(w *strings.Builder)       { w.WriteString("NOT "); c.of.print(w) }

// group is a condition in parentheses; it stays a node so that the parser sees doubled parentheses.
type group struct{ of condition }

func (c *group) holds(b *binding, it item) bool { return c.of.holds(b, it) }
func (c *group) print(w *strings.Builder)       { w.WriteByte('('); c.of.print(w); w.WriteByte(')') }

type comparison struct {
	op          string
	left, right operand
}

func (c *comparison) holds(b *binding, it item) bool {
	left, right := c.left.value(b, it), c.right.value(b, it)
	switch c.op {
	case "=":
		return left != nil && equal(left, right)
	case "<>":
		// True also if a side is missing: it is the complement of "=", and so holds for an absent
		// item.
		return left == nil || !equal(left, right)
	}
	order, ok := compare(left, right)
	if !ok {
		return false
	}
	switch c.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func (c *comparison) print(w *strings.Builder) {
	c.left.print(w)
	w.WriteString(" " + c.op + " ")
	c.right.print(w)
}

type between struct{ of, low, high operand }

func (c *between) holds(b *binding, it item) bool {
	v := c.of.value(b, it)
	low, ok := compare(c.low.value(b, it), v)
	if !ok || low > 0 {
		return false
	}
	high, ok := compare(v, c.high.value(b, it))
	return ok && high <= 0
}

func (c *between) print(w *strings.Builder) {
	c.of.print(w)
	w.WriteString(" BETWEEN ")
	c.low.print(w)
	w.WriteString(" AND ")
	c.high.print(w)
}

type in struct {
	of   operand
	list []operand
}

func (c *in) holds(b *binding, it item) bool {
	v := c.of.value(b, it)
	if v == nil {
		return false
	}
	for _, candidate := range c.list {
		if equal(v, candidate.value(b, it)) {
			return true
		}
	}
	return false
}

func (c *in) print(w *strings.Builder) {
	c.of.print(w)
	w.WriteByte(' ')
	printCall(w, "IN ", c.list...)
}

// exists is attribute_exists or attribute_not_exists.
type exists struct {
	of  *path
	not bool
}

func (c *exists) holds(b *binding, it item) bool { return (c.of.value(b, it) == nil) == c.not }

func (c *exists) print(w *strings.Builder) {
	if c.not {
		printCall(w, "attribute_not_exists", c.of)
	} else {
		printCall(w, "attribute_exists", c.of)
	}
}

type typeIs struct{ of, kind operand }

func (c *typeIs) holds(b *binding, it item) bool {
	v := c.of.value(b, it)
	want, ok := c.kind.value(b, it).(*types.AttributeValueMemberS)
	return v != nil && ok && kindOf(v).String() == want.Value
}

func (c *typeIs) print(w *strings.Builder) { printCall(w, "attribute_type", c.of, c.kind) }

type beginsWith struct{ of, prefix operand }

func (c *beginsWith) holds(b *binding, it item) bool {
	switch v := c.of.value(b, it).(type) {
	case *types.AttributeValueMemberS:
		prefix, ok := c.prefix.value(b, it).(*types.AttributeValueMemberS)
		return ok && strings.HasPrefix(v.Value, prefix.Value)
	case *types.AttributeValueMemberB:
		prefix, ok := c.prefix.value(b, it).(*types.AttributeValueMemberB)
		return ok && strings.HasPrefix(string(v.Value), string(prefix.Value))
	}
	return false
}

func (c *beginsWith) print(w *strings.Builder) { printCall(w, "begins_with", c.of, c.prefix) }

type contains struct{ of, part operand }

func (c *contains) holds(b *binding, it item) bool {
	return containsValue(c.of.value(b, it), c.part.value(b, it))
}

func (c *contains) print(w *strings.Builder) { printCall(w, "contains", c.of, c.part) }

// containsValue is a substring of an S or B, an element of a set or of a list.
func containsValue(v, part types.AttributeValue) bool {
	switch part := part.(type) {
	case *types.AttributeValueMemberS:
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			return strings.Contains(v.Value, part.Value)
		case *types.AttributeValueMemberSS:
			return containsText(v.Value, part.Value)
		}
	case *types.AttributeValueMemberN:
		if v, ok := v.(*types.AttributeValueMemberNS); ok {
			return containsText(v.Value, part.Value)
		}
	case *types.AttributeValueMemberB:
		switch v := v.(type) {
		case *types.AttributeValueMemberB:
			return strings.Contains(string(v.Value), string(part.Value))
		case *types.AttributeValueMemberBS:
			return containsBytes(v.Value, part.Value)
		}
	}
	list, ok := v.(*types.AttributeValueMemberL)
	if !ok || part == nil {
		return false
	}
	for _, element := range list.Value {
		if equal(element, part) {
			return true
		}
	}
	return false
}

func printCall[T interface{ print(*strings.Builder) }](w *strings.Builder, name string, args ...T) {
	w.WriteString(name)
	w.WriteByte('(')
	for i, arg := range args {
		if i > 0 {
			w.WriteString(", ")
		}
		arg.print(w)
	}
	w.WriteByte(')')
}
