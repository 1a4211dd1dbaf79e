//go:build unix && !linux

package process

import "syscall"

// processGroup makes the command the leader of a group. Only on Linux can it die with the worker.
func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
