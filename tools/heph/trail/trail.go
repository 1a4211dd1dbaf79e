// Package trail turns the log records of handlers and workers into a story that a person can follow: one
// line per event, in the words of the protocol. It knows what the parts log; a record that it does not
// know is told as it is, where everything was asked for, and never hidden where it is a warning.
package trail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
)

// Event is one log record.
type Event struct {
	At      time.Time
	Level   slog.Level
	Part    string // intake, worker, …
	What    string // the record's text
	Message string // the message's id; empty where it is of none
	Key     job.Key
	Worker  string
	Fields  map[string]any
}

// Text is a field as text; empty where it is not there.
func (e Event) Text(name string) string {
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

// Number is a field that is a whole number; 0 where it is none.
func (e Event) Number(name string) int64 {
	n, ok := e.Fields[name].(json.Number)
	if !ok {
		return 0
	}
	i, _ := n.Int64() // 0 where it does not fit
	return i
}

// Parse reads a line of slog's JSON handler. A line that is none is an event of its own: whatever a
// process writes has to be seen.
func Parse(line []byte) Event {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return Event{Level: slog.LevelWarn, What: string(line)}
	}
	e := Event{Fields: fields}
	e.At, _ = time.Parse(time.RFC3339Nano, e.Text("time"))
	if err := e.Level.UnmarshalText([]byte(e.Text("level"))); err != nil {
		e.Level = slog.LevelInfo
	}
	e.Part, e.What, e.Message, e.Key, e.Worker = e.Text("part"), e.Text("msg"), e.Text("message"), job.Key(e.Text("key")), e.Text("worker")
	return e
}

// Splitter hands over what is written to it, line by line. It is safe for concurrent use if the handler is.
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
