package trail

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// Line is an event as it is told.
type Line struct {
	Sign  string
	Style screen.Style
	Word  string // what happened, in a word or two
	Text  string // the rest
	Minor bool   // told only where everything was asked for
}

// Line tells the event. name says how a worker is called.
func (e Event) Line(name func(workerID string) string) Line {
	line, known := e.known(name)
	if !known {
		line = Line{Sign: "·", Style: screen.Dim, Word: e.Part, Text: e.What + e.rest(), Minor: true}
	}
	if e.Level >= slog.LevelWarn {
		if !known {
			line.Sign, line.Style, line.Word = "!", screen.Yellow, "warning"
		}
		line.Minor = false
	}
	line.Text = screen.Clean(line.Text)
	return line
}

func (e Event) known(name func(string) string) (Line, bool) {
	switch e.Part {
	case "worker":
		return e.worker(name)
	case "intake":
		return e.intake()
	}
	switch e.What {
	case "checked":
		return e.checked(), true
	case "claimed":
		return e.claimed(), true
	case "asked to yield":
		text := "its container " + screen.Container(e.Text("container")) + " is asked to yield; this mail waits without polling"
		if e.Text("waits") != "true" {
			text = "nobody works there any more: need not wait"
		}
		return Line{Sign: "⚑", Style: screen.Yellow, Word: "interrupt", Text: text}, true
	case "recorded", "ended":
		return e.recorded()
	case "attachment processed":
		return Line{Sign: "⌗", Style: screen.Dim, Word: "attachment", Text: strings.TrimSpace(e.rest()), Minor: true}, true
	}
	return Line{}, false
}

func (e Event) intake() (Line, bool) {
	switch e.What {
	case "taken":
		return Line{Sign: "✉", Style: screen.Cyan, Word: "arrived", Text: e.thread()}, true
	case "taken before":
		return Line{Sign: "✉", Style: screen.Dim, Word: "came again", Text: "it has its outcome: " + e.Text("outcome"), Minor: true}, true
	case "rejected":
		return Line{Sign: "⊘", Style: screen.Red, Word: "rejected", Text: e.Text("reason")}, true
	}
	return Line{}, false
}

// thread says which thread the mail is in, and by what.
func (e Event) thread() string {
	why := e.Text("threadWhy")
	if strings.HasPrefix(why, "no message known") {
		return "a new thread, " + e.Text("thread")
	}
	by, _, _ := strings.Cut(why, " names ")
	return fmt.Sprintf("%s, by its %s", e.Text("thread"), by)
}

func (e Event) checked() Line {
	because := map[string]string{
		"new": "the key is free", "join": "its own thread holds the key", "again": "it holds the key already", "take-over": "the holder may be replaced",
		"interrupt": "an older thread holds the key", "superseded": "a newer thread holds the key",
	}[e.Text("because")]
	return Line{Sign: "?", Style: screen.Dim, Word: "check", Text: because, Minor: e.Text("decision") == "proceed"}
}

func (e Event) claimed() Line {
	container := screen.Container(e.Text("container"))
	line := Line{Sign: "●", Style: screen.Blue, Word: "claimed"}
	switch e.Text("how") {
	case "new":
		line.Text = "container " + container + ", a new claim"
	case "join":
		line.Word, line.Text = "joined", "container "+container+": the same thread, nobody is interrupted"
	case "take-over":
		line.Text = "container " + container + ", taken over"
	case "again":
		line.Text, line.Minor = "container "+container+", as before", true
	default:
		line = Line{Sign: "?", Style: screen.Dim, Word: "not claimed", Text: e.Text("how"), Minor: true}
	}
	return line
}

func (e Event) recorded() (Line, bool) {
	outcome := e.Text("outcome")
	line := Line{Sign: "✎", Style: screen.Magenta, Word: "on record", Text: outcome}
	switch job.Outcome(outcome) {
	case job.Superseded:
		line.Text = "superseded: it is older than the work of another thread, which goes on"
	case job.TimedOut, job.Failed:
		line.Text = outcome + ", and on the dead letter queue"
	}
	return line, true
}

// ends says whether the event is the record of a job's end, which may be reported more than once.
func (e Event) ends() bool { return e.What == "recorded" || e.What == "ended" }

func (e Event) worker(name func(string) string) (Line, bool) {
	switch e.What {
	case "ready":
		return Line{Sign: "⚒", Style: screen.Dim, Word: "ready", Text: fmt.Sprintf("%s, process %s", name(e.Worker), e.Text("pid"))}, true
	case "stopped":
		return Line{Sign: "⚒", Style: screen.Dim, Word: "stopped", Text: name(e.Worker), Minor: true}, true
	case "started":
		return Line{Sign: "▶", Style: screen.Blue, Word: "started", Text: fmt.Sprintf("%s, fence %s", name(e.Worker), screen.Fence(e.Number("fence")))}, true
	case "output":
		return Line{Sign: "│", Style: screen.Dim, Word: "", Text: e.Text("line")}, true
	case "a newer thread asks for the key":
		return Line{Sign: "⚑", Style: screen.Yellow, Word: "told", Text: fmt.Sprintf("%s hears that %s wants the key", name(e.Worker), e.Text("newMessage"))}, true
	case "asking the command to stop":
		return Line{Sign: "□", Style: screen.Yellow, Word: "SIGTERM", Text: "the command is asked to stop: " + e.Text("because")}, true
	case "killing the command: its grace is over":
		return Line{Sign: "✖", Style: screen.Red, Word: "SIGKILL", Text: "the command did not stop within its grace"}, true
	case "the lease is lost; killing the command":
		return Line{Sign: "✖", Style: screen.Red, Word: "SIGKILL", Text: "the lease is lost: " + e.Text("because")}, true
	case "the command has ended":
		return Line{Sign: "·", Style: screen.Dim, Word: "command", Text: "ended with exit status " + e.Text("exit"), Minor: true}, true
	case "finished":
		return finished(e.Text("outcome")), true
	case "not started":
		return Line{Sign: "↩", Style: screen.Dim, Word: "not started", Text: name(e.Worker) + ": " + e.Text("because"), Minor: true}, true
	case "handed back":
		return Line{Sign: "↩", Style: screen.Yellow, Word: "handed back", Text: name(e.Worker) + " stops; another may go on"}, true
	}
	return Line{}, false
}

func finished(outcome string) Line {
	line := Line{Word: outcome}
	line.Sign, line.Style = Mark(job.Outcome(outcome))
	if job.Outcome(outcome) == job.Interrupted {
		line.Text = "what was done is saved"
	}
	return line
}

// Mark is an outcome's sign and colour; its word stands beside them.
func Mark(o job.Outcome) (sign string, style screen.Style) {
	switch o {
	case job.Completed:
		return "✔", screen.Green
	case job.Interrupted:
		return "■", screen.Yellow
	case job.Superseded:
		return "↷", screen.Magenta
	case job.Rejected:
		return "⊘", screen.Red
	}
	return "✘", screen.Red
}

// rest is the fields that a line does not tell otherwise.
func (e Event) rest() string {
	rest := ""
	for _, name := range []string{"error", "because", "reason", "result", "object", "fileName", "index", "detected", "note"} {
		if value := e.Text(name); value != "" {
			rest += fmt.Sprintf(" %s=%s", name, value)
		}
	}
	return rest
}
