package timeline

import (
	"bytes"
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"strings"

	"github.com/webordinary/hephaestus/sim/world/fault"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows.
type page struct {
	Title, Command, Verdict, Facts string
	Broken                         bool
	Lanes                          []lane
	Rows                           []row
	Bars                           []bar
	Dots                           []dot
	Links                          []link
	Gaps                           []int // the middles of the rows in which time is squeezed
	Width, Height                  int
	Threads                        []legend
}

// Project and User are a claim's key in two lines; Project is the whole name of any other lane.
func (l lane) Project() string {
	project, _, keyed := strings.Cut(l.Name, "#")
	if keyed {
		project += "#"
	}
	return project
}

func (l lane) User() string {
	_, user, _ := strings.Cut(l.Name, "#")
	return user
}

// legend says which class is which mail's thread.
type legend struct{ Class, Name string }

// Page draws the run as one page that needs nothing else: no network, and no JavaScript to be read.
// all shows every call.
func Page(run Run, all bool) ([]byte, error) {
	d := draw(run, all)
	p := page{
		Title: run.Title, Command: run.Command, Verdict: "Every promise was kept.",
		Facts: fmt.Sprintf("%d events, %s of virtual time, faults: %s", run.Result.Events, Clock(run.Result.Virtual), names(run.Faults)),
		Lanes: d.lanes, Rows: d.rows, Bars: d.bars, Dots: d.dots, Links: d.links,
		Width: 2*margin + laneWidth*len(d.lanes), Height: len(d.rows) * rowHeight,
	}
	if v := run.Result.Violation; v != nil {
		p.Broken, p.Verdict = true, fmt.Sprintf("%s is broken after %s: %s", v.Invariant, Clock(v.At), v.What)
	}
	for i, r := range d.rows {
		if r.Kind == "gap" {
			p.Gaps = append(p.Gaps, i*rowHeight+rowHeight/2)
		}
	}
	for _, l := range d.lanes {
		if t := d.threads[l.Name]; l.Group == "mail" {
			p.Threads = append(p.Threads, legend{Class: d.class(t), Name: l.Name + " " + t.name})
		}
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("draw %s: %w", run.Title, err)
	}
	return b.Bytes(), nil
}

func names(list []string) string {
	switch len(list) {
	case 0:
		return "none"
	case len(fault.All()):
		return "all may strike"
	}
	return strings.Join(list, ", ")
}
