package ddbcore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// parseCondition reads the grammar of the Developer Guide, Expressions.OperatorsAndFunctions.
func parseCondition(kind expressionKind, src string) (*conditionExpression, error) {
	p := newParser(kind, src)
	root := p.or()
	if err := p.finish(); err != nil {
		return nil, err
	}
	return &conditionExpression{placeholders: p.use, root: root}, nil
}

func (p *parser) or() condition {
	left := p.and()
	for p.acceptWord("OR") {
		p.operators++
		left = &logical{or: true, left: left, right: p.and()}
	}
	return left
}

func (p *parser) and() condition {
	left := p.not()
	for p.acceptWord("AND") {
		p.operators++
		left = &logical{left: left, right: p.not()}
	}
	return left
}

func (p *parser) not() condition {
	if p.acceptWord("NOT") {
		p.operators++
		return &negation{of: p.not()}
	}
	return p.primary()
}

func (p *parser) primary() condition {
	switch {
	case p.err != nil:
		return nil
	case p.accept("("):
		inner := p.or()
		p.expect(")")
		if _, doubled := inner.(*group); doubled {
			p.mistake(rankParentheses, "The expression has redundant parentheses;")
		}
		return &group{of: inner}
	case p.atCall():
		return p.afterCall(p.call())
	}
	return p.afterOperand(p.operand())
}

// call is a function with its arguments, before the parser knows whether it is a condition or an
// operand.
type call struct {
	name string
	args []operand
}

// value and print make a refused call an operand, so that parsing can go on.
func (c *call) value(*binding, item) types.AttributeValue { return nil }
func (c *call) print(w *strings.Builder)                  { printCall(w, c.name, c.args...) }

func (p *parser) call() *call {
	c := &call{name: p.next().text}
	p.expect("(")
	for p.err == nil {
		c.args = append(c.args, p.operand())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return c
}

// operand reads a path, a :value or size(…). Another function in its place is a mistake, not a
// syntax error.
func (p *parser) operand() operand {
	switch {
	case p.peek().kind == tokenValue:
		return p.value()
	case p.atCall():
		return p.asOperand(p.call())
	}
	return p.path()
}

func (p *parser) asOperand(c *call) operand {
	if c.name != "size" {
		if conditionArity[c.name] == 0 && c.name != "if_not_exists" && c.name != "list_append" {
			p.mistake(rankUnknownFunction, "Invalid function name; function: "+c.name)
		}
		p.misused(c.name)
		return c
	}
	p.arguments(c)
	if len(c.args) != 1 {
		return c
	}
	if v, ok := c.args[0].(valueRef); ok {
		p.requireKind(v, kindsSized, c.name)
	}
	return sizeOf{of: c.args[0]}
}

func (p *parser) misused(name string) {
	p.mistake(rankMisusedFunction, "The function is not allowed to be used this way in an expression; function: "+name)
}

// conditionArity is the number of operands of each function of a condition.
var conditionArity = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}

// arguments checks the number of a function's operands and that none of them is a function.
func (p *parser) arguments(c *call) {
	for _, arg := range c.args {
		if _, nested := arg.(sizeOf); nested {
			p.misused("size")
		}
	}
	if len(c.args) != conditionArity[c.name] {
		p.mistake(rankOperand, "Incorrect number of operands for operator or function; operator or function: "+c.name+
			", number of operands: "+strconv.Itoa(len(c.args)))
	}
}

func (p *parser) atComparison() bool {
	t := p.peek()
	return t.kind == tokenSymbol && comparator(t.text) || p.atWord("BETWEEN") || p.atWord("IN")
}

func comparator(s string) bool {
	switch s {
	case "=", "<>", "<", "<=", ">", ">=":
		return true
	}
	return false
}

// afterCall makes a function a condition or the left side of a comparison, or refuses it.
func (p *parser) afterCall(c *call) condition {
	if p.err != nil {
		return nil
	}
	if p.atComparison() {
		return p.afterOperand(p.asOperand(c))
	}
	arity, known := conditionArity[c.name]
	switch {
	case c.name == "if_not_exists" || c.name == "list_append" || c.name == "size":
		p.misused(c.name)
		return nil
	case !known:
		p.mistake(rankUnknownFunction, "Invalid function name; function: "+c.name)
		return nil
	}
	p.arguments(c)
	if len(c.args) != arity {
		return nil
	}
	return p.function(c)
}

