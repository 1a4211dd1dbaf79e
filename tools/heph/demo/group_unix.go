//go:build unix && !linux

package demo

import "syscall"

// ownGroup makes a worker the leader of a group. Only on Linux does it die with this process.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
