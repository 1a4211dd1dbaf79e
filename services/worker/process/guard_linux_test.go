package process_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/services/worker/process"
)

// asWorker makes this test's binary a worker that has begun a job, whose command is the script of
// theScript, and does nothing else.
const asWorker, theScript = "HEPHAESTUS_TEST_AS_WORKER", "HEPHAESTUS_TEST_SCRIPT"

func TestMain(m *testing.M) {
	process.BeGuard()
	root := os.Getenv(asWorker)
	if root == "" {
		// With the race detector a process sleeps for a second before it exits, and each command
		// has two guards.
		os.Setenv("GORACE", "atexit_sleep_ms=0")
		os.Exit(m.Run())
	}
	store := objects{"raw": "", "content": "{}"}
	options := process.Options{
		Command: []string{"/bin/sh", "-c", os.Getenv(theScript)}, Root: root, Environ: os.Environ(), Env: []string{"FIFO", "GORACE"}, Guarded: true,
	}
	host, err := process.New(options, store, nudges(nil), slog.New(slog.DiscardHandler))
	if err == nil {
		_, err = tryToBegin(context.Background(), host, theTask())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

// family is what a command may leave behind. It holds the pipe $FIFO open, as its descriptor 3, and
// says when all of it is there. If nobody ends it, it ends by itself, after a minute.
type family struct{ name, script string }

var families = []family{
	{"children", `sleep 60 & sleep 60 & echo ready >&3`},
	{"daemons by a double fork", `(sh -c 'trap "" HUP TERM; sleep 60 & (sleep 60 &) & wait' >/dev/null 2>&1 &); echo ready >&3`},
	sessions, restless,
	{"daemons in sessions of their own", `(setsid sh -c '(setsid sh -c "trap : TERM HUP; echo ready >&3; sleep 60; sleep 60" >/dev/null 2>&1 &)' &)`},
	{"stopped ones", `setsid sh -c 'sleep 60 & kill -STOP $$; sleep 60' &
		until grep -q ') T' /proc/$!/stat; do sleep 0.01; done; echo ready >&3`},
	{"many", `f() { [ $1 -eq 0 ] || { f $(($1 - 1)) & f $(($1 - 1)) & }; exec sleep 60; }; f 7 & echo ready >&3`},
}

var sessions = family{"sessions of their own",
	`setsid sleep 60 & setsid sh -c 'setsid sh -c "echo ready >&3; exec sleep 60" & exec sleep 60' &`}

// restless are some that fork and end, all the time.
var restless = family{"restless ones", `r() { [ $1 -eq 0 ] || r $(($1 - 1)) & }
	r 20000; r 20000; r 20000; for i in 1 2 3; do (i=0; while [ $((i += 1)) -lt 20000 ]; do (: &); done) & done; echo ready >&3`}

func TestAllThatACommandStartedEndsWithIt(t *testing.T) {
	for _, family := range families {
		t.Run(family.name, func(t *testing.T) {
			f := newFifo(t)
			l := shell(t, `exec 3> "$FIFO"; `+family.script+`
while [ ! -e go ]; do sleep 0.01; done; exit 4`)
			s := l.begin(theTask())
			f.line()
			write(t, l.workspace("go"), "")
			if exit := l.exit(s); exit.Code != 4 {
				t.Errorf("exit %+v, want that of the command", exit)
			}
			f.end()
		})
	}
}

func TestAllThatACommandStartedIsKilledWithIt(t *testing.T) {
	for _, family := range families {
		t.Run(family.name, func(t *testing.T) {
			f := newFifo(t)
			l := shell(t, `exec 3> "$FIFO"; `+family.script+`
wait; sleep 60`)
			s := l.begin(theTask())
			f.line()
			s.Kill()
			if exit := l.exit(s); exit.Code != -1 {
				t.Errorf("exit %+v, want that of a signal", exit)
			}
			f.end()
		})
	}
}

// victim starts a worker that runs the script, and returns it with its guards, the outer one first.
func (l lab) victim(f *fifo, script string) (worker *os.Process, guards []int) {
	l.Helper()
	self, err := os.Executable()
	if err != nil {
		l.Fatal(err)
	}
	victim := exec.Command(self)
	victim.Env, victim.Stderr = append(os.Environ(), asWorker+"="+l.root, theScript+"="+script), os.Stderr
	if err := victim.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		_ = victim.Process.Kill() // it may be dead already
		_ = victim.Wait()         // and how it ended does not matter
	})
	f.line()
	guards = process.GuardsBelow(victim.Process.Pid)
	if len(guards) != 2 {
		l.Fatalf("guards %v, want two", guards)
	}
	return victim.Process, guards
}

