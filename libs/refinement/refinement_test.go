package refinement_test

import (
	"slices"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/refinement"
	"github.com/webordinary/hephaestus/model"
)

const now = int64(1_900_000_000_000)

func held() *claim.Row {
	return &claim.Row{
		Key: "amelia#scott", ContainerID: "c1", ThreadID: "A", Jobs: []string{"a1"}, ReceivedAtMillis: 1, NewestMessageID: "a1",
		ClaimedAtMillis: now - 1000, Fence: 7, WorkerID: "w1", WorkerJob: "a1", LeaseExpiresAtMillis: now + 1000, ExpiresAtSeconds: now/1000 + 100,
	}
}

func open(id, thread string) *claim.Job {
	return &claim.Job{MessageID: id, Key: "amelia#scott", ThreadID: thread, ReceivedAtMillis: 1, ContainerID: "c1"}
}

func TestAChangeIsTheStepThatMadeIt(t *testing.T) {
	s := refinement.Settings(claim.DefaultSettings())
	beaten := held()
	beaten.LeaseExpiresAtMillis, beaten.ExpiresAtSeconds = now+s.LeaseMillis, s.ExpiresAtSeconds(now)
	stolen := held()
	stolen.WorkerID = "w2"
	rejected := open("a2", "A")
	rejected.Outcome = job.Rejected
	doubted := open("a2", "A")
	doubted.HeldAtMillis, doubted.ContainerID = now, ""
	fresh := open("a2", "A")
	fresh.ContainerID = ""
	refused := []string{"a worker that nobody let in", "it is released and held", "it has a part in a claim"}
	for name, c := range map[string]struct {
		change refinement.Change
		want   model.Step // nil for none
	}{
		"a heartbeat":                 {refinement.Change{RowBefore: held(), Row: beaten, JobBefore: open("a1", "A"), Job: open("a1", "A")}, model.Heartbeat{WorkerID: "w1", Fence: 7}},
		"a worker that nobody let in": {refinement.Change{RowBefore: held(), Row: stolen, JobBefore: open("a1", "A"), Job: open("a1", "A")}, nil},
		"a mail that is not taken":    {refinement.Change{RowBefore: held(), Row: held(), Job: rejected}, nil},
		"a mail that is held":         {refinement.Change{RowBefore: held(), Row: held(), Job: doubted}, nil},
		"a person is told of it":      {refinement.Change{RowBefore: held(), Row: held(), JobBefore: doubted, Job: doubted}, nil},
		"it is released":              {refinement.Change{RowBefore: held(), Row: held(), JobBefore: doubted, Job: fresh}, model.Arrival{MessageID: "a2", ThreadID: "A", ReceivedAtMillis: 1}},
		"it is released and held":     {refinement.Change{RowBefore: held(), Row: held(), JobBefore: fresh, Job: doubted}, nil},
		"it has a part in a claim":    {refinement.Change{RowBefore: held(), Row: stolen, JobBefore: doubted, Job: doubted}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			step, err := c.change.Judge(s, now)
			if step != c.want || (err != nil) != slices.Contains(refused, name) {
				t.Errorf("judged %v, %v; want %v", step, err, c.want)
			}
		})
	}
}

func TestAChangeOfTheClaimAloneIsAboutWhoeverBeginsToWait(t *testing.T) {
	asked, askedTwice := held(), held()
	asked.Preemptor = &claim.Preemptor{ThreadID: "B", Waiting: map[string]string{"b2": "t2"}}
	askedTwice.Preemptor = &claim.Preemptor{ThreadID: "B", Waiting: map[string]string{"b1": "t1", "b2": "t2"}}
	for name, c := range map[string]struct {
		change refinement.Change
		want   string
	}{
		"the first that waits":  {refinement.Change{RowBefore: held(), Row: asked}, "b2"},
		"one more that waits":   {refinement.Change{RowBefore: asked, Row: askedTwice}, "b1"},
		"nobody waits":          {refinement.Change{RowBefore: held(), Row: held()}, "a1"},
		"a claim that is fresh": {refinement.Change{Row: held()}, ""},
	} {
		if got := c.change.About(); got != c.want {
			t.Errorf("%s: about %q, want %q", name, got, c.want)
		}
	}
}

func TestDecisionsAndSettingsAreTheSameInBothWords(t *testing.T) {
	for d := claim.DecisionSuperseded; d <= claim.DecisionTakeOver; d++ {
		if m := refinement.Decision(d); m.String() != d.String() || m.Proceeds() != d.Proceeds() {
			t.Errorf("%s is %s in the model's words", d, m)
		}
	}
	s := claim.Settings{Lease: time.Second, ClaimTTL: 2 * time.Second, InterruptGrace: 3 * time.Second, MaxClockSkew: 4 * time.Second, MaxJobs: 5, MaxWaiting: 6, InterruptBudget: 7}
	want := model.Settings{LeaseMillis: 1000, ClaimTTLMillis: 2000, InterruptGraceMillis: 3000, MaxClockSkewMillis: 4000, MaxJobs: 5, MaxWaiting: 6, InterruptBudget: 7}
	if got := refinement.Settings(s); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
