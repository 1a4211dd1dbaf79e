package model_test

import (
	"testing"

	"github.com/webordinary/hephaestus/model"
)

const now = int64(1_000_000_000)

var s = model.Settings{LeaseMillis: 90_000, ClaimTTLMillis: 3_600_000, InterruptGraceMillis: 90_000, MaxClockSkewMillis: 5_000}

// held is a claim of thread A for message a5 (received at 5) whose worker has a live lease.
func held() model.Row {
	return model.Row{
		ContainerID: "c1", ThreadID: "A", Jobs: []string{"a5"}, ReceivedAtMillis: 5, NewestMessageID: "a5",
		ClaimedAtMillis: now - 1000, Fence: 7, WorkerID: "w1", WorkerJob: "a5", LeaseExpiresAtMillis: now + 1000,
		ExpiresAtSeconds: now/1000 + 100,
	}
}

func row(edits ...func(*model.Row)) model.Row {
	r := held()
	for _, edit := range edits {
		edit(&r)
	}
	return r
}

func done(r *model.Row)     { r.Jobs, r.WorkerID, r.WorkerJob, r.LeaseExpiresAtMillis = nil, "", "", 0 }
func expired(r *model.Row)  { r.ExpiresAtSeconds = (now-s.MaxClockSkewMillis)/1000 - 1 }
func lapsed(r *model.Row)   { r.ExpiresAtSeconds = (now - s.MaxClockSkewMillis) / 1000 } // over by no more than the skew
func unleased(r *model.Row) { r.WorkerID, r.WorkerJob, r.LeaseExpiresAtMillis = "", "", 0 }
func leaseEnded(ago int64) func(*model.Row) {
	return func(r *model.Row) { r.LeaseExpiresAtMillis = now - ago }
}

// asked makes a message of thread B, received at the given time, the preemptor since requestedAgo
// milliseconds.
func asked(id string, receivedAt, requestedAgo int64) func(*model.Row) {
	return func(r *model.Row) {
		r.Preemptor = model.Preemptor{ThreadID: "B", ReceivedAtMillis: receivedAt, NewestMessageID: id,
			RequestedAtMillis: now - requestedAgo, Waiting: []model.Waiting{{MessageID: id, Token: "t-" + id}}}
	}
}

func message(id string, receivedAt int64) model.Message {
	return model.Message{ID: id, Thread: string(id[0] - 'a' + 'A'), ReceivedAtMillis: receivedAt}
}

func TestDecide(t *testing.T) {
	grace := s.InterruptGraceMillis + s.MaxClockSkewMillis
	for name, c := range map[string]struct {
		row  model.Row
		m    model.Message
		want model.Decision
	}{
		"no row": {model.Row{}, message("b6", 6), model.DecisionNew},
		"a row without jobs is free, also for an older message": {row(done), message("b4", 4), model.DecisionNew},
		"an expired claim is free":                              {row(expired, unleased), message("b4", 4), model.DecisionNew},
		"a claim within the skew of its end is held":            {row(lapsed, unleased), message("b4", 4), model.DecisionSuperseded},
		"already a job":                                 {held(), message("a5", 5), model.DecisionAgain},
		"already a job of an expired claim":             {row(expired, unleased), message("a5", 5), model.DecisionNew},
		"same thread":                                   {held(), message("a6", 6), model.DecisionJoin},
		"same thread, older":                            {held(), message("a4", 4), model.DecisionJoin},
		"another thread, newer":                         {held(), message("b6", 6), model.DecisionInterrupt},
		"another thread, older":                         {held(), message("b4", 4), model.DecisionSuperseded},
		"another thread, same time, greater id":         {held(), message("b5", 5), model.DecisionInterrupt},
		"another thread, same time, smaller id":         {row(func(r *model.Row) { r.NewestMessageID = "c5" }), message("b5", 5), model.DecisionSuperseded},
		"another thread, newer, no live lease":          {row(unleased), message("b6", 6), model.DecisionInterrupt},
		"same thread, a newer preemptor waits":          {row(asked("b7", 7, 0)), message("a6", 6), model.DecisionSuperseded},
		"same thread, an older preemptor waits":         {row(asked("b7", 7, 0)), message("a8", 8), model.DecisionJoin},
		"a third thread, newer than the preemptor":      {row(asked("b7", 7, 0)), message("c8", 8), model.DecisionInterrupt},
		"a third thread, older than the preemptor":      {row(asked("b7", 7, 0)), message("c6", 6), model.DecisionSuperseded},
		"a third thread, same time, greater id":         {row(asked("b7", 7, 0)), message("c7", 7), model.DecisionInterrupt},
		"the preemptor's thread, older message":         {row(asked("b7", 7, 0)), message("b4", 4), model.DecisionInterrupt},
		"the preemptor itself, under a live lease":      {row(asked("b7", 7, 0)), message("b7", 7), model.DecisionInterrupt},
		"the preemptor itself, lease within the skew":   {row(asked("b7", 7, 0), leaseEnded(s.MaxClockSkewMillis)), message("b7", 7), model.DecisionInterrupt},
		"the preemptor itself, lease over":              {row(asked("b7", 7, 0), leaseEnded(s.MaxClockSkewMillis+1)), message("b7", 7), model.DecisionTakeOver},
		"the preemptor itself, no lease":                {row(asked("b7", 7, 0), unleased), message("b7", 7), model.DecisionTakeOver},
		"the preemptor itself, grace just not over":     {row(asked("b7", 7, grace)), message("b7", 7), model.DecisionInterrupt},
		"the preemptor itself, grace over":              {row(asked("b7", 7, grace+1)), message("b7", 7), model.DecisionTakeOver},
		"the preemptor's thread, not waiting, no lease": {row(asked("b7", 7, 0), unleased), message("b8", 8), model.DecisionInterrupt},
		"free, a newer preemptor has been woken":        {row(done, asked("b7", 7, 0)), message("c6", 6), model.DecisionSuperseded},
		"free, an older preemptor has been woken":       {row(done, asked("b7", 7, 0)), message("c8", 8), model.DecisionNew},
		"free, the preemptor itself":                    {row(done, asked("b7", 7, 0)), message("b7", 7), model.DecisionNew},
		"free, the preemptor's thread, older message":   {row(done, asked("b7", 7, 0)), message("b4", 4), model.DecisionNew},
		"expired, a newer preemptor is stale":           {row(expired, unleased, asked("b7", 7, 0)), message("c6", 6), model.DecisionNew},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.row.Validate(); err != nil && !c.row.Expired(now, s) {
				t.Fatalf("the test's own row: %v", err)
			}
			if got := model.Decide(c.row, c.m, now, s); got != c.want {
				t.Fatalf("Decide = %v, want %v", got, c.want)
			}
		})
	}
}

// The search drops the holder, newest message and lease of a free claim from its states, because
// Decide ignores them.
func TestDecideIgnoresTheLastHolderOfAFreeClaim(t *testing.T) {
	for _, edit := range []func(*model.Row){done, func(r *model.Row) { done(r); asked("b7", 7, 0)(r) }} {
		for _, m := range []model.Message{message("a4", 4), message("b4", 4), message("b7", 7), message("c6", 6), message("c9", 9)} {
			full := row(edit)
			bare := full
			bare.ThreadID, bare.ReceivedAtMillis, bare.NewestMessageID = "", 0, ""
			if a, b := model.Decide(full, m, now, s), model.Decide(bare, m, now, s); a != b {
				t.Fatalf("%s: %v with the last holder, %v without", m.ID, a, b)
			}
		}
	}
}
