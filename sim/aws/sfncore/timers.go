package sfncore

import (
	"container/heap"
	"time"
)

// timer is something that happens at a time unless it is cancelled first.
type timer struct {
	at        time.Time
	made      int64 // breaks ties
	index     int   // in the heap; -1 once fired or cancelled
	execution *execution
	fire      func()
}

// timerHeap is a heap in which each timer knows its index, so that cancel takes O(log n) and leaves
// nothing behind.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if c := h[i].at.Compare(h[j].at); c != 0 {
		return c < 0
	}
	return h[i].made < h[j].made
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop implements heap.Interface.
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = -1
	return t
}

func (c *Core) at(t time.Time, x *execution, fire func()) *timer {
	c.madeTimers++
	timer := &timer{at: t, made: c.madeTimers, execution: x, fire: fire}
	heap.Push(&c.timers, timer)
	return timer
}

// cancel takes a timer out of the heap, if it is still there.
func (c *Core) cancel(t *timer) {
	if t != nil && t.index >= 0 {
		heap.Remove(&c.timers, t.index)
	}
}
