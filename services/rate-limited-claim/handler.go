// Package ratelimitedclaim is the Lambda that claims a key for a message: a new claim, a join, a
// take-over, or the same container again if the message has claimed before. At most one claim per
// key is held, however many run at once, and at most one is made per least interval. A message that
// has to wait for its turn is told when to try again.
package ratelimitedclaim

import (
	"context"
	"log/slog"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Input is the state machine's Payload.
type Input struct {
	Message job.Message `json:"message"`
}

// Output is what the state machine chooses by. If Claimed is false, the state machine waits until
// RetryAt; if RetryAt is not set, the claim changed meanwhile, and the state machine checks again.
type Output struct {
	Claimed     bool   `json:"claimed"`
	How         string `json:"how"`                   // new, join, take-over, again; else the decision that forbade it
	ContainerID string `json:"containerId,omitempty"` // of the claim, if Claimed
	RetryAt     string `json:"retryAt,omitempty"`     // RFC 3339, UTC
}

// Protocol is the part of claim.Store that the handler needs.
type Protocol interface {
	Claim(ctx context.Context, m job.Message) (claim.Claimed, error)
}

// Handler handles the state ClaimJob.
type Handler struct {
	protocol Protocol
	tokens   interrupt.StepFunctions
	log      *slog.Logger
}

// New makes the handler. It wakes waiting messages through tokens.
func New(protocol Protocol, tokens interrupt.StepFunctions, log *slog.Logger) *Handler {
	return &Handler{protocol: protocol, tokens: tokens, log: log}
}

// Handle claims.
func (h *Handler) Handle(ctx context.Context, in Input) (Output, error) {
	m := in.Message
	if err := m.Validate(); err != nil {
		return Output{}, err
	}
	claimed, err := h.protocol.Claim(ctx, m)
	if err != nil {
		return Output{}, err
	}
	out := Output{Claimed: claimed.OK(), How: claimed.Decision.String(), ContainerID: claimed.ContainerID}
	if !claimed.RetryAt.IsZero() {
		out.RetryAt = claimed.RetryAt.UTC().Format(time.RFC3339Nano)
	}
	telemetry.Write(ctx, h.log, telemetry.Claimed{
		Message: m.MessageID, Key: m.ProjectUserID, Claimed: out.Claimed, How: out.How, Container: out.ContainerID, RetryAt: out.RetryAt,
	})
	interrupt.WakeAll(ctx, h.tokens, h.log, m, "claim of "+m.MessageID, claimed.Wakes)
	return out, nil
}
