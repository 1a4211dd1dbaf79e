package command

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/tools/heph/demo"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/stack"
)

func (a *app) demo() *cobra.Command {
	var keep, verbose bool
	cmd := &cobra.Command{
		Use:     "demo",
		GroupID: "run",
		Short:   "Show the main job as it happens, with real worker processes",
		Long: `Demo starts a stack of its own on a free port, with three worker processes, and sends it eight mails: a
thread begins, a reply joins, a new thread preempts and the work of the first is saved, an older mail is
superseded, a worker is killed and another takes over, a command outlives its time. It shows each event as it
comes, and then reads everything back and checks it. It takes some 15 seconds and leaves nothing behind.

The exit status is 0 only where every outcome, record, dead letter, fence and file is as it must be.`,
		Example: "  heph demo\n  heph demo --verbose        every log record, and every check\n  heph demo --keep           leave the stack running, to look into it",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runDemo(cmd.Context(), keep, verbose) },
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the stack running until Ctrl-C, and say where it is")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "tell minor events too, and the checks that hold")
	return cmd
}

func (a *app) runDemo(ctx context.Context, keep, verbose bool) (err error) {
	routes, err := demo.Routes()
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "heph-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the workspaces: %w", err)
	}
	defer os.RemoveAll(root)
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program, to start workers by it: %w", err)
	}
	show := demo.New(a.out(), verbose)
	started, err := stack.Start(ctx, stack.Config{Address: "127.0.0.1:0", Claim: demo.Claim(), Worker: demo.Worker(), Routes: routes, Log: show.Log()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, started.Close(context.WithoutCancel(ctx))) }()
	defer show.Close()
	s := a.out()
	s.Printf("%s the main job, on a stack at %s, with real worker processes. Times are shortened: lease %v, grace %v.\n",
		s.Paint(screen.Bold, "Hephaestus:"), started.Endpoint(), demo.Claim().Lease, demo.Worker().CommandGrace)
	facts, err := show.Run(ctx, demo.Place{
		Names: started.Names(), Services: services(started), Root: root, Worker: []string{self, "worker", "--"}, Environ: started.Environ(),
	})
	if ctx.Err() != nil {
		return errStopped
	}
	allHold := show.Report(facts)
	switch {
	case err != nil:
		return err
	case keep:
		a.stay(ctx, s, started, root)
	}
	if !allHold {
		return &exit{status: failed, said: true, err: errors.New("checks do not hold")}
	}
	return nil
}

// stay leaves the stack running until Ctrl-C.
func (a *app) stay(ctx context.Context, s *screen.Screen, started *stack.Stack, root string) {
	s.Printf("\nThe stack goes on, with its workers, until Ctrl-C. Everything is gone then.\n")
	s.Printf("  Workspaces  %s/workspaces\n", root)
	s.Printf("  Look        heph status%s\n", a.flagsFor(started.Endpoint(), started.Names()))
	<-ctx.Done()
}

// services are clients of the stack's port, like any user's: the SDK's, over HTTP.
func services(started *stack.Stack) demo.Services {
	clients := awsx.From(aws.Config{Region: localRegion, BaseEndpoint: aws.String(started.Endpoint()), Credentials: localCredentials})
	return demo.Services{
		S3: clients.S3(), Ledger: ledger.New(clients.DynamoDB(), started.Names()), Flows: clients.StepFunctions(),
		Letters: deadLetters(started.Endpoint(), started.Names(), clients),
	}
}
