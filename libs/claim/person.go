package claim

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// What a person does about a message that has ended. Neither changes its outcome.

// ErrOtherwise says that a row is gone, or is not any more as the caller has seen it.
var ErrOtherwise = errors.New("its row is gone, or has changed meanwhile: look again")

// NoteAgain notes on the row of a message, which has the outcome, that it is done again as another
// message. The same may be noted any number of times.
func (s *Store) NoteAgain(ctx context.Context, messageID string, outcome job.Outcome, again string) error {
	e := newExpression().when("outcome = :outcome").when("attribute_not_exists(again) OR again = :new_again").
		value(":outcome", item.Text(string(outcome))).assign("again", item.Text(again))
	if _, err := s.note(ctx, messageID, e); err != nil {
		return fmt.Errorf("note that %s is done again: %w", messageID, err)
	}
	return nil
}

// Dismiss notes on the row of a message that a person has dealt with it, and why. It answers with
// the row. If it was dismissed before, that stays as it is.
func (s *Store) Dismiss(ctx context.Context, messageID, by, because string) (Job, error) {
	e := newExpression().when("attribute_exists(outcome)").when("attribute_not_exists(dismissedAt)").
		assign("dismissedAt", item.Number(job.Millis(s.now()))).
		assign("dismissedBy", item.Text(by)).assign("dismissedBecause", item.Text(because))
	j, err := s.note(ctx, messageID, e)
	if errors.Is(err, ErrOtherwise) && j != nil && j.DismissedAtMillis != 0 {
		return *j, nil
	}
	if err != nil {
		return Job{}, fmt.Errorf("dismiss %s: %w", messageID, err)
	}
	return *j, nil
}

// note writes a job's row, and answers with it, also with ErrOtherwise if it is there.
func (s *Store) note(ctx context.Context, messageID string, e *expression) (*Job, error) {
	e.when("attribute_exists(messageId)")
	out, err := s.updateJob(ctx, messageID, e)
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		j, err := ParseJob(refused.Item)
		return j, errors.Join(ErrOtherwise, err)
	}
	if err != nil {
		return nil, err
	}
	return ParseJob(out.Attributes)
}
