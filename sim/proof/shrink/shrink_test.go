package shrink_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/proof/shrink"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/sim/world/story"
)

var rewrite = flag.Bool("rewrite", false, "write the tapes of the tests anew")

// A run leaves a whole world as garbage and keeps little, so the heap may grow more between
// collections.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	m.Run()
}

// clocksTooFarApart is a world in which the protocol does not hold: its clocks differ by more than
// the protocol allows.
func clocksTooFarApart(c choose.Chooser) scenario.Scenario {
	s := scenario.Draw(c)
	s.ClockError = 10 * time.Minute
	return s
}

func planted(t *testing.T) campaign.Setup {
	t.Helper()
	faults, err := fault.Parse("all")
	if err != nil {
		t.Fatal(err)
	}
	return campaign.Setup{Faults: faults, Draw: clocksTooFarApart}
}

// failing finds a seed whose clocks break S1.
func failing(t *testing.T, setup campaign.Setup) uint64 {
	t.Helper()
	for seed := uint64(500); seed < 1000; seed++ {
		if r := setup.Run(setup.Chooser(seed), false); r.Violation != nil && r.Violation.Invariant == "S1" {
			return seed
		}
	}
	t.Fatal("no seed breaks S1")
	return 0
}

func TestAFailingSeedShrinksToAFewEvents(t *testing.T) {
	setup := planted(t)
	seed := failing(t, setup)
	told := 0
	tape, err := shrink.Seed(setup, seed, shrink.Limits{Progress: func(runs, _ int) { told = runs }})
	if err != nil {
		t.Fatal(err)
	}
	if tape.Invariant != "S1" || tape.EventsToFollow > 12 || tape.EventsToFollow > tape.EventsBefore || tape.Seed != seed || told != tape.Runs {
		t.Errorf("%+v", tape)
	}
	if len(tape.Faults) != 1 || !slices.Contains([]string{"clock-offset", "clock-drift", "clock-step"}, tape.Faults[0]) {
		t.Errorf("one clock that is off is enough, and nothing else: %v", tape.Faults)
	}
	path := filepath.Join("testdata", "tapes", "clocks-too-far-apart.json")
	if *rewrite {
		if err := os.WriteFile(path, tape.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheSameSeedShrinksToTheSameTape(t *testing.T) {
	setup := planted(t)
	seed := failing(t, setup)
	var tapes [2]shrink.Tape
	for i := range tapes {
		var err error
		if tapes[i], err = shrink.Seed(setup, seed, shrink.Limits{Runs: 100}); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(tapes[0], tapes[1]) {
		t.Errorf("%+v, then %+v", tapes[0], tapes[1])
	}
}

func TestATapePlaysItsViolationAgain(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "tapes", "clocks-too-far-apart.json"))
	if err != nil {
		t.Fatal(err)
	}
	tape, err := shrink.ParseTape(data)
	if err != nil {
		t.Fatal(err)
	}
	result, err := tape.Play(clocksTooFarApart)
	if err != nil || result.Violation == nil || result.Violation.Invariant != tape.Invariant {
		t.Fatalf("%+v: %v", result.Violation, err)
	}
	if result.Story.EventsToFollow() != tape.EventsToFollow {
		t.Errorf("%d events to follow, the tape says %d", result.Story.EventsToFollow(), tape.EventsToFollow)
	}
	// With clocks that the protocol allows, the same choices break nothing.
	if result, err := tape.Play(nil); err != nil || result.Violation != nil {
		t.Errorf("%+v: %v", result.Violation, err)
	}
}

// A drawn scenario has two mails or more; a counter-example may need only one.
func TestMailsThatAreNotNeededAreLeftOut(t *testing.T) {
	leaseOfOneHeartbeat := func(c choose.Chooser) scenario.Scenario {
		s := scenario.Draw(c)
		s.Claim.Lease = s.Worker.Heartbeat
		return s
	}
	setup := campaign.Setup{Draw: leaseOfOneHeartbeat}
	seed := uint64(0)
	for setup.Run(setup.Chooser(seed), false).Violation == nil {
		seed++
	}
	tape, err := shrink.Seed(setup, seed, shrink.Limits{Runs: 1200})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := shrink.ParseTape(tape.Bytes()); err != nil || len(again.Without) == 0 || !slices.Equal(again.Without, tape.Without) {
		t.Errorf("without %q, read again %q: %v", tape.Without, again.Without, err)
	}
	result, err := tape.Play(leaseOfOneHeartbeat)
	if err != nil || result.Violation == nil || result.Story.EventsToFollow() != tape.EventsToFollow {
		t.Fatalf("%+v: %v", result.Violation, err)
	}
	for _, l := range result.Story.Lines {
		for _, n := range l.Notes {
			if n.Kind == story.NoteMail && slices.Contains(tape.Without, n.Message) {
				t.Errorf("%s arrives, which is left out", n.Message)
			}
		}
	}
}

func TestTheBudgetBoundsTheRuns(t *testing.T) {
	setup := planted(t)
	seed := failing(t, setup)
	tape, err := shrink.Seed(setup, seed, shrink.Limits{Runs: 7})
	if err != nil || tape.Runs != 7 {
		t.Errorf("%d runs, %v", tape.Runs, err)
	}
	asked := 0
	tape, err = shrink.Seed(setup, seed, shrink.Limits{Stop: func() bool { asked++; return asked > 3 }})
	if err != nil || tape.Runs == 0 || tape.Runs > 3 {
		t.Errorf("%d runs, %v", tape.Runs, err)
	}
}

func TestOnlyAFailureIsShrunk(t *testing.T) {
	if tape, err := shrink.Seed(campaign.Setup{}, 1, shrink.Limits{}); err == nil {
		t.Errorf("%+v", tape)
	}
	panics := campaign.Setup{Draw: func(choose.Chooser) scenario.Scenario { panic("no such scenario") }}
	if tape, err := shrink.Seed(panics, 1, shrink.Limits{}); err == nil {
		t.Errorf("%+v", tape)
	}
}

func TestABrokenTapeIsRefused(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `{"mode":"random","choices":null}`, `{"mode":"always","choices":{}}`, `{"mode":"random","faults":["gremlins"],"choices":{}}`,
		`{"mode":"random","choices":{"a":[[1,-5]]}}`, `{"mode":"random","choices":{},"more":1}`,
	} {
		if _, err := shrink.ParseTape([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func FuzzParseTape(f *testing.F) {
	f.Add([]byte(`{"invariant":"S1","mode":"random","faults":["freeze"],"choices":{"next":[[3,1]]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tape, err := shrink.ParseTape(data)
		if err != nil {
			return
		}
		again, err := shrink.ParseTape(tape.Bytes())
		if err != nil {
			t.Fatalf("%s was written as %s: %v", data, tape.Bytes(), err)
		}
		one, _ := json.Marshal(tape)
		if other, _ := json.Marshal(again); string(one) != string(other) {
			t.Fatalf("%s, read again %s", one, other)
		}
	})
}
