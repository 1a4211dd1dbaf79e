// Package timeline tells a simulated run to a person: as text, line by line, and as a page with a
// lane for each mail, worker and claim. It shows what the run's story holds and judges nothing.
package timeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/story"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// Run is a simulated run with what it was made from.
type Run struct {
	Title   string // what was run, such as "seed 17"
	Faults  []string
	Command string // the command that shows the run again
	Shrink  string // the command that makes it small; empty if it is small
	Result  world.Result
}

// Story writes the run's story: the lines that a reader has to follow, and the states that
// executions enter. all writes every call too.
func Story(s *screen.Screen, run Run, all bool) {
	left := 0
	for _, l := range run.Result.Story.Lines {
		if !all && !shown(l) {
			left++
			continue
		}
		line(s, l)
	}
	if left > 0 {
		s.Printf("%s\n", s.Paint(screen.Dim, fmt.Sprintf("%12s  %d more events are calls and deliveries in between: --verbose tells them", "", left)))
	}
}

// Verdict says what the run came to.
func Verdict(s *screen.Screen, run Run) {
	r := run.Result
	s.Printf("\n%s: %d events, %s of virtual time, hash %016x\n", run.Title, r.Events, Clock(r.Virtual), r.Hash)
	if v := r.Violation; v != nil {
		s.Printf("%s%s %s\n", s.Sign("✘"), s.Paint(screen.Red, v.Invariant+" is broken:"), v.What)
		s.Printf("See it again: %s\n", run.Command)
		if run.Shrink != "" {
			s.Printf("Make it small: %s\n", run.Shrink)
		}
		return
	}
	s.Printf("%s%s\n", s.Sign("✔"), s.Paint(screen.Green, "every promise was kept"))
}

// shown says whether a line is told in the short form: lines to follow, and the states of
// executions.
func shown(l story.Line) bool {
	return l.Matters() || l.State != "" || slices.ContainsFunc(l.Notes, func(n story.Note) bool { return n.Kind == story.NoteRecord })
}

// whoColumns is the width of the actors' column.
const whoColumns = 22

func line(s *screen.Screen, l story.Line) {
	who := l.Who
	if l.Actor == story.OfFunction && l.Message != "" {
		who = l.Message + " " + who
	}
	style := screen.Plain
	switch {
	case l.Actor == story.OfWorker:
		style = screen.Magenta
	case l.Actor == story.OfTime, l.State != "":
		style = screen.Dim
	}
	s.Printf("%12s  %s  %s\n", Clock(l.At), s.Paint(style, screen.Pad(screen.Cut(who, whoColumns), whoColumns)), s.Paint(plainIf(l.State == "", style), l.What))
	for _, n := range l.Notes {
		sign, text, style := tell(n)
		s.Printf("%12s  %s    %s%s\n", "", strings.Repeat(" ", whoColumns), s.Sign(sign), s.Paint(style, text))
	}
}

func plainIf(plain bool, style screen.Style) screen.Style {
	if plain {
		return screen.Plain
	}
	return style
}

// tell says how a note looks: its sign, and its text with a word for what the sign and the colour
// say.
func tell(n story.Note) (sign, text string, style screen.Style) {
	switch n.Kind {
	case story.NoteMail:
		return "✉", n.Text, screen.Cyan
	case story.NoteClaim:
		return "▪", claim(n), screen.Blue
	case story.NoteFault:
		return "⚡", "fault " + n.Fault + ": " + n.Text, screen.Yellow
	case story.NoteViolated:
		return "✘", n.Invariant + " IS BROKEN: " + n.Text, screen.Red
	case story.NoteOutcome:
		return "●", n.Text, screen.Green
	case story.NoteError:
		return "·", "answer: " + n.Text, screen.Dim
	case story.NoteCommand:
		return "▶", n.Text, screen.Magenta
	}
	return "·", n.Text, screen.Dim
}

// claim tells a claim row with its ids shortened to what tells them apart.
func claim(n story.Note) string {
	r := n.Row
	if r == nil {
		return n.Text
	}
	text := fmt.Sprintf("%s free, last held by %s", n.Key, r.Thread)
	if len(r.Jobs) > 0 {
		text = fmt.Sprintf("%s held by %s for %s", n.Key, r.Thread, strings.Join(r.Jobs, " "))
	}
	text += fmt.Sprintf(" (container %s, fence %s)", screen.Container(r.Container), screen.Fence(r.Fence))
	if r.Worker != "" {
		text += fmt.Sprintf("; %s works on %s, lease to %s", r.Worker, r.WorkerJob, Clock(r.LeaseUntil))
	}
	if r.PreemptedBy != "" {
		text += fmt.Sprintf("; %s (%s) asks to yield", r.PreemptedBy, r.PreemptorsMail)
		if len(r.Waiting) > 0 {
			text += ", waiting: " + strings.Join(r.Waiting, " ")
		}
	}
	return text
}

// Clock writes a time since the beginning as h:mm:ss.mmm.
func Clock(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	ms := d.Milliseconds()
	return fmt.Sprintf("%s%d:%02d:%02d.%03d", sign, ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
