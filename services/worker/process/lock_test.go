package process_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/services/worker/process"
)

// another is one more worker on the lab's root, as of another process: it has opened its locks
// itself.
func (l lab) another(stack string) (lab, error) {
	options := process.Options{Command: []string{"/bin/sh", "-c", "exec sleep 600"}, Root: l.root, Stack: stack}
	host, err := process.New(options, l.objects, l.nudges, slog.New(slog.DiscardHandler))
	l.host = host
	return l, err
}

func (l lab) mustAnother() lab {
	l.Helper()
	next, err := l.another("")
	if err != nil {
		l.Fatal(err)
	}
	return next
}

func TestTheMailIsForItsUserAlone(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	l := shell(t, `exec sleep 600`)
	l.objects["door"] = "a picture"
	task := theTask()
	task.Work.Attachments = []job.Attachment{{FileName: "door.jpg", Source: job.ObjectRef{Key: "door"}}}
	s := l.begin(task)
	found := 0
	err := fs.WalkDir(os.DirFS(l.root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." { // the root is the user's own
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		if strings.HasPrefix(path, "runs/") && !entry.IsDir() {
			found++
		}
		return err
	})
	if err != nil || found != 4 {
		t.Errorf("%d files of the mail, want 4: %v", found, err)
	}
	s.Kill()
	l.exit(s)
	l.noRuns()
}

func TestWhatDeadWorkersHaveLeftIsRemoved(t *testing.T) {
	l := shell(t, `exec sleep 600`)
	alive := l.begin(theTask())
	mail := filepath.Join(l.root, "runs/amelia/scott/m1-7/message.txt")
	const left, leftByAnOldVersion = "runs/atlas/dana/m0-1/attachments/door.jpg", "runs/m0-1/message.txt"
	for _, path := range []string{left, leftByAnOldVersion, "workspaces/atlas/dana/kept.txt"} {
		write(t, filepath.Join(l.root, path), "")
	}
	l.mustAnother()
	for _, path := range []string{"runs/atlas/dana", leftByAnOldVersion} {
		if _, err := os.Lstat(filepath.Join(l.root, path)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", path, err)
		}
	}
	for _, path := range []string{mail, filepath.Join(l.root, "workspaces/atlas/dana/kept.txt")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	alive.Kill()
	l.exit(alive)
}

func TestARunRemovesWhatItsKeysLastRunHasLeft(t *testing.T) {
	l := shell(t, `cat "$HEPHAESTUS_TEXT_FILE" > text; ls "$(dirname "$(dirname "$HEPHAESTUS_TEXT_FILE")")" > runs`)
	write(t, filepath.Join(l.root, "runs/amelia/scott/m0-6/message.txt"), "")
	write(t, filepath.Join(l.root, "runs/amelia/scott/m1-7/message.txt/in the way"), "")
	l.run()
	if text, runs := l.read("text"), l.read("runs"); text != "It sticks." || runs != "m1-7\n" {
		t.Errorf("text %q, runs %q", text, runs)
	}
}

func TestARunsFolderIsRemovedThoughItsCommandForbidsIt(t *testing.T) {
	shell := shell(t, `cd "$(dirname "$HEPHAESTUS_TEXT_FILE")"; mkdir -p a/b; touch a/b/c; chmod 000 a/b a .`)
	shell.run()
	shell.noRuns()
}

func TestTwoRunsNeverShareAWorkspace(t *testing.T) {
	l := shell(t, `exec sleep 600`)
	first := l.begin(theTask())
	other := l.mustAnother()
	other.host.WaitForLocks(10 * time.Millisecond)
	_, err := other.tryToBegin(theTask())
	other.host.WaitForLocks(patience)
	if !errors.Is(err, worker.ErrNotNow) || !strings.Contains(err.Error(), "is at work in the workspace of amelia#scott") {
		t.Errorf("error %v, want that the workspace is in use", err)
	}
	if _, err := os.Stat(filepath.Join(l.root, "runs/amelia/scott/m1-7/message.txt")); err != nil {
		t.Errorf("who was refused has touched the other's files: %v", err)
	}
	neighbour := theTask()
	neighbour.Work.Message.UserID, neighbour.Work.Message.ProjectUserID = "dana", "amelia#dana"
	beside := other.begin(neighbour)
	beside.Kill()
	other.exit(beside)

	begun := make(chan worker.Session)
	go func() {
		defer close(begun)
		if s, err := other.tryToBegin(theTask()); err == nil {
			begun <- s
		}
	}()
	first.Kill()
	l.exit(first)
	second, ok := <-begun
	if !ok {
		t.Fatal("the second run does not begin when the first has ended")
	}
	second.Kill()
	other.exit(second)
}

func TestARootBelongsToOneStackAtATime(t *testing.T) {
	l := shell(t, "true")
	if err := l.host.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := l.another("http://localhost/first")
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.another("http://localhost/first")
	if err != nil {
		t.Fatalf("two workers of one stack: %v", err)
	}
	if err := first.host.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.another("http://localhost/other"); err == nil || !strings.Contains(err.Error(), "another stack (http://localhost/first)") {
		t.Errorf("error %v, want that the root is another stack's", err)
	}
	if err := second.host.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.another("http://localhost/other"); err != nil {
		t.Errorf("nobody is there: %v", err)
	}
}
