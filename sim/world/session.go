package world

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// session is a run of a simulated command, as its worker holds it.
//
// Invariant: it is among the world's sessions from the begin of its preparation until it is closed,
// and the only one of its actor. Invariant: only become changes state.
type session struct {
	machine *workerActor
	actor   *actor // the process of the worker that runs it
	task    worker.Task
	reads   string // the content that its worker fetched
	state   commandState
	readyAt time.Time // when it is prepared, by the world's time
	command scenario.Command
	beganAt time.Time    // by the worker's clock
	exitsAt time.Time    // by the world's time; earlier once it is asked to stop, later if its machine stands still
	doneAt  time.Time    // the same, of its result file; zero: it writes none
	yields  bool         // SIGTERM is why it exits
	exit    *worker.Exit // as its worker was told; nil: it was not

	wait       *item // what ends its worker's Await; nil: its worker is not in Await
	nudged     bool  // a nudge was heard, and is yet to be reported
	stopIsNews bool  // the order to stop is yet to be reported. Invariant: only if actor.stopping
}

// commandState is what has been done to a command. That it has exited by itself is not a state:
// exitsAt says so.
type commandState string

// The states.
const (
	preparing commandState = "prepared"      // its mail is being fetched
	givenUp   commandState = "given up"      // its preparation was ended, or has failed
	running   commandState = ""              // it has begun
	asked     commandState = "asked to stop" // it saves its work and exits, or ignores that
	killed    commandState = "killed"        // it has exited
	closed    commandState = "closed"        // its worker has done with it, or is dead
)

// follows are the legal changes of state.
var follows = map[commandState][]commandState{
	preparing: {running, givenUp, closed},
	givenUp:   {closed},
	running:   {asked, killed, closed},
	asked:     {killed, closed},
	killed:    {closed},
}

// become changes the state.
func (s *session) become(next commandState) {
	if !slices.Contains(follows[s.state], next) {
		panic(fmt.Sprintf("world: the command of %s is %q and becomes %q", s.MessageID(), s.state, next))
	}
	s.state = next
}

// Await sleeps until the command begins or exits, a nudge or a signal comes, or the time until has
// come.
func (s *session) Await(_ context.Context, until time.Time) worker.Event {
	if e, ok := s.news(until); ok {
		return e
	}
	s.actor.ask(request{wait: true, until: until, arm: s.arm})
	s.wait = nil
	if e, ok := s.news(until); ok {
		return e
	}
	return worker.Event{Kind: worker.Quiet}
}

// news is what the session has to report. Nothing begins once until has come.
func (s *session) news(until time.Time) (worker.Event, bool) {
	switch {
	case s.state == givenUp:
		return worker.Event{Kind: worker.BeginFailed, Err: context.Canceled}, true
	case s.Exited():
		exit := s.howItExits()
		s.exit = &exit
		return worker.Event{Kind: worker.Exited, Exit: exit}, true
	case s.nudged:
		s.nudged = false
		return worker.Event{Kind: worker.Nudged}, true
	case s.stopIsNews:
		s.stopIsNews = false
		return worker.Event{Kind: worker.Stopped}, true
	case s.state == preparing && !s.readyAt.After(s.actor.world.now) && s.WorkerNow().Before(until):
		return s.begin(), true
	}
	return worker.Event{}, false
}

// begin starts the command that the scenario gives the message, if it can be started.
func (s *session) begin() worker.Event {
	w, a := s.actor.world, s.actor
	if err := s.machine.prepared(); err != nil {
		s.become(givenUp)
		w.oracles.CommandIsOver(s)
		return worker.Event{Kind: worker.BeginFailed, Err: err}
	}
	s.command, s.reads = scenario.Command{Takes: time.Second}, s.machine.contentOf(s.Message())
	if m, ok := w.messages[s.MessageID()]; ok {
		s.command = m.Command
	}
	if s.machine.staged != nil {
		s.command = *s.machine.staged
	}
	stuck := w.dice.strikes(fault.StuckCommand, a.group)
	if stuck {
		s.command.Takes, s.command.Ignores = 100*time.Hour, true
	}
	s.beganAt, s.exitsAt = a.now(), w.now.Add(s.command.Takes)
	if s.command.DoneAfter > 0 {
		s.doneAt = w.now.Add(s.command.DoneAfter)
	}
	s.become(running)
	w.eventOf(&a.process, a.name, "begins the command of "+s.MessageID())
	w.story.begins(w.now, a.name, s.MessageID(), s.ContainerID(), s.task.Fence)
	if stuck {
		w.story.fault(fault.StuckCommand, "the command never ends by itself, and ignores SIGTERM")
	}
	w.oracles.CommandBegins(s)
	return worker.Event{Kind: worker.Begun}
}

// howItExits is what the command, which has exited, leaves.
func (s *session) howItExits() worker.Exit {
	e := worker.Exit{Code: s.command.ExitCode, Asked: s.state != running, Summary: scenario.Printed}
	switch {
	case s.state == killed:
		e.Code = -1
	case s.yields:
		e.Code = s.command.LastCode
		if s.command.Last == scenario.SavesPart {
			e.PartialWork = scenario.PartialWork
		}
	}
	if !s.doneAt.IsZero() && !s.doneAt.After(s.exitsAt) {
		e.Result = scenario.WorkDone
	}
	return e
}

// Terminate asks the command to end, or gives its preparation up.
func (s *session) Terminate() {
	w, a := s.actor.world, s.actor
	if s.givesUp() {
		return
	}
	if s.state != running {
		return
	}
	if !s.Exited() {
		s.become(asked)
	}
	if stopsAt := w.now.Add(s.command.Saves); !s.command.Ignores && stopsAt.Before(s.exitsAt) {
		s.exitsAt, s.yields = stopsAt, true
		if s.command.Last == scenario.Finishes && (s.doneAt.IsZero() || stopsAt.Before(s.doneAt)) {
			s.doneAt = stopsAt
		}
	}
	w.eventOf(&a.process, a.name, "asks the command to stop")
	w.oracles.CommandIsAsked(s)
}

