package stack

import (
	"time"

	"github.com/webordinary/hephaestus/sim/aws/cloud"
)

// Hasten shortens what clients may hold; a zero leaves the default.
func (c *Config) Hasten(header, pause time.Duration, connections int) {
	c.limits = defaultLimits()
	if header > 0 {
		c.limits.header = header
	}
	if pause > 0 {
		c.limits.pause = pause
	}
	if connections > 0 {
		c.limits.connections = connections
	}
}

// Change changes the cores between two calls.
func (s *Stack) Change(change func(*cloud.Cloud)) {
	s.runtime.mu.Lock()
	defer s.runtime.mu.Unlock()
	change(s.runtime.cloud)
}
