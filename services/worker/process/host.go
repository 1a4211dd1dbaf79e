// Package process is the real machine around a worker: it fetches the mail, runs the configured
// command in the key's workspace folder as a process group of its own, streams its output to the
// log, and hears nudges and the signal to stop.
//
// It promises on Linux that nothing that the command has started outlives it, its being killed, or
// the worker, if the program has guards (Options.Guarded). Elsewhere it promises that of the
// command's process group, but for the worker's end. Two runs never share a workspace, and nobody
// but the worker's user may read the mail.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
)

// Objects is what fetching mail needs of S3; *s3.Client satisfies it.
type Objects interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Nudges receives nudges; *interrupt.Queues satisfies it.
type Nudges interface {
	Receive(ctx context.Context, key job.Key, waitSeconds int32) ([]interrupt.Nudge, error)
}

// Options say what to run and where.
type Options struct {
	Command []string // the program and its arguments; a relative path starts at this process's working directory
	Root    string   // workspaces, one per key, and one folder per run lie under it; may be relative too
	Stack   string   // whose worker it is; workers of two stacks cannot share a root
	Environ []string // of this process; a command sees only what passed and Env name of it
	Env     []string // names of further variables that the command sees
	Guarded bool     // the program calls BeGuard first: on Linux, all that the command starts ends with it
}

// Host is this machine around one worker.
type Host struct {
	options Options
	objects Objects
	nudges  Nudges
	log     *slog.Logger
	root    *os.File // locked
	clock   *clock

	lockWait time.Duration // how long a run waits for its key's workspace

	stopping context.Context // ends with Stop
	stop     context.CancelFunc
}

// New makes a host. The command runs in its workspace, so whatever is relative is made absolute
// here: there it would name nothing, or what an earlier job has left. It removes the mail that dead
// workers have left.
func New(options Options, objects Objects, nudges Nudges, log *slog.Logger) (*Host, error) {
	if len(options.Command) == 0 {
		return nil, errors.New("no command: name the program that works on a message")
	}
	if os.Args[0] == guardName {
		return nil, errors.New("this process was started as a guard: its program has to call BeGuard first of all")
	}
	if options.Root == "" {
		return nil, errors.New("no root folder for the workspaces")
	}
	root, err := filepath.Abs(options.Root)
	if err != nil {
		return nil, fmt.Errorf("the root folder of the workspaces: %w", err)
	}
	program, err := exec.LookPath(options.Command[0])
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return nil, fmt.Errorf("the command cannot be run: %w", err)
	}
	options.Root, options.Command = root, append([]string{program}, options.Command[1:]...)
	options.Environ = visible(options.Environ, options.Env)
	lock, err := lockRoot(root, options.Stack)
	if err != nil {
		return nil, fmt.Errorf("the root folder of the workspaces: %w", err)
	}
	stopping, stop := context.WithCancel(context.Background())
	h := &Host{options: options, objects: objects, nudges: nudges, log: log, root: lock, clock: newClock(sinceBoot), lockWait: lockWait, stopping: stopping, stop: stop}
	h.removeLeftovers()
	return h, nil
}

// Close gives the root free for another stack. No run may be left.
func (h *Host) Close() error { return h.root.Close() }

// Now is the wall's time of when the worker last waited for work, and what has passed since, also
// while the machine was suspended (on Linux). The worker's protocol has to go by it too.
func (h *Host) Now() time.Time { return h.clock.now() }

// WithDeadline is context.WithDeadline by that clock.
func (h *Host) WithDeadline(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	return h.clock.withDeadline(ctx, until)
}

// Stop tells the worker to stop: a command that is running is asked to end, and its job is
// delivered again. It may be called any number of times.
func (h *Host) Stop() { h.stop() }

// Stopping says whether Stop was called.
func (h *Host) Stopping() bool { return h.stopping.Err() != nil }

// Pause waits for d, or until ctx ends.
func (h *Host) Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// UntilStopped is a context that ends with Stop. A worker that waits has no lease, so the clock is
// set by the wall clock meanwhile.
func (h *Host) UntilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	h.clock.set()
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(h.stopping, cancel)
	return ctx, func() { unhook(); cancel() }
}
