// Package oracle judges a run of the simulation: one small oracle per promise, each in a file of
// its own, all in one table. They watch every change of a row, every begin and end of a command,
// every event, and the end.
//
// It promises that a run's violation is the first promise that the run breaks; if one event breaks
// several, the first in the table. An oracle sees a world only through View, Command and Change,
// which it can only read; what it must remember it keeps itself. It does not see how a world is
// run, and changes nothing in it.
//
// A new promise needs a file with its oracle, and a line in the table.
package oracle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/libs/refinement"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// promise is a line of the table.
type promise struct {
	name  string // in verdicts, on the command line and in the mutants' files
	says  string
	watch func(*Panel, broken) hooks
}

// promises are judged in this order: if an event breaks several, the first counts. The narrow
// promises come before refinement, for a write that breaks one of them is mostly no step of the
// model either.
var promises = [...]promise{
	{"S7", "fences only grow per key, also across TTL deletion", watchFences},
	{"S1", "per key at most one worker holds a live lease, and no command outlives its own", watchLeases},
	{"S2", "an interrupt meant for one container never stops another", watchInterrupts},
	{"mail", "each mail is one message to each of its keys, whose command reads that mail, and copies of it are not worked on twice", watchMails},
	{"taken", "each message of a mail that intake says it has taken has its execution, its outcome, or waits for a person", watchTaken},
	{"S3", "an older message never preempts, nor takes the place of, a newer one of another thread", watchOrder},
	{"S4", "clean-up never touches a claim that the message has no part in", watchCleanUp},
	{"S8", "a mail that is held touches no claim before a person releases it, and a person is told of it", watchHeldMail},
	{"L1", "every message reaches one outcome, for a reason, and a person is told of those that need one", watchOutcomes},
	{"S5", "each job that did not complete has exactly one record, which says what happened; each completed one none", watchRecords},
	{"word", "a job ends as its command said: done, saved or neither; what it printed is kept", watchWords},
	{"L2", "per key, of the messages that did not fail, the newest one's thread completes", watchNewest},
	{"S6", "each message has at most one outcome, and its execution ends accordingly", watchEndings},
	{"L3", "no claim stays held without a job that is still running", watchHeldClaims},
	{"bound", "a command is asked to stop, and is gone, in time", watchBounds},
	{"spurious", "a command is not killed under a lease that its worker knows to have", watchKills},
	{"orphan", "nothing is left behind: no execution, token, message, preemptor or command", watchOrphans},
	{"budget", "new threads interrupt a key's holders so often an hour and no more", watchBudgets},
	{"row", "a claim row is never half written, and never too large", watchRows},
	{allowed, "no call is denied by its caller's role, as deploy/template.yaml has it", watchDenials},
	{refined, "every write is a step that the model allows", watchSteps},
}

// NewPanel makes the oracles of a run. It never reports a promise named in ignore.
func NewPanel(view View, s *scenario.Scenario, ignore map[string]bool, listener Listener) *Panel {
	p := &Panel{
		view: view, scenario: s, messages: s.Messages(), model: refinement.Settings(s.Claim), ignore: ignore, listener: listener,
		leaseMillis: map[Term]int64{}, oracles: make([]hooks, 0, len(promises)),
	}
	for _, promise := range promises {
		h := promise.watch(p, func(format string, arguments ...any) {
			if p.violation == nil {
				p.Broken(promise.name, fmt.Sprintf(format, arguments...))
			}
		})
		p.oracles = append(p.oracles, h)
		if h.runs != nil {
			p.byEvent = append(p.byEvent, h.runs)
		}
	}
	return p
}

// Promise is the name of a promise, and what it says.
type Promise struct{ Name, Says string }

// Promises lists the promises in the order in which they are judged.
func Promises() []Promise {
	var list []Promise
	for _, p := range promises {
		list = append(list, Promise{p.name, p.says})
	}
	return list
}

// Parse reads a list of promises' names separated by commas; an empty list is none.
func Parse(list string) (map[string]bool, error) {
	named := map[string]bool{}
	if list == "" {
		return named, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		if !slices.ContainsFunc(promises[:], func(p promise) bool { return p.name == name }) {
			return nil, fmt.Errorf("promise %q: want some of %s", name, names())
		}
		named[name] = true
	}
	return named, nil
}

func names() string {
	var list []string
	for _, p := range promises {
		list = append(list, p.name)
	}
	return strings.Join(list, ", ")
}
