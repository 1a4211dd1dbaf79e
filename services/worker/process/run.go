package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/env"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/services/worker"
)

// Usage says how a worker process is configured.
const Usage = `worker COMMAND [ARGUMENT…]

Takes jobs off the work queue, one at a time, and runs COMMAND for each, in the key's workspace.
COMMAND is looked up once, at the start; a relative path is of the folder in which the worker starts.

Environment:
  WORK_QUEUE_URL     the work queue (required)
  WORKER_ROOT        folder of the workspaces (default: the working directory)
  COMMAND_ENV        names of variables that COMMAND sees besides PATH, HOME, LANG, TZ, TERM and TMPDIR,
                     separated by commas; it sees nothing else of the worker's environment
  STACK_PREFIX, LOG_LEVEL, LEASE, CLAIM_TTL, … as every part of the stack
  HEARTBEAT, COMMAND_TIMEOUT, COMMAND_GRACE, RECEIVE_WAIT, VISIBILITY, SICK_AFTER
                     the worker's times, each a duration such as 20s
  MAX_STARTS         a job fails that was started so often, and no worker came to its end
The command finds its message in HEPHAESTUS_* variables and files; docs/protocol.md lists them.
`

// Run is a worker process: it does jobs until SIGTERM or SIGINT, which lets the running job yield.
// A second signal ends the process at once. Run returns an error if the machine stays sick. The
// program has called BeGuard before.
func Run(ctx context.Context, argv []string) error {
	if len(argv) == 0 {
		return errors.New("no command to run for each message\n\n" + strings.TrimSuffix(Usage, "\n"))
	}
	p, err := boot.Load(ctx, "worker")
	if err != nil {
		return err
	}
	queueURL, err := boot.Require("WORK_QUEUE_URL")
	if err != nil {
		return err
	}
	settings, err := settingsFrom(os.Getenv)
	if err != nil {
		return err
	}
	if err := settings.Validate(p.Settings); err != nil {
		return err
	}
	root := os.Getenv("WORKER_ROOT")
	if root == "" {
		root = "."
	}
	visible, err := ParseNames(os.Getenv("COMMAND_ENV"))
	if err != nil {
		return fmt.Errorf("COMMAND_ENV: %w", err)
	}
	nudges, err := interrupt.NewQueues(p.Clients.SQS(), p.Names, queueURL)
	if err != nil {
		return err
	}
	host, err := New(Options{Command: argv, Root: root, Stack: queueURL, Environ: os.Environ(), Env: visible, Guarded: true}, p.Clients.S3(), nudges, p.Log)
	if err != nil {
		return err
	}
	defer host.Close()
	store, err := p.StoreBy(host.Now)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go stopOnSignal(host, cancel)
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	id := fmt.Sprintf("worker-%s-%s", name, boot.RandomID())
	w, err := worker.New(worker.Parts{
		ID: id, Queue: p.Clients.SQS(), QueueURL: queueURL, Protocol: store, Tokens: p.Clients.StepFunctions(),
		Host: host, Settings: settings, Log: p.Log,
	})
	if err != nil {
		return err
	}
	telemetry.Write(ctx, p.Log, telemetry.WorkerReady{Worker: id, Queue: queueURL, Command: argv, PID: os.Getpid()})
	if err := w.Run(ctx); err != nil {
		return fmt.Errorf("%s gives up, to be replaced: %w", id, err)
	}
	telemetry.Write(ctx, p.Log, telemetry.WorkerStopped{Worker: id})
	return nil
}

func stopOnSignal(host *Host, kill context.CancelFunc) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	host.Stop()
	<-signals
	kill()
	os.Exit(1)
}

// settingsFrom reads the worker's times from the environment.
func settingsFrom(getenv func(string) string) (worker.Settings, error) {
	s := worker.DefaultSettings()
	err := env.Durations(getenv,
		env.Duration{Name: "HEARTBEAT", Into: &s.Heartbeat},
		env.Duration{Name: "COMMAND_TIMEOUT", Into: &s.CommandTimeout},
		env.Duration{Name: "COMMAND_GRACE", Into: &s.CommandGrace},
		env.Duration{Name: "RECEIVE_WAIT", Into: &s.ReceiveWait},
		env.Duration{Name: "VISIBILITY", Into: &s.Visibility},
		env.Duration{Name: "SICK_AFTER", Into: &s.SickAfter},
	)
	if text := getenv("MAX_STARTS"); err == nil && text != "" {
		if s.MaxStarts, err = strconv.Atoi(text); err != nil {
			return s, fmt.Errorf("MAX_STARTS=%q: want a whole number", text)
		}
	}
	return s, err
}
