package asl

import (
	"fmt"
	"strings"
)

// choice reads a Choice state, which has no Next of its own.
func (f *flowLoader) choice(s *State, o *object) {
	rules := o.list("Choices")
	if len(rules) == 0 {
		o.problem("Choices", "Choices must be a non-empty array")
	}
	for i, item := range rules {
		r, ok := f.object(item, fmt.Sprintf("%s/Choices[%d]", o.at, i))
		if !ok {
			continue
		}
		rule := Rule{Condition: f.condition(r)}
		if r.required("Next") != "" {
			rule.Next = f.target(s, r, "Next")
		}
		r.done()
		s.Rules = append(s.Rules, rule)
	}
	s.Default = f.target(s, o, "Default")
}

// condition reads the operators of a rule: exactly one beside Variable, Comment and, at the top,
// Next.
func (f *flowLoader) condition(o *object) Condition {
	o.text("Comment")
	var conditions []Condition
	for _, name := range sortedKeys(o.field) {
		switch name {
		case "And", "Or":
			list := f.conditions(o, name)
			if name == "And" {
				conditions = append(conditions, and(list))
			} else {
				conditions = append(conditions, or(list))
			}
		case "Not":
			if inner, ok := f.object(o.field[name], o.at+"/Not"); ok {
				conditions = append(conditions, not{f.condition(inner)})
				inner.done()
			}
			o.get(name)
		default:
			if c := f.test(o, name); c != nil {
				conditions = append(conditions, c)
			}
		}
	}
	if len(conditions) != 1 {
		f.problem(CodeSchema, o.at, "Exactly one comparison operator is required in a choice rule")
		return and(nil)
	}
	return conditions[0]
}

func (f *flowLoader) conditions(o *object, name string) []Condition {
	var list []Condition
	items := o.list(name)
	if len(items) == 0 {
		o.problem(name, "%s must be a non-empty array", name)
	}
	for i, item := range items {
		if inner, ok := f.object(item, fmt.Sprintf("%s/%s[%d]", o.at, name, i)); ok {
			list = append(list, f.condition(inner))
			inner.done()
		}
	}
	return list
}

// test compiles the operator called name; nil if there is no such operator.
func (f *flowLoader) test(o *object, name string) Condition {
	variable := func() *Path {
		if o.required("Variable") == "" {
			return nil
		}
		return o.path("Variable", "")
	}
	if name == "IsPresent" {
		return presence{variable(), o.boolean(name)}
	}
	if is, known := typeTests[name]; known {
		return typeTest{variable(), is, o.boolean(name)}
	}
	if op, known := operators[name]; known {
		operand, _ := o.get(name)
		if !op.valid(operand) {
			o.problem(name, "%s cannot compare with %s", name, Encode(operand))
		}
		return comparison{variable: variable(), matches: op.matches, operand: operand}
	}
	base, isPath := strings.CutSuffix(name, "Path")
	if op, known := operators[base]; known && isPath && base != "StringMatches" {
		return comparison{variable: variable(), matches: op.matches, operandPath: o.path(name, "")}
	}
	return nil
}

func (f *flowLoader) wait(s *State, o *object) {
	given := 0
	for _, name := range []string{"Seconds", "SecondsPath", "Timestamp", "TimestampPath"} {
		if o.has(name) {
			given++
		}
	}
	if given != 1 {
		f.problem(CodeSchema, o.at, "Exactly one of the fields 'Seconds', 'SecondsPath', 'Timestamp' and 'TimestampPath' is required")
	}
	s.Seconds = o.seconds("Seconds", 0)
	s.TimestampPath = o.path("TimestampPath", "")
	if o.has("Timestamp") {
		t, err := ParseTimestamp(o.text("Timestamp"))
		if err != nil {
			o.problem("Timestamp", "Value is not a timestamp: %v", err)
		}
		s.Timestamp = t
	}
	f.transition(s, o)
}

func (f *flowLoader) fail(s *State, o *object) {
	s.Error, s.Cause = o.text("Error"), o.text("Cause")
	s.ErrorExpr, s.CauseExpr = o.expr("ErrorPath"), o.expr("CausePath")
	if s.Error != "" && s.ErrorExpr != nil {
		o.problem("ErrorPath", "Only one of Error and ErrorPath may be given")
	}
	if s.Cause != "" && s.CauseExpr != nil {
		o.problem("CausePath", "Only one of Cause and CausePath may be given")
	}
}

func (f *flowLoader) parallel(s *State, o *object) {
	s.Parameters = o.template("Parameters")
	branches := o.list("Branches")
	if len(branches) == 0 {
		o.problem("Branches", "Branches must be a non-empty array")
	}
	for i, item := range branches {
		if branch, ok := f.object(item, fmt.Sprintf("%s/Branches[%d]", o.at, i)); ok {
			branch.text("Comment")
			s.Branches = append(s.Branches, f.flow(branch))
			branch.done()
		}
	}
	f.worker(s, o)
}

// mapState reads an inline Map, under the present names of its fields or the older ones (Iterator,
// Parameters).
func (f *flowLoader) mapState(s *State, o *object) {
	s.ItemsPath = o.path("ItemsPath", "$")
	s.Parameters = f.either(o, "ItemSelector", "Parameters", o.template)
	s.MaxConcurrency = int(o.integer("MaxConcurrency", 0, maxSeconds, 0))
	s.MaxConcurrencyPath = o.path("MaxConcurrencyPath", "")
	if o.has("MaxConcurrency") && o.has("MaxConcurrencyPath") {
		o.problem("MaxConcurrencyPath", "Only one of MaxConcurrency and MaxConcurrencyPath may be given")
	}
	name := "ItemProcessor"
	if o.has("Iterator") && !o.has("ItemProcessor") {
		name = "Iterator"
	}
	value, present := o.get(name)
	if !present {
		f.problem(CodeSchema, o.at, "The field 'ItemProcessor' is required but was missing")
	} else if processor, ok := f.object(value, o.at+"/"+name); ok {
		processor.text("Comment")
		f.processorConfig(processor)
		s.Processor = f.flow(processor)
		processor.done()
	}
	f.worker(s, o)
}

func (f *flowLoader) either(o *object, name, legacy string, read func(string) *Template) *Template {
	if o.has(name) && o.has(legacy) {
		o.problem(legacy, "Only one of %s and %s may be given", name, legacy)
	}
	if o.has(name) {
		o.get(legacy)
		return read(name)
	}
	return read(legacy)
}

func (f *flowLoader) processorConfig(o *object) {
	value, present := o.get("ProcessorConfig")
	if !present {
		return
	}
	config, ok := f.object(value, o.at+"/ProcessorConfig")
	if !ok {
		return
	}
	if mode := config.text("Mode"); mode != "" && mode != "INLINE" {
		config.problem("Mode", "Map in mode %s is not supported by this interpreter", mode)
		config.get("ExecutionType")
	}
	config.done()
}
