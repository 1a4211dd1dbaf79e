package world

import (
	"fmt"
	"time"
)

// clock is an actor's own: it differs from the world's by an offset and runs at a rate of its own, but
// never differs by more than half of what two clocks may differ by.
type clock struct {
	offset  time.Duration
	drift   float64 // seconds gained per second
	since   time.Time
	bound   time.Duration
	stepped time.Duration
}

// at is what the clock shows when the world's time is now.
func (c *clock) at(now time.Time) time.Time {
	off := c.offset + c.stepped + time.Duration(c.drift*float64(now.Sub(c.since)))
	return now.Add(min(max(off, -c.bound), c.bound))
}

// until is the earliest world time at which the clock shows at least shown.
func (c *clock) until(shown, now time.Time) time.Time {
	at := now.Add(shown.Sub(c.at(now)))
	if at.Before(now) {
		return now
	}
	for range 64 { // the rate is near 1, so a few steps do
		short := shown.Sub(c.at(at))
		if short <= 0 {
			break
		}
		at = at.Add(max(short, time.Microsecond))
	}
	return at
}

// newClock draws a clock for an actor, as far as the faults of the run allow.
func (w *World) newClock(name, group string) clock {
	c := clock{since: w.now, bound: w.scenario.ClockError}
	if c.bound == 0 {
		c.bound = w.scenario.Claim.MaxClockSkew / 2
	}
	if w.strikes(ClockOffset, group) {
		c.offset = w.between(-c.bound, c.bound, "clock.offset."+group)
		w.story.fault(ClockOffset, fmt.Sprintf("the clock of %s is %v off", name, c.offset))
	}
	if w.strikes(ClockDrift, group) {
		c.drift = float64(w.choose(2001, "clock.drift."+group)-1000) / 1e5 // up to 1 % either way
		w.story.fault(ClockDrift, fmt.Sprintf("the clock of %s gains %.0f ms a second", name, c.drift*1000))
	}
	return c
}

// jumpsWithin is how soon a clock jumps that will: while a function makes its few calls, or while a worker
// watches its command.
func (k actorKind) jumpsWithin() time.Duration {
	if k == functionActor {
		return 200 * time.Millisecond
	}
	return 30 * time.Second
}

// clockMayJump lets the clock of an actor jump soon, if it is alive then. A function gets this once, when it
// begins, and a worker whenever it calls or waits.
func (w *World) clockMayJump(a *actor) {
	if !w.drawn(ClockStep, a.group) {
		return
	}
	w.at(a, w.between(0, a.kind.jumpsWithin(), "delay.clock-step."+a.group), "its clock jumps", func() {
		if w.healed {
			return
		}
		before := a.clock.at(w.now)
		a.clock.stepped = w.between(-a.clock.bound, a.clock.bound, "clock.step."+a.group)
		a.ahead += a.clock.at(w.now).Sub(before)
		w.struck(ClockStep)
		w.story.fault(ClockStep, fmt.Sprintf("the clock of %s is now %v off", a.name, a.clock.at(w.now).Sub(w.now)))
	})
}
