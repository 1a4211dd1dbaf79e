package oracle_test

import (
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/model"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// still is a world in which nothing is: no row, no fault.
type still struct{}

func (still) Now() time.Time                           { return scenario.Epoch }
func (still) Event() int                               { return 7 }
func (still) Struck(fault.Kind) bool                   { return false }
func (still) Claim(job.Key) (*claim.Row, error)        { return nil, nil }
func (still) Job(messageID string) (*claim.Job, error) { return nil, nil }
func (still) Started(string) bool                      { return false }

func panel(ignore string, t *testing.T) (*oracle.Panel, *[]oracle.Violation) {
	t.Helper()
	ignored, err := oracle.Parse(ignore)
	if err != nil {
		t.Fatal(err)
	}
	var heard []oracle.Violation
	s := &scenario.Scenario{Claim: claim.DefaultSettings()}
	return oracle.NewPanel(still{}, s, ignored, oracle.Listener{
		Violated: func(v oracle.Violation) { heard = append(heard, v) }, Step: func(model.Step) {},
	}), &heard
}

// halfWritten is a claim that names a worker without its lease's end.
func halfWritten() oracle.Change {
	row := &claim.Row{Key: "amelia#scott", ContainerID: "c1", ThreadID: "A", Jobs: []string{"a1"}, Fence: 1, WorkerID: "w1", WorkerJob: "a1"}
	return oracle.Change{Key: row.Key, Row: row, Asked: scenario.Epoch}
}

func TestAHalfWrittenClaimBreaksRow(t *testing.T) {
	p, heard := panel("", t)
	p.ClaimChanged(halfWritten())
	v := p.Violation()
	if v == nil || v.Invariant != "row" || v.Event != 7 || len(*heard) != 1 || (*heard)[0] != *v {
		t.Errorf("violation %+v, heard %+v", v, *heard)
	}
}

func TestWhatIsIgnoredIsNotBroken(t *testing.T) {
	p, heard := panel("row", t)
	p.ClaimChanged(halfWritten())
	if v := p.Violation(); v != nil || len(*heard) > 0 {
		t.Errorf("violation %+v, heard %+v", v, *heard)
	}
}

func TestTheFirstBrokenPromiseIsTheRuns(t *testing.T) {
	p, heard := panel("", t)
	p.ClaimChanged(halfWritten())
	p.Broken("L1", "something else")
	if v := p.Violation(); v.Invariant != "row" || len(*heard) != 1 {
		t.Errorf("violation %+v, heard %+v", v, *heard)
	}
}

func TestEveryPromiseHasANameAndASentence(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range oracle.Promises() {
		if p.Name == "" || p.Says == "" || seen[p.Name] {
			t.Errorf("%+v", p)
		}
		seen[p.Name] = true
		if on, err := oracle.Parse(p.Name); err != nil || !on[p.Name] || len(on) != 1 {
			t.Errorf("%s is read as %v, %v", p.Name, on, err)
		}
	}
	if on, err := oracle.Parse("S1,S9"); err == nil {
		t.Errorf("S9 is read as %v", on)
	}
}
