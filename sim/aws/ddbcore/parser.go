package ddbcore

import (
	"slices"
	"strconv"
	"strings"
)

const (
	maxExpressionBytes = 4096
	maxOperators       = 300
	maxInOperands      = 100 // the one on the left counts
	maxListIndex       = 1<<31 - 1
)

// expressionKind is the expression's parameter, as error texts name it.
type expressionKind string

const (
	conditionKind    expressionKind = "ConditionExpression"
	filterKind       expressionKind = "FilterExpression"
	keyConditionKind expressionKind = "KeyConditionExpression"
	updateKind       expressionKind = "UpdateExpression"
	projectionKind   expressionKind = "ProjectionExpression"
)

// rank orders the mistakes of an expression that parses: AWS reports the first of the lowest rank.
type rank uint8

const (
	rankParentheses rank = iota
	rankUnknownFunction
	rankMisusedFunction
	rankReserved
	rankOperand
	ranks
)

// placeholders are the #names and :values that an expression uses, each once, in the order of their
// first use, the paths in it, and the checks that need to know what the placeholders stand for. A
// slot is an index in one of the lists.
type placeholders struct {
	names, values []string
	paths         []*path
	checks        []check
}

// check refuses a binding that DynamoDB does not allow although the grammar does.
type check func(b *binding) error

// parser reads one expression. The first syntax error stops it: err stays set and every rule
// returns at once.
type parser struct {
	kind      expressionKind
	src       string
	tokens    []token
	at        int
	err       error
	mistakes  [ranks]error
	operators int
	use       placeholders
}

func newParser(kind expressionKind, src string) *parser {
	p := &parser{kind: kind, src: src}
	switch {
	case len(src) > maxExpressionBytes:
		p.fail("Expression size has exceeded the maximum allowed size; expression size: " + strconv.Itoa(len(src)))
	case strings.TrimSpace(src) == "":
		p.err = envelopedf("Invalid %s: The expression can not be empty;", kind)
	}
	if p.err == nil {
		p.tokens = lex(src)
	} else {
		p.tokens = lex("")
	}
	return p
}

// finish checks that nothing is left and returns the first error.
func (p *parser) finish() error {
	if p.err == nil && p.peek().kind != tokenEnd {
		p.syntax()
	}
	if p.err != nil {
		return p.err
	}
	for _, mistake := range p.mistakes {
		if mistake != nil {
			return mistake
		}
	}
	if p.operators > maxOperators {
		p.fail("The expression contains too many operators; operator count: " + strconv.Itoa(p.operators))
	}
	return p.err
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) fail(text string) {
	if p.err == nil {
		p.err = invalidf("Invalid %s: %s", p.kind, text)
	}
	p.skip()
}

// skip goes to the end, so that every loop ends.
func (p *parser) skip() {
	if len(p.tokens) > 0 {
		p.at = len(p.tokens) - 1
	}
}

// syntax refuses the next token; near is the text from the token before to the token behind it.
func (p *parser) syntax() {
	if p.err != nil {
		return
	}
	from, to := p.tokens[max(p.at-1, 0)], p.tokens[min(p.at+1, len(p.tokens)-1)]
	p.fail(`Syntax error; token: "` + p.peek().text + `", near: "` + p.src[from.start:to.end] + `"`)
}

// mistake records an error; a later syntax error and a mistake of a lower rank take precedence over
// it.
func (p *parser) mistake(r rank, text string) {
	if p.mistakes[r] == nil {
		p.mistakes[r] = invalidf("Invalid %s: %s", p.kind, text)
	}
}

func (p *parser) atSymbol(symbol string) bool {
	t := p.peek()
	return t.kind == tokenSymbol && t.text == symbol
}

// atWord ignores case, as keywords do.
func (p *parser) atWord(word string) bool {
	t := p.peek()
	return t.kind == tokenWord && strings.EqualFold(t.text, word)
}

func (p *parser) accept(symbol string) bool {
	if p.atSymbol(symbol) {
		p.at++
		return true
	}
	return false
}

func (p *parser) acceptWord(word string) bool {
	if p.atWord(word) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(symbol string) {
	if !p.accept(symbol) {
		p.syntax()
	}
}

// atCall says whether a function's name and its parenthesis come next.
func (p *parser) atCall() bool {
	return p.peek().kind == tokenWord && p.at+1 < len(p.tokens) && p.tokens[p.at+1].text == "(" && !p.atKeyword()
}

func (p *parser) atKeyword() bool {
	if p.kind == updateKind || p.kind == projectionKind {
		return false
	}
	return p.atWord("AND") || p.atWord("OR") || p.atWord("NOT") || p.atWord("BETWEEN") || p.atWord("IN")
}

func slotOf(list *[]string, name string) int {
	if at := slices.Index(*list, name); at >= 0 {
		return at
	}
	*list = append(*list, name)
	return len(*list) - 1
}

func (p *parser) check(c check) { p.use.checks = append(p.use.checks, c) }

// path reads name ( '.' name | '[' integer ']' )*.
func (p *parser) path() *path {
	result := &path{elements: []element{p.pathName()}}
	p.use.paths = append(p.use.paths, result)
	for p.err == nil {
		switch {
		case p.accept("."):
			result.elements = append(result.elements, p.pathName())
		case p.accept("["):
			t := p.peek()
			if t.kind != tokenInteger {
				p.syntax()
				return result
			}
			index, err := strconv.Atoi(t.text)
			if err != nil || index > maxListIndex {
				p.fail("List index is not within the allowable range; index: [" + t.text + "]")
				return result
			}
			p.next()
			p.expect("]")
			result.elements = append(result.elements, element{kind: elementIndex, index: index})
		default:
			return result
		}
	}
	return result
}

func (p *parser) pathName() element {
	t := p.peek()
	switch {
	case t.kind == tokenName:
		p.next()
		return element{kind: elementAlias, name: t.text, slot: slotOf(&p.use.names, t.text)}
	case t.kind == tokenWord && !p.atKeyword():
		p.next()
		if isReserved(t.text) {
			p.mistake(rankReserved, "Attribute name is a reserved keyword; reserved keyword: "+t.text)
		}
		return element{kind: elementName, name: t.text}
	}
	p.syntax()
	return element{kind: elementName}
}

func (p *parser) value() valueRef {
	t := p.next()
	return valueRef{name: t.text, slot: slotOf(&p.use.values, t.text)}
}
