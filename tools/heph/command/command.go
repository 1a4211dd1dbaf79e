// Package command is the command line of heph: its commands, one file each, over the packages that
// do the work. It promises that data goes to stdout and everything else to stderr, that it decides
// about colours for each stream by itself, that `heph help exit-codes` lists every exit status, and
// that an error says what to do next.
//
// A new command is a function that returns a *cobra.Command, and a line in root.
package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// Streams are what a command reads and writes.
type Streams struct {
	In     io.Reader
	Out    io.Writer // data
	Err    io.Writer // everything else
	Getenv func(string) string
}

// Standard are the streams of the process.
func Standard() Streams {
	return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
}

// app is what the commands share.
type app struct {
	Streams
	colour screen.Mode
	output string // text or json, if the command has --output
}

// Main runs the command line and returns its exit status. The first Ctrl-C or SIGTERM ends the
// context that a command runs in, and with that the command; a second one ends the process at once.
func Main(ctx context.Context, args []string, streams Streams) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	a := &app{Streams: streams, colour: screen.Auto, output: text}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ok
	}
	return a.report(err)
}

// root is the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "heph",
		Short: "Turn email into work: run, watch and question a Hephaestus stack",
		Long: `heph runs the whole of Hephaestus on this machine (the handlers, the state machine and the queues of the
deployed stack, over local cores of AWS's services), sends it mail, and shows what became of each message,
here as on AWS.`,
		Example: `  heph demo                                  the main job, as it happens, in under half a minute
  heph dev -- ./work.sh                      a stack on this machine that runs ./work.sh for each mail
  heph send mail.eml --wait                  send it a mail and wait for the outcome
  heph status                                who holds which key, and what became of each mail`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().Var(colourFlag{&a.colour}, "color", "colours: auto, always or never")
	_ = root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run a stack:"}, &cobra.Group{ID: "use", Title: "Use a stack:"})
	root.AddCommand(
		a.demo(), a.dev(),
		a.send(), a.status(), a.again(), a.dismiss(), a.release(),
		a.version(), a.worker(),
		exitCodesTopic(), environmentTopic(),
	)
	a.prove(root)
	strictHelp(root)
	return root
}

// out is stdout for people.
func (a *app) out() *screen.Screen { return screen.New(a.Out, a.colour, a.Getenv) }

// err is stderr for people.
func (a *app) err() *screen.Screen { return screen.New(a.Err, a.colour, a.Getenv) }

// The forms of output.
const (
	text   = "text"
	asJSON = "json"
)

// outputFlag gives the command --output and --json. Both set the form while flags are parsed, so
// that an error in a later flag has it too.
func (a *app) outputFlag(cmd *cobra.Command) {
	cmd.Flags().VarP(outputFlag{&a.output}, "output", "o", "form of the output: text or json")
	cmd.Flags().VarPF(jsonFlag{&a.output}, "json", "", "the same as -o json").NoOptDefVal = "true"
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{text, asJSON}, cobra.ShellCompDirectiveNoFileComp))
}

// json writes v as one JSON value on stdout; indent is "" for one line.
func (a *app) json(v any, indent string) error {
	encoder := json.NewEncoder(a.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

type colourFlag struct{ mode *screen.Mode }

func (f colourFlag) String() string {
	if f.mode == nil {
		return ""
	}
	return string(*f.mode)
}
func (f colourFlag) Type() string { return "when" }
func (f colourFlag) Set(value string) (err error) {
	*f.mode, err = screen.ParseMode(value)
	return err
}

type outputFlag struct{ form *string }

func (f outputFlag) String() string {
	if f.form == nil {
		return ""
	}
	return *f.form
}
func (f outputFlag) Type() string { return "form" }
func (f outputFlag) Set(value string) error {
	if value != text && value != asJSON {
		return fmt.Errorf("%q: want text or json", value)
	}
	*f.form = value
	return nil
}

// jsonFlag is --json, a switch.
type jsonFlag struct{ form *string }

func (f jsonFlag) String() string { return "" }
func (f jsonFlag) Type() string   { return "bool" }
func (f jsonFlag) Set(value string) error {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q: want true or false", value)
	}
	*f.form = text
	if on {
		*f.form = asJSON
	}
	return nil
}
