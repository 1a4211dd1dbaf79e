package ddbcore

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/tidwall/btree"
)

// keyAttribute is one attribute of a key; an empty name means that the key has none.
type keyAttribute struct {
	name string
	kind kind
}

type keySchema struct{ hash, rng keyAttribute }

func (s keySchema) has(name string) bool {
	return name == s.hash.name || name == s.rng.name && name != ""
}

func (s keySchema) attributes() []keyAttribute {
	if s.rng.name == "" {
		return []keyAttribute{s.hash}
	}
	return []keyAttribute{s.hash, s.rng}
}

// index keeps the records of a table in the order of a key: the primary key, or that of a secondary
// index, which leaves out the items that lack one of its attributes.
type index struct {
	name       string // empty for the primary key
	global     bool
	schema     keySchema
	table      keySchema // of the primary key: it orders records with the same index key
	projection types.Projection
	tree       *btree.BTreeG[position]
}

// position is a place in an index: the text of the index key, and the record. If stale reads are
// possible, a record is also at the position of its previous version; a reader of a position checks
// that the version it reads belongs there.
type position struct {
	hash, rng string
	record    *record
	edge      edge
}

// edge makes a position that no record has, at which a walk starts or stops.
type edge int8

const (
	beforeHash edge = -2 // before everything with the same hash
	beforeKey  edge = -1 // before everything with the same hash and range
	onRecord   edge = 0
	afterKey   edge = 1
	afterHash  edge = 2
)

func newIndex(name string, global bool, schema, table keySchema, projection types.Projection) *index {
	ix := &index{name: name, global: global, schema: schema, table: table, projection: projection}
	ix.tree = btree.NewBTreeGOptions(func(a, b position) bool { return ix.compare(a, b) < 0 }, btree.Options{NoLocks: true})
	return ix
}

func compareKeyText(k kind, a, b string) int {
	if k == kindN && a != "" && b != "" {
		return compareNumbers(a, b)
	}
	return cmp.Compare(a, b)
}

func (ix *index) compare(a, b position) int {
	if order := compareKeyText(ix.schema.hash.kind, a.hash, b.hash); order != 0 {
		return order
	}
	if order := cmp.Compare(a.edge/2, b.edge/2); order != 0 { // the division leaves only the edges of a hash
		return order
	}
	if order := compareKeyText(ix.schema.rng.kind, a.rng, b.rng); order != 0 {
		return order
	}
	if order := cmp.Compare(a.edge, b.edge); order != 0 || a.record == b.record {
		return order
	}
	if order := compareKeyText(ix.table.hash.kind, a.record.key.hash, b.record.key.hash); order != 0 {
		return order
	}
	return compareKeyText(ix.table.rng.kind, a.record.key.rng, b.record.key.rng)
}

func (ix *index) insert(p position) { ix.tree.Set(p) }
func (ix *index) remove(p position) { ix.tree.Delete(p) }

// keyOf is the index key of an item; ok is false if the item is not in the index.
func (ix *index) keyOf(it item) (hash, rng string, ok bool) {
	if it == nil {
		return "", "", false
	}
	hash, ok = keyText(it[ix.schema.hash.name], ix.schema.hash.kind)
	if !ok || ix.schema.rng.name == "" {
		return hash, "", ok
	}
	rng, ok = keyText(it[ix.schema.rng.name], ix.schema.rng.kind)
	return hash, rng, ok
}

// keyText is the text of a canonical value that is part of a key; ok is false for another type.
func keyText(v types.AttributeValue, k kind) (text string, ok bool) {
	if v == nil || kindOf(v) != k {
		return "", false
	}
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value, true
	case *types.AttributeValueMemberN:
		return v.Value, true
	case *types.AttributeValueMemberB:
		return string(v.Value), true
	}
	return "", false
}

// keyValue is the inverse of keyText.
func keyValue(text string, k kind) types.AttributeValue {
	switch k {
	case kindN:
		return &types.AttributeValueMemberN{Value: text}
	case kindB:
		return &types.AttributeValueMemberB{Value: []byte(text)}
	}
	return &types.AttributeValueMemberS{Value: text}
}

// holds says whether it, a version of the position's record, belongs at the position.
func (ix *index) holds(p position, it item) bool {
	hash, rng, ok := ix.keyOf(it)
	return ok && hash == p.hash && rng == p.rng
}

// move moves a record from the positions of its present versions to those that it has when next
// becomes its current version.
func (ix *index) move(r *record, next item, keepsHistory bool) {
	var before, after []position
	add := func(list []position, it item) []position {
		if hash, rng, ok := ix.keyOf(it); ok {
			return append(list, position{hash: hash, rng: rng, record: r})
		}
		return list
	}
	before, after = add(before, r.current), add(after, next)
	if keepsHistory {
		before, after = add(before, r.previous), add(after, r.current)
	}
	for _, p := range before {
		if !slices.Contains(after, p) {
			ix.remove(p)
		}
	}
	for _, p := range after {
		if !slices.Contains(before, p) {
			ix.insert(p)
		}
	}
}

// checkItem refuses an item if an attribute of the index key has the wrong type or is empty.
func (ix *index) checkItem(it item) error {
	for _, a := range ix.schema.attributes() {
		v := it[a.name]
		if v == nil {
			continue
		}
		text, ok := keyText(v, a.kind)
		if !ok {
			return itemInvalidf("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s",
				a.name, a.kind, kindOf(v), ix.name)
		}
		if text == "" {
			return itemInvalidf("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
				"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s",
				emptyKindText(a.kind), ix.name, a.name)
		}
	}
	return nil
}