// givesUp ends the preparation, if it is under way.
func (s *session) givesUp() bool {
	if s.state == preparing {
		w := s.actor.world
		s.become(givenUp)
		w.eventOf(&s.actor.process, s.actor.name, "gives the preparation up")
		w.oracles.CommandIsOver(s)
	}
	return s.state == givenUp
}

// Kill ends the command, or gives its preparation up.
func (s *session) Kill() {
	w, a := s.actor.world, s.actor
	w.oracles.CommandIsKilled(s)
	if s.givesUp() {
		return
	}
	if !s.Exited() {
		s.become(killed)
		s.exitsAt = w.now
	}
	w.eventOf(&a.process, a.name, "kills the command")
}

// Close ends the session; it has nothing to free.
func (s *session) Close() { s.end() }

// end closes the session, and takes it off the world's.
func (s *session) end() {
	if s.state == closed {
		return
	}
	s.become(closed)
	w := s.actor.world
	w.sessions = slices.DeleteFunc(slices.Clone(w.sessions), func(other *session) bool { return other == s })
	w.story.ends(w.now, s.actor.name, s.task.Fence)
	w.oracles.CommandIsOver(s)
}

// arm ends its worker's wait at the first of: until, the end of the preparation or the command's.
func (s *session) arm(until time.Time) {
	now := s.actor.world.now
	at := s.actor.clock.until(until, now)
	next := s.exitsAt
	if s.state == preparing {
		next = s.readyAt
	}
	if next.Before(at) {
		at = next
	}
	if at.Before(now) || s.state == killed {
		at = now
	}
	s.endWait(at)
}

// wake ends its worker's wait now.
func (s *session) wake() {
	if s.wait != nil {
		s.endWait(s.actor.world.now)
	}
}

// endWait schedules the end of its worker's wait, in place of the end that was scheduled before.
func (s *session) endWait(at time.Time) {
	a := s.actor
	if s.wait != nil {
		s.wait.dropped = true
	}
	s.wait = &item{at: at, what: "looks up", by: &a.process, do: func() { a.proceed(reply{}) }}
	a.world.agenda.add(s.wait)
}

// standsStill delays the command's exit, or its begin, as long as its worker stands still: the
// whole machine is frozen.
func (s *session) standsStill(d time.Duration) {
	s.exitsAt, s.readyAt = s.exitsAt.Add(d), s.readyAt.Add(d)
	if !s.doneAt.IsZero() {
		s.doneAt = s.doneAt.Add(d)
	}
	s.actor.world.oracles.CommandStandsStill(s, d)
}

// listen takes the nudges off the queue.
func (s *session) listen(queue string) {
	if s.state == closed {
		return
	}
	w := s.actor.world
	url := aws.String("https://sqs/" + queue)
	output, err := w.do("sqs", &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
	if err != nil {
		return
	}
	mine := false
	for _, m := range output.(*sqs.ReceiveMessageOutput).Messages {
		var n interrupt.Nudge
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &n); err == nil && n.ContainerID == s.ContainerID() {
			mine = true
			s.nudgeAgain()
		}
		_, _ = w.do("sqs", &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle})
	}
	if mine {
		s.hears()
	}
}

// hears has the worker know that it was nudged. Its heartbeat comes early then, so a clock that was
// set back by little is behind the one before.
func (s *session) hears() {
	w := s.actor.world
	if w.dice.staged == nil && w.dice.drawn(fault.ClockStep, "nudge") {
		s.actor.jump()
	}
	s.nudged = true
	s.wake()
}

// nudgeAgain may hand out a nudge again that was heard and deleted, as a standard queue may.
func (s *session) nudgeAgain() {
	w := s.actor.world
	if !w.dice.drawn(fault.DuplicateDelivery, "nudge") {
		return
	}
	s.actor.at(w.dice.between(0, time.Minute, "delay.nudge-again"), "hears a nudge again", func() {
		if w.dice.healed || s.state == closed {
			return
		}
		w.dice.tally.Strike(fault.DuplicateDelivery)
		w.story.fault(fault.DuplicateDelivery, "the queue hands a nudge out that it has handed out")
		s.hears()
	})
}

// What oracles read of a command.

func (s *session) Term() oracle.Term {
	return oracle.Term{Key: s.task.Work.Message.ProjectUserID, Fence: s.task.Fence}
}

func (s *session) Message() job.Message { return s.task.Work.Message }

func (s *session) MessageID() string { return s.task.Work.Message.MessageID }

func (s *session) Reads() string { return s.reads }

func (s *session) ContainerID() string { return s.task.Work.ContainerID }

func (s *session) Worker() string { return s.actor.name }

func (s *session) BeganAt() time.Time { return s.beganAt }

func (s *session) WorkerNow() time.Time { return s.actor.clock.at(s.actor.world.now) }

func (s *session) Preparing() bool { return s.state == preparing }

func (s *session) Exited() bool {
	return s.state == killed || (s.state != preparing && s.state != givenUp && !s.exitsAt.After(s.actor.world.now))
}

func (s *session) AskedToStop() bool { return s.state == asked }

func (s *session) Exit() *worker.Exit { return s.exit }

func (s *session) WorkerStops() bool { return s.actor.stopping }

func (s *session) FrozenUntil() time.Time { return s.actor.frozenUntil }

func (s *session) ClockAhead() time.Duration { return s.actor.ahead }
