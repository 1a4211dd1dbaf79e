package asl

//lint:file-ignore ST1005 the texts of errors are AWS's own

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ohler55/ojg/jp"
)

// Path is a compiled JSONPath into the state's input ($…) or into the context object ($$…).
//
// A path is definite if each step names one member or one element: it finds a value or nothing. Any
// other path (wildcards, slices, unions, filters, descents) finds a list, which may be empty, as in
// Jayway's implementation, which AWS uses. The members of an object are visited in the order of
// their names.
type Path struct {
	text    string
	context bool
	steps   []step  // of a definite path
	frags   jp.Expr // of an indefinite one, without its root
}

// step names a member, or an element if isIndex is set; a negative index counts from the end.
type step struct {
	key     string
	index   int
	isIndex bool
}

// ParsePath compiles text.
func ParsePath(text string) (*Path, error) {
	path := &Path{text: text}
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("%q does not begin with $", text)
	}
	if after, isContext := strings.CutPrefix(rest, "$"); isContext {
		path.context, rest = true, after
	}
	if rest != "" && rest[0] != '.' && rest[0] != '[' {
		return nil, fmt.Errorf("%q is neither a path nor a supported reference: variables are not supported by this interpreter", text)
	}
	if steps, ok := parseSteps(rest); ok {
		path.steps = steps
		return path, nil
	}
	expr, err := parseJSONPath("$" + rest)
	if err != nil {
		return nil, fmt.Errorf("%q is not a JSONPath: %w", text, err)
	}
	path.frags = expr
	if steps, ok := definite(expr); ok {
		path.steps, path.frags = steps, nil
	}
	return path, nil
}

// Text returns the path as it was written.
func (p *Path) Text() string { return p.text }

// Get evaluates the path.
func (p *Path) Get(input any, env Env) (value any, found bool) {
	steps := p.steps
	switch {
	case p.context && len(steps) > 0 && !steps[0].isIndex:
		if input, found = env.Context(steps[0].key); !found {
			return nil, false
		}
		steps = steps[1:]
	case p.context:
		input = env.WholeContext()
	}
	if p.frags != nil {
		return expand(input, p.frags), true
	}
	for _, s := range steps {
		if input, found = s.get(input); !found {
			return nil, false
		}
	}
	return input, true
}

// Lookup is Get with AWS's text for a path that finds nothing.
func (p *Path) Lookup(input any, env Env) (any, error) {
	value, found := p.Get(input, env)
	if !found {
		return nil, fmt.Errorf("Invalid path '%s' : No results for path: %s", p.text, bracketed(p.steps))
	}
	return value, nil
}

func (s step) get(value any) (any, bool) {
	if !s.isIndex {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		member, ok := object[s.key]
		return member, ok
	}
	array, ok := value.([]any)
	i := s.index
	if i < 0 {
		i += len(array)
	}
	if !ok || i < 0 || i >= len(array) {
		return nil, false
	}
	return array[i], true
}

func bracketed(steps []step) string {
	text := []byte{'$'}
	for _, s := range steps {
		text = append(text, '[')
		if s.isIndex {
			text = strconv.AppendInt(text, int64(s.index), 10)
		} else {
			text = append(append(append(text, '\''), s.key...), '\'')
		}
		text = append(text, ']')
	}
	return string(text)
}

// parseSteps reads what the language calls a reference path: .name, ['name'] and [n] only.
func parseSteps(text string) ([]step, bool) {
	var steps []step
	for text != "" {
		var (
			s  step
			ok bool
		)
		if text[0] == '.' {
			s.key, text = readName(text[1:])
			ok = s.key != ""
		} else {
			s, text, ok = readBracket(text)
		}
		if !ok {
			return nil, false
		}
		steps = append(steps, s)
	}
	return steps, true
}

