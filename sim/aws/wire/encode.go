package wire

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Encode writes an API's output, or one of its modelled errors, as AWS sends it; out is a struct or
// a pointer to one. It leaves out nil pointers, lists and maps and empty enums; it writes zero
// numbers and booleans that are not pointers ("Count": 0). The error says which type has no JSON
// form, or that a number is not finite.
func (c *Codec) Encode(out any) ([]byte, error) {
	v := reflect.Indirect(reflect.ValueOf(out))
	if v.Kind() != reflect.Struct {
		return nil, noWireForm(out)
	}
	return c.appendStruct(make([]byte, 0, 512), v)
}

func noWireForm(v any) error {
	return fmt.Errorf("wire: no JSON form for %T", v)
}

func (c *Codec) appendStruct(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	first := true
	for _, m := range c.plan(v.Type()).members {
		field := v.Field(m.field)
		if omitted(field) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, m.key...)
		var err error
		if b, err = c.appendValue(b, field); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func omitted(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func (c *Codec) appendValue(b []byte, v reflect.Value) ([]byte, error) {
	switch v.Type() {
	case timeType:
		t := v.Interface().(time.Time)
		return appendFloat(b, float64(t.UnixMilli())/1e3, 64)
	case attributeMapType:
		return appendAttributeMap(b, v.Interface().(map[string]dynamodbtypes.AttributeValue))
	case attributeValueType:
		a, _ := v.Interface().(dynamodbtypes.AttributeValue)
		return appendAttributeValue(b, a)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return c.appendValue(b, v.Elem())
	case reflect.Struct:
		return c.appendStruct(b, v)
	case reflect.Map:
		return c.appendMap(b, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return appendBlob(b, v.Bytes()), nil
		}
		return c.appendSlice(b, v)
	case reflect.String:
		return appendString(b, v.String()), nil
	case reflect.Bool:
		return appendBool(b, v.Bool()), nil
	case reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Float32, reflect.Float64:
		return appendFloat(b, v.Float(), v.Type().Bits())
	}
	return b, fmt.Errorf("wire: no JSON form for %s", v.Type())
}

func (c *Codec) appendMap(b []byte, v reflect.Value) ([]byte, error) {
	keys := v.MapKeys() //determinism:ok sorted in the next line
	slices.SortFunc(keys, func(x, y reflect.Value) int { return cmp.Compare(x.String(), y.String()) })
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, key.String()), ':')
		var err error
		if b, err = c.appendValue(b, v.MapIndex(key)); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func (c *Codec) appendSlice(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = c.appendValue(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendBool(b []byte, v bool) []byte {
	return strconv.AppendBool(b, v)
}

func appendFloat(b []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, fmt.Errorf("wire: no JSON form for the number %v", f)
	}
	return strconv.AppendFloat(b, f, 'f', -1, bits), nil
}

// appendString writes plain ASCII itself, as nearly all names and values are, and leaves the rest
// to encoding/json, which escapes what has to be and replaces what is not UTF-8.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
