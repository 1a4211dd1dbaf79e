package sqscore

import "container/heap"

// placed is an item of a pile: it has an order, and it knows its place in the pile, so that put and
// drop take O(log n).
type placed[T any] interface {
	before(T) bool
	place() *int // 0: in no pile; otherwise the index in the pile, plus one
}

// A pile is a binary heap with the least item at index 0. The rest of the order depends only on the
// history of the pile, never on chance.
type pile[T placed[T]] []T

func (p pile[T]) Len() int           { return len(p) }
func (p pile[T]) Less(i, j int) bool { return p[i].before(p[j]) }
func (p pile[T]) Swap(i, j int) {
	p[i], p[j] = p[j], p[i]
	*p[i].place(), *p[j].place() = i+1, j+1
}

func (p *pile[T]) Push(x any) {
	item := x.(T)
	*p = append(*p, item)
	*item.place() = len(*p)
}

func (p *pile[T]) Pop() any {
	last := len(*p) - 1
	item := (*p)[last]
	var zero T
	(*p)[last] = zero
	*p = (*p)[:last]
	*item.place() = 0
	return item
}

// put adds item, or finds its new place if its order has changed.
func (p *pile[T]) put(item T) {
	if i := *item.place(); i > 0 {
		heap.Fix(p, i-1)
		return
	}
	heap.Push(p, item)
}

// drop takes item out, if it is in.
func (p *pile[T]) drop(item T) {
	if i := *item.place(); i > 0 {
		heap.Remove(p, i-1)
	}
}
