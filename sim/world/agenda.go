package world

import (
	"container/heap"
	"slices"
	"time"
)

// agenda is what may still happen. The zero agenda is empty.
type agenda struct {
	items  itemHeap
	serial int
}

// item is something that may happen once its time has come.
type item struct {
	at     time.Time
	serial int
	what   string
	do     func()
	by     *process // the actor that does it; nil: the world

	request *request // the call that it makes; nil for none
	dropped bool     // it must not happen any more
}

// stale says whether the item must not happen: it was dropped, or its actor is dead.
func (i *item) stale() bool {
	return i.dropped || (i.by != nil && !i.by.alive)
}

// who names its actor, or the world.
func (i *item) who() string {
	if i.by == nil {
		return ofWorld
	}
	return i.by.name
}

// add puts an item on the agenda.
func (a *agenda) add(i *item) {
	a.serial++
	i.serial = a.serial
	heap.Push(&a.items, i)
}

// putBack puts back an item that takeDue took, if it did not happen.
func (a *agenda) putBack(i *item) { heap.Push(&a.items, i) }

// next is when an item may happen next, if there is one.
func (a *agenda) next() (time.Time, bool) {
	if len(a.items) == 0 {
		return time.Time{}, false
	}
	return a.items[0].at, true
}

// takeDue removes the items whose time has come, and returns those that are not stale.
func (a *agenda) takeDue(now time.Time) []*item {
	var due []*item
	for len(a.items) > 0 && !a.items[0].at.After(now) {
		due = append(due, heap.Pop(&a.items).(*item))
	}
	return slices.DeleteFunc(due, (*item).stale)
}

// due lists the items whose time has come, without the stale ones, which it removes.
func (a *agenda) due(now time.Time) []*item {
	a.items = slices.DeleteFunc(a.items, (*item).stale)
	heap.Init(&a.items)
	var due []*item
	for _, i := range a.items {
		if !i.at.After(now) {
			due = append(due, i)
		}
	}
	return due
}

// remove takes an item off the agenda.
func (a *agenda) remove(i *item) {
	a.items = slices.DeleteFunc(a.items, func(other *item) bool { return other == i })
	heap.Init(&a.items)
}

type itemHeap []*item

func (h itemHeap) Len() int { return len(h) }
func (h itemHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].serial < h[j].serial
}
func (h itemHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *itemHeap) Push(x any)   { *h = append(*h, x.(*item)) }
func (h *itemHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
