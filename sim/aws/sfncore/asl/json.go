package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Decode reads one JSON text. Numbers keep their text.
func Decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("no content to map due to end-of-input")
		}
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("trailing content after the JSON value")
	}
	return value, nil
}

// Encode writes value as compact JSON with the members of each object in the order of their names.
func Encode(value any) []byte { return appendJSON(make([]byte, 0, 256), value) }

func appendJSON(buf []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(buf, "null"...)
	case bool:
		return strconv.AppendBool(buf, v)
	case string:
		return appendString(buf, v)
	case json.Number:
		return append(buf, v...)
	case []any:
		buf = append(buf, '[')
		for i, item := range v {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = appendJSON(buf, item)
		}
		return append(buf, ']')
	case map[string]any:
		buf = append(buf, '{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = append(appendString(buf, key), ':')
			buf = appendJSON(buf, v[key])
		}
		return append(buf, '}')
	}
	panic("asl: a value outside the JSON types cannot occur")
}

const hexDigits = "0123456789abcdef"

// appendString quotes s, escaping only what JSON requires: AWS does not escape <, > and & either.
func appendString(buf []byte, s string) []byte {
	buf = append(buf, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				buf = append(append(buf, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size - 1
			continue
		}
		buf = append(buf, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(buf, s[from:]...), '"')
}

// ExceedsBytes reports whether value takes more than limit bytes as JSON. It encodes only a value
// that comes near the limit.
func ExceedsBytes(value any, limit int) bool {
	return upperBound(value) > limit && len(Encode(value)) > limit
}

// upperBound is at least the encoded size of value: a byte of a string takes at most six.
func upperBound(value any) int {
	switch v := value.(type) {
	case string:
		return 6*len(v) + 2
	case json.Number:
		return len(v)
	case []any:
		size := 2 + len(v)
		for _, item := range v {
			size += upperBound(item)
		}
		return size
	case map[string]any:
		size := 2
		for key, item := range v {
			size += 6*len(key) + 4 + upperBound(item)
		}
		return size
	}
	return 5
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// equalJSON compares by value: numbers as numbers, objects without regard to order.
func equalJSON(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		return ok && compareNumbers(x, y) == 0
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, equalJSON)
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		//determinism:ok one that differs is enough
		for key, item := range x {
			other, present := y[key]
			if !present || !equalJSON(item, other) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// compareNumbers is exact for integers of 64 bits and otherwise compares as double precision does.
func compareNumbers(a, b json.Number) int {
	x, errX := a.Int64()
	y, errY := b.Int64()
	if errX == nil && errY == nil {
		return compareOrdered(x, y)
	}
	return compareOrdered(toFloat(a), toFloat(b))
}

// toFloat yields an infinity for a number beyond double precision.
func toFloat(n json.Number) float64 {
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

func compareOrdered[T int64 | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// integer reports the value of an integral number, which may be written as 3.0 or 3e0.
func integer(value any) (int64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f := toFloat(n)
	if f != float64(int64(f)) || f < -1<<53 || f > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
