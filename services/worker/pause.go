package worker

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/webordinary/hephaestus/libs/telemetry"
)

// longestPause is the longest that a message stays hidden because it could not be worked on.
const longestPause = 5 * time.Minute

// pause is how long to hide a message that has been received so many times and could not be worked
// on: nothing at zero, then a heartbeat's time, twice as long each time, up to longestPause. Half
// of it depends on the message, so that those that were hidden together do not come back together.
func (s Settings) pause(message string, receives int) time.Duration {
	if receives <= 0 {
		return 0
	}
	pause := s.Heartbeat
	for n := 1; n < receives && pause < longestPause; n++ {
		pause *= 2
	}
	pause = min(pause, longestPause)
	h := fnv.New32a()
	fmt.Fprint(h, message, receives)
	return pause/2 + pause/2000*time.Duration(h.Sum32()%1001)
}

// A machine that is sick is looked at again after as long as it has been sick, within these bounds.
const (
	shortestLook = time.Second
	longestLook  = time.Minute
)

// convalesce takes no work until the machine is well again. It gives up when the machine has been
// sick for too long, counted since a command last began.
func (w *Worker) convalesce(ctx context.Context, ails error) error {
	telemetry.Write(ctx, w.log, telemetry.MachineSick{Worker: w.id, Error: ails.Error()})
	waiting, cancel := w.host.UntilStopped(ctx)
	defer cancel()
	for !w.host.Stopping() {
		if w.sickFor >= w.settings.SickAfter {
			return fmt.Errorf("sick for %v: %w", w.sickFor, ails)
		}
		pause := min(max(w.sickFor, shortestLook), longestLook, w.settings.SickAfter-w.sickFor)
		w.host.Pause(waiting, pause)
		w.sickFor += pause
		if ails = w.host.Check(ctx); ails == nil {
			telemetry.Write(ctx, w.log, telemetry.MachineWell{Worker: w.id})
			return nil
		}
	}
	return nil
}
