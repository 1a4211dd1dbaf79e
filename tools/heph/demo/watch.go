package demo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/tools/heph/trail"
)

// watch keeps and tells all events, and the story can wait for one. It is safe for concurrent use.
//
// Processes report through pipes, so an event may arrive after its consequences. watch therefore
// holds each event back for a blink, and tells events in the order in which they happened.
type watch struct {
	mu      sync.Mutex
	teller  *trail.Teller
	quiet   bool // tells nothing any more
	pending []entry
	events  []trail.Event
	more    chan struct{} // closed with the next event
}

// entry is something to be told.
type entry struct {
	at   time.Time
	tell func()
}

// blink is how much later than others a process may report.
const blink = 60 * time.Millisecond

func newWatch(teller *trail.Teller) *watch { return &watch{teller: teller, more: make(chan struct{})} }

// keepTelling tells what is due until ctx ends.
func (w *watch) keepTelling(ctx context.Context) {
	ticker := time.NewTicker(blink / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			w.tellUntil(now.Add(-blink))
		}
	}
}

// tellUntil tells what happened until then.
func (w *watch) tellUntil(then time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortStableFunc(w.pending, func(a, b entry) int { return a.at.Compare(b.at) })
	due := 0
	for due < len(w.pending) && !w.pending[due].at.After(then) {
		w.pending[due].tell()
		due++
	}
	w.pending = slices.Delete(w.pending, 0, due)
}

// add takes an event.
func (w *watch) add(e trail.Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	w.enqueue(e.At, func() { w.teller.Tell(e) })
	close(w.more)
	w.more = make(chan struct{})
}

// say writes a line of the demonstration's own.
func (w *watch) say(messageID string, line trail.Line) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enqueue(now, func() { w.teller.Say(now, messageID, line) })
}

// heading begins a scene.
func (w *watch) heading(write func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enqueue(time.Now(), write)
}

func (w *watch) enqueue(at time.Time, tell func()) {
	if !w.quiet {
		w.pending = append(w.pending, entry{at, tell})
	}
}

// name gives a worker its name.
func (w *watch) name(workerID, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.teller.Name(workerID, name)
}

// hush tells what is left and nothing after: what workers say as they stop is no part of the story.
func (w *watch) hush() {
	w.tellUntil(time.Now())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet = true
}

// all are the events until now.
func (w *watch) all() []trail.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// patience is how long the story waits for what must happen next. It takes a second or six; a
// machine that is busy otherwise takes longer.
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

// of matches the message's event of the type.
func of[E telemetry.Event](messageID string) func(trail.Event) bool {
	return func(e trail.Event) bool {
		_, is := e.Said.(E)
		return is && e.Message == messageID
	}
}

// output matches a line that the message's command writes.
func output(messageID string) func(trail.Event) bool { return of[telemetry.CommandOutput](messageID) }
