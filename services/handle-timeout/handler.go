// Package handletimeout is the Lambda that ends jobs from outside if their time is over or their
// execution failed: it cleans up the claim if the job still has a part in it, puts the end on
// record and tells a person through the dead letter queue. If the job has ended already, that end
// is the answer: a completed job stays completed.
//
// It is called by the state machine, by EventBridge for an execution that ended elsewhere (aborted,
// timed out, failed outside of its catches), and by the work queue's dead letter queue for work
// that used up its receives. All three may call for one job, and each any number of times.
package handletimeout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Closer ends jobs and tells people; *ending.Closer satisfies it.
type Closer interface {
	Close(ctx context.Context, c ending.Case) (claim.Job, error)
}

// StepFunctions describes executions and fails the tasks they wait in; *sfn.Client satisfies it.
type StepFunctions interface {
	DescribeExecution(ctx context.Context, in *sfn.DescribeExecutionInput, opts ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
	SendTaskFailure(ctx context.Context, in *sfn.SendTaskFailureInput, opts ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error)
}

// Handler handles the states HandleTimeout and HandleFailure, and the events of EventBridge and
// SQS.
type Handler struct {
	closer Closer
	flows  StepFunctions
	log    *slog.Logger
}

// New makes the handler.
func New(closer Closer, flows StepFunctions, log *slog.Logger) *Handler {
	return &Handler{closer: closer, flows: flows, log: log}
}

// Handle parses payload as one of the three events and ends the jobs that it names. It answers the
// state machine with a job.WorkResult, a queue with a BatchAnswer, and EventBridge with null.
func (h *Handler) Handle(ctx context.Context, payload json.RawMessage) (any, error) {
	event, err := ParseEvent(payload)
	if err != nil {
		return nil, &job.InvalidRequest{Err: err}
	}
	switch {
	case event.Queue != nil:
		return h.deadWork(ctx, *event.Queue), nil
	case event.Ended != nil:
		return nil, h.endElsewhere(ctx, *event.Ended)
	}
	j, err := h.closer.Close(ctx, *event.State)
	if err != nil {
		return nil, err
	}
	return j.WorkResult(), nil
}

// endElsewhere ends the job of an execution that ended elsewhere. If the event lacks its message,
// it is in that execution's input.
func (h *Handler) endElsewhere(ctx context.Context, c ending.Case) error {
	if c.Message.MessageID == "" {
		out, err := h.flows.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(c.ExecutionARN)})
		if err != nil {
			return fmt.Errorf("look for the input of %s: %w", c.ExecutionARN, err)
		}
		if c.Message, err = messageOf(aws.ToString(out.Input)); err != nil {
			return fmt.Errorf("%s: %w", c.ExecutionARN, err)
		}
	}
	_, err := h.closer.Close(ctx, c)
	return err
}

// deadWork ends the jobs of work that no worker could finish, and fails the tasks that their
// executions wait in. A message that it cannot handle stays on the queue and comes again.
func (h *Handler) deadWork(ctx context.Context, batch QueueBatch) BatchAnswer {
	var answer BatchAnswer
	for _, record := range batch.Records {
		err := h.deadWorkMessage(ctx, record.Body)
		switch {
		case errors.Is(err, claim.ErrWorkedOn):
			// Deliveries while its worker was at work used up the message's receives. The message
			// comes again until that worker is done, or dead.
			telemetry.Write(ctx, h.log, telemetry.DeadWorkStays{SQSMessage: record.ID})
		case err != nil:
			telemetry.Write(ctx, h.log, telemetry.DeadWorkFailed{SQSMessage: record.ID, Error: err.Error()})
		}
		if err != nil {
			answer.Failures = append(answer.Failures, BatchFailure{ID: record.ID})
		}
	}
	return answer
}

// DeadWork is what is said of a job whose work message used its receives up.
const DeadWork = "no worker could finish it: the work queue delivered it as often as it may"

func (h *Handler) deadWorkMessage(ctx context.Context, body string) error {
	work, err := job.ParseWork(body)
	if err != nil {
		return err
	}
	j, err := h.closer.Close(ctx, ending.Case{
		Message: work.Message, ContainerID: work.ContainerID, SpareLive: true, Outcome: job.Failed,
		What: DeadWork,
	})
	if err != nil {
		return err
	}
	failure := job.ErrorFailed
	if j.Outcome == "" {
		// The job has another container by now. If its execution still waits for this work, it
		// claims again.
		failure = job.ErrorClaimLost
	}
	_, err = h.flows.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{
		TaskToken: aws.String(work.TaskToken), Error: aws.String(failure), Cause: aws.String(job.Cut(j.Result, job.MaxSaidBytes)),
	})
	if err != nil && !interrupt.TokenGone(err) {
		return fmt.Errorf("let the execution of %s go: %w", work.Message.MessageID, err)
	}
	return nil
}

var errNoEvent = errors.New("neither a state's payload, nor an execution status change of Step Functions, nor a batch of SQS")
