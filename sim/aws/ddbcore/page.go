package ddbcore

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// walk is a Query or a Scan, ready to run: a way along an index, and what to return of the items on
// it.
type walk struct {
	table      *table
	index      *index
	within     *keyRange // nil: the whole index
	backward   bool
	start      *position // the exclusive start, nil: the first
	limit      int       // items to evaluate, 0: as many as a page takes
	consistent bool
	filter     *conditionExpression // nil: none
	filterWith binding
	shape      shape
	whole      bool // all attributes, also those that a local index does not project
	countOnly  bool
}

// page is one answer. last is the key to go on from, nil after the end.
type page struct {
	items          []map[string]types.AttributeValue
	count, scanned int32
	last           item
}

// run walks until the page is full: limit items are evaluated, or 1 MB is read. As in DynamoDB, a
// page that ends with its limit names a last key even if nothing follows.
func (w *walk) run(c *Core) page {
	var result page
	bytes := 0
	stale := w.versions(c)
	w.visit(func(p position) bool {
		it := stale(p.record)
		if !w.index.holds(p, it) {
			return true
		}
		seen := it
		if !w.whole {
			seen = w.index.view(it)
		}
		result.scanned++
		if w.filter == nil || w.filter.root.holds(&w.filterWith, seen) {
			result.count++
			if !w.countOnly {
				result.items = append(result.items, w.shape.of(seen))
			}
		}
		bytes += itemBytes(seen)
		if int(result.scanned) == w.limit || bytes >= maxPageBytes {
			result.last = w.keyItem(p)
			return false
		}
		return true
	})
	return result
}

// versions returns a function that reads a record: the same version each time that the walk meets
// it.
func (w *walk) versions(c *Core) func(*record) item {
	if c.options.Choose == nil || w.consistent {
		return func(r *record) item { return r.current }
	}
	chosen := map[*record]item{}
	return func(r *record) item {
		it, ok := chosen[r]
		if !ok {
			it = c.read(r, false)
			chosen[r] = it
		}
		return it
	}
}

func (w *walk) visit(see func(position) bool) {
	ix := w.index
	within := func(p position) bool {
		if w.within == nil {
			return true
		}
		if w.backward {
			return ix.compare(p, w.within.low) >= 0
		}
		return ix.compare(p, w.within.high) <= 0
	}
	each := func(p position) bool {
		if w.start != nil && ix.compare(p, *w.start) == 0 {
			return true
		}
		return within(p) && see(p)
	}
	switch {
	case w.backward && w.start != nil:
		ix.tree.Descend(*w.start, each)
	case w.backward:
		ix.tree.Descend(w.within.high, each)
	case w.start != nil:
		ix.tree.Ascend(*w.start, each)
	case w.within != nil:
		ix.tree.Ascend(w.within.low, each)
	default:
		ix.tree.Scan(each)
	}
}

// keyItem is a position as a LastEvaluatedKey: the index key and the primary key.
func (w *walk) keyItem(p position) item {
	it := w.table.keyItem(p.record.key)
	if w.index != w.table.primary {
		schema := w.index.schema
		it[schema.hash.name] = keyValue(p.hash, schema.hash.kind)
		if schema.rng.name != "" {
			it[schema.rng.name] = keyValue(p.rng, schema.rng.kind)
		}
	}
	return it
}

const startKeyText = "The provided starting key is invalid"

// startAt reads an ExclusiveStartKey, which need not name an item that exists.
func (w *walk) startAt(key item) error {
	if key == nil {
		return nil
	}
	canon, err := canonicalItem(key)
	if err != nil {
		return err
	}
	primary, ok := keyTexts(canon, w.table.primary.schema)
	at, okToo := keyTexts(canon, w.index.schema)
	if !ok || !okToo {
		return invalidf(startKeyText)
	}
	w.start = &position{hash: at.hash, rng: at.rng, record: &record{key: primary}}
	if len(w.keyItem(*w.start)) != len(canon) {
		return invalidf(startKeyText)
	}
	if w.within != nil && (w.index.compare(*w.start, w.within.low) < 0 || w.index.compare(*w.start, w.within.high) > 0) {
		return invalidf("The provided starting key is outside query boundaries based on provided conditions")
	}
	return nil
}

func keyTexts(it item, schema keySchema) (key primaryKey, ok bool) {
	key.hash, ok = keyText(it[schema.hash.name], schema.hash.kind)
	if ok && schema.rng.name != "" {
		key.rng, ok = keyText(it[schema.rng.name], schema.rng.kind)
	}
	return key, ok
}

// view is the part of an item that the index projects; it shares the item's values.
func (ix *index) view(it item) item {
	if ix.name == "" || ix.projection.ProjectionType == types.ProjectionTypeAll {
		return it
	}
	part := item{}
	add := func(name string) {
		if v := it[name]; v != nil {
			part[name] = v
		}
	}
	for _, a := range append(ix.table.attributes(), ix.schema.attributes()...) {
		add(a.name)
	}
	if ix.projection.ProjectionType == types.ProjectionTypeInclude {
		for _, name := range ix.projection.NonKeyAttributes {
			add(name)
		}
	}
	return part
}
