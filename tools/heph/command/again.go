package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/heph/outbox"
)

// repetition is a run of heph again.
type repetition struct {
	*app
	target *target
	names  awsx.Names
	flags  string // for commands that are printed: see flagsFor
}

func (a *app) again() *cobra.Command {
	r := &repetition{app: a}
	cmd := &cobra.Command{
		Use:     "again MESSAGE",
		GroupID: "use",
		Short:   "Do a mail again that failed, timed out or was rejected",
		Long: `Again puts the mail of a message into the stack's bucket once more, for the same key, and prints the id of
the message that it becomes. It counts as received now. Each row names the other: heph status --message shows it.

It is safe to call twice: a message is done again as one and the same other message. Mend first what stopped it.
A letter of it stays on the dead letter queue until heph dismiss closes it.
A message that completed, or that a newer mail has stopped, is asked for in a new mail: heph send.
MESSAGE may be shortened to a beginning that no other has.`,
		Example: `  heph again o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1
  AWS_PROFILE=prod heph again o3vrnil0e --endpoint "" --prefix webordinary`,
		Args: oneMessage,
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args[0]) },
	}
	a.outputFlag(cmd)
	r.target = a.targetFlags(cmd)
	return cmd
}

// oneMessage refuses anything but one message id.
func oneMessage(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usage("name one message: %s MESSAGE; `heph status` lists them", cmd.CommandPath())
	}
	return nil
}

func (r *repetition) run(ctx context.Context, id string) (err error) {
	if r.names, err = r.target.names(); err != nil {
		return err
	}
	clients, err := r.target.clients(ctx)
	if err != nil {
		return err
	}
	r.flags = r.flagsFor(r.target.url(), r.names)
	rows := ledger.New(clients.DynamoDB(), r.names)
	j, err := observer{ledger: rows}.job(ctx, id)
	if errors.Is(err, errNoMessage) {
		return r.unknown(err)
	}
	if err != nil {
		return r.target.explain(err, r.names)
	}
	next, err := rows.Job(ctx, job.AgainID(j.MessageID))
	if err != nil {
		return err
	}
	if next != nil {
		return r.repeated(j, *next)
	}
	if err := r.refusal(ctx, rows, j); err != nil {
		return err
	}
	store, err := protocol(clients, r.names)
	if err != nil {
		return err
	}
	bucket := clients.S3()
	raw, err := outbox.Fetch(ctx, bucket, r.raw(j))
	if err != nil {
		return fmt.Errorf("%w: without it, let its sender send it again", err)
	}
	m := outbox.Mail{MessageID: job.AgainID(j.MessageID), Raw: raw, AgainOf: j.MessageID, For: j.Key}
	if err := store.NoteAgain(ctx, j.MessageID, j.Outcome, m.MessageID); err != nil {
		return err
	}
	if err := outbox.Put(ctx, bucket, r.names.Emails(), m); err != nil {
		return fmt.Errorf("%w: call it again", err)
	}
	return r.tell(j, m.MessageID, fmt.Sprintf("%s is done again; `heph status --message %s%s` shows how that goes", j.MessageID, m.MessageID, r.flags))
}

// raw is where the message's mail lies.
func (r *repetition) raw(j claim.Job) job.ObjectRef {
	if j.Raw != nil {
		return *j.Raw
	}
	return job.ObjectRef{Bucket: r.names.Emails(), Key: job.EmailFolder + j.MessageID}
}

func (a *app) unknown(err error) error {
	return fmt.Errorf("%w: it never came, or came more than 30 days ago: let its sender send it again", err)
}

// repeated tells that the message has been done again as next; that is an error if next came to
// nothing too.
func (r *repetition) repeated(j, next claim.Job) error {
	if next.Outcome.CameToNothing() {
		return fmt.Errorf("%s was done again as %s, which is %s: `heph again %s%s`", j.MessageID, next.MessageID, next.Outcome, next.MessageID, r.flags)
	}
	return r.tell(j, next.MessageID, fmt.Sprintf("%s was done again before, as %s, which is %s", j.MessageID, next.MessageID, state(next)))
}

// refusal says why the message is not to be done again; nil if it is.
func (r *repetition) refusal(ctx context.Context, rows ledger.Ledger, j claim.Job) error {
	switch {
	case j.Held():
		return fmt.Errorf("%s is held: `heph release %s%s` lets it begin", j.MessageID, j.MessageID, r.flags)
	case j.Outcome == "":
		return fmt.Errorf("%s is %s, and ends by itself: `heph status --message %s%s` shows where it is", j.MessageID, state(j), j.MessageID, r.flags)
	case !j.Outcome.CameToNothing():
		return fmt.Errorf("%s is %s: to ask for more, send a new mail, with `heph send%s` or as its sender does", j.MessageID, j.Outcome, r.flags)
	case j.DuplicateOf == "":
		return nil
	}
	first, err := rows.Job(ctx, j.DuplicateOf)
	if err != nil || first == nil || first.Outcome.CameToNothing() {
		return err
	}
	return fmt.Errorf("%s is a duplicate of %s, which is %s: it would be rejected again", j.MessageID, first.MessageID, state(*first))
}

// tell writes the id of the message that the mail becomes on stdout, and the rest on stderr.
func (r *repetition) tell(j claim.Job, again, said string) error {
	if r.output == asJSON {
		return r.json(map[string]string{"messageId": again, "againOf": j.MessageID}, "  ")
	}
	r.out().Printf("%s\n", again)
	r.err().Printf("%s\n", said)
	return nil
}
