package intake

import (
	"context"
	"errors"
	"fmt"

	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// hold puts the message's row without an execution, and tells a person, who may release it. Nothing
// else knows of it until then: no thread, no claim.
func (m message) hold(ctx context.Context, reason string) error {
	letter := m.letter(job.Held, reason)
	letter.LookInto = job.LookIntoHeld(m.id, m.raw)
	held, err := m.protocol.Hold(ctx, m.rejection(letter))
	if err != nil {
		return err
	}
	if before := held.Existing; before != nil && !before.Held() {
		telemetry.Write(ctx, m.log, telemetry.MailNotHeld{Message: m.id, Outcome: before.Outcome, Reason: letter.What})
		return nil
	}
	telemetry.Write(ctx, m.log, telemetry.MailHeld{Message: m.id, Key: m.key, Reason: letter.What, Again: !held.Fresh})
	if held.Existing != nil && held.Existing.DeadLettered() {
		return nil
	}
	return m.letters.Send(ctx, letter)
}

// Release makes a held message a job, as if it had come now, without asking again who may write. It
// may be called any number of times: the first that finds the message held decides, and each later
// one does what that has left undone. An error says that nobody knows how far it came: call again.
func (h *Handler) Release(ctx context.Context, messageID string) (job.Released, error) {
	answer := job.Released{MessageID: messageID}
	row, err := h.protocol.ReadJob(ctx, messageID)
	switch {
	case err != nil:
		return answer, err
	case row == nil:
		answer.Because = "there is no such message: it never came, or its row has expired"
		return answer, nil
	case !row.Held() && row.ReleasedAtMillis == 0:
		answer.Because = "it is not held: " + state(row)
		return answer, nil
	case row.Outcome == "":
		if err := h.begin(ctx, row); err != nil && !errors.Is(err, claim.ErrNoJob) {
			return answer, err
		}
	}
	if row, err = h.protocol.ReadJob(ctx, messageID); err != nil {
		return answer, err
	}
	switch {
	case row == nil:
		answer.Because = "its row has just expired"
	case row.ReleasedAtMillis == 0:
		answer.Because = state(row)
	default:
		answer.Released = true
	}
	return answer, nil
}

// begin takes the mail of a message that is held, or was.
func (h *Handler) begin(ctx context.Context, row *claim.Job) error {
	now := h.now()
	m := message{arrival: arrival{Handler: h, raw: *row.Raw, receivedAt: now, released: true}, id: row.MessageID, key: row.Key}
	err := m.read(ctx)
	m.receivedAt = now // whatever the object says
	var gone *s3types.NoSuchKey
	if errors.As(err, &gone) {
		return m.reject(ctx, "the mail was deleted from its bucket before it was released", false)
	}
	if err != nil {
		return err
	}
	if m.parsed, err = mail.Parse(m.content, h.settings.Limits); err != nil {
		return m.reject(ctx, err.Error(), false)
	}
	return m.admit(ctx)
}

// state says where a message is.
func state(row *claim.Job) string {
	switch {
	case row.Outcome == job.Rejected:
		return fmt.Sprintf("%s: %s", row.Outcome, row.Result)
	case row.Outcome != "":
		return string(row.Outcome)
	case row.Held():
		return job.Held
	}
	return "it is a job"
}
