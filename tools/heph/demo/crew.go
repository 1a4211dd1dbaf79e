package demo

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/trail"
)

// crew is the workers, each a process of its own.
type crew struct {
	argv    []string
	environ []string
	records func() io.Writer // a fresh one per worker, for its JSON lines
	watch   *watch

	mu      sync.Mutex
	members []*member
	leaving bool
}

// member is one worker process.
type member struct {
	name   string
	pid    int
	killed bool
	gone   chan struct{}
}

func newCrew(argv, stack []string, records func() io.Writer, watch *watch) *crew {
	// Nothing of the caller's AWS may leak into a worker: a profile that is not there would stop
	// it.
	var environ []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "AWS_") {
			environ = append(environ, pair)
		}
	}
	return &crew{argv: argv, environ: append(environ, stack...), records: records, watch: watch}
}

// hire starts one more worker. It gets a process group of its own, so that a Ctrl-C of the terminal
// reaches it through dismiss only; on Linux it dies with this process. The thread that starts it
// lives on, since Linux sends a parent-death signal when that thread ends (prctl(2),
// PR_SET_PDEATHSIG).
func (c *crew) hire() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &member{name: fmt.Sprintf("worker %d", len(c.members)+1), gone: make(chan struct{})}
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Env, cmd.SysProcAttr, cmd.WaitDelay = c.environ, ownGroup(), time.Second
	cmd.Stdout, cmd.Stderr = c.named(m), c.records()
	begun := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			m.pid = cmd.Process.Pid
		}
		begun <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // how it ended is in ProcessState
		close(m.gone)
		c.tellEnd(m, cmd.ProcessState)
	}()
	if err := <-begun; err != nil {
		return fmt.Errorf("start %s: %w", m.name, err)
	}
	c.members = append(c.members, m)
	return nil
}

// named is where a worker's records go. Its WorkerReady record gives the id that is told as m's
// name from then on.
func (c *crew) named(m *member) io.Writer {
	return trail.NewSplitter(func(e trail.Event) {
		if ready, is := e.Said.(telemetry.WorkerReady); is {
			c.watch.name(ready.Worker, m.name)
		}
		c.watch.add(e)
	})
}

func (c *crew) tellEnd(m *member, state *os.ProcessState) {
	c.mu.Lock()
	expected := m.killed || c.leaving
	c.mu.Unlock()
	if !expected {
		c.watch.add(trail.Event{Level: slog.LevelWarn, What: fmt.Sprintf("%s has ended: %v", m.name, state)})
	}
}

// shoot kills the worker process with the pid: no chance to save, to answer, to hand back.
func (c *crew) shoot(messageID string, pid int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		if m.pid == pid {
			m.killed = true
			c.watch.say(messageID, trail.Line{Sign: "☠", Style: screen.Red, Word: "SIGKILL", Text: fmt.Sprintf("%s (process %d) is killed in the middle of its work", m.name, pid)})
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return fmt.Errorf("no worker is process %d", pid)
}

// leaveWithin is how long workers may take to stop: longer than their commands' grace.
const leaveWithin = 4 * time.Second

// dismiss tells all workers to stop, and kills those that do not.
func (c *crew) dismiss() {
	c.watch.hush()
	c.mu.Lock()
	c.leaving = true
	members := c.members
	c.mu.Unlock()
	for _, m := range members {
		m.signal(syscall.SIGTERM)
	}
	deadline := time.After(leaveWithin)
	for _, m := range members {
		select {
		case <-m.gone:
		case <-deadline:
			m.signal(syscall.SIGKILL)
			<-m.gone
		}
	}
}

// signal signals the worker unless it is gone: its pid may then be another process's.
func (m *member) signal(s syscall.Signal) {
	select {
	case <-m.gone:
	default:
		_ = syscall.Kill(m.pid, s)
	}
}
