package ddbcore

import (
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// table is one table. Tables are ACTIVE from the moment they are created.
type table struct {
	name      string
	arn       string
	created   time.Time
	protected bool
	billing   types.BillingMode
	capacity  *types.ProvisionedThroughput
	attrs     []types.AttributeDefinition

	records map[primaryKey]*record
	primary *index   // every record, in the order of its primary key
	indexes []*index // secondary, in the order of their names
	count   int64    // records that are present

	ttl timeToLive
}

// primaryKey is the text of an item's key attributes, as in ItemKey.
type primaryKey struct{ hash, rng string }

// record is an item with its history. A record without a current version exists only if stale reads
// are possible: such a read may still find the previous version.
type record struct {
	key     primaryKey
	current item // nil if absent
	bytes   int  // size of current

	// previous is the version before current, nil if absent; kept only if stale reads are possible.
	previous item
}

func (t *table) itemKey(key primaryKey) ItemKey {
	return ItemKey{Table: t.name, Hash: key.hash, Range: key.rng}
}

// current is the latest version of an item, nil if absent.
func (t *table) current(key primaryKey) item {
	if r := t.records[key]; r != nil {
		return r.current
	}
	return nil
}

// isKey says whether the attribute is part of the primary key.
func (t *table) isKey(name string) bool { return t.primary.schema.has(name) }

func (t *table) index(name string) *index {
	for _, ix := range t.indexes {
		if ix.name == name {
			return ix
		}
	}
	return nil
}

// commit makes next, nil for absent, the current version of an item. next is canonical and never
// changes from then on.
func (c *Core) commit(now time.Time, t *table, key primaryKey, next item, bytes int, cause Cause) {
	r := t.records[key]
	if r == nil {
		r = &record{key: key}
		t.records[key] = r
		t.primary.insert(position{hash: key.hash, rng: key.rng, record: r})
	}
	old := r.current
	keepsHistory := c.options.Choose != nil
	for _, ix := range t.indexes {
		ix.move(r, next, keepsHistory)
	}
	if keepsHistory {
		r.previous = old
	}
	r.current, r.bytes = next, bytes
	switch {
	case old == nil && next != nil:
		t.count++
	case old != nil && next == nil:
		t.count--
	}
	if next == nil && !keepsHistory {
		delete(t.records, key)
		t.primary.remove(position{hash: key.hash, rng: key.rng, record: r})
	}
	if c.options.OnWrite != nil {
		c.options.OnWrite(Write{Key: t.itemKey(key), Old: old, New: next, Cause: cause, At: now})
	}
}

// read is the version of a record that a read sees. The version before a record's first one is its
// absence.
func (c *Core) read(r *record, consistent bool) item {
	if r == nil {
		return nil
	}
	if !consistent && c.options.Choose != nil && c.options.Choose(2, "stale-read") != 0 {
		return r.previous
	}
	return r.current
}

// Item returns the latest version of an item. The caller must not change it.
func (c *Core) Item(key ItemKey) (map[string]types.AttributeValue, bool) {
	t := c.tables[key.Table]
	if t == nil {
		return nil, false
	}
	it := t.current(primaryKey{key.Hash, key.Range})
	return it, it != nil
}

// Items yields the latest version of every item of a table in the order of its keys. The caller
// must not change them. A table that does not exist has none.
func (c *Core) Items(tableName string) iter.Seq2[ItemKey, map[string]types.AttributeValue] {
	return func(yield func(ItemKey, map[string]types.AttributeValue) bool) {
		t := c.tables[tableName]
		if t == nil {
			return
		}
		t.primary.tree.Scan(func(p position) bool {
			return p.record.current == nil || yield(t.itemKey(p.record.key), p.record.current)
		})
	}
}

// tableNames returns the tables' names, sorted.
func (c *Core) tableNames() []string { return sortedKeys(c.tables) }

func (c *Core) table(name *string) (*table, error) {
	if name == nil {
		return nil, nullMember("tableName")
	}
	if t := c.tables[*name]; t != nil {
		return t, nil
	}
	if err := checkTableName(*name); err != nil {
		return nil, err
	}
	return nil, noSuchTable()
}

func checkTableName(name string) error {
	switch {
	case len(name) < 3:
		return badMember(name, "tableName", "Member must have length greater than or equal to 3")
	case len(name) > 255:
		return badMember(name, "tableName", "Member must have length less than or equal to 255")
	}
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && !isDigit(c) && !slices.Contains([]byte("_.-"), c) {
			return badMember(name, "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
		}
	}
	return nil
}
