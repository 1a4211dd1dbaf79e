package worker_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/services/worker"
)

var (
	errAway = fmt.Errorf("s3: %w", worker.ErrNotNow)
	errFull = fmt.Errorf("no space: %w", worker.ErrMachine)
)

func TestAPreparationIsWorkedOnUnderItsLease(t *testing.T) {
	runs := command{runs: 5 * time.Second, exit: done}
	play(t, []act{
		{"that takes longer than the lease: heartbeats keep it", stage{prepares: 100 * time.Second, command: runs}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				40s: heartbeat, show in 95s
				1m0s: heartbeat, show in 95s
				1m20s: heartbeat, show in 95s
				1m40s: the command begins, heartbeat, show in 95s
				1m45s: finish as completed: "mended the door", succeed, delete`},
		{"and the command has its whole time after it", stage{prepares: 25 * time.Second, command: command{runs: 29 * time.Second, exit: done}, settings: hasty()}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				25s: the command begins
				40s: heartbeat, show in 95s
				54s: finish as completed: "mended the door", succeed, delete`},
		{"that takes longer than a command may: handed back", stage{prepares: -1, settings: hasty()}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				30s: give up, hand back, show in 16s, wake token-m2`},
		{"until a newer thread asks: it gets the key at once", stage{prepares: -1, askedAt: 10 * time.Second, nudges: []time.Duration{11 * time.Second}}, `
				0s: start, begin under fence 7
				11s: heartbeat: thread b asks, give up, show in 95s, finish as interrupted: "stopped: preempted", wake token-m2, fail as PREEMPTED, delete`},
		{"until the worker is told to stop: handed back", stage{prepares: -1, stopAt: 7 * time.Second, finishes: []error{claim.ErrNobodyWaits}}, `
				0s: start, begin under fence 7
				7s: give up, finish as interrupted: "stopped: worker stops", hand back, show in 0s, wake token-m2`},
		{"until the lease is lost: given up", stage{prepares: -1, refuseAt: 5 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat refused, give up, show in 0s`},
	})
}

// A lease of which little is left is extended at once: the next answer may take as long.
func TestAnAnswerThatCameLateIsFollowedByAHeartbeat(t *testing.T) {
	play(t, []act{{"to the start", stage{startTakes: 80 * time.Second, command: command{runs: 15 * time.Second, exit: done}}, `
				0s: start
				1m20s: begin under fence 7, heartbeat, show in 95s
				1m35s: finish as completed: "mended the door", succeed, delete`}})
}

func TestWhatBecomesOfAJobThatCannotBegin(t *testing.T) {
	play(t, []act{
		{"now: handed back, and shown about a heartbeat later", stage{begin: errAway}, `
				0s: start, begin under fence 7, hand back, show in 16s, wake token-m2`},
		{"for the tenth time: shown some minutes later", stage{begin: errAway, receives: "10"}, `
				0s: start, begin under fence 7, hand back, show in 153s, wake token-m2`},
		{"for the thousandth time: not later", stage{begin: errAway, receives: "1000"}, `
				0s: start, begin under fence 7, hand back, show in 171s, wake token-m2`},
		{"ever: failed", stage{begin: errors.New("no such mail")}, `
				0s: start, begin under fence 7, finish as failed: "no such mail", fail as FAILED, delete`},
		{"because workers came to no end: failed, before another does", stage{start: claim.Start{LostStarts: 10}}, `
				0s: start, finish as failed: "started 10 times, and no worker came to its end", fail as FAILED, delete`},
		{"yet: begun all the same", stage{start: claim.Start{LostStarts: 9}, command: command{runs: time.Second, exit: done}}, `
				0s: start, begin under fence 7
				1s: finish as completed: "mended the door", succeed, delete`},
	})
}

func TestASickMachine(t *testing.T) {
	errs := func(n int) []error {
		list := make([]error, n)
		for i := range list {
			list[i] = errFull
		}
		return list
	}
	t.Run("hands its job back for others at once, and looks at itself with growing pauses until it is well", func(t *testing.T) {
		s := &stage{begin: errFull, sick: errs(6)}
		w := s.worker(t)
		s.stopAt = 2 * time.Minute
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := `0s: start, begin under fence 7, hand back, show in 0s, wake token-m2, pause 1s
1s: check, pause 1s
2s: check, pause 2s
4s: check, pause 4s
8s: check, pause 8s
16s: check, pause 16s
32s: check, pause 32s`
		if got := strings.Join(s.transcript, "\n"); !strings.HasPrefix(got, want) {
			t.Errorf("it went\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("that stays sick ends its worker, which says why", func(t *testing.T) {
		s := &stage{begin: errFull, sick: errs(100)}
		err := s.worker(t).Run(t.Context())
		if !errors.Is(err, worker.ErrMachine) || !strings.Contains(err.Error(), "sick for 5m0s") || s.now.Sub(curtain) != 5*time.Minute {
			t.Errorf("after %v: %v", s.now.Sub(curtain), err)
		}
	})
	t.Run("that looks well and begins nothing ends its worker too", func(t *testing.T) {
		s := &stage{begin: errFull}
		if err := s.worker(t).Run(t.Context()); !errors.Is(err, worker.ErrMachine) {
			t.Errorf("error %v", err)
		}
		if begins := strings.Count(strings.Join(s.transcript, ""), "begin"); begins > 15 {
			t.Errorf("it took %d jobs", begins)
		}
	})
	t.Run("whose disk hangs is found by a preparation that is not ready in time", func(t *testing.T) {
		s := &stage{prepares: -1, sick: errs(1), settings: hasty()}
		w := s.worker(t)
		if err := w.Once(t.Context()); !errors.Is(err, worker.ErrMachine) {
			t.Errorf("error %v", err)
		}
	})
}

func (s *stage) worker(t *testing.T) *worker.Worker {
	t.Helper()
	s.now = curtain
	if s.settings == (worker.Settings{}) {
		s.settings = worker.DefaultSettings()
	}
	w, err := worker.New(s.parts())
	if err != nil {
		t.Fatal(err)
	}
	return w
}
