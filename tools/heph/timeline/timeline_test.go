package timeline_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/timeline"
)

var rewrite = flag.Bool("rewrite", false, "write the golden stories anew")

// preempted is two mails of two threads, close together, and no choice but the well-behaved one.
func preempted() choose.Chooser {
	return &choose.Streams{Picks: map[string][]int{"scenario.thread": {1}, "scenario.takes": {2}, "scenario.gap": {2, 3}}}
}

func tell(t *testing.T, run timeline.Run, all bool) string {
	t.Helper()
	var out bytes.Buffer
	s := screen.New(&out, screen.Never, func(string) string { return "" })
	timeline.Story(s, run, all)
	if run.Result.Violation != nil {
		timeline.Verdict(s, run)
	}
	return out.String()
}

func calm() timeline.Run {
	return timeline.Run{Title: "two mails", Command: "heph sim --seed 0", Result: campaign.Setup{}.Run(preempted(), true)}
}

// broken is a run with clocks that are further apart than the protocol allows.
func broken(t *testing.T) timeline.Run {
	t.Helper()
	setup := campaign.Setup{Faults: map[fault.Kind]bool{fault.ClockOffset: true}, Draw: func(c choose.Chooser) scenario.Scenario {
		s := scenario.Draw(c)
		s.ClockError = 10 * time.Minute
		return s
	}}
	result := setup.Run(&choose.Streams{Picks: map[string][]int{
		"scenario.thread": {1}, "swarm.clock-offset": {1}, "fault.clock-offset.worker-1": {choose.Last},
	}}, true)
	if result.Violation == nil {
		t.Fatal("a clock that is off by ten minutes broke nothing")
	}
	return timeline.Run{Title: "a clock", Command: "heph sim --tape clock.json", Faults: setup.FaultNames(), Result: result}
}

func TestAPreemptionIsTold(t *testing.T) {
	got := tell(t, calm(), false)
	path := filepath.Join("testdata", "preemption.txt")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the story is now\n%s\nIf it should be: go test ./tools/heph/timeline -rewrite", got)
	}
}

func TestABrokenPromiseIsToldWhereItBreaks(t *testing.T) {
	run := broken(t)
	story := tell(t, run, false)
	for _, want := range []string{"fault clock-offset: the clock of worker-1.1 is -10m0s off", "S1 IS BROKEN: ", "See it again: heph sim --tape clock.json"} {
		if !strings.Contains(story, want) {
			t.Errorf("no %q in\n%s", want, story)
		}
	}
	if strings.Contains(story, "GetItem") || !strings.Contains(tell(t, run, true), "GetItem") {
		t.Error("a read is told where all is told, and only there")
	}
}

func TestThePageHasALaneForEachAndNeedsNothingElse(t *testing.T) {
	page, err := timeline.Page(broken(t), false)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, want := range []string{
		"<small>mail</small>m1", "<small>mail</small>m2", "<small>claim</small>amelia#<br>scott", "<small>worker</small>worker-1",
		`class="hold t`, `class="command t`, `class="execution t`, `class="lease"`, "⚡", "✘", "S1 is broken after", "heph sim --tape clock.json",
		"prefers-color-scheme: dark",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	for _, outside := range []string{"http:", "https:", "src=", "url(", "@import"} {
		if strings.Contains(text, outside) {
			t.Errorf("the page asks for something from outside: %q", outside)
		}
	}
	if file := os.Getenv("PAGE"); file != "" {
		_ = os.WriteFile(file, page, 0o644)
	}
}

func TestNoDrawingGoesByTheTextOfANote(t *testing.T) {
	run := calm()
	before := draw(t, run)
	for _, l := range run.Result.Story.Lines {
		for i := range l.Notes {
			l.Notes[i].Text = "said in other words"
		}
	}
	if after := draw(t, run); after != before {
		t.Errorf("once the notes are reworded, the page draws\n%s\nand not\n%s", after, before)
	}
}

// draw is the run's page without what is written on it.
func draw(t *testing.T, run timeline.Run) string {
	t.Helper()
	page, err := timeline.Page(run, false)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`>[^<]*<|title="[^"]*"`).ReplaceAllString(string(page), "><")
}

func TestThePageSqueezesIdleTime(t *testing.T) {
	run := calm()
	page, err := timeline.Page(run, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), " pass</div>") || !strings.Contains(string(page), "Every promise was kept.") {
		t.Error("no mark where time is squeezed")
	}
}

func TestWhatCameFromOutsideIsNoMarkup(t *testing.T) {
	run := calm()
	run.Title = `<script>alert("x")</script>`
	page, err := timeline.Page(run, true)
	if err != nil || strings.Contains(string(page), run.Title) {
		t.Errorf("the title is markup: %v", err)
	}
}

func TestTheClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00:00.000", 90*time.Minute + 1500*time.Microsecond: "1:30:00.001", -61 * time.Second: "-0:01:01.000",
	} {
		if got := timeline.Clock(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
