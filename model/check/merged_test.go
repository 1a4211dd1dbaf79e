package check

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// mergingScopes are small enough to be searched in both ways, and have every fault between them.
func mergingScopes() []Scope {
	return []Scope{
		{Workers: 2, Patterns: []string{"ab", "aa"}, Skew: true, Faults: Faults{Crashes: 1, LostAnswers: 1, Duplicates: 1}},
		{Workers: 3, Patterns: []string{"ab"}, Faults: Faults{Crashes: 1, Duplicates: 2}},
		{Workers: 2, Patterns: []string{"aab", "aba", "abb"}, Faults: Faults{LostAnswers: 1, Duplicates: 1}},
		{Workers: 2, Patterns: []string{"ab"}, Skew: true, Faults: Faults{Crashes: 2, ClaimExpiries: 1, TTLDeletions: 1, LeaseExpiries: 1}},
		{Workers: 2, Patterns: []string{"ab"}, Skew: true, Faults: Faults{LostAnswers: 1, Duplicates: 1, ClaimExpiries: 1, TTLDeletions: 1}},
		{Workers: 2, Patterns: []string{"aab", "abb", "abc"}, Bounds: Bounds{Jobs: 1, Waiting: 1, Budget: 1}, Faults: Faults{LostAnswers: 1}},
		{Workers: 2, Patterns: []string{"ab"}, Faults: Faults{Crashes: 1, TimeOuts: 1, LostWakes: 1, Failures: 1, Duplicates: 1}},
	}
}

func (s Scope) merged() Scope {
	s.Room = 1 << 20
	return s
}

// Merging the worlds of the search that merges nothing gives the worlds of the merged search, with
// the same greatest budgets.
func TestMergingHidesNothing(t *testing.T) {
	for _, scope := range mergingScopes() {
		whole := newSearch(scope, Options{}, protocolAsIs(scope.settings()), &Report{})
		whole.run()
		merged := newMergedSearch(scope.merged(), Options{}, protocolAsIs(scope.settings()), &Report{})
		merged.run()
		if !whole.report.Complete || !merged.report.Complete || len(whole.report.Violations)+len(merged.report.Violations) > 0 {
			t.Fatalf("%+v: not complete: %+v, %+v", scope, whole.report, merged.report)
		}
		want := map[key][]key{}
		for i := range whole.store.keys.len {
			w := whole.store.keys.at(uint32(i)).world()
			merged.x.normalise(&w)
			w.sort(scope.Workers)
			greatest(want, w.key())
		}
		got := map[key][]key{}
		again := newExplorer(scope.merged(), protocolAsIs(scope.settings()))
		for _, k := range reachable(again, scope) {
			greatest(got, k)
		}
		if len(want) != len(got) {
			t.Fatalf("%+v: %d worlds, want %d", scope, len(got), len(want))
		}
		most := 0
		for bare, budgets := range want {
			if !sameKeys(got[bare], budgets) {
				t.Fatalf("%+v: world %x has budgets %x, want %x", scope, bare, got[bare], budgets)
			}
			for _, k := range budgets {
				if home, print := merged.prints.print(k); merged.prints.find(home, print, false).slot == noSlot {
					t.Fatalf("%+v: %x was not visited", scope, k)
				}
			}
			most += len(budgets)
		}
		t.Logf("%d states, merged %d (%.1f), of which %d count", whole.store.keys.len, merged.prints.count,
			float64(whole.store.keys.len)/float64(merged.prints.count), most)
	}
}

func TestMergingGivesEveryMutantTheSameVerdict(t *testing.T) {
	for _, mutant := range Mutants() {
		t.Run(mutant.Name, func(t *testing.T) {
			t.Parallel()
			for _, scope := range mergingScopes() {
				if len(scope.Patterns) > 2 {
					continue // too many states for each mutant
				}
				whole, merged := Run(scope, Options{Mutant: mutant.Name}), Run(scope.merged(), Options{Mutant: mutant.Name})
				if whole.Complete != merged.Complete || (len(whole.Violations) > 0) != (len(merged.Violations) > 0) {
					t.Errorf("%+v: whole %v, merged %v", scope, whole.Violations, merged.Violations)
				}
			}
		})
	}
}