func readName(text string) (name, rest string) {
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

func readBracket(text string) (s step, rest string, ok bool) {
	inner, rest, ok := strings.Cut(strings.TrimPrefix(text, "["), "]")
	if !ok || text[0] != '[' {
		return s, text, false
	}
	if n, err := strconv.Atoi(inner); err == nil {
		return step{index: n, isIndex: true}, rest, inner[0] != '+'
	}
	last := len(inner) - 1
	if last < 2 || inner[0] != '\'' && inner[0] != '"' || inner[last] != inner[0] || strings.ContainsAny(inner[1:last], `'"\`) {
		return s, text, false
	}
	return step{key: inner[1:last]}, rest, true
}

// parseJSONPath parses with ojg a path that is more than a reference path. It refuses what Jayway
// does not share.
func parseJSONPath(text string) (expr jp.Expr, err error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not UTF-8")
	}
	if strings.Contains(text[1:], "$") {
		return nil, errors.New("$ is supported only at the beginning and in a quoted name of a reference path") // ojg would drop it
	}
	defer func() {
		if r := recover(); r != nil {
			expr, err = nil, fmt.Errorf("%v", r)
		}
	}()
	if expr, err = jp.ParseString(text); err != nil {
		return nil, err
	}
	expr = expr[1:]
	for i, frag := range expr {
		switch frag.(type) {
		case jp.Child, jp.Nth, jp.Wildcard, jp.Slice, jp.Union:
		case jp.Descent:
			if i == len(expr)-1 {
				return nil, errors.New("it ends in ..")
			}
		case *jp.Filter:
		default:
			return nil, fmt.Errorf("%T is not supported by this interpreter", frag)
		}
	}
	return expr, nil
}

func definite(expr jp.Expr) ([]step, bool) {
	steps := make([]step, 0, len(expr))
	for _, frag := range expr {
		switch f := frag.(type) {
		case jp.Child:
			steps = append(steps, step{key: string(f)})
		case jp.Nth:
			steps = append(steps, step{index: int(f), isIndex: true})
		default:
			return nil, false
		}
	}
	return steps, true
}

// expand walks an indefinite path breadth first, one fragment at a time. ojg parses the path and
// matches its filters; its own walk visits maps in no fixed order.
func expand(input any, frags jp.Expr) []any {
	nodes := []any{input}
	for _, frag := range frags {
		next := []any{}
		for _, node := range nodes {
			next = appendMatches(next, node, frag)
		}
		nodes = next
	}
	return nodes
}

func appendMatches(out []any, node any, frag jp.Frag) []any {
	switch f := frag.(type) {
	case jp.Child:
		return appendStep(out, node, step{key: string(f)})
	case jp.Nth:
		return appendStep(out, node, step{index: int(f), isIndex: true})
	case jp.Wildcard:
		return append(out, children(node)...)
	case jp.Descent:
		return appendDescendants(out, node)
	case jp.Slice:
		return appendSlice(out, node, f)
	case jp.Union:
		for _, member := range f {
			switch m := member.(type) {
			case string:
				out = appendStep(out, node, step{key: m})
			case int64:
				out = appendStep(out, node, step{index: int(m), isIndex: true})
			}
		}
	case *jp.Filter:
		for _, child := range children(node) {
			if f.Match(plain(child)) {
				out = append(out, child)
			}
		}
	}
	return out
}

func appendStep(out []any, node any, s step) []any {
	if value, found := s.get(node); found {
		return append(out, value)
	}
	return out
}

func appendDescendants(out []any, node any) []any {
	out = append(out, node)
	for _, child := range children(node) {
		out = appendDescendants(out, child)
	}
	return out
}

func appendSlice(out []any, node any, s jp.Slice) []any {
	array, _ := node.([]any)
	start, end, by := s[0], s[1], s[2]
	if by == jp.SliceNotSet {
		by = 1
	}
	if by < 1 {
		return out // Jayway knows no backward slices
	}
	clamp := func(i, unset int) int {
		switch {
		case i == jp.SliceNotSet:
			return unset
		case i < 0:
			i += len(array)
		}
		return min(max(i, 0), len(array))
	}
	for i, stop := clamp(start, 0), clamp(end, len(array)); i < stop; i += by {
		out = append(out, array[i])
	}
	return out
}

func children(node any) []any {
	switch v := node.(type) {
	case []any:
		return v
	case map[string]any:
		out := make([]any, 0, len(v))
		for _, key := range sortedKeys(v) {
			out = append(out, v[key])
		}
		return out
	}
	return nil
}

// plain turns numbers into the types that ojg's filters compare.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		return toFloat(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		//determinism:ok each entry is converted on its own
		for key, item := range v {
			out[key] = plain(item)
		}
		return out
	}
	return value
}

// ReferencePath says where in the state's input a result is put. It names one place: members, or
// elements that exist.
type ReferencePath struct {
	text  string
	steps []step
}

// ParseReferencePath compiles text, which must be a reference path into the input (Developer Guide,
// Paths).
func ParseReferencePath(text string) (*ReferencePath, error) {
	steps, ok := parseSteps(strings.TrimPrefix(text, "$"))
	if !ok || !strings.HasPrefix(text, "$") {
		return nil, fmt.Errorf("%q is not a reference path", text)
	}
	for _, s := range steps {
		if s.isIndex && s.index < 0 {
			return nil, fmt.Errorf("%q is not a reference path: negative index", text)
		}
	}
	return &ReferencePath{text: text, steps: steps}, nil
}

// ErrResultPathMatch is wrapped by the errors of Put; AWS reports it as
// States.ResultPathMatchFailure.
var ErrResultPathMatch = errors.New("States.ResultPathMatchFailure")

// Put returns input with result at the path. It does not change input.
func (p *ReferencePath) Put(input, result any) (any, error) {
	output, ok := put(input, p.steps, result)
	if !ok {
		return nil, fmt.Errorf("%w: Unable to apply step %q to input %s", ErrResultPathMatch, p.text, Encode(input))
	}
	return output, nil
}

func put(target any, steps []step, result any) (any, bool) {
	if len(steps) == 0 {
		return result, true
	}
	s := steps[0]
	if s.isIndex {
		array, ok := target.([]any)
		if !ok || s.index >= len(array) {
			return nil, false
		}
		item, ok := put(array[s.index], steps[1:], result)
		if !ok {
			return nil, false
		}
		out := append([]any(nil), array...)
		out[s.index] = item
		return out, true
	}
	object, ok := target.(map[string]any)
	if !ok {
		return nil, false
	}
	child, present := object[s.key]
	if !present && len(steps) > 1 {
		child = map[string]any{}
	}
	item, ok := put(child, steps[1:], result)
	if !ok {
		return nil, false
	}
	out := make(map[string]any, len(object)+1)
	for key, value := range object {
		out[key] = value
	}
	out[s.key] = item
	return out, true
}
