package process

import "syscall"

// processGroup makes the command the leader of a group, which dies with the worker.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
