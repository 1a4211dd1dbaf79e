package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/world/story"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// The measures of the drawing, in pixels.
const (
	rowHeight = 22
	laneWidth = 64
	margin    = 8
)

// idle is the shortest pause that gets a row of its own, which says how long it is.
const idle = 2 * time.Second

// colours is how many threads the style sheet tells apart.
const colours = 6

// row is a line of the text beside the lanes.
type row struct {
	Kind  string // event, note, gap
	Class string
	Time  string
	Who   string
	Text  string
	Sign  string
}

// lane is a column of the drawing.
type lane struct {
	Name  string
	Group string
	X     int // of its middle
}

// bar is a span of a lane, dot a moment, link a write from an actor's lane to a claim's.
type (
	bar struct {
		X, Y, Width, Height int
		Class, Label, Title string
		LabelX              int
	}
	dot struct {
		X, Y               int
		Class, Sign, Title string
	}
	link struct{ From, To, Y int }
)

// drawing is a run as the page shows it.
type drawing struct {
	run   Run
	lanes []lane
	index map[string]int // of lanes, by group and name
	rows  []row
	at    []placed // the events that have rows

	bars  []bar
	dots  []dot
	links []link

	colour  map[thread]int
	threads map[string]thread // of the mails
	claims  map[job.Key]*holding
}

// thread is a thread of a key, by the story's name for it.
type thread struct {
	key  job.Key
	name string
}

type placed struct {
	at  time.Duration
	row int
}

// holding is a claim's span that is not over yet.
type holding struct {
	row  *story.ClaimRow
	from int
	work int // the row since which a worker holds the lease; -1 for none
}

func draw(run Run, all bool) *drawing {
	d := &drawing{run: run, index: map[string]int{}, colour: map[thread]int{}, threads: map[string]thread{}, claims: map[job.Key]*holding{}}
	d.findLanes()
	last := time.Duration(0)
	for _, l := range run.Result.Story.Lines {
		if !all && !shown(l) {
			continue
		}
		if pause := l.At - last; pause >= idle {
			d.rows = append(d.rows, row{Kind: "gap", Text: screen.Span(pause) + " pass"})
		}
		last = l.At
		d.line(l)
	}
	for _, key := range slices.Sorted(maps.Keys(d.claims)) {
		d.release(key, len(d.rows))
	}
	d.commands()
	d.executions()
	return d
}

