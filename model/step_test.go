package model_test

import (
	"slices"
	"testing"

	"github.com/webordinary/hephaestus/model"
)

func openJob(m model.Message) model.Job {
	return model.Job{MessageID: m.ID, ThreadID: m.Thread, ReceivedAtMillis: m.ReceivedAtMillis}
}

func endedJob(m model.Message) model.Job {
	j := openJob(m)
	j.Outcome, j.OutcomeAtMillis = model.Completed, now-1
	return j
}

func TestStepsAreRefused(t *testing.T) {
	a5, b6, b7 := message("a5", 5), message("b6", 6), message("b7", 7)
	start := model.Start{MessageID: "a5", ContainerID: "c1", WorkerID: "w2", Fence: 8}
	finish := model.Finish{MessageID: "a5", WorkerID: "w1", Fence: 7, Outcome: model.Completed}
	for name, c := range map[string]struct {
		step model.Step
		row  model.Row
		job  model.Job
		why  string
	}{
		"claim for a job that has ended":           {model.Claim{Message: b6, ContainerID: "c2"}, row(done), endedJob(b6), "the job has an outcome"},
		"claim for a job that is not there":        {model.Claim{Message: b6, ContainerID: "c2"}, row(done), model.Job{}, "the message has no job row"},
		"claim that has to interrupt first":        {model.Claim{Message: b6, ContainerID: "c2"}, held(), openJob(b6), "interrupt"},
		"claim behind a newer preemptor":           {model.Claim{Message: b6, ContainerID: "c2"}, row(func(r *model.Row) { asked("b7", 7, 0)(r); r.Preemptor.ThreadID = "C" }), openJob(b6), "superseded"},
		"interrupt for a job that has ended":       {model.Interrupt{Message: b6, Token: "t", SeenContainerID: "c1"}, held(), endedJob(b6), "the job has an outcome"},
		"interrupt meant for another container":    {model.Interrupt{Message: b6, Token: "t", SeenContainerID: "c0"}, held(), openJob(b6), "another container holds the claim"},
		"interrupt of a claim that is free by now": {model.Interrupt{Message: b6, Token: "t", SeenContainerID: "c1"}, row(done), openJob(b6), "new"},
		"start of a job that has ended":            {start, row(unleased), endedJob(a5), "the job has an outcome"},
		"start under another container":            {start, row(unleased, func(r *model.Row) { r.ContainerID = "c2" }), openJob(a5), "another container holds the claim"},
		"start of a message that is no job":        {model.Start{MessageID: "a4", ContainerID: "c1", WorkerID: "w2", Fence: 8}, row(unleased), openJob(message("a4", 4)), "the message is not one of the claim's jobs"},
		"start under another's live lease":         {start, row(leaseEnded(s.MaxClockSkewMillis)), openJob(a5), "another worker holds a live lease"},
		"start while a preemptor waits":            {start, row(unleased, asked("b7", 7, 0)), openJob(a5), "a preemptor waits"},
		"start at a fence that was passed":         {start, row(unleased, func(r *model.Row) { r.Fence = 8 }), openJob(a5), "fence or worker is not the claim's"},
		"heartbeat with a stale fence":             {model.Heartbeat{WorkerID: "w1", Fence: 6}, held(), model.Job{}, "fence or worker is not the claim's"},
		"heartbeat of another worker":              {model.Heartbeat{WorkerID: "w2", Fence: 7}, held(), model.Job{}, "fence or worker is not the claim's"},
		"heartbeat on no row":                      {model.Heartbeat{WorkerID: "w1"}, model.Row{}, model.Job{}, "fence or worker is not the claim's"},
		"finish of a job that has ended":           {finish, held(), endedJob(a5), "the job has an outcome"},
		"finish with a stale fence":                {finish, row(func(r *model.Row) { r.Fence = 8 }), openJob(a5), "fence or worker is not the claim's"},
		"finish of another worker":                 {finish, row(func(r *model.Row) { r.WorkerID = "w2" }), openJob(a5), "fence or worker is not the claim's"},
		"finish as superseded":                     {model.Finish{MessageID: "a5", WorkerID: "w1", Fence: 7, Outcome: model.Superseded}, held(), openJob(a5), `work does not end as "superseded"`},
		"hand back with a stale fence":             {model.HandBack{WorkerID: "w1", Fence: 6}, held(), model.Job{}, "fence or worker is not the claim's"},
		"decline of a job that may start":          {model.Decline{MessageID: "a5", ContainerID: "c1", WorkerID: "w2"}, row(unleased), openJob(a5), "the job may start"},
		"decline of a job that another works on":   {model.Decline{MessageID: "a5", ContainerID: "c1", WorkerID: "w2"}, row(asked("b7", 7, 0)), openJob(a5), "another worker holds a live lease"},
		"decline of a job that has ended":          {model.Decline{MessageID: "a5", ContainerID: "c0", WorkerID: "w2"}, held(), endedJob(a5), "the job has an outcome"},
		"clean-up as completed":                    {model.CleanUp{MessageID: "a5", Outcome: model.Completed}, held(), openJob(a5), `clean-up does not end a job as "completed"`},
		"clean-up of a job that is not there":      {model.CleanUp{MessageID: "a5", Outcome: model.Failed}, held(), model.Job{}, "the message has no job row"},
		"arrival of what has arrived":              {model.Arrival{MessageID: "a5", ThreadID: "A", ReceivedAtMillis: 5}, row(), openJob(a5), "the message has a job row"},
		"supersede of a job that is not there":     {model.CleanUp{MessageID: "b7", Outcome: model.Superseded}, held(), openJob(b6), "the message has no job row"},
		"TTL deletion before the end":              {model.Delete{}, row(func(r *model.Row) { r.ExpiresAtSeconds = now / 1000 }), openJob(b7), "the claim has not expired"},
	} {
		t.Run(name, func(t *testing.T) {
			before := model.RowAndJob{Row: c.row, Job: c.job}
			got := c.step.Apply(before, now, s)
			if got.Refused != c.why {
				t.Fatalf("refused: %q, want %q", got.Refused, c.why)
			}
			if !got.After.Equal(before) || len(got.Wakes) > 0 {
				t.Fatalf("a refused step wrote %+v and woke %v", got.After, got.Wakes)
			}
		})
	}
}

