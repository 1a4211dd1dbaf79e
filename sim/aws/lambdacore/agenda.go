package lambdacore

import (
	"container/heap"
	"time"
)

// An agenda is a heap of events, earliest due first; at equal times, the one accepted first. Each
// event knows its place, so that a change takes O(log n).
type agenda []*event

// put adds e at the given time, or moves it there.
func (a *agenda) put(e *event, at time.Time) {
	e.dueAt = at
	if e.place > 0 {
		heap.Fix(a, e.place-1)
		return
	}
	heap.Push(a, e)
}

func (a *agenda) drop(e *event) { heap.Remove(a, e.place-1) }

func (a agenda) Len() int { return len(a) }

func (a agenda) Less(i, j int) bool {
	if c := a[i].dueAt.Compare(a[j].dueAt); c != 0 {
		return c < 0
	}
	return a[i].accepted < a[j].accepted
}

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i+1, j+1
}

// Push implements heap.Interface.
func (a *agenda) Push(x any) {
	e := x.(*event)
	*a = append(*a, e)
	e.place = len(*a)
}

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	e.place = 0
	return e
}
