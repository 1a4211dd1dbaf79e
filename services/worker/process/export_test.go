package process

import "time"

// WaitForLocks sets how long a run waits for its key's workspace.
func (h *Host) WaitForLocks(d time.Duration) { h.lockWait = d }

// Suspend lets the machine have been suspended for a while.
func (h *Host) Suspend(d time.Duration) {
	h.clock.mu.Lock()
	defer h.clock.mu.Unlock()
	before := h.clock.elapsed
	h.clock.elapsed = func() time.Duration { return before() + d }
}
