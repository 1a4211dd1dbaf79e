package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// A guarded command runs below two guards, each a process of this program: worker, guard, guard,
// command. A guard is the subreaper of all that descends from it: whose parent ends becomes the
// guard's own child, so nothing leaves. It ends them all when its child ends or when its worker is
// gone. If one guard is killed, the other does.

// The descriptors of a guard, besides the three of the command's.
const (
	controlFD = 3 // ends when the worker is gone, or wants all to end
	reportFD  = 4 // takes how the command has begun and ended
	lockFD    = 5 // keeps the key locked until nothing is left of the command
)

const prSetChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER of prctl(2)

// BeGuard makes this process a guard, if it was started as one, and does not return then. It is the
// first thing that a program does whose workers guard their commands (Options.Guarded).
func BeGuard() {
	if len(os.Args) < 3 || os.Args[0] != guardName {
		return
	}
	runtime.LockOSThread() // Linux sends a parent-death signal when the thread that forked ends
	report := os.NewFile(reportFD, "report")
	level, err := strconv.Atoi(os.Args[1])
	if err == nil {
		err = (&guard{level: level, argv: os.Args[2:], report: report}).run()
	}
	if err != nil {
		var errno syscall.Errno
		errors.As(err, &errno)
		fmt.Fprintf(report, "%s %d %v\n", reportFailed, errno, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// guard is one of the two.
type guard struct {
	level  int
	argv   []string // the command's
	report io.Writer

	child  int
	status syscall.WaitStatus // of the child, once ended is closed
	ended  chan struct{}
	empty  chan struct{} // closed when no child is left
}

// run starts the child and returns when nothing is left of it.
func (g *guard) run() error {
	if err := closeOnExec(); err != nil {
		return err
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return fmt.Errorf("become a subreaper: %w", errno)
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGCONT)
	parent := os.Getppid()
	if err := g.start(); err != nil {
		return err
	}
	g.ended, g.empty = make(chan struct{}), make(chan struct{})
	go g.reap()
	g.watch(signals, parent)
	g.endAll()
	if g.level == innermost {
		select {
		case <-g.ended:
			fmt.Fprintf(g.report, "%s %d\n", reportExit, exitCode(g.status))
		default:
		}
	}
	return nil
}

// closeOnExec keeps from the command whatever this process has open but for its three standard
// streams.
func closeOnExec() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("see what is open: %w", err)
	}
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// start starts the inner guard or the command.
func (g *guard) start() (err error) {
	path, argv, files := g.argv[0], g.argv, []uintptr{0, 1, 2}
	attributes := processGroup()
	if g.level > innermost {
		path, argv = thisProgram, append([]string{guardName, strconv.Itoa(g.level - 1)}, g.argv...)
		files, attributes = append(files, controlFD, reportFD, lockFD), guardGroup()
	}
	g.child, err = syscall.ForkExec(path, argv, &syscall.ProcAttr{Env: os.Environ(), Files: files, Sys: attributes})
	if err != nil {
		return fmt.Errorf("fork/exec %s: %w", path, err)
	}
	if g.level == innermost {
		fmt.Fprintln(g.report, reportBegun)
	}
	return nil
}

// reap waits for all children, those too that were others' before.
func (g *guard) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.ECHILD:
			close(g.empty)
			return
		case err != nil:
			continue // it was interrupted
		}
		if pid == g.child {
			g.status = status
			close(g.ended)
		}
	}
}

// watch returns when all has to end.
func (g *guard) watch(signals <-chan os.Signal, parent int) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, os.NewFile(controlFD, "control")) // nothing is written; how it ends does not matter
	}()
	for {
		select {
		case <-g.ended:
			return
		case <-gone:
			return
		case s := <-signals:
			if os.Getppid() != parent {
				return
			}
			if s == syscall.SIGTERM {
				g.terminate()
			}
		}
	}
}

// terminate asks the command's group to end, or the inner guard to do so.
func (g *guard) terminate() {
	select {
	case <-g.ended: // its number may be another's by now
		return
	default:
	}
	target := g.child
	if g.level == innermost {
		target = -g.child
	}
	_ = syscall.Kill(target, syscall.SIGTERM) // it may have just ended
}

// exitCode is -1 for a signal, as os.ProcessState has it.
func exitCode(status syscall.WaitStatus) int {
	if !status.Exited() {
		return -1
	}
	return status.ExitStatus()
}

// endPause is how long ending processes are given until they are looked for again.
const endPause = 2 * time.Millisecond

// maxRefusals is how often in a row only such processes are found as this user may not kill, until
// they are given up.
const maxRefusals = 10

// endAll ends all that descends from this process. Whatever loses its parent becomes a child of
// this process, so none is left when it has no child. What has become another user's (a setuid
// program) may be beyond its reach.
func (g *guard) endAll() {
	for refusals := 0; refusals < maxRefusals; {
		select {
		case <-g.empty:
			return
		case <-time.After(endPause):
		}
		found, refused := killDescendants(os.Getpid())
		refusals++
		if found == 0 || found > refused {
			refusals = 0
		}
	}
}
