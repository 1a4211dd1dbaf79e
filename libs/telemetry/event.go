package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
)

// Event is what a process says in its log about one step: a value of one of this package's types.
// The type's fields are the record's fields, by their JSON names. Writers and readers share the
// types, so a reader goes by a record's event and fields, and never by its text.
type Event interface{ declared() Declaration }

// Declaration says what an event is, apart from its fields.
type Declaration struct {
	Name    string // of the event, for machines: the record's attribute "event". It never changes
	Level   slog.Level
	Text    string // for people: the record's message. It may change: no program reads it
	Meaning string
}

// Declared is the event's declaration.
func Declared(e Event) Declaration { return e.declared() }

// nameAttribute is the attribute of a record that names its event.
const nameAttribute = "event"

// Write logs the event with all of its fields.
func Write(ctx context.Context, log *slog.Logger, e Event) {
	d := e.declared()
	if !log.Enabled(ctx, d.Level) {
		return
	}
	attributes := []slog.Attr{slog.String(nameAttribute, d.Name)}
	value := reflect.ValueOf(e)
	for _, field := range fieldsOf(value.Type()) {
		attributes = append(attributes, slog.Any(field.Tag.Get("json"), value.FieldByIndex(field.Index).Interface()))
	}
	log.LogAttrs(ctx, d.Level, d.Text, attributes...)
}

// Read is the event in a record of slog's JSON handler. It is nil if the record names none, as a
// debug line does not. A record that names an unknown event, or lacks one of its fields, is an
// error.
func Read(record []byte) (Event, error) {
	var said map[string]json.RawMessage
	if err := json.Unmarshal(record, &said); err != nil {
		return nil, fmt.Errorf("log record: %w", err)
	}
	if said[nameAttribute] == nil {
		return nil, nil
	}
	var name string
	if err := json.Unmarshal(said[nameAttribute], &name); err != nil {
		return nil, fmt.Errorf("log record: its event: %w", err)
	}
	for _, e := range Events() {
		if e.declared().Name != name {
			continue
		}
		for _, field := range Fields(e) {
			if said[field] == nil {
				return nil, fmt.Errorf("log record: the event %s lacks its field %s", name, field)
			}
		}
		into := reflect.New(reflect.TypeOf(e))
		if err := json.Unmarshal(record, into.Interface()); err != nil {
			return nil, fmt.Errorf("log record: the event %s: %w", name, err)
		}
		return into.Elem().Interface().(Event), nil
	}
	return nil, fmt.Errorf("log record: no event %q is declared", name)
}

// Fields are the names of the event's fields, in the order of the record.
func Fields(e Event) []string {
	var names []string
	for _, field := range fieldsOf(reflect.TypeOf(e)) {
		names = append(names, field.Tag.Get("json"))
	}
	return names
}

// fieldsOf are an event's fields, including those of embedded structs.
func fieldsOf(event reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for _, field := range reflect.VisibleFields(event) {
		if !field.Anonymous {
			fields = append(fields, field)
		}
	}
	return fields
}
