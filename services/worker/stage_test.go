package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
)

// curtain is when every stage opens. The transcript tells times since then.
var curtain = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

var errAWS = errors.New("AWS does not answer")

// stage is all that is around a worker: the queue, the protocol, Step Functions, the host and the
// command that it runs. It keeps a transcript of what the worker does, and time passes only while
// something takes time. Offsets are since the curtain; zero is never.
type stage struct {
	now        time.Time
	transcript []string // a line for each time at which the worker does something
	lastSaid   time.Time
	settings   worker.Settings // zero: the defaults

	message     string // the body; empty: mail m1's work
	receive     error
	start       claim.Start // its Lease is filled in if Started
	startErr    error
	startTakes  time.Duration
	receives    string        // ApproximateReceiveCount; empty: 1
	begin       error         // how the preparation fails
	prepares    time.Duration // how long the preparation takes; negative: without end
	sick        []error       // what each check finds; after the last nothing
	command     command
	nudges      []time.Duration
	stopAt      time.Duration // the worker is told to stop
	askedAt     time.Duration // from then on another thread waits on the claim
	refuseAt    time.Duration // from then on heartbeats are refused
	failAt      time.Duration // from then on heartbeats fail
	failUntil   time.Duration // until then
	hangAt      time.Duration // from then on heartbeats are not answered before their deadline
	beatTakes   time.Duration // how long a heartbeat takes
	finishes    []error       // of the first calls
	finished    *claim.Finished
	handBack    awsx.Result // Unknown is Applied here
	handBackErr error
	declined    claim.Declined
	declineErr  error
	answer      error // of Step Functions to the work's token
	wakeErr     error

	// What has happened.
	answered     string // the last result or cause that Step Functions got
	begun        bool
	gaveUp       bool
	readyAt      time.Time
	exited       bool
	exitAt       time.Time
	exit         worker.Exit
	toldStopping bool
}

// command is how the command goes.
type command struct {
	runs  time.Duration // until it exits by itself; zero: as long as it may
	exit  worker.Exit
	saves time.Duration // after SIGTERM, until it exits; zero: it does not listen
	last  worker.Exit   // how it exits then
}

// play lets the worker handle one message and returns the transcript.
func (s *stage) play(ctx context.Context) (string, error) {
	s.now = curtain
	if s.settings == (worker.Settings{}) {
		s.settings = worker.DefaultSettings()
	}
	w, err := worker.New(s.parts())
	if err != nil {
		return "", err
	}
	err = w.Once(ctx)
	return strings.Join(s.transcript, "\n"), err
}

// parts are a worker's parts; the stage plays each of them.
func (s *stage) parts() worker.Parts {
	return worker.Parts{
		ID: "w1", Queue: s, QueueURL: "https://sqs/work.fifo", Protocol: s, Tokens: s, Host: s,
		Settings: s.settings, Log: slog.New(slog.DiscardHandler),
	}
}

func (s *stage) say(format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	if last := len(s.transcript) - 1; last >= 0 && s.lastSaid.Equal(s.now) {
		s.transcript[last] += ", " + said
		return
	}
	s.transcript, s.lastSaid = append(s.transcript, fmt.Sprintf("%v: %s", s.now.Sub(curtain), said)), s.now
}

// since says whether the offset has come.
func (s *stage) since(offset time.Duration) bool {
	return offset != 0 && !s.now.Before(curtain.Add(offset))
}

func theWork() job.Work {
	return job.Work{
		Message: job.Message{
			MessageID: "m1", ProjectID: "amelia", UserID: "scott", ProjectUserID: "amelia#scott", ThreadID: "a", ReceivedAtMillis: job.Millis(curtain),
		},
		ContainerID: "container-1", TaskToken: "token-m1",
	}
}

// The queue.

func (s *stage) ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if s.receive != nil {
		return nil, s.receive
	}
	body := s.message
	if body == "" {
		encoded, err := json.Marshal(theWork())
		if err != nil {
			return nil, err
		}
		body = string(encoded)
	}
	return &sqs.ReceiveMessageOutput{Messages: []types.Message{{
		Body: aws.String(body), ReceiptHandle: aws.String("r1"), MessageId: aws.String("s1"), Attributes: map[string]string{"ApproximateReceiveCount": s.receives},
	}}}, nil
}

