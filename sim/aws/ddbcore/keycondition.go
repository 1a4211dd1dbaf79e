package ddbcore

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// keyRange is what a KeyConditionExpression selects: everything of one hash from low to high, both
// included. Edges make the bounds exclusive.
type keyRange struct {
	hash      string
	low, high position
}

// keyPredicate is one condition on one key attribute.
type keyPredicate struct {
	name string
	op   string // a comparator, BETWEEN or begins_with
	args []types.AttributeValue
}

// mirrored is the comparator with its sides exchanged.
var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// keyRangeOf reads a condition as a KeyConditionExpression: an equality of the hash key and at most
// one condition on the range key (Developer Guide, Query.KeyConditionExpressions).
func keyRangeOf(e *conditionExpression, b *binding, schema keySchema) (keyRange, error) {
	var predicates []keyPredicate
	if err := collectPredicates(e.root, b, &predicates); err != nil {
		return keyRange{}, err
	}
	if len(predicates) > 2 {
		return keyRange{}, invalidf("Conditions can be of length 1 or 2 only")
	}
	byName := map[string]keyPredicate{}
	for _, p := range predicates {
		if _, twice := byName[p.name]; twice {
			return keyRange{}, invalidf("KeyConditionExpressions must only contain one condition per key")
		}
		byName[p.name] = p
	}
	hash, ok := byName[schema.hash.name]
	switch {
	case !ok:
		return keyRange{}, invalidf("Query condition missed key schema element: %s", schema.hash.name)
	case hash.op != "=":
		return keyRange{}, invalidf("Query key condition not supported")
	}
	texts, err := hash.texts(schema.hash)
	if err != nil {
		return keyRange{}, err
	}
	all := keyRange{hash: texts[0], low: position{hash: texts[0], edge: beforeHash}, high: position{hash: texts[0], edge: afterHash}}
	if len(predicates) == 1 {
		return all, nil
	}
	rng, ok := byName[schema.rng.name]
	switch {
	case schema.rng.name == "":
		return keyRange{}, invalidf("Query key condition not supported")
	case !ok:
		return keyRange{}, invalidf("Query condition missed key schema element: %s", schema.rng.name)
	}
	if texts, err = rng.texts(schema.rng); err != nil {
		return keyRange{}, err
	}
	return all.narrowed(rng.op, texts, schema.rng.kind)
}

// texts are the arguments as key text, of the key attribute's type.
func (p keyPredicate) texts(a keyAttribute) ([]string, error) {
	texts := make([]string, len(p.args))
	for i, arg := range p.args {
		text, ok := keyText(arg, a.kind)
		if !ok {
			return nil, invalidf("One or more parameter values were invalid: Condition parameter type does not match schema type")
		}
		if text == "" && p.op != "begins_with" {
			return nil, invalidf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
				emptyKindText(a.kind), a.name)
		}
		texts[i] = text
	}
	return texts, nil
}

func (r keyRange) narrowed(op string, texts []string, k kind) (keyRange, error) {
	at := func(text string, e edge) position { return position{hash: r.hash, rng: text, edge: e} }
	switch op {
	case "=":
		r.low, r.high = at(texts[0], beforeKey), at(texts[0], afterKey)
	case "<":
		r.high = at(texts[0], beforeKey)
	case "<=":
		r.high = at(texts[0], afterKey)
	case ">":
		r.low = at(texts[0], afterKey)
	case ">=":
		r.low = at(texts[0], beforeKey)
	case "BETWEEN":
		r.low, r.high = at(texts[0], beforeKey), at(texts[1], afterKey)
	case "begins_with":
		if k == kindN {
			return r, invalidf("Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")
		}
		r.low = at(texts[0], beforeKey)
		if end, ok := prefixEnd(texts[0]); ok {
			r.high = at(end, beforeKey)
		}
	}
	return r, nil
}

// prefixEnd is the least text above everything with the prefix; ok is false if there is none.
func prefixEnd(prefix string) (end string, ok bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1}), true
		}
	}
	return "", false
}

func collectPredicates(c condition, b *binding, into *[]keyPredicate) error {
	switch c := c.(type) {
	case *group:
		return collectPredicates(c.of, b, into)
	case *logical:
		if c.or {
			return badKeyOperator("OR")
		}
		if err := collectPredicates(c.left, b, into); err != nil {
			return err
		}
		return collectPredicates(c.right, b, into)
	case *negation:
		return badKeyOperator("NOT")
	case *in:
		return badKeyOperator("IN")
	case *exists:
		if c.not {
			return badKeyOperator("attribute_not_exists")
		}
		return badKeyOperator("attribute_exists")
	case *typeIs:
		return badKeyOperator("attribute_type")
	case *contains:
		return badKeyOperator("contains")
	case *comparison:
		return collectComparison(c, b, into)
	case *between:
		return collectPredicate("BETWEEN", b, into, c.of, c.low, c.high)
	case *beginsWith:
		return collectPredicate("begins_with", b, into, c.of, c.prefix)
	}
	return invalidf("Query key condition not supported")
}

func badKeyOperator(op string) error {
	return invalidf("Invalid operator used in KeyConditionExpression: %s", op)
}

func collectComparison(c *comparison, b *binding, into *[]keyPredicate) error {
	if c.op == "<>" {
		return badKeyOperator("<>")
	}
	if _, reversed := c.right.(*path); reversed {
		if _, twoPaths := c.left.(*path); !twoPaths {
			return collectPredicate(mirrored[c.op], b, into, c.right, c.left)
		}
	}
	return collectPredicate(c.op, b, into, c.left, c.right)
}

func collectPredicate(op string, b *binding, into *[]keyPredicate, of operand, args ...operand) error {
	switch of := of.(type) {
	case *path:
		if len(of.elements) > 1 {
			return invalidf("KeyConditionExpressions cannot have conditions on nested attributes")
		}
		p := keyPredicate{name: b.head(of), op: op}
		for _, arg := range args {
			v, ok := arg.(valueRef)
			if !ok {
				return invalidf("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			}
			p.args = append(p.args, b.values[v.slot])
		}
		*into = append(*into, p)
		return nil
	case valueRef:
		return invalidf("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	return invalidf("KeyConditionExpressions cannot contain nested operations")
}
