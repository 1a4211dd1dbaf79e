package process

import "syscall"

const canGuard = true

// thisProgram names the running program even if its file has been replaced.
const thisProgram = "/proc/self/exe"

// guardGroup makes a guard the leader of a group. It is told by SIGCONT that the process above it
// has ended: it has to live on for a while then, and it may have been stopped.
func guardGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGCONT}
}

// processGroup makes the command the leader of a group, which dies with the worker.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
