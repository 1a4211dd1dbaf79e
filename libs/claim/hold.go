package claim

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// A held message has a row and nothing else: no execution, no part in a claim. Release, or Refuse,
// puts the row of a job, or of a rejection, in its place, by one conditional write, so only the
// first of them succeeds. The new row expires as if the message had just come.

// Hold puts, once, the row of a message that a person must release, with the reason. It returns a
// *CollisionError as Admit does.
func (s *Store) Hold(ctx context.Context, r Rejection) (Admitted, error) {
	now := job.Millis(s.now())
	held := r.row(now)
	held.HeldAtMillis = now
	return s.admit(ctx, nil, held, noRow)
}

// Release makes a held message a job. If it is held no more, the row that is there is the answer.
// ErrNoJob says that there is none: it has expired. while is as of Admit.
func (s *Store) Release(ctx context.Context, m job.Message, stateMachineARN string, while *types.ConditionCheck) (Admitted, error) {
	if err := m.Validate(); err != nil {
		return Admitted{}, err
	}
	now := job.Millis(s.now())
	released := admitted(m, stateMachineARN, now)
	released.ReleasedAtMillis = now
	return s.admit(ctx, while, released, heldRow)
}

// Refuse rejects a held message that turns out, at its release, not to be a job all the same. It
// answers as Release does.
func (s *Store) Refuse(ctx context.Context, r Rejection) (Admitted, error) {
	return s.admit(ctx, nil, r.rejected(job.Millis(s.now())), heldRow)
}

// MarkHeldTold notes on a held message's row that a person was told, unless it is held no more:
// what becomes of it then, a person must be told anew.
func (s *Store) MarkHeldTold(ctx context.Context, messageID string) error {
	e := newExpression().when("attribute_exists(heldAt)").assign("deadLetteredAt", item.Number(job.Millis(s.now())))
	_, err := s.updateJob(ctx, messageID, e)
	var heldNoMore *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &heldNoMore) {
		return fmt.Errorf("mark %s as told: %w", messageID, err)
	}
	return nil
}
