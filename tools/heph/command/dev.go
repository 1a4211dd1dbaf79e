package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/sweep"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/services/worker/process"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/trail"
	"github.com/webordinary/hephaestus/tools/stack"
	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

// development is a run of heph dev.
type development struct {
	*app
	port    int
	exposed string // address that other machines reach
	workers int
	root    string
	domains []string
	routes  string
	senders string
	prefix  string
	env     []string
	verbose bool

	sweepEvery time.Duration
	claim      claim.Settings
	worker     worker.Settings
}

func (a *app) dev() *cobra.Command {
	d := &development{app: a, claim: claim.DefaultSettings(), worker: worker.DefaultSettings()}
	cmd := &cobra.Command{
		Use:     "dev [-- COMMAND [ARGUMENT…]]",
		GroupID: "run",
		Short:   "Run a stack on this machine",
		Long: `Dev starts the whole stack in one process: DynamoDB, SQS, S3, Step Functions and Lambda on one port in their
own protocols, with Hephaestus's handlers and state machine, and workers that run COMMAND for each mail.
Everything is in memory and lost on exit, but for the workspaces under --root; the last line names the mails that
had no outcome yet. No Docker, no account.

COMMAND runs in the workspace of the mail's key and finds the mail in HEPHAESTUS_* variables and files
(docs/protocol.md). Without one, a command runs that prints the mail's subject and text. Of this environment it
sees PATH, HOME, LANG, TZ, TERM, TMPDIR and what --env or COMMAND_ENV (names separated by commas) names.

--routes names a file that says whose work a mail is, in place of --domain:

  {"domains": ["example.com"],
   "routes": [{"address": "help@example.org", "project": "amelia", "user": "scott"},
              {"address": "*@amelia.example", "project": "amelia"}]}

A mail to help@example.org is work of amelia#scott; one to ANY@amelia.example is work of amelia#ANY, unless that
entry names a user; and domains are as those of --domain. An address goes before a whole domain. With
--senders listed, "senders": ["scott@shop.example", "*@shop.example"] of an entry, or else of the file, may write.

The first Ctrl-C lets running jobs yield and stops; a second one quits at once. Where stderr is not a terminal,
one JSON line {"event":"ready",…} says that the stack is ready, and logs follow as JSON lines.`,
		Example: `  heph dev
  heph dev -- ./work.sh
  heph dev --workers 4 --root ~/workspaces --domain mail.example.org --env ANTHROPIC_API_KEY -- \
    sh -c 'claude -p < "$HEPHAESTUS_TEXT_FILE"'
  heph dev --port 0 --lease 3s --heartbeat 1s      on a free port, with short times`,
		RunE: func(cmd *cobra.Command, args []string) error { return d.run(cmd, args) },
	}
	f := cmd.Flags()
	f.IntVar(&d.port, "port", stack.DefaultPort, "port to listen on, on this machine only; 0 picks a free one")
	f.StringVar(&d.exposed, "dangerously-listen", "", "address for other machines too (0.0.0.0: all), unencrypted; whoever has the keys runs COMMAND (needs "+keyVariable+" and "+secretVariable+")")
	f.IntVar(&d.workers, "workers", 2, "how many workers; 0 for none, to start them elsewhere")
	f.StringVar(&d.root, "root", "", "folder of the workspaces (default: a temporary one, removed on exit)")
	f.StringSliceVar(&d.env, "env", nil, "name of a variable that COMMAND sees too, besides COMMAND_ENV's (again for more)")
	f.StringSliceVar(&d.domains, "domain", []string{"example.com"}, "domain whose mail is taken: USER@PROJECT.DOMAIN and PROJECT+USER@DOMAIN (again for more)")
	f.StringVar(&d.routes, "routes", "", "routes file (JSON, see above) in place of --domain")
	f.StringVar(&d.senders, "senders", "", "who may write: open, authenticated or listed, else SENDERS (default open); other mail is held")
	f.StringVar(&d.prefix, "prefix", "", "what the names of all resources begin with, else STACK_PREFIX (default webordinary)")
	f.DurationVar(&d.claim.Lease, "lease", d.claim.Lease, "a worker without heartbeats is dead after it")
	f.DurationVar(&d.claim.InterruptGrace, "grace", d.claim.InterruptGrace, "a holder that was asked to yield is replaced after it")
	f.IntVar(&d.claim.InterruptBudget, "interrupt-budget", d.claim.InterruptBudget, "so many times an hour new threads may interrupt a key's work; 0: without bound")
	f.DurationVar(&d.worker.Heartbeat, "heartbeat", 0, "time between two heartbeats (default: 20s, or a third of a shorter lease)")
	f.DurationVar(&d.worker.CommandTimeout, "command-timeout", d.worker.CommandTimeout, "a command that runs longer is stopped")
	f.DurationVar(&d.worker.CommandGrace, "command-grace", d.worker.CommandGrace, "time between SIGTERM and SIGKILL")
	f.DurationVar(&d.worker.SickAfter, "sick-after", d.worker.SickAfter, "dev ends if no worker could begin a command for so long, because of a full disk or the like")
	f.DurationVar(&d.sweepEvery, "sweep-every", 0, "time between two looks for open jobs whose executions are over (default 5m)")
	f.BoolVarP(&d.verbose, "verbose", "v", false, "tell minor events too")
	return cmd
}

