package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/heph/letterbox"
)

// dismissal is a run of heph dismiss.
type dismissal struct {
	*app
	target  *target
	by      string
	because string
}

func (a *app) dismiss() *cobra.Command {
	d := &dismissal{app: a}
	cmd := &cobra.Command{
		Use:     "dismiss MESSAGE --because TEXT",
		GroupID: "use",
		Short:   "Close a dead letter: a person has dealt with it",
		Long: `Dismiss notes on the row of a message who has dealt with it and why, and takes its letters off the dead letter
queue. heph status does not count it any more; --all and --message show it, with the reason.

A letter of a mail that has no row, or none of ours, goes by its message id, or by its id on the queue. SQS may hide
a letter for a while: then the row is marked all the same, and another call looks for the letter again.
MESSAGE may be shortened to a beginning that no other has.`,
		Example: `  heph dismiss o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1 --because "asked the sender for a smaller file"`,
		Args:    oneMessage,
		RunE:    func(cmd *cobra.Command, args []string) error { return d.run(cmd.Context(), args[0]) },
	}
	cmd.Flags().StringVar(&d.because, "because", "", "why nobody has to act any more (required)")
	cmd.Flags().StringVar(&d.by, "by", "", "who says so (default: USER of the environment)")
	a.outputFlag(cmd)
	d.target = a.targetFlags(cmd)
	return cmd
}

func (d *dismissal) run(ctx context.Context, id string) error {
	d.because = job.Cut(strings.TrimSpace(d.because), job.MaxSaidBytes)
	if d.because == "" {
		return usage("--because is missing: say why nobody has to act on %s any more", id)
	}
	names, err := d.target.names()
	if err != nil {
		return err
	}
	clients, err := d.target.clients(ctx)
	if err != nil {
		return err
	}
	row, err := d.mark(ctx, clients, names, id)
	if err != nil {
		return d.target.explain(err, names)
	}
	if row != nil {
		id = row.MessageID
	}
	taken, err := letterbox.Take(ctx, clients.SQS(), names.DeadLetters(), func(l ledger.Letter) bool {
		return l.MessageID == id || l.QueueMessageID == id
	})
	if err != nil {
		return d.target.explain(err, names)
	}
	if row == nil && taken.Deleted == 0 {
		return fmt.Errorf("no message %s, and no letter of it among %d on %s", id, taken.Others, names.DeadLetters())
	}
	return d.tell(id, row, taken, names)
}

// mark notes the dismissal on the message's row; nil if it has none.
func (d *dismissal) mark(ctx context.Context, clients awsx.Clients, names awsx.Names, id string) (*claim.Job, error) {
	j, err := observer{ledger: ledger.New(clients.DynamoDB(), names)}.job(ctx, id)
	switch {
	case errors.Is(err, errNoMessage):
		return nil, nil
	case err != nil:
		return nil, err
	case j.Outcome == "" && !j.Held():
		return nil, fmt.Errorf("%s is %s: no person has to act on it", j.MessageID, state(j))
	case !j.DeadLettered() && !j.NeedsLetter():
		return nil, fmt.Errorf("%s is %s, and no person was told to act on it", j.MessageID, state(j))
	}
	store, err := protocol(clients, names)
	if err != nil {
		return nil, err
	}
	j, err = store.Dismiss(ctx, j.MessageID, cmp.Or(d.by, d.Getenv("USER"), "somebody"), d.because)
	return &j, err
}

func (d *dismissal) tell(id string, row *claim.Job, taken letterbox.Taken, names awsx.Names) error {
	if d.output == asJSON {
		said := struct {
			MessageID      string         `json:"messageId"`
			Dismissed      *dismissedView `json:"dismissed,omitempty"`
			LettersDeleted int            `json:"lettersDeleted"`
		}{MessageID: id, LettersDeleted: taken.Deleted}
		if row != nil {
			said.Dismissed = seeDismissed(*row)
		}
		return d.json(said, "  ")
	}
	s := d.out()
	if row == nil {
		s.Printf("%s has no row; its letter is off the queue.\n", id)
		return nil
	}
	s.Printf("%s is dismissed by %s: %s\n", id, row.DismissedBy, row.DismissedBecause)
	if taken.Deleted == 0 {
		d.err().Printf("No letter of it was found among %d on %s; the row is marked all the same.\n", taken.Others, names.DeadLetters())
	}
	return nil
}
