package asl

import (
	"crypto/md5"  // States.Hash offers it
	"crypto/sha1" // States.Hash offers it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"unicode/utf8"
)

// The caps that the Developer Guide (Intrinsic functions) names.
const (
	maxRangeItems   = 1000
	maxFunctionText = 10_000 // characters that Base64Encode, Base64Decode and Hash take
)

// intrinsics are the functions of the Developer Guide (Intrinsic functions), all of them.
var intrinsics = map[string]intrinsic{
	"States.Format":         {1, -1, formatText},
	"States.StringToJson":   {1, 1, stringToJSON},
	"States.JsonToString":   {1, 1, jsonToString},
	"States.Array":          {0, -1, func(args []any, _ string, _ Env) (any, error) { return args, nil }},
	"States.ArrayPartition": {2, 2, arrayPartition},
	"States.ArrayContains":  {2, 2, arrayContains},
	"States.ArrayRange":     {3, 3, arrayRange},
	"States.ArrayGetItem":   {2, 2, arrayGetItem},
	"States.ArrayLength":    {1, 1, arrayLength},
	"States.ArrayUnique":    {1, 1, arrayUnique},
	"States.Base64Encode":   {1, 1, base64Encode},
	"States.Base64Decode":   {1, 1, base64Decode},
	"States.Hash":           {2, 2, hashText},
	"States.JsonMerge":      {3, 3, jsonMerge},
	"States.MathRandom":     {2, 3, mathRandom},
	"States.MathAdd":        {2, 2, mathAdd},
	"States.StringSplit":    {2, 2, stringSplit},
	"States.UUID":           {0, 0, func(_ []any, _ string, env Env) (any, error) { return env.NewID(), nil }},
}

// formatText fills the {} of its first argument in order.
func formatText(args []any, escaped string, _ Env) (any, error) {
	if _, err := text(args, 0); err != nil {
		return nil, err
	}
	var out strings.Builder
	next := 1
	for i := 0; i < len(escaped); i++ {
		switch {
		case escaped[i] == '\\' && i+1 < len(escaped) && strings.IndexByte(`'\{}`, escaped[i+1]) >= 0:
			i++
			out.WriteByte(escaped[i])
		case strings.HasPrefix(escaped[i:], "{}"):
			if next == len(args) {
				return nil, errors.New("there are more {} in the template than arguments")
			}
			piece, err := formatted(args[next])
			if err != nil {
				return nil, err
			}
			out.WriteString(piece)
			next++
			i++
		case escaped[i] == '{' || escaped[i] == '}':
			return nil, errors.New("a brace that is not part of {} has to be escaped in the template")
		default:
			out.WriteByte(escaped[i])
		}
	}
	if next != len(args) {
		return nil, errors.New("there are fewer {} in the template than arguments")
	}
	return out.String(), nil
}

func formatted(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case []any, map[string]any:
		return "", fmt.Errorf("%s cannot be formatted", describe(value))
	}
	return string(Encode(value)), nil
}

func stringToJSON(args []any, _ string, _ Env) (any, error) {
	s, err := text(args, 0)
	if err != nil {
		return nil, err
	}
	return Decode([]byte(s))
}

func jsonToString(args []any, _ string, _ Env) (any, error) { return string(Encode(args[0])), nil }

func arrayPartition(args []any, _ string, _ Env) (any, error) {
	items, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	size, ok := integer(args[1])
	if !ok || size < 1 {
		return nil, errors.New("the chunk size has to be a positive integer")
	}
	chunks := []any{}
	for chunk := range slices.Chunk(items, int(min(size, int64(len(items)+1)))) {
		chunks = append(chunks, chunk)
	}
	return chunks, nil
}

func arrayContains(args []any, _ string, _ Env) (any, error) {
	items, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	return slices.ContainsFunc(items, func(item any) bool { return equalJSON(item, args[1]) }), nil
}

func arrayRange(args []any, _ string, _ Env) (any, error) {
	var bounds [3]int64
	for i := range bounds {
		n, ok := integer(args[i])
		if !ok || n < -1<<53 || n > 1<<53 {
			return nil, errors.New("start, end and step have to be integers")
		}
		bounds[i] = n
	}
	start, end, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, errors.New("the step must not be 0")
	}
	if (end-start)/step >= maxRangeItems {
		return nil, fmt.Errorf("the range has more than %d items", maxRangeItems)
	}
	items := []any{}
	for n := start; step > 0 && n <= end || step < 0 && n >= end; n += step {
		items = append(items, number(n))
	}
	return items, nil
}

func arrayGetItem(args []any, _ string, _ Env) (any, error) {
	items, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	i, ok := integer(args[1])
	if !ok || i < 0 || i >= int64(len(items)) {
		return nil, fmt.Errorf("the index %s is outside the array of %d items", Encode(args[1]), len(items))
	}
	return items[i], nil
}

