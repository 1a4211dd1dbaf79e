package command

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The life of heph dev without a terminal: a line says that it is ready, it works, it stops
// cleanly.
func TestDevSaysThatItIsReadyWorksAndStops(t *testing.T) {
	root := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	stopped := make(chan int, 1)
	go func() {
		args := []string{"dev", "--port", "0", "--root", root, "--prefix", "mine", "--", "/bin/sh", "-c", `cp "$HEPHAESTUS_TEXT_FILE" note.txt`}
		stopped <- Main(ctx, args, Streams{Out: io.Discard, Err: writer, Getenv: func(string) string { return "" }})
		writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	if !lines.Scan() {
		t.Fatal("it says nothing")
	}
	var ready struct {
		Event, Endpoint, Workspaces, Prefix string
		Workers, PID                        int
	}
	if err := json.Unmarshal(lines.Bytes(), &ready); err != nil || ready.Event != "ready" || ready.Prefix != "mine" || ready.Workers != 2 || ready.PID != os.Getpid() {
		t.Fatalf("%s: %v", lines.Text(), err)
	}
	got := heph(t, map[string]string{"STACK_PREFIX": "mine", "AWS_ENDPOINT_URL": ready.Endpoint}, append(draft[:len(draft):len(draft)], "--wait")...)
	if got.status != ok {
		t.Fatalf("%+v", got)
	}
	note, err := os.ReadFile(filepath.Join(ready.Workspaces, "amelia", "scott", "note.txt"))
	if err != nil || strings.TrimSpace(string(note)) != "hello" {
		t.Fatalf("%q, %v", note, err)
	}
	cancel()
	rest, _ := io.ReadAll(reader)
	if status := <-stopped; status != ok || !strings.Contains(string(rest)+lines.Text(), `"event"`) {
		t.Fatalf("status %d, %s", status, rest)
	}
	if _, err := os.Stat(root); err != nil {
		t.Errorf("the user's own folder is gone: %v", err)
	}
}
