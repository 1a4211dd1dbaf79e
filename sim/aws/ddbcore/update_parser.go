package ddbcore

import (
	"strconv"
	"strings"
)

// parseUpdate reads the grammar of the Developer Guide, Expressions.UpdateExpressions.
func parseUpdate(src string) (*updateExpression, error) {
	p := newParser(updateKind, src)
	u := &updateExpression{}
	var once [4]bool
	for p.err == nil && p.peek().kind != tokenEnd {
		p.clause(u, &once)
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	u.collectTargets()
	p.check(func(b *binding) error { return disjoint(updateKind, b, u.targets) })
	u.placeholders = p.use
	return u, nil
}

func (p *parser) clause(u *updateExpression, once *[4]bool) {
	var action func()
	var which int
	switch {
	case p.atWord("SET"):
		which, action = 0, func() { u.sets = append(u.sets, p.set()) }
	case p.atWord("REMOVE"):
		which, action = 1, func() { u.removes = append(u.removes, p.path()) }
	case p.atWord("ADD"):
		which, action = 2, func() { u.adds = append(u.adds, p.element("ADD", kindN|kindsSets)) }
	case p.atWord("DELETE"):
		which, action = 3, func() { u.deletes = append(u.deletes, p.element("DELETE", kindsSets)) }
	default:
		p.syntax()
		return
	}
	name := strings.ToUpper(p.next().text)
	if once[which] {
		p.fail(`The "` + name + `" section can only be used once in an update expression;`)
		p.err = envelopedf("%s", p.err.Error())
		return
	}
	once[which] = true
	for p.err == nil {
		action()
		if !p.accept(",") {
			return
		}
	}
}

func (p *parser) set() setAction {
	a := setAction{target: p.path()}
	p.expect("=")
	left := p.term()
	minus := p.atSymbol("-")
	if p.err != nil || !minus && !p.atSymbol("+") {
		a.term = left
		return a
	}
	op := p.next().text
	p.operators++
	sum := &arithmetic{minus: minus, left: left, right: p.term()}
	for _, side := range []term{sum.left, sum.right} {
		if v, ok := side.(valueRef); ok {
			p.requireKind(v, kindN, op)
		}
		if _, ok := side.(*listAppend); ok {
			p.mistake(rankOperand, "Incorrect operand type for operator or function; operator or function: "+op+", operand type: L")
		}
	}
	a.term = sum
	return a
}

func (p *parser) term() term {
	switch {
	case p.err != nil:
		return nil
	case p.peek().kind == tokenValue:
		return p.value()
	case p.atCall():
		return p.termCall(false)
	}
	return p.path()
}

// termCall reads a function of SET; nested says whether it is the operand of another one.
func (p *parser) termCall(nested bool) term {
	name := p.next().text
	p.expect("(")
	var args []term
	for p.err == nil {
		if p.atCall() {
			args = append(args, p.termCall(true))
		} else {
			args = append(args, p.term())
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	if p.err != nil {
		return nil
	}
	return p.termFunction(name, args, nested)
}

func (p *parser) termFunction(name string, args []term, nested bool) term {
	_, ofCondition := conditionArity[name]
	switch {
	case ofCondition || nested && name == "list_append":
		p.misused(name)
		return nil
	case name != "if_not_exists" && name != "list_append":
		p.mistake(rankUnknownFunction, "Invalid function name; function: "+name)
		return nil
	case len(args) != 2:
		p.mistake(rankOperand, "Incorrect number of operands for operator or function; operator or function: "+name+
			", number of operands: "+strconv.Itoa(len(args)))
		return nil
	case name == "list_append":
		for _, arg := range args {
			if v, ok := arg.(valueRef); ok {
				p.requireKind(v, kindL, name)
			}
		}
		return &listAppend{left: args[0], right: args[1]}
	}
	of, ok := args[0].(*path)
	if !ok {
		p.mistake(rankOperand, "Operator or function requires a document path; operator or function: if_not_exists")
		return nil
	}
	return &ifNotExists{of: of, term: args[1]}
}

func (p *parser) element(operator string, allowed kind) elementAction {
	a := elementAction{target: p.path()}
	if p.err == nil && p.peek().kind != tokenValue {
		p.syntax()
	}
	if p.err != nil {
		return a
	}
	a.with = p.value()
	p.check(func(b *binding) error {
		if got := kindOf(b.values[a.with.slot]); got&allowed == 0 {
			return invalidf("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: %s, operand type: %s",
				operator, got.longName())
		}
		return nil
	})
	return a
}