// defaultCommand prints the subject and the text of its mail.
func defaultCommand() []string {
	return []string{"/bin/sh", "-c", `printf '%s\n\n' "$HEPHAESTUS_SUBJECT"; cat "$HEPHAESTUS_TEXT_FILE"`}
}

func (d *development) run(cmd *cobra.Command, args []string) (err error) {
	if at := cmd.ArgsLenAtDash(); len(args) > 0 && at != 0 {
		return usage("%q: put the command behind --: heph dev -- %s", args[0], strings.Join(args, " "))
	}
	config, err := d.config(args)
	if err != nil {
		return err
	}
	remove, err := d.makeRoot(&config)
	if err != nil {
		return err
	}
	defer remove()
	ctx := cmd.Context()
	begun := time.Now()
	s := d.err()
	config.Log = d.log(s, begun)
	started, err := stack.Start(ctx, config)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d is taken, by another `heph dev`? --port N takes another one, --port 0 a free one", d.port)
	}
	if err != nil {
		return err
	}
	d.ready(s, started, config, args)
	var sick error
	select {
	case <-ctx.Done():
		d.stopping(s)
	case sick = <-started.Sick():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.Worker.CommandGrace+5*time.Second)
	defer cancel()
	closed := started.Close(bounded)
	if err := d.lastWords(context.WithoutCancel(ctx), s, started); err != nil {
		return errors.Join(sick, err)
	}
	if closed != nil {
		return errors.Join(sick, fmt.Errorf("stop: %w", closed))
	}
	if sick != nil {
		return fmt.Errorf("no worker is left: %w", sick)
	}
	if s.Terminal() {
		s.Printf("Stopped.\n")
	}
	return nil
}

// config is the stack that the flags describe.
func (d *development) config(args []string) (stack.Config, error) {
	config := stack.Config{
		Address: "127.0.0.1:" + strconv.Itoa(d.port), Prefix: d.prefix, Claim: d.claim, Worker: d.worker,
		Command: args, Environ: os.Environ(), Guarded: true, Workers: d.workers,
		SweepEvery: d.sweepEvery,
	}
	var err error
	if config.Sweep, err = sweep.SettingsFrom(d.Getenv); err != nil {
		return config, usage("%w", err)
	}
	if d.sweepEvery < 0 {
		return config, usage("--sweep-every %v: want more than 0", d.sweepEvery)
	}
	if config.Env, err = process.ParseNames(strings.Join(append(d.env, d.Getenv("COMMAND_ENV")), ",")); err != nil {
		return config, usage("--env and COMMAND_ENV: %w", err)
	}
	if err := d.expose(&config); err != nil {
		return config, err
	}
	if d.port < 0 || d.port > 65535 {
		return config, usage("--port %d: want 0 to 65535", d.port)
	}
	if d.workers < 0 {
		return config, usage("--workers %d: want 0 or more", d.workers)
	}
	if config.Prefix == "" {
		config.Prefix = d.Getenv("STACK_PREFIX")
	}
	w := &config.Worker
	if w.Heartbeat == 0 {
		w.Heartbeat = min(worker.DefaultSettings().Heartbeat, d.claim.Lease/3)
	}
	w.Visibility = max(d.claim.Lease+d.claim.MaxClockSkew, time.Second)
	if err := errors.Join(config.Claim.Validate(), w.Validate(config.Claim)); err != nil {
		return config, usage("%w", err)
	}
	if len(args) == 0 {
		config.Command = defaultCommand()
	}
	if _, err := exec.LookPath(config.Command[0]); err != nil {
		return config, usage("the command cannot be run: %w", err)
	}
	return config, d.route(&config)
}

// The variables with the access key that other machines need.
const (
	keyVariable    = "STACK_ACCESS_KEY_ID"
	secretVariable = "STACK_SECRET_ACCESS_KEY"
)

// leastSecretLength is that of a secret that nobody guesses: AWS's have 40 characters.
const leastSecretLength = 20

// expose makes the stack listen for other machines, if the user asks for it, and has them sign what
// they send.
func (d *development) expose(config *stack.Config) error {
	if d.exposed == "" {
		return nil
	}
	if net.ParseIP(d.exposed) == nil {
		return usage("--dangerously-listen %q: want an IP address of this machine, or 0.0.0.0 or :: for all of them", d.exposed)
	}
	id, secret := d.Getenv(keyVariable), d.Getenv(secretVariable)
	if id == "" || strings.ContainsAny(id, "/,= ") || len(secret) < leastSecretLength {
		return usage("--dangerously-listen: set %s, and %s of %d characters or more; clients need the same as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
			keyVariable, secretVariable, leastSecretLength)
	}
	config.Address = net.JoinHostPort(d.exposed, strconv.Itoa(d.port))
	config.Keys = gateway.Keys{id: secret}
	return nil
}

