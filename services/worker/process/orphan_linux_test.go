package process_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/webordinary/hephaestus/services/worker/process"
)

// asWorker makes this test's binary a worker that has begun a job and does nothing else.
const asWorker = "HEPHAESTUS_TEST_AS_WORKER"

func TestMain(m *testing.M) {
	root := os.Getenv(asWorker)
	if root == "" {
		os.Exit(m.Run())
	}
	store := objects{"raw": "", "content": "{}"}
	options := process.Options{Command: []string{"/bin/sh", "-c", `exec 3> "$FIFO"; echo ready >&3; exec sleep 600`}, Root: root, Environ: os.Environ(), Env: []string{"FIFO"}}
	host, err := process.New(options, store, nudges(nil), slog.New(slog.DiscardHandler))
	if err == nil {
		_, err = host.Begin(context.Background(), theTask())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

func TestTheCommandDiesWithItsWorker(t *testing.T) {
	f, l := newFifo(t), shell(t, "true")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim := exec.Command(self)
	victim.Env, victim.Stderr = append(os.Environ(), asWorker+"="+l.root), os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	f.line()
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed
	f.end()
	l.mustAnother()
	l.noRuns()
}
