package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/trail"
)

// marked is a job's state, with the sign and the colour of its outcome, or else of running or
// waiting.
func marked(s *screen.Screen, j jobView) screen.Cell {
	sign, style := "◌", screen.Dim
	switch {
	case j.Outcome != "":
		sign, style = trail.Mark(j.Outcome)
	case !j.HeldAt.IsZero():
		sign, style = "⏸", screen.Yellow
	case !j.StartedAt.IsZero():
		sign, style = "▶", screen.Blue
	}
	return screen.Cell{Text: s.Sign(sign) + j.State, Style: style}
}

// shortID is the width of a message id on a terminal: SES's 40 columns would leave none for the
// subject.
const shortID = 9

// ids are message ids as tables show them: on a terminal their beginnings, which --message takes
// too.
func ids(s *screen.Screen, messageIDs ...string) screen.Cell {
	shown := make([]string, len(messageIDs))
	for i, id := range messageIDs {
		shown[i] = screen.Clean(id)
		if s.Terminal() {
			shown[i] = screen.Cut(shown[i], shortID)
		}
	}
	return screen.Text(screen.OrDash(strings.Join(shown, " ")))
}

// showOverview writes the overview for people.
func (q *questions) showOverview(v overview, now time.Time) {
	s := q.out()
	if q.watch {
		s.Clear()
		s.Printf("%s\n\n", now.Format(time.TimeOnly))
	}
	q.showClaims(s, v.Claims, now)
	q.showJobs(s, v, now)
	q.showInterruptions(s, v, now)
	q.showLetters(s, v, now)
}

func title(s *screen.Screen, name string, count int, more bool, none string) bool {
	if count == 0 {
		s.Printf("%s: %s\n", s.Paint(screen.Bold, name), none)
		return false
	}
	plus := ""
	if more {
		plus = "+"
	}
	s.Printf("%s: %d%s\n", s.Paint(screen.Bold, name), count, plus)
	return true
}

func (q *questions) showClaims(s *screen.Screen, claims []claimView, now time.Time) {
	if !title(s, "Keys that are held", len(claims), false, "none; nothing is running") {
		return
	}
	t := screen.Table{Head: []string{"KEY", "CONTAINER", "THREAD", "JOBS", "FENCE", "LEASE", "WORKER", "BUDGET USED", "WAITING TO TAKE OVER"}}
	for _, c := range claims {
		lease := "none"
		if !c.LeaseExpiresAt.IsZero() {
			lease = screen.Span(c.LeaseExpiresAt.Sub(now)) + " left"
			if c.LeaseExpiresAt.Before(now) {
				lease = "ended " + screen.Ago(c.LeaseExpiresAt, now)
			}
		}
		waiting := "-"
		if p := c.Preemptor; p != nil {
			waiting = fmt.Sprintf("%s of %s, asked %s", ids(s, p.Waiting...).Text, p.ThreadID, screen.Ago(p.RequestedAt, now))
		}
		t.Rows = append(t.Rows, []screen.Cell{
			screen.Text(string(c.Key)), screen.Text(screen.Container(c.ContainerID)), screen.Text(c.ThreadID), ids(s, c.Jobs...),
			screen.Text(screen.Fence(c.Fence)), screen.Text(lease), screen.Text(screen.OrDash(c.WorkerID)),
			screen.Text(budgetUsed(c)), screen.Text(waiting),
		})
	}
	s.Table(t)
}

// budgetUsed is how much of the key's interruption budget is used up.
func budgetUsed(c claimView) string { return fmt.Sprintf("%d %%", c.BudgetUsedPercent) }

func (q *questions) showJobs(s *screen.Screen, v overview, now time.Time) {
	s.Printf("\n")
	if !title(s, "Jobs", len(v.Jobs), v.More.Jobs, "none yet; `heph send mail.eml"+q.flags+"` sends a mail") {
		return
	}
	t := screen.Table{Head: []string{"RECEIVED", "KEY", "STATE", "TOOK", "MESSAGE", "SUBJECT"}}
	for _, j := range v.Jobs {
		took := "-"
		if !j.StartedAt.IsZero() && !j.OutcomeAt.IsZero() {
			took = screen.Span(j.OutcomeAt.Sub(j.StartedAt))
		}
		t.Rows = append(t.Rows, []screen.Cell{
			{Text: screen.Ago(j.ReceivedAt, now), Style: screen.Dim}, screen.Text(screen.OrDash(string(j.Key))), marked(s, j),
			screen.Text(took), ids(s, j.MessageID), screen.Text(screen.Clean(j.Subject)),
		})
	}
	s.Table(t)
}

