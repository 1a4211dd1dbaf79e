package ddbcore

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type elementKind uint8

const (
	elementName  elementKind = iota // a bare name
	elementAlias                    // a #name: always exactly one element, whatever characters it stands for
	elementIndex                    // a place in a list
)

// element is one step of a path.
type element struct {
	kind  elementKind
	name  string // the bare name, or the #name as written
	slot  int    // of an alias
	index int    // of a list
}

// path is a document path as written; the first element is never an index.
type path struct{ elements []element }

func (p *path) print(w *strings.Builder) {
	for i, e := range p.elements {
		if e.kind == elementIndex {
			w.WriteString("[" + strconv.Itoa(e.index) + "]")
			continue
		}
		if i > 0 {
			w.WriteByte('.')
		}
		w.WriteString(e.name)
	}
}

// name is the attribute name of an element other than an index.
func (b *binding) name(e element) string {
	if e.kind == elementAlias {
		return b.names[e.slot]
	}
	return e.name
}

func (b *binding) head(p *path) string { return b.name(p.elements[0]) }

// value resolves the path in an item; nil if there is nothing at its end.
func (p *path) value(b *binding, it item) types.AttributeValue {
	v := it[b.head(p)]
	for _, e := range p.elements[1:] {
		v = child(b, v, e)
	}
	return v
}

func child(b *binding, parent types.AttributeValue, e element) types.AttributeValue {
	switch parent := parent.(type) {
	case *types.AttributeValueMemberM:
		if e.kind != elementIndex {
			return parent.Value[b.name(e)]
		}
	case *types.AttributeValueMemberL:
		if e.kind == elementIndex && e.index < len(parent.Value) {
			return parent.Value[e.index]
		}
	}
	return nil
}

// text is the path as error texts show it: [a, b, [3]].
func (p *path) text(b *binding) string {
	parts := make([]string, len(p.elements))
	for i, e := range p.elements {
		if e.kind == elementIndex {
			parts[i] = "[" + strconv.Itoa(e.index) + "]"
		} else {
			parts[i] = b.name(e)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// compareElements orders indexes by number before names by text.
func compareElements(b *binding, x, y element) int {
	if indexX, indexY := x.kind == elementIndex, y.kind == elementIndex; indexX || indexY {
		switch {
		case !indexY:
			return -1
		case !indexX:
			return 1
		}
		return cmp.Compare(x.index, y.index)
	}
	return strings.Compare(b.name(x), b.name(y))
}

func comparePaths(b *binding, x, y *path) int {
	return slices.CompareFunc(x.elements, y.elements, func(e, f element) int { return compareElements(b, e, f) })
}

// disjoint refuses two paths of one request that touch the same place, or that need one place to be
// a list and a map.
func disjoint(kind expressionKind, b *binding, paths []*path) error {
	for i, second := range paths {
		for _, first := range paths[:i] {
			if relation := relate(b, first, second); relation != "" {
				text := "Invalid %s: Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s"
				return envelopedf(text, kind, relation, first.text(b), second.text(b))
			}
		}
	}
	return nil
}

// relate returns "overlap", "conflict" or, for paths that have nothing to do with each other,
// nothing.
func relate(b *binding, x, y *path) string {
	for i := range min(len(x.elements), len(y.elements)) {
		e, f := x.elements[i], y.elements[i]
		if (e.kind == elementIndex) != (f.kind == elementIndex) {
			return "conflict"
		}
		if compareElements(b, e, f) != 0 {
			return ""
		}
	}
	return "overlap"
}
