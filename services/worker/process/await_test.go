package process

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/services/worker"
)

func TestTheEndOfTheContextIsToldOnceAndEndsTheCommand(t *testing.T) {
	command, err := start([]string{"/bin/sleep", "60"}, t.TempDir(), os.Environ(), func(string, string) {}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stopping, cancelStopping := context.WithCancel(t.Context())
	defer cancelStopping()
	s := &session{
		host: &Host{clock: newClock(sinceBoot)}, under: t.Context(), ready: &prepared{}, command: command, stop: stopping.Done(),
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	until := time.Now().Add(time.Hour)
	if e := s.Await(ctx, until); e.Kind != worker.Stopped {
		t.Fatalf("event %v, want Stopped", e.Kind)
	}
	s.Terminate()
	if e := s.Await(ctx, until); e.Kind != worker.Exited || e.Exit.Code != -1 {
		t.Fatalf("event %+v, want Exited by a signal", e)
	}
}
