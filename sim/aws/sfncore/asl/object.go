package asl

import (
	"encoding/json"
	"fmt"
	"time"
)

// Problem is one thing that is wrong with a definition.
type Problem struct {
	Code     string // such as SCHEMA_VALIDATION_FAILED
	Message  string
	Location string // such as /States/Check/Next
}

// The codes of problems, as AWS names them.
const (
	CodeSchema  = "SCHEMA_VALIDATION_FAILED"
	CodeTarget  = "MISSING_TRANSITION_TARGET"
	CodeJSON    = "INVALID_JSON_DESCRIPTION"
	CodeTwice   = "DUPLICATE_STATE_NAME"
	CodeMissing = "MISSING_DESCRIPTION"
)

// String writes the problem in AWS's style.
func (p Problem) String() string {
	if p.Location == "" {
		return p.Code + ": " + p.Message
	}
	return p.Code + ": " + p.Message + " at " + p.Location
}

// object reads the fields of one JSON object of a definition and remembers which it was asked for;
// it reports the rest as unknown.
type object struct {
	l     *loader
	at    string
	field map[string]any
	read  map[string]bool
}

func (l *loader) object(value any, at string) (*object, bool) {
	field, ok := value.(map[string]any)
	if !ok {
		l.problem(CodeSchema, at, "Expected value of type Object, got %s", describe(value))
		return nil, false
	}
	return &object{l: l, at: at, field: field, read: map[string]bool{}}, true
}

func (o *object) get(name string) (any, bool) {
	o.read[name] = true
	value, present := o.field[name]
	return value, present
}

func (o *object) has(name string) bool { _, present := o.field[name]; return present }

func (o *object) problem(name, format string, args ...any) {
	o.l.problem(CodeSchema, o.at+"/"+name, format, args...)
}

// done reports the fields that were not asked for.
func (o *object) done() {
	for _, name := range sortedKeys(o.field) {
		if o.read[name] {
			continue
		}
		if reason, refused := refusedFields[name]; refused {
			o.problem(name, "%s", reason)
			continue
		}
		o.problem(name, "Field '%s' is not supported here", name)
	}
}

// refusedFields are the fields that this interpreter does not support in any object.
var refusedFields = map[string]string{
	"Assign":                     "Assign is not supported by this interpreter",
	"Arguments":                  "Arguments (QueryLanguage JSONata) is not supported by this interpreter",
	"Output":                     "Output (QueryLanguage JSONata) is not supported by this interpreter",
	"Items":                      "Items (QueryLanguage JSONata) is not supported by this interpreter",
	"Condition":                  "Condition (QueryLanguage JSONata) is not supported by this interpreter",
	"ItemReader":                 "ItemReader (distributed Map) is not supported by this interpreter",
	"ItemBatcher":                "ItemBatcher (distributed Map) is not supported by this interpreter",
	"ResultWriter":               "ResultWriter (distributed Map) is not supported by this interpreter",
	"ToleratedFailurePercentage": "ToleratedFailurePercentage (distributed Map) is not supported by this interpreter",
	"ToleratedFailureCount":      "ToleratedFailureCount (distributed Map) is not supported by this interpreter",
	"Credentials":                "Credentials is not supported by this interpreter",
}

func (o *object) text(name string) string {
	value, present := o.get(name)
	s, isString := value.(string)
	if present && !isString {
		o.problem(name, "Expected value of type String, got %s", describe(value))
	}
	return s
}

// required reads a text that must be there. If it is absent, required reports that and returns an
// empty text.
func (o *object) required(name string) string {
	if !o.has(name) {
		o.get(name)
		o.l.problem(CodeSchema, o.at, "The field '%s' is required but was missing", name)
		return ""
	}
	s := o.text(name)
	if o.field[name] == "" {
		o.problem(name, "The field '%s' must not be empty", name)
	}
	return s
}

func (o *object) boolean(name string) bool {
	value, present := o.get(name)
	b, isBool := value.(bool)
	if present && !isBool {
		o.problem(name, "Expected value of type Boolean, got %s", describe(value))
	}
	return b
}

// integer reads a whole number from low to high; fallback if it is absent or wrong.
func (o *object) integer(name string, low, high, fallback int64) int64 {
	value, present := o.get(name)
	if !present {
		return fallback
	}
	n, isInteger := integer(value)
	if !isInteger || n < low || n > high {
		o.problem(name, "Expected an integer from %d to %d, got %s", low, high, Encode(value))
		return fallback
	}
	return n
}

func (o *object) float(name string, low, fallback float64) float64 {
	value, present := o.get(name)
	if !present {
		return fallback
	}
	n, isNumber := value.(json.Number)
	if !isNumber || toFloat(n) < low {
		o.problem(name, "Expected a number not below %v, got %s", low, Encode(value))
		return fallback
	}
	return toFloat(n)
}

// path reads a path: fallback if the field is absent, nil if it is null.
func (o *object) path(name, fallback string) *Path {
	value, present := o.get(name)
	if !present {
		value = fallback
	}
	if value == nil || value == "" && !present {
		return nil
	}
	s, isString := value.(string)
	if !isString {
		o.problem(name, "Expected value of type String, got %s", describe(value))
		return nil
	}
	path, err := ParsePath(s)
	if err != nil {
		o.problem(name, "Value is not a valid JSONPath: %v", err)
	}
	return path
}

// resultPath reads a reference path: $ if the field is absent, nil if it is null.
func (o *object) resultPath() *ReferencePath {
	value, present := o.get("ResultPath")
	if !present {
		return &ReferencePath{text: "$"}
	}
	if value == nil {
		return nil
	}
	s, isString := value.(string)
	if !isString {
		o.problem("ResultPath", "Expected value of type String, got %s", describe(value))
		return nil
	}
	path, err := ParseReferencePath(s)
	if err != nil {
		o.problem("ResultPath", "Value is not a Reference Path: %v", err)
	}
	return path
}

func (o *object) template(name string) *Template {
	value, present := o.get(name)
	if !present {
		return nil
	}
	template, errs := CompileTemplate(value)
	for _, err := range errs {
		o.problem(name, "%v", err)
	}
	return template
}

// expr reads the …Path of a Fail state: a path or an intrinsic function.
func (o *object) expr(name string) *Expr {
	s := o.text(name)
	if s == "" {
		return nil
	}
	expr, err := ParseExpr(s)
	if err != nil {
		o.problem(name, "Value is not a valid JSONPath or intrinsic function: %v", err)
	}
	return expr
}

// maxSeconds is the largest number of seconds that the language takes.
const maxSeconds = 99_999_999

// seconds reads Name or NamePath; only one of them may be there.
func (o *object) seconds(name string, low int64) Duration {
	if o.has(name) && o.has(name+"Path") {
		o.problem(name+"Path", "Only one of %s and %sPath may be given", name, name)
	}
	d := Duration{Path: o.path(name+"Path", "")}
	d.Fixed = time.Duration(o.integer(name, low, maxSeconds, 0)) * time.Second
	return d
}

// list reads an array.
func (o *object) list(name string) []any {
	value, present := o.get(name)
	items, isArray := value.([]any)
	if present && !isArray {
		o.problem(name, "Expected value of type Array, got %s", describe(value))
	}
	return items
}

func (l *loader) problem(code, at, format string, args ...any) {
	l.problems = append(l.problems, Problem{Code: code, Message: fmt.Sprintf(format, args...), Location: at})
}
