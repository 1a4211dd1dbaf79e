package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"time"

	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// maxDepth bounds the nesting of a body, so that a hostile one cannot exhaust the stack. DynamoDB
// itself stops at 32 levels of attribute values; each is two levels of JSON.
const maxDepth = 128

// Decode reads an API's input, or any other JSON value in AWS's form, into the struct that into
// points to. It leaves members alone that are absent or null. A failure is a
// *smithy.GenericAPIError: SerializationException, or ValidationException for an attribute value
// that has no type or two.
func (c *Codec) Decode(body []byte, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("wire: decode into %T, which is not a pointer to a struct", into)
	}
	d := decoder{codec: c, json: json.NewDecoder(bytes.NewReader(body))}
	d.json.UseNumber()
	token, err := d.next()
	if err == nil {
		err = d.value(token, v.Elem())
	}
	if err != nil {
		return err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return unexpectedToken()
	}
	return nil
}

// serializationError gets the texts that DynamoDB was recorded to answer with; those of the other
// services are not documented.
func serializationError(format string, args ...any) error {
	return &smithy.GenericAPIError{
		Code: "SerializationException", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient,
	}
}

func unexpectedToken() error {
	return serializationError("Unexpected token received from parser")
}

func unexpectedStructure() error {
	return serializationError("Start of structure or map found where not expected.")
}

type decoder struct {
	codec *Codec
	json  *json.Decoder
	depth int
}

func (d *decoder) next() (json.Token, error) {
	token, err := d.json.Token()
	if err != nil {
		return nil, unexpectedToken()
	}
	return token, nil
}

func (d *decoder) enter() error {
	if d.depth++; d.depth > maxDepth {
		return serializationError("The request is nested more than %d levels deep", maxDepth)
	}
	return nil
}

// leave reads the closing bracket or brace.
func (d *decoder) leave() error {
	d.depth--
	_, err := d.next()
	return err
}

var (
	timeType           = reflect.TypeFor[time.Time]()
	attributeValueType = reflect.TypeFor[dynamodbtypes.AttributeValue]()
	attributeMapType   = reflect.TypeFor[map[string]dynamodbtypes.AttributeValue]()
)

// value reads the value that begins with token into v, which is settable.
func (d *decoder) value(token json.Token, v reflect.Value) error {
	if token == nil { // JSON null: as if the member were absent
		return nil
	}
	switch v.Type() {
	case timeType:
		return d.time(token, v)
	case attributeMapType:
		m, err := d.attributeMap(token)
		if err == nil {
			v.Set(reflect.ValueOf(m))
		}
		return err
	case attributeValueType:
		a, err := d.attributeValue(token)
		if err == nil {
			v.Set(reflect.ValueOf(a))
		}
		return err
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(token, v.Elem())
	case reflect.Struct:
		return d.object(token, v)
	case reflect.Map:
		return d.mapping(token, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b, err := d.blob(token)
			v.SetBytes(b)
			return err
		}
		return d.list(token, v)
	default:
		return d.scalar(token, v)
	}
}

func (d *decoder) scalar(token json.Token, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		s, err := d.text(token)
		v.SetString(s)
		return err
	case reflect.Bool:
		b, err := d.boolean(token)
		v.SetBool(b)
		return err
	case reflect.Int32, reflect.Int64:
		n, ok := token.(json.Number)
		if !ok {
			return mismatch(token, "Integer")
		}
		i, err := strconv.ParseInt(string(n), 10, v.Type().Bits())
		if err != nil {
			return serializationError("%s cannot be converted to Integer", n)
		}
		v.SetInt(i)
		return nil
	case reflect.Float32, reflect.Float64:
		n, ok := token.(json.Number)
		if !ok {
			return mismatch(token, "Double")
		}
		f, err := strconv.ParseFloat(string(n), v.Type().Bits())
		if err != nil {
			return serializationError("%s cannot be converted to Double", n)
		}
		v.SetFloat(f)
		return nil
	}
	return fmt.Errorf("wire: no JSON form for %s", v.Type())
}

