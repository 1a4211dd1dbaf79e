// Package item reads and writes the items of the stack's tables, strictly and by hand.
//
// A row is a Go struct with one list of its attributes, a function that names each attribute once,
// beside the field that holds it. The same list reads an item into the struct and writes the struct
// as an item, so that neither can know an attribute that the other does not:
//
//	func (e *Entry) attributes(f *item.Fields) {
//		f.Text("threadId", &e.ThreadID)
//		f.Number("receivedAt", &e.ReceivedAtMillis)
//	}
//
// It promises that an attribute of another type than the field's is an error that names the
// attribute. An attribute that is missing leaves its field zero, since an older version wrote rows
// without it; one that the list does not name is left alone, since a newer version may have written
// it. It knows no table.
package item

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Map is an item, or a map within one.
type Map = map[string]types.AttributeValue

// Text is a string's attribute value.
func Text(s string) *types.AttributeValueMemberS { return &types.AttributeValueMemberS{Value: s} }

// Number is a whole number's attribute value.
func Number(n int64) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// Set is a set's attribute value. DynamoDB refuses an empty one.
func Set(members ...string) *types.AttributeValueMemberSS {
	return &types.AttributeValueMemberSS{Value: members}
}

// Fields is what a list of attributes works on: it reads an item into the fields, or writes it from
// them.
type Fields struct {
	item    Map
	writing bool
	misfit  *misfit // the first attribute that was read and does not fit; nil for none
}

// misfit is an attribute that does not fit its field.
type misfit struct{ path, problem string }

// Reading reads an item. The caller looks at Err after the last field.
func Reading(m Map) *Fields { return &Fields{item: m} }

// Of is the item of a row, given the row's list of attributes.
func Of(attributes func(*Fields)) Map {
	f := &Fields{item: Map{}, writing: true}
	attributes(f)
	return f.item
}

// ValueOf is the same, as the value of one attribute of a row.
func ValueOf(attributes func(*Fields)) *types.AttributeValueMemberM {
	return &types.AttributeValueMemberM{Value: Of(attributes)}
}

// Err names the first attribute that was read and does not fit its field.
func (f *Fields) Err() error {
	if f.misfit == nil {
		return nil
	}
	return fmt.Errorf("attribute %s: %s", f.misfit.path, f.misfit.problem)
}

// Text is a string that is written even if it is empty.
func (f *Fields) Text(name string, field *string) {
	if f.writing {
		f.item[name] = Text(*field)
		return
	}
	switch v := f.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		*field = v.Value
	default:
		f.wrong(name, "S", v)
	}
}

// OptionalText is a string that is left out if it is empty.
func (f *Fields) OptionalText(name string, field *string) {
	if f.writing && *field == "" {
		return
	}
	f.Text(name, field)
}

// Number is a whole number that is written even if it is 0.
func (f *Fields) Number(name string, field *int64) {
	if f.writing {
		f.item[name] = Number(*field)
		return
	}
	switch v := f.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err != nil {
			f.fail(name, fmt.Sprintf("%q is no integer", v.Value))
			return
		}
		*field = n
	default:
		f.wrong(name, "N", v)
	}
}

// OptionalNumber is a whole number that is left out if it is 0.
func (f *Fields) OptionalNumber(name string, field *int64) {
	if f.writing && *field == 0 {
		return
	}
	f.Number(name, field)
}

// Set is a set of strings, sorted; it is left out if it is empty.
func (f *Fields) Set(name string, field *[]string) {
	if f.writing {
		if len(*field) > 0 {
			f.item[name] = Set(*field...)
		}
		return
	}
	switch v := f.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberSS:
		*field = slices.Clone(v.Value)
		slices.Sort(*field)
	default:
		f.wrong(name, "SS", v)
	}
}

// Texts is a map of strings, written even if it is empty. What was read is never nil.
func (f *Fields) Texts(name string, field *map[string]string) {
	if f.writing {
		m := make(Map, len(*field))
		for key, value := range *field {
			m[key] = Text(value)
		}
		f.item[name] = &types.AttributeValueMemberM{Value: m}
		return
	}
	inner := f.inner(name)
	if inner == nil {
		*field = map[string]string{}
		return
	}
	*field = make(map[string]string, len(inner.item))
	for _, key := range slices.Sorted(maps.Keys(inner.item)) {
		var value string
		inner.Text(key, &value)
		(*field)[key] = value
	}
	f.failWithin(name, inner)
}

// Part is a struct of its own within the row, with its own list; it is left out if the field is
// nil.
func Part[T any](f *Fields, name string, field **T, attributes func(*T, *Fields)) {
	if f.writing {
		if *field != nil {
			f.item[name] = ValueOf(func(inner *Fields) { attributes(*field, inner) })
		}
		return
	}
	inner := f.inner(name)
	if inner == nil {
		return
	}
	*field = new(T)
	attributes(*field, inner)
	f.failWithin(name, inner)
}

// inner reads the map of that name; nil if there is none.
func (f *Fields) inner(name string) *Fields {
	switch v := f.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberM:
		return &Fields{item: v.Value}
	default:
		f.wrong(name, "M", v)
	}
	return nil
}

func (f *Fields) wrong(name, want string, got types.AttributeValue) {
	f.fail(name, fmt.Sprintf("want type %s, got %s", want, typeOf(got)))
}

func (f *Fields) fail(path, problem string) {
	if f.misfit == nil {
		f.misfit = &misfit{path, problem}
	}
}

// failWithin takes over the inner map's misfit, with the map's name in its path.
func (f *Fields) failWithin(name string, inner *Fields) {
	if inner.misfit != nil {
		f.fail(name+"."+inner.misfit.path, inner.misfit.problem)
	}
}

// typeOf is DynamoDB's name of a value's type.
func typeOf(v types.AttributeValue) string {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return "S"
	case *types.AttributeValueMemberN:
		return "N"
	case *types.AttributeValueMemberB:
		return "B"
	case *types.AttributeValueMemberBOOL:
		return "BOOL"
	case *types.AttributeValueMemberNULL:
		return "NULL"
	case *types.AttributeValueMemberM:
		return "M"
	case *types.AttributeValueMemberL:
		return "L"
	case *types.AttributeValueMemberSS:
		return "SS"
	case *types.AttributeValueMemberNS:
		return "NS"
	case *types.AttributeValueMemberBS:
		return "BS"
	}
	return fmt.Sprintf("%T", v)
}
