package world

import "time"

// clock is an actor's own: it differs from the world's by an offset and runs at a rate of its own.
//
// Invariant: it never differs from the world's by more than bound.
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

// moment is a time by an actor's own clock, and by the world's.
type moment struct{ own, world time.Time }
