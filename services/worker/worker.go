// Package worker takes containers' jobs off the work queue, one at a time, and does them: it starts
// (and gets a fence), runs the configured command, keeps the lease and the message's visibility
// alive, yields when a newer thread asks, finishes, wakes those who wait, answers Step Functions
// and deletes the message, in this order. So it may die at any point: the worker that gets the
// message next finds in the tables what is left to do.
//
// It promises that its command is stopped before another worker can get the lease: at the lease's
// end by its own clock, counted from when the last heartbeat was sent. It does not promise that a
// command runs only once: a worker that dies leaves its job to another, under a higher fence.
//
// The worker is plain sequential code over small interfaces. All that is concurrent (the command,
// the nudges, the signal to stop) is behind Session, so that the simulation runs this very code.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// SQS is the work queue; *sqs.Client satisfies it.
type SQS interface {
	ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
	ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
}

// StepFunctions answers task tokens; *sfn.Client satisfies it.
type StepFunctions interface {
	interrupt.StepFunctions
	SendTaskFailure(ctx context.Context, in *sfn.SendTaskFailureInput, opts ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error)
}

// Protocol is the part of claim.Store that a worker needs.
type Protocol interface {
	Start(ctx context.Context, w job.Work, workerID string) (claim.Start, error)
	Heartbeat(ctx context.Context, l claim.Lease) (claim.Beat, error)
	Finish(ctx context.Context, l claim.Lease, end claim.End) (claim.Finished, error)
	HandBack(ctx context.Context, l claim.Lease) ([]claim.Wake, awsx.Result, error)
	Decline(ctx context.Context, w job.Work, workerID string) (claim.Declined, error)
}

// Settings are the worker's times.
type Settings struct {
	Heartbeat      time.Duration // between two heartbeats; at most a third of the lease
	CommandTimeout time.Duration // a command that runs longer is stopped
	CommandGrace   time.Duration // between asking a command to stop and killing it
	ReceiveWait    time.Duration // how long a receive waits for work, 20 s at most
	Visibility     time.Duration // how long a message in work stays hidden from others; each heartbeat renews it
	SickAfter      time.Duration // a worker whose machine has been sick for so long ends
	MaxStarts      int           // a job fails that was started so many times and has come to no end
}

// DefaultSettings are the defaults, as docs/protocol.md (Settings) has them.
func DefaultSettings() Settings {
	return Settings{
		Heartbeat: 20 * time.Second, CommandTimeout: time.Hour, CommandGrace: 30 * time.Second,
		ReceiveWait: 20 * time.Second, Visibility: 95 * time.Second, SickAfter: 5 * time.Minute, MaxStarts: 10,
	}
}

// Validate refuses times that do not go together; its error names the rule.
func (s Settings) Validate(c claim.Settings) error {
	switch {
	case s.Heartbeat <= 0 || s.CommandTimeout <= 0 || s.CommandGrace <= 0:
		return errors.New("worker settings: heartbeat, command timeout and command grace must be positive")
	case 3*s.Heartbeat > c.Lease:
		return fmt.Errorf("worker settings: heartbeat %v: want at most a third of the lease %v, so that two may be lost", s.Heartbeat, c.Lease)
	case s.ReceiveWait < 0 || s.ReceiveWait > 20*time.Second:
		return fmt.Errorf("worker settings: receive wait %v: SQS allows 0 to 20s", s.ReceiveWait)
	case s.Visibility < c.Lease || s.Visibility > 12*time.Hour:
		return fmt.Errorf("worker settings: visibility %v: want the lease %v or more, 12h at most", s.Visibility, c.Lease)
	case s.SickAfter <= 0 || s.MaxStarts <= 0:
		return errors.New("worker settings: the time after which a sick worker ends, and the most starts of a job, must be positive")
	}
	return nil
}

// Parts are what a worker is made of. None may be missing.
type Parts struct {
	ID       string // unique among all workers, past ones too
	Queue    SQS
	QueueURL string // of the work queue
	Protocol Protocol
	Tokens   StepFunctions // the executions that are answered, and those that are woken
	Host     Host
	Settings Settings
	Log      *slog.Logger
}

