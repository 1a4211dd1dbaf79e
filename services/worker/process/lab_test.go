package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/services/worker/process"
)

// patience is how long a test waits for what has to come, even on a slow machine.
const patience = 30 * time.Second

// What stands for an object that was there, and for one whose connection breaks off.
const deleted, breaksOff = "deleted", "breaks off"

// objects is an S3 in memory, by key.
type objects map[string]string

func (o objects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	content, ok := o[*in.Key]
	if !ok {
		return nil, errors.New("503 slow down: " + *in.Key)
	}
	switch content {
	case deleted:
		return nil, &types.NoSuchKey{}
	case breaksOff:
		return &s3.GetObjectOutput{Body: io.NopCloser(iotest.ErrReader(syscall.ECONNRESET))}, nil
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(content))}, nil
}

// nudges are those that a test sends, one at a time.
type nudges chan interrupt.Nudge

func (n nudges) Receive(ctx context.Context, _ job.Key, _ int32) ([]interrupt.Nudge, error) {
	select {
	case nudge := <-n:
		return []interrupt.Nudge{nudge}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lab is a host with its root folder, what S3 has, and what was logged.
type lab struct {
	*testing.T
	root    string
	command []string
	guarded bool
	objects objects
	nudges  nudges
	log     *journal
	host    *process.Host
}

func newLab(t *testing.T, command ...string) lab {
	t.Helper()
	return newLabOf(t, true, command...)
}

func newLabOf(t *testing.T, guarded bool, command ...string) lab {
	t.Helper()
	return newLabAt(t, t.TempDir(), guarded, command...)
}

func newLabAt(t *testing.T, root string, guarded bool, command ...string) lab {
	t.Helper()
	l := lab{T: t, root: root, command: command, nudges: make(nudges), log: &journal{}, objects: objects{
		"raw": "Subject: The door\r\n\r\nIt sticks.\r\n", "content": `{"text":"It sticks.","subject":"The door"}`,
	}}
	l.guarded = guarded
	return l.over(l.objects)
}

// over is the lab with a host that fetches mail from another S3.
func (l lab) over(s3 process.Objects) lab {
	l.Helper()
	options := process.Options{Command: l.command, Root: l.root, Environ: os.Environ(), Env: []string{"FIFO", "GORACE"}, Guarded: l.guarded}
	host, err := process.New(options, s3, l.nudges, slog.New(slog.NewJSONHandler(l.log, nil)))
	if err != nil {
		l.Fatal(err)
	}
	l.host = host
	return l
}

// shell is a lab whose command is a script.
func shell(t *testing.T, script string) lab {
	t.Helper()
	return newLab(t, "/bin/sh", "-c", script)
}

func theTask() worker.Task {
	return worker.Task{WorkerID: "w1", Fence: 7, Work: job.Work{
		ContainerID: "container-1", TaskToken: "token",
		Message: job.Message{
			MessageID: "m1", ProjectID: "amelia", UserID: "scott", ProjectUserID: "amelia#scott", ThreadID: "a", ReceivedAtMillis: 1,
			Raw: job.ObjectRef{Bucket: "emails", Key: "raw"}, Content: job.ObjectRef{Bucket: "media", Key: "content"},
			From: "scott@example.com", Subject: "The\x00 door",
		},
	}}
}

// begin starts the command, which is killed at the latest when the test ends.
func (l lab) begin(t worker.Task) worker.Session {
	l.Helper()
	s, err := l.tryToBegin(t)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(s.Kill)
	return s
}

// tryToBegin starts the command, or says why it cannot be.
func (l lab) tryToBegin(t worker.Task) (worker.Session, error) {
	return tryToBegin(l.Context(), l.host, t)
}

func tryToBegin(ctx context.Context, host *process.Host, t worker.Task) (worker.Session, error) {
	s := host.Begin(ctx, t)
	switch e := s.Await(ctx, time.Now().Add(patience)); e.Kind {
	case worker.Begun:
		return s, nil
	case worker.BeginFailed:
		s.Close()
		return nil, e.Err
	default:
		return nil, fmt.Errorf("event %+v, want the command's begin", e)
	}
}

// exit waits for the command's end and closes the session.
func (l lab) exit(s worker.Session) worker.Exit {
	l.Helper()
	event := s.Await(l.Context(), time.Now().Add(patience))
	if event.Kind != worker.Exited {
		l.Fatalf("event %+v, want the command's end", event)
	}
	s.Close()
	return event.Exit
}

// run runs the command to its end.
func (l lab) run() worker.Exit {
	l.Helper()
	return l.exit(l.begin(theTask()))
}

// workspace is a path in the key's workspace.
func (l lab) workspace(name string) string {
	return filepath.Join(l.root, "workspaces", "amelia", "scott", name)
}

// read is the content of a file in the workspace.
func (l lab) read(name string) string {
	l.Helper()
	content, err := os.ReadFile(l.workspace(name))
	if err != nil {
		l.Fatal(err)
	}
	return string(content)
}

// fifo is a named pipe $FIFO that ends when no process that has opened it for writing is left.
type fifo struct {
	t     *testing.T
	lines chan string
	ended chan struct{}
}

// newFifo makes one and reads it in the background.
func newFifo(t *testing.T) *fifo {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FIFO", path)
	f := &fifo{t: t, lines: make(chan string, 16), ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		file, err := os.Open(path) // waits for a writer
		if err != nil {
			return
		}
		defer file.Close()
		content := make([]byte, 4096)
		for {
			n, err := file.Read(content)
			if err != nil {
				return
			}
			for line := range strings.Lines(string(content[:n])) {
				f.lines <- strings.TrimSpace(line)
			}
		}
	}()
	return f
}

// line waits for what a process says.
func (f *fifo) line() string {
	f.t.Helper()
	select {
	case line := <-f.lines:
		return line
	case <-time.After(patience):
		f.t.Fatal("nobody says anything")
		return ""
	}
}

// end waits until all of its writers are gone.
func (f *fifo) end() {
	f.t.Helper()
	select {
	case <-f.ended:
	case <-time.After(patience):
		f.t.Fatal("a process is left")
	}
}

// journal keeps log records.
type journal struct {
	mu      sync.Mutex
	content bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.content.Write(p)
}

// output is what the command said, as "stream: line".
func (j *journal) output(t *testing.T) []string {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []string
	for line := range strings.Lines(j.content.String()) {
		var record struct{ Event, Stream, Line, Message string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record.Event != telemetry.Declared(telemetry.CommandOutput{}).Name {
			continue
		}
		if record.Message != "m1" {
			t.Errorf("a line of output does not say whose it is: %s", line)
		}
		list = append(list, record.Stream+": "+record.Line)
	}
	return list
}