func arrayLength(args []any, _ string, _ Env) (any, error) {
	items, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	return number(int64(len(items))), nil
}

// arrayUnique keeps the first of equal items, in order; AWS promises no order.
func arrayUnique(args []any, _ string, _ Env) (any, error) {
	items, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	unique := []any{}
	for _, item := range items {
		if !slices.ContainsFunc(unique, func(kept any) bool { return equalJSON(kept, item) }) {
			unique = append(unique, item)
		}
	}
	return unique, nil
}

func base64Encode(args []any, _ string, _ Env) (any, error) {
	s, err := shortText(args, 0)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

func base64Decode(args []any, _ string, _ Env) (any, error) {
	s, err := shortText(args, 0)
	if err != nil {
		return nil, err
	}
	decoded, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("the text is not Base64")
	}
	return strings.ToValidUTF8(string(decoded), "\uFFFD"), nil
}

// hashText hashes a string as its bytes, anything else as its JSON.
func hashText(args []any, _ string, _ Env) (any, error) {
	data, isString := args[0].(string)
	if !isString {
		data = string(Encode(args[0]))
	}
	if utf8.RuneCountInString(data) > maxFunctionText {
		return nil, fmt.Errorf("the text has more than %d characters", maxFunctionText)
	}
	name, _ := args[1].(string)
	var h hash.Hash
	switch name {
	case "MD5":
		h = md5.New() // States.Hash offers it
	case "SHA-1":
		h = sha1.New() // States.Hash offers it
	case "SHA-256":
		h = sha256.New()
	case "SHA-384":
		h = sha512.New384()
	case "SHA-512":
		h = sha512.New()
	default:
		return nil, fmt.Errorf("the hash algorithm %s is none of MD5, SHA-1, SHA-256, SHA-384, SHA-512", Encode(args[1]))
	}
	h.Write([]byte(data))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// jsonMerge is shallow, the second object winning; AWS supports no other mode.
func jsonMerge(args []any, _ string, _ Env) (any, error) {
	first, ok1 := args[0].(map[string]any)
	second, ok2 := args[1].(map[string]any)
	if !ok1 || !ok2 {
		return nil, errors.New("the first two arguments have to be objects")
	}
	if args[2] != false {
		return nil, errors.New("the third argument has to be false: only the shallow mode is supported")
	}
	merged := make(map[string]any, len(first)+len(second))
	for key, value := range first {
		merged[key] = value
	}
	for key, value := range second {
		merged[key] = value
	}
	return merged, nil
}

// mathRandom draws from start up to, not including, end. A seed, which fixes the draw on AWS, is
// refused: AWS does not publish its generator.
func mathRandom(args []any, _ string, env Env) (any, error) {
	if len(args) == 3 {
		return nil, errors.New("a seed is not supported by this interpreter")
	}
	start, ok1 := integer(args[0])
	end, ok2 := integer(args[1])
	if !ok1 || !ok2 || end <= start || end-start > 1<<31 || end-start < 0 {
		return nil, errors.New("start and end have to be integers, start below end")
	}
	return number(start + int64(env.Choose(int(end-start), "States.MathRandom"))), nil
}

func mathAdd(args []any, _ string, _ Env) (any, error) {
	a, ok1 := integer(args[0])
	b, ok2 := integer(args[1])
	if !ok1 || !ok2 {
		return nil, errors.New("both arguments have to be integers")
	}
	return number(a + b), nil
}

// stringSplit splits at any of the characters of its second argument and drops empty pieces.
func stringSplit(args []any, _ string, _ Env) (any, error) {
	s, err := text(args, 0)
	if err != nil {
		return nil, err
	}
	separators, err := text(args, 1)
	if err != nil {
		return nil, err
	}
	pieces := []any{}
	for piece := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		pieces = append(pieces, piece)
	}
	return pieces, nil
}

func text(args []any, i int) (string, error) {
	s, ok := args[i].(string)
	if !ok {
		return "", fmt.Errorf("argument %d has to be a string, not %s", i+1, describe(args[i]))
	}
	return s, nil
}

func shortText(args []any, i int) (string, error) {
	s, err := text(args, i)
	if err == nil && utf8.RuneCountInString(s) > maxFunctionText {
		return "", fmt.Errorf("the text has more than %d characters", maxFunctionText)
	}
	return s, err
}

func array(args []any, i int) ([]any, error) {
	items, ok := args[i].([]any)
	if !ok {
		return nil, fmt.Errorf("argument %d has to be an array, not %s", i+1, describe(args[i]))
	}
	return items, nil
}
