// Package sendinterrupt is the Lambda that asks the holder of a key to yield. It leaves the
// message's task token on the claim, for the step that frees the claim, and nudges the holder. If
// the message need not wait after all, or not here, it answers the token itself. Running it again
// does no harm.
package sendinterrupt

import (
	"context"
	"errors"
	"log/slog"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Input is the state machine's Payload.
type Input struct {
	Message   job.Message `json:"message"`
	TaskToken string      `json:"taskToken"`
}

// Output goes to the log of the execution only: the state ends when its token is answered.
type Output struct {
	Decision    string `json:"decision"`
	Waits       bool   `json:"waits"`       // the token is on the claim, and the holder was nudged
	ContainerID string `json:"containerId"` // of the claim whose holder it asked
}

// Protocol is the part of claim.Store that the handler needs.
type Protocol interface {
	Interrupt(ctx context.Context, m job.Message, token string) (claim.Asked, error)
}

// Nudger sends nudges; *interrupt.Queues satisfies it.
type Nudger interface {
	Send(ctx context.Context, n interrupt.Nudge) error
}

// Handler handles the state SendInterrupt.
type Handler struct {
	protocol Protocol
	nudges   Nudger
	tokens   interrupt.StepFunctions
	log      *slog.Logger
}

// New makes the handler.
func New(protocol Protocol, nudges Nudger, tokens interrupt.StepFunctions, log *slog.Logger) *Handler {
	return &Handler{protocol: protocol, nudges: nudges, tokens: tokens, log: log}
}

// Handle asks the holder to yield.
func (h *Handler) Handle(ctx context.Context, in Input) (Output, error) {
	m := in.Message
	if err := m.Validate(); err != nil {
		return Output{}, err
	}
	if in.TaskToken == "" {
		return Output{}, &job.InvalidRequest{Err: errors.New("no taskToken: the state must be a .waitForTaskToken one")}
	}
	asked, err := h.protocol.Interrupt(ctx, m, in.TaskToken)
	if err != nil {
		return Output{}, err
	}
	out := Output{Decision: asked.Decision.String(), ContainerID: asked.ContainerID, Waits: asked.Decision == claim.DecisionInterrupt && !asked.GoOn}
	telemetry.Write(ctx, h.log, telemetry.AskedToYield{
		Message: m.MessageID, Key: m.ProjectUserID, Decision: out.Decision, Waits: out.Waits, Container: out.ContainerID,
	})
	interrupt.WakeAll(ctx, h.tokens, h.log, m, "interrupt by "+m.MessageID, asked.Wakes)
	if !out.Waits {
		own := claim.Wake{MessageID: m.MessageID, Token: in.TaskToken, Superseded: asked.Decision == claim.DecisionSuperseded}
		return out, interrupt.Wake(ctx, h.tokens, m.MessageID, []claim.Wake{own})
	}
	nudge := interrupt.Nudge{ProjectUserID: m.ProjectUserID, ContainerID: asked.ContainerID, NewThreadID: m.ThreadID, NewMessageID: m.MessageID}
	if err := h.nudges.Send(ctx, nudge); err != nil {
		telemetry.Write(ctx, h.log, telemetry.NudgeLost{Message: m.MessageID, Error: err.Error()})
	}
	return out, nil
}
