package exhaustive_test

import (
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/sim/proof/exhaustive"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
)

// budget says how much is played; HEPH_BUDGET=long plays more.
type budget struct {
	plays  int    // of a scene, at most
	orders uint64 // that all plays together must stand for, at least
}

func budgetOf(t *testing.T) budget {
	switch {
	case os.Getenv("HEPH_BUDGET") == "long":
		return budget{plays: 4_000, orders: 100_000_000}
	case testing.Short():
		return budget{plays: 20, orders: 1_000}
	}
	return budget{plays: 250, orders: 1_000_000}
}

// A play leaves a whole world as garbage and keeps little, so the heap may grow more between
// collections.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	m.Run()
}

func TestEveryOrderOfEverySceneHolds(t *testing.T) {
	most := budgetOf(t)
	var plays, cut int
	var orders uint64
	for _, scene := range exhaustive.Scenes() {
		for _, faults := range []int{0, 1} {
			scene.Budget = faults
			r := exhaustive.Explore(scene.Stage, false, most.plays)
			if r.Violation != nil {
				t.Errorf("%s: %s: %s\n\t%s", scene.Name, r.Violation.Invariant, r.Violation.What, strings.Join(r.Path, "\n\t"))
				r.Story.Write(os.Stdout, 0)
				continue
			}
			if r.Complete < 4 || r.Choices < 3 {
				t.Errorf("%s: %d plays of at most %d choices: a scene in which nothing meets proves nothing", scene.Name, r.Complete, r.Choices)
			}
			plays, cut, orders = plays+r.Complete, cut+r.Cut, orders+r.Orders
			t.Logf("%-58s faults %d: %6d plays, %d of them cut, for %d orders (1 : %.1f), %d choices, %d endings, whole: %v",
				scene.Name, faults, r.Complete+r.Cut, r.Cut, r.Orders, float64(r.Orders)/float64(r.Complete+r.Cut), r.Choices, len(r.Endings), r.Whole)
		}
	}
	t.Logf("%d plays, %d of them cut, for %d orders of calls: 1 : %.1f", plays+cut, cut, orders, float64(orders)/float64(plays+cut))
	if orders < most.orders {
		t.Errorf("the plays stand for %d orders, want %d", orders, most.orders)
	}
}

// Sleep sets lose nothing: playing every order reaches the same endings, in as many plays as the
// visited ones stand for.
func TestSleepingLosesNoEnding(t *testing.T) {
	whole := 0
	for _, scene := range exhaustive.Scenes() {
		for _, faults := range []int{0, 1} {
			scene.Budget = faults
			visited := exhaustive.Explore(scene.Stage, false, 150)
			if !visited.Whole || visited.Orders > 1500 {
				continue
			}
			whole++
			every := exhaustive.Explore(scene.Stage, true, 5_000)
			if !every.Whole || every.Orders != visited.Orders {
				t.Errorf("%s, faults %d: the visited plays stand for %d orders, there are %d", scene.Name, faults, visited.Orders, every.Orders)
			}
			if a, b := endings(every), endings(visited); !slices.Equal(a, b) {
				t.Errorf("%s, faults %d: every order reaches %d endings, the visited ones %d", scene.Name, faults, len(a), len(b))
			}
		}
	}
	if whole < 5 {
		t.Errorf("only %d scenes were small enough to be compared", whole)
	}
}

func endings(r exhaustive.Report) []string { return slices.Sorted(maps.Keys(r.Endings)) }

// The table of what moves touch is right: two moves that commute by it lead to the same state in
// either order, at any point of a play.
func TestMovesThatCommuteDo(t *testing.T) {
	scenes := exhaustive.Scenes()
	checks, tried := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		scene := scenes[rapid.IntRange(0, len(scenes)-1).Draw(t, "scene")]
		type place struct {
			path []string
			pair [2]string
		}
		var path []string
		var places []place
		scene.Play(func(moves []choose.Move) (int, bool) {
			for _, pair := range commuting(moves) {
				places = append(places, place{slices.Clone(path), pair})
			}
			picked := rapid.IntRange(0, len(moves)-1).Draw(t, "move")
			path = append(path, moves[picked].Name)
			return picked, true
		}, false)
		if len(places) == 0 {
			return
		}
		tried++
		p := rapid.SampledFrom(places).Draw(t, "place")
		one, other := after(scene.Stage, p.path, p.pair[0], p.pair[1]), after(scene.Stage, p.path, p.pair[1], p.pair[0])
		if one != other {
			t.Fatalf("%s, after %q: %q and %q do not commute:\n%s\nagainst\n%s", scene.Name, p.path, p.pair[0], p.pair[1], one, other)
		}
	})
	if 3*tried < checks {
		t.Errorf("a pair that commutes was tried in %d checks of %d, want a third", tried, checks)
	}
}

// commuting lists the pairs of moves that commute by what they touch.
func commuting(moves []choose.Move) [][2]string {
	var pairs [][2]string
	for i, m := range moves {
		for _, other := range moves[i+1:] {
			if m.Commutes(other) {
				pairs = append(pairs, [2]string{m.Name, other.Name})
			}
		}
	}
	return pairs
}

// after is the state after a path and two more moves, with the moves that may happen next.
func after(s world.Stage, path []string, more ...string) string {
	path = append(slices.Clone(path), more...)
	var next []string
	ending := s.Play(func(moves []choose.Move) (int, bool) {
		next = nil
		if len(path) > 0 {
			at := slices.IndexFunc(moves, func(m choose.Move) bool { return m.Name == path[0] })
			path = path[1:]
			return at, true
		}
		for _, m := range moves {
			next = append(next, m.Name)
		}
		return 0, false
	}, false)
	slices.Sort(next)
	return ending.Rows + "\nnext: " + strings.Join(next, "; ")
}
