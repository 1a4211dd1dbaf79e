package choose_test

import (
	"fmt"
	"testing"

	"github.com/webordinary/hephaestus/sim/world/choose"
)

// threads is a toy world: each thread takes its steps in order. A step appends the thread's letter
// to one variable.
type threads [][]string

func (t threads) explore(naive bool) (ends map[string]bool, orders uint64, e *choose.Explorer) {
	ends, e = map[string]bool{}, &choose.Explorer{Naive: naive}
	for {
		at := make([]int, len(t))
		variables := map[string]string{}
		for {
			var moves []choose.Move
			var whose []int
			for i, steps := range t {
				if at[i] < len(steps) {
					moves = append(moves, choose.Move{
						Name:    fmt.Sprintf("%d.%d", i, at[i]),
						Touches: []choose.Touch{{Object: steps[at[i]], Writes: true}, {Object: fmt.Sprint("thread ", i), Writes: true}},
					})
					whose = append(whose, i)
				}
			}
			if len(moves) == 0 {
				ends[fmt.Sprint(variables)] = true
				orders += e.Orders()
				break
			}
			picked, ok := e.Pick(moves)
			if !ok {
				break
			}
			i := whose[picked]
			variables[t[i][at[i]]] += string(rune('a' + i))
			at[i]++
		}
		if !e.Next() {
			return ends, orders, e
		}
	}
}

func TestExplorerVisitsEveryOrder(t *testing.T) {
	same := threads{{"x", "x", "x"}, {"x", "x", "x"}}
	ends, _, e := same.explore(true)
	if e.Runs != 20 || len(ends) != 20 { // 6 over 3
		t.Errorf("%d runs, %d ends, want 20 of each", e.Runs, len(ends))
	}
	if ends, _, e := same.explore(false); len(ends) != 20 || e.Runs != 20 {
		t.Errorf("asleep: %d runs, %d ends: where nothing commutes nothing may be left out", e.Runs, len(ends))
	}
}

func TestSleepSetsLeaveOutWhatDiffersInNothing(t *testing.T) {
	apart := threads{{"x", "x"}, {"y", "y"}, {"z", "z"}}
	ends, orders, e := apart.explore(false)
	if full := e.Runs - e.Cut; full != 1 || len(ends) != 1 {
		t.Errorf("%d runs to the end, %d ends: want one of each", full, len(ends))
	}
	if orders != 90 { // 6! / (2! 2! 2!)
		t.Errorf("it stands for %d orders, want 90", orders)
	}
}

func TestSleepSetsReachEveryEnd(t *testing.T) {
	mixed := threads{{"x", "y", "x"}, {"y", "z", "x"}, {"z", "x"}}
	all, _, naive := mixed.explore(true)
	some, orders, asleep := mixed.explore(false)
	if naive.Runs != 560 { // 8! / (3! 3! 2!)
		t.Errorf("%d orders, want 560", naive.Runs)
	}
	for end := range all {
		if !some[end] {
			t.Errorf("no visited order ends in %s", end)
		}
	}
	if orders != 560 {
		t.Errorf("the visited orders stand for %d, want all 560", orders)
	}
	if asleep.Runs >= naive.Runs || len(some) != len(all) {
		t.Errorf("%d of %d orders, %d of %d ends", asleep.Runs, naive.Runs, len(some), len(all))
	}
}

func TestExplorerNoticesAWorldThatIsNotDeterministic(t *testing.T) {
	e := &choose.Explorer{}
	e.Pick([]choose.Move{{Name: "a"}, {Name: "b"}})
	e.Next()
	defer func() {
		if recover() == nil {
			t.Error("another world passed for the same")
		}
	}()
	e.Pick([]choose.Move{{Name: "a"}})
}
