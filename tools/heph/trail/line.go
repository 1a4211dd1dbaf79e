package trail

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// Line is an event as it is told.
type Line struct {
	Sign  string
	Style screen.Style
	Word  string // what happened, in a word or two
	Text  string // the rest
	Minor bool   // told only if everything was asked for
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

// known is the line of an event that there are words for.
func (e Event) known(name func(string) string) (Line, bool) {
	switch said := e.Said.(type) {
	case telemetry.MailTaken:
		return Line{Sign: "✉", Style: screen.Cyan, Word: "arrived", Text: thread(said)}, true
	case telemetry.MailTakenBefore:
		return Line{Sign: "✉", Style: screen.Dim, Word: "came again", Text: "it has its outcome: " + string(said.Outcome), Minor: true}, true
	case telemetry.MailRejected:
		return Line{Sign: "⊘", Style: screen.Red, Word: "rejected", Text: said.Reason}, true
	case telemetry.MailHeld:
		return Line{Sign: "⏸", Style: screen.Yellow, Word: "held", Text: said.Reason + "; heph release " + said.Message + " lets it begin"}, true
	case telemetry.Checked:
		return checked(said), true
	case telemetry.Claimed:
		return claimed(said), true
	case telemetry.AskedToYield:
		text := "its container " + screen.Container(said.Container) + " is asked to yield; this mail waits without polling"
		if !said.Waits {
			text = "nobody works there any more: need not wait"
		}
		return Line{Sign: "⚑", Style: screen.Yellow, Word: "interrupt", Text: text}, true
	case telemetry.AttachmentProcessed:
		return Line{Sign: "⌗", Style: screen.Dim, Word: "attachment", Text: strings.TrimSpace(e.rest()), Minor: true}, true
	case telemetry.JobRecorded:
		return recorded(said.Outcome), true
	case telemetry.JobEnded:
		return recorded(said.Outcome), true
	}
	return e.worker(name)
}

// worker is the line of a worker's event.
func (e Event) worker(name func(string) string) (Line, bool) {
	switch said := e.Said.(type) {
	case telemetry.WorkerReady:
		return Line{Sign: "⚒", Style: screen.Dim, Word: "ready", Text: fmt.Sprintf("%s, process %d", name(said.Worker), said.PID)}, true
	case telemetry.WorkerStopped:
		return Line{Sign: "⚒", Style: screen.Dim, Word: "stopped", Text: name(said.Worker), Minor: true}, true
	case telemetry.JobStarted:
		return Line{Sign: "▶", Style: screen.Blue, Word: "started", Text: fmt.Sprintf("%s, fence %s", name(said.Worker), screen.Fence(said.Fence))}, true
	case telemetry.CommandOutput:
		return Line{Sign: "│", Style: screen.Dim, Word: "", Text: said.Line}, true
	case telemetry.NewerThreadAsks:
		return Line{Sign: "⚑", Style: screen.Yellow, Word: "told", Text: fmt.Sprintf("%s hears that %s wants the key", name(said.Worker), said.NewMessage)}, true
	case telemetry.CommandAskedToStop:
		return Line{Sign: "□", Style: screen.Yellow, Word: "SIGTERM", Text: "the command is asked to stop: " + said.Because}, true
	case telemetry.CommandKilled:
		return Line{Sign: "✖", Style: screen.Red, Word: "SIGKILL", Text: "the command did not stop within its grace"}, true
	case telemetry.LeaseLost:
		return Line{Sign: "✖", Style: screen.Red, Word: "SIGKILL", Text: "the lease is lost: " + said.Because}, true
	case telemetry.CommandEnded:
		return Line{Sign: "·", Style: screen.Dim, Word: "command", Text: fmt.Sprintf("ended with exit status %d", said.Exit), Minor: true}, true
	case telemetry.JobFinished:
		return finished(said), true
	case telemetry.JobNotStarted:
		return Line{Sign: "↩", Style: screen.Dim, Word: "not started", Text: name(said.Worker) + ": " + said.Because, Minor: true}, true
	case telemetry.JobHandedBack:
		return Line{Sign: "↩", Style: screen.Yellow, Word: "handed back", Text: name(said.Worker) + " gives it back; it goes on later, or at another"}, true
	}
	return Line{}, false
}

// ofIntake says whether intake tells of a mail. It does so when the mail's execution runs already.
func (e Event) ofIntake() bool {
	switch e.Said.(type) {
	case telemetry.MailTaken, telemetry.MailTakenBefore, telemetry.MailRejected, telemetry.MailNotRejected, telemetry.MailHeld, telemetry.MailNotHeld, telemetry.ReceivedAtIgnored, telemetry.MailFailed:
		return true
	}
	return false
}

// ends says whether the event is the record of a job's end, which may be reported more than once.
func (e Event) ends() bool {
	switch e.Said.(type) {
	case telemetry.JobRecorded, telemetry.JobEnded:
		return true
	}
	return false
}

// thread says which thread the mail is in, and by what.
func thread(taken telemetry.MailTaken) string {
	if taken.ThreadIsNew {
		return "a new thread, " + taken.Thread
	}
	return fmt.Sprintf("%s, by its %s", taken.Thread, taken.ThreadBy)
}

func checked(said telemetry.Checked) Line {
	because := map[string]string{
		claim.DecisionNew.String(): "the key is free", claim.DecisionJoin.String(): "its own thread holds the key", claim.DecisionAgain.String(): "it holds the key already",
		claim.DecisionTakeOver.String(): "the holder may be replaced", claim.DecisionInterrupt.String(): "an older thread holds the key",
		claim.DecisionSuperseded.String(): "a newer thread holds the key", claim.DecisionLater.String(): "others go first, it looks again",
	}[said.Because]
	mayClaim := said.Because != claim.DecisionInterrupt.String() && said.Because != claim.DecisionSuperseded.String()
	return Line{Sign: "?", Style: screen.Dim, Word: "check", Text: because, Minor: mayClaim}
}

func claimed(said telemetry.Claimed) Line {
	container := screen.Container(said.Container)
	line := Line{Sign: "●", Style: screen.Blue, Word: "claimed"}
	switch said.How {
	case claim.DecisionNew.String():
		line.Text = "container " + container + ", a new claim"
	case claim.DecisionJoin.String():
		line.Word, line.Text = "joined", "container "+container+": the same thread, nobody is interrupted"
	case claim.DecisionTakeOver.String():
		line.Text = "container " + container + ", taken over"
	case claim.DecisionAgain.String():
		line.Text, line.Minor = "container "+container+", as before", true
	default:
		line = Line{Sign: "?", Style: screen.Dim, Word: "not claimed", Text: said.How, Minor: true}
	}
	return line
}

func recorded(outcome job.Outcome) Line {
	line := Line{Sign: "✎", Style: screen.Magenta, Word: "on record", Text: string(outcome)}
	switch outcome {
	case job.Superseded:
		line.Text = "superseded: it is older than the work of another thread, which goes on"
	case job.TimedOut, job.Failed:
		line.Text = string(outcome) + ", and on the dead letter queue"
	}
	return line
}

func finished(said telemetry.JobFinished) Line {
	line := Line{Word: string(said.Outcome)}
	line.Sign, line.Style = Mark(said.Outcome)
	switch {
	case said.Saved:
		line.Text = "what was done is saved"
	case said.Outcome == job.Interrupted:
		line.Text = "nothing was saved"
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
	names := slices.Sorted(maps.Keys(e.Fields))
	if e.Said != nil {
		names = telemetry.Fields(e.Said)
	}
	rest := ""
	for _, name := range names {
		switch name {
		case "time", "level", "msg", "part", "event", "requestId", "message", "key", "worker", "container":
		default:
			if value := e.text(name); value != "" {
				rest += fmt.Sprintf(" %s=%s", name, value)
			}
		}
	}
	return rest
}
