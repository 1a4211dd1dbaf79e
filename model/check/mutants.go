package check

import (
	"slices"

	"github.com/webordinary/hephaestus/model"
)

// Mutant is a wrong version of the protocol, which a search must catch: a check that cannot fail
// proves nothing.
type Mutant struct {
	Name   string // stable
	Breaks string // what is wrong with it
	edit   func(*protocol)
}

// Mutants lists all mutants.
func Mutants() []Mutant {
	return slices.Concat(claimMutants(), interruptMutants(), turnMutants(), workMutants(), endMutants())
}

// protocolNamed returns the protocol that the mutant makes, or the protocol itself for "".
func protocolNamed(mutant string, s model.Settings) protocol {
	p := protocolAsIs(s)
	if mutant == "" {
		return p
	}
	for _, m := range Mutants() {
		if m.Name == mutant {
			m.edit(&p)
			return p
		}
	}
	panic("check: no mutant is named " + mutant)
}

func claimMutants() []Mutant {
	return []Mutant{
		{"take-over-ignores-lease", "a preemptor does not wait, and takes over while a worker holds a live lease", func(p *protocol) {
			p.interrupt = func(s model.Interrupt, b model.RowAndJob, reading int64) model.Result {
				result := s.Apply(b, reading, p.settings)
				result.Wakes = append(result.Wakes, model.Wake{MessageID: s.Message.ID, Token: s.Token})
				return result
			}
			p.claim = func(s model.Claim, b model.RowAndJob, reading int64) model.Result {
				if b.Row.ThreadID != s.Message.Thread {
					b.Row.LeaseExpiresAtMillis = 0
				}
				return s.Apply(b, reading, p.settings)
			}
		}},
		{"join-clears-newer-preemptor", "a message joins its thread's claim although a newer thread waits", func(p *protocol) {
			claim := p.claim
			p.claim = func(s model.Claim, b model.RowAndJob, reading int64) model.Result {
				if b.Row.ThreadID == s.Message.Thread {
					b.Row.Preemptor = model.Preemptor{}
				}
				return claim(s, b, reading)
			}
		}},
		{"fence-restarts", "a claim on an absent row starts at fence 1", func(p *protocol) {
			claim := p.claim
			p.claim = func(s model.Claim, b model.RowAndJob, reading int64) model.Result {
				result := claim(s, b, reading)
				if result.OK() && !b.Row.Exists() {
					result.After.Row.Fence = 1
				}
				return result
			}
		}},
		{"older-preempts", "age does not count: every other thread may interrupt the holder", func(p *protocol) {
			p.decide = func(row model.Row, m model.Message, reading int64) model.Decision {
				d := model.Decide(row, m, reading, p.settings)
				if d == model.DecisionSuperseded && !row.Preemptor.Exists() {
					return model.DecisionInterrupt
				}
				return d
			}
			p.interrupt = func(s model.Interrupt, b model.RowAndJob, reading int64) model.Result {
				held := b
				held.Row.ReceivedAtMillis, held.Row.NewestMessageID = 0, ""
				result := s.Apply(held, reading, p.settings)
				result.After.Row.ReceivedAtMillis, result.After.Row.NewestMessageID = b.Row.ReceivedAtMillis, b.Row.NewestMessageID
				return result
			}
		}},
		{"superseded-by-thread-alone", "the check calls every message of another thread superseded", func(p *protocol) {
			p.decide = func(row model.Row, m model.Message, reading int64) model.Decision {
				if row.Held(reading, p.settings) && row.ThreadID != m.Thread {
					return model.DecisionSuperseded
				}
				return model.Decide(row, m, reading, p.settings)
			}
		}},
		{"expired-claim-supersedes-newer", "whoever claims an expired claim tells a newer preemptor that it is superseded", func(p *protocol) {
			claim := p.claim
			p.claim = func(s model.Claim, b model.RowAndJob, reading int64) model.Result {
				result := claim(s, b, reading)
				for i := range result.Wakes {
					result.Wakes[i].Superseded = b.Row.Preemptor.ThreadID != s.Message.Thread
				}
				return result
			}
		}},
		{"claim-after-the-end", "a delayed claim does not ask whether its job has ended", func(p *protocol) {
			claim := p.claim
			p.refusesEnded = false
			p.claim = func(s model.Claim, b model.RowAndJob, reading int64) model.Result {
				asOpen := b
				asOpen.Job.Outcome = ""
				result := claim(s, asOpen, reading)
				result.After.Job.Outcome = b.Job.Outcome
				return result
			}
		}},
	}
}

