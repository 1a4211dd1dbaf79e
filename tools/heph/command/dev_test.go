package command

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The life of heph dev without a terminal: a line says that it is ready, it works, it stops
// cleanly.
func TestDevSaysThatItIsReadyWorksAndStops(t *testing.T) {
	t.Setenv("NAMED", "a name, ")
	t.Setenv("NAMED_TOO", "and another")
	t.Setenv("UNNAMED", "a secret")
	root := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	stopped := make(chan int, 1)
	go func() {
		args := []string{"dev", "--port", "0", "--root", root, "--prefix", "mine", "--env", "NAMED", "--", "/bin/sh", "-c", `{ cat "$HEPHAESTUS_TEXT_FILE"; echo; echo "$NAMED$NAMED_TOO$UNNAMED"; } > note.txt`}
		environ := map[string]string{"COMMAND_ENV": "NAMED_TOO"}
		stopped <- Main(ctx, args, Streams{Out: io.Discard, Err: writer, Getenv: func(name string) string { return environ[name] }})
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
	if err != nil || strings.Join(strings.Fields(string(note)), " ") != "hello a name, and another" {
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

// What is in memory ends with the process: it says which mails that takes along.
func TestDevNamesTheMailsThatEndWithIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	stopped := make(chan int, 1)
	go func() {
		args := []string{"dev", "--port", "0", "--workers", "1", "--", "/bin/sh", "-c", `grep -q stay "$HEPHAESTUS_TEXT_FILE" || exit 0; trap "exit 0" TERM; sleep 600 & wait`}
		stopped <- Main(ctx, args, Streams{Out: io.Discard, Err: writer, Getenv: func(string) string { return "" }})
		writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	if !lines.Scan() {
		t.Fatal("it says nothing")
	}
	var ready struct{ Endpoint string }
	if err := json.Unmarshal(lines.Bytes(), &ready); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"AWS_ENDPOINT_URL": ready.Endpoint}
	if got := heph(t, environment, append(draft[:len(draft):len(draft)], "--wait")...); got.status != ok {
		t.Fatalf("%+v", got)
	}
	stay := append(draft[:len(draft):len(draft)], "--body", "stay")
	running := strings.TrimSpace(heph(t, environment, stay...).out)
	until(t, func() bool {
		return strings.Contains(heph(t, environment, "status", "--message", running).out, "running")
	})
	waiting := strings.TrimSpace(heph(t, environment, append(stay, "--to", "dana@atlas.example.com")...).out)
	until(t, func() bool { return heph(t, environment, "status", "--message", waiting).status == ok })
	cancel()
	var last lost
	for lines.Scan() {
		_ = json.Unmarshal(lines.Bytes(), &last) // the last line counts
	}
	if status := <-stopped; status != ok || last.Event != "lost" || last.AtWork != 1 || last.Waiting != 1 || last.Unread != 0 {
		t.Fatalf("status %d, %+v", status, last)
	}
	if !slices.Equal(last.Mails, []string{running, waiting}) {
		t.Errorf("mails %v, want %s and %s", last.Mails, running, waiting)
	}
}

// until waits for what has to come.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come")
		}
	}
}

// Whoever has the key reads and writes, also with heph itself; nobody else does.
func TestDevForOtherMachinesAsksForTheKey(t *testing.T) {
	const secret = "a-secret-of-thirty-two-characters"
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	stopped := make(chan int, 1)
	go func() {
		args := []string{"dev", "--port", "0", "--dangerously-listen", "0.0.0.0", "--", "true"}
		environment := map[string]string{"STACK_ACCESS_KEY_ID": "THEKEY", "STACK_SECRET_ACCESS_KEY": secret}
		stopped <- Main(ctx, args, Streams{Out: io.Discard, Err: writer, Getenv: func(name string) string { return environment[name] }})
		writer.Close()
	}()
	t.Cleanup(func() {
		cancel()
		_, _ = io.Copy(io.Discard, reader)
		if status := <-stopped; status != ok {
			t.Errorf("status %d", status)
		}
	})
	line, err := bufio.NewReader(reader).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, reader)
	var ready struct{ Endpoint string }
	if err := json.Unmarshal(line, &ready); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for _, key := range []struct {
		secret string
		status int
	}{{"another-secret-of-as-many-letters", failed}, {secret, ok}} {
		t.Setenv("AWS_ACCESS_KEY_ID", "THEKEY")
		t.Setenv("AWS_SECRET_ACCESS_KEY", key.secret)
		environment := map[string]string{"AWS_ENDPOINT_URL": ready.Endpoint, "AWS_ACCESS_KEY_ID": "THEKEY"}
		for _, args := range [][]string{append(draft[:len(draft):len(draft)], "--wait"), {"status"}} {
			if got := heph(t, environment, args...); got.status != key.status {
				t.Errorf("%s with the secret %s: %+v", args, key.secret, got)
			}
		}
	}
}
