package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// release is the command that makes a held mail a job.
func (a *app) release() *cobra.Command {
	var t *target
	cmd := &cobra.Command{
		Use:     "release MESSAGE",
		GroupID: "use",
		Short:   "Let a held mail begin",
		Long: `Release makes a mail a job that the stack holds for a person: because nobody vouches for its sender, its sender
is not named by its route, SES doubts it, or it may be of a program (docs/protocol.md, "Who may write"). Look at
it first: heph status --message MESSAGE names its object. MESSAGE may be shortened to a beginning that no other
has.

The mail counts as received now, so it may interrupt what works for its key. To release it again does nothing.

It calls the stack's function intake, of AWS or LocalStack as well: there you need lambda:InvokeFunction on it.`,
		Example: `  heph release o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1
  AWS_PROFILE=prod heph release o3vrnil0e --endpoint "" --prefix webordinary`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("want one message id: `heph status` lists them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.releaseMessage(cmd.Context(), t, args[0]) },
	}
	a.outputFlag(cmd)
	t = a.targetFlags(cmd)
	return cmd
}

func (a *app) releaseMessage(ctx context.Context, t *target, id string) error {
	names, err := t.names()
	if err != nil {
		return err
	}
	clients, err := t.clients(ctx)
	if err != nil {
		return err
	}
	j, err := observer{ledger: ledger.New(clients.DynamoDB(), names)}.job(ctx, id)
	if err != nil {
		return t.explain(err, names)
	}
	released, err := callRelease(ctx, clients, names, j.MessageID)
	if err != nil {
		return t.explain(err, names)
	}
	flags := a.flagsFor(t.url(), names)
	if !released.Released {
		return fmt.Errorf("%s is not released: %s; `heph status --message %s%s` shows it", released.MessageID, screen.Clean(released.Because), released.MessageID, flags)
	}
	if a.output == asJSON {
		return a.json(released, "  ")
	}
	a.out().Printf("Released %s: `heph status --message %s%s` shows what becomes of it\n", released.MessageID, released.MessageID, flags)
	return nil
}

func callRelease(ctx context.Context, clients awsx.Clients, names awsx.Names, id string) (released job.Released, err error) {
	payload, err := json.Marshal(job.Release{MessageID: id})
	if err != nil {
		return released, fmt.Errorf("release %s: %w", id, err)
	}
	out, err := clients.Lambda().Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(names.Function("intake")), Payload: payload})
	switch {
	case err != nil:
		return released, fmt.Errorf("release %s: %w", id, err)
	case out.FunctionError != nil:
		return released, fmt.Errorf("release %s: intake failed, so try again: %s", id, screen.Clean(string(out.Payload)))
	}
	if err := json.Unmarshal(out.Payload, &released); err != nil || released.MessageID != id {
		return released, errors.Join(fmt.Errorf("release %s: intake answered %q: is it of an older version?", id, screen.Clean(string(out.Payload))), err)
	}
	return released, nil
}
