package worker

import (
	"context"
	"errors"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
)

// Host is the machine around a worker: its clock, its commands, and whether it is told to stop.
type Host interface {
	Now() time.Time
	// Begin begins to prepare the workspace and to listen for nudges, and returns at once. The
	// session starts the command when the workspace is ready.
	Begin(ctx context.Context, t Task) Session
	// Check says what ails the machine, as far as it can tell; nil: nothing.
	Check(ctx context.Context) error
	// WithDeadline is context.WithDeadline by the host's clock.
	WithDeadline(ctx context.Context, until time.Time) (context.Context, context.CancelFunc)
	// Stopping says whether the worker itself was told to stop.
	Stopping() bool
	// UntilStopped is a context for waiting for work: it ends when the worker is told to stop.
	UntilStopped(ctx context.Context) (context.Context, context.CancelFunc)
	// Pause waits for d, or until ctx ends.
	Pause(ctx context.Context, d time.Duration)
}

// A begin that failed with neither of these will never succeed, and fails the job.
var (
	// ErrNotNow is a begin that failed for a reason that may pass and is not the machine's, such as
	// AWS not answering.
	ErrNotNow = errors.New("the workspace cannot be prepared now")
	// ErrMachine is a begin that failed because of the worker's own machine, such as a full disk.
	ErrMachine = errors.New("the worker's machine cannot begin")
)

// Task is what a session works on.
type Task struct {
	Work     job.Work
	WorkerID string
	Fence    int64
}

// Session is one run of the command, with its preparation. One goroutine calls its methods.
type Session interface {
	// Await returns the next thing that happens, or Quiet when until has come. It starts the
	// command once the workspace is ready, and reports Begun or BeginFailed. It starts nothing
	// after until has come, nor after Terminate or Kill.
	Await(ctx context.Context, until time.Time) Event
	// Terminate asks the command to end (SIGTERM), if it has not ended, or gives the preparation
	// up.
	Terminate()
	// Kill ends the command (SIGKILL), with all that it has started, or gives the preparation up.
	Kill()
	// Close stops listening and frees what Begin took. It is called after Exited or BeginFailed.
	Close()
}

// Event is what a session reports.
type Event struct {
	Kind EventKind
	Exit Exit  // if Kind is Exited
	Err  error // if Kind is BeginFailed: why
}

// EventKind tells events apart.
type EventKind int

// The kinds of events.
const (
	Quiet       EventKind = iota // nothing happened until the time given
	Begun                        // the command runs from now on
	BeginFailed                  // there is no command, and there will be none; the last event
	Exited                       // the command has ended; the last event
	Nudged                       // a newer thread may want the key: a heartbeat will tell
	Stopped                      // the worker itself was told to stop
)

// Exit is how a command ended.
type Exit struct {
	Code        int    // 0: it did its work; -1: killed by a signal
	Asked       bool   // SIGTERM was sent before it had ended
	Summary     string // the end of its output, for people
	Result      string // what it says it has done; empty: it does not say that it is done
	PartialWork string // what it says it has saved
}