func interruptMutants() []Mutant {
	return []Mutant{
		{"interrupt-forgets-waiting", "a message that begins to wait replaces those of its own thread", func(p *protocol) {
			interrupt := p.interrupt
			p.interrupt = func(s model.Interrupt, b model.RowAndJob, reading int64) model.Result {
				result := interrupt(s, b, reading)
				if waits := &result.After.Row.Preemptor.Waiting; result.OK() {
					*waits = slices.DeleteFunc(slices.Clone(*waits), func(w model.Waiting) bool { return w.MessageID != s.Message.ID })
				}
				return result
			}
		}},
		{"interrupt-any-container", "an interrupt is written whatever container holds the claim by now", func(p *protocol) {
			interrupt := p.interrupt
			p.interrupt = func(s model.Interrupt, b model.RowAndJob, reading int64) model.Result {
				s.SeenContainerID = b.Row.ContainerID
				return interrupt(s, b, reading)
			}
		}},
		{"wait-without-end", "a message that waits sleeps until it is woken, however long", func(p *protocol) { p.waitEnds = false }},
	}
}

func turnMutants() []Mutant {
	return []Mutant{
		{"budget-is-never-spent", "a new thread interrupts the holder whatever has been interrupted before", func(p *protocol) {
			free := p.settings
			free.InterruptBudget = 0
			p.decide = func(row model.Row, m model.Message, reading int64) model.Decision {
				return model.Decide(row, m, reading, free)
			}
			interrupt := p.interrupt
			p.interrupt = func(s model.Interrupt, b model.RowAndJob, reading int64) model.Result {
				unspent := b
				unspent.Row.BudgetUntilMillis = 0
				return interrupt(s, unspent, reading)
			}
		}},
		{"budget-forgets", "a new claim begins with a new budget", func(p *protocol) {
			claim := p.claim
			p.claim = func(s model.Claim, b model.RowAndJob, reading int64) model.Result {
				result := claim(s, b, reading)
				if result.After.Row.ContainerID != b.Row.ContainerID {
					result.After.Row.BudgetUntilMillis = 0
				}
				return result
			}
		}},
		{"spent-is-superseded", "a new thread that may not interrupt is called superseded", func(p *protocol) {
			decide := p.decide
			p.decide = func(row model.Row, m model.Message, reading int64) model.Decision {
				if d := decide(row, m, reading); d != model.DecisionLater {
					return d
				}
				return model.DecisionSuperseded
			}
		}},
		{"row-without-bound", "a message joins or waits however many do", func(p *protocol) {
			p.decide = func(row model.Row, m model.Message, reading int64) model.Decision {
				return model.Decide(row, m, reading, settings)
			}
			p.claim, p.interrupt = taken[model.Claim](settings), taken[model.Interrupt](settings)
		}},
	}
}