func (p *parser) function(c *call) condition {
	switch c.name {
	case "attribute_exists", "attribute_not_exists":
		of, ok := c.args[0].(*path)
		if !ok {
			p.mistake(rankOperand, "Operator or function requires a document path; operator or function: "+c.name)
		}
		return &exists{of: of, not: c.name == "attribute_not_exists"}
	case "attribute_type":
		p.requireTypeName(c.args[1])
		return &typeIs{of: c.args[0], kind: c.args[1]}
	}
	p.requireDistinct(c.name, c.args[0], c.args[1:]...)
	if c.name == "contains" {
		return &contains{of: c.args[0], part: c.args[1]}
	}
	for _, arg := range c.args {
		if v, ok := arg.(valueRef); ok {
			p.requireKind(v, kindS|kindB, c.name)
		}
	}
	return &beginsWith{of: c.args[0], prefix: c.args[1]}
}

// afterOperand reads the comparison that must follow an operand.
func (p *parser) afterOperand(left operand) condition {
	t := p.peek()
	switch {
	case p.err != nil:
		return nil
	case p.acceptWord("BETWEEN"):
		return p.between(left)
	case p.acceptWord("IN"):
		return p.in(left)
	case t.kind != tokenSymbol || !comparator(t.text):
		p.syntax()
		return nil
	}
	p.next()
	p.operators++
	right := p.operand()
	p.requireDistinct(t.text, left, right)
	if t.text != "=" && t.text != "<>" {
		p.requireOrdered(t.text, left, right)
	}
	return &comparison{op: t.text, left: left, right: right}
}

func (p *parser) between(of operand) condition {
	p.operators++
	low := p.operand()
	if p.err == nil && !p.acceptWord("AND") {
		p.syntax()
	}
	high := p.operand()
	p.requireOrdered("BETWEEN", of, low, high)
	lowValue, lowOK := low.(valueRef)
	highValue, highOK := high.(valueRef)
	if kind := p.kind; lowOK && highOK {
		p.check(func(b *binding) error { return checkBounds(kind, b.values[lowValue.slot], b.values[highValue.slot]) })
	}
	return &between{of: of, low: low, high: high}
}

func checkBounds(kind expressionKind, low, high types.AttributeValue) error {
	order, comparable := compare(low, high)
	if comparable && order <= 0 {
		return nil
	}
	text := "Invalid %s: The BETWEEN operator requires same data type for lower and upper bounds; " +
		"lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}"
	if comparable {
		text = "Invalid %s: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
			"lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}"
	}
	return invalidf(text, kind, scalarText(low), scalarText(high))
}

// scalarText shows a value as error texts do, S:abc.
func scalarText(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return "S:" + v.Value
	case *types.AttributeValueMemberN:
		return "N:" + v.Value
	}
	return kindOf(v).String()
}

func (p *parser) in(of operand) condition {
	p.operators++
	p.expect("(")
	c := &in{of: of}
	for p.err == nil {
		c.list = append(c.list, p.operand())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	if n := len(c.list) + 1; n > maxInOperands {
		p.mistake(rankOperand, "The IN operator is provided with too many operands; number of operands: "+strconv.Itoa(n))
	}
	p.requireDistinct("IN", of, c.list...)
	return c
}

// requireOrdered refuses :values that have no order.
func (p *parser) requireOrdered(op string, operands ...operand) {
	for _, o := range operands {
		if v, ok := o.(valueRef); ok {
			p.requireKind(v, kindsOrdered, op)
		}
	}
}

// requireKind refuses a :value of another type; an attribute of the wrong type is no error.
func (p *parser) requireKind(v valueRef, allowed kind, function string) {
	expression := p.kind
	p.check(func(b *binding) error {
		if got := kindOf(b.values[v.slot]); got&allowed == 0 {
			return invalidf("Invalid %s: Incorrect operand type for operator or function; operator or function: %s, operand type: %s",
				expression, function, got)
		}
		return nil
	})
}

const validTypes = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"

func (p *parser) requireTypeName(o operand) {
	expression := p.kind
	v, ok := o.(valueRef)
	if !ok {
		p.mistake(rankOperand, "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: "+
			"{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		return
	}
	p.requireKind(v, kindS, "attribute_type")
	p.check(func(b *binding) error {
		name := b.values[v.slot].(*types.AttributeValueMemberS).Value
		if slices.Contains(strings.Split(strings.Trim(validTypes, "{}"), ","), name) {
			return nil
		}
		return invalidf("Invalid %s: Invalid attribute type name found; type: %s, valid types: %s", expression, name, validTypes)
	})
}

// requireDistinct refuses a path that is compared with itself.
func (p *parser) requireDistinct(op string, left operand, rest ...operand) {
	first, ok := left.(*path)
	if !ok {
		return
	}
	expression := p.kind
	for _, o := range rest {
		other, ok := o.(*path)
		if !ok {
			continue
		}
		p.check(func(b *binding) error {
			if comparePaths(b, first, other) != 0 {
				return nil
			}
			return invalidf("Invalid %s: The first operand must be distinct from the remaining operands for this operator or function; "+
				"operator: %s, first operand: %s", expression, op, first.text(b))
		})
	}
}
