package process_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/services/worker/process"
)

func TestTheCommandIsToldOfItsMessage(t *testing.T) {
	l := shell(t, `env | grep -e ^HEPHAESTUS_ | sort > told.txt`)
	l.run()
	run := filepath.Join(l.root, "runs", "amelia", "scott", "m1-7")
	want := []string{
		"HEPHAESTUS_ATTACHMENTS=", // there are none
		"HEPHAESTUS_CONTAINER_ID=container-1",
		"HEPHAESTUS_FENCE=7",
		"HEPHAESTUS_FROM=scott@example.com",
		"HEPHAESTUS_MESSAGE_FILE=" + run + "/message.json",
		"HEPHAESTUS_MESSAGE_ID=m1",
		"HEPHAESTUS_PARTIAL_WORK_FILE=" + run + "/partial-work.txt",
		"HEPHAESTUS_PROJECT_ID=amelia",
		"HEPHAESTUS_RAW_FILE=" + run + "/message.eml",
		"HEPHAESTUS_RESULT_FILE=" + run + "/result.txt",
		"HEPHAESTUS_SUBJECT=The door", // what an environment cannot hold is left out
		"HEPHAESTUS_TEXT_FILE=" + run + "/message.txt",
		"HEPHAESTUS_THREAD_ID=a",
		"HEPHAESTUS_USER_ID=scott",
		"HEPHAESTUS_WORKER_ID=w1",
		"HEPHAESTUS_WORKSPACE=" + filepath.Dir(l.workspace("x")),
	}
	if got := strings.Split(strings.TrimSpace(l.read("told.txt")), "\n"); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRelativePathsAreOfTheWorkersFolder(t *testing.T) {
	l := newLab(t, "true")
	t.Chdir(l.root)
	write(t, "smith.sh", "#!/bin/sh\ncp \"$HEPHAESTUS_TEXT_FILE\" text")
	write(t, l.workspace("smith.sh"), "#!/bin/sh\necho an earlier job has left this > text")
	options := process.Options{Command: []string{"./smith.sh"}, Root: ".", Environ: os.Environ()}
	host, err := process.New(options, l.objects, l.nudges, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.host = host
	l.run()
	if got := l.read("text"); got != "It sticks." {
		t.Errorf("the command has read %q", got)
	}
}

// write makes a program.
func write(t *testing.T, path, script string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestTheCommandFindsItsMailInFiles(t *testing.T) {
	l := shell(t, `cp "$HEPHAESTUS_TEXT_FILE" text; cp "$HEPHAESTUS_RAW_FILE" raw; cp "$HEPHAESTUS_MESSAGE_FILE" json; cp -R "$HEPHAESTUS_ATTACHMENTS" .`)
	l.objects["door"], l.objects["map"], l.objects["map-by-hash"] = "a picture", "the map as it came", "the map as it is stored"
	task := theTask()
	task.Work.Attachments = []job.Attachment{
		{FileName: "door.jpg", Source: job.ObjectRef{Key: "door"}},
		{FileName: "map.pdf", Source: job.ObjectRef{Key: "map"}, Stored: &job.ObjectRef{Key: "map-by-hash"}},
	}
	l.exit(l.begin(task))
	for name, want := range map[string]string{
		"text": "It sticks.", "raw": l.objects["raw"], "json": l.objects["content"],
		"attachments/door.jpg": "a picture", "attachments/map.pdf": "the map as it is stored",
	} {
		if got := l.read(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAttachmentsStayInTheirFolder(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"../../../escaped.txt", "escaped.txt"},
		{"/etc/escaped.txt", "escaped.txt"},
		{"deep/er/escaped.txt", "escaped.txt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := shell(t, `cp -R "$HEPHAESTUS_ATTACHMENTS" .`)
			l.objects["file"] = "content"
			task := theTask()
			task.Work.Attachments = []job.Attachment{{FileName: test.name, Source: job.ObjectRef{Key: "file"}}}
			l.exit(l.begin(task))
			if got := l.read("attachments/" + test.want); got != "content" {
				t.Errorf("%s is %q", test.want, got)
			}
		})
	}
	for _, name := range []string{"..", ".", "", "/"} {
		t.Run("refused "+name, func(t *testing.T) {
			l := shell(t, `exit 0`)
			l.objects["file"] = "content"
			task := theTask()
			task.Work.Attachments = []job.Attachment{{FileName: name, Source: job.ObjectRef{Key: "file"}}}
			if _, err := l.tryToBegin(task); err == nil || errors.Is(err, worker.ErrNotNow) || errors.Is(err, worker.ErrMachine) {
				t.Errorf("error %v, want one that fails the job", err)
			}
		})
	}
}

func TestOutputIsLoggedByTheLineAndItsEndIsKept(t *testing.T) {
	long := strings.Repeat("x", 8192)
	for _, test := range []struct {
		name, script string
		logged       []string
		summary      string
	}{
		{"lines of both streams", `echo one; echo two; exit 0`, []string{"stdout: one", "stdout: two"}, "one\ntwo"},
		{"stderr", `echo wrong >&2`, []string{"stderr: wrong"}, "wrong"},
		{"no newline at the end", `printf 'one\ntwo'`, []string{"stdout: one", "stdout: two"}, "one\ntwo"},
		{"carriage returns", `printf 'one\r\ntwo\r\n'`, []string{"stdout: one", "stdout: two"}, "one\ntwo"},
		{"bytes that are no UTF-8", `printf 'a\377\376b\n'`, []string{"stdout: a\uFFFDb"}, "a\uFFFDb"},
		{"the longest line", `printf '%08192d\n' 0 | tr 0 x`, []string{"stdout: " + long}, strings.Repeat("x", 2047)},
		{"a longer line is cut", `printf '%08200d\n' 0 | tr 0 x`, []string{"stdout: " + long, "stdout: xxxxxxxx"}, strings.Repeat("x", 2048-10) + "\nxxxxxxxx"},
		{"the end of much", `printf '%03000d' 0 | tr 0 x; echo; echo the end`, []string{"stdout: " + long[:3000], "stdout: the end"}, strings.Repeat("x", 2048-9) + "\nthe end"},
		{"nothing", `exit 0`, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := shell(t, test.script)
			exit := l.run()
			if got := l.log.output(t); !slices.Equal(got, test.logged) {
				t.Errorf("logged %q, want %q", got, test.logged)
			}
			if exit.Summary != test.summary || exit.Code != 0 {
				t.Errorf("exit %d, summary %q, want %q", exit.Code, exit.Summary, test.summary)
			}
		})
	}
}

func TestTheExitStatusIsTold(t *testing.T) {
	if exit := shell(t, `echo no such door; exit 3`).run(); exit.Code != 3 || exit.Summary != "no such door" {
		t.Errorf("exit %+v", exit)
	}
}

func TestSIGTERMReachesTheWholeGroup(t *testing.T) {
	f := newFifo(t)
	l := shell(t, `exec 3> "$FIFO"
trap 'wait; echo "half a door" > "$HEPHAESTUS_PARTIAL_WORK_FILE"; exit 5' TERM
sh -c 'trap "echo child saves >&3; exit 0" TERM; echo child ready >&3; sleep 600 & wait' &
wait; wait`)
	s := l.begin(theTask())
	if got := f.line(); got != "child ready" {
		t.Fatalf("said %q", got)
	}
	s.Terminate()
	if exit := l.exit(s); exit.Code != 5 || exit.PartialWork != "half a door" {
		t.Errorf("exit %+v, want 5 with what was saved", exit)
	}
	if got := f.line(); got != "child saves" {
		t.Errorf("said %q", got)
	}
	f.end()
}

func TestKillLeavesNoChild(t *testing.T) {
	f := newFifo(t)
	l := shell(t, `trap '' TERM; exec 3> "$FIFO"; sleep 600 & sh -c 'sleep 600 & wait' & echo ready >&3; wait`)
	s := l.begin(theTask())
	f.line()
	s.Terminate()
	s.Kill()
	if exit := l.exit(s); exit.Code != -1 {
		t.Errorf("exit %+v, want that of a signal", exit)
	}
	f.end()
}

func TestWithoutAGuardTheCommandsGroupEndsWithIt(t *testing.T) {
	for _, end := range []string{"exit 4", "wait"} {
		f := newFifo(t)
		l := newLabOf(t, false, "/bin/sh", "-c", `exec 3> "$FIFO"; sleep 60 & (trap "" HUP TERM; sleep 60 & wait) & echo ready >&3; `+end)
		s := l.begin(theTask())
		f.line()
		want := 4
		if end == "wait" {
			s.Kill()
			want = -1
		}
		if exit := l.exit(s); exit.Code != want {
			t.Errorf("%s: exit %+v, want %d", end, exit, want)
		}
		f.end()
	}
}

func TestWhatOutlivesTheCommandDoesNotHoldItsEnd(t *testing.T) {
	f := newFifo(t)
	l := shell(t, `exec 3> "$FIFO"; trap '' HUP; sleep 600 & echo done; exit 0`)
	if exit := l.run(); exit.Code != 0 || exit.Summary != "done" {
		t.Errorf("exit %+v", exit)
	}
	f.end()
}

// The rules for both files in which a command says something; $file is one of them.
func TestPartialWorkAndTheResultAreWhatTheirFilesSay(t *testing.T) {
	read := func(t *testing.T, name, script string) string {
		exit := shell(t, "file=$HEPHAESTUS_"+name+"; "+script).run()
		if name == "RESULT_FILE" {
			return exit.Result
		}
		return exit.PartialWork
	}
	for _, test := range []struct{ name, script, want string }{
		{"no file", `true`, ""},
		{"trimmed", `printf '\n half a door \n\n' > "$file"`, "half a door"},
		{"no UTF-8", `printf 'a\377b' > "$file"`, "ab"},
		{"too much", `printf '%05000d' 0 > "$file"`, strings.Repeat("0", 4096)},
		{"a folder", `mkdir "$file"`, ""},
		{"a huge file", `printf begin > "$file"; dd if=/dev/zero of="$file" bs=1 count=1 seek=1099511627775 conv=notrunc 2>&-`,
			"begin" + strings.Repeat("\x00", 4096-len("begin"))},
		{"a pipe", `mkfifo "$file"`, ""},
		{"a device that never ends", `ln -s /dev/zero "$file"`, ""},
		{"a terminal", `ln -s /dev/tty "$file"`, ""},
		{"a link to a file", `echo secret > elsewhere; ln -s "$PWD/elsewhere" "$file"`, ""},
		{"a folder of the run that is a link", `run=$(dirname "$file"); mv "$run" "$run.away"; mkfifo pipe; ln -s "$PWD" "$run"; ln -s pipe $(basename "$file")`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for file, most := range map[string]int{"PARTIAL_WORK_FILE": 4096, "RESULT_FILE": 2048} {
				want := test.want[:min(most, len(test.want))]
				if got := read(t, file, test.script); got != want {
					t.Errorf("%s: %q, want %q", file, got, want)
				}
			}
		})
	}
}

func TestACommandIsAskedToStopUnlessItHasEnded(t *testing.T) {
	f := newFifo(t)
	l := shell(t, `exec 3> "$FIFO"; trap 'echo done > "$HEPHAESTUS_RESULT_FILE"; exit 0' TERM; sleep 600 & echo ready >&3; wait`)
	s := l.begin(theTask())
	f.line()
	s.Terminate()
	if exit := l.exit(s); !exit.Asked || exit.Code != 0 || exit.Result != "done" {
		t.Errorf("exit %+v of one that was asked, and is done", exit)
	}
	s = shell(t, `true`).begin(theTask())
	if e := s.Await(t.Context(), time.Now().Add(patience)); e.Kind != worker.Exited {
		t.Fatalf("event %+v", e)
	}
	s.Terminate()
	if exit := l.exit(s); exit.Asked || exit.Code != 0 {
		t.Errorf("exit %+v of one that had ended", exit)
	}
}

func TestTheWorkspaceStaysAndTheRunsFolderGoes(t *testing.T) {
	l := shell(t, `echo again >> kept.txt`)
	l.run()
	l.run()
	if got := l.read("kept.txt"); got != "again\nagain\n" {
		t.Errorf("kept %q", got)
	}
	l.noRuns()
}

// noRuns checks that no run has left a folder.
func (l lab) noRuns() {
	l.Helper()
	left, err := fs.Glob(os.DirFS(l.root), "runs/*")
	if err != nil || len(left) != 0 {
		l.Errorf("%v is left, %v", left, err)
	}
}

func TestANudgeForThisContainerOnlyIsTold(t *testing.T) {
	l := shell(t, `sleep 600`)
	s := l.begin(theTask())
	l.nudges <- interrupt.Nudge{ContainerID: "container-0"}
	l.nudges <- interrupt.Nudge{ContainerID: "container-2"} // taken: the first has been dealt with
	if e := s.Await(t.Context(), time.Now()); e.Kind != worker.Quiet {
		t.Errorf("event %+v, want none", e)
	}
	l.nudges <- interrupt.Nudge{ContainerID: "container-1"}
	if e := s.Await(t.Context(), time.Now().Add(patience)); e.Kind != worker.Nudged {
		t.Errorf("event %+v, want a nudge", e)
	}
	s.Kill()
	l.exit(s)
}

func TestTheWorkerIsToldToStopOnce(t *testing.T) {
	l := shell(t, `sleep 600`)
	s := l.begin(theTask())
	waiting, cancel := l.host.UntilStopped(t.Context())
	defer cancel()
	if l.host.Stopping() || waiting.Err() != nil {
		t.Error("it stops before it is told to")
	}
	l.host.Stop()
	l.host.Stop()
	if !l.host.Stopping() {
		t.Error("it does not know that it stops")
	}
	<-waiting.Done()
	if e := s.Await(t.Context(), time.Now().Add(patience)); e.Kind != worker.Stopped {
		t.Errorf("event %+v, want that it stops", e)
	}
	if e := s.Await(t.Context(), time.Now()); e.Kind != worker.Quiet {
		t.Errorf("event %+v, want none: it was told", e)
	}
	s.Kill()
	l.exit(s)
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	shell(t, "true").host.Pause(ctx, time.Hour)
}

func TestAHostNeedsACommandAndARoot(t *testing.T) {
	for _, test := range []struct {
		options process.Options
		says    string
	}{
		{process.Options{Root: "x"}, "no command"},
		{process.Options{Command: []string{"true"}}, "no root"},
		{process.Options{Root: "x", Command: []string{"no-such-smith"}}, `the command cannot be run: exec: "no-such-smith"`},
		{process.Options{Root: "x", Command: []string{"./no-such-smith"}}, `the command cannot be run: exec: "./no-such-smith"`},
	} {
		if _, err := process.New(test.options, objects{}, nudges(nil), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("error %v, want %q", err, test.says)
		}
	}
}
