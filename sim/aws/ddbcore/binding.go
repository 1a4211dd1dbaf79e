package ddbcore

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// binding is what an expression's placeholders stand for in one request, by slot. Values are
// canonical and may belong to the caller: the core clones what it stores or returns.
type binding struct {
	names  []string
	values []types.AttributeValue
}

// given are a request's ExpressionAttributeNames and ExpressionAttributeValues.
type given struct {
	names  map[string]string
	values item
}

// bind resolves the placeholders of one expression and runs the checks that need their values.
func (c *Core) bind(b *binding, kind expressionKind, use *placeholders, from given) error {
	nameStart, valueStart := len(c.boundNames), len(c.boundValues)
	for _, name := range use.names {
		to, ok := from.names[name]
		if !ok {
			return invalidf("Invalid %s: An expression attribute name used in the document path is not defined; attribute name: %s", kind, name)
		}
		c.boundNames = append(c.boundNames, to)
	}
	for _, name := range use.values {
		v, ok := from.values[name]
		if !ok {
			return invalidf("Invalid %s: An expression attribute value used in expression is not defined; attribute value: %s", kind, name)
		}
		canon, err := canonical(v)
		if err != nil {
			return invalidf("ExpressionAttributeValues contains invalid value: %s for key %s", err, name)
		}
		c.boundValues = append(c.boundValues, canon)
	}
	b.names = c.boundNames[nameStart:len(c.boundNames):len(c.boundNames)]
	b.values = c.boundValues[valueStart:len(c.boundValues):len(c.boundValues)]
	for _, check := range use.checks {
		if err := check(b); err != nil {
			return err
		}
	}
	return nil
}

// parameter is an expression parameter of a request, for the error texts that list them.
type parameter struct {
	kind  expressionKind
	given bool
}

// checkGiven refuses placeholders without any expression, empty maps of them, and those that no
// expression uses. wraps says that the operation uses the envelope; the first text then lists no
// parameters.
func (from given) checkGiven(wraps bool, expressions [2]parameter, uses ...*placeholders) error {
	if from.names == nil && from.values == nil {
		return nil
	}
	if !expressions[0].given && !expressions[1].given {
		return from.withoutExpression(wraps, expressions)
	}
	switch {
	case from.values != nil && len(from.values) == 0:
		return envelopedf("ExpressionAttributeValues must not be empty")
	case from.names != nil && len(from.names) == 0:
		return envelopedf("ExpressionAttributeNames must not be empty")
	}
	nameCount, valueCount := 0, 0
	for i, use := range uses {
		nameCount += newIn(uses[:i], use.names, func(u *placeholders) []string { return u.names })
		valueCount += newIn(uses[:i], use.values, func(u *placeholders) []string { return u.values })
	}
	if nameCount == len(from.names) && valueCount == len(from.values) {
		return nil
	}
	return from.unused(uses)
}

// newIn counts the placeholders of list that no earlier expression uses.
func newIn(earlier []*placeholders, list []string, of func(*placeholders) []string) int {
	n := 0
	for _, name := range list {
		if !slices.ContainsFunc(earlier, func(u *placeholders) bool { return slices.Contains(of(u), name) }) {
			n++
		}
	}
	return n
}

func (from given) withoutExpression(wraps bool, expressions [2]parameter) error {
	if from.names != nil {
		return envelopedf("ExpressionAttributeNames can only be specified when using expressions")
	}
	var missing []string
	for _, e := range expressions {
		if e.kind != "" {
			missing = append(missing, string(e.kind))
		}
	}
	text := "ExpressionAttributeValues can only be specified when using expressions"
	switch {
	case wraps || len(missing) == 0:
		return envelopedf("%s", text)
	case len(missing) == 1:
		return invalidf("%s: %s is null", text, missing[0])
	}
	return invalidf("%s: %s are null", text, strings.Join(missing, " and "))
}

func (from given) unused(uses []*placeholders) error {
	unusedOf := func(keys []string, of func(*placeholders) []string) []string {
		return slices.DeleteFunc(keys, func(key string) bool {
			return slices.ContainsFunc(uses, func(u *placeholders) bool { return slices.Contains(of(u), key) })
		})
	}
	names := unusedOf(sortedKeys(from.names), func(u *placeholders) []string { return u.names })
	for _, name := range names {
		if kind, n := placeholderAt(name); kind != tokenName || n != len(name) {
			return invalidf("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", name)
		}
	}
	if len(names) > 0 {
		return envelopedf("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(names, ", "))
	}
	values := unusedOf(sortedKeys(from.values), func(u *placeholders) []string { return u.values })
	for _, name := range values {
		if kind, n := placeholderAt(name); kind != tokenValue || n != len(name) {
			return invalidf("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", name)
		}
	}
	return envelopedf("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(values, ", "))
}

func placeholderAt(s string) (tokenKind, int) {
	if s == "" {
		return tokenEnd, 0
	}
	return tokenAt(s)
}
