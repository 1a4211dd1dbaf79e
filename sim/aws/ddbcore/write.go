package ddbcore

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// write is one conditional write of one item, checked and ready, alone or in a transaction.
type write struct {
	table     *table
	key       primaryKey
	condition *conditionExpression // nil: none
	bound     binding              // of condition
	effect    effect
	// returnsOld says that a failed condition answers with the item.
	returnsOld bool
}

// effect is what a write does to an item that meets the condition.
type effect interface {
	// next returns the new version, nil for absent, with its size. old is nil if the item is
	// absent; oldBytes is its size.
	next(t *table, key primaryKey, old item, oldBytes int) (it item, bytes int, err error)
}

func (w *write) holds(old item) bool {
	return w.condition == nil || w.condition.root.holds(&w.bound, old)
}

// run does a write outside a transaction and returns both versions; next is nil if the item is
// absent afterwards.
func (c *Core) run(now time.Time, w *write) (old, next item, err error) {
	bytes := 0
	if r := w.table.records[w.key]; r != nil {
		old, bytes = r.current, r.bytes
	}
	if !w.holds(old) {
		if w.returnsOld {
			return nil, nil, conditionFailed(cloneItem(old))
		}
		return nil, nil, conditionFailed(nil)
	}
	next, bytes, err = w.effect.next(w.table, w.key, old, bytes)
	if err != nil {
		return nil, nil, err
	}
	if old != nil || next != nil {
		c.commit(now, w.table, w.key, next, bytes, ByRequest)
	}
	return old, next, nil
}

// putEffect replaces the whole item.
type putEffect struct {
	item  item
	bytes int
}

func (e putEffect) next(*table, primaryKey, item, int) (item, int, error) {
	return e.item, e.bytes, nil
}

// deleteEffect removes the item.
type deleteEffect struct{}

func (deleteEffect) next(*table, primaryKey, item, int) (item, int, error) { return nil, 0, nil }

// updateEffect changes attributes, and creates the item if it is absent. Without an expression it
// creates an item with only the key.
type updateEffect struct {
	update *updateExpression // nil: none
	bound  binding
}

func (e *updateEffect) next(t *table, key primaryKey, old item, oldBytes int) (item, int, error) {
	base, existed := old, old != nil
	if !existed {
		if e.update != nil && !e.update.creates() {
			return nil, 0, nil
		}
		base = t.keyItem(key)
		oldBytes = itemBytes(base)
	}
	if e.update == nil {
		return base, oldBytes, nil
	}
	next, err := e.update.apply(&e.bound, base, existed)
	if err != nil {
		return nil, 0, err
	}
	bytes := oldBytes + e.growth(base, next)
	if bytes > maxItemBytes {
		return nil, 0, itemInvalidf("Item size to update has exceeded the maximum allowed size")
	}
	for _, path := range e.update.targets {
		if len(path.elements) > 1 && nesting(next[e.bound.head(path)]) > maxNesting {
			return nil, 0, itemInvalidf(nestingText)
		}
	}
	for _, ix := range t.indexes {
		if err := ix.checkItem(next); err != nil {
			return nil, 0, err
		}
	}
	return next, bytes, nil
}

// growth is the difference in size, which only the touched attributes can make.
func (e *updateEffect) growth(old, next item) int {
	growth := 0
	targets := e.update.targets
	for i, path := range targets {
		name := e.bound.head(path)
		if counted := i > 0 && e.touches(targets[:i], name); !counted {
			growth += attributeBytes(name, next[name]) - attributeBytes(name, old[name])
		}
	}
	return growth
}

func (e *updateEffect) touches(paths []*path, name string) bool {
	for _, path := range paths {
		if e.bound.head(path) == name {
			return true
		}
	}
	return false
}

// nesting is the number of lists and maps around the deepest value, itself included.
func nesting(v types.AttributeValue) int {
	deepest := 0
	switch v := v.(type) {
	case *types.AttributeValueMemberL:
		for _, element := range v.Value {
			deepest = max(deepest, nesting(element))
		}
		return deepest + 1
	case *types.AttributeValueMemberM:
		for _, element := range v.Value {
			deepest = max(deepest, nesting(element))
		}
		return deepest + 1
	}
	return 0
}