// Worker is one worker; it does one job at a time.
type Worker struct {
	id       string
	queue    SQS
	queueURL string
	protocol Protocol
	tokens   StepFunctions
	host     Host
	settings Settings
	log      *slog.Logger
	sickFor  time.Duration // how long the machine has been sick since a command last began
}

// New makes a worker, or says that a part is missing.
func New(p Parts) (*Worker, error) {
	if p.ID == "" || p.Queue == nil || p.QueueURL == "" || p.Protocol == nil || p.Tokens == nil || p.Host == nil || p.Log == nil {
		return nil, errors.New("a worker needs an ID, Queue, QueueURL, Protocol, Tokens, Host and Log: one is missing")
	}
	return &Worker{
		id: p.ID, queue: p.Queue, queueURL: p.QueueURL, protocol: p.Protocol, tokens: p.Tokens,
		host: p.Host, settings: p.Settings, log: p.Log,
	}, nil
}

// Run does jobs until the host is told to stop. A job that is running then yields and is delivered
// again. What AWS does not answer is logged and waited out; Run returns an error only if the
// machine stays sick.
func (w *Worker) Run(ctx context.Context) error {
	for !w.host.Stopping() {
		err := w.Once(ctx)
		switch {
		case errors.Is(err, ErrMachine):
			if err := w.convalesce(ctx, err); err != nil {
				return err
			}
		case err != nil && !w.host.Stopping():
			telemetry.Write(ctx, w.log, telemetry.WorkFailed{Worker: w.id, Error: err.Error()})
			w.host.Pause(ctx, time.Second)
		}
	}
	return nil
}

// Once waits for a message and handles it, if one comes. It returns an error of the receive, or
// ErrMachine if the machine could not begin a command.
func (w *Worker) Once(ctx context.Context) error {
	// A receive that is cancelled may have locked its message group already. The message then comes
	// again after its visibility timeout: that is the price of stopping at once.
	waiting, cancel := w.host.UntilStopped(ctx)
	defer cancel()
	out, err := w.queue.ReceiveMessage(waiting, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(w.queueURL), MaxNumberOfMessages: 1,
		WaitTimeSeconds: int32(w.settings.ReceiveWait / time.Second), VisibilityTimeout: seconds(w.settings.Visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
	})
	if err != nil {
		return fmt.Errorf("receive work: %w", err)
	}
	for _, m := range out.Messages {
		err = errors.Join(err, w.handle(ctx, m))
	}
	return err
}

// handle does for one message what the tables say is left to do. After an error the message becomes
// visible again. handle returns what ails the machine, if it could not begin the command.
func (w *Worker) handle(ctx context.Context, m types.Message) error {
	d := delivery{worker: w, handle: m.ReceiptHandle, receives: receives(m)}
	work, err := job.ParseWork(aws.ToString(m.Body))
	if err != nil {
		telemetry.Write(ctx, w.log, telemetry.WorkUnreadable{Worker: w.id, SQSMessage: aws.ToString(m.MessageId), Error: err.Error()})
		d.showIn(ctx, w.settings.pause(aws.ToString(m.MessageId), d.receives))
		return nil
	}
	d.work = work
	d.about = telemetry.Work{Worker: w.id, Message: work.Message.MessageID, Key: work.Message.ProjectUserID, Container: work.ContainerID}
	start, err := w.protocol.Start(ctx, work, w.id)
	if err != nil {
		d.tell(ctx, telemetry.StartFailed{Work: d.about, Error: err.Error()})
		return nil
	}
	if start.Verdict == claim.Started {
		d.tell(ctx, telemetry.JobStarted{Work: d.about, Fence: start.Lease.Fence, Thread: work.Message.ThreadID})
		if start.LostStarts >= int64(w.settings.MaxStarts) {
			what := fmt.Sprintf(CameToNoEnd, start.LostStarts)
			d.finish(ctx, start.Lease, claim.End{Outcome: job.Failed, Result: what})
			return nil
		}
		return d.run(ctx, start.Lease)
	}
	d.dispose(ctx, start)
	return nil
}

// CameToNoEnd is what is said of a job that fails since it was started so many times (%d).
const CameToNoEnd = "started %d times, and no worker came to its end"

// receives is how often the message has been received.
func receives(m types.Message) int {
	n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil {
		return 1
	}
	return n
}

func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }
