package scenario

import (
	"fmt"
	"path"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/intake"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/world/choose"
)

// Draw makes a scenario by choices: a few mails in a few threads of one or two keys, close together
// or far apart, in order or not, and commands that are quick, slow, failing or deaf.
func Draw(c choose.Chooser) Scenario {
	pick := func(n int, label string) int { return c.Choose(n, "scenario."+label) }
	s := Scenario{Workers: 1 + pick(3, "workers"), Claim: claim.DefaultSettings(), Worker: worker.DefaultSettings(), Horizon: time.Hour}
	s.Claim.JobRetention = 24 * time.Hour // what comes after all rows have expired comes soon
	if pick(3, "claim-ttl") == 1 {
		// Longer than a function can stand still and its call be late, together: else the fence
		// could fall after TTL has deleted the row (S7).
		s.Claim.ClaimTTL = 3 * time.Minute
	}
	if pick(4, "grace") == 1 {
		s.Claim.InterruptGrace = 6 * time.Minute // a claim may expire while a message waits for it
	}
	if pick(6, "interval") == 1 {
		s.Claim.MinClaimInterval = 2 * time.Minute
	}
	if pick(8, "room") == 1 {
		s.Claim.MaxJobs, s.Claim.MaxWaiting = 1+pick(2, "jobs"), 1+pick(2, "waiting")
	}
	s.Claim.InterruptBudget = budgets[pick(len(budgets), "budget")]
	if pick(3, "visibility") == 1 {
		s.Worker.Visibility = s.Claim.Lease // the least allowed: work may come again before its lease has ended on every clock
	}
	if pick(8, "receives") == 1 {
		s.MaxReceives = 3 + pick(6, "max-receives") // so that there is dead work
	}
	if pick(3, "timeout") == 1 {
		s.Worker.CommandTimeout = 10 * time.Minute
	}
	s.Flow = job.Settings{JobTimeoutSeconds: job.DefaultJobTimeoutSeconds, InterruptWaitSeconds: intake.InterruptWaitSeconds(s.Claim)}
	if pick(4, "job-timeout") == 1 {
		s.Flow.JobTimeoutSeconds = 20 * 60
	}
	switch s.Senders = mail.SendersOpen; pick(8, "senders") {
	case 1:
		s.Senders = mail.SendersAuthenticated
	case 2:
		s.Senders = mail.SendersListed
	}
	keys := []job.Key{"amelia#scott"}
	if pick(4, "keys") == 1 {
		keys = append(keys, "atlas#dana")
	}
	mails := 2 + pick(5, "mails")
	at := time.Duration(0)
	for n := range mails {
		at += gaps[pick(len(gaps), "gap")]
		m := Mail{
			ID: fmt.Sprintf("m%d", n+1), Keys: keys[pick(len(keys), "key"):][:1], Thread: 1 + pick(3, "thread"),
			At: at, Received: at, Attached: pick(12, "attached") == 1, Command: drawCommand(pick),
		}
		if lateness := time.Duration(pick(300, "lateness")) * time.Second; pick(5, "late") == 1 {
			m.Received -= lateness
		}
		if pick(8, "tie") == 1 && n > 0 {
			m.Received = s.Mails[n-1].Received
		}
		if s.Senders != mail.SendersOpen {
			m.Author = []Author{Customer, Customer, Stranger, Forger}[pick(4, "author")]
		}
		if s.Holds(m) {
			m.Release = drawRelease(pick, at)
		}
		if s.Senders == mail.SendersOpen { // mail that may be held is for one key, and no copy
			if several := pick(10, "several"); several == 1 || several == 2 {
				m.Keys = []job.Key{"amelia#scott", "atlas#dana", "atlas#scott"}[:1+several]
			}
			if n > 0 {
				m.follow(s.Mails[n-1], pick(24, "kin"), n, mails)
			}
		}
		s.Mails = append(s.Mails, m)
	}
	return s
}

// drawRelease draws whether a person releases a mail that came at the time, and when.
func drawRelease(pick func(n int, label string) int, came time.Duration) Release {
	people := pick(4, "released") // two of four times one
	if people == 0 {
		return Release{}
	}
	return Release{At: came + time.Second + gaps[pick(len(gaps), "released-after")], Twice: people == 3}
}

// follow makes the mail, the nth from 0, one that has to do with the one before it, for a few
// kinds.
func (m *Mail) follow(before Mail, kind, n, mails int) {
	switch {
	case before.Answers == m.ID: // it was overtaken by its answer, and itself answers a mail that never comes
		m.Keys, m.Thread, m.Answers = before.Keys, before.Thread, "lost-"+m.ID
	case kind == 1: // a copy, as of a server that delivers to each recipient by itself
		at, received, id := m.At, m.Received, m.ID
		original := before.asSent()
		*m = before
		m.At, m.Received, m.ID, m.Original, m.Object = at, received, id, original, ""
	case kind == 2: // an object of the same name in another folder
		m.Object = m.ID + "/" + path.Base(before.ObjectKey())
	case kind == 3 && n+1 < mails: // the answer to the next, and of a thread of their own
		m.Answers, m.Thread = fmt.Sprintf("m%d", n+2), 10+n
	}
}

var gaps = []time.Duration{0, 20 * time.Millisecond, time.Second, 15 * time.Second, 100 * time.Second, 8 * time.Minute}

// budgets are mostly more than the few mails of a scenario can spend. No bound is one of them.
var budgets = []int{60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 0, 1, 2}

func drawCommand(pick func(n int, label string) int) Command {
	takes := []time.Duration{time.Second, 20 * time.Second, 3 * time.Minute, 12 * time.Minute}
	saves := []time.Duration{time.Second, 10 * time.Second, 29 * time.Second}
	c := Command{Takes: takes[pick(len(takes), "takes")], Saves: saves[pick(len(saves), "saves")]}
	if pick(8, "exit") == 1 {
		c.ExitCode = 1
	}
	c.Ignores = pick(6, "ignores") == 1
	c.Last = LastDeed(pick(int(Finishes)+1, "last"))
	c.LastCode = []int{143, 0, 1}[pick(3, "last-exit")]
	if pick(8, "done-before") == 1 { // and goes on, as one that cleans up
		c.DoneAfter = c.Takes / 2
	}
	return c
}
