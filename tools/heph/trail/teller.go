package trail

import (
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// Teller writes events on a screen, a line each: when, whose, which message, what. It is not safe for
// concurrent use.
type Teller struct {
	screen  *screen.Screen
	begun   time.Time
	all     bool // minor events too
	workers map[string]string
	keys    map[string]job.Key // by message
	keyWide int
	idWide  int
}

// NewTeller makes one that counts time from begun.
func NewTeller(s *screen.Screen, begun time.Time, all bool) *Teller {
	return &Teller{screen: s, begun: begun, all: all, workers: map[string]string{}, keys: map[string]job.Key{}, keyWide: 12, idWide: 8}
}

// Name gives a worker a name that people can tell.
func (t *Teller) Name(workerID, name string) { t.workers[workerID] = name }

func (t *Teller) name(workerID string) string {
	if name := t.workers[workerID]; name != "" {
		return name
	}
	return workerID
}

// The columns that an event's time and word take.
const (
	timeWide = 7
	wordWide = 11
)

// Tell writes the event, unless it is a minor one.
func (t *Teller) Tell(e Event) {
	if e.Key != "" && e.Message != "" {
		t.keys[e.Message] = e.Key
	}
	line := e.Line(t.name)
	if line.Minor && !t.all {
		return
	}
	t.Say(e.At, t.keys[e.Message], e.Message, line)
}

// Say writes a line of the caller's own.
func (t *Teller) Say(at time.Time, key job.Key, messageID string, line Line) {
	if at.IsZero() {
		at = time.Now()
	}
	id := screen.Clean(messageID)
	t.keyWide, t.idWide = max(t.keyWide, screen.Width(string(key))), max(t.idWide, screen.Width(id))
	s := t.screen
	sign := s.Sign(line.Sign)
	room := 0
	if columns := s.Columns(); columns > 0 {
		room = max(columns-timeWide-t.keyWide-t.idWide-wordWide-screen.Width(sign)-8, 20)
	}
	s.Printf("%s  %s  %s  %s %s\n",
		s.Paint(screen.Dim, fmt.Sprintf("%*s", timeWide, fmt.Sprintf("%.2fs", at.Sub(t.begun).Seconds()))),
		s.Paint(screen.Dim, screen.Pad(string(key), t.keyWide)), screen.Pad(id, t.idWide),
		s.Paint(line.Style, sign+screen.Pad(line.Word, wordWide)), screen.Cut(line.Text, room))
}

// Subject is a mail's subject for a line, in quotes.
func Subject(subject string) string { return "“" + screen.Clean(subject) + "”" }
