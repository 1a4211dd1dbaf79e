package worker_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
)

// act is one message's way through the worker.
type act struct {
	name  string
	stage stage
	want  string
}

// play compares what each worker does with what it should do.
func play(t *testing.T, acts []act) {
	t.Helper()
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			got, err := a.stage.play(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.ReplaceAll(strings.TrimSpace(a.want), "\t", ""); got != want {
				t.Errorf("it went\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// hasty lets a command run half a minute only.
func hasty() worker.Settings {
	s := worker.DefaultSettings()
	s.CommandTimeout = 30 * time.Second
	return s
}

var done = worker.Exit{Summary: "mended the door"}

func TestACommandThatEnds(t *testing.T) {
	play(t, []act{
		{"with status 0 has completed its job: finished, answered, deleted, in this order",
			stage{command: command{runs: 5 * time.Second, exit: done}}, `
				0s: start, begin under fence 7
				5s: finish as completed: "mended the door", succeed, delete`},
		{"keeps its lease and hides its message while it runs",
			stage{command: command{runs: 45 * time.Second, exit: done}}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				40s: heartbeat, show in 95s
				45s: finish as completed: "mended the door", succeed, delete`},
		{"with another status has failed",
			stage{command: command{runs: 5 * time.Second, exit: worker.Exit{Code: 3, Summary: "no such door"}}}, `
				0s: start, begin under fence 7
				5s: finish as failed: "the command exited with status 3: no such door", fail as FAILED, delete`},
		{"with another status, and said nothing, has failed without a word of its own",
			stage{command: command{runs: 5 * time.Second, exit: worker.Exit{Code: 3}}}, `
				0s: start, begin under fence 7
				5s: finish as failed: "the command exited with status 3", fail as FAILED, delete`},
		{"just when somebody asks for its place has completed all the same, and wakes who waits before it answers",
			stage{command: command{runs: 25 * time.Second, exit: done, saves: time.Hour}, askedAt: 22 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				25s: finish as completed: "mended the door", wake token-m2, succeed, delete`},
		{"whose job clean-up has ended before answers with that end",
			stage{command: command{runs: 5 * time.Second, exit: done}, finished: &claim.Finished{Job: claim.Job{MessageID: "m1", Outcome: job.TimedOut}}}, `
				0s: start, begin under fence 7
				5s: finish as completed: "mended the door", fail as TIMED_OUT, delete`},
	})
}

func TestACommandIsStopped(t *testing.T) {
	saves := command{saves: 3 * time.Second, last: worker.Exit{Code: 1, PartialWork: "half a door"}}
	play(t, []act{
		{"when a heartbeat says that a newer thread asks",
			stage{command: saves, askedAt: 10 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks, SIGTERM, show in 95s
				23s: finish as interrupted: "stopped: preempted", saved "half a door", wake token-m2, fail as PREEMPTED, delete`},
		{"sooner by a nudge, which makes the worker ask",
			stage{command: saves, askedAt: 10 * time.Second, nudges: []time.Duration{11 * time.Second}}, `
				0s: start, begin under fence 7
				11s: heartbeat: thread b asks, SIGTERM, show in 95s
				14s: finish as interrupted: "stopped: preempted", saved "half a door", wake token-m2, fail as PREEMPTED, delete`},
		{"not by a nudge alone",
			stage{command: command{runs: 15 * time.Second, exit: done}, nudges: []time.Duration{2 * time.Second, 4 * time.Second}}, `
				0s: start, begin under fence 7
				2s: heartbeat, show in 95s
				4s: heartbeat, show in 95s
				15s: finish as completed: "mended the door", succeed, delete`},
		{"and killed when its grace is over; heartbeats go on meanwhile",
			stage{askedAt: 10 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks, SIGTERM, show in 95s
				40s: heartbeat: thread b asks, show in 95s
				50s: SIGKILL, finish as interrupted: "stopped: preempted", wake token-m2, fail as PREEMPTED, delete`},
		{"when it has run too long",
			stage{command: saves, settings: hasty()}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				30s: SIGTERM
				33s: finish as timed-out: "the command ran longer than 30s", saved "half a door", fail as TIMED_OUT, delete`},
		{"and handed back where the worker itself is told to stop and nobody waits: its message is visible at once",
			stage{command: saves, stopAt: 7 * time.Second, finishes: []error{claim.ErrNobodyWaits}}, `
				0s: start, begin under fence 7
				7s: SIGTERM
				10s: finish as interrupted: "stopped: worker stops", saved "half a door", hand back, show in 0s, wake token-m2`},
		{"and interrupted where the worker itself is told to stop and somebody waits",
			stage{command: saves, stopAt: 7 * time.Second}, `
				0s: start, begin under fence 7
				7s: SIGTERM
				10s: finish as interrupted: "stopped: worker stops", saved "half a door", fail as PREEMPTED, delete`},
		{"and handed back where who asked has gone meanwhile",
			stage{command: saves, askedAt: 10 * time.Second, finishes: []error{claim.ErrNobodyWaits}}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks, SIGTERM, show in 95s
				23s: finish as interrupted: "stopped: preempted", saved "half a door", hand back, show in 0s, wake token-m2`},
		{"once: the first reason counts",
			stage{command: command{saves: 25 * time.Second, last: worker.Exit{Code: 143}}, askedAt: 10 * time.Second, stopAt: 21 * time.Second, nudges: []time.Duration{22 * time.Second}}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks, SIGTERM, show in 95s
				22s: heartbeat: thread b asks, show in 95s
				42s: heartbeat: thread b asks, show in 95s
				45s: finish as interrupted: "stopped: preempted", wake token-m2, fail as PREEMPTED, delete`},
	})
}

// The table of docs/protocol.md, How a command ends: why a command was stopped, its status, and
// what it has written.
func TestACommandThatWasStoppedSaysByItsFilesHowItEnds(t *testing.T) {
	nobodyWaits := []error{claim.ErrNobodyWaits}
	for _, because := range []struct {
		name             string
		stage            stage
		done, saved, not string // what happens, where it is done, and where it is not
	}{
		{"a newer thread asks", stage{askedAt: 10 * time.Second},
			`finish as completed: "all mended\nI said", wake token-m2, succeed, delete`,
			`finish as interrupted: "stopped: preempted: I said", saved "half a door", wake token-m2, fail as PREEMPTED, delete`,
			`finish as interrupted: "stopped: preempted: I said", wake token-m2, fail as PREEMPTED, delete`},
		{"its time is over", stage{settings: hasty()},
			`finish as completed: "all mended\nI said", succeed, delete`,
			`finish as timed-out: "the command ran longer than 30s: I said", saved "half a door", fail as TIMED_OUT, delete`,
			`finish as timed-out: "the command ran longer than 30s: I said", fail as TIMED_OUT, delete`},
		{"the worker stops", stage{stopAt: 7 * time.Second, finishes: nobodyWaits},
			`finish as completed: "all mended\nI said", succeed, delete`,
			`finish as interrupted: "stopped: worker stops: I said", saved "half a door", hand back, show in 0s, wake token-m2`,
			`finish as interrupted: "stopped: worker stops: I said", hand back, show in 0s, wake token-m2`},
		{"the worker stops, and a newer thread asks", stage{stopAt: 7 * time.Second},
			`finish as completed: "all mended\nI said", succeed, delete`,
			`finish as interrupted: "stopped: worker stops: I said", saved "half a door", fail as PREEMPTED, delete`,
			`finish as interrupted: "stopped: worker stops: I said", fail as PREEMPTED, delete`},
		{"the lease is lost", stage{refuseAt: 10 * time.Second}, `show in 0s`, `show in 0s`, `show in 0s`},
	} {
		for _, code := range []int{0, 1, 143, -1} {
			for _, files := range []struct{ result, partial, want string }{
				{"all mended", "", because.done}, {"all mended", "half a door", because.done}, {"", "half a door", because.saved}, {"", "", because.not},
			} {
				s := because.stage
				exit := worker.Exit{Code: code, Summary: "I said", Result: files.result, PartialWork: files.partial}
				s.command = command{saves: 3 * time.Second, last: exit}
				if files.result != "" {
					s.finishes = nil // only an interrupted end needs somebody who waits
				}
				transcript, err := s.play(t.Context())
				lines := strings.Split(transcript, "\n")
				if last := lines[len(lines)-1]; err != nil || !strings.HasSuffix(last, files.want) {
					t.Errorf("%s, exit %+v: it went\n%s (%v)\nwant the end\n%s", because.name, exit, transcript, err, files.want)
				}
			}
		}
	}
}

func TestACommandThatEndedBeforeItWasAskedToStopSaysByItsStatusHowItEnds(t *testing.T) {
	play(t, []act{
		{"with 0 it is done, although a newer thread asks meanwhile",
			stage{command: command{runs: 22 * time.Second, exit: done}, beatTakes: 3 * time.Second, askedAt: 10 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks
				23s: SIGTERM, show in 95s, finish as completed: "mended the door", wake token-m2, succeed, delete`},
		{"with another it has failed, although a newer thread asks meanwhile",
			stage{command: command{runs: 22 * time.Second, exit: worker.Exit{Code: 3}}, beatTakes: 3 * time.Second, askedAt: 10 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks
				23s: SIGTERM, show in 95s, finish as failed: "the command exited with status 3", wake token-m2, fail as FAILED, delete`},
		{"and that it has written its result does not mend its status",
			stage{command: command{runs: time.Second, exit: worker.Exit{Code: 3, Result: "all mended", Summary: "no paint"}}}, `
				0s: start, begin under fence 7
				1s: finish as failed: "the command exited with status 3: all mended\nno paint", fail as FAILED, delete`},
	})
}

func TestACommandThatIsKilledForItsGraceIsDoneIfItHasWrittenItsResult(t *testing.T) {
	play(t, []act{
		{"it cleans up for too long",
			stage{command: command{runs: time.Hour, exit: worker.Exit{Result: "all mended"}}, askedAt: 10 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks, SIGTERM, show in 95s
				40s: heartbeat: thread b asks, show in 95s
				50s: SIGKILL, finish as completed: "all mended", wake token-m2, succeed, delete`},
	})
}

func TestALeaseThatIsLost(t *testing.T) {
	play(t, []act{
		{"by a refused heartbeat: killed at once, nothing more is written, the message stays",
			stage{command: command{saves: time.Second}, refuseAt: 30 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				40s: heartbeat refused, SIGKILL, show in 0s`},
		{"by heartbeats that fail: killed at its end by the worker's own clock",
			stage{failAt: 30 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				40s: heartbeat fails
				45s: heartbeat fails
				50s: heartbeat fails
				55s: heartbeat fails
				1m0s: heartbeat fails
				1m5s: heartbeat fails
				1m10s: heartbeat fails
				1m15s: heartbeat fails
				1m20s: heartbeat fails
				1m25s: heartbeat fails
				1m30s: heartbeat fails
				1m35s: heartbeat fails
				1m40s: heartbeat fails
				1m45s: heartbeat fails
				1m50s: SIGKILL, show in 0s`},
		{"by heartbeats that are not answered: no answer is waited for beyond its end",
			stage{hangAt: 30 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat, show in 95s
				40s: heartbeat, not answered
				1m50s: SIGKILL, show in 0s`},
		{"not by heartbeats that fail for a while",
			stage{command: command{runs: 50 * time.Second, exit: done}, failAt: 15 * time.Second, failUntil: 24 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat fails
				25s: heartbeat, show in 95s
				45s: heartbeat, show in 95s
				50s: finish as completed: "mended the door", succeed, delete`},
		{"while the command saves its work: killed although its grace lasts",
			stage{command: command{saves: 29 * time.Second}, askedAt: 10 * time.Second, refuseAt: 25 * time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks, SIGTERM, show in 95s
				40s: heartbeat refused, SIGKILL, show in 0s`},
		{"before the start was answered: nothing is begun",
			stage{startTakes: 90 * time.Second}, `
				0s: start`},
		{"when the end is to be written: the message stays for the next holder",
			stage{command: command{runs: 5 * time.Second, exit: done}, finishes: []error{claim.ErrLeaseLost}}, `
				0s: start, begin under fence 7
				5s: finish as completed: "mended the door"`},
		{"while a job is handed back: nothing more is done",
			stage{command: command{saves: time.Second}, stopAt: 7 * time.Second, finishes: []error{claim.ErrNobodyWaits}, handBack: awsx.Refused}, `
				0s: start, begin under fence 7
				7s: SIGTERM
				8s: finish as interrupted: "stopped: worker stops", hand back`},
	})
}

func TestAnEndThatCannotBeWritten(t *testing.T) {
	five := command{runs: 88 * time.Second, exit: done}
	fails := func(n int) []error {
		list := make([]error, n)
		for i := range list {
			list[i] = errAWS
		}
		return list
	}
	play(t, []act{
		{"is tried again",
			stage{command: command{runs: 5 * time.Second, exit: done}, finishes: fails(2)}, `
				0s: start, begin under fence 7
				5s: finish as completed: "mended the door", pause 1s
				6s: finish as completed: "mended the door", pause 1s
				7s: finish as completed: "mended the door", succeed, delete`},
		{"is given up with the lease: the message comes again",
			stage{command: five, finishes: fails(1000), failAt: time.Second}, `
				0s: start, begin under fence 7
				20s: heartbeat fails
				25s: heartbeat fails
				30s: heartbeat fails
				35s: heartbeat fails
				40s: heartbeat fails
				45s: heartbeat fails
				50s: heartbeat fails
				55s: heartbeat fails
				1m0s: heartbeat fails
				1m5s: heartbeat fails
				1m10s: heartbeat fails
				1m15s: heartbeat fails
				1m20s: heartbeat fails
				1m25s: heartbeat fails
				1m28s: finish as completed: "mended the door", pause 1s
				1m29s: finish as completed: "mended the door"`},
	})
}

func TestStepFunctionsDoesNotAnswer(t *testing.T) {
	five := command{runs: 5 * time.Second, exit: done}
	play(t, []act{
		{"so the message stays, for its next receiver to answer again", stage{command: five, answer: errAWS}, `
				0s: start, begin under fence 7
				5s: finish as completed: "mended the door", succeed`},
		{"because the token is gone: the message is deleted", stage{command: five, answer: errTokenGone}, `
				0s: start, begin under fence 7
				5s: finish as completed: "mended the door", succeed, delete`},
		{"the wake-up: the wait ends by itself, and the job as ever",
			stage{command: command{saves: time.Second}, askedAt: 10 * time.Second, wakeErr: errAWS}, `
				0s: start, begin under fence 7
				20s: heartbeat: thread b asks, SIGTERM, show in 95s
				21s: finish as interrupted: "stopped: preempted", wake token-m2, fail as PREEMPTED, delete`},
	})
}

func TestWorkThatMayNotBeStarted(t *testing.T) {
	ended := claim.Job{MessageID: "m1", ContainerID: "container-1", Outcome: job.Completed, Result: "mended the door"}
	interrupted := claim.Job{MessageID: "m1", ContainerID: "container-1", Outcome: job.Interrupted}
	woken := []claim.Wake{{MessageID: "m2", Token: "token-m2"}}
	play(t, []act{
		{"because it has ended: answered again and deleted", stage{start: claim.Start{Verdict: claim.Ended, Job: ended}}, `
				0s: start, succeed, delete`},
		{"because a newer thread has the key: declined, who waits is woken, answered, deleted",
			stage{start: claim.Start{Verdict: claim.Yielded}, declined: claim.Declined{Verdict: claim.Yielded, Finished: claim.Finished{Job: interrupted, Wakes: woken}}}, `
				0s: start, decline, wake token-m2, fail as PREEMPTED, delete`},
		{"because a newer thread has the key, and has ended when it is to be declined: answered with its end",
			stage{start: claim.Start{Verdict: claim.Yielded}, declined: claim.Declined{Verdict: claim.Ended, Finished: claim.Finished{Job: ended}}}, `
				0s: start, decline, succeed, delete`},
		{"because a newer thread has the key, which has gone when it is to be declined: shown at once",
			stage{start: claim.Start{Verdict: claim.Yielded}, declined: claim.Declined{Verdict: claim.Started}}, `
				0s: start, decline, show in 0s`},
		{"because a newer thread has the key, and cannot be declined: the message comes again",
			stage{start: claim.Start{Verdict: claim.Yielded}, declineErr: errAWS}, `
				0s: start, decline`},
		{"because its claim is gone: its execution claims again", stage{start: claim.Start{Verdict: claim.Lost}}, `
				0s: start, fail as CLAIM_LOST, delete`},
		{"because its claim is gone, and nobody can be told: the message stays", stage{start: claim.Start{Verdict: claim.Lost}, answer: errAWS}, `
				0s: start, fail as CLAIM_LOST`},
		{"because it has another container by now: its old token is told and the copy deleted", stage{start: claim.Start{Verdict: claim.Stale}}, `
				0s: start, fail as CLAIM_LOST, delete`},
		{"because another worker is at it: hidden until that one's lease has ended for everybody",
			stage{start: claim.Start{Verdict: claim.Busy, BusyUntil: curtain.Add(40 * time.Second)}}, `
				0s: start, show in 40s`},
		{"because another worker is at it, whose lease ends about now: hidden for a moment",
			stage{start: claim.Start{Verdict: claim.Busy, BusyUntil: curtain.Add(-time.Second)}}, `
				0s: start, show in 1s`},
		{"because the tables do not answer: left alone", stage{startErr: errAWS}, `
				0s: start`},
		{"because it cannot be read, by this version: shown again after a while", stage{message: "{"}, `
				0s: show in 13s`},
	})
}

func TestAnswersOfAWorker(t *testing.T) {
	for _, test := range []struct {
		name    string
		command command
		want    string
	}{
		{"the result of a job that has completed", command{runs: time.Second, exit: done},
			`{"messageId":"m1","outcome":"completed","containerId":"container-1","result":"mended the door"}`},
		{"the cause of one that has failed", command{runs: time.Second, exit: worker.Exit{Code: 3, Summary: "no such door"}},
			`{"messageId":"m1","outcome":"failed","containerId":"container-1","result":"the command exited with status 3: no such door"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := stage{command: test.command}
			if _, err := s.play(t.Context()); err != nil || s.answered != test.want {
				t.Errorf("answered %s (%v), want %s", s.answered, err, test.want)
			}
		})
	}
}

func TestAWorkerThatCannotReceiveSaysWhy(t *testing.T) {
	s := stage{receive: errAWS}
	if transcript, err := s.play(t.Context()); !errors.Is(err, errAWS) || transcript != "" {
		t.Errorf("error %v, transcript %q", err, transcript)
	}
}

func TestRunGoesOnUntilItIsToldToStop(t *testing.T) {
	s := stage{now: curtain, receive: errAWS, stopAt: 3 * time.Second, settings: worker.DefaultSettings()}
	w, err := worker.New(s.parts())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context()); err != nil {
		t.Error(err)
	}
	if got, want := strings.Join(s.transcript, "; "), "0s: pause 1s; 1s: pause 1s; 2s: pause 1s"; got != want {
		t.Errorf("it went %s, want %s", got, want)
	}
}

func TestAWorkerOfWhichAPartIsMissingIsRefused(t *testing.T) {
	var s stage
	for name, lose := range map[string]func(*worker.Parts){
		"ID": func(p *worker.Parts) { p.ID = "" }, "Queue": func(p *worker.Parts) { p.Queue = nil },
		"QueueURL": func(p *worker.Parts) { p.QueueURL = "" }, "Protocol": func(p *worker.Parts) { p.Protocol = nil },
		"Tokens": func(p *worker.Parts) { p.Tokens = nil }, "Host": func(p *worker.Parts) { p.Host = nil }, "Log": func(p *worker.Parts) { p.Log = nil },
	} {
		parts := s.parts()
		lose(&parts)
		if _, err := worker.New(parts); err == nil {
			t.Errorf("no error without %s", name)
		}
	}
}

func TestSettingsThatDoNotGoTogetherAreRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*worker.Settings)
		want   string // part of the error; empty: none
	}{
		{"the defaults", func(*worker.Settings) {}, ""},
		{"no heartbeat", func(s *worker.Settings) { s.Heartbeat = 0 }, "must be positive"},
		{"no time for the command", func(s *worker.Settings) { s.CommandTimeout = 0 }, "must be positive"},
		{"no grace for the command", func(s *worker.Settings) { s.CommandGrace = -1 }, "must be positive"},
		{"a third of the lease between heartbeats", func(s *worker.Settings) { s.Heartbeat = 30 * time.Second }, ""},
		{"more between heartbeats", func(s *worker.Settings) { s.Heartbeat = 31 * time.Second }, "a third of the lease"},
		{"a receive that is longer than SQS allows", func(s *worker.Settings) { s.ReceiveWait = 21 * time.Second }, "SQS allows"},
		{"a receive that does not wait", func(s *worker.Settings) { s.ReceiveWait = 0 }, ""},
		{"a message that shows itself while its worker's lease is live", func(s *worker.Settings) { s.Visibility = 89 * time.Second }, "visibility"},
		{"no time to be sick", func(s *worker.Settings) { s.SickAfter = 0 }, "sick worker ends"},
		{"no start", func(s *worker.Settings) { s.MaxStarts = 0 }, "most starts"},
		{"a message that is hidden for longer than SQS allows", func(s *worker.Settings) { s.Visibility = 13 * time.Hour }, "visibility"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := worker.DefaultSettings()
			test.change(&s)
			err := s.Validate(claim.DefaultSettings())
			if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
