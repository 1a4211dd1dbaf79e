package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/model/check"
	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/proof/mutants"
	"github.com/webordinary/hephaestus/sim/proof/shrink"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

func TestAWrongProofIsNotBegun(t *testing.T) {
	tape := write(t, "tape.json", `{"mode":"random","choices":{}}`)
	for _, c := range []struct{ args, want string }{
		{"sim --seed -1", `--seed "-1": want a whole number from 0 to 18446744073709551615`},
		{"sim --seed 1 --seeds 2", "leave out one"},
		{"sim --seed 1 --from 2", "leave out one"},
		{"sim --seeds 0", "want 1 or more"},
		{"sim --threads 0", "want 1 or more"},
		{"sim --faults gremlins", "crash-before"},
		{"sim --mode always", "want random or pct"},
		{"sim --save t.json", "add --shrink"},
		{"sim --html run.html", "add --seed, --tape or --shrink"},
		{"sim --tape no-such-file", "no such file"},
		{"sim --tape " + write(t, "broken.json", `{}`), "it has no choices"},
		{"sim --tape " + tape + " --seed 1", "leave out"},
		{"sim --tape " + tape + " --shrink", "leave out"},
		{"sim now", "takes no arguments"},
		{"mutants --seeds -5", "--seeds -5: want 1 or more"},
		{"mutants --seeds 0", "--seeds 0: want 1 or more"},
		{"mutants --budget 0s", "--budget 0s: want more than 0"},
		{"mutants --budget -1m", "want more than 0"},
		{"mutants --root " + t.TempDir(), "the go.mod of Hephaestus is not there"},
		{"mutants --only gremlin --root " + tree(t), "gremlin"},
		{"model --scope huge", "small"},
		{"model --mutant gremlin", "take-over-ignores-lease"},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := heph(t, nil, strings.Fields(c.args)...)
			if got.status != misused || !strings.Contains(got.err, c.want) || got.out != "" {
				t.Fatalf("status %d, stdout %q, stderr %q; want status 2 and %q", got.status, got.out, got.err, c.want)
			}
		})
	}
}

// tree is a folder with the go.mod of Hephaestus, and nothing else of it.
func tree(t *testing.T) string {
	t.Helper()
	return filepath.Dir(write(t, "go.mod", "module github.com/webordinary/hephaestus\n"))
}

// Neither the sources that the mutants change nor a module to build are there.
func TestMutantsThatCannotBeTriedDoNotSurvive(t *testing.T) {
	args := []string{"mutants", "--only", "fence-restarts,range-ends-early", "--root", tree(t)}
	got := heph(t, nil, args...)
	if got.status != failed || !strings.Contains(got.out, "0 killed, 0 not, 2 could not be tried") || !strings.Contains(got.err, "heph: 2 mutants could not be tried") {
		t.Errorf("%+v", got)
	}
	got = heph(t, nil, append(args, "--json")...)
	var told struct{ Report mutants.Report }
	if err := json.Unmarshal([]byte(got.out), &told); err != nil || got.status != failed || told.Report.Errors != 2 || told.Report.Survived != 0 {
		t.Errorf("%v: %+v", err, got)
	}
}

// The quick budget is a step of its own in .ci/run, for it takes longer than all tests together.
func TestTheLongBudgetOfSeedsHolds(t *testing.T) {
	if os.Getenv("HEPH_BUDGET") != "long" {
		t.Skip("a million seeds, more than an hour of a processor: set HEPH_BUDGET=long")
	}
	got := heph(t, nil, "sim", "--seeds", "1000000", "--json")
	t.Log(got.out)
	if got.status != ok {
		t.Errorf("status %d, stderr %q", got.status, got.err)
	}
}

func TestASeedIsToldAsAStory(t *testing.T) {
	got := heph(t, nil, "sim", "--seed", "5", "--faults", "none")
	if got.status != ok || !strings.Contains(got.out, "mail m1 arrives") || !strings.Contains(got.out, "every promise was kept") {
		t.Fatalf("%+v", got)
	}
	if again := heph(t, nil, "sim", "--seed", "5", "--faults", "none", "--twice"); again != got {
		t.Errorf("the same seed is told as\n%+v\nand as\n%+v", got, again)
	}
	if all := heph(t, nil, "sim", "--seed", "5", "--faults", "none", "--verbose"); !strings.Contains(all.out, "GetObject") || strings.Contains(got.out, "GetObject") {
		t.Error("--verbose tells every call, and nothing else does")
	}
}

