package asl

//lint:file-ignore ST1005 the texts of errors are AWS's own

import (
	"fmt"
	"strings"
)

// Expr is the value of a field with a name that ends in .$: a path or an intrinsic function.
type Expr struct {
	text string
	path *Path
	call *call
}

// ParseExpr compiles text.
func ParseExpr(text string) (*Expr, error) {
	if strings.HasPrefix(text, "$") {
		path, err := ParsePath(text)
		if err != nil {
			return nil, err
		}
		return &Expr{text: text, path: path}, nil
	}
	if !strings.HasPrefix(text, "States.") {
		return nil, fmt.Errorf("%q is neither a JSONPath nor an intrinsic function", text)
	}
	c, err := parseIntrinsic(text)
	if err != nil {
		return nil, err
	}
	return &Expr{text: text, call: c}, nil
}

// Eval returns the value; field is for AWS's error text if a path finds nothing.
func (e *Expr) Eval(field string, input any, env Env) (any, error) {
	if e.call != nil {
		value, err := e.call.eval(input, env)
		if err != nil {
			return nil, fmt.Errorf("The function '%s' had the following error: %w", e.text, err)
		}
		return value, nil
	}
	value, found := e.path.Get(input, env)
	if !found {
		return nil, fmt.Errorf("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			e.text, field, Encode(searched(e.path, input, env)))
	}
	return value, nil
}

func searched(path *Path, input any, env Env) any {
	if path.context {
		return env.WholeContext()
	}
	return input
}

// Template is a compiled payload template: Parameters, ItemSelector or ResultSelector.
type Template struct {
	constant any // the value, if nothing has to be evaluated
	members  []member
	items    []*Template
	expr     *Expr
	field    string // of expr, with its .$
}

type member struct {
	name  string
	value *Template
}

// CompileTemplate compiles value: every member with a name that ends in .$ is an expression,
// anything else stands for itself. Each error names its place relative to value.
func CompileTemplate(value any) (*Template, []error) {
	var errs []error
	template := compileTemplate(value, "", &errs)
	return template, errs
}

func compileTemplate(value any, at string, errs *[]error) *Template {
	t := &Template{constant: value}
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			t.items = append(t.items, compileTemplate(item, fmt.Sprintf("%s[%d]", at, i), errs))
		}
		for _, item := range t.items {
			if item.dynamic() {
				return t
			}
		}
		t.items = nil
	case map[string]any:
		dynamic := false
		for _, key := range sortedKeys(v) {
			m := compileMember(key, v, at+"/"+key, errs)
			dynamic = dynamic || m.value.dynamic()
			t.members = append(t.members, m)
		}
		if !dynamic {
			t.members = nil
		}
	}
	return t
}

func compileMember(key string, object map[string]any, at string, errs *[]error) member {
	name, isExpr := strings.CutSuffix(key, ".$")
	if !isExpr {
		return member{key, compileTemplate(object[key], at, errs)}
	}
	if _, twice := object[name]; twice {
		*errs = append(*errs, fmt.Errorf("%s: the field %q is given twice", at, name))
	}
	text, isString := object[key].(string)
	if !isString {
		*errs = append(*errs, fmt.Errorf("%s: The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", at, key))
		return member{name, &Template{}}
	}
	expr, err := ParseExpr(text)
	if err != nil {
		*errs = append(*errs, fmt.Errorf("%s: The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call: %w", at, key, err))
		return member{name, &Template{}}
	}
	return member{name, &Template{expr: expr, field: key}}
}

func (t *Template) dynamic() bool { return t.expr != nil || t.members != nil || t.items != nil }

// Eval builds the payload from input.
func (t *Template) Eval(input any, env Env) (any, error) {
	switch {
	case t.expr != nil:
		return t.expr.Eval(t.field, input, env)
	case t.members != nil:
		object := make(map[string]any, len(t.members))
		for _, m := range t.members {
			value, err := m.value.Eval(input, env)
			if err != nil {
				return nil, err
			}
			object[m.name] = value
		}
		return object, nil
	case t.items != nil:
		array := make([]any, len(t.items))
		for i, item := range t.items {
			value, err := item.Eval(input, env)
			if err != nil {
				return nil, err
			}
			array[i] = value
		}
		return array, nil
	}
	return t.constant, nil
}
