package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/trail"
)

// watch keeps and tells all events, and lets the story wait for one. It is safe for concurrent use.
type watch struct {
	mu     sync.Mutex
	teller *trail.Teller
	quiet  bool // tells nothing any more
	events []trail.Event
	more   chan struct{} // closed with the next event
}

func newWatch(teller *trail.Teller) *watch { return &watch{teller: teller, more: make(chan struct{})} }

// add takes an event. Its time is when it is told, so that the story goes forward, whoever's clock.
func (w *watch) add(e trail.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.At = time.Now()
	w.events = append(w.events, e)
	if !w.quiet {
		w.teller.Tell(e)
	}
	close(w.more)
	w.more = make(chan struct{})
}

// say writes a line of the demonstration's own.
func (w *watch) say(key job.Key, messageID string, line trail.Line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.teller.Say(time.Now(), key, messageID, line)
}

// name gives a worker its name.
func (w *watch) name(workerID, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.teller.Name(workerID, name)
}

// hush ends the telling: what workers say when they go home is no part of the story.
func (w *watch) hush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet = true
}

// all are the events until now.
func (w *watch) all() []trail.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[:len(w.events):len(w.events)]
}

// patience is how long the story waits for what must happen next. It takes a second or six; a machine
// that is busy otherwise takes longer.
const patience = 30 * time.Second

// await returns the first event, since the beginning, that is wanted.
func (w *watch) await(ctx context.Context, what string, wanted func(trail.Event) bool) (trail.Event, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("waited %v in vain until %s", patience, what))
	defer cancel()
	for seen := 0; ; {
		w.mu.Lock()
		events, more := w.events, w.more
		w.mu.Unlock()
		for ; seen < len(events); seen++ {
			if wanted(events[seen]) {
				return events[seen], nil
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return trail.Event{}, context.Cause(ctx)
		}
	}
}

// of wants the message's record with the text.
func of(messageID, what string) func(trail.Event) bool {
	return func(e trail.Event) bool { return e.Message == messageID && e.What == what }
}

// output wants the first line that the message's command writes.
func output(messageID string) func(trail.Event) bool { return of(messageID, "output") }
