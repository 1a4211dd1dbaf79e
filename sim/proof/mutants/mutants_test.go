package mutants_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/proof/mutants"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// root is the tree's folder, the nearest one with a go.mod. Bazel's sandbox has none: there, and
// only there, the test is skipped. A missing tree elsewhere is a failure, so that moving this
// package cannot switch its tests off.
func root(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		switch {
		case parent != folder:
			folder = parent
		case os.Getenv("TEST_SRCDIR") != "":
			t.Skip("the tree's sources are not in Bazel's sandbox; .ci/run runs this test without Bazel")
		default:
			t.Fatal("no go.mod in this folder or above it")
		}
	}
}

func all(t *testing.T) []mutants.Mutant {
	t.Helper()
	list, err := mutants.All()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEveryMutantStillApplies(t *testing.T) {
	folder := root(t)
	for _, m := range all(t) {
		if _, err := m.Apply(folder); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryKnownBugHasAMutantOrAReason(t *testing.T) {
	list := all(t)
	known := map[string]bool{}
	for _, bug := range mutants.Bugs() {
		known[bug.ID] = true
		has := slices.ContainsFunc(list, func(m mutants.Mutant) bool { return slices.Contains(m.Bugs, bug.ID) })
		if has == (bug.Cannot != "") {
			t.Errorf("%s: has a mutant: %v, cannot happen: %q", bug.ID, has, bug.Cannot)
		}
	}
	for _, m := range list {
		for _, id := range m.Bugs {
			if !known[id] {
				t.Errorf("mutant %s is like %s, which is not listed", m.Name, id)
			}
		}
	}
}

func TestEveryNeededFaultIsOne(t *testing.T) {
	for _, m := range all(t) {
		for _, name := range m.Needs {
			if !slices.ContainsFunc(fault.All(), func(f fault.Kind) bool { return f.String() == name }) {
				t.Errorf("mutant %s needs %q, which is no fault", m.Name, name)
			}
		}
	}
}

func TestEveryPromiseThatCatchesIsOne(t *testing.T) {
	for _, m := range all(t) {
		for _, name := range m.CaughtBy {
			if _, err := oracle.Parse(name); err != nil && m.Package == "" && name != campaign.Panicked {
				t.Errorf("mutant %s: %v", m.Name, err)
			}
		}
	}
}

func TestThereAreEnoughMutants(t *testing.T) {
	system, cores := 0, 0
	for _, m := range all(t) {
		if m.Package == "" {
			system++
		} else {
			cores++
		}
	}
	if system < 40 || cores < 10 {
		t.Errorf("%d mutants of the system and %d of the cores: want 40 and 10", system, cores)
	}
}

// A few are built and killed here; `heph mutants` does all.
func TestMutantsAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the simulation")
	}
	folder := root(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go tool")
	}
	if err := exec.Command("go", "list", "-C", folder, "./sim/proof/mutants/killer").Run(); err != nil {
		t.Skipf("the go tool does not find the tree's modules: %v", err)
	}
	report, err := mutants.Run(t.Context(), mutants.Options{
		Root: folder, Seeds: 100, Budget: 20 * time.Second, Shrink: 10 * time.Second,
		Only: []string{"clean-up-by-key-alone", "range-ends-early"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range report.Mutants {
		if !m.OK() {
			t.Errorf("%s: killed %v by %q, want one of %q; %s", m.Name, m.Killed, m.Invariant, m.CaughtBy, m.Error)
		}
	}
	if first := report.Mutants[0]; first.Shrunk == nil || first.Shrunk.Events > first.Shrunk.EventsBefore || first.Shrunk.WorldEvents < first.Shrunk.Events {
		t.Errorf("%s: shrunk to %+v", first.Name, first.Shrunk)
	}
	if u := report.Unmutated; u == nil || u.Killed || u.Error != "" {
		t.Errorf("the tree as it is: %+v", u)
	}
	if !report.OK() {
		t.Error("the report is not OK")
	}
}