func (d *development) route(config *stack.Config) (err error) {
	if config.Senders, err = mail.ParseSenderPolicy(cmp.Or(d.senders, d.Getenv("SENDERS"), string(mail.SendersOpen))); err != nil {
		return usage("--senders %w", err)
	}
	if d.routes == "" {
		if config.Senders == mail.SendersListed {
			return usage("--senders listed: no route names senders: name some in a --routes file")
		}
		if config.Routes, err = mail.NewRoutes(d.domains...); err != nil {
			return usage("--domain: %w", err)
		}
		return nil
	}
	file, err := os.Open(d.routes)
	if err != nil {
		return usage("--routes: %w", err)
	}
	defer file.Close()
	if config.Routes, err = mail.ReadRoutes(file); err != nil {
		return usage("--routes %s: %w", d.routes, err)
	}
	return nil
}

// makeRoot makes the folder of the workspaces. remove deletes it, unless the user named it.
func (d *development) makeRoot(config *stack.Config) (remove func(), err error) {
	if d.root == "" {
		if config.Root, err = os.MkdirTemp("", "heph-dev-"); err != nil {
			return nil, fmt.Errorf("make a folder for the workspaces: %w", err)
		}
		return func() { _ = os.RemoveAll(config.Root) }, nil
	}
	if config.Root, err = filepath.Abs(d.root); err == nil {
		err = os.MkdirAll(config.Root, 0o700)
	}
	if err != nil {
		return nil, usage("--root: %w", err)
	}
	return func() {}, nil
}

// log tells events as a story on a terminal, and as JSON lines elsewhere.
func (d *development) log(s *screen.Screen, begun time.Time) *slog.Logger {
	if s.Terminal() {
		teller := trail.NewTeller(s, begun, d.verbose)
		return slog.New(slog.NewJSONHandler(trail.NewSplitter(teller.Tell), nil))
	}
	level := slog.LevelWarn
	if d.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(d.Err, &slog.HandlerOptions{Level: level}))
}

// ready says that the stack is ready, and where everything is.
func (d *development) ready(s *screen.Screen, started *stack.Stack, config stack.Config, args []string) {
	workspaces := filepath.Join(config.Root, "workspaces")
	if !s.Terminal() {
		encoder := json.NewEncoder(d.Err)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(map[string]any{
			"event": "ready", "version": thisBuild().Version, "endpoint": started.Endpoint(), "prefix": started.Names().Prefix(),
			"workQueueUrl": started.WorkQueueURL(), "stateMachineArn": started.StateMachineARN(), "workspaces": workspaces,
			"workers": config.Workers, "command": config.Command, "pid": os.Getpid(),
		})
		return
	}
	command := "print the mail's text; heph dev -- COMMAND runs another"
	if len(args) > 0 {
		command = strings.Join(args, " ")
	}
	to := "scott@amelia." + d.domains[0]
	if d.routes != "" {
		to = "ADDRESS"
	}
	s.Printf("%s %s\n", s.Paint(screen.Bold, "heph dev"), thisBuild().Version)
	for _, line := range [][2]string{
		{"Endpoint", started.Endpoint() + "  DynamoDB, SQS, S3, Step Functions and Lambda"},
		{"Workspaces", workspaces},
		{"Data", "in memory, lost on exit"},
		{"Workers", fmt.Sprintf("%d, each runs: %s", config.Workers, command)},
		{"Clients", d.clients()},
		{"Senders", string(config.Senders)},
		{"Mail for", "USER@PROJECT." + strings.Join(d.domains, ", USER@PROJECT.")},
	} {
		if line[0] == "Mail for" && d.routes != "" {
			line[1] = "the addresses of " + d.routes
		}
		s.Printf("  %s %s\n", screen.Pad(line[0], 11), line[1])
	}
	s.Printf("Try: heph send%s --from me@example.org --to %s --subject Hello --body \"Hello there\" --wait   %s\n",
		d.flagsFor(started.Endpoint(), started.Names()), to, s.Paint(screen.Dim, "(Ctrl-C stops, twice quits)"))
}

// clients says who may use the stack.
func (d *development) clients() string {
	if d.exposed == "" {
		return "whoever is on this machine, but no web page"
	}
	return "whoever reaches " + d.exposed + " and has the key " + d.Getenv(keyVariable) + "; nothing is encrypted"
}

func (d *development) stopping(s *screen.Screen) {
	if s.Terminal() {
		s.Printf("\nStopping: running jobs yield. Ctrl-C again quits at once.\n")
		return
	}
	_, _ = fmt.Fprintln(d.Err, `{"event":"stopping"}`)
}
