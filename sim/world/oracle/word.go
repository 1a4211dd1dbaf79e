package oracle

import (
	"strings"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// words is the oracle of word (docs/protocol.md, How a command ends).
type words struct {
	*Panel
	broken broken
	exits  map[Term]exited
}

// exited is how a command ended that was not killed for the loss of its lease.
type exited struct {
	worker.Exit
	overtime bool // its time was over
}

func watchWords(p *Panel, broken broken) hooks {
	o := words{p, broken, map[Term]exited{}}
	return hooks{over: o.over, change: o.changed}
}

func (o words) over(c Command) {
	if e := c.Exit(); e != nil {
		ran := c.WorkerNow().Sub(c.BeganAt())
		o.exits[c.Term()] = exited{Exit: *e, overtime: ran >= o.scenario.Worker.CommandTimeout}
	}
}

// changed: a worker that ends the job of its command, or hands it back, goes by what the command
// said. It gives its lease up then, and leaves the fence; a decline, of the same work that came
// again, raises it.
func (o words) changed(c Change) {
	before := c.RowBefore
	if c.Writer.Kind != Worker || before == nil || before.WorkerID != c.Writer.Name || c.Row == nil || c.Row.Fence != before.Fence {
		return
	}
	exit, ended := o.exits[Term{c.Key, before.Fence}]
	if !ended {
		return
	}
	switch {
	case c.Job != nil && c.Job.Outcome != "" && c.Job.MessageID == before.WorkerJob:
		o.ends(c.Job, exit)
	case c.Job == nil && c.Row.WorkerID == "" && exit.isDone():
		o.broken("the work of %s is done, and handed back", before.WorkerJob)
	}
}

// isDone: a command that has written its result file is done, and one that ended by itself with 0.
func (e exited) isDone() bool {
	if e.Asked {
		return e.Result != ""
	}
	return e.Code == 0
}

func (o words) ends(j *claim.Job, exit exited) {
	saved := ""
	switch {
	case exit.isDone() && j.Outcome != job.Completed:
		o.broken("the work of %s is done, and it is %s", j.MessageID, j.Outcome)
	case !exit.isDone() && j.Outcome == job.Completed:
		o.broken("%s is completed, and its work is not done: %+v", j.MessageID, exit)
	case exit.Asked && j.Outcome == job.Failed:
		o.broken("the command of %s was asked to stop, and it is failed", j.MessageID)
	case !exit.Asked && exit.Code != 0 && j.Outcome != job.Failed:
		o.broken("the command of %s ended by itself with %d, and it is %s", j.MessageID, exit.Code, j.Outcome)
	case j.Outcome == job.TimedOut && !exit.overtime:
		o.broken("%s is timed out before its time", j.MessageID)
	case j.Outcome == job.Interrupted || j.Outcome == job.TimedOut:
		saved = exit.PartialWork
	}
	if j.PartialWork != saved {
		o.broken("the row of %s says that %q is saved, its command %q", j.MessageID, j.PartialWork, saved)
	}
	for _, said := range []string{scenario.Printed, exit.Result} {
		if !strings.Contains(j.Result, said) {
			o.broken("the result of %s is %q, without what its command said: %q", j.MessageID, j.Result, said)
		}
	}
}