func workMutants() []Mutant {
	return []Mutant{
		{"start-ignores-lease", "a worker starts a job that another one holds a live lease for", func(p *protocol) {
			start := p.start
			p.start = func(s model.Start, b model.RowAndJob, reading int64) model.Result {
				if b.Row.WorkerID != s.WorkerID {
					b.Row.LeaseExpiresAtMillis = 0
				}
				return start(s, b, reading)
			}
		}},
		{"start-ignores-preemptor", "a job starts although a preemptor waits, whose message the start forgets", func(p *protocol) {
			start := p.start
			p.start = func(s model.Start, b model.RowAndJob, reading int64) model.Result {
				b.Row.Preemptor = model.Preemptor{}
				return start(s, b, reading)
			}
		}},
		{"start-keeps-fence", "a worker takes over a job with the fence of the one before it", func(p *protocol) {
			start := p.start
			p.start = func(s model.Start, b model.RowAndJob, reading int64) model.Result {
				result := start(s, b, reading)
				if result.OK() {
					result.After.Row.Fence = b.Row.Fence
				}
				return result
			}
		}},
		{"finish-without-fence", "a finish is written by a worker that no longer holds the lease", func(p *protocol) {
			finish := p.finish
			p.refusesStale = false
			p.finish = func(s model.Finish, b model.RowAndJob, reading int64) model.Result {
				if s.WorkerID != b.Row.WorkerID || s.Fence != b.Row.Fence {
					s.WorkerID, s.Fence = b.Row.WorkerID, b.Row.Fence
				}
				return finish(s, b, reading)
			}
		}},
		{"hand-back-drops-job", "a worker that hands back takes the job off the claim", func(p *protocol) {
			handBack := p.handBack
			p.handBack = func(s model.HandBack, b model.RowAndJob, reading int64) model.Result {
				result := handBack(s, b, reading)
				if result.OK() {
					result.After.Row.Jobs = nil
				}
				return result
			}
		}},
		{"no-own-clock", "a worker that cannot reach the row goes on past its lease", func(p *protocol) { p.ownClock = false }},
		{"deletes-first", "a worker deletes the work message before it tells Step Functions", func(p *protocol) { p.deletesLast = false }},
		{"never-reports-again", "a worker that gets a job that has ended only deletes the message", func(p *protocol) { p.reportsAgain = false }},
	}
}

func endMutants() []Mutant {
	return []Mutant{
		{"clean-up-by-key", "clean-up deletes whatever claim the key has", func(p *protocol) {
			cleanUp := p.cleanUp
			p.cleanUp = func(s model.CleanUp, b model.RowAndJob, reading int64) model.Result {
				result := cleanUp(s, b, reading)
				if result.OK() {
					result.After.Row = model.Row{}
				}
				return result
			}
		}},
		{"clean-up-overwrites", "clean-up writes its outcome over the one that is there", func(p *protocol) {
			p.refusesEnded = false
			p.cleanUp = func(s model.CleanUp, b model.RowAndJob, reading int64) model.Result {
				b.Job.Outcome = ""
				return s.Apply(b, reading, p.settings)
			}
		}},
		{"clean-up-keeps-fence", "clean-up clears a lease and leaves the fence as it is", func(p *protocol) {
			cleanUp := p.cleanUp
			p.cleanUp = func(s model.CleanUp, b model.RowAndJob, reading int64) model.Result {
				result := cleanUp(s, b, reading)
				result.After.Row.Fence = b.Row.Fence
				return result
			}
		}},
		{"clean-up-forgets-waiting", "clean-up leaves its message among those that wait", func(p *protocol) {
			p.refusesEnded = false
			cleanUp := p.cleanUp
			p.cleanUp = func(s model.CleanUp, b model.RowAndJob, reading int64) model.Result {
				result := cleanUp(s, b, reading)
				result.After.Row.Preemptor = b.Row.Preemptor
				return result
			}
		}},
		{"decline-keeps-job", "a declined message stays among the claim's jobs", func(p *protocol) {
			decline := p.decline
			p.decline = func(s model.Decline, b model.RowAndJob, reading int64) model.Result {
				result := decline(s, b, reading)
				result.After.Row = b.Row
				return result
			}
		}},
		{"decline-by-container", "a declined message stays among the jobs of a claim that a delayed call made", func(p *protocol) {
			decline := p.decline
			p.decline = func(s model.Decline, b model.RowAndJob, reading int64) model.Result {
				result := decline(s, b, reading)
				if b.Row.ContainerID != s.ContainerID {
					result.After.Row = b.Row
				}
				return result
			}
		}},
		{"supersede-keeps-job", "a superseded message stays among the jobs that a delayed claim put it in", func(p *protocol) {
			cleanUp := p.cleanUp
			p.cleanUp = func(s model.CleanUp, b model.RowAndJob, reading int64) model.Result {
				result := cleanUp(s, b, reading)
				if s.Outcome == model.Superseded {
					result.After.Row.Jobs = b.Row.Jobs
				}
				return result
			}
		}},
	}
}
