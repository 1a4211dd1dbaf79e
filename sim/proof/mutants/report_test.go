package mutants_test

import (
	"testing"

	"github.com/webordinary/hephaestus/sim/proof/mutants"
	"github.com/webordinary/hephaestus/sim/proof/mutants/verdict"
)

func killed(seconds float64, seed, events int) mutants.Result {
	r := mutants.Result{Expected: true, Verdict: verdict.Verdict{Killed: true, Seed: seed, Seeds: seed + 1, Seconds: seconds}}
	if events > 0 {
		r.Shrunk = &verdict.Shrunk{Events: events}
	}
	return r
}

func TestSum(t *testing.T) {
	ofCore := killed(3, 0, 0)
	ofCore.Package = "./sim/aws/ddbcore"
	byAnother := killed(1, 7, 3)
	byAnother.Expected = false
	r := mutants.Sum([]mutants.Result{killed(1, 4, 12), ofCore, byAnother, killed(70, 900, 13), killed(2, 0, 4), killed(1, 1, 0)})
	if r.Killed != 5 || r.Survived != 1 || r.OK() || r.MedianSeconds != 2 || r.WorstSeconds != 70 || r.MedianSeeds != 5 {
		t.Errorf("%+v", r)
	}
	if r.SoonEnough {
		t.Error("70 s are soon enough")
	}
	if want := (mutants.StorySizes{Counted: 4, Short: 2, Median: 12, Worst: 13, Without: 1}); r.Stories == nil || *r.Stories != want {
		t.Errorf("%+v, want %+v", r.Stories, want)
	}
	r = mutants.Sum([]mutants.Result{killed(1, 4, 0), {Error: "it does not build"}})
	if r.Killed != 1 || r.Survived != 0 || r.Errors != 1 || r.OK() {
		t.Errorf("%+v", r)
	}
	r = mutants.Sum([]mutants.Result{killed(1, 4, 0), ofCore})
	if !r.OK() || !r.SoonEnough || r.Stories != nil {
		t.Errorf("%+v", r)
	}
}