func (q *questions) showInterruptions(s *screen.Screen, v overview, now time.Time) {
	s.Printf("\n")
	if !title(s, "Interruptions on record", len(v.Interruptions), v.More.Interruptions, "none") {
		return
	}
	t := screen.Table{Head: []string{"WHEN", "KEY", "REASON", "MESSAGE", "BY", "PARTIAL WORK"}}
	for _, r := range v.Interruptions {
		t.Rows = append(t.Rows, []screen.Cell{
			{Text: screen.Ago(r.Timestamp, now), Style: screen.Dim}, screen.Text(string(r.Key)), screen.Text(string(r.Reason)),
			ids(s, r.MessageID), ids(s, r.NewMessageID), screen.Text(screen.OrDash(screen.Clean(r.PartialWork))),
		})
	}
	s.Table(t)
}

func (q *questions) showLetters(s *screen.Screen, v overview, now time.Time) {
	s.Printf("\n")
	if !title(s, "Dead letters", len(v.DeadLetters), v.More.DeadLetters, "none; nobody has to look at anything") {
		return
	}
	t := screen.Table{Head: []string{"WHEN", "KEY", "KIND", "MESSAGE", "WHAT"}}
	for _, l := range v.DeadLetters {
		what := l.What
		if l.Kind == "" {
			what = l.Body
		}
		if l.Dismissed != nil {
			what = fmt.Sprintf("dismissed by %s: %s", l.Dismissed.By, l.Dismissed.Because)
		}
		t.Rows = append(t.Rows, []screen.Cell{
			{Text: screen.Ago(l.At, now), Style: screen.Dim}, screen.Text(screen.OrDash(string(l.Key))), {Text: screen.OrDash(l.Kind), Style: screen.Red},
			ids(s, l.MessageID), screen.Text(screen.Clean(what)),
		})
	}
	s.Table(t)
	s.Printf("%s\n", s.Paint(screen.Dim, "`heph again MESSAGE"+q.flags+"` does a mail again; `heph dismiss MESSAGE --because …"+q.flags+"` closes its letter."))
}

// showMessage writes everything about one message for people.
func (q *questions) showMessage(m messageView, now time.Time) {
	s := q.out()
	if q.watch {
		s.Clear()
	}
	line := func(name, value string) {
		if value != "" {
			s.Printf("%s %s\n", s.Paint(screen.Bold, screen.Pad(name, 13)), value)
		}
	}
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return fmt.Sprintf("%s (%s)", screen.Ago(t, now), t.Local().Format(time.RFC3339))
	}
	state := marked(s, m.Job)
	line("Message", screen.Clean(m.Job.MessageID))
	line("From", screen.Clean(m.Job.From))
	line("Subject", screen.Clean(m.Job.Subject))
	line("State", s.Paint(state.Style, state.Text))
	line("Key", string(m.Job.Key))
	line("Thread", m.Job.ThreadID)
	line("Container", m.Job.ContainerID)
	line("Received", when(m.Job.ReceivedAt))
	line("Held", when(m.Job.HeldAt))
	line("Released", when(m.Job.ReleasedAt))
	line("Started", when(m.Job.StartedAt))
	line("Ended", when(m.Job.OutcomeAt))
	line("Duplicate of", m.Job.DuplicateOf)
	line("Again of", m.Job.AgainOf)
	line("Again", m.Job.Again)
	if gone := m.Job.Dismissed; gone != nil {
		line("Dismissed", fmt.Sprintf("%s by %s", when(gone.At), screen.Clean(gone.By)))
		line("Because", screen.Clean(gone.Because))
	}
	for i, result := range strings.Split(strings.TrimSpace(m.Job.Result), "\n") {
		name := "Result"
		if i > 0 {
			name = ""
		}
		line(name, screen.Clean(result))
	}
	if c := m.Claim; c != nil {
		line("Claim", fmt.Sprintf("%s, fence %d, jobs %s", c.ContainerID, c.Fence, strings.Join(c.Jobs, " ")))
		line("Worker", c.WorkerID)
		line("Lease ends", when(c.LeaseExpiresAt))
		line("Budget used", budgetUsed(*c))
		if p := c.Preemptor; p != nil {
			line("Preemptor", fmt.Sprintf("%s, with %s", p.ThreadID, strings.Join(p.Waiting, " ")))
		}
	}
	if r := m.Interruption; r != nil {
		line("Interruption", fmt.Sprintf("%s, %s", r.Reason, when(r.Timestamp)))
		line("By", strings.TrimSpace(r.NewMessageID+" "+r.NewThreadID))
		line("Partial work", screen.Clean(r.PartialWork))
	}
	for _, l := range m.DeadLetters {
		line("Dead letter", screen.Clean(l.What))
		for _, command := range l.LookInto {
			line("", command)
		}
	}
	if !m.Job.HeldAt.IsZero() {
		line("To do", "`heph release "+m.Job.MessageID+q.flags+"` lets it begin")
	}
	if e := m.Execution; e != nil {
		line("Execution", fmt.Sprintf("%s, %s", e.Status, e.ARN))
	}
}
