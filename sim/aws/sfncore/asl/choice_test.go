package asl

import (
	"strings"
	"testing"
)

const facts = `{"s":"abc","n":5,"f":5.0,"b":true,"null":null,"t":"2030-01-02T03:04:05Z","t2":"2030-01-02T04:04:05+01:00","s2":"abd","list":[]}`

// TestChoiceOperators has every kind of operator (Developer Guide, Choice state). Values of the
// wrong type just do not match; a null is present.
func TestChoiceOperators(t *testing.T) {
	for rule, want := range map[string]bool{
		`{"Variable":"$.s","StringEquals":"abc"}`:                                                                  true,
		`{"Variable":"$.n","StringEquals":"5"}`:                                                                    false,
		`{"Variable":"$.s","StringLessThan":"abd"}`:                                                                true,
		`{"Variable":"$.s","StringGreaterThan":"ABC"}`:                                                             true,
		`{"Variable":"$.s","StringLessThanEquals":"abc"}`:                                                          true,
		`{"Variable":"$.s","StringGreaterThanEquals":"abd"}`:                                                       false,
		`{"Variable":"$.s","StringLessThanPath":"$.s2"}`:                                                           true,
		`{"Variable":"$.s","StringMatches":"a*c"}`:                                                                 true,
		`{"Variable":"$.s","StringMatches":"a*d"}`:                                                                 false,
		`{"Variable":"$.s","StringMatches":"*b*"}`:                                                                 true,
		`{"Variable":"$.s","StringMatches":"a\\*"}`:                                                                false,
		`{"Variable":"$.n","StringMatches":"*"}`:                                                                   false,
		`{"Variable":"$.n","NumericEquals":5.0}`:                                                                   true,
		`{"Variable":"$.n","NumericEqualsPath":"$.f"}`:                                                             true,
		`{"Variable":"$.s","NumericEquals":5}`:                                                                     false,
		`{"Variable":"$.n","NumericLessThan":5}`:                                                                   false,
		`{"Variable":"$.n","NumericLessThanEquals":5}`:                                                             true,
		`{"Variable":"$.n","NumericGreaterThan":4.99}`:                                                             true,
		`{"Variable":"$.n","NumericGreaterThanEqualsPath":"$.s"}`:                                                  false,
		`{"Variable":"$.b","BooleanEquals":true}`:                                                                  true,
		`{"Variable":"$.b","BooleanEqualsPath":"$.n"}`:                                                             false,
		`{"Variable":"$.t","TimestampEqualsPath":"$.t2"}`:                                                          true,
		`{"Variable":"$.t","TimestampLessThan":"2030-01-02T03:04:05.001Z"}`:                                        true,
		`{"Variable":"$.t","TimestampGreaterThanEquals":"2031-01-01T00:00:00Z"}`:                                   false,
		`{"Variable":"$.s","TimestampEquals":"2031-01-01T00:00:00Z"}`:                                              false,
		`{"Variable":"$.t","IsTimestamp":true}`:                                                                    true,
		`{"Variable":"$.s","IsTimestamp":true}`:                                                                    false,
		`{"Variable":"$.null","IsNull":true}`:                                                                      true,
		`{"Variable":"$.null","IsPresent":true}`:                                                                   true,
		`{"Variable":"$.nope","IsPresent":true}`:                                                                   false,
		`{"Variable":"$.nope","IsPresent":false}`:                                                                  true,
		`{"Variable":"$.s","IsString":true}`:                                                                       true,
		`{"Variable":"$.n","IsString":false}`:                                                                      true,
		`{"Variable":"$.n","IsNumeric":true}`:                                                                      true,
		`{"Variable":"$.b","IsBoolean":true}`:                                                                      true,
		`{"Variable":"$$.Execution.Name","StringEquals":"x"}`:                                                      true,
		`{"Not":{"Variable":"$.b","BooleanEquals":true}}`:                                                          false,
		`{"And":[{"Variable":"$.b","BooleanEquals":true},{"Variable":"$.n","NumericEquals":5}]}`:                   true,
		`{"And":[{"Variable":"$.b","BooleanEquals":true},{"Variable":"$.n","NumericEquals":6}]}`:                   false,
		`{"Or":[{"Variable":"$.b","BooleanEquals":false},{"Variable":"$.n","NumericEquals":5}]}`:                   true,
		`{"And":[{"Variable":"$.nope","IsPresent":true},{"Variable":"$.nope","StringEquals":"x"}]}`:                false, // the guard
		`{"Or":[{"Not":{"Variable":"$.n","NumericEquals":5}},{"And":[{"Variable":"$.s","StringMatches":"abc"}]}]}`: true,
		`{"Comment":"as documented","Variable":"$.s","StringEqualsPath":"$.s"}`:                                    true,
		`{"Variable":"$.list","IsNull":false}`:                                                                     true,
		`{"Variable":"$.s","StringMatches":"` + strings.Repeat("*a", 30) + `"}`:                                    false,
	} {
		holds, err := compileCondition(t, rule).Holds(decode(t, facts), fixedEnv{})
		if err != nil || holds != want {
			t.Errorf("%s is %t, %v; want %t", rule, holds, err, want)
		}
	}
}

func TestAnAbsentVariableFailsTheChoice(t *testing.T) {
	for _, rule := range []string{
		`{"Variable":"$.nope","StringEquals":"x"}`, `{"Variable":"$.nope","IsNull":true}`, `{"Not":{"Variable":"$.nope","IsString":true}}`,
		`{"Variable":"$.s","StringEqualsPath":"$.nope"}`,
	} {
		want := "Invalid path '$.nope': The choice state's condition path references an invalid value."
		if holds, err := compileCondition(t, rule).Holds(decode(t, facts), fixedEnv{}); err == nil || err.Error() != want || holds {
			t.Errorf("%s is %t, %v", rule, holds, err)
		}
	}
}

func compileCondition(t *testing.T, rule string) Condition {
	t.Helper()
	l := &loader{names: map[string]bool{}}
	o, ok := l.object(decode(t, rule), "")
	if !ok {
		t.Fatal(rule)
	}
	condition := (&flowLoader{loader: l}).condition(o)
	o.done()
	if len(l.problems) > 0 {
		t.Fatalf("%s: %v", rule, l.problems)
	}
	return condition
}
