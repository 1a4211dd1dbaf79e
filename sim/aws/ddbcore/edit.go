package ddbcore

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// edit sets the place at the end of a path, or removes it if there is no value.
type edit struct {
	at    *path
	value types.AttributeValue
}

// apply returns the item after the update. Every right side reads old, then all edits take effect
// together. old is empty, never nil, for an item that the update creates, and existed says whether
// it was there.
func (u *updateExpression) apply(b *binding, old item, existed bool) (item, error) {
	var few [8]edit // most updates need no more, and no allocation
	edits, err := u.edits(few[:0], b, old, existed)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(edits, func(x, y edit) int { return comparePaths(b, x.at, y.at) })
	result := maps.Clone(old)
	for from := 0; from < len(edits); {
		to := groupEnd(b, edits, from, 0)
		name := b.head(edits[from].at)
		v, err := edited(b, old[name], edits[from:to], 1)
		if err != nil {
			return nil, err
		}
		if v == nil {
			delete(result, name)
		} else {
			result[name] = v
		}
		from = to
	}
	return result, nil
}

// edits appends the edits of all actions. An action that changes nothing makes no edit.
func (u *updateExpression) edits(edits []edit, b *binding, old item, existed bool) ([]edit, error) {
	for _, a := range u.sets {
		v, err := a.term.evaluate(b, old)
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit{at: a.target, value: v})
	}
	for _, target := range u.removes {
		if existed { // on an absent item even REMOVE x.y is accepted
			edits = append(edits, edit{at: target})
		}
	}
	for _, a := range u.adds {
		v, err := sum(a.target.value(b, old), b.values[a.with.slot])
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit{at: a.target, value: v})
	}
	for _, a := range u.deletes {
		current := a.target.value(b, old)
		if current == nil {
			continue
		}
		v, err := difference(current, b.values[a.with.slot])
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit{at: a.target, value: v})
	}
	return edits, nil
}

// groupEnd is the end of the run of edits that begins at from and shares the element at depth.
func groupEnd(b *binding, edits []edit, from, depth int) int {
	first := edits[from].at.elements[depth]
	to := from + 1
	for to < len(edits) && compareElements(b, first, edits[to].at.elements[depth]) == 0 {
		to++
	}
	return to
}

// edited returns old after edits that all share the path up to depth; it does not change old. Paths
// are disjoint, so an edit that ends here is the only one.
func edited(b *binding, old types.AttributeValue, edits []edit, depth int) (types.AttributeValue, error) {
	if len(edits[0].at.elements) == depth {
		return edits[0].value, nil
	}
	switch old := old.(type) {
	case *types.AttributeValueMemberM:
		if edits[0].at.elements[depth].kind != elementIndex {
			return editedMap(b, old.Value, edits, depth)
		}
	case *types.AttributeValueMemberL:
		if edits[0].at.elements[depth].kind == elementIndex {
			return editedList(b, old.Value, edits, depth)
		}
	}
	return nil, itemInvalidf(pathText)
}

func editedMap(b *binding, old item, edits []edit, depth int) (types.AttributeValue, error) {
	result := maps.Clone(old)
	if result == nil {
		result = item{}
	}
	for from := 0; from < len(edits); {
		to := groupEnd(b, edits, from, depth)
		name := b.name(edits[from].at.elements[depth])
		v, err := edited(b, old[name], edits[from:to], depth+1)
		if err != nil {
			return nil, err
		}
		if v == nil {
			delete(result, name)
		} else {
			result[name] = v
		}
		from = to
	}
	return &types.AttributeValueMemberM{Value: result}, nil
}

// editedList reads every index in the list as it was: removals do not shift the elements to set,
// and elements set past the end are appended in the order of their indexes.
func editedList(b *binding, old []types.AttributeValue, edits []edit, depth int) (types.AttributeValue, error) {
	result := slices.Clone(old)
	var appended []types.AttributeValue
	for from := 0; from < len(edits); {
		to := groupEnd(b, edits, from, depth)
		index := edits[from].at.elements[depth].index
		var current types.AttributeValue
		if index < len(old) {
			current = old[index]
		}
		v, err := edited(b, current, edits[from:to], depth+1)
		switch {
		case err != nil:
			return nil, err
		case index < len(old):
			result[index] = v
		case v != nil:
			appended = append(appended, v)
		}
		from = to
	}
	result = slices.DeleteFunc(result, func(v types.AttributeValue) bool { return v == nil })
	return &types.AttributeValueMemberL{Value: append(result, appended...)}, nil
}

// sum is ADD: a number to a number, elements to a set of the same type; an absent attribute is 0 or
// the empty set.
func sum(current, with types.AttributeValue) (types.AttributeValue, error) {
	if current == nil {
		return clone(with), nil
	}
	switch with := with.(type) {
	case *types.AttributeValueMemberN:
		if current, ok := current.(*types.AttributeValueMemberN); ok {
			total, err := addNumbers(current.Value, with.Value)
			return &types.AttributeValueMemberN{Value: total}, err
		}
	case *types.AttributeValueMemberSS:
		if current, ok := current.(*types.AttributeValueMemberSS); ok {
			return &types.AttributeValueMemberSS{Value: union(current.Value, with.Value, compareText)}, nil
		}
	case *types.AttributeValueMemberNS:
		if current, ok := current.(*types.AttributeValueMemberNS); ok {
			return &types.AttributeValueMemberNS{Value: union(current.Value, with.Value, compareNumbers)}, nil
		}
	case *types.AttributeValueMemberBS:
		if current, ok := current.(*types.AttributeValueMemberBS); ok {
			with := clone(with).(*types.AttributeValueMemberBS)
			return &types.AttributeValueMemberBS{Value: union(current.Value, with.Value, compareBytes)}, nil
		}
	}
	return nil, itemInvalidf(operandText)
}

// difference is DELETE: the set without the given elements, nil if none is left.
func difference(current, without types.AttributeValue) (types.AttributeValue, error) {
	switch without := without.(type) {
	case *types.AttributeValueMemberSS:
		if current, ok := current.(*types.AttributeValueMemberSS); ok {
			if rest := except(current.Value, without.Value, compareText); len(rest) > 0 {
				return &types.AttributeValueMemberSS{Value: rest}, nil
			}
			return nil, nil
		}
	case *types.AttributeValueMemberNS:
		if current, ok := current.(*types.AttributeValueMemberNS); ok {
			if rest := except(current.Value, without.Value, compareNumbers); len(rest) > 0 {
				return &types.AttributeValueMemberNS{Value: rest}, nil
			}
			return nil, nil
		}
	case *types.AttributeValueMemberBS:
		if current, ok := current.(*types.AttributeValueMemberBS); ok {
			if rest := except(current.Value, without.Value, compareBytes); len(rest) > 0 {
				return &types.AttributeValueMemberBS{Value: rest}, nil
			}
			return nil, nil
		}
	}
	return nil, itemInvalidf(operandText)
}