func TestACommandDiesWithItsWorkerAndWithAGuard(t *testing.T) {
	for _, test := range []struct {
		name   string
		worker bool
		guards []int // 0 is the outer one
	}{
		{"the worker", true, nil},
		{"the outer guard", false, []int{0}},
		{"the inner guard", false, []int{1}},
		{"the worker and the outer guard", true, []int{0}},
		{"the worker and the inner guard", true, []int{1}},
	} {
		of := families
		if len(test.guards) > 0 {
			of = []family{sessions, restless}
		}
		for _, family := range of {
			t.Run(test.name+" with "+family.name, func(t *testing.T) {
				f, l := newFifo(t), shell(t, "true")
				worker, guards := l.victim(f, `exec 3> "$FIFO"; `+family.script+`
wait; sleep 60`)
				killed := make([]int, 0, 2)
				for _, n := range test.guards {
					killed = append(killed, guards[n])
				}
				if test.worker {
					killed = append(killed, worker.Pid)
				}
				for _, pid := range killed {
					if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
						t.Fatal(err)
					}
				}
				f.end()
			})
		}
	}
}

func TestAGuardThatIsStoppedEndsAllWhenItsWorkerIsGone(t *testing.T) {
	f, l := newFifo(t), shell(t, "true")
	worker, guards := l.victim(f, `exec 3> "$FIFO"; setsid sleep 60 & echo ready >&3; exec sleep 60`)
	for _, pid := range append(guards, worker.Pid) {
		signal := syscall.SIGSTOP
		if pid == worker.Pid {
			signal = syscall.SIGKILL
		}
		if err := syscall.Kill(pid, signal); err != nil {
			t.Fatal(err)
		}
	}
	f.end()
}

func TestAKeyIsLockedUntilNothingOfADeadWorkersCommandIsLeft(t *testing.T) {
	f, l := newFifo(t), shell(t, "true")
	worker, _ := l.victim(f, `exec 3> "$FIFO"; setsid sleep 60 & echo ready >&3; exec sleep 60`)
	if err := worker.Kill(); err != nil {
		t.Fatal(err)
	}
	l.run() // it waits for the key
	f.end()
	l.noRuns()
}

func TestAnyStartOfAWorkerRemovesWhatAKilledOneHasLeft(t *testing.T) {
	f, l := newFifo(t), shell(t, "true")
	worker, _ := l.victim(f, `exec 3> "$FIFO"; echo ready >&3; exec sleep 60`)
	if err := worker.Kill(); err != nil {
		t.Fatal(err)
	}
	f.end()
	for deadline := time.Now().Add(patience); ; { // its guards may be there for a moment more
		l.mustAnother()
		if left, err := fs.Glob(os.DirFS(l.root), "runs/*/*"); err == nil && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("its mail stays")
		}
	}
}

func TestAGuardSaysWhyACommandCannotBegin(t *testing.T) {
	program := filepath.Join(t.TempDir(), "smith")
	write(t, program, "#!/bin/sh\n")
	l := newLab(t, program)
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	_, err := l.tryToBegin(theTask())
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "fork/exec "+program+": no such file") {
		t.Errorf("error %v, want that it is not there", err)
	}
	l.noRuns()
}

func TestACommandInheritsNothingThatIsOpen(t *testing.T) {
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, file.Fd(), syscall.F_SETFD, 0); errno != 0 {
		t.Fatal(errno)
	}
	l := shell(t, fmt.Sprintf(`n=3; while [ $n -le %d ]; do [ ! -e /proc/$$/fd/$n ] || readlink /proc/$$/fd/$n; n=$((n + 1)); done`, file.Fd()))
	if exit := l.run(); exit.Summary != "" {
		t.Errorf("it has open: %s", exit.Summary)
	}
}
