package ddbcore

import (
	"errors"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Numbers are kept as DynamoDB returns them: plain decimal text without exponent, leading zeros or
// trailing zeros of the fraction. Equal values therefore have equal text, and two texts compare
// without arithmetic. The limits are those of the Developer Guide, HowItWorks.NamingRulesDataTypes.
const (
	maxDigits   = 38
	maxExponent = 125  // of the first significant digit: 9.99…E+125
	minExponent = -130 // 1E-130
	// fastDigits is the most digits that two integers may have so that their sum cannot overflow an
	// int64.
	fastDigits = 18
)

const (
	overflowText    = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	underflowText   = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	digitsText      = "Attempting to store more than 38 significant digits in a Number"
	notANumberText  = "The parameter cannot be converted to a numeric value"
	maxNumberLength = 512 // no client writes a longer number within the limits
)

// canonicalNumber returns the canonical text of s.
func canonicalNumber(s string) (string, error) {
	if isPlainInteger(s) {
		return s, nil
	}
	return slowCanonicalNumber(s)
}

// isPlainInteger says whether s is a canonical integer, short enough to need no check of its
// digits.
func isPlainInteger(s string) bool {
	digits := s
	if len(s) > 1 && s[0] == '-' {
		digits = s[1:]
		if digits[0] == '0' {
			return false
		}
	}
	if len(digits) == 0 || len(digits) > maxDigits || (digits[0] == '0' && len(digits) > 1) {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

func slowCanonicalNumber(s string) (string, error) {
	if s == "" {
		return "", invalidf(notANumberText)
	}
	negative, digits, exponent, ok := splitNumber(s)
	if !ok {
		return "", invalidf("%s: %s", notANumberText, s)
	}
	if digits == "" {
		return "0", nil
	}
	// The value is 0.digits * 10^exponent, with no zero at either end of digits.
	switch lead := exponent - 1; {
	case lead > maxExponent:
		return "", invalidf(overflowText)
	case lead < minExponent:
		return "", invalidf(underflowText)
	case len(digits) > maxDigits:
		return "", invalidf(digitsText)
	}
	return plainNumber(negative, digits, exponent), nil
}

// splitNumber reads [sign] digits [. digits] [e [sign] digits] as ±0.digits * 10^exponent; zero has
// no digits.
func splitNumber(s string) (negative bool, digits string, exponent int, ok bool) {
	if len(s) > maxNumberLength {
		return false, "", 0, false
	}
	if s[0] == '-' || s[0] == '+' {
		negative = s[0] == '-'
		s = s[1:]
	}
	mantissa := s
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		mantissa = s[:at]
		// Nine digits are far beyond any exponent in range and cannot overflow the sums below.
		if e := strings.TrimLeft(s[at+1:], "+-"); len(s)-at-1-len(e) > 1 || !allDigits(e) || len(e) > 9 {
			return false, "", 0, false
		}
		exponent, _ = strconv.Atoi(s[at+1:])
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || (whole != "" && !allDigits(whole)) || (fraction != "" && !allDigits(fraction)) {
		return false, "", 0, false
	}
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent += len(whole) - (len(whole) + len(fraction) - len(digits))
	return negative, strings.TrimRight(digits, "0"), exponent, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func plainNumber(negative bool, digits string, exponent int) string {
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	switch {
	case exponent <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -exponent))
		b.WriteString(digits)
	case exponent >= len(digits):
		b.WriteString(digits)
		b.WriteString(strings.Repeat("0", exponent-len(digits)))
	default:
		b.WriteString(digits[:exponent])
		b.WriteByte('.')
		b.WriteString(digits[exponent:])
	}
	return b.String()
}

// compareNumbers orders two canonical numbers by value.
func compareNumbers(a, b string) int {
	if a == b {
		return 0
	}
	negativeA, negativeB := a[0] == '-', b[0] == '-'
	switch {
	case negativeA && negativeB:
		return compareMagnitudes(b[1:], a[1:])
	case negativeA:
		return -1
	case negativeB:
		return 1
	}
	return compareMagnitudes(a, b)
}

func compareMagnitudes(a, b string) int {
	wholeA, wholeB := wholeLength(a), wholeLength(b)
	if wholeA != wholeB {
		if wholeA < wholeB {
			return -1
		}
		return 1
	}
	// The whole parts have the same length, so the points are aligned and the texts compare as the
	// values do.
	return strings.Compare(a, b)
}

func wholeLength(s string) int {
	if point := strings.IndexByte(s, '.'); point >= 0 {
		return point
	}
	return len(s)
}

// addNumbers returns a+b of two canonical numbers, exactly. A sum that needs more than 38 digits
// fails as an overflow.
func addNumbers(a, b string) (string, error) { return combine(a, b, false) }

// combine returns a+b, or a-b, as addNumbers does.
func combine(a, b string, subtract bool) (string, error) {
	if x, ok := smallInteger(a); ok {
		if y, ok := smallInteger(b); ok {
			if subtract {
				y = -y
			}
			return strconv.FormatInt(x+y, 10), nil
		}
	}
	var x, y, sum apd.Decimal
	if _, _, err := x.SetString(a); err != nil {
		return "", err
	}
	if _, _, err := y.SetString(b); err != nil {
		return "", err
	}
	operate := apd.BaseContext.Add // BaseContext has no precision limit: the result is exact
	if subtract {
		operate = apd.BaseContext.Sub
	}
	if _, err := operate(&sum, &x, &y); err != nil {
		return "", err
	}
	text, err := canonicalNumber(sum.Text('f'))
	var bad *invalid
	if errors.As(err, &bad) && bad.message != underflowText {
		return "", itemInvalidf(overflowText)
	}
	return text, err
}

func smallInteger(s string) (int64, bool) {
	if len(s) > fastDigits {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