func (d *decoder) object(token json.Token, v reflect.Value) error {
	plan := d.codec.plan(v.Type())
	return d.members(token, func(name string) error {
		token, err := d.next()
		if err != nil {
			return err
		}
		field, known := plan.byName[name]
		if !known {
			return d.skip(token)
		}
		return d.value(token, v.Field(field))
	})
}

// members reads the object that begins with token, a brace; read must take exactly the value of the
// member that it is given.
func (d *decoder) members(token json.Token, read func(name string) error) error {
	if token != json.Delim('{') {
		if token == json.Delim('[') {
			return unexpectedStructure()
		}
		return unexpectedToken()
	}
	if err := d.enter(); err != nil {
		return err
	}
	for d.json.More() {
		name, err := d.next()
		if err != nil {
			return err
		}
		if err := read(name.(string)); err != nil {
			return err
		}
	}
	return d.leave()
}

// elements reads the array that begins with token, a bracket.
func (d *decoder) elements(token json.Token, read func(json.Token) error) error {
	if token != json.Delim('[') {
		if token == json.Delim('{') {
			return unexpectedStructure()
		}
		return unexpectedToken()
	}
	if err := d.enter(); err != nil {
		return err
	}
	for d.json.More() {
		token, err := d.next()
		if err != nil {
			return err
		}
		if err := read(token); err != nil {
			return err
		}
	}
	return d.leave()
}

// skip reads the rest of the value that begins with token.
func (d *decoder) skip(token json.Token) error {
	open := 0
	for {
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
		if open == 0 {
			return nil
		}
		var err error
		if token, err = d.next(); err != nil {
			return err
		}
	}
}

func (d *decoder) mapping(token json.Token, v reflect.Value) error {
	t := v.Type()
	m := reflect.MakeMap(t)
	err := d.members(token, func(name string) error {
		token, err := d.next()
		if err != nil {
			return err
		}
		element := reflect.New(t.Elem()).Elem()
		if err := d.value(token, element); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), element)
		return nil
	})
	v.Set(m)
	return err
}

func (d *decoder) list(token json.Token, v reflect.Value) error {
	t := v.Type()
	list := reflect.MakeSlice(t, 0, 4)
	err := d.elements(token, func(token json.Token) error {
		element := reflect.New(t.Elem()).Elem()
		if err := d.value(token, element); err != nil {
			return err
		}
		list = reflect.Append(list, element)
		return nil
	})
	v.Set(list)
	return err
}

func (d *decoder) text(token json.Token) (string, error) {
	s, ok := token.(string)
	if !ok {
		return "", mismatch(token, "String")
	}
	return s, nil
}

func (d *decoder) boolean(token json.Token) (bool, error) {
	b, ok := token.(bool)
	if !ok {
		return false, mismatch(token, "Boolean")
	}
	return b, nil
}

func (d *decoder) blob(token json.Token) ([]byte, error) {
	s, ok := token.(string)
	if !ok {
		return nil, mismatch(token, "Blob")
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, serializationError("STRING_VALUE cannot be converted to Blob: %v", err)
	}
	return b, nil
}

// time reads seconds since 1970, with the milliseconds as a fraction.
func (d *decoder) time(token json.Token, v reflect.Value) error {
	n, ok := token.(json.Number)
	if !ok {
		return mismatch(token, "Timestamp")
	}
	seconds, err := n.Float64()
	if err != nil || math.Abs(seconds) > maxEpochSeconds {
		return serializationError("%s cannot be converted to Timestamp", n)
	}
	v.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(seconds * 1e3))).UTC()))
	return nil
}

// maxEpochSeconds is the end of the year 9999, the last that AWS's own date format can write.
const maxEpochSeconds = 253402300799

// mismatch is the error for a value of another kind than the expected one; token is the value or
// its beginning.
func mismatch(token json.Token, kind string) error {
	switch token := token.(type) {
	case json.Delim:
		return unexpectedStructure()
	case string:
		return serializationError("STRING_VALUE cannot be converted to %s", kind)
	case bool:
		if token {
			return serializationError("TRUE_VALUE cannot be converted to %s", kind)
		}
		return serializationError("FALSE_VALUE cannot be converted to %s", kind)
	default:
		return serializationError("NUMBER_VALUE cannot be converted to %s", kind)
	}
}
