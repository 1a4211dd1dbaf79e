package check

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/model"
)

// searchScope searches a named scope and demands that the search is complete and finds no
// violation.
func searchScope(t *testing.T, name string) Report {
	t.Helper()
	scope, ok := ScopeNamed(name)
	if !ok {
		t.Fatalf("no scope %q", name)
	}
	return closed(t, scope)
}

// closed searches a scope and demands that the search is complete and finds no violation.
func closed(t *testing.T, scope Scope) Report {
	t.Helper()
	began := time.Now()
	report := Run(scope, Options{Seconds: func() float64 { return time.Since(began).Seconds() }})
	for _, v := range report.Violations {
		t.Errorf("%s\n  %s", v.Invariant, strings.Join(v.Trace, "\n  "))
	}
	if !report.Complete {
		t.Fatalf("the search is not complete after %d states", report.Distinct)
	}
	line, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", line)
	return report
}

// counts are the same on every machine: if they change, the protocol or the world has changed.
type counts struct {
	distinct, generated int64
	diameter            int
}

func (want counts) check(t *testing.T, r Report) {
	t.Helper()
	if got := (counts{r.Distinct, r.Generated, r.Diameter}); got != want {
		t.Errorf("%s: %+v, want %+v", r.Scope.Name, got, want)
	}
}

func TestSmallScopeHolds(t *testing.T) {
	counts{distinct: 322_145, generated: 1_304_792, diameter: 33}.check(t, searchScope(t, "small"))
}

// The quick tests search the larger scopes merged; the next test visits all their states.
func TestGreaterScopesHoldMerged(t *testing.T) {
	for name, want := range map[string]counts{
		"ends":  {distinct: 519_874, generated: 2_489_962, diameter: 32},
		"all":   {distinct: 104_247, generated: 586_325, diameter: 26},
		"pr":    {distinct: 888_435, generated: 4_448_584, diameter: 37},
		"turns": {distinct: 425_746, generated: 1_849_921, diameter: 32},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope, _ := ScopeNamed(name)
			want.check(t, closed(t, scope.merged()))
		})
	}
}

// CI searches pr with heph model. All of them belong to the long budget: HEPH_BUDGET=long go test
// -run ScopesHoldWhole -v ./model/check
func TestGreaterScopesHoldWhole(t *testing.T) {
	if os.Getenv("HEPH_BUDGET") != "long" {
		t.Skip("18 million states: set HEPH_BUDGET=long")
	}
	for name, want := range map[string]counts{
		"ends":  {distinct: 2_319_418, generated: 9_193_937, diameter: 43},
		"all":   {distinct: 2_917_012, generated: 12_709_455, diameter: 37},
		"pr":    {distinct: 12_873_785, generated: 53_704_633, diameter: 46},
		"turns": {distinct: 1_490_936, generated: 5_787_571, diameter: 37},
	} {
		t.Run(name, func(t *testing.T) { want.check(t, searchScope(t, name)) })
	}
}

// The long search belongs to the long budget: HEPH_BUDGET=long go test -run TestLongScopeHolds -v
// -timeout 1h ./model/check
func TestLongScopeHolds(t *testing.T) {
	if os.Getenv("HEPH_BUDGET") != "long" {
		t.Skip("69 million merged states, 7 GiB: set HEPH_BUDGET=long")
	}
	report := searchScope(t, "long")
	counts{distinct: 69_038_135, generated: 550_859_800, diameter: 58}.check(t, report)
	if bound := report.CollisionBound; bound <= 0 || bound > 1e-6 {
		t.Errorf("collision bound %g", bound)
	}
}

func TestAKeyIsTheWholeWorld(t *testing.T) {
	scope, _ := ScopeNamed("all")
	x := newExplorer(scope, protocolAsIs(settings))
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		w := x.initial(random.IntN(len(scope.Patterns)), scope.Faults)
		for range 60 {
			edges := x.successors(&w)
			if len(edges) == 0 {
				break
			}
			k := edges[random.IntN(len(edges))].to
			w = k.world()
			if w.key() != k {
				t.Fatalf("key %x becomes %+v and then %x", k, w, w.key())
			}
		}
	}
}

// A world that has been normalised must not change when it is normalised again.
func TestNormaliseIsIdempotent(t *testing.T) {
	scope, _ := ScopeNamed("all")
	x := newExplorer(scope, protocolAsIs(settings))
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		w := x.initial(random.IntN(len(scope.Patterns)), scope.Faults)
		for range 60 {
			edges := x.successors(&w)
			if len(edges) == 0 {
				break
			}
			w = edges[random.IntN(len(edges))].to.world()
			again := w
			x.normalise(&again)
			again.sort(scope.Workers)
			if again != w {
				t.Fatalf("normalised twice: %+v, once: %+v", again, w)
			}
		}
	}
}

