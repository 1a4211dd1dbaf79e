package world

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/model"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/sim/world/story"
)

// recorder puts what happens in a world into its story, if one is kept.
type recorder struct {
	story    *story.Story
	keep     bool
	early    []story.Note      // made before the first line
	threads  map[string]string // the scenario's names for them, by their ids
	messages []scenario.Message
}

func newRecorder(keep bool, messages []scenario.Message) *recorder {
	return &recorder{story: &story.Story{}, keep: keep, threads: map[string]string{}, messages: messages}
}

// tell adds a line; message is the one that it is about, if that is known.
func (r *recorder) tell(now time.Time, kind story.Actor, who, message, what string) {
	if !r.keep {
		return
	}
	l := story.Line{At: now.Sub(scenario.Epoch), Actor: kind, Who: who, Message: message, What: what, Notes: r.early}
	r.early = nil
	r.story.Lines = append(r.story.Lines, l)
}

// drop removes the last line: nothing happened.
func (r *recorder) drop() {
	if lines := r.story.Lines; r.keep && len(lines) > 0 {
		r.story.Lines = lines[:len(lines)-1]
	}
}

// enters adds to the last line, which tells of delivery d, the state that an execution enters by
// it, if one does.
func (r *recorder) enters(d cloud.Delivery) {
	if !r.keep || d.Kind != cloud.Task {
		return
	}
	l := &r.story.Lines[len(r.story.Lines)-1]
	name := awsx.ExecutionName(d.Task.ExecutionArn)
	l.State, l.Message = d.Task.State, name[:strings.LastIndexByte(name, '-')] // see job.ExecutionName
	l.What = fmt.Sprintf("the execution of %s enters %s and calls %s", l.Message, l.State, strings.TrimPrefix(d.Task.Resource, "arn:aws:states:::"))
}

// about finds the message that an invocation is for: that of the delivery under way, else the only
// one that its payload names.
func (r *recorder) about(payload []byte) string {
	if !r.keep {
		return ""
	}
	if n := len(r.story.Lines); n > 0 && r.story.Lines[n-1].Message != "" {
		return r.story.Lines[n-1].Message
	}
	about := ""
	for _, m := range r.messages {
		if bytes.Contains(payload, []byte(`"`+m.ObjectKey()+`"`)) || bytes.Contains(payload, []byte(":"+m.ID+`"`)) {
			if about != "" {
				return ""
			}
			about = m.ID
		}
	}
	return about
}

// note adds to the last line.
func (r *recorder) note(n story.Note) {
	switch {
	case !r.keep:
	case len(r.story.Lines) == 0:
		r.early = append(r.early, n)
	default:
		last := &r.story.Lines[len(r.story.Lines)-1]
		last.Notes = append(last.Notes, n)
	}
}

func (r *recorder) remark(text string) { r.note(story.Note{Kind: story.NoteRemark, Text: text}) }

// fault tells what a fault does here.
func (r *recorder) fault(f fault.Kind, text string) {
	r.note(story.Note{Kind: story.NoteFault, Fault: f.String(), Text: text})
}

// refused tells that AWS refuses the call under way.
func (r *recorder) refused(text string) { r.note(story.Note{Kind: story.NoteError, Text: text}) }

// violated tells which promise is broken here.
func (r *recorder) violated(v oracle.Violation) {
	r.note(story.Note{Kind: story.NoteViolated, Invariant: v.Invariant, Text: v.What})
}

func (r *recorder) mail(mail scenario.Mail) {
	for _, m := range mail.Messages() {
		r.note(story.Note{
			Kind: story.NoteMail, Key: m.Key, Message: m.ID, Thread: threadName(mail),
			Text: fmt.Sprintf("%s: %s of %s, received at %v", m.ID, threadName(mail), m.Key, m.Received),
		})
	}
}

func threadName(m scenario.Mail) string { return fmt.Sprintf("thread %d", m.Thread) }

