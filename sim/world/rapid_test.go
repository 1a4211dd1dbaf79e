package world_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/intake"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// drawn is a whole scenario: what comes from outside, and the few choices that are not the
// well-behaved ones. It is small, so that rapid can make it smaller.
type drawn struct {
	scenario scenario.Scenario
	strikes  []strike
	choices  *choose.Streams
}

// strike is one fault: at which of its chances it befalls a group of actors, and how hard.
type strike struct {
	Fault fault.Kind
	Group string
	At    int
	Hard  int // of 1000
}

// GoString is how rapid logs what it draws.
func (s strike) GoString() string {
	return fmt.Sprintf("%s befalls %s, time %d, hard %d", s.Fault, s.Group, s.At, s.Hard)
}

func (d drawn) size() int { return len(d.scenario.Mails) + len(d.strikes) }

func (d drawn) String() string {
	text := fmt.Sprintf("%d workers", d.scenario.Workers)
	for _, m := range d.scenario.Mails {
		text += fmt.Sprintf("\n\tmail %s of thread %d at %v, received at %v, its command %+v", m.ID, m.Thread, m.At, m.Received, m.Command)
	}
	for _, s := range d.strikes {
		text += "\n\t" + s.GoString()
	}
	return text
}

var groups = []string{
	"worker-1", "worker-2", "rate-limited-claim", "send-interrupt", "check-active-job", "record-interruption", "handle-timeout",
	"intake", "core", "delivery", "return", "execution", "command",
}

// howHard are the labels of the choices that say how hard a fault strikes, before the group's name.
var howHard = map[fault.Kind]string{
	fault.Freeze: "delay.freeze.", fault.LateRequest: "delay.late.", fault.SlowHeartbeat: "delay.heartbeat.", fault.ClockOffset: "clock.offset.",
	fault.ClockStep: "clock.step.",
}

// drawScenario draws a scenario by rapid; clocks are off by at most clockError, 0 for what the
// protocol allows.
func drawScenario(t *rapid.T, clockError time.Duration) drawn {
	d := drawn{choices: &choose.Streams{Picks: map[string][]int{}}}
	s := scenario.Scenario{
		Workers: rapid.IntRange(1, 2).Draw(t, "workers"), Claim: claim.DefaultSettings(), Worker: worker.DefaultSettings(),
		Horizon: time.Hour, ClockError: clockError,
	}
	s.Flow = job.Settings{JobTimeoutSeconds: job.DefaultJobTimeoutSeconds, InterruptWaitSeconds: intake.InterruptWaitSeconds(s.Claim)}
	seconds := func(most int, label string) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Second
	}
	at := time.Duration(0)
	for n := range rapid.IntRange(1, 4).Draw(t, "mails") {
		at += seconds(200, "gap")
		s.Mails = append(s.Mails, scenario.Mail{
			ID: fmt.Sprintf("m%d", n+1), Keys: []job.Key{"amelia#scott"}, Thread: rapid.IntRange(1, 3).Draw(t, "thread"),
			At: at, Received: at - seconds(10, "late"),
			Command: scenario.Command{Takes: time.Second + seconds(300, "takes"), Saves: time.Second, Ignores: rapid.Bool().Draw(t, "ignores")},
		})
	}
	d.strikes = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) strike {
		return strike{
			Fault: rapid.SampledFrom(fault.All()).Draw(t, "fault"), Group: rapid.SampledFrom(groups).Draw(t, "group"),
			At: rapid.IntRange(0, 12).Draw(t, "time"), Hard: rapid.IntRange(0, 1000).Draw(t, "hard"),
		}
	}), 0, 8).Draw(t, "strikes")
	for _, strike := range d.strikes {
		d.set("fault."+strike.Fault.String()+"."+strike.Group, strike.At, choose.Last)
		if label := howHard[strike.Fault]; label != "" {
			d.set(label+strike.Group, 0, strike.Hard)
		}
	}
	d.choices.Set(choose.Schedule, rapid.SliceOfN(rapid.IntRange(0, 3), 0, 12).Draw(t, "schedule"))
	d.scenario = s
	return d
}

// set puts a choice into a label's list.
func (d drawn) set(label string, at, pick int) {
	list := d.choices.Picks[label]
	for len(list) <= at {
		list = append(list, 0)
	}
	list[at] = pick
	d.choices.Set(label, list)
}

