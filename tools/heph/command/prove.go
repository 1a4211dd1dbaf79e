package command

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// prove adds the commands that show that the protocol holds.
func (a *app) prove(root *cobra.Command) {
	root.AddGroup(&cobra.Group{ID: "prove", Title: "Prove the protocol:"})
	root.AddCommand(a.sim(), a.model(), a.mutants())
}

// stopwatch counts seconds from now on.
func stopwatch() func() float64 {
	began := time.Now()
	return func() float64 { return time.Since(began).Seconds() }
}

// atOnce runs work on n threads.
func atOnce(n int, work func(thread int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { work(i) })
	}
	all.Wait()
}

func processors() int { return runtime.GOMAXPROCS(0) }

// showEvery is how often a progress line is drawn.
const showEvery = 200 * time.Millisecond

// progress draws a line on a terminal, again and again, until done. It is silent on any other
// stream.
type progress struct {
	drawing sync.Mutex // of s, which several threads may write to
	s       *screen.Screen
	line    func() string
	ended   chan struct{}
	gone    chan struct{}
	silent  bool
}

// follow begins to draw. line is called from another goroutine.
func follow(s *screen.Screen, line func() string) *progress {
	p := &progress{s: s, line: line, ended: make(chan struct{}), gone: make(chan struct{}), silent: !s.Terminal()}
	if p.silent {
		return p
	}
	go func() {
		defer close(p.gone)
		tick := time.NewTicker(showEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.draw()
			case <-p.ended:
				p.say("")
				return
			}
		}
	}()
	return p
}

func (p *progress) draw() {
	text := p.line()
	if columns := p.s.Columns(); columns > 1 {
		text = screen.Cut(text, columns-1)
	}
	p.drawing.Lock()
	defer p.drawing.Unlock()
	p.s.Printf("%s%s", eraseLine, text)
}

// eraseLine takes the line away that the cursor is on.
const eraseLine = "\r\x1b[K"

// say writes something that stays, in place of the line.
func (p *progress) say(text string) {
	p.drawing.Lock()
	defer p.drawing.Unlock()
	if !p.silent {
		p.s.Printf(eraseLine)
	}
	p.s.Printf("%s", text)
}

// done takes the line away.
func (p *progress) done() {
	if p.silent {
		return
	}
	close(p.ended)
	<-p.gone
}

// bar is a bar of so many columns, filled in part.
func bar(part, whole uint64, columns int) string {
	filled := 0
	if whole > 0 {
		filled = int(min(part, whole) * uint64(columns) / whole)
	}
	text := make([]rune, columns)
	for i := range text {
		text[i] = '░'
		if i < filled {
			text[i] = '█'
		}
	}
	return string(text)
}

// count is a number that several threads add to.
type count = atomic.Uint64
