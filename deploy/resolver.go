package deploy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// resolver gives the template's values: what intrinsic functions and pseudo parameters stand for
// (CloudFormation User Guide, intrinsic-function-reference). A value is a string, a list or a map;
// numbers and truths are strings, as the template may write them either way.
type resolver struct {
	at         Place
	parameters map[string]any
	conditions map[string]yaml.Node
	resources  map[string]*resource
	depth      int
}

// noValue is AWS::NoValue: whatever has it is left out.
type noValue struct{}

// deepest bounds how deep values may refer to each other: deeper ones refer to themselves.
const deepest = 64

func (r *resolver) value(node *yaml.Node) (any, error) {
	if r.depth++; r.depth > deepest {
		return nil, &at{node.Line, errors.New("it refers to itself")}
	}
	defer func() { r.depth-- }()
	read := r.plain
	if strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!") {
		read = r.intrinsic
	}
	value, err := read(node)
	if err != nil && !errors.As(err, new(*at)) {
		return nil, &at{node.Line, err}
	}
	return value, err
}

// at is an error with the line of the template that it is about.
type at struct {
	line int
	err  error
}

func (e *at) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *at) Unwrap() error { return e.err }

// plain is what a node says without its tag.
func (r *resolver) plain(node *yaml.Node) (any, error) {
	switch node.Kind {
	case 0: // a resource without properties
		return map[string]any{}, nil
	case yaml.ScalarNode:
		return node.Value, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, child := range node.Content {
			value, err := r.value(child)
			if err != nil {
				return nil, err
			}
			if value != (noValue{}) {
				list = append(list, value)
			}
		}
		return list, nil
	case yaml.MappingNode:
		values := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			value, err := r.value(node.Content[i+1])
			if err != nil {
				return nil, err
			}
			if value != (noValue{}) {
				values[node.Content[i].Value] = value
			}
		}
		return values, nil
	}
	return nil, errors.New("CloudFormation has no aliases")
}

// intrinsic is what a function's call stands for.
func (r *resolver) intrinsic(node *yaml.Node) (any, error) {
	switch node.Tag {
	case "!Ref":
		return r.ref(node.Value)
	case "!GetAtt":
		id, attribute, _ := strings.Cut(node.Value, ".")
		return r.attribute(id, attribute)
	case "!Sub":
		return r.substitute(node)
	case "!If":
		if len(node.Content) != 3 {
			return nil, errors.New("!If: want a condition and two values")
		}
		holds, err := r.condition(node.Content[0].Value)
		if err != nil {
			return nil, err
		}
		if holds {
			return r.value(node.Content[1])
		}
		return r.value(node.Content[2])
	}
	return nil, fmt.Errorf("nothing is known of the function %s", node.Tag)
}

// ref is a parameter's value, a pseudo parameter's, or a resource's name.
func (r *resolver) ref(name string) (any, error) {
	if value, ok := r.parameters[name]; ok {
		return value, nil
	}
	switch name {
	case "AWS::Region":
		return r.at.Region, nil
	case "AWS::AccountId":
		return r.at.AccountID, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	is, name, err := r.named(name)
	if err != nil {
		return nil, err
	}
	switch is.Type {
	case queueType:
		return r.queueURL(name), nil
	case machineType:
		return r.arn(is, name)
	}
	return name, nil
}

func (r *resolver) queueURL(name string) string {
	if r.at.QueueURL != nil {
		return r.at.QueueURL(name)
	}
	return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", r.at.Region, r.at.AccountID, name)
}

func (r *resolver) attribute(id, attribute string) (any, error) {
	is, name, err := r.named(id)
	switch {
	case err != nil:
		return nil, err
	case attribute == "Arn":
		return r.arn(is, name)
	}
	return nil, fmt.Errorf("nothing is known of the attribute %s.%s", id, attribute)
}

// identity is what the resource is called.
func (r *resolver) identity(is *resource) (identity, error) {
	ref, err := r.ref(is.id)
	called := identity{id: is.id, ref: fmt.Sprint(ref)}
	if err == nil && is.kind.arn != "" {
		_, name, _ := r.named(is.id) // ref has asked before
		called.arn, err = r.arn(is, name)
	}
	return called, err
}

// named is a resource and its name: what its own property says, or what CloudFormation would call
// it.
func (r *resolver) named(id string) (*resource, string, error) {
	is, ok := r.resources[id]
	if !ok {
		return nil, "", fmt.Errorf("%s is neither a parameter nor a resource", id)
	}
	if is.kind.name == "" {
		return is, id, nil
	}
	for i := 0; i+1 < len(is.Properties.Content); i += 2 {
		if is.Properties.Content[i].Value == is.kind.name {
			name, err := r.value(is.Properties.Content[i+1])
			if err != nil {
				return nil, "", err
			}
			return is, fmt.Sprint(name), nil
		}
	}
	return is, id, nil
}

func (r *resolver) arn(is *resource, name string) (string, error) {
	if is.kind.arn == "" {
		return "", fmt.Errorf("nothing is known of the ARN of a %s", is.Type)
	}
	return strings.NewReplacer("REGION", r.at.Region, "ACCOUNT", r.at.AccountID, "NAME", name).Replace(is.kind.arn), nil
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// substitute puts values in place of ${Name} and ${Name.Attribute}.
func (r *resolver) substitute(node *yaml.Node) (any, error) {
	if node.Kind != yaml.ScalarNode {
		return nil, errors.New("!Sub: want one text: values of its own are not known here")
	}
	var failed error
	result := placeholder.ReplaceAllStringFunc(node.Value, func(found string) string {
		name := found[2 : len(found)-1]
		id, attribute, has := strings.Cut(name, ".")
		value, err := r.ref(name)
		if has {
			value, err = r.attribute(id, attribute)
		}
		if err != nil {
			failed = err
		}
		return fmt.Sprint(value)
	})
	return result, failed
}

// condition says whether a condition holds.
func (r *resolver) condition(name string) (bool, error) {
	node, ok := r.conditions[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	return r.holds(&node)
}

func (r *resolver) holds(node *yaml.Node) (bool, error) {
	if r.depth++; r.depth > deepest {
		return false, &at{node.Line, errors.New("it refers to itself")}
	}
	defer func() { r.depth-- }()
	switch node.Tag {
	case "!Condition":
		return r.condition(node.Value)
	case "!Equals":
		value, err := r.plain(node)
		both, _ := value.([]any)
		if err != nil || len(both) != 2 {
			return false, errors.Join(err, errors.New("!Equals: want two values"))
		}
		return both[0] == both[1], nil
	case "!Not":
		holds, err := r.holds(node.Content[0])
		return !holds, err
	case "!And":
		for _, child := range node.Content {
			if holds, err := r.holds(child); err != nil || !holds {
				return false, err
			}
		}
		return true, nil
	}
	return false, &at{node.Line, fmt.Errorf("nothing is known of the condition %s", node.Tag)}
}