// record tells that an interruption is put on record.
func (r *recorder) record(messageID string, reason job.Reason) {
	r.note(story.Note{Kind: story.NoteRecord, Message: messageID, Text: "on record: " + messageID + " " + string(reason)})
}

// outcome tells how a message ends.
func (r *recorder) outcome(j *claim.Job) {
	r.note(story.Note{Kind: story.NoteOutcome, Message: j.MessageID, Text: j.MessageID + " ends: " + string(j.Outcome)})
}

// step tells which step of the model a write is.
func (r *recorder) step(step model.Step) {
	if !r.keep {
		return
	}
	n := story.Note{Kind: story.NoteStep, Step: story.StepChange, Text: step.String()}
	switch step.(type) {
	case model.Nothing:
		n.Step = story.StepNothing
	case model.Heartbeat:
		n.Step = story.StepHeartbeat
	}
	r.note(n)
}

// claim tells what a claim row becomes.
func (r *recorder) claim(key job.Key, row *claim.Row) {
	if !r.keep {
		return
	}
	n := story.Note{Kind: story.NoteClaim, Key: key, Text: fmt.Sprintf("claim %s: deleted", key)}
	if row != nil {
		n.Row = r.snapshot(row)
		n.Text = fmt.Sprintf("claim %s: %s", key, n.Row)
	}
	r.note(n)
}

func (r *recorder) snapshot(row *claim.Row) *story.ClaimRow {
	c := &story.ClaimRow{
		Container: row.ContainerID, Thread: r.thread(row.ThreadID), Jobs: slices.Clone(row.Jobs), Fence: row.Fence,
		Worker: row.WorkerID, WorkerJob: row.WorkerJob,
	}
	if row.WorkerID != "" {
		c.LeaseUntil = job.Time(row.LeaseExpiresAtMillis).Sub(scenario.Epoch)
	}
	if p := row.Preemptor; p != nil {
		c.PreemptedBy, c.PreemptorsMail = r.thread(p.ThreadID), p.NewestMessageID
		for id := range p.Waiting {
			c.Waiting = append(c.Waiting, id)
		}
		slices.Sort(c.Waiting)
	}
	return c
}

// learn remembers the scenario's name for the job's thread.
func (r *recorder) learn(j *claim.Job) {
	if !r.keep {
		return
	}
	for _, m := range r.messages {
		if m.ID == j.MessageID && j.ThreadID != "" {
			r.threads[j.ThreadID] = threadName(m.Mail)
		}
	}
}

func (r *recorder) thread(id string) string {
	if name, ok := r.threads[id]; ok {
		return name
	}
	return id
}

// begins tells that a worker's command begins for a message.
func (r *recorder) begins(now time.Time, workerName, messageID, containerID string, fence int64) {
	if !r.keep {
		return
	}
	r.note(story.Note{Kind: story.NoteCommand, Message: messageID, Text: fmt.Sprintf("under fence %d", fence)})
	r.story.Spans = append(r.story.Spans, story.Span{
		Worker: workerName, Message: messageID, Container: containerID, Fence: fence, From: now.Sub(scenario.Epoch),
	})
}

// ends tells that a worker's command under a fence is over.
func (r *recorder) ends(now time.Time, workerName string, fence int64) {
	for i, span := range r.story.Spans {
		if span.Worker == workerName && span.Fence == fence {
			r.story.Spans[i].To = now.Sub(scenario.Epoch)
		}
	}
}

// executions tells how the executions ended.
func (r *recorder) executions(all []sfncore.Execution) {
	if !r.keep {
		return
	}
	for _, x := range all {
		e := story.Execution{Message: messageOf(x), Status: string(x.Status), Error: x.Error, From: x.StartDate.Sub(scenario.Epoch)}
		if !x.StopDate.IsZero() {
			e.To = x.StopDate.Sub(scenario.Epoch)
		}
		r.story.Executions = append(r.story.Executions, e)
	}
}
