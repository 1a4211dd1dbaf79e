package asl

//lint:file-ignore ST1005 the texts of errors are AWS's own

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxNesting is how deep intrinsic functions may be nested (Developer Guide, Intrinsic functions).
const maxNesting = 10

// call is a compiled intrinsic function with its arguments.
type call struct {
	name string
	run  intrinsic
	args []arg
}

// arg is one of: a nested call, a path, a constant. A string constant also keeps its text before
// unescaping, because States.Format has to tell {} from \{\}.
type arg struct {
	call    *call
	path    *Path
	value   any
	escaped string
}

// intrinsic computes a function; escaped is the text of a constant first argument, for
// States.Format.
type intrinsic struct {
	minArgs, maxArgs int // maxArgs < 0 means any number
	apply            func(args []any, escaped string, env Env) (any, error)
}

// parseIntrinsic compiles text such as States.Format('{}', $.a).
func parseIntrinsic(text string) (*call, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not UTF-8")
	}
	p := &intrinsicParser{text: text}
	c, err := p.call(1)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	if p.skipSpace(); p.pos < len(text) {
		return nil, fmt.Errorf("%q: unexpected %q after the call", text, text[p.pos:])
	}
	return c, nil
}

type intrinsicParser struct {
	text string
	pos  int
}

func (p *intrinsicParser) call(depth int) (*call, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("intrinsic functions nested deeper than %d", maxNesting)
	}
	name := p.take(func(c byte) bool { return c != '(' && c != ')' && c != ',' && c != ' ' })
	run, known := intrinsics[name]
	if !known {
		return nil, fmt.Errorf("the intrinsic function %q does not exist", name)
	}
	p.skipSpace()
	if !p.eat('(') {
		return nil, fmt.Errorf("( expected after %s", name)
	}
	c := &call{name: name, run: run}
	for p.skipSpace(); !p.eat(')'); p.skipSpace() {
		if len(c.args) > 0 {
			if !p.eat(',') {
				return nil, fmt.Errorf(", or ) expected at %q", p.text[p.pos:])
			}
			p.skipSpace()
		}
		a, err := p.arg(depth)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
	}
	if n := len(c.args); n < run.minArgs || run.maxArgs >= 0 && n > run.maxArgs {
		return nil, fmt.Errorf("%s does not take %d arguments", name, n)
	}
	return c, nil
}

func (p *intrinsicParser) arg(depth int) (arg, error) {
	rest := p.text[p.pos:]
	switch {
	case strings.HasPrefix(rest, "'"):
		return p.quoted()
	case strings.HasPrefix(rest, "$"):
		path, err := ParsePath(p.pathText())
		return arg{path: path}, err
	case strings.HasPrefix(rest, "States."):
		c, err := p.call(depth + 1)
		return arg{call: c}, err
	}
	word := p.take(func(c byte) bool { return c != ',' && c != ')' && c != ' ' })
	switch value, err := Decode([]byte(word)); {
	case err != nil:
		return arg{}, fmt.Errorf("%q is not an argument", word)
	case word[0] == '"' || word[0] == '[' || word[0] == '{':
		return arg{}, fmt.Errorf("%q is not an argument: strings stand in single quotes, arrays and objects come from paths", word)
	default:
		return arg{value: value}, nil
	}
}

// quoted reads '…' with the escapes \' \\ \{ and \}.
func (p *intrinsicParser) quoted() (arg, error) {
	var value strings.Builder
	start := p.pos + 1
	for i := start; i < len(p.text); i++ {
		switch c := p.text[i]; c {
		case '\'':
			p.pos = i + 1
			return arg{value: value.String(), escaped: p.text[start:i]}, nil
		case '\\':
			i++
			if i == len(p.text) || !strings.ContainsRune(`'\{}`, rune(p.text[i])) {
				return arg{}, fmt.Errorf("a backslash escapes only ' \\ { and } in %q", p.text[start:])
			}
			value.WriteByte(p.text[i])
		default:
			value.WriteByte(c)
		}
	}
	return arg{}, fmt.Errorf("' expected at the end of %q", p.text[start-1:])
}

// pathText reads up to the comma or parenthesis that ends the argument: one outside brackets and
// quotes.
func (p *intrinsicParser) pathText() string {
	start, depth, quote := p.pos, 0, byte(0)
	for ; p.pos < len(p.text); p.pos++ {
		c := p.text[p.pos]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[' || c == '(':
			depth++
		case depth > 0 && (c == ']' || c == ')'):
			depth--
		case depth == 0 && (c == ',' || c == ')'):
			return strings.TrimRight(p.text[start:p.pos], " ")
		}
	}
	return p.text[start:]
}

func (p *intrinsicParser) take(accept func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.text) && accept(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func (p *intrinsicParser) eat(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *intrinsicParser) skipSpace() {
	p.take(func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' })
}

func (c *call) eval(input any, env Env) (any, error) {
	values := make([]any, len(c.args))
	for i, a := range c.args {
		switch {
		case a.call != nil:
			value, err := a.call.eval(input, env)
			if err != nil {
				return nil, err
			}
			values[i] = value
		case a.path != nil:
			value, found := a.path.Get(input, env)
			if !found {
				return nil, fmt.Errorf("The JsonPath argument for the field '%s' could not be found in the input '%s'",
					a.path.text, Encode(searched(a.path, input, env)))
			}
			values[i] = value
		default:
			values[i] = a.value
		}
	}
	escaped := ""
	if len(c.args) > 0 {
		if escaped = c.args[0].escaped; escaped == "" {
			// A template that a path found still has its escapes.
			escaped, _ = values[0].(string)
		}
	}
	return c.run.apply(values, escaped, env)
}

func describe(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "an array"
	}
	return "an object"
}