func (s *stage) DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	s.say("delete")
	return &sqs.DeleteMessageOutput{}, nil
}

func (s *stage) ChangeMessageVisibility(_ context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	s.say("show in %ds", in.VisibilityTimeout)
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

// The protocol.

func (s *stage) lease() claim.Lease {
	return claim.Lease{Key: "amelia#scott", ContainerID: "container-1", MessageID: "m1", WorkerID: "w1", Fence: 7, ExpiresAt: s.now.Add(90 * time.Second)}
}

func (s *stage) Start(context.Context, job.Work, string) (claim.Start, error) {
	s.say("start")
	start := s.start
	if start.Verdict == claim.Started {
		start.Lease = s.lease()
	}
	s.now = s.now.Add(s.startTakes)
	return start, s.startErr
}

func (s *stage) Heartbeat(ctx context.Context, l claim.Lease) (claim.Beat, error) {
	defer func() { s.now = s.now.Add(s.beatTakes) }()
	switch {
	case s.since(s.hangAt):
		s.say("heartbeat, not answered")
		return claim.Beat{Result: awsx.Unknown, Lease: l}, s.hang(ctx)
	case s.since(s.failAt) && !s.since(s.failUntil):
		s.say("heartbeat fails")
		return claim.Beat{Result: awsx.Unknown, Lease: l}, errAWS
	case s.since(s.refuseAt):
		s.say("heartbeat refused")
		return claim.Beat{Result: awsx.Refused, Lease: l}, nil
	}
	beat := claim.Beat{Result: awsx.Applied, Lease: s.lease()}
	if s.since(s.askedAt) {
		beat.Preemptor = &claim.Preemptor{ThreadID: "b", NewestMessageID: "m2"}
		s.say("heartbeat: thread b asks")
		return beat, nil
	}
	s.say("heartbeat")
	return beat, nil
}

func (s *stage) Finish(_ context.Context, _ claim.Lease, end claim.End) (claim.Finished, error) {
	said := fmt.Sprintf("finish as %s: %q", end.Outcome, end.Result)
	if end.PartialWork != "" {
		said += fmt.Sprintf(", saved %q", end.PartialWork)
	}
	s.say("%s", said)
	if len(s.finishes) > 0 {
		err := s.finishes[0]
		s.finishes = s.finishes[1:]
		if err != nil {
			return claim.Finished{}, err
		}
	}
	if s.finished != nil {
		return *s.finished, nil
	}
	finished := claim.Finished{Job: claim.Job{MessageID: "m1", ContainerID: "container-1", Outcome: end.Outcome, Result: end.Result}}
	if s.askedAt != 0 {
		finished.Wakes = []claim.Wake{{MessageID: "m2", Token: "token-m2"}}
	}
	return finished, nil
}

func (s *stage) HandBack(context.Context, claim.Lease) ([]claim.Wake, awsx.Result, error) {
	s.say("hand back")
	if s.handBack != awsx.Unknown || s.handBackErr != nil {
		return nil, s.handBack, s.handBackErr
	}
	return []claim.Wake{{MessageID: "m2", Token: "token-m2"}}, awsx.Applied, nil
}

func (s *stage) Decline(context.Context, job.Work, string) (claim.Declined, error) {
	s.say("decline")
	return s.declined, s.declineErr
}

// Step Functions.

func (s *stage) SendTaskSuccess(_ context.Context, in *sfn.SendTaskSuccessInput, _ ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error) {
	if *in.TaskToken != "token-m1" {
		s.say("wake %s", *in.TaskToken)
		return &sfn.SendTaskSuccessOutput{}, s.wakeErr
	}
	s.say("succeed")
	s.answered = *in.Output
	return &sfn.SendTaskSuccessOutput{}, s.answer
}

func (s *stage) SendTaskFailure(_ context.Context, in *sfn.SendTaskFailureInput, _ ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error) {
	s.say("fail as %s", *in.Error)
	s.answered = *in.Cause
	return &sfn.SendTaskFailureOutput{}, s.answer
}

var errTokenGone = &sfntypes.TaskTimedOut{}

// The host.

func (s *stage) Now() time.Time { return s.now }

func (s *stage) Begin(_ context.Context, t worker.Task) worker.Session {
	s.say("begin under fence %d", t.Fence)
	s.begun, s.gaveUp, s.exited, s.readyAt, s.exitAt = false, false, false, time.Time{}, time.Time{}
	if s.prepares >= 0 {
		s.readyAt = s.now.Add(s.prepares)
	}
	return s
}

func (s *stage) Check(context.Context) error {
	if len(s.sick) == 0 {
		return nil
	}
	s.say("check")
	err := s.sick[0]
	s.sick = s.sick[1:]
	return err
}

// deadline is the context's end by the stage's clock.
type deadline struct{}

// expired is a context that knows its end by the stage's clock.
type expired struct {
	context.Context
	stage *stage
	until time.Time
}

func (e expired) Err() error {
	if !e.stage.now.Before(e.until) {
		return context.DeadlineExceeded
	}
	return e.Context.Err()
}

func (e expired) Value(key any) any {
	if key == (deadline{}) {
		return e.until
	}
	return e.Context.Value(key)
}

func (s *stage) WithDeadline(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	return expired{Context: ctx, stage: s, until: until}, func() {}
}

// hang is a call that is not answered before the context's end.
func (s *stage) hang(ctx context.Context) error {
	if until, ok := ctx.Value(deadline{}).(time.Time); ok && until.After(s.now) {
		s.now = until
	}
	return context.DeadlineExceeded
}

func (s *stage) Stopping() bool { return s.since(s.stopAt) }

func (s *stage) UntilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

func (s *stage) Pause(_ context.Context, d time.Duration) {
	s.say("pause %v", d)
	s.now = s.now.Add(d)
}

// The command's session.

func (s *stage) Await(_ context.Context, until time.Time) worker.Event {
	next, event := until, worker.Event{Kind: worker.Quiet}
	earlier := func(at time.Time, e worker.Event) {
		if !at.After(next) {
			next, event = at, e
		}
	}
	if s.gaveUp {
		return worker.Event{Kind: worker.BeginFailed, Err: context.Canceled}
	}
	if !s.begun && !s.readyAt.IsZero() {
		e := worker.Event{Kind: worker.Begun}
		if s.begin != nil {
			e = worker.Event{Kind: worker.BeginFailed, Err: s.begin}
		}
		earlier(s.readyAt, e)
	}
	if len(s.nudges) > 0 {
		earlier(curtain.Add(s.nudges[0]), worker.Event{Kind: worker.Nudged})
	}
	if s.stopAt != 0 && !s.toldStopping {
		earlier(curtain.Add(s.stopAt), worker.Event{Kind: worker.Stopped})
	}
	if s.begun && !s.exitAt.IsZero() {
		earlier(s.exitAt, worker.Event{Kind: worker.Exited, Exit: s.exit})
	}
	if next.After(s.now) {
		s.now = next
	}
	switch event.Kind {
	case worker.Begun:
		s.begun = true
		if s.prepares != 0 {
			s.say("the command begins")
		}
		if s.command.runs != 0 {
			s.exitAt, s.exit = s.now.Add(s.command.runs), s.command.exit
		}
	case worker.BeginFailed:
		s.gaveUp = true
	case worker.Nudged:
		s.nudges = s.nudges[1:]
	case worker.Stopped:
		s.toldStopping = true
	case worker.Exited:
		s.exited = true
	}
	return event
}

func (s *stage) Terminate() {
	if !s.begun {
		s.say("give up")
		s.gaveUp = true
		return
	}
	s.say("SIGTERM")
	if !s.exitAt.IsZero() && !s.exitAt.After(s.now) {
		return // it has ended
	}
	s.exit.Asked = true
	if s.command.saves != 0 {
		s.exitAt, s.exit = s.now.Add(s.command.saves), s.command.last
		s.exit.Asked = true
	}
}

func (s *stage) Kill() {
	if !s.begun {
		s.say("give up")
		s.gaveUp = true
		return
	}
	s.say("SIGKILL")
	s.exitAt, s.exit = s.now, worker.Exit{Code: -1, Asked: s.exit.Asked, Summary: s.command.exit.Summary, Result: s.command.exit.Result}
}

func (s *stage) Close() {
	if !s.exited && !s.gaveUp {
		s.say("close, although the command runs")
	}
}