// findLanes gives every mail, claim and worker a lane: mails in the order of arrival, then claims,
// then workers.
func (d *drawing) findLanes() {
	var mails, claims, workers []string
	add := func(list *[]string, name string) {
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, l := range d.run.Result.Story.Lines {
		if l.Actor == story.OfWorker {
			add(&workers, machine(l.Who))
		}
		for _, n := range l.Notes {
			switch n.Kind {
			case story.NoteMail:
				add(&mails, n.Message)
				d.threads[n.Message] = thread{n.Key, n.Thread}
			case story.NoteClaim:
				add(&claims, string(n.Key))
			}
		}
	}
	slices.Sort(workers)
	for _, group := range []struct {
		name  string
		lanes []string
	}{{"mail", mails}, {"claim", claims}, {"worker", workers}} {
		for _, name := range group.lanes {
			d.index[group.name+" "+name] = len(d.lanes)
			d.lanes = append(d.lanes, lane{Name: name, Group: group.name, X: margin + laneWidth/2 + laneWidth*len(d.lanes)})
		}
	}
}

// machine is the worker's name without the number of its process.
func machine(who string) string {
	name, _, _ := strings.Cut(who, ".")
	return name
}

// x is the middle of a lane; false if there is none.
func (d *drawing) x(group, name string) (int, bool) {
	at, ok := d.index[group+" "+name]
	if !ok {
		return 0, false
	}
	return d.lanes[at].X, true
}

// line adds an event: its row, those of its notes, and its marks in the lanes.
func (d *drawing) line(l story.Line) {
	d.at = append(d.at, placed{l.At, len(d.rows)})
	at := len(d.rows)
	y := at*rowHeight + rowHeight/2
	who := l.Who
	x, ok := d.x("mail", l.Message)
	switch {
	case l.Actor == story.OfWorker:
		x, ok = d.x("worker", machine(l.Who))
	case l.Actor == story.OfFunction && l.Message != "":
		who = l.Message + " " + l.Who
	}
	d.rows = append(d.rows, row{Kind: "event", Class: string(l.Actor), Time: Clock(l.At), Who: who, Text: l.What})
	mark := dot{X: x, Y: y, Class: string(l.Actor), Title: l.What}
	for _, n := range l.Notes {
		sign, text, _ := tell(n)
		d.rows = append(d.rows, row{Kind: "note", Class: string(n.Kind), Sign: sign, Text: text})
		switch n.Kind {
		case story.NoteMail:
			x, ok = d.x("mail", n.Message)
			mark = dot{X: x, Y: y, Class: "mail", Sign: "✉", Title: n.Text}
		case story.NoteFault:
			beside := dot{X: x + laneWidth/4, Y: y, Class: "fault", Sign: "⚡", Title: n.Fault + ": " + n.Text}
			if !ok { // what has no lane stands before the first
				beside.X = margin
			}
			d.dots = append(d.dots, beside)
		case story.NoteClaim:
			if claimX, known := d.x("claim", string(n.Key)); known {
				if ok {
					d.links = append(d.links, link{x, claimX, y})
				}
				d.dots = append(d.dots, dot{X: claimX, Y: y, Class: "write", Title: n.Text})
			}
			d.claim(n, at)
		case story.NoteOutcome:
			if mailX, known := d.x("mail", n.Message); known {
				d.dots = append(d.dots, dot{X: mailX, Y: len(d.rows)*rowHeight - rowHeight/2, Class: "outcome", Sign: "●", Title: n.Text})
			}
		case story.NoteViolated:
			mark.Class, mark.Sign, mark.Title = "violated", "✘", n.Invariant+": "+n.Text
		}
	}
	if ok {
		d.dots = append(d.dots, mark)
	}
}

// claim follows a claim's row: a new container begins a new span.
func (d *drawing) claim(n story.Note, at int) {
	held := d.claims[n.Key]
	holds := n.Row != nil && len(n.Row.Jobs) > 0
	if held != nil && (!holds || held.row.Container != n.Row.Container) {
		d.release(n.Key, at)
		held = nil
	}
	if !holds {
		return
	}
	if held == nil {
		held = &holding{from: at, work: -1}
		d.claims[n.Key] = held
	}
	if held.work >= 0 && n.Row.Worker != held.row.Worker {
		d.work(n.Key, held, at)
	}
	held.row = n.Row
	if n.Row.Worker != "" && held.work < 0 {
		held.work = at
	}
}

// release ends a claim's span.
func (d *drawing) release(key job.Key, at int) {
	held := d.claims[key]
	delete(d.claims, key)
	d.work(key, held, at)
	x, _ := d.x("claim", string(key))
	y, height := held.from*rowHeight, max(at-held.from, 1)*rowHeight
	label := held.row.Thread
	d.bars = append(d.bars, bar{
		X: x - laneWidth/2 + 6, Y: y, Width: laneWidth - 12, Height: height, Class: "hold " + d.class(thread{key, label}),
		Label: label, LabelX: x, Title: fmt.Sprintf("%s holds %s: %s", label, key, held.row),
	})
}

// work ends the part of a claim's span in which a worker holds the lease.
func (d *drawing) work(key job.Key, held *holding, at int) {
	if held.work < 0 {
		return
	}
	x, _ := d.x("claim", string(key))
	d.bars = append(d.bars, bar{
		X: x - laneWidth/2 + 6, Y: held.work * rowHeight, Width: 6, Height: max(at-held.work, 1) * rowHeight, Class: "lease",
		Title: fmt.Sprintf("%s holds the lease for %s under fence %d", held.row.Worker, held.row.WorkerJob, held.row.Fence),
	})
	held.work = -1
}

// class is the style of a thread.
func (d *drawing) class(t thread) string {
	if _, ok := d.colour[t]; !ok {
		d.colour[t] = len(d.colour) % colours
	}
	return fmt.Sprintf("t%d", d.colour[t])
}

// commands draws the runs of commands on the lanes of the workers.
func (d *drawing) commands() {
	for _, span := range d.run.Result.Story.Spans {
		x, ok := d.x("worker", machine(span.Worker))
		if !ok {
			continue
		}
		from, to := d.begun(span.From), d.y(span.To)
		if span.To == 0 {
			to = len(d.rows) * rowHeight
		}
		d.bars = append(d.bars, bar{
			X: x - laneWidth/2 + 14, Y: from, Width: laneWidth - 28, Height: max(to-from, rowHeight), Class: "command " + d.class(d.threads[span.Message]),
			Label: span.Message, LabelX: x,
			Title: fmt.Sprintf("%s runs the command of %s under fence %d", span.Worker, span.Message, span.Fence),
		})
	}
}

// executions draws the executions on the lanes of the mails.
func (d *drawing) executions() {
	for _, e := range d.run.Result.Story.Executions {
		x, ok := d.x("mail", e.Message)
		if !ok {
			continue
		}
		from, to := d.y(e.From), d.y(e.To)
		if e.To == 0 {
			to = len(d.rows) * rowHeight
		}
		d.bars = append(d.bars, bar{
			X: x - 4, Y: from, Width: 8, Height: max(to-from, rowHeight/2), Class: "execution " + d.class(d.threads[e.Message]),
			Title: strings.TrimSpace(fmt.Sprintf("the execution of %s: %s %s", e.Message, e.Status, e.Error)),
		})
	}
}

// begun is the height of what began at a time: that of the last event not after it.
func (d *drawing) begun(at time.Duration) int {
	y := 0
	for _, p := range d.at {
		if p.at > at {
			break
		}
		y = p.row * rowHeight
	}
	return y
}

// y is the height of a time: that of the first event not before it.
func (d *drawing) y(at time.Duration) int {
	for _, p := range d.at {
		if p.at >= at {
			return p.row * rowHeight
		}
	}
	return len(d.rows) * rowHeight
}
