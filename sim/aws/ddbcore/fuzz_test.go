package ddbcore

import (
	"fmt"
	"testing"
)

// fuzzParser checks that the parser never panics, and that what it accepts, printed and read again,
// is the same.
func fuzzParser[E fmt.Stringer](f *testing.F, parse func(string) (E, error), seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		e, err := parse(src)
		if err != nil {
			return
		}
		printed := e.String()
		if len(printed) > maxExpressionBytes {
			return // the spaces that printing adds made it too long
		}
		again, err := parse(printed)
		if err != nil {
			t.Fatalf("%q was accepted, its printed form %q is not: %v", src, printed, err)
		}
		if again.String() != printed {
			t.Fatalf("%q was read as %q, and that as %q", src, printed, again)
		}
	})
}

func FuzzCondition(f *testing.F) {
	fuzzParser(f, func(s string) (*conditionExpression, error) { return parseCondition(conditionKind, s) },
		"a = :v", "NOT (a.b[3] <> :v AND #x BETWEEN :l AND :h) OR size(c) >= :n", "a IN (:x, b, size(c))",
		"attribute_not_exists(p) or begins_with(#a, :p) and contains(a, :x) and attribute_type(a, :t)", "((a=b))", "f(", "a = ", "é = :v")
}

func FuzzKeyCondition(f *testing.F) {
	schema := keySchema{hash: keyAttribute{"p", kindS}, rng: keyAttribute{"c", kindN}}
	fuzzParser(f, func(s string) (*conditionExpression, error) {
		e, err := parseCondition(keyConditionKind, s)
		if err != nil {
			return nil, err
		}
		b := binding{names: e.names}
		for range e.values {
			b.values = append(b.values, keyValue("1", kindS))
		}
		// Whether it selects or is refused, it must not panic.
		_, _ = keyRangeOf(e, &b, schema)
		return e, nil
	}, "p = :p AND c > :c", "(:p = p) and (c between :a and :b)", "begins_with(c, :c) AND p = :p", "p = :p OR c = :c")
}

func FuzzUpdate(f *testing.F) {
	fuzzParser(f, parseUpdate,
		"SET a = :v, b.c[1] = if_not_exists(x, :y) + :z REMOVE d, e[0] ADD n :n DELETE s :s",
		"set a = list_append(if_not_exists(a, :e), :v)", "SET a = b - c", "SET set = :v", "ADD a", "REMOVE", "SET a = f(b)")
}

func FuzzProjection(f *testing.F) {
	fuzzParser(f, parseProjection, "a, b.c[0][1].#d", "a", "a,", "a.b, a.b", "#x.#y", "[0]")
}
