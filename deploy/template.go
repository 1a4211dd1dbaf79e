// Package deploy reads template.yaml, the only definition of what a stack consists of. AWS makes a
// stack from it by CloudFormation; the local stack, the simulation and the tests make theirs from
// what Read returns. So a queue's visibility, a rule's pattern, a function's time and what its role
// may do exist once.
//
// It promises that nothing in the template is passed over: a resource type, a property or an
// intrinsic function that it does not know is an error that names it. What only AWS has (alarms,
// logs, encryption) it knows by name, and leaves to AWS.
package deploy

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed template.yaml
var text []byte

// Parameters are values of the template's parameters. Those that are left out have their defaults.
type Parameters map[string]string

// Place is where a stack is.
type Place struct {
	Region    string
	AccountID string
	QueueURL  func(name string) string // nil: as on AWS
}

// Read is the stack that the template makes there.
func Read(p Parameters, at Place) (*Stack, error) {
	f, err := parsed()
	if err != nil {
		return nil, fmt.Errorf("deploy/template.yaml: %w", err)
	}
	stack, err := f.stack(p, at)
	if err != nil {
		return nil, fmt.Errorf("deploy/template.yaml: %w", err)
	}
	return stack, nil
}

// parsed is the template, which is the same for every stack.
var parsed = sync.OnceValues(func() (*file, error) { return parse(text) })

// file is a template. It is only read.
type file struct {
	Parameters map[string]parameter `yaml:"Parameters"`
	Conditions map[string]yaml.Node `yaml:"Conditions"`
	Resources  members              `yaml:"Resources"`

	resources []*resource // in the file's order
	byID      map[string]*resource
}

func parse(text []byte) (*file, error) {
	f := &file{byID: map[string]*resource{}}
	if err := yaml.Unmarshal(text, f); err != nil {
		return nil, err
	}
	for _, m := range f.Resources {
		is := &resource{id: m.name}
		if err := m.value.Decode(is); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		known, ok := kinds[is.Type]
		if !ok {
			return nil, fmt.Errorf("%s: nothing is known of the type %s", m.name, is.Type)
		}
		is.kind = known
		f.resources, f.byID[m.name] = append(f.resources, is), is
	}
	return f, nil
}

// stack is the stack that the file makes.
func (f *file) stack(p Parameters, at Place) (*Stack, error) {
	r := &resolver{at: at, parameters: map[string]any{}, conditions: f.Conditions, resources: f.byID}
	if err := r.take(p, f.Parameters); err != nil {
		return nil, err
	}
	stack := &Stack{}
	for _, is := range f.resources {
		if err := r.make(stack, is); err != nil {
			return nil, fmt.Errorf("%s: %w", is.id, err)
		}
	}
	return stack, stack.settle()
}

// make adds a resource to the stack, if its condition holds and it means something outside AWS.
func (r *resolver) make(stack *Stack, is *resource) error {
	if is.Condition != "" {
		if holds, err := r.condition(is.Condition); err != nil || !holds {
			return err
		}
	}
	if is.kind.take == nil {
		return nil
	}
	called, err := r.identity(is)
	if err != nil {
		return err
	}
	properties, err := r.value(&is.Properties)
	if err != nil {
		return err
	}
	return is.kind.take(stack, called, properties)
}

// parameter is a parameter's definition.
type parameter struct {
	Default       *string  `yaml:"Default"`
	AllowedValues []string `yaml:"AllowedValues"`
}

// resource is one of the template's resources.
type resource struct {
	id         string
	kind       kind
	Type       string    `yaml:"Type"`
	Condition  string    `yaml:"Condition"`
	Properties yaml.Node `yaml:"Properties"`
}

// member is one of a mapping's, and members are all in the file's order.
type (
	member struct {
		name  string
		value *yaml.Node
	}
	members []member
)

// UnmarshalYAML keeps the order.
func (m *members) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return errors.New("want a mapping")
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		*m = append(*m, member{node.Content[i].Value, node.Content[i+1]})
	}
	return nil
}

// take gives the parameters their values.
func (r *resolver) take(given Parameters, defined map[string]parameter) error {
	for name := range given {
		if _, ok := defined[name]; !ok {
			return fmt.Errorf("there is no parameter %s", name)
		}
	}
	for name, p := range defined {
		value, ok := given[name]
		switch {
		case !ok && p.Default == nil:
			return fmt.Errorf("the parameter %s needs a value", name)
		case !ok:
			value = *p.Default
		}
		if len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, value) {
			return fmt.Errorf("parameter %s: %q is none of %v", name, value, p.AllowedValues)
		}
		r.parameters[name] = value
	}
	return nil
}
