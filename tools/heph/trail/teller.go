package trail

import (
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// Teller writes events on a screen, a line each: when, whose, which message, what. It is not safe
// for concurrent use.
type Teller struct {
	screen   *screen.Screen
	begun    time.Time
	all      bool              // minor events too
	workers  map[string]string // how workers are called
	keys     map[string]job.Key
	recorded map[string]bool // messages whose end was told
	arrived  map[string]bool
	held     map[string][]Event // what came before its message was told to have arrived
	keyWide  int
	idWide   int
}

// NewTeller makes one that counts time from begun; all tells minor events too.
func NewTeller(s *screen.Screen, begun time.Time, all bool) *Teller {
	return &Teller{
		screen: s, begun: begun, all: all,
		workers: map[string]string{}, keys: map[string]job.Key{}, recorded: map[string]bool{}, arrived: map[string]bool{}, held: map[string][]Event{},
	}
}

// Name gives a worker a name that people can tell.
func (t *Teller) Name(workerID, name string) { t.workers[workerID] = name }

// Expect says of a message that will come whose it is, so that its columns have their width from
// the beginning.
func (t *Teller) Expect(messageID string, key job.Key) {
	t.keys[messageID] = key
	t.keyWide, t.idWide = max(t.keyWide, screen.Width(string(key))), max(t.idWide, screen.Width(messageID))
}

// name is a worker's name; one without gets the next number.
func (t *Teller) name(workerID string) string {
	if t.workers[workerID] == "" {
		t.Name(workerID, fmt.Sprintf("worker %d", len(t.workers)+1))
	}
	return t.workers[workerID]
}

// Tell writes the event, unless it is a minor one. Intake logs a message when its execution runs
// already, so what that has logged meanwhile is told after it.
func (t *Teller) Tell(e Event) {
	if e.Message == "" || t.arrived[e.Message] {
		t.tell(e)
		return
	}
	if !e.ofIntake() {
		t.held[e.Message] = append(t.held[e.Message], e)
		return
	}
	t.arrived[e.Message] = true
	t.tell(e)
	for _, later := range t.held[e.Message] {
		t.tell(later)
	}
	delete(t.held, e.Message)
}

func (t *Teller) tell(e Event) {
	if e.Key != "" && e.Message != "" {
		t.Expect(screen.Clean(e.Message), e.Key)
	}
	line := e.Line(t.name)
	if e.ends() { // the state machine's way and the event beside it both report
		line.Minor = line.Minor || t.recorded[e.Message]
		t.recorded[e.Message] = true
	}
	if line.Minor && !t.all {
		return
	}
	t.Say(e.At, e.Message, line)
}

// The columns that an event's time and word take.
const (
	timeWide = 7
	wordWide = 11
)

// Say writes a line of the caller's own.
func (t *Teller) Say(at time.Time, messageID string, line Line) {
	id := screen.Clean(messageID)
	s := t.screen
	sign := s.Sign(line.Sign)
	text := line.Text
	if columns := s.Columns(); columns > 0 && !t.all {
		text = screen.Cut(text, max(columns-timeWide-t.keyWide-t.idWide-wordWide-screen.Width(sign)-7, 20))
	}
	style := screen.Plain
	if line.Word == "" {
		style = screen.Dim
	}
	what := s.Paint(line.Style, sign+line.Word)
	if text != "" {
		what = s.Paint(line.Style, sign+screen.Pad(line.Word, wordWide)) + " " + s.Paint(style, text)
	}
	s.Printf("%s  %s  %s  %s\n",
		s.Paint(screen.Dim, fmt.Sprintf("%*s", timeWide, fmt.Sprintf("%.2fs", at.Sub(t.begun).Seconds()))),
		s.Paint(screen.Dim, screen.Pad(string(t.keys[id]), t.keyWide)), screen.Pad(id, t.idWide), what)
}

// Quote puts a mail's subject in quotes.
func Quote(subject string) string { return "“" + screen.Clean(subject) + "”" }
