package asl

//lint:file-ignore ST1005 the texts of errors are AWS's own

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Rule is one choice rule: if Condition holds, the flow goes on at Next.
type Rule struct {
	Condition Condition
	Next      *State
}

// Condition decides about a state's input. An error means that a path of the condition finds
// nothing (AWS: States.Runtime).
type Condition interface {
	Holds(input any, env Env) (bool, error)
}

type and []Condition

func (c and) Holds(input any, env Env) (bool, error) {
	for _, condition := range c {
		if holds, err := condition.Holds(input, env); err != nil || !holds {
			return false, err
		}
	}
	return true, nil
}

type or []Condition

func (c or) Holds(input any, env Env) (bool, error) {
	for _, condition := range c {
		if holds, err := condition.Holds(input, env); err != nil || holds {
			return holds, err
		}
	}
	return false, nil
}

type not struct{ condition Condition }

func (c not) Holds(input any, env Env) (bool, error) {
	holds, err := c.condition.Holds(input, env)
	return !holds && err == nil, err
}

// presence is IsPresent, the only test that allows its variable to be absent.
type presence struct {
	variable *Path
	wanted   bool
}

func (c presence) Holds(input any, env Env) (bool, error) {
	_, found := c.variable.Get(input, env)
	return found == c.wanted, nil
}

// typeTest is one of the other Is… operators.
type typeTest struct {
	variable *Path
	is       func(any) bool
	wanted   bool
}

func (c typeTest) Holds(input any, env Env) (bool, error) {
	value, err := conditionValue(c.variable, input, env)
	return err == nil && c.is(value) == c.wanted, err
}

// comparison compares a variable with a constant, or with what operandPath finds. Operands of the
// wrong type just do not match (Developer Guide, Choice state).
type comparison struct {
	variable    *Path
	matches     func(value, operand any) bool
	operand     any
	operandPath *Path
}

func (c comparison) Holds(input any, env Env) (bool, error) {
	value, err := conditionValue(c.variable, input, env)
	if err != nil {
		return false, err
	}
	operand := c.operand
	if c.operandPath != nil {
		if operand, err = conditionValue(c.operandPath, input, env); err != nil {
			return false, err
		}
	}
	return c.matches(value, operand), nil
}

func conditionValue(path *Path, input any, env Env) (any, error) {
	value, found := path.Get(input, env)
	if !found {
		return nil, fmt.Errorf("Invalid path '%s': The choice state's condition path references an invalid value.", path.text)
	}
	return value, nil
}

var typeTests = map[string]func(any) bool{
	"IsNull":      func(v any) bool { return v == nil },
	"IsString":    func(v any) bool { _, ok := v.(string); return ok },
	"IsNumeric":   func(v any) bool { _, ok := v.(json.Number); return ok },
	"IsBoolean":   func(v any) bool { _, ok := v.(bool); return ok },
	"IsTimestamp": func(v any) bool { _, ok := timestamp(v); return ok },
}

// operator is a comparison; valid says which constants it takes. If its name ends in Path, a path
// finds the operand.
type operator struct {
	valid   func(any) bool
	matches func(value, operand any) bool
}

var operators = makeOperators()

func makeOperators() map[string]operator {
	ops := map[string]operator{
		"BooleanEquals": {typeTests["IsBoolean"], func(v, o any) bool {
			a, ok1 := v.(bool)
			b, ok2 := o.(bool)
			return ok1 && ok2 && a == b
		}},
		"StringMatches": {typeTests["IsString"], func(v, o any) bool {
			s, ok1 := v.(string)
			pattern, ok2 := o.(string)
			return ok1 && ok2 && matchesPattern(s, pattern)
		}},
	}
	orders := map[string]func(int) bool{
		"Equals":            func(c int) bool { return c == 0 },
		"LessThan":          func(c int) bool { return c < 0 },
		"GreaterThan":       func(c int) bool { return c > 0 },
		"LessThanEquals":    func(c int) bool { return c <= 0 },
		"GreaterThanEquals": func(c int) bool { return c >= 0 },
	}
	kinds := map[string]struct {
		valid   func(any) bool
		compare func(a, b any) (int, bool)
	}{
		"String":    {typeTests["IsString"], compareStringValues},
		"Numeric":   {typeTests["IsNumeric"], compareNumericValues},
		"Timestamp": {typeTests["IsTimestamp"], compareTimestampValues},
	}
	for kindName, kind := range kinds {
		for orderName, order := range orders {
			ops[kindName+orderName] = operator{kind.valid, func(v, o any) bool {
				c, comparable := kind.compare(v, o)
				return comparable && order(c)
			}}
		}
	}
	return ops
}

func compareStringValues(a, b any) (int, bool) {
	x, ok1 := a.(string)
	y, ok2 := b.(string)
	return compareOrdered(x, y), ok1 && ok2
}

func compareNumericValues(a, b any) (int, bool) {
	x, ok1 := a.(json.Number)
	y, ok2 := b.(json.Number)
	if !ok1 || !ok2 {
		return 0, false
	}
	return compareNumbers(x, y), true
}

func compareTimestampValues(a, b any) (int, bool) {
	x, ok1 := timestamp(a)
	y, ok2 := timestamp(b)
	return x.Compare(y), ok1 && ok2
}

// timestamp reads a time of RFC 3339 with an upper-case T and Z, as the language demands.
func timestamp(value any) (time.Time, bool) {
	s, ok := value.(string)
	if !ok {
		return time.Time{}, false
	}
	t, err := ParseTimestamp(s)
	return t, err == nil
}

// ParseTimestamp reads the text of a timestamp field.
func ParseTimestamp(s string) (time.Time, error) {
	if strings.ContainsAny(s, "tz") {
		return time.Time{}, fmt.Errorf("%q: T and Z have to be upper case", s)
	}
	return time.Parse(time.RFC3339Nano, s)
}

// matchesPattern reports whether s matches pattern, in which * stands for any text and \ escapes *
// and itself. It backtracks to the last * only, so it takes at most len(s)*len(pattern) steps.
func matchesPattern(s, pattern string) bool {
	i, j := 0, 0
	star, resume := -1, 0
	for i < len(s) {
		c, width, isStar := patternByte(pattern, j)
		switch {
		case isStar:
			star, resume = j, i
			j++
		case width > 0 && s[i] == c:
			i++
			j += width
		case star >= 0:
			resume++
			i, j = resume, star+1
		default:
			return false
		}
	}
	for j < len(pattern) && pattern[j] == '*' {
		j++
	}
	return j == len(pattern)
}

func patternByte(pattern string, j int) (c byte, width int, isStar bool) {
	switch {
	case j >= len(pattern):
		return 0, 0, false
	case pattern[j] == '*':
		return 0, 1, true
	case pattern[j] == '\\' && j+1 < len(pattern) && (pattern[j+1] == '*' || pattern[j+1] == '\\'):
		return pattern[j+1], 2, false
	}
	return pattern[j], 1, false
}
