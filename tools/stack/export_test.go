package stack

import "github.com/webordinary/hephaestus/sim/aws/cloud"

// Change changes the cores between two calls.
func (s *Stack) Change(change func(*cloud.Cloud)) {
	s.runtime.mu.Lock()
	defer s.runtime.mu.Unlock()
	change(s.runtime.cloud)
}
