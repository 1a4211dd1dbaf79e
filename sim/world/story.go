package world

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/model"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

// Story is what happened, for people: a line an event, and beside them what lasts. Its JSON names are stable.
type Story struct {
	keep       bool
	Lines      []Line            `json:"lines"`
	Spans      []Span            `json:"spans"`      // of commands
	Executions []Execution       `json:"executions"` // filled at the end of the run
	early      []Note            // from before the first line
	threads    map[string]string // their ids as the scenario calls them
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
	Who     string        `json:"who"`               // one of the actor's kind
	Message string        `json:"message,omitempty"` // that it is for, where that is known
	State   string        `json:"state,omitempty"`   // that the message's execution is in, where the event says so
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

// Step says of a step of the model what a reader of the story asks of it.
type Step string

// The steps that nobody has to follow, and all others.
const (
	StepNothing   Step = "nothing" // what is written stood there already
	StepHeartbeat Step = "heartbeat"
	StepChange    Step = "change"
)

// Note is something that an event did, or that befell it. Text is for people: nothing reads it.
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
// broken: a mail arrives, a claim or a job changes other than by a heartbeat, a command begins, a fault
// strikes, or the promise breaks. The calls in between only lead from one such line to the next.
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

func (s *Story) tell(now time.Time, a *actor, who, what string) {
	if !s.keep {
		return
	}
	l := Line{At: now.Sub(Epoch), Actor: OfWorld, Who: who, What: what}
	switch {
	case a != nil && a.kind == workerKind:
		l.Actor = OfWorker
	case a != nil:
		l.Actor, l.Message = OfFunction, a.about
	case who == ofTime:
		l.Actor = OfTime
	}
	l.Notes, s.early = s.early, nil
	s.Lines = append(s.Lines, l)
}

// enters tells of the last line, a delivery, which state an execution enters by it, if one does.
func (s *Story) enters(d cloud.Delivery) {
	if !s.keep || d.Kind != cloud.Task {
		return
	}
	l := &s.Lines[len(s.Lines)-1]
	l.State, l.Message = d.Task.State, d.Task.ExecutionArn[strings.LastIndexByte(d.Task.ExecutionArn, ':')+1:]
	l.What = fmt.Sprintf("the execution of %s enters %s and calls %s", l.Message, l.State, strings.TrimPrefix(d.Task.Resource, "arn:aws:states:::"))
}

// about finds the message that an invocation is for: that of the delivery under way, else the only one that
// its payload names.
func (s *Story) about(payload []byte, mails []Mail) string {
	if !s.keep {
		return ""
	}
	if len(s.Lines) > 0 && s.Lines[len(s.Lines)-1].Message != "" {
		return s.Lines[len(s.Lines)-1].Message
	}
	about := ""
	for _, m := range mails {
		if bytes.Contains(payload, []byte("/"+m.ID+`"`)) || bytes.Contains(payload, []byte(":"+m.ID+`"`)) {
			if about != "" {
				return ""
			}
			about = m.ID
		}
	}
	return about
}

// note adds to the last line.
func (s *Story) note(n Note) {
	switch {
	case !s.keep:
	case len(s.Lines) == 0:
		s.early = append(s.early, n)
	default:
		last := &s.Lines[len(s.Lines)-1]
		last.Notes = append(last.Notes, n)
	}
}

func (s *Story) remark(text string) { s.note(Note{Kind: NoteRemark, Text: text}) }

// fault tells what a fault does here.
func (s *Story) fault(f Fault, text string) {
	s.note(Note{Kind: NoteFault, Fault: f.String(), Text: text})
}

// drop takes the last line back: nothing happened.
func (s *Story) drop() {
	if s.keep && len(s.Lines) > 0 {
		s.Lines = s.Lines[:len(s.Lines)-1]
	}
}

func (s *Story) mail(m Mail) {
	s.note(Note{
		Kind: NoteMail, Key: m.Key, Message: m.ID, Thread: m.threadName(),
		Text: fmt.Sprintf("%s: %s of %s, received at %v", m.ID, m.threadName(), m.Key, m.Received),
	})
}

func (m Mail) threadName() string { return fmt.Sprintf("thread %d", m.Thread) }

// step tells which step of the model a write is.
func (s *Story) step(step model.Step) {
	n := Note{Kind: NoteStep, Step: StepChange, Text: step.String()}
	switch step.(type) {
	case model.Nothing:
		n.Step = StepNothing
	case model.Heartbeat:
		n.Step = StepHeartbeat
	}
	s.note(n)
}

// claim tells how a claim row becomes.
func (s *Story) claim(key job.Key, r *claim.Row) {
	if !s.keep {
		return
	}
	n := Note{Kind: NoteClaim, Key: key, Text: fmt.Sprintf("claim %s: deleted", key)}
	if r != nil {
		n.Row = s.snapshot(r)
		n.Text = fmt.Sprintf("claim %s: %s", key, n.Row)
	}
	s.note(n)
}

func (s *Story) snapshot(r *claim.Row) *ClaimRow {
	c := &ClaimRow{
		Container: r.ContainerID, Thread: s.thread(r.ThreadID), Jobs: slices.Clone(r.Jobs), Fence: r.Fence,
		Worker: r.WorkerID, WorkerJob: r.WorkerJob,
	}
	if r.WorkerID != "" {
		c.LeaseUntil = job.Time(r.LeaseExpiresAtMillis).Sub(Epoch)
	}
	if p := r.Preemptor; p != nil {
		c.PreemptedBy, c.PreemptorsMail = s.thread(p.ThreadID), p.NewestMessageID
		for id := range p.Waiting {
			c.Waiting = append(c.Waiting, id)
		}
		slices.Sort(c.Waiting)
	}
	return c
}

// knows learns how a thread is called, when the job of one of its mails is written.
func (s *Story) knows(j *claim.Job, mails []Mail) {
	if !s.keep {
		return
	}
	for _, m := range mails {
		if m.ID == j.MessageID {
			if s.threads == nil {
				s.threads = map[string]string{}
			}
			s.threads[j.ThreadID] = m.threadName()
		}
	}
}

func (s *Story) thread(id string) string {
	if name, ok := s.threads[id]; ok {
		return name
	}
	return id
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

func (s *Story) begin(now time.Time, of *session) {
	if !s.keep {
		return
	}
	s.note(Note{Kind: NoteCommand, Message: of.task.Work.Message.MessageID, Text: fmt.Sprintf("under fence %d", of.task.Fence)})
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

// executions notes how the executions ended.
func (s *Story) executions(all []sfncore.Execution) {
	for _, x := range all {
		e := Execution{Message: x.Name, Status: string(x.Status), Error: x.Error, From: x.StartDate.Sub(Epoch)}
		if !x.StopDate.IsZero() {
			e.To = x.StopDate.Sub(Epoch)
		}
		s.Executions = append(s.Executions, e)
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
			fmt.Fprintf(out, "%12s  %-24s   · %s\n", "", "", n.Line())
		}
	}
}

// Line tells the note with its kind, where the text alone does not say it.
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
