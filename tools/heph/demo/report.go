package demo

import (
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/trail"
)

// Report writes how the run ended: tables of the messages, the interruptions and the dead letters,
// and the checks that do not hold; if verbose, also those that hold. It says whether all of them
// hold.
func (d *Demo) Report(f Facts) bool {
	d.watch.hush()
	s := d.screen
	s.Printf("\n%s\n", s.Paint(screen.Bold, "What became of each mail"))
	t := screen.Table{Head: []string{"MESSAGE", "KEY", "THREAD", "OUTCOME", "CONTAINER", "TOOK"}}
	for _, r := range cast() {
		j := f.Jobs[r.messageID]
		took := "-"
		if j.StartedAtMillis > 0 && j.OutcomeAtMillis > 0 {
			took = screen.Span(time.Duration(j.OutcomeAtMillis-j.StartedAtMillis) * time.Millisecond)
		}
		t.Rows = append(t.Rows, []screen.Cell{
			screen.Text(r.messageID), screen.Text(string(r.key)), screen.Text(screen.OrDash(j.ThreadID)), outcomeCell(s, j.Outcome), screen.Text(screen.Container(j.ContainerID)), screen.Text(took),
		})
	}
	s.Table(t)

	s.Printf("\n%s\n", s.Paint(screen.Bold, "Interruptions on record"))
	t = screen.Table{Head: []string{"MESSAGE", "REASON", "BY", "PARTIAL WORK"}}
	for _, r := range f.Records {
		t.Rows = append(t.Rows, []screen.Cell{screen.Text(r.MessageID), screen.Text(string(r.Reason)), screen.Text(screen.OrDash(r.NewMessageID)), screen.Text(screen.OrDash(screen.Clean(r.PartialWork)))})
	}
	s.Table(t)

	s.Printf("\n%s\n", s.Paint(screen.Bold, "On the dead letter queue"))
	t = screen.Table{Head: []string{"MESSAGE", "KIND", "WHAT"}}
	for _, l := range f.Letters {
		t.Rows = append(t.Rows, []screen.Cell{screen.Text(l.MessageID), {Text: l.Kind, Style: screen.Red}, screen.Text(screen.Clean(l.What))})
	}
	s.Table(t)
	return d.reportChecks(Check(f))
}

func (d *Demo) reportChecks(all []Finding) bool {
	s := d.screen
	bad := Failed(all)
	s.Printf("\n")
	for _, c := range all {
		switch {
		case c.Wrong != "":
			s.Printf("%s: %s\n", s.Paint(screen.Red, s.Sign("✘")+"wrong"), c.What)
			s.Printf("    %s\n", screen.Clean(c.Wrong))
		case d.verbose:
			s.Printf("%s %s\n", s.Paint(screen.Green, s.Sign("✔")+"holds:"), c.What)
		}
	}
	if len(bad) > 0 {
		s.Printf("%s %d of %d checks do not hold.\n", s.Paint(screen.Red, s.Sign("✘")+"The demonstration failed:"), len(bad), len(all))
		return false
	}
	s.Printf("%s in %s, read back from the tables, the queue, the executions and the files.\n",
		s.Paint(screen.Green, s.Sign("✔")+"All checks hold"), screen.Span(time.Since(d.begun)))
	return true
}

func outcomeCell(s *screen.Screen, o job.Outcome) screen.Cell {
	if o == "" {
		return screen.Cell{Text: s.Sign("?") + "none yet", Style: screen.Red}
	}
	sign, style := trail.Mark(o)
	return screen.Cell{Text: s.Sign(sign) + string(o), Style: style}
}
