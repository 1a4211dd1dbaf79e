package process

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot is how long the machine has been up, suspension included.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic("process: the kernel has no CLOCK_BOOTTIME: " + err.Error()) // every Linux since 2.6.39 has it
	}
	return time.Duration(t.Nano())
}
