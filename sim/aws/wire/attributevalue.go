package wire

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Attribute values, {"S": "text"}, {"N": "1"}, {"M": {…}} and so on, are the only union in the
// three services, and most of what DynamoDB sends and receives: the Codec reads and writes them
// without reflection.

func (d *decoder) attributeMap(token json.Token) (map[string]types.AttributeValue, error) {
	m := make(map[string]types.AttributeValue)
	err := d.members(token, func(name string) error {
		token, err := d.next()
		if err != nil {
			return err
		}
		m[name], err = d.attributeValue(token)
		return err
	})
	return m, err
}

// attributeValue reads a value, which must have exactly one type (DynamoDB API Reference,
// AttributeValue).
func (d *decoder) attributeValue(token json.Token) (types.AttributeValue, error) {
	var value types.AttributeValue
	err := d.members(token, func(tag string) error {
		token, err := d.next()
		if err != nil {
			return err
		}
		if token == nil {
			return nil
		}
		typed, err := d.attributeOf(tag, token)
		if err != nil {
			return err
		}
		if value != nil && typed != nil {
			return validationError("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		if typed != nil {
			value = typed
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, validationError("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	return value, nil
}

func validationError(message string) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: message, Fault: smithy.FaultClient}
}

// attributeOf reads the value under a type's tag; a tag that does not exist is skipped and gives
// nil.
func (d *decoder) attributeOf(tag string, token json.Token) (types.AttributeValue, error) {
	switch tag {
	case "S":
		s, err := d.text(token)
		return &types.AttributeValueMemberS{Value: s}, err
	case "N":
		n, err := d.text(token)
		return &types.AttributeValueMemberN{Value: n}, err
	case "B":
		b, err := d.blob(token)
		return &types.AttributeValueMemberB{Value: b}, err
	case "BOOL":
		b, err := d.boolean(token)
		return &types.AttributeValueMemberBOOL{Value: b}, err
	case "NULL":
		b, err := d.boolean(token)
		return &types.AttributeValueMemberNULL{Value: b}, err
	case "SS":
		ss, err := listOf(d, token, d.text)
		return &types.AttributeValueMemberSS{Value: ss}, err
	case "NS":
		ns, err := listOf(d, token, d.text)
		return &types.AttributeValueMemberNS{Value: ns}, err
	case "BS":
		bs, err := listOf(d, token, d.blob)
		return &types.AttributeValueMemberBS{Value: bs}, err
	case "L":
		l, err := listOf(d, token, d.attributeValue)
		return &types.AttributeValueMemberL{Value: l}, err
	case "M":
		m, err := d.attributeMap(token)
		return &types.AttributeValueMemberM{Value: m}, err
	}
	return nil, d.skip(token)
}

func listOf[T any](d *decoder, token json.Token, read func(json.Token) (T, error)) ([]T, error) {
	list := []T{}
	err := d.elements(token, func(token json.Token) error {
		element, err := read(token)
		list = append(list, element)
		return err
	})
	return list, err
}

func appendAttributeValue(b []byte, value types.AttributeValue) ([]byte, error) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		b = appendString(append(b, `{"S":`...), v.Value)
	case *types.AttributeValueMemberN:
		b = appendString(append(b, `{"N":`...), v.Value)
	case *types.AttributeValueMemberB:
		b = appendBlob(append(b, `{"B":`...), v.Value)
	case *types.AttributeValueMemberBOOL:
		b = appendBool(append(b, `{"BOOL":`...), v.Value)
	case *types.AttributeValueMemberNULL:
		b = appendBool(append(b, `{"NULL":`...), v.Value)
	case *types.AttributeValueMemberSS:
		b = appendList(append(b, `{"SS":`...), v.Value, appendString)
	case *types.AttributeValueMemberNS:
		b = appendList(append(b, `{"NS":`...), v.Value, appendString)
	case *types.AttributeValueMemberBS:
		b = appendList(append(b, `{"BS":`...), v.Value, appendBlob)
	case *types.AttributeValueMemberL:
		var err error
		b = append(b, `{"L":[`...)
		for i, element := range v.Value {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendAttributeValue(b, element); err != nil {
				return b, err
			}
		}
		b = append(b, ']')
	case *types.AttributeValueMemberM:
		var err error
		if b, err = appendAttributeMap(append(b, `{"M":`...), v.Value); err != nil {
			return b, err
		}
	default:
		return b, noWireForm(value)
	}
	return append(b, '}'), nil
}

func appendAttributeMap(b []byte, m map[string]types.AttributeValue) ([]byte, error) {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		var err error
		if b, err = appendAttributeValue(b, m[name]); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendList[T any](b []byte, list []T, appendElement func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, element := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendElement(b, element)
	}
	return append(b, ']')
}

func appendBlob(b, blob []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, blob)
	return append(b, '"')
}
