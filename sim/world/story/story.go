// Package story is what happened in a run of the simulation, for people: one line per event, with
// notes on what it did or what befell it, and beside the lines what lasts: commands and executions.
//
// It is plain values with stable JSON names. It knows no world, actor or session: package world
// fills it in, and programs that tell, draw or shrink a run read it. It promises that they need the
// typed fields only: they never parse a text.
package story

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
)

// Story is one run. Its JSON names are stable.
type Story struct {
	Lines      []Line      `json:"lines"`
	Spans      []Span      `json:"spans"`      // of commands
	Executions []Execution `json:"executions"` // filled at the end of the run
}

// Actor is what a line is about.
type Actor string

// The kinds of actors.
const (
	OfWorld    Actor = "world"    // what comes from outside, and deliveries
	OfTime     Actor = "time"     // what comes due
	OfFunction Actor = "function" // an invocation of a Lambda
	OfWorker   Actor = "worker"
)

// Line is one event.
type Line struct {
	At      time.Duration `json:"atNanoseconds"` // since the beginning
	Actor   Actor         `json:"actor"`
	Who     string        `json:"who"`               // its name among the actors of the kind
	Message string        `json:"message,omitempty"` // the one that it is about, if that is known
	State   string        `json:"state,omitempty"`   // the one that the message's execution enters, if it does
	What    string        `json:"what"`
	Notes   []Note        `json:"notes,omitempty"`
}

// NoteKind says what a note tells.
type NoteKind string

// The kinds of notes.
const (
	NoteMail     NoteKind = "mail"     // a mail arrives
	NoteClaim    NoteKind = "claim"    // a claim row becomes Row, or is deleted: nil
	NoteStep     NoteKind = "step"     // which step of the model a write is
	NoteOutcome  NoteKind = "outcome"  // a message ends
	NoteRecord   NoteKind = "record"   // an interruption is put on record
	NoteCommand  NoteKind = "command"  // a command begins
	NoteFault    NoteKind = "fault"    // Fault strikes
	NoteError    NoteKind = "error"    // AWS refuses a call
	NoteViolated NoteKind = "violated" // a promise, Invariant, is broken here
	NoteRemark   NoteKind = "remark"
)

// Step is what a reader of the story needs to know of a step of the model.
type Step string

// The steps that a reader may skip, and all others.
const (
	StepNothing   Step = "nothing" // the write changes nothing
	StepHeartbeat Step = "heartbeat"
	StepChange    Step = "change"
)

// Note is something that an event did, or that befell it. Text is for people: no program reads it.
type Note struct {
	Kind      NoteKind  `json:"kind"`
	Text      string    `json:"text"`
	Step      Step      `json:"step,omitempty"`
	Thread    string    `json:"thread,omitempty"`  // of a mail, as ClaimRow.Thread has it
	Key       job.Key   `json:"key,omitempty"`     // of a claim or mail
	Message   string    `json:"message,omitempty"` // of a mail, outcome or record
	Row       *ClaimRow `json:"row,omitempty"`
	Fault     string    `json:"fault,omitempty"`
	Invariant string    `json:"invariant,omitempty"`
}

// ClaimRow is a claim row at a moment.
type ClaimRow struct {
	Container      string        `json:"container"`
	Thread         string        `json:"thread"`
	Jobs           []string      `json:"jobs"`
	Fence          int64         `json:"fence"`
	Worker         string        `json:"worker,omitempty"`
	WorkerJob      string        `json:"workerJob,omitempty"`
	LeaseUntil     time.Duration `json:"leaseUntilNanoseconds,omitempty"` // since the beginning
	PreemptedBy    string        `json:"preemptedBy,omitempty"`           // the preemptor's thread
	PreemptorsMail string        `json:"preemptorsMail,omitempty"`        // its newest
	Waiting        []string      `json:"waiting,omitempty"`
}

// Span is a run of a command.
type Span struct {
	Worker    string        `json:"worker"`
	Message   string        `json:"message"`
	Container string        `json:"container"`
	Fence     int64         `json:"fence"`
	From      time.Duration `json:"fromNanoseconds"`
	To        time.Duration `json:"toNanoseconds"` // 0 while it runs
}

// Execution is how a message's execution ended.
type Execution struct {
	Message string        `json:"message"`
	Status  string        `json:"status"`
	Error   string        `json:"error,omitempty"`
	From    time.Duration `json:"fromNanoseconds"`
	To      time.Duration `json:"toNanoseconds"` // 0 while it runs
}

// Matters says whether a reader of the story has to follow the line to understand how a promise was
// broken: a mail arrives, a claim or a job changes other than by a heartbeat, a command begins, a
// fault strikes, or the promise breaks. The calls in between only lead from one such line to the
// next.
func (l Line) Matters() bool {
	beat := slices.ContainsFunc(l.Notes, func(n Note) bool { return n.Step == StepHeartbeat })
	return slices.ContainsFunc(l.Notes, func(n Note) bool {
		switch n.Kind {
		case NoteMail, NoteFault, NoteViolated, NoteOutcome, NoteCommand:
			return true
		case NoteClaim:
			return !beat
		case NoteStep:
			return n.Step == StepChange
		}
		return false
	})
}

// EventsToFollow counts the lines that matter, up to the one where a promise breaks.
func (s *Story) EventsToFollow() int {
	count := 0
	for _, l := range s.Lines {
		if !l.Matters() {
			continue
		}
		count++
		if slices.ContainsFunc(l.Notes, func(n Note) bool { return n.Kind == NoteViolated }) {
			break
		}
	}
	return count
}

// String tells the row in one line.
func (c *ClaimRow) String() string {
	text := fmt.Sprintf("%s %s fence %d", c.Container, c.Thread, c.Fence)
	if len(c.Jobs) == 0 {
		text += ", free"
	} else {
		text += ", jobs " + strings.Join(c.Jobs, " ")
	}
	if c.Worker != "" {
		text += fmt.Sprintf(", %s works on %s until %s", c.Worker, c.WorkerJob, c.LeaseUntil)
	}
	if c.PreemptedBy != "" {
		text += fmt.Sprintf(", asked to yield by %s (%s)", c.PreemptedBy, c.PreemptorsMail)
		if len(c.Waiting) > 0 {
			text += ", waiting " + strings.Join(c.Waiting, " ")
		}
	}
	return text
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
			fmt.Fprintf(out, "%12s  %-24s   · %s\n", "", "", n.Line())
		}
	}
}

// Line tells the note with its kind, if the text alone does not say it.
func (n Note) Line() string {
	switch n.Kind {
	case NoteFault:
		return "FAULT " + n.Fault + ": " + n.Text
	case NoteViolated:
		return "VIOLATED " + n.Invariant + ": " + n.Text
	case NoteStep, NoteError:
		return string(n.Kind) + ": " + n.Text
	}
	return n.Text
}
