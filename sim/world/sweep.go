package world

import (
	"time"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/services/sweep"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
)

// longestPause is the most that the healed world waits for the next sweep.
const longestPause = 2 * time.Hour

// sweeps is the schedule of the sweep, as far as it matters: it is on while a job is open, and
// leaves out the calls in which the sweep would find none that is old enough. Once faults have
// ceased each pause is twice the one before, so that a job that waits for hours costs few events.
type sweeps struct {
	on    bool
	pause time.Duration
}

// jobIsOpen starts the schedule of the sweep, unless it is on.
func (w *World) jobIsOpen() {
	if !w.sweeps.on && !w.staged() {
		w.sweeps = sweeps{on: true, pause: w.sweepSchedule().Every}
		w.nextSweep()
	}
}

// sweepSchedule is the stack's only one.
func (w *World) sweepSchedule() deploy.Schedule { return w.template.Schedules[0] }

func (w *World) nextSweep() {
	w.schedule(w.sweeps.pause, "the sweep is due", func() {
		open, old := w.openJobs()
		if w.sweeps.on = open; !open {
			return
		}
		if old {
			w.deliver(cloud.Schedule{Function: w.sweepSchedule().Function}.Call(w.now))
		}
		if w.dice.healed {
			w.sweeps.pause = min(2*w.sweeps.pause, longestPause)
		}
		w.nextSweep()
	})
}

// openJobs says whether a job is open, and whether one is old enough to be swept.
func (w *World) openJobs() (open, old bool) {
	for _, it := range w.cloud.DynamoDB.Items(w.names.Jobs()) {
		j, err := claim.ParseJob(it)
		if err != nil || j.Settled() {
			continue
		}
		open = true
		old = old || w.now.UnixMilli()-j.AdmittedAtMillis > sweep.DefaultSettings().Age.Milliseconds()
	}
	return open, old
}
