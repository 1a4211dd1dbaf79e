// Package checkactivejob is the Lambda that decides what a message may do: go on to claim its key,
// ask the holder to yield, look again later, or end as superseded. It only reads, so it may be run
// again at any time.
package checkactivejob

import (
	"context"
	"log/slog"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Input is the state machine's Payload.
type Input struct {
	Message job.Message `json:"message"`
}

// The decisions of the state machine's choice.
const (
	Proceed    = "proceed"
	Interrupt  = "interrupt"
	Later      = "later"
	Superseded = "superseded"
)

// Output is what the state machine chooses by.
type Output struct {
	Decision    string `json:"decision"`    // Proceed, Interrupt, Later or Superseded
	Because     string `json:"because"`     // the protocol's decision: new, join, take-over, again, …
	ContainerID string `json:"containerId"` // of the claim that was seen; empty for none
	RetryAt     string `json:"retryAt"`     // if Later: when to check again, RFC 3339, UTC; else empty
}

// Protocol is the part of claim.Store that the handler needs.
type Protocol interface {
	Check(ctx context.Context, m job.Message) (claim.Checked, error)
}

// Handler handles the state CheckActiveJob.
type Handler struct {
	protocol Protocol
	log      *slog.Logger
}

// New makes the handler.
func New(protocol Protocol, log *slog.Logger) *Handler { return &Handler{protocol: protocol, log: log} }

// Handle decides.
func (h *Handler) Handle(ctx context.Context, in Input) (Output, error) {
	if err := in.Message.Validate(); err != nil {
		return Output{}, err
	}
	checked, err := h.protocol.Check(ctx, in.Message)
	if err != nil {
		return Output{}, err
	}
	out := Output{Decision: Superseded, Because: checked.Decision.String(), ContainerID: checked.ContainerID}
	switch {
	case checked.Decision.Proceeds():
		out.Decision = Proceed
	case checked.Decision == claim.DecisionInterrupt:
		out.Decision = Interrupt
	case checked.Decision == claim.DecisionLater:
		out.Decision, out.RetryAt = Later, checked.RetryAt.UTC().Format(time.RFC3339Nano)
	}
	telemetry.Write(ctx, h.log, telemetry.Checked{
		Message: in.Message.MessageID, Key: in.Message.ProjectUserID, Decision: out.Decision, Because: out.Because, Container: out.ContainerID, RetryAt: out.RetryAt,
	})
	return out, nil
}