func TestASeedInJSONHasItsStory(t *testing.T) {
	for _, flag := range []string{"--json", "--output=json"} {
		got := heph(t, nil, "sim", "--seed", "5", "--mode", "pct", flag)
		var run struct {
			Title, Command, Hash *string
			Events               int
			Violation            any
			Struck, Outcomes     map[string]int
			Story                struct{ Lines, Spans, Executions []any }
		}
		if err := json.Unmarshal([]byte(got.out), &run); err != nil {
			t.Fatal(err)
		}
		if run.Command == nil || *run.Command != "heph sim --seed 5 --mode pct" || run.Hash == nil || len(*run.Hash) != 16 || run.Violation != nil {
			t.Errorf("%s", got.out[:min(len(got.out), 400)])
		}
		if len(run.Story.Lines) == 0 || len(run.Story.Executions) == 0 || run.Events == 0 || len(run.Outcomes) == 0 {
			t.Errorf("%s: no story", flag)
		}
	}
}

// lowerCamelCase fails the test for each name in v that is not lower camel case. Faults and
// outcomes, which have dashes, may be names too.
func lowerCamelCase(t *testing.T, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inside := range v {
			if !regexp.MustCompile(`^[a-z][A-Za-z0-9-]*$`).MatchString(name) {
				t.Errorf("%s.%s: want lower camel case", at, name)
			}
			lowerCamelCase(t, at+"."+name, inside)
		}
	case []any:
		for _, inside := range v {
			lowerCamelCase(t, at+"[]", inside)
		}
	}
}

func TestJSONNamesAreInLowerCamelCase(t *testing.T) {
	for _, args := range []string{
		"sim --seed 17 --json", "sim --seeds 3 --json", "mutants --list --json", "model --mutant start-keeps-fence --json", "version --json",
	} {
		var v any
		if err := json.Unmarshal([]byte(heph(t, nil, strings.Fields(args)...).out), &v); err != nil {
			t.Errorf("%s: %v", args, err)
		}
		lowerCamelCase(t, args+": ", v)
	}
}

func TestManySeedsAreAddedUp(t *testing.T) {
	got := heph(t, nil, "sim", "--seeds", "12", "--from", "3", "--faults", "freeze,crash-after", "--threads", "2", "--twice")
	for _, want := range []string{"12 seeds random, from 3", "freeze", "crash-after", "each seed run twice: 0 differences", "every promise was kept in every run"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	if got.status != ok || got.err != "" {
		t.Errorf("status %d, stderr %q", got.status, got.err)
	}
}

func TestManySeedsInJSONAreTheReport(t *testing.T) {
	hash := ""
	for _, threads := range []string{"1", "2"} {
		got := heph(t, nil, "sim", "--seeds", "8", "--json", "--threads", threads)
		var report campaign.Report
		if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.status != ok {
			t.Fatalf("%v: %+v", err, got)
		}
		if report.Seeds != 8 || len(report.Faults) != len(report.Struck) || report.SeedsPerSecond == 0 || (hash != "" && report.Hash != hash) {
			t.Errorf("%s", got.out)
		}
		hash = report.Hash
	}
}

// heph sim sets its own GOGC, unless the environment has one.
func TestGOGCIsTheEnvironmentsToSay(t *testing.T) {
	for gogc, want := range map[string]int{"": garbagePercent, "77": 77} {
		during := 0
		a := &app{Streams: Streams{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return gogc }}, output: text}
		f := simFlags{seeds: 1, threads: 1, faults: "none", mode: "random", draw: func(c choose.Chooser) scenario.Scenario {
			during = debug.SetGCPercent(77)
			debug.SetGCPercent(during)
			return scenario.Draw(c)
		}}
		before := debug.SetGCPercent(77)
		err := a.runSim(t.Context(), a.sim(), f)
		after := debug.SetGCPercent(before)
		if err != nil || during != want || after != 77 {
			t.Errorf("GOGC=%s: the percentage was %d, want %d, and then %d: %v", gogc, during, want, after, err)
		}
	}
}

