package ddbcore

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// projectionExpression is a parsed ProjectionExpression.
type projectionExpression struct {
	placeholders
	paths []*path
}

func (e *projectionExpression) String() string {
	var w strings.Builder
	for i, path := range e.paths {
		if i > 0 {
			w.WriteString(", ")
		}
		path.print(&w)
	}
	return w.String()
}

func parseProjection(src string) (*projectionExpression, error) {
	p := newParser(projectionKind, src)
	e := &projectionExpression{}
	for p.err == nil {
		e.paths = append(e.paths, p.path())
		if !p.accept(",") {
			break
		}
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	p.check(func(b *binding) error { return disjoint(projectionKind, b, e.paths) })
	e.placeholders = p.use
	return e, nil
}

// project returns a copy of the places that the disjoint paths name, inside the maps and lists that
// hold them. A path that leads nowhere adds nothing.
func project(b *binding, it item, paths []*path) item {
	sorted := slices.Clone(paths)
	slices.SortFunc(sorted, func(x, y *path) int { return comparePaths(b, x, y) })
	result := item{}
	for from := 0; from < len(sorted); {
		to := pathsEnd(b, sorted, from, 0)
		name := b.head(sorted[from])
		if v := projected(b, it[name], sorted[from:to], 1); v != nil {
			result[name] = v
		}
		from = to
	}
	return result
}

func pathsEnd(b *binding, paths []*path, from, depth int) int {
	first := paths[from].elements[depth]
	to := from + 1
	for to < len(paths) && compareElements(b, first, paths[to].elements[depth]) == 0 {
		to++
	}
	return to
}

// projected is the part of a value that the paths lead to; they share everything up to depth. It is
// nil if there is no such part.
func projected(b *binding, v types.AttributeValue, paths []*path, depth int) types.AttributeValue {
	if v == nil {
		return nil
	}
	if len(paths[0].elements) == depth {
		return clone(v)
	}
	m := item{}
	var list []types.AttributeValue
	for from := 0; from < len(paths); {
		to := pathsEnd(b, paths, from, depth)
		step := paths[from].elements[depth]
		if part := projected(b, child(b, v, step), paths[from:to], depth+1); part != nil {
			if step.kind == elementIndex {
				list = append(list, part)
			} else {
				m[b.name(step)] = part
			}
		}
		from = to
	}
	switch {
	case len(list) > 0:
		return &types.AttributeValueMemberL{Value: list}
	case len(m) > 0:
		return &types.AttributeValueMemberM{Value: m}
	}
	return nil
}
