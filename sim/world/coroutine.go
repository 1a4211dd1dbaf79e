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

// coroutines are those that are idle.
type coroutines struct{ idle []*coroutine }

// take takes one that is idle, or makes one.
func (p *coroutines) take() *coroutine {
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
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

// giveBack keeps one whose body has run to its end.
func (p *coroutines) giveBack(c *coroutine) { p.idle = append(p.idle, c) }

// stop ends all that are idle.
func (p *coroutines) stop() {
	for _, c := range p.idle {
		c.cancel()
	}
}

// ask yields a request; the world resumes the coroutine when it has the answer, or cancels it.
func (c *coroutine) ask(r request) {
	if !c.yield(r) {
		panic(crashed{})
	}
}
