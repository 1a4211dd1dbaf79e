package ddbcore

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is one version of an item. A stored item and everything below it never changes: a write
// makes a new map that shares what it does not touch. Stored values are canonical: numbers as
// number.go writes them, sets sorted.
type item = map[string]types.AttributeValue

// kind is a DynamoDB type, as a bit, so that sets of kinds are sums.
type kind uint16

const (
	kindS kind = 1 << iota
	kindN
	kindB
	kindSS
	kindNS
	kindBS
	kindM
	kindL
	kindNull
	kindBool

	kindsOrdered = kindS | kindN | kindB
	kindsSets    = kindSS | kindNS | kindBS
	kindsSized   = kindS | kindB | kindsSets | kindM | kindL
)

// String is the type's name in an AttributeValue and in attribute_type.
func (k kind) String() string {
	switch k {
	case kindS:
		return "S"
	case kindN:
		return "N"
	case kindB:
		return "B"
	case kindSS:
		return "SS"
	case kindNS:
		return "NS"
	case kindBS:
		return "BS"
	case kindM:
		return "M"
	case kindL:
		return "L"
	case kindNull:
		return "NULL"
	case kindBool:
		return "BOOL"
	}
	return fmt.Sprintf("kind(%d)", uint16(k))
}

// longName is the type's name in the error texts of ADD and DELETE.
func (k kind) longName() string {
	switch k {
	case kindS:
		return "STRING"
	case kindN:
		return "NUMBER"
	case kindB:
		return "BINARY"
	case kindM:
		return "MAP"
	case kindL:
		return "LIST"
	case kindBool:
		return "BOOLEAN"
	}
	return k.String()
}

// kindOf is 0 for nil and for a type that the SDK does not define.
func kindOf(v types.AttributeValue) kind {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return kindS
	case *types.AttributeValueMemberN:
		return kindN
	case *types.AttributeValueMemberB:
		return kindB
	case *types.AttributeValueMemberSS:
		return kindSS
	case *types.AttributeValueMemberNS:
		return kindNS
	case *types.AttributeValueMemberBS:
		return kindBS
	case *types.AttributeValueMemberM:
		return kindM
	case *types.AttributeValueMemberL:
		return kindL
	case *types.AttributeValueMemberNULL:
		return kindNull
	case *types.AttributeValueMemberBOOL:
		return kindBool
	}
	return 0
}

// maxNesting is how deep lists and maps may nest (Developer Guide, ServiceQuotas).
const maxNesting = 32

const nestingText = "Nesting Levels have exceeded supported limits"

// canonical checks a value of a request and returns it in canonical form. The result may be v
// itself or share parts of it; clone copies what the core stores.
func canonical(v types.AttributeValue) (types.AttributeValue, error) { return canonicalAt(v, 0) }