func TestStepsWrite(t *testing.T) {
	a5, a6, b7, c8 := message("a5", 5), message("a6", 6), message("b7", 7), message("c8", 8)
	fresh := func(m model.Message, fence int64) model.Row {
		return model.Row{ContainerID: "c2", ThreadID: m.Thread, Jobs: []string{m.ID}, ReceivedAtMillis: m.ReceivedAtMillis,
			NewestMessageID: m.ID, ClaimedAtMillis: now, Fence: fence, ExpiresAtSeconds: s.ExpiresAtSeconds(now)}
	}
	for name, c := range map[string]struct {
		step  model.Step
		row   model.Row
		m     model.Message
		want  model.Row
		wakes []model.Wake
	}{
		"a new claim's fence passes the one on the row": {model.Claim{Message: b7, ContainerID: "c2"},
			row(done, func(r *model.Row) { r.Fence = now + 5 }), b7, fresh(b7, now+6), nil},
		"a take-over drops the holder and wakes nobody but others of its thread": {model.Claim{Message: b7, ContainerID: "c2"},
			row(unleased, asked("b7", 7, 0), func(r *model.Row) {
				r.Preemptor.Waiting = []model.Waiting{{MessageID: "b6", Token: "t6"}, {MessageID: "b7", Token: "t7"}}
			}), b7, fresh(b7, now), []model.Wake{{MessageID: "b6", Token: "t6"}}},
		"a new claim supersedes an older preemptor": {model.Claim{Message: c8, ContainerID: "c2"},
			row(done, asked("b7", 7, 0)), c8, fresh(c8, now), []model.Wake{{MessageID: "b7", Token: "t-b7", Superseded: true}}},
		"a claim over an expired one lets a newer preemptor go on": {model.Claim{Message: a6, ContainerID: "c2"},
			row(expired, unleased, asked("b7", 7, 0)), a6, fresh(a6, now), []model.Wake{{MessageID: "b7", Token: "t-b7"}}},
		"a join raises the newest and supersedes an older preemptor": {model.Claim{Message: message("a8", 8), ContainerID: "c2"},
			row(asked("b7", 7, 0)), message("a8", 8), row(func(r *model.Row) {
				r.Jobs, r.ReceivedAtMillis, r.NewestMessageID = []string{"a5", "a8"}, 8, "a8"
				r.ExpiresAtSeconds = s.ExpiresAtSeconds(now)
			}), []model.Wake{{MessageID: "b7", Token: "t-b7", Superseded: true}}},
		"an interrupt under a live lease waits": {model.Interrupt{Message: b7, Token: "t-b7", SeenContainerID: "c1"},
			held(), b7, row(asked("b7", 7, 0)), nil},
		"an interrupt without a live lease goes on at once": {model.Interrupt{Message: b7, Token: "t-b7", SeenContainerID: "c1"},
			row(unleased), b7, row(unleased, asked("b7", 7, 0)), []model.Wake{{MessageID: "b7", Token: "t-b7"}}},
		"a newer preemptor keeps since when the holder has been asked": {model.Interrupt{Message: c8, Token: "t-c8", SeenContainerID: "c1"},
			row(asked("b7", 7, 500)), c8, row(asked("c8", 8, 500), func(r *model.Row) { r.Preemptor.ThreadID = "C" }),
			[]model.Wake{{MessageID: "b7", Token: "t-b7", Superseded: true}}},
		"clean-up of the job that is worked on raises the fence": {model.CleanUp{MessageID: "a5", Outcome: model.TimedOut},
			held(), a5, row(done, func(r *model.Row) { r.Fence = 8 }), nil},
		"clean-up leaves the claim of others alone": {model.CleanUp{MessageID: "b7", Outcome: model.TimedOut},
			row(asked("b7", 7, 0)), b7, held(), nil},
		"decline leaves the jobs and wakes who waits": {model.Decline{MessageID: "a5", ContainerID: "c1", WorkerID: "w2"},
			row(asked("b7", 7, 0), leaseEnded(s.MaxClockSkewMillis+1)), a5, row(done, asked("b7", 7, 0), func(r *model.Row) { r.Fence = 8 }),
			[]model.Wake{{MessageID: "b7", Token: "t-b7"}}},
		"supersede leaves the jobs that a delayed claim put it in": {model.CleanUp{MessageID: "a6", Outcome: model.Superseded},
			row(func(r *model.Row) { r.Jobs = []string{"a5", "a6"} }), a6, held(), nil},
		"a worker whose start was applied finds its own write": {model.Start{MessageID: "a5", ContainerID: "c1", WorkerID: "w1", Fence: 7},
			row(asked("b7", 7, 0)), a5, row(asked("b7", 7, 0)), nil},
		"hand back keeps the job and wakes who waits": {model.HandBack{WorkerID: "w1", Fence: 7},
			row(asked("b7", 7, 0)), a5, row(unleased, asked("b7", 7, 0)), []model.Wake{{MessageID: "b7", Token: "t-b7"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.step.Apply(model.RowAndJob{Row: c.row, Job: openJob(c.m)}, now, s)
			if !got.OK() {
				t.Fatalf("refused: %s", got.Refused)
			}
			if !got.After.Row.Equal(c.want) {
				t.Fatalf("row\n%+v, want\n%+v", got.After.Row, c.want)
			}
			if !slices.Equal(got.Wakes, c.wakes) {
				t.Fatalf("wakes %v, want %v", got.Wakes, c.wakes)
			}
		})
	}
}

func TestAnEndedJobKeepsItsOutcome(t *testing.T) {
	before := model.RowAndJob{Row: row(done), Job: endedJob(message("a5", 5))}
	for _, step := range []model.Step{model.CleanUp{MessageID: "a5", Outcome: model.TimedOut}, model.CleanUp{MessageID: "a5", Outcome: model.Superseded}} {
		if got := step.Apply(before, now, s); got.After.Job != before.Job {
			t.Fatalf("%s wrote %+v", step, got.After.Job)
		}
	}
}
