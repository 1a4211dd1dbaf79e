//go:build unix && !linux

package process

import "syscall"

// Only Linux has guards: elsewhere what has left the command's process group is left alone.
const (
	canGuard    = false
	thisProgram = ""
)

// BeGuard does nothing: see the one for Linux.
func BeGuard() {}

func guardGroup() *syscall.SysProcAttr { return processGroup() }

// processGroup makes the command the leader of a group. Only Linux lets it die with the worker.
func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