// planted runs sim in a world in which a promise breaks: its clocks are further apart than the
// protocol supposes. Only a test can ask for that.
func planted(t *testing.T, form string, f simFlags) answer {
	t.Helper()
	f.faults, f.mode, f.threads = "all", "random", 2
	f.draw = func(c choose.Chooser) scenario.Scenario {
		s := scenario.Draw(c)
		s.ClockError = 10 * time.Minute
		return s
	}
	var out, errors strings.Builder
	a := &app{Streams: Streams{Out: &out, Err: &errors, Getenv: func(string) string { return "" }}, output: form}
	status := ok
	if err := a.carryOut(t.Context(), f); err != nil {
		status = a.report(err)
	}
	return answer{status, out.String(), errors.String()}
}

// brokenSeed breaks S1 in the planted world.
func brokenSeed(t *testing.T) uint64 {
	t.Helper()
	got := planted(t, asJSON, simFlags{from: 230, seeds: 10})
	var report campaign.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.status != failed || len(report.Violations) == 0 {
		t.Fatalf("no seed breaks anything: %v %+v", err, got)
	}
	return report.Violations[0].Failures[0].Seed
}

func TestABrokenPromiseIsExitStatusOneAndSaysHowToSeeItAgain(t *testing.T) {
	seed := brokenSeed(t)
	again := fmt.Sprintf("See it again: heph sim --seed %d\n", seed)
	small := fmt.Sprintf("Make it small: heph sim --seed %d --shrink\n", seed)
	one := planted(t, text, simFlags{one: true, seed: seed})
	if one.err != "" {
		t.Errorf("stderr %q", one.err)
	}
	many := planted(t, text, simFlags{from: seed, seeds: 1})
	for _, got := range []answer{one, many} {
		if got.status != failed || !strings.Contains(got.out, "S1") || !strings.Contains(got.out, again+small) {
			t.Errorf("status %d, stdout\n%s", got.status, got.out)
		}
	}
	inJSON := planted(t, asJSON, simFlags{one: true, seed: seed})
	if inJSON.status != failed || !json.Valid([]byte(inJSON.out)) || !strings.Contains(inJSON.out, `"invariant": "S1"`) {
		t.Errorf("%+v", inJSON.status)
	}
}

// The campaign's own report waits for the last of its seeds, which may be hours away.
func TestTheFirstSeedThatBreaksAPromiseIsToldAtOnce(t *testing.T) {
	seed := brokenSeed(t)
	var out, errors strings.Builder
	told := ""
	a := &app{Streams: Streams{Out: &out, Err: &errors, Getenv: func(string) string { return "" }}, output: asJSON}
	runs := 0
	_ = a.carryOut(t.Context(), simFlags{from: seed, seeds: 3, faults: "all", mode: "random", threads: 1, draw: func(c choose.Chooser) scenario.Scenario {
		if runs++; runs == 2 {
			told = errors.String()
		}
		s := scenario.Draw(c)
		s.ClockError = 10 * time.Minute
		return s
	}})
	for _, want := range []string{fmt.Sprintf("seed %d breaks S1 after ", seed), fmt.Sprintf("heph sim --seed %d --shrink\n", seed)} {
		if strings.Count(errors.String(), want) != 1 || !strings.Contains(told, want) {
			t.Errorf("when the second run began, stderr said %q, in the end %q; want %q once", told, errors.String(), want)
		}
	}
	if !json.Valid([]byte(out.String())) {
		t.Errorf("stdout %q", out.String())
	}
}

