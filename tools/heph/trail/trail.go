// Package trail turns the log records of handlers and workers into a story that a person can
// follow: one line per event, in the words of the protocol. It goes by the events that
// libs/telemetry declares and by their fields, never by a record's text. A record that it has no
// words for is told as it is, if everything was asked for; a warning is always told, and so is a
// record that is not as its event declares it.
package trail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Event is one log record.
type Event struct {
	At      time.Time
	Level   slog.Level
	Part    string          // intake, worker, …
	What    string          // the record's text, to be shown
	Said    telemetry.Event // what the record says; nil if it is no declared event
	Message string          // the message's id; empty if it is of none
	Key     job.Key
	Worker  string
	Fields  map[string]any // to be shown
}

// text is a field as text; empty if it is not there.
func (e Event) text(name string) string {
	switch v := e.Fields[name].(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// Parse reads a line of slog's JSON handler. A line that is none is an event of its own: whatever a
// process writes has to be seen. A record that is not as its event declares it becomes a warning.
func Parse(line []byte) Event {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return Event{Level: slog.LevelWarn, What: string(line)}
	}
	e := Event{Fields: fields}
	e.At, _ = time.Parse(time.RFC3339Nano, e.text("time"))
	if err := e.Level.UnmarshalText([]byte(e.text("level"))); err != nil {
		e.Level = slog.LevelInfo
	}
	e.Part, e.What, e.Message, e.Key, e.Worker = e.text("part"), e.text("msg"), e.text("message"), job.Key(e.text("key")), e.text("worker")
	said, err := telemetry.Read(line)
	if err != nil {
		e.Level, e.What = max(e.Level, slog.LevelWarn), fmt.Sprintf("%s (%v)", e.What, err)
	}
	e.Said = said
	return e
}

// Splitter hands over what is written to it, line by line. It is safe for concurrent use if the
// handler is.
type Splitter struct {
	mu     sync.Mutex
	rest   []byte
	handle func(Event)
}

// NewSplitter makes one; handle is called for every line, before the write of its end returns.
func NewSplitter(handle func(Event)) *Splitter { return &Splitter{handle: handle} }

// Write never fails.
func (s *Splitter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, p...)
	for {
		end := bytes.IndexByte(s.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		if line := bytes.TrimSpace(s.rest[:end]); len(line) > 0 {
			s.handle(Parse(line))
		}
		s.rest = append(s.rest[:0], s.rest[end+1:]...)
	}
}
