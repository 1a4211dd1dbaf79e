package process_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/services/worker/process"
)

// awake is all of AWS that a worker with one job needs. Once the command has begun, heartbeats are
// not answered: the network is not back yet when a machine wakes up.
type awake struct {
	worker.Protocol
	worker.StepFunctions
	host  *process.Host
	begun chan struct{}
	beat  chan struct{}
}

func (a awake) ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	body, err := json.Marshal(theTask().Work)
	return &sqs.ReceiveMessageOutput{Messages: []types.Message{{Body: aws.String(string(body)), ReceiptHandle: aws.String("r")}}}, err
}

func (awake) DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	return &sqs.DeleteMessageOutput{}, nil
}

func (awake) ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

func (awake) SendTaskFailure(context.Context, *sfn.SendTaskFailureInput, ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error) {
	return &sfn.SendTaskFailureOutput{}, nil
}

func (a awake) Start(context.Context, job.Work, string) (claim.Start, error) {
	return claim.Start{Lease: claim.Lease{Fence: 7, ExpiresAt: a.host.Now().Add(time.Hour)}}, nil
}

func (a awake) Heartbeat(ctx context.Context, l claim.Lease) (claim.Beat, error) {
	select {
	case <-a.begun:
	default:
		return claim.Beat{Result: awsx.Applied, Lease: l}, nil
	}
	close(a.beat)
	<-ctx.Done()
	return claim.Beat{Result: awsx.Unknown, Lease: l}, ctx.Err()
}

func (awake) Finish(context.Context, claim.Lease, claim.End) (claim.Finished, error) {
	return claim.Finished{}, claim.ErrLeaseLost
}

// A timer of Go stands still while the machine is suspended. The lease does not.
func TestACommandDiesWhenItsMachineWakesUpAfterItsLeasesEnd(t *testing.T) {
	for _, test := range []struct {
		name      string
		heartbeat time.Duration
	}{
		{"while it waits", 20 * time.Minute},
		{"while a heartbeat is under way", 10 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFifo(t)
			l := shell(t, `exec 3> "$FIFO"; echo ready >&3; trap '' TERM; sleep 600 & wait; wait`)
			a := awake{host: l.host, begun: make(chan struct{}), beat: make(chan struct{})}
			settings := worker.DefaultSettings()
			settings.Heartbeat = test.heartbeat
			w, err := worker.New(worker.Parts{
				ID: "w1", Queue: a, QueueURL: "https://sqs/work.fifo", Protocol: a, Tokens: a, Host: l.host, Settings: settings, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			over := make(chan error)
			go func() { over <- w.Once(t.Context()) }()
			f.line()
			close(a.begun)
			if test.heartbeat < time.Second {
				<-a.beat
			}
			l.host.Suspend(2 * time.Hour)
			f.end()
			if err := <-over; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheClockIsTheWallsOnceTheWorkerWaitsForWork(t *testing.T) {
	l := shell(t, "true")
	l.host.Suspend(2 * time.Hour)
	if ahead := time.Until(l.host.Now()); ahead < time.Hour {
		t.Errorf("it is %v ahead, want two hours: it counts what has passed", ahead)
	}
	_, cancel := l.host.UntilStopped(t.Context())
	defer cancel()
	if off := time.Until(l.host.Now()).Abs(); off > time.Minute {
		t.Errorf("it is %v off", off)
	}
}
