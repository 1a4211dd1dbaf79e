package ddbcore

import (
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Sizes as DynamoDB charges them (Developer Guide, CapacityUnitCalculations and ServiceQuotas).
const (
	maxItemBytes     = 400 << 10
	maxHashKeyBytes  = 2048
	maxRangeKeyBytes = 1024
	maxPageBytes     = 1 << 20
	maxTransactBytes = 4 << 20
)

// itemBytes is the size of an item: the names and the values of its attributes.
func itemBytes(it item) int {
	size := 0
	for name, v := range it {
		size += attributeBytes(name, v)
	}
	return size
}

// attributeBytes is the size of one attribute, 0 if it is absent.
func attributeBytes(name string, v types.AttributeValue) int {
	if v == nil {
		return 0
	}
	return len(name) + valueBytes(v)
}

func valueBytes(v types.AttributeValue) int {
	size := 0
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberBytes(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
		return 1
	case *types.AttributeValueMemberSS:
		for _, element := range v.Value {
			size += len(element)
		}
	case *types.AttributeValueMemberNS:
		for _, element := range v.Value {
			size += numberBytes(element)
		}
	case *types.AttributeValueMemberBS:
		for _, element := range v.Value {
			size += len(element)
		}
	case *types.AttributeValueMemberL:
		size = 3
		for _, element := range v.Value {
			size += 1 + valueBytes(element)
		}
	case *types.AttributeValueMemberM:
		size = 3
		for name, element := range v.Value {
			size += 1 + attributeBytes(name, element)
		}
	}
	return size
}

// numberBytes is one byte for each two significant digits, one more, and one for a minus sign.
func numberBytes(canonical string) int {
	significant := strings.Trim(canonical, "-0.")
	size := (len(significant)-strings.Count(significant, ".")+1)/2 + 1
	if canonical[0] == '-' {
		size++
	}
	return size
}

// sizeFunction is the function size(): characters of a string, bytes of a binary, elements of a
// set, list or map. ok is false for any other value.
func sizeFunction(v types.AttributeValue) (n int, ok bool) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return utf8.RuneCountInString(v.Value), true
	case *types.AttributeValueMemberB:
		return len(v.Value), true
	case *types.AttributeValueMemberSS:
		return len(v.Value), true
	case *types.AttributeValueMemberNS:
		return len(v.Value), true
	case *types.AttributeValueMemberBS:
		return len(v.Value), true
	case *types.AttributeValueMemberL:
		return len(v.Value), true
	case *types.AttributeValueMemberM:
		return len(v.Value), true
	}
	return 0, false
}
