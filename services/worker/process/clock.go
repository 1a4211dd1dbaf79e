package process

import (
	"context"
	"sync"
	"time"
)

// clock shows the wall's time of when it was set, and what has passed since. So a lease ends in
// time though the wall clock is set back, or though the machine is suspended for a while.
type clock struct {
	elapsed func() time.Duration // since some moment; on Linux it goes on while the machine is suspended

	mu   sync.Mutex
	wall time.Time     // when it was set, without a monotonic reading
	at   time.Duration // elapsed at that time
}

func newClock(elapsed func() time.Duration) *clock {
	c := &clock{elapsed: elapsed}
	c.set()
	return c
}

// set sets it by the wall clock.
func (c *clock) set() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.at = time.Now().Round(0), c.elapsed()
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall.Add(c.elapsed() - c.at)
}

// lookAgain is how often a wait looks at the clock: a timer stands still while the machine is
// suspended, and would be late by as long.
const lookAgain = time.Second

// withDeadline is context.WithDeadline by the clock.
func (c *clock) withDeadline(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, until.Sub(c.now()))
	go func() {
		for ctx.Err() == nil {
			left := until.Sub(c.now())
			if left <= 0 {
				cancel()
				return
			}
			timer := time.NewTimer(min(left, lookAgain))
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
		}
	}()
	return ctx, cancel
}
