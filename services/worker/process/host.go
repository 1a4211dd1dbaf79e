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
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/services/worker"
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

// Host runs commands on this machine.
type Host struct {
	options Options
	objects Objects
	nudges  Nudges
	log     *slog.Logger
	root    *os.File // locked

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
	h := &Host{options: options, objects: objects, nudges: nudges, log: log, root: lock, stopping: stopping, stop: stop}
	h.removeLeftovers()
	return h, nil
}

// Close gives the root free for another stack. No run may be left.
func (h *Host) Close() error { return h.root.Close() }

// Now is the wall clock.
func (h *Host) Now() time.Time { return time.Now() }

// WithDeadline is context.WithDeadline.
func (h *Host) WithDeadline(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, until)
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

// UntilStopped is a context that ends with Stop.
func (h *Host) UntilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(h.stopping, cancel)
	return ctx, func() { unhook(); cancel() }
}

// Begin fetches the mail, starts the command and listens for nudges. If it fails, nothing is left
// of the run.
func (h *Host) Begin(ctx context.Context, t worker.Task) (worker.Session, error) {
	folder, err := h.prepare(ctx, t)
	if err != nil {
		folder.remove()
		return nil, err
	}
	beyond := context.WithoutCancel(ctx) // the run outlives the time for its begin
	var guard *guardian
	if h.options.Guarded && canGuard {
		if guard, err = newGuardian(folder.lock); err != nil {
			folder.remove()
			return nil, err
		}
	}
	command, err := start(h.options.Command, folder.workspace, slices.Concat(h.options.Environ, folder.environment(t)),
		func(stream, line string) {
			telemetry.Write(beyond, h.log, telemetry.CommandOutput{Message: t.Work.Message.MessageID, Stream: stream, Line: line})
		}, guard)
	if err != nil {
		folder.remove()
		return nil, fmt.Errorf("start the command %q: %w", h.options.Command[0], err)
	}
	listening, stopListening := context.WithCancel(beyond)
	s := &session{
		command: command, folder: folder, stop: h.stopping.Done(), nudged: make(chan struct{}, 1), stopListening: stopListening,
	}
	s.listeners.Go(func() { s.listen(listening, h, t.Work) })
	return s, nil
}

// session is one run of the command.
type session struct {
	command       *command
	folder        folder
	stop          <-chan struct{} // nil once Stopped was reported
	nudged        chan struct{}
	stopListening context.CancelFunc
	listeners     sync.WaitGroup
	asked         bool // SIGTERM was sent while it ran
}

// Await waits for the first of: the command's end, a nudge, the signal to stop, the time. The end
// of ctx counts as a signal to stop.
func (s *session) Await(ctx context.Context, until time.Time) worker.Event {
	cancelled := ctx.Done()
	if s.stop == nil {
		cancelled = nil
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-s.command.exited:
		return s.exit()
	default:
	}
	select {
	case <-s.command.exited:
		return s.exit()
	case <-s.nudged:
		return worker.Event{Kind: worker.Nudged}
	case <-s.stop:
		s.stop = nil
		return worker.Event{Kind: worker.Stopped}
	case <-timer.C:
		return worker.Event{Kind: worker.Quiet}
	case <-cancelled:
		s.stop = nil
		return worker.Event{Kind: worker.Stopped}
	}
}

func (s *session) exit() worker.Event {
	return worker.Event{Kind: worker.Exited, Exit: worker.Exit{
		Code: s.command.code, Asked: s.asked, Summary: s.command.tail.String(),
		Result:      said(s.folder.result(), maxResultBytes),
		PartialWork: said(s.folder.partial(), maxPartialWorkBytes),
	}}
}

// Terminate has SIGTERM sent to the command's group.
func (s *session) Terminate() {
	select {
	case <-s.command.exited:
	default:
		s.asked = true
		s.command.terminate()
	}
}

// Kill ends the command, and its group or all that it has started.
func (s *session) Kill() { s.command.kill() }

// removeWait is how long a job's end waits until its files are gone: the lease goes on meanwhile.
const removeWait = time.Second

// Close stops listening and removes the run's folder; the workspace stays.
func (s *session) Close() {
	s.stopListening()
	s.listeners.Wait()
	removed := make(chan struct{})
	go func() { s.folder.remove(); close(removed) }()
	select {
	case <-removed:
	case <-time.After(removeWait):
	}
}

// nudgeWaitSeconds is SQS's longest wait.
const nudgeWaitSeconds = 20

// listen turns nudges for this container into events. A lost nudge costs time: the next heartbeat
// asks too.
func (s *session) listen(ctx context.Context, h *Host, work job.Work) {
	for ctx.Err() == nil {
		nudges, err := h.nudges.Receive(ctx, work.Message.ProjectUserID, nudgeWaitSeconds)
		if err != nil && ctx.Err() == nil {
			telemetry.Write(ctx, h.log, telemetry.NudgesUnheard{Message: work.Message.MessageID, Error: err.Error()})
			h.Pause(ctx, time.Second)
		}
		for _, n := range nudges {
			if n.ContainerID != work.ContainerID {
				continue
			}
			select {
			case s.nudged <- struct{}{}:
			default:
			}
		}
	}
}
