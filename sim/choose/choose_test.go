package choose_test

import (
	"slices"
	"testing"

	"github.com/webordinary/hephaestus/sim/choose"
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

func TestOdometerVisitsEveryCombinationOnce(t *testing.T) {
	o := &choose.Odometer{}
	seen := map[[3]int]int{}
	for {
		a := o.Choose(3, "a")
		b := o.Choose(a+1, "b") // how many there are may depend on what was picked
		seen[[3]int{a, b, o.Choose(2, "c")}]++
		if !o.Next() {
			break
		}
	}
	if len(seen) != (1+2+3)*2 {
		t.Errorf("%d combinations, want 12", len(seen))
	}
	for combination, times := range seen {
		if times != 1 {
			t.Errorf("%v was visited %d times", combination, times)
		}
	}
}

func TestATapePlaysWhatWasRecorded(t *testing.T) {
	r := &choose.Recorder{From: choose.NewRandom(3)}
	var first []int
	for i := range 20 {
		first = append(first, r.Choose(i+1, "x"))
	}
	tape := &choose.Tape{Choices: r.Tape}
	for i := range 20 {
		if got := tape.Choose(i+1, "x"); got != first[i] {
			t.Fatalf("choice %d: %d, recorded %d", i, got, first[i])
		}
	}
	if tape.Strayed {
		t.Error("strayed")
	}
	if tape.Choose(5, "more") != 0 {
		t.Error("past its end a tape must pick 0")
	}
	strange := &choose.Tape{Choices: r.Tape[5:]}
	if strange.Choose(9, "y"); !strange.Strayed {
		t.Error("a tape of another world must say that it strayed")
	}
}

func TestPCTKeepsItsOrderBetweenChanges(t *testing.T) {
	p := choose.NewPCT(1, 1000, 3)
	changes, last := 0, p.Choose(1<<20, choose.Schedule)
	for range 2000 {
		got := p.Choose(1<<20, choose.Schedule)
		if got != last {
			changes++
		}
		last = got
	}
	if changes == 0 || changes > 2 {
		t.Errorf("%d changes, want 1 or 2", changes)
	}
}
