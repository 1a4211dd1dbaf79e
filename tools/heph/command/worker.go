package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/services/worker/process"
)

// worker is the deployed worker as a command of heph, with which the demonstration starts its
// workers.
func (a *app) worker() *cobra.Command {
	return &cobra.Command{
		Use:     "worker -- COMMAND [ARGUMENT…]",
		Short:   "Be a worker process of a stack",
		Long:    process.Usage,
		Example: "  heph worker -- ./work.sh",
		Hidden:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("no command to run for each message: heph worker -- COMMAND [ARGUMENT…]")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			// The worker handles signals itself: its running job has to yield first.
			return process.Run(context.WithoutCancel(cmd.Context()), args)
		},
	}
}
