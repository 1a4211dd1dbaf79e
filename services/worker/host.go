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
	// Begin prepares the workspace, starts the command and listens for nudges. ErrNotNow means that
	// it may work later; any other error fails the job.
	Begin(ctx context.Context, t Task) (Session, error)
	// WithDeadline is context.WithDeadline by the host's clock.
	WithDeadline(ctx context.Context, until time.Time) (context.Context, context.CancelFunc)
	// Stopping says whether the worker itself was told to stop.
	Stopping() bool
	// UntilStopped is a context for waiting for work: it ends when the worker is told to stop.
	UntilStopped(ctx context.Context) (context.Context, context.CancelFunc)
	// Pause waits for d.
	Pause(ctx context.Context, d time.Duration)
}

// ErrNotNow is a Begin that failed for a reason that may pass, such as AWS not answering.
var ErrNotNow = errors.New("the workspace cannot be prepared now")

// Task is what a session works on.
type Task struct {
	Work     job.Work
	WorkerID string
	Fence    int64
}

// Session is one run of the command. One goroutine calls its methods.
type Session interface {
	// Await returns the next thing that happens, or Quiet when until has come.
	Await(ctx context.Context, until time.Time) Event
	// Terminate asks the command to end (SIGTERM), if it has not ended.
	Terminate()
	// Kill ends the command (SIGKILL), with all that it has started.
	Kill()
	// Close stops listening and frees what Begin took. It is called after the command has exited.
	Close()
}

// Event is what a session reports.
type Event struct {
	Kind EventKind
	Exit Exit // if Kind is Exited
}

// EventKind tells events apart.
type EventKind int

// The kinds of events.
const (
	Quiet   EventKind = iota // nothing happened until the time given
	Exited                   // the command has ended; the last event that matters
	Nudged                   // a newer thread may want the key: a heartbeat will tell
	Stopped                  // the worker itself was told to stop
)

// Exit is how a command ended.
type Exit struct {
	Code        int    // 0: it did its work; -1: killed by a signal
	Asked       bool   // SIGTERM was sent before it had ended
	Summary     string // the end of its output, for people
	Result      string // what it says it has done; empty: it does not say that it is done
	PartialWork string // what it says it has saved
}
