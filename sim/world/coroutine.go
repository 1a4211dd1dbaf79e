package world

import "iter"

// coroutine runs the code of one actor after another. The next actor reuses the stack, which would
// otherwise grow anew for each of a world's dozens of short invocations.
type coroutine struct {
	resume func() (request, bool)
	cancel func()
	yield  func(request) bool
	body   func() // what it runs when it is resumed next
}

// crashed unwinds a coroutine whose process died.
type crashed struct{}

// coroutines keeps the idle ones.
type coroutines struct{ idle []*coroutine }

// take returns an idle coroutine, or a new one.
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

// giveBack keeps a coroutine after its body has run to its end.
func (p *coroutines) giveBack(c *coroutine) { p.idle = append(p.idle, c) }

// stop ends all idle coroutines.
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
