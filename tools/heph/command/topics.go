package command

import (
	"strings"

	"github.com/spf13/cobra"
)

// strictHelp makes an unknown topic an error: cobra's own help prints the usage and succeeds.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Example = "  heph help send\n  heph help exit-codes"
	help.Args = func(_ *cobra.Command, topic []string) error {
		if _, rest, err := root.Find(topic); err != nil || len(rest) > 0 {
			return usage("unknown help topic %q: `heph help` lists commands and topics", strings.Join(topic, " "))
		}
		return nil
	}
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit status of heph says",
		Long: `Exit status of heph:

  0    it worked; an empty list is a success too
  1    it failed: AWS or the stack did not answer, or the demonstration found something wrong;
       heph sim, model: a promise was broken; heph sim --seed N --shrink: none was, so there is nothing to shrink;
       heph mutants: a wrong version survived, or could not be tried
  2    the command line is wrong; nothing was done
  3    heph send --wait: the mail reached an outcome, but another than completed, or it is held
  4    heph send --wait: there was no outcome before --timeout
  130  stopped before it was done, by Ctrl-C or SIGTERM

With -o json an error is one JSON object on stderr: {"error":{"message":…,"exitStatus":…}}.`,
	}
}

func environmentTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "environment",
		Short: "Environment variables that heph reads",
		Long: `A flag wins over the environment, the environment over the default.

Where the stack is:
  AWS_ENDPOINT_URL     its endpoint (--endpoint); without it ` + defaultEndpoint + `, where heph dev listens.
                       --endpoint "" means AWS itself
  STACK_PREFIX         what the names of its resources begin with (--prefix; default webordinary)
  AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, …
                       as every AWS SDK reads them. For an endpoint on this machine, region and credentials
                       are made up where none are set
  STACK_ACCESS_KEY_ID, STACK_SECRET_ACCESS_KEY
                       the access key that heph dev --dangerously-listen asks its clients for

What heph prints:
  NO_COLOR             not empty: no colours (https://no-color.org); --color always wins
  TERM                 dumb: no colours and no signs

heph dev:
  SENDERS              who may write (--senders; default open)

The command of heph dev:
  COMMAND_ENV          names of variables that it sees, separated by commas, and those of --env; besides them
                       PATH, HOME, LANG, TZ, TERM and TMPDIR, and nothing else

The command that works on a message finds that in HEPHAESTUS_* variables: docs/protocol.md lists them.`,
	}
}
