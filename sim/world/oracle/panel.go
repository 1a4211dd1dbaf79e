package oracle

import (
	"slices"
	"time"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/model"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// Violation is a promise that a run broke.
type Violation struct {
	Invariant string        `json:"invariant"` // a name of the table
	What      string        `json:"what"`
	At        time.Duration `json:"atNanoseconds"`
	Event     int           `json:"event"`
}

// Listener hears what the oracles find.
type Listener struct {
	Violated func(Violation)  // the first violation
	Step     func(model.Step) // which step of the model a write is
}

// hooks are what an oracle hears of; it does not hear of what is nil.
type hooks struct {
	record func(r audit.Record, again bool, err error) // a record is written
	job    func(Change)                                // a job's row changes
	claim  func(Change)                                // a claim's row changes
	change func(Change)                                // either does

	prepares             func(Command)                // a command is prepared from now on, under its lease
	begins, asked, kills func(Command)                // a command begins, is asked to stop, is about to be killed
	over                 func(Command)                // its worker has done with it, or is dead
	frozen               func(Command, time.Duration) // its machine stands still
	leased               func(Command, int64)         // its worker is told until when it has the lease, ms
	runs                 func(Command)                // after an event: it is prepared or runs, and its machine does not stand still

	taken func(scenario.Message) // intake says that it has dealt with it, and is not called again

	superseded func(m job.Message, nowMillis int64) // a message is told that it is superseded, at a time of the teller's clock

	// At the end, in this order.
	message   func(*Ending, scenario.Message, *claim.Job) // how a message ended; its job may be nil or open
	end       func(*Ending)                               // if all messages have ended
	execution func(*Ending, Execution)
	left      func(*claim.Row) // a claim row that is left
	remains   func(*Ending)    // what else is left
}

// broken says that the promise is broken, and how.
type broken func(format string, arguments ...any)

// Panel is the oracles of one run.
type Panel struct {
	view      View
	scenario  *scenario.Scenario
	messages  []scenario.Message // of the scenario
	model     model.Settings
	ignore    map[string]bool
	listener  Listener
	violation *Violation
	oracles   []hooks
	byEvent   []func(Command) // the hooks that are asked after every event

	commands    []Command      // that are prepared or have begun, and are not over
	leaseMillis map[Term]int64 // the latest lease end that a row gave the holder, by the holder's clock
}

// Violation is the first promise that the run broke; nil if it has broken none.
func (p *Panel) Violation() *Violation { return p.violation }

// Broken notes that a promise is broken, if it is the first.
func (p *Panel) Broken(name, what string) {
	if p.violation != nil || p.ignore[name] {
		return
	}
	p.violation = &Violation{Invariant: name, What: what, At: p.view.Now().Sub(scenario.Epoch), Event: p.view.Event()}
	p.listener.Violated(*p.violation)
}

// refined is the name of the promise that every write is a step of the model; a row that cannot be
// read breaks it too.
const refined = "refinement"

// Unreadable notes that a row cannot be read: the protocol writes no such row.
func (p *Panel) Unreadable(err error) { p.Broken(refined, err.Error()) }

// RecordWritten judges a record; again says that it was there already.
func (p *Panel) RecordWritten(r audit.Record, again bool, err error) {
	for i := range p.oracles {
		if hook := p.oracles[i].record; hook != nil {
			hook(r, again, err)
		}
	}
}

// JobChanged judges a change of a job's row.
func (p *Panel) JobChanged(c Change) {
	for i := range p.oracles {
		if hook := p.oracles[i].job; hook != nil {
			hook(c)
		}
	}
}

// ClaimChanged judges a change of a claim's row.
func (p *Panel) ClaimChanged(c Change) {
	for i := range p.oracles {
		if hook := p.oracles[i].claim; hook != nil {
			hook(c)
		}
	}
	if c.Row != nil && c.Row.WorkerID != "" {
		t := Term{c.Key, c.Row.Fence}
		p.leaseMillis[t] = max(p.leaseMillis[t], c.Row.LeaseExpiresAtMillis)
	}
}

// Changed judges a whole call, which changed a claim's row, a job's or both.
func (p *Panel) Changed(c Change) {
	for i := range p.oracles {
		if hook := p.oracles[i].change; hook != nil {
			hook(c)
		}
	}
}

// CommandPrepares follows a command from its preparation on, until CommandIsOver.
func (p *Panel) CommandPrepares(c Command) {
	p.commands = append(p.commands, c)
	p.ask(c, func(h *hooks) func(Command) { return h.prepares })
}

// CommandBegins judges the begin of a command that was prepared.
func (p *Panel) CommandBegins(c Command) {
	p.ask(c, func(h *hooks) func(Command) { return h.begins })
}

// CommandIsAsked judges that a command is asked to stop.
func (p *Panel) CommandIsAsked(c Command) {
	p.ask(c, func(h *hooks) func(Command) { return h.asked })
}

// CommandIsKilled judges that a command is about to be killed.
func (p *Panel) CommandIsKilled(c Command) {
	p.ask(c, func(h *hooks) func(Command) { return h.kills })
}

func (p *Panel) ask(c Command, which func(*hooks) func(Command)) {
	for i := range p.oracles {
		if hook := which(&p.oracles[i]); hook != nil {
			hook(c)
		}
	}
}

// CommandIsOver stops following the command.
func (p *Panel) CommandIsOver(c Command) {
	p.commands = slices.DeleteFunc(p.commands, func(other Command) bool { return other == c })
	p.ask(c, func(h *hooks) func(Command) { return h.over })
}

// CommandStandsStill says that the command's machine stands still for d.
func (p *Panel) CommandStandsStill(c Command, d time.Duration) {
	for i := range p.oracles {
		if hook := p.oracles[i].frozen; hook != nil {
			hook(c, d)
		}
	}
}

// LeaseIsKnown says until when the command's worker is told that it has the lease.
func (p *Panel) LeaseIsKnown(c Command, untilMillis int64) {
	for i := range p.oracles {
		if hook := p.oracles[i].leased; hook != nil {
			hook(c, untilMillis)
		}
	}
}

// ToldSuperseded judges that a message is told that it is superseded, at a time of the teller's
// clock.
func (p *Panel) ToldSuperseded(m job.Message, nowMillis int64) {
	for i := range p.oracles {
		if hook := p.oracles[i].superseded; hook != nil {
			hook(m, nowMillis)
		}
	}
}

// EventIsTaken judges that intake says it has dealt with an event of the mail in the object. What
// becomes of a mail that was held is up to those who release it.
func (p *Panel) EventIsTaken(object string) {
	p.isTaken(func(m scenario.Message) bool { return m.ObjectKey() == object && !p.scenario.Holds(m.Mail) })
}

// ReleaseIsTaken judges that intake says it has dealt with a person's release of the message.
func (p *Panel) ReleaseIsTaken(messageID string) {
	p.isTaken(func(m scenario.Message) bool { return m.ID == messageID })
}

func (p *Panel) isTaken(which func(scenario.Message) bool) {
	for _, m := range p.messages {
		if !which(m) {
			continue
		}
		for i := range p.oracles {
			if hook := p.oracles[i].taken; hook != nil {
				hook(m)
			}
		}
	}
}

// momentToAct is how long a worker that runs may take to do what is due by its clock: a few of the
// simulation's latencies.
const momentToAct = time.Second

// AfterEvent judges the commands when an event and all that it did at once are over. A command that
// stands still with its machine is not judged.
func (p *Panel) AfterEvent() {
	for _, c := range p.commands {
		if c.Exited() || !p.view.Now().After(c.FrozenUntil().Add(momentToAct)) {
			continue
		}
		for _, hook := range p.byEvent {
			hook(c)
		}
	}
}

// AtEnd judges a world in which nothing happens any more: everything must have come to its end.
func (p *Panel) AtEnd(e *Ending) {
	e.Jobs = map[string]*claim.Job{}
	for _, m := range p.messages {
		j := p.job(m.ID)
		for _, h := range p.oracles {
			if h.message != nil {
				h.message(e, m, j)
			}
		}
		if j != nil && j.Held() && p.violation == nil {
			continue
		}
		if j == nil || j.Outcome == "" {
			return // what follows supposes that all have ended
		}
		e.Jobs[m.ID] = j
	}
	for _, h := range p.oracles {
		if h.end != nil {
			h.end(e)
		}
	}
	for _, x := range e.Executions {
		for _, h := range p.oracles {
			if h.execution != nil {
				h.execution(e, x)
			}
		}
	}
	for _, row := range e.Claims {
		for _, h := range p.oracles {
			if h.left != nil {
				h.left(row)
			}
		}
	}
	for _, h := range p.oracles {
		if h.remains != nil {
			h.remains(e)
		}
	}
}

// CommandsAreOver judges that no command runs any more.
func (p *Panel) CommandsAreOver() {
	if len(p.commands) > 0 {
		p.Broken("orphan", "a command still runs")
	}
}

// claim reads a claim as it is now.
func (p *Panel) claim(key job.Key) *claim.Row {
	row, err := p.view.Claim(key)
	if err != nil {
		p.Unreadable(err)
	}
	return row
}

// job reads a job as it is now.
func (p *Panel) job(messageID string) *claim.Job {
	j, err := p.view.Job(messageID)
	if err != nil {
		p.Unreadable(err)
	}
	return j
}

// leaseEndMillis is the latest lease end that a row gave the command's worker, by the worker's
// clock.
func (p *Panel) leaseEndMillis(c Command) int64 { return p.leaseMillis[c.Term()] }
