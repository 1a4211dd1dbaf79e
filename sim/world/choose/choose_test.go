package choose_test

import (
	"slices"
	"testing"

	"github.com/webordinary/hephaestus/sim/world/choose"
)

func TestRandomIsItsSeed(t *testing.T) {
	draw := func(seed uint64) (list []int) {
		r := choose.NewRandom(seed)
		for range 50 {
			list = append(list, r.Choose(1000, "a"))
		}
		return list
	}
	if !slices.Equal(draw(1), draw(1)) {
		t.Error("the same seed drew differently")
	}
	if slices.Equal(draw(1), draw(2)) {
		t.Error("another seed drew the same")
	}
}

func TestAnotherLabelsDrawsDoNotReshuffle(t *testing.T) {
	alone, beside := choose.NewRandom(7), choose.NewRandom(7)
	for i := range 50 {
		beside.Choose(10, "new")
		if a, b := alone.Choose(100, "old"), beside.Choose(100, "old"); a != b {
			t.Fatalf("draw %d: %d, beside another label %d", i, a, b)
		}
	}
}

func TestPCTLetsOneRunUntilAChange(t *testing.T) {
	const runs, steps, depth = 200, 100, 3
	ready := []string{"a", "b", "a", "c"}
	first := map[string]int{}
	for seed := range uint64(runs) {
		p := choose.NewPCT(seed, steps, depth)
		last := ready[p.Next(ready)]
		first[last]++
		changes := 0
		for range 2 * steps {
			if next := ready[p.Next(ready)]; next != last {
				changes, last = changes+1, next
			}
		}
		if changes > depth-1 {
			t.Fatalf("seed %d: %d changes, want %d at most", seed, changes, depth-1)
		}
	}
	for _, name := range ready {
		if first[name] < runs/5 { // a third each, however often a name is ready
			t.Errorf("%s runs first in %d of %d runs", name, first[name], runs)
		}
	}
}

func TestPCTKnowsWhoIsReadyNotWhere(t *testing.T) {
	p := choose.NewPCT(7, 100, 1) // without a change
	first := []string{"a", "b", "c"}[p.Next([]string{"a", "b", "c"})]
	for _, order := range [][]string{{"c", "b", "a"}, {"b", "c", "a"}, {"c", "a", "b"}} {
		if got := order[p.Next(order)]; got != first {
			t.Errorf("of %v it picks %s, and %s before", order, got, first)
		}
	}
}

func TestARecorderRecordsWhoRunsNext(t *testing.T) {
	for _, from := range []choose.Chooser{choose.NewPCT(1, 100, 3), choose.NewRandom(1)} {
		r := &choose.Recorder{From: from}
		picked := r.Next([]string{"a", "b"})
		if want := (choose.Choice{N: 2, Picked: picked, Label: choose.Schedule}); len(r.Tape) != 1 || r.Tape[0] != want {
			t.Errorf("recorded %+v, want %+v", r.Tape, want)
		}
	}
}