func TestAStoreKeepsEachKeyOnce(t *testing.T) {
	s := newStore()
	for round := range 2 {
		for i := range uint64(100_000) {
			k := key{i, i * i, 7}
			index, added := s.add(k, k.hash())
			if uint64(index) != i || added != (round == 0) {
				t.Fatalf("round %d: key %d has index %d, added %v", round, i, index, added)
			}
		}
	}
}

func TestATraceIsAStory(t *testing.T) {
	report := Run(Scope{Workers: 2, Patterns: []string{"ab"}, Faults: Faults{TimeOuts: 1}}, Options{Mutant: "clean-up-by-key"})
	if len(report.Violations) != 1 {
		t.Fatalf("violations: %v", report.Violations)
	}
	got := strings.Join(report.Violations[0].Trace, "\n")
	want := `threads of the messages, oldest first: a b
message 1 arrives
the check for message 1 says new
the claim of message 1 is applied (fence 1)
the execution of message 1 times out
the clean-up of message 1 is applied`
	if got != want {
		t.Fatalf("trace:\n%s\nwant:\n%s", got, want)
	}
}

// The search drops frozen calls for jobs that have ended, because they are refused. Keeping them
// changes no verdict.
func TestForgettingRefusedCallsHidesNothing(t *testing.T) {
	scope, _ := ScopeNamed("small")
	scope.Skew = false
	p := protocolAsIs(settings)
	p.refusesEnded = false
	report := run(scope, Options{}, p)
	if !report.Complete || len(report.Violations) > 0 {
		t.Fatalf("complete %v, violations %v", report.Complete, report.Violations)
	}
}

// A search that reaches little finds nothing: each kind of action, each decision and each late call
// must happen.
func TestEverythingHappens(t *testing.T) {
	scope, _ := ScopeNamed("all")
	scope.Patterns, scope.Bounds = []string{"aab", "aba", "abb"}, Bounds{Jobs: 2, Waiting: 1, Budget: 1}
	x := newExplorer(scope, protocolAsIs(scope.settings()))
	random := rand.New(rand.NewPCG(5, 6))
	kinds, decisions, late := map[actionKind]bool{}, map[model.Decision]bool{}, map[phase]bool{}
	for range 60_000 {
		w := x.initial(random.IntN(len(scope.Patterns)), scope.Faults)
		for {
			edges := x.successors(&w)
			if len(edges) == 0 {
				break
			}
			e := edges[random.IntN(len(edges))]
			kinds[e.did.kind] = true
			if e.did.kind == checks {
				decisions[e.did.decision] = true
			}
			if e.did.late {
				late[e.did.phase] = true
			}
			w = e.to.world()
		}
	}
	for kind := arrives; kind <= redelivers; kind++ {
		if !kinds[kind] && kind != beats { // a heartbeat changes nothing in the world unless a preemptor waits
			t.Errorf("never: %s", action{kind: kind}.phrase("a worker"))
		}
	}
	for _, d := range []model.Decision{model.DecisionNew, model.DecisionJoin, model.DecisionTakeOver, model.DecisionInterrupt, model.DecisionLater, model.DecisionSuperseded} {
		if !decisions[d] {
			t.Errorf("never decided: %s", d)
		}
	}
	for _, call := range []phase{claiming, interrupting, superseding, cleaning} {
		if !late[call] {
			t.Errorf("never late: %s", call)
		}
	}
}

func TestASearchStopsAtItsLimit(t *testing.T) {
	scope, _ := ScopeNamed("small")
	if report := Run(scope, Options{MaxStates: 1000}); report.Complete || report.Distinct > 1100 {
		t.Fatalf("complete %v, %d distinct", report.Complete, report.Distinct)
	}
}

func TestASearchStopsWhereItIsAskedTo(t *testing.T) {
	small, _ := ScopeNamed("small")
	for _, scope := range []Scope{small, small.merged()} {
		asked := 0
		report := Run(scope, Options{Stop: func() bool { asked++; return asked > 10 }})
		if report.Complete || report.Distinct == 0 || asked != 11 || len(report.Violations) > 0 {
			t.Errorf("complete %v, %d distinct, asked %d times", report.Complete, report.Distinct, asked)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	scope, _ := ScopeNamed("small")
	var states int64
	for b.Loop() {
		states += Run(scope, Options{}).Distinct
	}
	b.ReportMetric(float64(states)/b.Elapsed().Seconds(), "states/s")
}