func TestAFailureShrinksToATapeThatFailsAgain(t *testing.T) {
	seed, folder := brokenSeed(t), t.TempDir()
	tape, page := filepath.Join(folder, "tape.json"), filepath.Join(folder, "run.html")
	got := planted(t, text, simFlags{from: seed, seeds: 1, shrink: true, save: tape, html: page})
	if got.status != failed || !strings.Contains(got.err, "Shrunk from ") || !strings.Contains(got.out, "heph sim --tape "+tape) {
		t.Fatalf("%+v", got)
	}
	data, err := os.ReadFile(tape)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := shrink.ParseTape(data); err != nil || kept.Invariant != "S1" || kept.EventsToFollow > 12 {
		t.Errorf("%v: %s", err, data)
	}
	if drawn, err := os.ReadFile(page); err != nil || !strings.Contains(string(drawn), "S1 is broken") {
		t.Errorf("%v", err)
	}
	if again := planted(t, text, simFlags{tape: tape}); again.status != failed || !strings.Contains(again.out, "S1 is broken") {
		t.Errorf("%+v", again)
	}
	// The tape alone cannot set the clocks wrong: in the true world its choices break nothing.
	if held := heph(t, nil, "sim", "--tape", tape); held.status != ok {
		t.Errorf("%+v", held)
	}
}

func TestWithJSONOnStdoutTheShrunkStoryGoesToStderr(t *testing.T) {
	seed, page := brokenSeed(t), filepath.Join(t.TempDir(), "run.html")
	got := planted(t, asJSON, simFlags{from: seed, seeds: 1, shrink: true, html: page})
	var report campaign.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || report.Seeds != 1 || got.status != failed {
		t.Errorf("status %d, stdout %q: %v", got.status, got.out, err)
	}
	if !strings.Contains(got.err, "S1 is broken") || !strings.Contains(got.err, "Shrunk from ") {
		t.Errorf("stderr %q", got.err)
	}
	if drawn, err := os.ReadFile(page); err != nil || !strings.Contains(string(drawn), "S1 is broken") {
		t.Errorf("%v", err)
	}
}

func TestTheLowestSeedIsShrunkHoweverHighItIs(t *testing.T) {
	of := func(invariant string, seed uint64) campaign.Broken {
		return campaign.Broken{Invariant: invariant, Failures: []*campaign.Failure{{Seed: seed}}}
	}
	if seed := lowestSeed([]campaign.Broken{of("S1", 1<<63), of("S2", 1<<41), of("S3", 1<<42)}); seed != 1<<41 {
		t.Errorf("seed %d", seed)
	}
}

func TestOnlyAFailureIsShrunk(t *testing.T) {
	for line := range strings.Lines((&app{}).sim().Example) {
		if strings.Contains(line, "--seed ") && strings.Contains(line, "--shrink") {
			t.Errorf("the example %q works for as long as its seed fails", line)
		}
	}
	if topic := exitCodesTopic().Long; !strings.Contains(topic, "nothing to shrink") {
		t.Errorf("the exit statuses do not tell of it:\n%s", topic)
	}
	if got := heph(t, nil, "sim", "--seed", "5", "--faults", "none", "--shrink"); got.status != failed || !strings.Contains(got.err, "breaks no promise") {
		t.Errorf("%+v", got)
	}
}

func TestAModelSearchSaysHowItKeptItsStates(t *testing.T) {
	scope, _ := check.ScopeNamed("small")
	scope.Patterns, scope.Faults = []string{"ab"}, check.Faults{LostAnswers: 1}
	for room, want := range map[int]string{0: "compared whole", 1 << 16: "merged, and one taken for another with odds below "} {
		var out bytes.Buffer
		scope.Room = room
		told := &app{Streams: Streams{Out: &out, Getenv: func(string) string { return "" }}}
		told.tellSearch(check.Run(scope, check.Options{}))
		if !strings.Contains(out.String(), want) {
			t.Errorf("room %d: no %q in %q", room, want, out.String())
		}
	}
}

func TestAMutantOfTheModelIsCaughtWithAShortestRun(t *testing.T) {
	got := heph(t, nil, "model", "--mutant", "start-keeps-fence", "-o", "json")
	var report check.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.status != failed {
		t.Fatalf("%v %+v", err, got)
	}
	if report.Scope.Name != "small" || report.Mutant != "start-keeps-fence" || len(report.Violations) == 0 || len(report.Violations[0].Trace) < 2 || report.Seconds == 0 {
		t.Errorf("%s", got.out)
	}
	told := heph(t, nil, "model", "--mutant", "start-keeps-fence")
	if !strings.Contains(told.out, "is broken by a run of") || !strings.Contains(told.out, "the mutant start-keeps-fence") {
		t.Errorf("%+v", told)
	}
}
