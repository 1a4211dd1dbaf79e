package deploy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// fields are a mapping's members, each of which has to be taken: what is left is not known. The
// first error stays; after it, everything is empty.
type fields struct {
	of    map[string]any
	where string
	err   error
}

func fieldsOf(value any, where string) *fields {
	of, ok := value.(map[string]any)
	f := &fields{of: maps.Clone(of), where: where}
	if !ok {
		f.fail(errors.New("want a mapping"))
	}
	return f
}

func (f *fields) fail(err error) {
	if f.err == nil && err != nil {
		f.err = fmt.Errorf("%s: %w", f.where, err)
	}
}

// take is a member, which is then known; nil if there is none.
func (f *fields) take(name string) any {
	value := f.of[name]
	delete(f.of, name)
	return value
}

// text is a member that is a text; empty if there is none.
func (f *fields) text(name string) string {
	switch value := f.take(name).(type) {
	case nil:
		return ""
	case string:
		return value
	}
	f.fail(fmt.Errorf("%s: want a text", name))
	return ""
}

// number is a member that is a whole number; ok says whether there is one.
func (f *fields) number(name string) (n int, ok bool) {
	value := f.text(name)
	if value == "" {
		return 0, false
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		f.fail(fmt.Errorf("%s: %q is no whole number", name, value))
	}
	return n, err == nil
}

// list is a member that is a list, or one value, which is a list of one.
func (f *fields) list(name string) []any {
	switch value := f.take(name).(type) {
	case nil:
		return nil
	case []any:
		return value
	default:
		return []any{value}
	}
}

// texts is a list of texts.
func (f *fields) texts(name string) []string {
	var list []string
	for _, value := range f.list(name) {
		text, ok := value.(string)
		if !ok {
			f.fail(fmt.Errorf("%s: want texts", name))
		}
		list = append(list, text)
	}
	return list
}

// within are the fields of a member that is a mapping; none if there is none.
func (f *fields) within(name string) *fields {
	value := f.take(name)
	if value == nil {
		value = map[string]any{}
	}
	return fieldsOf(value, f.where+"."+name)
}

// each gives the fields of every member of a list.
func (f *fields) each(name string, do func(*fields)) {
	for i, value := range f.list(name) {
		inner := fieldsOf(value, fmt.Sprintf("%s.%s[%d]", f.where, name, i))
		do(inner)
		f.fail(inner.done())
	}
}

// onlyAWS takes members that mean nothing outside AWS.
func (f *fields) onlyAWS(names ...string) {
	for _, name := range names {
		f.take(name)
	}
}

// done is the first error, or that members are left.
func (f *fields) done() error {
	if f.err == nil && len(f.of) > 0 {
		f.fail(fmt.Errorf("nothing is known of %v", slices.Sorted(maps.Keys(f.of))))
	}
	return f.err
}