func (d drawn) run(story bool) world.Result {
	faults := map[fault.Kind]bool{}
	for _, s := range d.strikes {
		faults[s.Fault] = true
	}
	return world.Run(d.scenario, d.choices.Clone(), world.Options{Faults: faults, Fixed: true, Story: story})
}

// judge has a line of its own for each promise, so that rapid does not take one for another when it
// makes a scenario smaller.
func judge(t *rapid.T, d drawn, v *oracle.Violation) {
	switch v.Invariant {
	case "S1":
		t.Fatalf("S1: %s\n%s", v.What, d)
	case "S2":
		t.Fatalf("S2: %s\n%s", v.What, d)
	case "S3":
		t.Fatalf("S3: %s\n%s", v.What, d)
	case "S5":
		t.Fatalf("S5: %s\n%s", v.What, d)
	case "S6":
		t.Fatalf("S6: %s\n%s", v.What, d)
	case "S7":
		t.Fatalf("S7: %s\n%s", v.What, d)
	case "L1":
		t.Fatalf("L1: %s\n%s", v.What, d)
	case "L2":
		t.Fatalf("L2: %s\n%s", v.What, d)
	case "L3":
		t.Fatalf("L3: %s\n%s", v.What, d)
	case "refinement":
		t.Fatalf("refinement: %s\n%s", v.What, d)
	}
	t.Fatalf("%s: %s\n%s", v.Invariant, v.What, d)
}

// Near its deadline rapid stops early and says that all is well, so the test counts the checks.
func TestDrawnScenariosHold(t *testing.T) {
	checks, struck := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		d := drawScenario(t, 0)
		result := d.run(false)
		if result.Violation != nil {
			judge(t, d, result.Violation)
		}
		checks++
		if len(result.Struck) > 0 {
			struck++
		}
	})
	want := 100
	if testing.Short() {
		want = 20
	}
	if checks < want || struck < checks/10 {
		t.Errorf("%d scenarios, faults struck in %d of them: want %d and a tenth", checks, struck, want)
	}
}

// silent is the part of a testing.TB that rapid needs, for a property that must fail.
type silent struct {
	rapid.TB
	failed bool
}

func (s *silent) Helper()               {}
func (s *silent) Name() string          { return "planted" }
func (s *silent) Logf(string, ...any)   {}
func (s *silent) Log(...any)            {}
func (s *silent) Errorf(string, ...any) { s.failed = true }
func (s *silent) Fatalf(string, ...any) { s.failed = true }
func (s *silent) FailNow()              { s.failed = true }
func (s *silent) Fail()                 { s.failed = true }
func (s *silent) Failed() bool          { return s.failed }

// set sets a flag of rapid's for one test.
func set(t *testing.T, name, value string) {
	t.Helper()
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, before) })
}

// Clocks that differ by more than the protocol allows break it. With this seed, what rapid finds
// first has more than twice the mails and faults that are needed to show it.
func TestAPlantedBugIsFoundAndMadeSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while to make a scenario small")
	}
	var found, smallest drawn
	var violated oracle.Violation
	planted := &silent{}
	set(t, "rapid.checks", "5000")
	set(t, "rapid.seed", "6")
	set(t, "rapid.nofailfile", "true") // it is to be found anew each time, not remembered
	set(t, "rapid.shrinktime", "1s")
	rapid.Check(planted, func(t *rapid.T) {
		d := drawScenario(t, 10*time.Minute)
		d.scenario.Claim.ClaimTTL = 3 * time.Minute
		if v := d.run(false).Violation; v != nil {
			if found.size() == 0 {
				found = d
			}
			smallest, violated = d, *v
			judge(t, d, v)
		}
	})
	switch {
	case !planted.failed:
		t.Fatal("it was not found")
	case smallest.size() > found.size()/2+1:
		t.Errorf("%d mails and faults of %d are left:\n%s", smallest.size(), found.size(), smallest)
	}
	t.Logf("%s: %s\n%s", violated.Invariant, violated.What, smallest)
	if os.Getenv("HEPH_STORY") != "" {
		smallest.run(true).Story.Write(os.Stdout, 0)
	}
}
