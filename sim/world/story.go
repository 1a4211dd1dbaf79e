package world

import (
	"fmt"
	"io"
	"time"
)

// Story is what happened, for people: one line an event.
type Story struct {
	keep   bool
	Lines  []Line
	Spans  []Span
	struck []string // faults that struck at the event under way
}

// Line is one event.
type Line struct {
	At    time.Duration `json:"at"` // since the beginning
	Who   string        `json:"who"`
	What  string        `json:"what"`
	Notes []string      `json:"notes,omitempty"` // rows that changed, faults that struck, errors
}

// Span is a run of a command.
type Span struct {
	Worker, Message, Container string
	Fence                      int64
	From, To                   time.Duration // To is 0 while it runs
}

func (s *Story) tell(now time.Time, who, what string) {
	if s.keep {
		s.Lines = append(s.Lines, Line{At: now.Sub(Epoch), Who: who, What: what})
	}
}

// note adds to the last line.
func (s *Story) note(text string) {
	if s.keep && len(s.Lines) > 0 {
		last := &s.Lines[len(s.Lines)-1]
		last.Notes = append(last.Notes, text)
	}
}

func (s *Story) fault(f Fault) {
	if s.keep {
		s.note("FAULT " + f.String())
	}
}

// drop takes the last line back: nothing happened.
func (s *Story) drop() {
	if s.keep && len(s.Lines) > 0 {
		s.Lines = s.Lines[:len(s.Lines)-1]
	}
}

func (s *Story) mail(now time.Time, m Mail) {
	s.note(fmt.Sprintf("thread %d of %s, received at %v", m.Thread, m.Key, m.Received))
}

func (s *Story) begin(now time.Time, of *session) {
	if !s.keep {
		return
	}
	s.Spans = append(s.Spans, Span{
		Worker: of.owner.actor.name, Message: of.task.Work.Message.MessageID, Container: of.task.Work.ContainerID,
		Fence: of.task.Fence, From: now.Sub(Epoch),
	})
}

func (s *Story) end(now time.Time, of *session) {
	for i := range s.Spans {
		if s.Spans[i].Worker == of.owner.actor.name && s.Spans[i].Fence == of.task.Fence {
			s.Spans[i].To = now.Sub(Epoch)
		}
	}
}

// Write prints the last lines of the story; 0 means all.
func (s *Story) Write(out io.Writer, last int) {
	lines := s.Lines
	if last > 0 && len(lines) > last {
		fmt.Fprintf(out, "… %d events before\n", len(lines)-last)
		lines = lines[len(lines)-last:]
	}
	for _, l := range lines {
		fmt.Fprintf(out, "%12s  %-24s %s\n", l.At.Round(time.Millisecond), l.Who, l.What)
		for _, n := range l.Notes {
			fmt.Fprintf(out, "%12s  %-24s   · %s\n", "", "", n)
		}
	}
}
