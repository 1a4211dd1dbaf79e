//go:build unix && !linux

package process

import "time"

var started = time.Now()

// sinceBoot is how long this process has run. Go has no clock here that goes on while the machine
// is suspended.
func sinceBoot() time.Duration { return time.Since(started) }