func canonicalAt(v types.AttributeValue, depth int) (types.AttributeValue, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS, *types.AttributeValueMemberB, *types.AttributeValueMemberBOOL:
		return v, nil
	case *types.AttributeValueMemberN:
		text, err := canonicalNumber(v.Value)
		if err != nil || text == v.Value {
			return v, err
		}
		return &types.AttributeValueMemberN{Value: text}, nil
	case *types.AttributeValueMemberNULL:
		if !v.Value {
			return nil, invalidf("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return v, nil
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberNS, *types.AttributeValueMemberBS:
		return canonicalSet(v)
	case *types.AttributeValueMemberL:
		if depth+1 > maxNesting {
			return nil, invalidf(nestingText)
		}
		list := make([]types.AttributeValue, len(v.Value))
		for i, element := range v.Value {
			canon, err := canonicalAt(element, depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = canon
		}
		return &types.AttributeValueMemberL{Value: list}, nil
	case *types.AttributeValueMemberM:
		if depth+1 > maxNesting {
			return nil, invalidf(nestingText)
		}
		m := make(item, len(v.Value))
		for _, name := range sortedKeys(v.Value) {
			canon, err := canonicalAt(v.Value[name], depth+1)
			if err != nil {
				return nil, err
			}
			m[name] = canon
		}
		return &types.AttributeValueMemberM{Value: m}, nil
	}
	return nil, invalidf("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

func canonicalSet(v types.AttributeValue) (types.AttributeValue, error) {
	const duplicates = "One or more parameter values were invalid: Input collection %v contains duplicates."
	switch v := v.(type) {
	case *types.AttributeValueMemberSS:
		if len(v.Value) == 0 {
			return nil, envelopedf("One or more parameter values were invalid: An string set  may not be empty")
		}
		set := slices.Sorted(slices.Values(v.Value))
		if len(slices.Compact(set)) != len(v.Value) {
			return nil, invalidf(duplicates, "["+strings.Join(v.Value, ", ")+"]")
		}
		return &types.AttributeValueMemberSS{Value: set}, nil
	case *types.AttributeValueMemberNS:
		if len(v.Value) == 0 {
			return nil, envelopedf("One or more parameter values were invalid: An number set  may not be empty")
		}
		set := make([]string, len(v.Value))
		for i, element := range v.Value {
			text, err := canonicalNumber(element)
			if err != nil {
				return nil, err
			}
			set[i] = text
		}
		slices.SortFunc(set, compareNumbers)
		if len(slices.Compact(set)) != len(v.Value) {
			return nil, invalidf("Input collection contains duplicates")
		}
		return &types.AttributeValueMemberNS{Value: set}, nil
	case *types.AttributeValueMemberBS:
		if len(v.Value) == 0 {
			return nil, envelopedf("One or more parameter values were invalid: Binary sets should not be empty")
		}
		set := slices.Clone(v.Value)
		slices.SortFunc(set, bytes.Compare)
		if len(slices.CompactFunc(set, bytes.Equal)) != len(v.Value) {
			return nil, invalidf("One or more parameter values were invalid: Input collection of type BS contains duplicates.")
		}
		return &types.AttributeValueMemberBS{Value: set}, nil
	}
	return nil, fmt.Errorf("ddbcore: %T is no set", v)
}

// canonicalItem applies canonical to each attribute, in the order of their names so that the first
// error is always the same.
func canonicalItem(in item) (item, error) {
	out := make(item, len(in))
	for _, name := range sortedKeys(in) {
		v, err := canonical(in[name])
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// clone copies a canonical value completely.
func clone(v types.AttributeValue) types.AttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return &types.AttributeValueMemberS{Value: v.Value}
	case *types.AttributeValueMemberN:
		return &types.AttributeValueMemberN{Value: v.Value}
	case *types.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: bytes.Clone(v.Value)}
	case *types.AttributeValueMemberBOOL:
		return &types.AttributeValueMemberBOOL{Value: v.Value}
	case *types.AttributeValueMemberNULL:
		return &types.AttributeValueMemberNULL{Value: v.Value}
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Clone(v.Value)}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: slices.Clone(v.Value)}
	case *types.AttributeValueMemberBS:
		set := make([][]byte, len(v.Value))
		for i, element := range v.Value {
			set[i] = bytes.Clone(element)
		}
		return &types.AttributeValueMemberBS{Value: set}
	case *types.AttributeValueMemberL:
		list := make([]types.AttributeValue, len(v.Value))
		for i, element := range v.Value {
			list[i] = clone(element)
		}
		return &types.AttributeValueMemberL{Value: list}
	case *types.AttributeValueMemberM:
		return &types.AttributeValueMemberM{Value: cloneItem(v.Value)}
	}
	return nil
}

// cloneItem copies an item completely; nil stays nil.
func cloneItem(in item) item {
	if in == nil {
		return nil
	}
	out := make(item, len(in))
	for name, v := range in {
		out[name] = clone(v)
	}
	return out
}

// equal compares two canonical values; values of different types are never equal.
func equal(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && bytes.Equal(a.Value, b.Value)
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberNULL:
		return kindOf(b) == kindNull
	case *types.AttributeValueMemberSS:
		b, ok := b.(*types.AttributeValueMemberSS)
		return ok && slices.Equal(a.Value, b.Value)
	case *types.AttributeValueMemberNS:
		b, ok := b.(*types.AttributeValueMemberNS)
		return ok && slices.Equal(a.Value, b.Value)
	case *types.AttributeValueMemberBS:
		b, ok := b.(*types.AttributeValueMemberBS)
		return ok && slices.EqualFunc(a.Value, b.Value, bytes.Equal)
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		return ok && slices.EqualFunc(a.Value, b.Value, equal)
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		return ok && equalItems(a.Value, b.Value)
	}
	return false
}

func equalItems(a, b item) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if w, ok := b[name]; !ok || !equal(v, w) {
			return false
		}
	}
	return true
}

// compare orders two canonical values of one ordered kind (S by UTF-8 bytes, B by unsigned bytes, N
// by value). ok is false for anything else.
func compare(a, b types.AttributeValue) (order int, ok bool) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		if b, ok := b.(*types.AttributeValueMemberS); ok {
			return strings.Compare(a.Value, b.Value), true
		}
	case *types.AttributeValueMemberN:
		if b, ok := b.(*types.AttributeValueMemberN); ok {
			return compareNumbers(a.Value, b.Value), true
		}
	case *types.AttributeValueMemberB:
		if b, ok := b.(*types.AttributeValueMemberB); ok {
			return bytes.Compare(a.Value, b.Value), true
		}
	}
	return 0, false
}
