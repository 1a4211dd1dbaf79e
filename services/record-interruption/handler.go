// Package recordinterruption is the Lambda that puts an interruption on record: a job that was
// preempted, or a message that is superseded and ends here. It writes one record per message,
// however often it is retried, and none for a job that turns out to have completed.
package recordinterruption

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Input is the state machine's Payload.
type Input struct {
	Message job.Message `json:"message"`
	Reason  job.Reason  `json:"reason"` // preempted or superseded
}

// Output is how the job has ended; the state machine's last choice reads its outcome.
type Output = job.WorkResult

// Jobs ends jobs; *ending.Jobs satisfies it.
type Jobs interface {
	End(ctx context.Context, c claim.CleanUp) (claim.Job, error)
}

// Handler handles the states RecordInterruption and RecordSuperseded.
type Handler struct {
	jobs Jobs
	log  *slog.Logger
}

// New makes the handler.
func New(jobs Jobs, log *slog.Logger) *Handler { return &Handler{jobs: jobs, log: log} }

// Handle ends the job if it has no outcome yet, and makes sure that its record is there. A
// superseded message has none; a preempted one has none if its worker could not write it.
func (h *Handler) Handle(ctx context.Context, in Input) (Output, error) {
	m := in.Message
	if err := m.Validate(); err != nil {
		return Output{}, err
	}
	end := claim.End{Outcome: job.Interrupted, Result: "preempted by a newer thread"}
	switch in.Reason {
	case job.ReasonPreempted:
	case job.ReasonSuperseded:
		end = claim.End{Outcome: job.Superseded, Result: "a newer message of another thread has or wants the key"}
	default:
		err := fmt.Errorf("message %s: reason %q: want %s or %s", m.MessageID, in.Reason, job.ReasonPreempted, job.ReasonSuperseded)
		return Output{}, &job.InvalidRequest{Err: err}
	}
	j, err := h.jobs.End(ctx, claim.CleanUp{Message: m, End: end})
	if err != nil {
		return Output{}, err
	}
	telemetry.Write(ctx, h.log, telemetry.JobRecorded{Message: m.MessageID, Key: m.ProjectUserID, Outcome: j.Outcome, Container: j.ContainerID})
	return j.WorkResult(), nil
}
