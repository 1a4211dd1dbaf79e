package process

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/services/worker"
)

// session is one run of the command, with its preparation.
type session struct {
	host      *Host
	task      worker.Task
	under     context.Context // of the preparation and the listener
	cancel    context.CancelFunc
	prepared  chan prepared
	ready     *prepared       // nil while the preparation goes on
	command   *command        // nil before it has begun
	stop      <-chan struct{} // nil once Stopped was reported
	nudged    chan struct{}
	listeners sync.WaitGroup
	asked     bool // SIGTERM was sent while the command ran
}

// prepared is a folder for a run, or why there is none.
type prepared struct {
	folder folder
	err    error
}

// Begin begins to fetch the mail and to listen for nudges.
func (h *Host) Begin(ctx context.Context, t worker.Task) worker.Session {
	under, cancel := context.WithCancel(context.WithoutCancel(ctx)) // Await reports the end of ctx
	s := &session{
		host: h, task: t, under: under, cancel: cancel, prepared: make(chan prepared, 1),
		stop: h.stopping.Done(), nudged: make(chan struct{}, 1),
	}
	go func() {
		folder, err := h.prepare(under, t)
		s.prepared <- prepared{folder, err}
	}()
	s.listeners.Go(func() { s.listen(under, h, t.Work) })
	return s
}

// Await waits for the first of: the command's begin or end, a nudge, the signal to stop, the time.
// The end of ctx counts as a signal to stop. The time comes first: nothing is started after it.
func (s *session) Await(ctx context.Context, until time.Time) worker.Event {
	for {
		if s.command == nil && s.under.Err() != nil {
			return worker.Event{Kind: worker.BeginFailed, Err: context.Canceled}
		}
		if s.command != nil && s.command.hasExited() {
			return s.exit()
		}
		left := until.Sub(s.host.Now())
		if left <= 0 {
			return worker.Event{Kind: worker.Quiet}
		}
		if s.command == nil && s.ready != nil {
			return s.start()
		}
		if e, ok := s.next(ctx, min(left, lookAgain)); ok {
			return e
		}
	}
}

// next waits for something to happen, or for a time. That the workspace is ready is no event: Await
// looks at the time again before it starts anything.
func (s *session) next(ctx context.Context, wait time.Duration) (worker.Event, bool) {
	var ready chan prepared
	var exited chan struct{}
	if s.command == nil {
		ready = s.prepared
	} else {
		exited = s.command.exited
	}
	cancelled := ctx.Done()
	if s.stop == nil {
		cancelled = nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case p := <-ready:
		s.ready = &p
		return worker.Event{}, false
	case <-exited:
		return s.exit(), true
	case <-s.nudged:
		return worker.Event{Kind: worker.Nudged}, true
	case <-s.stop:
	case <-cancelled:
	case <-timer.C:
		return worker.Event{}, false
	}
	s.stop = nil
	return worker.Event{Kind: worker.Stopped}, true
}

// start starts the command, if the workspace could be prepared.
func (s *session) start() worker.Event {
	err := s.ready.err
	if err == nil {
		s.command, err = s.host.launch(s.under, s.ready.folder, s.task)
	}
	if err != nil {
		s.cancel()
		return worker.Event{Kind: worker.BeginFailed, Err: s.host.blame(s.ready.folder, err)}
	}
	return worker.Event{Kind: worker.Begun}
}

// launch starts the command, under a guard if there are guards.
func (h *Host) launch(ctx context.Context, f folder, t worker.Task) (*command, error) {
	var guard *guardian
	if h.options.Guarded && canGuard {
		var err error
		if guard, err = newGuardian(f.lock); err != nil {
			return nil, err
		}
	}
	beyond := context.WithoutCancel(ctx) // output comes after the session has stopped listening
	command, err := start(h.options.Command, f.workspace, slices.Concat(h.options.Environ, f.environment(t)),
		func(stream, line string) {
			telemetry.Write(beyond, h.log, telemetry.CommandOutput{Message: t.Work.Message.MessageID, Stream: stream, Line: line})
		}, guard)
	if err != nil {
		return nil, fmt.Errorf("start the command %q: %w", h.options.Command[0], err)
	}
	return command, nil
}

func (s *session) exit() worker.Event {
	folder := s.ready.folder
	return worker.Event{Kind: worker.Exited, Exit: worker.Exit{
		Code: s.command.code, Asked: s.asked, Summary: s.command.tail.String(),
		Result:      said(folder.result(), maxResultBytes),
		PartialWork: said(folder.partial(), maxPartialWorkBytes),
	}}
}

// Terminate has SIGTERM sent to the command's group, or gives the preparation up.
func (s *session) Terminate() {
	if s.command == nil {
		s.giveUp()
		return
	}
	if !s.command.hasExited() {
		s.asked = true
		s.command.terminate()
	}
}

// Kill ends the command, and its group or all that it has started, or gives the preparation up.
func (s *session) Kill() {
	if s.command == nil {
		s.giveUp()
		return
	}
	s.command.kill()
}

// giveUp ends the preparation. Await reports so at once: a disk that hangs does not hold the
// worker.
func (s *session) giveUp() { s.cancel() }

// removeWait is how long a job's end waits until its files are gone: the lease goes on meanwhile.
const removeWait = time.Second

// Close stops listening and removes the run's folder; the workspace stays.
func (s *session) Close() {
	s.cancel()
	s.listeners.Wait()
	removed := make(chan struct{})
	go func() {
		defer close(removed)
		if s.ready == nil {
			p := <-s.prepared
			s.ready = &p
		}
		s.ready.folder.remove()
	}()
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
