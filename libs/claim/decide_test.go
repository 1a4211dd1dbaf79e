package claim_test

import (
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

// held is a claim of thread A whose newest message is a2, with an hour to go.
func held(change ...func(*claim.Row)) *claim.Row {
	row := &claim.Row{
		Key: simtest.Key, ContainerID: "container-1-c1", ThreadID: "A", Jobs: []string{"a1", "a2"},
		ReceivedAtMillis: a2.ReceivedAtMillis, NewestMessageID: "a2", Fence: 1, ExpiresAtSeconds: simtest.Start.Add(claimTTL).Unix(),
	}
	for _, c := range change {
		c(row)
	}
	return row
}

func free(r *claim.Row) { r.Jobs = nil }

// expired makes the claim end the given time ago.
func expired(ago time.Duration) func(*claim.Row) {
	return func(r *claim.Row) { r.ExpiresAtSeconds = simtest.Start.Add(-ago).Unix() }
}

// leased gives a worker the lease for the given time from now.
func leased(left time.Duration) func(*claim.Row) {
	return func(r *claim.Row) {
		r.WorkerID, r.WorkerJob, r.LeaseExpiresAtMillis = "w1", "a1", job.Millis(simtest.Start.Add(left))
	}
}

// asked makes messages of one thread wait; the holder was asked the given time ago. The last
// message is the newest.
func asked(ago time.Duration, waiting ...job.Message) func(*claim.Row) {
	return func(r *claim.Row) {
		newest := waiting[len(waiting)-1]
		r.Preemptor = &claim.Preemptor{
			ThreadID: newest.ThreadID, ReceivedAtMillis: newest.ReceivedAtMillis, NewestMessageID: newest.MessageID,
			RequestedAtMillis: job.Millis(simtest.Start.Add(-ago)), Waiting: map[string]string{},
		}
		for _, m := range waiting {
			r.Preemptor.Waiting[m.MessageID] = "token-" + m.MessageID
		}
	}
}

func TestDecide(t *testing.T) {
	over := skew + time.Second // expired on every clock, in whole seconds
	tests := []struct {
		name string
		row  *claim.Row
		m    job.Message
		want claim.Decision
	}{
		{"no row", nil, a1, claim.DecisionNew},
		{"free", held(free), b3, claim.DecisionNew},
		{"free, and I am older than its last", held(free), c0, claim.DecisionNew},
		{"free, and an older thread waits", held(free, asked(0, b3)), c5, claim.DecisionNew},
		{"free, and a newer thread waits", held(free, asked(0, c5)), b3, claim.DecisionSuperseded},
		{"free, and my thread waits", held(free, asked(0, b3)), b2, claim.DecisionNew},
		{"free, and a newer thread waits for its old thread", held(free, asked(0, b3)), a2, claim.DecisionSuperseded},

		{"expired", held(expired(over)), c0, claim.DecisionNew},
		{"expired, but not on every clock", held(expired(skew)), c0, claim.DecisionSuperseded},
		{"expires now", held(expired(0)), c0, claim.DecisionSuperseded},
		{"expired, and I was among its jobs", held(expired(over)), a1, claim.DecisionNew},
		{"expired, and a newer thread waits", held(expired(over), asked(0, c5)), b3, claim.DecisionNew},
		{"expired and free, but not on every clock, and a newer thread waits", held(free, expired(skew), asked(0, c5)), b3, claim.DecisionSuperseded},

		{"I am among its jobs", held(), a1, claim.DecisionAgain},
		{"I am among its jobs, and a newer thread waits", held(asked(0, b3)), a1, claim.DecisionAgain},

		{"held by my thread", held(), a4, claim.DecisionJoin},
		{"held by my thread, and I am older than its newest", held(), simtest.Message("a0", "A", 0), claim.DecisionJoin},
		{"held by my thread, and an older thread waits", held(asked(0, b3)), a4, claim.DecisionJoin},
		{"held by my thread, and a newer thread waits", held(asked(0, c5)), a4, claim.DecisionSuperseded},

		{"held by another, I am newer", held(), b3, claim.DecisionInterrupt},
		{"held by another, I am older", held(), c0, claim.DecisionSuperseded},
		{"held by another, received at the same time, my id is greater", held(), b2, claim.DecisionInterrupt},
		{"held by another, received at the same time, my id is less", held(), simtest.Message("a1b", "B", 2), claim.DecisionSuperseded},

		{"my thread waits, I do not yet", held(leased(lease), asked(0, b3)), simtest.Message("b4", "B", 4), claim.DecisionInterrupt},
		{"my thread waits, and I am older than the holder", held(leased(lease), asked(0, b3)), simtest.Message("b0", "B", 0), claim.DecisionInterrupt},
		{"an older thread waits", held(leased(lease), asked(0, b3)), c5, claim.DecisionInterrupt},
		{"a newer thread waits", held(leased(lease), asked(0, c5)), b3, claim.DecisionSuperseded},
		{"another thread waits, received when I was, my id is less", held(asked(0, b3)), simtest.Message("b2c", "C", 3), claim.DecisionSuperseded},
		{"another thread waits, received when I was, my id is greater", held(asked(0, b3)), simtest.Message("b3c", "C", 3), claim.DecisionInterrupt},

		{"I wait, and no worker is there", held(asked(0, b3)), b3, claim.DecisionTakeOver},
		{"I wait, and the worker lives", held(leased(1), asked(0, b3)), b3, claim.DecisionInterrupt},
		{"I wait, and the lease is over, but not on every clock", held(leased(-skew), asked(0, b3)), b3, claim.DecisionInterrupt},
		{"I wait, and the lease is over on every clock", held(leased(-skew-1*time.Millisecond), asked(0, b3)), b3, claim.DecisionTakeOver},
		{"I wait, and the grace is over, but not on every clock", held(leased(lease), asked(grace+skew, b3)), b3, claim.DecisionInterrupt},
		{"I wait, and the grace is over on every clock", held(leased(lease), asked(grace+skew+time.Millisecond, b3)), b3, claim.DecisionTakeOver},
		{"my thread waits, no worker is there, but I did not ask", held(asked(0, b2)), b3, claim.DecisionInterrupt},
		{"I wait behind a newer message of my thread", held(asked(0, b2, b3)), b2, claim.DecisionTakeOver},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := claim.Decide(test.row, test.m, simtest.Start, claim.DefaultSettings()); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
