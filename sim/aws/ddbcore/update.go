package ddbcore

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// updateExpression is a parsed UpdateExpression; actions are in the order of the text.
type updateExpression struct {
	placeholders
	sets    []setAction
	removes []*path
	adds    []elementAction
	deletes []elementAction
	targets []*path // paths that the actions touch, in the order SET, REMOVE, ADD, DELETE
}

// setAction is one "path = term" of SET.
type setAction struct {
	target *path
	term   term
}

// elementAction is one "path :value" of ADD or DELETE.
type elementAction struct {
	target *path
	with   valueRef
}

// term is the right side of SET. It reads the item as it was before the update; a missing attribute
// is an error.
type term interface {
	evaluate(b *binding, it item) (types.AttributeValue, error)
	print(w *strings.Builder)
}

const (
	missingText = "The provided expression refers to an attribute that does not exist in the item"
	operandText = "An operand in the update expression has an incorrect data type"
	pathText    = "The document path provided in the update expression is invalid for update"
)

func (v valueRef) evaluate(b *binding, _ item) (types.AttributeValue, error) {
	return clone(b.values[v.slot]), nil
}

func (p *path) evaluate(b *binding, it item) (types.AttributeValue, error) {
	if v := p.value(b, it); v != nil {
		return v, nil
	}
	return nil, itemInvalidf(missingText)
}

// ifNotExists is if_not_exists(path, term).
type ifNotExists struct {
	of   *path
	term term
}

func (t *ifNotExists) evaluate(b *binding, it item) (types.AttributeValue, error) {
	if v := t.of.value(b, it); v != nil {
		return v, nil
	}
	return t.term.evaluate(b, it)
}

func (t *ifNotExists) print(w *strings.Builder) {
	w.WriteString("if_not_exists(")
	t.of.print(w)
	w.WriteString(", ")
	t.term.print(w)
	w.WriteByte(')')
}

// listAppend is list_append(term, term).
type listAppend struct{ left, right term }

func (t *listAppend) evaluate(b *binding, it item) (types.AttributeValue, error) {
	left, err := t.left.evaluate(b, it)
	if err != nil {
		return nil, err
	}
	right, err := t.right.evaluate(b, it)
	if err != nil {
		return nil, err
	}
	first, ok := left.(*types.AttributeValueMemberL)
	second, alsoOK := right.(*types.AttributeValueMemberL)
	if !ok || !alsoOK {
		return nil, itemInvalidf(operandText)
	}
	all := make([]types.AttributeValue, 0, len(first.Value)+len(second.Value))
	return &types.AttributeValueMemberL{Value: append(append(all, first.Value...), second.Value...)}, nil
}

func (t *listAppend) print(w *strings.Builder) { printCall(w, "list_append", t.left, t.right) }

// arithmetic is term + term or term - term.
type arithmetic struct {
	minus       bool
	left, right term
}

func (t *arithmetic) evaluate(b *binding, it item) (types.AttributeValue, error) {
	left, err := t.left.evaluate(b, it)
	if err != nil {
		return nil, err
	}
	right, err := t.right.evaluate(b, it)
	if err != nil {
		return nil, err
	}
	x, ok := left.(*types.AttributeValueMemberN)
	y, alsoOK := right.(*types.AttributeValueMemberN)
	if !ok || !alsoOK {
		return nil, itemInvalidf(operandText)
	}
	result, err := combine(x.Value, y.Value, t.minus)
	if err != nil {
		return nil, err
	}
	return &types.AttributeValueMemberN{Value: result}, nil
}

func (t *arithmetic) print(w *strings.Builder) {
	t.left.print(w)
	if t.minus {
		w.WriteString(" - ")
	} else {
		w.WriteString(" + ")
	}
	t.right.print(w)
}

// creates says whether the update creates an absent item: REMOVE and DELETE alone do not.
func (u *updateExpression) creates() bool { return len(u.sets)+len(u.adds) > 0 }

// collectTargets fills targets after parsing.
func (u *updateExpression) collectTargets() {
	for _, a := range u.sets {
		u.targets = append(u.targets, a.target)
	}
	u.targets = append(u.targets, u.removes...)
	for _, a := range u.adds {
		u.targets = append(u.targets, a.target)
	}
	for _, a := range u.deletes {
		u.targets = append(u.targets, a.target)
	}
}

func (u *updateExpression) String() string {
	var w strings.Builder
	for i, a := range u.sets {
		printClause(&w, "SET", i)
		a.target.print(&w)
		w.WriteString(" = ")
		a.term.print(&w)
	}
	for i, target := range u.removes {
		printClause(&w, "REMOVE", i)
		target.print(&w)
	}
	for i, a := range u.adds {
		printClause(&w, "ADD", i)
		a.print(&w)
	}
	for i, a := range u.deletes {
		printClause(&w, "DELETE", i)
		a.print(&w)
	}
	return w.String()
}

func (a elementAction) print(w *strings.Builder) {
	a.target.print(w)
	w.WriteByte(' ')
	a.with.print(w)
}

func printClause(w *strings.Builder, clause string, i int) {
	switch {
	case i > 0:
		w.WriteString(", ")
	case w.Len() > 0:
		w.WriteString(" " + clause + " ")
	default:
		w.WriteString(clause + " ")
	}
}
