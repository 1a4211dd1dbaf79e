package model_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/model"
)

// drawMessage draws one of few messages, so that a random row often has it.
func drawMessage(t *rapid.T) model.Message {
	return message(rapid.SampledFrom([]string{"a4", "a5", "a5", "a5", "a6", "b6", "b7", "c8"}).Draw(t, "message"), rapid.Int64Range(4, 8).Draw(t, "receivedAt"))
}

func drawRow(t *rapid.T) model.Row {
	edits := []func(*model.Row){}
	switch rapid.IntRange(0, 4).Draw(t, "lease") {
	case 1:
		edits = append(edits, unleased)
	case 2:
		edits = append(edits, leaseEnded(s.MaxClockSkewMillis+1))
	case 3:
		edits = append(edits, done)
	}
	if rapid.Bool().Draw(t, "preempted") {
		edits = append(edits, asked("b7", 7, rapid.SampledFrom([]int64{0, 200_000}).Draw(t, "since")))
	}
	if rapid.Bool().Draw(t, "joined") {
		edits = append(edits, func(r *model.Row) {
			if len(r.Jobs) > 0 {
				r.Jobs = []string{"a5", "a6"}
			}
		})
	}
	if rapid.IntRange(0, 4).Draw(t, "expired") == 1 {
		edits = append(edits, expired)
	}
	if rapid.IntRange(0, 9).Draw(t, "absent") == 1 {
		return model.Row{}
	}
	return row(edits...)
}

// drawnStep is a step as rapid logs it.
type drawnStep struct{ model.Step }

func (s drawnStep) GoString() string { return s.String() }

func drawStep(t *rapid.T, m model.Message) model.Step {
	outcome := rapid.SampledFrom([]model.Outcome{model.Completed, model.Interrupted, model.TimedOut, model.Failed, model.Superseded})
	worker := rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "worker")
	fence := rapid.Int64Range(7, 8).Draw(t, "fence")
	container := rapid.SampledFrom([]string{"c0", "c1", "c1", "c1"}).Draw(t, "container")
	return rapid.SampledFrom([]drawnStep{
		{model.Claim{Message: m, ContainerID: "c2"}},
		{model.CleanUp{MessageID: m.ID, Outcome: outcome.Draw(t, "cleaned")}},
		{model.Decline{MessageID: m.ID, ContainerID: container, WorkerID: worker}},
		{model.Delete{}},
		{model.Finish{MessageID: m.ID, WorkerID: worker, Fence: fence, Outcome: outcome.Draw(t, "outcome")}},
		{model.HandBack{WorkerID: worker, Fence: fence}},
		{model.Heartbeat{WorkerID: worker, Fence: fence}},
		{model.Interrupt{Message: m, Token: "t", SeenContainerID: container}},
		{model.Start{MessageID: m.ID, ContainerID: container, WorkerID: worker, Fence: fence}},
	}).Draw(t, "step").Step
}

func TestExplainNamesEveryStep(t *testing.T) {
	named := map[string]int{}
	for range 50 { // enough for each step to succeed at least once
		rapid.Check(t, func(t *rapid.T) { explainOne(t, named) })
	}
	if len(named) < 9 && !testing.Short() {
		t.Fatalf("only these steps succeeded: %v", named)
	}
}

func explainOne(t *rapid.T, named map[string]int) {
	m := drawMessage(t)
	before := model.RowAndJob{Row: drawRow(t), Job: openJob(m)}
	before.Job.ContainerID = rapid.SampledFrom([]string{"", "c0", "c1"}).Draw(t, "jobContainer")
	step := drawStep(t, m)
	if decline, ok := step.(model.Decline); ok {
		before.Job.ContainerID = decline.ContainerID // the implementation demands it
	}
	result := step.Apply(before, now, s)
	if !result.OK() {
		if !result.After.Equal(before) {
			t.Fatalf("%s was refused and wrote", step)
		}
		return
	}
	if err := result.After.Row.Validate(); err != nil && before.Row.Validate() == nil {
		t.Fatalf("%s made a row that cannot be: %v", step, err)
	}
	got, ok := s.Explain(before, result.After, now)
	if !ok {
		t.Fatalf("no step explains what %s did to\n%+v: \n%+v", step, before, result.After)
	}
	if verb := verbOf(step.String()); !result.After.Equal(before) && verb != verbOf(got.String()) {
		t.Fatalf("%s is explained as %s", step, got)
	}
	named[verbOf(step.String())]++
}

func verbOf(step string) string {
	verb, _, _ := strings.Cut(step, " of ")
	verb, _, _ = strings.Cut(verb, " for ")
	verb, _, _ = strings.Cut(verb, " by ")
	return verb
}

func TestExplainNamesAnArrivalAndAWriteOfWhatStoodThere(t *testing.T) {
	before := model.RowAndJob{Row: row()}
	arrived := model.RowAndJob{Row: before.Row, Job: openJob(message("a5", 5))}
	if step, _ := s.Explain(before, arrived, now); step != (model.Arrival{MessageID: "a5", ThreadID: arrived.Job.ThreadID, ReceivedAtMillis: 5}) {
		t.Errorf("a job row without an outcome is explained as %v", step)
	}
	if step, _ := s.Explain(arrived, arrived, now); step != (model.Nothing{}) {
		t.Errorf("no change is explained as %v", step)
	}
	arrived.Job.Outcome = model.Completed
	if step, ok := s.Explain(before, arrived, now); ok {
		t.Errorf("a job that arrives with its outcome is explained as %v", step)
	}
}

func TestExplainRefusesWhatNoStepDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		before := model.RowAndJob{Row: row(asked("b7", 7, 0)), Job: openJob(m)}
		after := before
		switch rapid.IntRange(0, 8).Draw(t, "wrong") {
		case 0:
			after.Row.Fence--
		case 1:
			after.Row.ContainerID = "c9"
		case 2:
			after.Row.Jobs = []string{"zz"}
		case 3:
			after.Row = model.Row{}
		case 4:
			after.Row.Preemptor = model.Preemptor{}
		case 5:
			after.Row.LeaseExpiresAtMillis += 1 << 40
		case 6:
			after.Row.WorkerID = "w9"
		case 7:
			after.Job.StartedAtMillis = now + 1
		case 8:
			after.Row.Preemptor.RequestedAtMillis--
		}
		if step, ok := s.Explain(before, after, now); ok {
			t.Fatalf("explained as %s", step)
		}
	})
}
