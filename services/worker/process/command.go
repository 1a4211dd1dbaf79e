package process

import (
	"bytes"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// command is a running process group, or the guard above it.
type command struct {
	pid    int
	guard  *guardian // nil: none
	tail   *tail
	exited chan struct{} // closed when code is set
	code   int
}

// leftoverWait is how long to wait for the output of processes that outlive the command.
const leftoverWait = time.Second

// start runs the program in a process group of its own, and hands each line of its output to say.
// If g is given, it runs below a guard. The thread that starts it stays until it has ended: Linux
// sends a parent-death signal when the thread that forked ends (prctl(2), PR_SET_PDEATHSIG).
func start(argv []string, dir string, environ []string, say func(stream, line string), g *guardian) (*command, error) {
	c := &command{guard: g, tail: &tail{}, exited: make(chan struct{})}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = processGroup()
	if g != nil {
		g.above(cmd)
	}
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, environ, leftoverWait
	out := &lines{say: say, stream: "stdout", tail: c.tail}
	err := &lines{say: say, stream: "stderr", tail: c.tail}
	cmd.Stdout, cmd.Stderr = out, err
	begun := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		started := cmd.Start()
		if g != nil {
			started = g.begun(cmd, started)
		}
		if started != nil {
			begun <- started
			return
		}
		c.pid = cmd.Process.Pid
		begun <- nil
		c.code = c.wait(cmd)
		out.flush()
		err.flush()
		close(c.exited)
	}()
	if err := <-begun; err != nil {
		return nil, err
	}
	return c, nil
}

// wait waits until the command has ended and nothing of it is left, and returns its exit status.
func (c *command) wait(cmd *exec.Cmd) int {
	_ = cmd.Wait() // how it ended is in ProcessState
	if c.guard != nil {
		return c.guard.exitCode()
	}
	c.kill() // whatever of its group is left
	return cmd.ProcessState.ExitCode()
}

func (c *command) hasExited() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

func (c *command) terminate() {
	if c.guard != nil {
		c.guard.terminate()
		return
	}
	_ = syscall.Kill(-c.pid, syscall.SIGTERM)
}

func (c *command) kill() {
	if c.guard != nil {
		c.guard.kill()
		return
	}
	_ = syscall.Kill(-c.pid, syscall.SIGKILL)
}

// tailBytes is how much of a command's output goes into its job's result.
const tailBytes = 2048

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(append(t.kept, line...), '\n')
	if over := len(t.kept) - tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
}

// String is the end of the output, as valid UTF-8.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.kept), ""))
}

// maxLineBytes is the length at which a longer line is cut, however it is split into writes.
const maxLineBytes = 8192

// lines hands over what is written to it, line by line.
type lines struct {
	say    func(stream, line string)
	stream string
	tail   *tail
	rest   []byte
}

var _ io.Writer = (*lines)(nil)

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 && len(l.rest) <= maxLineBytes {
			return len(p), nil
		}
		next := end + 1
		if end < 0 || end > maxLineBytes {
			end, next = maxLineBytes, maxLineBytes
		}
		l.emit(l.rest[:end])
		l.rest = append(l.rest[:0], l.rest[next:]...)
	}
}

func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.emit(l.rest)
		l.rest = nil
	}
}

func (l *lines) emit(line []byte) {
	said := strings.ToValidUTF8(strings.TrimRight(string(line), "\r"), "�")
	l.tail.add(said)
	l.say(l.stream, said)
}
