// Package demo is the main job of Hephaestus, shown as it happens: eight mails, four worker
// processes, one of them killed, and what becomes of each mail, told line by line. Everything is
// real but AWS: the mails go through S3's protocol into the stack, the handlers and the state
// machine are the deployed ones, workers are processes of their own, and their command is a shell
// script that edits files.
//
// It promises to believe nothing that it has not read back: Check compares the tables, the dead
// letter queue, the executions and the files with what the protocol demands. It leaves no process
// behind.
package demo

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/heph/outbox"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/trail"
)

//go:embed work.sh
var script []byte

// crewSize is how many workers there are at a time.
const crewSize = 3

// Claim are the protocol's times, short enough to watch.
func Claim() claim.Settings {
	s := claim.DefaultSettings()
	s.ClaimTTL, s.Lease, s.InterruptGrace, s.MaxClockSkew = time.Minute, 2400*time.Millisecond, 6*time.Second, 200*time.Millisecond
	return s
}

// Worker are the workers' times.
func Worker() worker.Settings {
	return worker.Settings{
		Heartbeat: 600 * time.Millisecond, CommandTimeout: 5 * time.Second, CommandGrace: time.Second,
		ReceiveWait: 5 * time.Second, Visibility: 3 * time.Second, SickAfter: time.Minute, MaxStarts: 10,
	}
}

// Routes send the mails to their keys.
func Routes() (mail.Routes, error) { return mail.NewRoutes("example.com") }

// Services are the clients of the stack's endpoint; awsx.Clients made over HTTP give them.
type Services struct {
	S3      outbox.S3
	Ledger  ledger.Ledger
	Letters ledger.Queue
	Flows   Flows
}

// Place is where the demonstration happens.
type Place struct {
	Names    awsx.Names
	Services Services
	Root     string   // of the workspaces; the caller removes it
	Worker   []string // starts a worker process; its command is appended
	Environ  []string // of a worker process, to find the stack
}

// Demo is one run.
type Demo struct {
	screen  *screen.Screen
	watch   *watch
	verbose bool
	place   Place
	crew    *crew
	begun   time.Time
}

// New makes a run that tells its story on the screen; verbose tells minor events too.
func New(s *screen.Screen, verbose bool) *Demo {
	begun := time.Now()
	teller := trail.NewTeller(s, begun, verbose)
	for _, r := range cast() {
		teller.Expect(r.messageID, r.key)
	}
	return &Demo{screen: s, verbose: verbose, begun: begun, watch: newWatch(teller)}
}

// Log is what the stack must log to, so that the story hears of it.
func (d *Demo) Log() *slog.Logger { return slog.New(slog.NewJSONHandler(d.records(), nil)) }

func (d *Demo) records() io.Writer { return trail.NewSplitter(d.watch.add) }

// Run plays the story and returns what it has led to. The error says why the story did not reach
// its end; the facts are then those up to that point. The workers go on until Close.
func (d *Demo) Run(ctx context.Context, place Place) (Facts, error) {
	d.place = place
	telling, stop := context.WithCancel(ctx)
	defer stop()
	go d.watch.keepTelling(telling)
	command, err := d.furnish()
	if err != nil {
		return Facts{}, err
	}
	d.crew = newCrew(append(place.Worker, command...), append(place.Environ, "WORKER_ROOT="+place.Root, "HEPH_DEMO_GATES="+d.gates(), "COMMAND_ENV=HEPH_DEMO_GATES"), d.records, d.watch)
	for range crewSize {
		if err := d.crew.hire(); err != nil {
			return Facts{}, err
		}
	}
	played := d.play(ctx)
	if ctx.Err() != nil {
		return Facts{}, context.Cause(ctx)
	}
	facts, err := d.facts(ctx)
	if played != nil {
		err = played
	}
	return facts, err
}

// Close ends the workers, with whatever they have started.
func (d *Demo) Close() {
	if d.crew != nil {
		d.crew.dismiss()
	}
}

// furnish puts the script and the folder of the gates under the root.
func (d *Demo) furnish() (command []string, err error) {
	if err := os.MkdirAll(d.gates(), 0o755); err != nil {
		return nil, fmt.Errorf("make the demonstration's folder: %w", err)
	}
	path := filepath.Join(d.place.Root, "work.sh")
	if err := os.WriteFile(path, script, 0o755); err != nil {
		return nil, fmt.Errorf("write the workers' script: %w", err)
	}
	return []string{"/bin/sh", path}, nil
}

// gates is the folder whose files let the script go on.
func (d *Demo) gates() string { return filepath.Join(d.place.Root, "gates") }

// open lets the message's command go on.
func (d *Demo) open(messageID string) error {
	if err := os.WriteFile(filepath.Join(d.gates(), messageID), nil, 0o644); err != nil {
		return fmt.Errorf("let %s go on: %w", messageID, err)
	}
	return nil
}
