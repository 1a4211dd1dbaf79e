package world

import "iter"

// coroutine runs actors' code, one after the other: what one has left of its stack serves the next, which a world with
// dozens of short invocations would otherwise grow anew for each.
type coroutine struct {
	resume func() (request, bool)
	cancel func()
	yield  func(request) bool
	body   func() // what it runs when it is resumed next
}

// crashed unwinds a coroutine whose process died.
type crashed struct{}

// coroutine takes one that is idle, or makes one.
func (w *World) coroutine() *coroutine {
	if n := len(w.idle); n > 0 {
		c := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return c
	}
	c := &coroutine{}
	c.resume, c.cancel = iter.Pull(func(yield func(request) bool) {
		defer func() {
			if p := recover(); p != nil {
				if _, died := p.(crashed); !died {
					panic(p)
				}
			}
		}()
		c.yield = yield
		for {
			c.body()
			if !yield(request{over: true}) {
				return
			}
		}
	})
	return c
}

// ask yields a request; the world resumes the coroutine when it has the answer, or cancels it.
func (c *coroutine) ask(r request) {
	if !c.yield(r) {
		panic(crashed{})
	}
}