// reachable walks a scope with whole keys, without fingerprints, and leaves out states that greater
// budgets cover.
func reachable(x *explorer, scope Scope) []key {
	seen, kept := map[key][]key{}, []key{}
	visit := func(k key) {
		if greatest(seen, k) {
			kept = append(kept, k)
		}
	}
	for i := range scope.Patterns {
		w := x.initial(i, scope.Faults)
		visit(w.key())
	}
	for at := 0; at < len(kept); at++ {
		w := kept[at].world()
		for _, e := range x.successors(&w) {
			visit(e.to)
		}
	}
	return kept
}

// greatest adds a key to those of its world, unless one of them covers it, and drops those that it
// covers.
func greatest(worlds map[key][]key, k key) bool {
	bare, _ := k.split()
	for _, other := range worlds[bare] {
		if atLeast(other, k) {
			return false
		}
	}
	worlds[bare] = append(slices.DeleteFunc(worlds[bare], func(other key) bool { return atLeast(k, other) }), k)
	return true
}

func atLeast(a, b key) bool {
	wa, wb := a.world(), b.world()
	for f := range wa.budget {
		if wa.budget[f] < wb.budget[f] {
			return false
		}
	}
	return true
}

func sameKeys(a, b []key) bool {
	sorted := func(ks []key) []key {
		return slices.SortedFunc(slices.Values(ks), func(a, b key) int { return slices.Compare(a[:], b[:]) })
	}
	return slices.Equal(sorted(a), sorted(b))
}

func TestPrintsKeepTheGreatestBudgets(t *testing.T) {
	limits := Faults{Crashes: 2, LostAnswers: 2, Duplicates: 1, Failures: 3}.budget()
	p := newPrints(1<<16, limits)
	random := rand.New(rand.NewPCG(7, 8))
	worlds := map[key][]key{}
	visited, firsts := []key{}, map[key]uint32{}
	for range 20_000 {
		w := world{pattern: uint8(random.IntN(16)), queue: [maxMessages]uint8{uint8(random.IntN(8)), uint8(random.IntN(8))}}
		for f := range w.budget {
			w.budget[f] = uint8(random.IntN(int(limits[f]) + 1))
		}
		k := w.key()
		bare, _ := k.split()
		at := p.add(p.print(k))
		if covered := slices.ContainsFunc(worlds[bare], func(other key) bool { return atLeast(other, k) }); at.added == covered {
			t.Fatalf("%x: added %v, covered %v by %x", k, at.added, covered, worlds[bare])
		}
		if first, known := firsts[bare]; known && first != at.first {
			t.Fatalf("%x: the world's number is %d, was %d", k, at.first, first)
		}
		firsts[bare] = at.first
		if at.added {
			worlds[bare] = append(worlds[bare], k)
			visited = append(visited, k)
		}
	}
	if p.count != len(visited) {
		t.Fatalf("%d counted, %d added", p.count, len(visited))
	}
	slots := map[uint32]bool{}
	for _, k := range visited {
		home, print := p.print(k)
		at := p.find(home, print, false)
		if at.slot == noSlot || slots[at.slot] {
			t.Fatalf("%x is not where it was put", k)
		}
		slots[at.slot] = true
	}
}

func TestAMergedSearchStopsWhereThereIsNoRoom(t *testing.T) {
	scope := mergingScopes()[0]
	scope.Room = 1000
	if report := Run(scope, Options{}); report.Complete || report.Distinct > 1100 {
		t.Fatalf("complete %v, %d distinct", report.Complete, report.Distinct)
	}
}

func TestAMergedSearchSaysHowOftenItMayErr(t *testing.T) {
	report := Run(mergingScopes()[0].merged(), Options{})
	if bound := report.CollisionBound; bound <= 0 || bound > 1e-9 {
		t.Fatalf("collision bound %g", bound)
	}
}
