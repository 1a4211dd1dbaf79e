// Package boot is what every process of Hephaestus does first: it reads the environment that they
// share (STACK_PREFIX, STACK_BUCKET_SUFFIX, LOG_LEVEL, the protocol's times, AWS's own variables),
// and makes from it the clients, the log and the protocol's store. It promises an error that names
// the wrong variable.
package boot

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"time"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Process is a process of the stack, with what the environment gave it.
type Process struct {
	Names    awsx.Names
	Clients  awsx.Clients
	Settings claim.Settings
	Log      *slog.Logger
}

// Load reads the environment. part names the process in the log: "intake", "worker", ….
func Load(ctx context.Context, part string) (Process, error) {
	log, err := telemetry.Logger(os.Stdout, part, os.Getenv("LOG_LEVEL"))
	if err != nil {
		return Process{}, fmt.Errorf("LOG_LEVEL: %w", err)
	}
	names, err := awsx.NamesFrom(os.Getenv)
	if err != nil {
		return Process{}, err
	}
	settings, err := claim.SettingsFrom(os.Getenv)
	if err != nil {
		return Process{}, err
	}
	clients, err := awsx.Load(ctx)
	if err != nil {
		return Process{}, err
	}
	return Process{Names: names, Clients: clients, Settings: settings, Log: log}, nil
}

// Store is the protocol's store, with the wall clock.
func (p Process) Store() (*claim.Store, error) { return p.StoreBy(time.Now) }

// StoreBy is the protocol's store, by another clock.
func (p Process) StoreBy(now func() time.Time) (*claim.Store, error) {
	return claim.NewStore(p.Clients.DynamoDB(), p.Names, p.Settings, now, RandomID, Pause)
}

// Records is the audit log.
func (p Process) Records() *audit.Log {
	return audit.NewLog(p.Clients.DynamoDB(), p.Names.Interruptions())
}

// Require returns the value of an environment variable that must be set.
func Require(name string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("the environment variable %s is not set", name)
}

// RandomID returns 8 random bytes in hex.
func RandomID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// Pause waits for a random time of at most the given one, and returns ctx's error if that ends
// before.
func Pause(ctx context.Context, atMost time.Duration) error {
	timer := time.NewTimer(time.Duration(mathrand.Int64N(int64(atMost) + 1)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Exit ends a process that cannot start, and says why.
func Exit(part string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", part, err)
	os.Exit(1)
}
