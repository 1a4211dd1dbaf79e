//go:build unix && !linux

package process

import "syscall"

// processGroup makes the command the leader of a group. Only Linux lets it die with the worker.
func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
