package ddbcore

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestCanonicalNumbers (Developer Guide, HowItWorks.NamingRulesDataTypes; scylladb
// test/alternator/test_number.py, run against AWS).
func TestCanonicalNumbers(t *testing.T) {
	for given, want := range map[string]string{
		"1": "1", "+1": "1", "01": "1", "1.0": "1", "1.": "1", "1.50": "1.5", "-0": "0", "0.000": "0", ".5": "0.5", "-.5": "-0.5",
		"1e3": "1000", "1E+3": "1000", "12e-1": "1.2", "1e-20": "0.00000000000000000001", "100e-2": "1",
		"1e125": "1" + strings.Repeat("0", 125), "0e999": "0",
		"1e-130":                                  "0." + strings.Repeat("0", 129) + "1",
		"9." + strings.Repeat("9", 37) + "e125":   strings.Repeat("9", 38) + strings.Repeat("0", 88),
		"12345678901234567890123456789012345678":  "12345678901234567890123456789012345678",
		"123456789012345678901234567890123456780": "123456789012345678901234567890123456780",
	} {
		if got, err := canonicalNumber(given); got != want || err != nil {
			t.Errorf("%s became %s, %v; want %s", given, got, err, want)
		}
	}
}

func TestNumbersThatAreNone(t *testing.T) {
	for given, want := range map[string]string{
		"": notANumberText, "b": notANumberText + ": b", "1 ": notANumberText, " 1": notANumberText, "NaN": notANumberText,
		"Infinity": notANumberText, "0x10": notANumberText, "1e": notANumberText, "e5": notANumberText, "-": notANumberText,
		".": notANumberText, "1e5.5": notANumberText, "--1": notANumberText, "1e+-5": notANumberText, "1_000": notANumberText,
		"1e126": overflowText, "-1e999": overflowText, "1e999999999999": notANumberText, "1e-131": underflowText,
		"123456789012345678901234567890123456789": digitsText, "1.23456789012345678901234567890123456789": digitsText,
	} {
		if got, err := canonicalNumber(given); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q became %q, %v; want %q", given, got, err, want)
		}
	}
}

// TestNumbersAgreeWithRationals compares arithmetic, order and the canonical form with rational
// numbers.
func TestNumbersAgreeWithRationals(t *testing.T) {
	number := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,15})?(e-?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		x, y := number.Draw(t, "x"), number.Draw(t, "y")
		a, errA := canonicalNumber(x)
		b, errB := canonicalNumber(y)
		if errA != nil || errB != nil {
			t.Skip()
		}
		ratA, ratB := rational(x), rational(y)
		if rational(a).Cmp(ratA) != 0 {
			t.Fatalf("%s became %s, which is another number", x, a)
		}
		if got := compareNumbers(a, b); got != ratA.Cmp(ratB) {
			t.Fatalf("%s compares with %s as %d", a, b, got)
		}
		if again, err := canonicalNumber(a); again != a || err != nil {
			t.Fatalf("the canonical %s became %s, %v", a, again, err)
		}
		for op, want := range map[bool]*big.Rat{false: new(big.Rat).Add(ratA, ratB), true: new(big.Rat).Sub(ratA, ratB)} {
			if got, err := combine(a, b, op); err == nil && rational(got).Cmp(want) != 0 {
				t.Fatalf("%s and %s make %s, subtracted: %v", a, b, got, op)
			}
		}
	})
}

func rational(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic("no number: " + s)
	}
	return r
}
