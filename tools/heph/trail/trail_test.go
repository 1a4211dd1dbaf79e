package trail

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// told is what a teller writes of the records.
func told(all bool, log func(*slog.Logger)) string {
	var out bytes.Buffer
	teller := NewTeller(screen.New(&out, screen.Never, func(string) string { return "" }), time.Now(), all)
	log(slog.New(slog.NewJSONHandler(NewSplitter(teller.Tell), nil)))
	return out.String()
}

// says logs events as the named part does.
func says(part string, events ...telemetry.Event) func(*slog.Logger) {
	return func(l *slog.Logger) {
		for _, e := range events {
			telemetry.Write(context.Background(), l.With("part", part), e)
		}
	}
}

func TestRecordsAreToldInTheWordsOfTheProtocol(t *testing.T) {
	const container = "container-1-aaaaaaaabbbbbb"
	for _, c := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"a mail of a new thread", says("intake", telemetry.MailTaken{Message: "m1", Key: "amelia#scott", Thread: "thread-a", ThreadBy: "root", ThreadIsNew: true}), "arrived     a new thread, thread-a"},
		{"a reply", says("intake", telemetry.MailTaken{Message: "m1", Thread: "thread-a", ThreadBy: "References"}), "arrived     thread-a, by its References"},
		{"a rejected mail", says("intake", telemetry.MailRejected{Message: "m1", Reason: "no such domain"}), "rejected    no such domain"},
		{"a held mail", says("intake", telemetry.MailHeld{Message: "m1", Reason: "nobody vouches for its sender"}), "held        nobody vouches for its sender; heph release m1 lets it begin"},
		{"a mail that comes between", says("check-active-job", telemetry.Checked{Because: "interrupt"}), "check       an older thread holds the key"},
		{"a join", says("rate-limited-claim", telemetry.Claimed{Claimed: true, How: "join", Container: container}), "joined      container …bbbbbb: the same thread, nobody is interrupted"},
		{"a mail that waits", says("send-interrupt", telemetry.AskedToYield{Waits: true, Container: container}), "is asked to yield"},
		{"a mail that need not wait", says("send-interrupt", telemetry.AskedToYield{Container: container}), "need not wait"},
		{"a worker", says("worker", telemetry.WorkerReady{Worker: "w", PID: 17}), "ready       worker 1, process 17"},
		{"a start", says("worker", telemetry.JobStarted{Work: telemetry.Work{Worker: "w"}, Fence: 1760000012345}), "started     worker 1, fence …0012345"},
		{"a nudge", says("worker", telemetry.NewerThreadAsks{Work: telemetry.Work{Worker: "w"}, NewMessage: "m2"}), "told        worker 1 hears that m2 wants the key"},
		{"a stop", says("worker", telemetry.CommandAskedToStop{Because: "preempted"}), "SIGTERM     the command is asked to stop: preempted"},
		{"a kill", says("worker", telemetry.CommandKilled{}), "SIGKILL"},
		{"a lost lease", says("worker", telemetry.LeaseLost{Because: "refused"}), "SIGKILL     the lease is lost: refused"},
		{"an outcome", says("worker", telemetry.JobFinished{Outcome: job.TimedOut}), "timed-out"},
		{"work that was stopped and saved", says("worker", telemetry.JobFinished{Outcome: job.Interrupted, Saved: true}), "interrupted what was done is saved"},
		{"work that was stopped in vain", says("worker", telemetry.JobFinished{Outcome: job.Interrupted}), "interrupted nothing was saved"},
		{"work that was late and saved", says("worker", telemetry.JobFinished{Outcome: job.TimedOut, Saved: true}), "timed-out   what was done is saved"},
		{"a job that goes on elsewhere", says("worker", telemetry.JobHandedBack{Work: telemetry.Work{Worker: "w"}}), "handed back worker 1 gives it back"},
		{"an interruption", says("record-interruption", telemetry.JobRecorded{Outcome: job.Superseded}), "on record   superseded: it is older"},
		{"an end from outside", says("handle-timeout", telemetry.JobEnded{Outcome: job.TimedOut}), "on record   timed-out, and on the dead letter queue"},
		{"the command's output, made harmless", says("worker", telemetry.CommandOutput{Line: "\x1b[2Jhi"}), "[2Jhi"},
		{"a warning without words of its own", says("intake", telemetry.ReceivedAtIgnored{Message: "m1", Value: "0", Error: "boom"}), "counts value=0 error=boom"},
		{"a warning that nobody foresaw", func(l *slog.Logger) { l.Warn("odd", "part", "worker", "error", "boom") }, "warning     odd error=boom"},
		{"an event that nobody declared", func(l *slog.Logger) { l.Info("odd", "event", "odd-one") }, `warning     odd (log record: no event "odd-one" is declared)`},
		{"an event that lacks a field", func(l *slog.Logger) { l.Info("killed", "event", "command-killed") }, "warning     killed (log record: the event command-killed lacks its field worker)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := told(false, c.log); !strings.Contains(got, c.want) {
				t.Fatalf("told %q, want %q in it", got, c.want)
			}
		})
	}
}

// reworded changes the texts of all records.
type reworded struct{ slog.Handler }

func (h reworded) Handle(ctx context.Context, r slog.Record) error {
	r.Message = "said in other words"
	return h.Handler.Handle(ctx, r)
}

func TestNothingGoesByTheTextOfARecord(t *testing.T) {
	read := func(event telemetry.Event, wrap func(slog.Handler) slog.Handler) Event {
		var got Event
		splitter := NewSplitter(func(e Event) { got = e })
		telemetry.Write(t.Context(), slog.New(wrap(slog.NewJSONHandler(splitter, nil))), event)
		return got
	}
	name := func(worker string) string { return worker }
	for _, event := range telemetry.Events() {
		before := read(event, func(h slog.Handler) slog.Handler { return h })
		after := read(event, func(h slog.Handler) slog.Handler { return reworded{h} })
		if after.What != "said in other words" {
			t.Fatalf("%T has the text %q", event, after.What)
		}
		was, hadWords := before.known(name)
		is, hasWords := after.known(name)
		if was != is || hadWords != hasWords || before.ends() != after.ends() || before.ofIntake() != after.ofIntake() {
			t.Errorf("%T is told as %+v, and reworded as %+v", event, was, is)
		}
	}
}

func TestARecordSaysWhoseItIs(t *testing.T) {
	var got Event
	splitter := NewSplitter(func(e Event) { got = e })
	started := telemetry.JobStarted{Work: telemetry.Work{Worker: "w", Message: "m1", Key: "amelia#scott", Container: "c"}, Fence: 1760000012345, Thread: "a"}
	says("worker", started)(slog.New(slog.NewJSONHandler(splitter, nil)))
	if got.Said != started || got.Part != "worker" || got.Worker != "w" || got.Message != "m1" || got.Key != "amelia#scott" {
		t.Errorf("read %+v", got)
	}
}

func TestMinorEventsAreToldWhereEverythingWasAskedFor(t *testing.T) {
	minor := says("worker", telemetry.CommandEnded{Exit: 3})
	if got := told(false, minor); got != "" {
		t.Errorf("told %q, want nothing", got)
	}
	if got := told(true, minor); !strings.Contains(got, "ended with exit status 3") {
		t.Errorf("told %q", got)
	}
}

func TestAMessageArrivesBeforeWhatBecomesOfIt(t *testing.T) {
	got := told(false, func(l *slog.Logger) {
		says("rate-limited-claim", telemetry.Claimed{Message: "m1", Claimed: true, How: "new", Container: "container-1-x"})(l)
		says("intake", telemetry.MailTaken{Message: "m1", Thread: "t", ThreadIsNew: true})(l)
	})
	if arrived, claimed := strings.Index(got, "arrived"), strings.Index(got, "claimed"); arrived < 0 || claimed < arrived {
		t.Fatalf("told\n%s", got)
	}
}

func TestAnEndThatIsReportedTwiceIsToldOnce(t *testing.T) {
	got := told(false, func(l *slog.Logger) {
		says("intake", telemetry.MailTaken{Message: "m1", Thread: "t", ThreadIsNew: true})(l)
		ended := telemetry.JobEnded{Message: "m1", Outcome: job.TimedOut}
		says("handle-timeout", ended, ended)(l)
	})
	if n := strings.Count(got, "on record"); n != 1 {
		t.Fatalf("told %d times:\n%s", n, got)
	}
}

func TestLinesMayComeInPieces(t *testing.T) {
	var got []string
	s := NewSplitter(func(e Event) { got = append(got, e.What) })
	for _, piece := range []string{`{"msg":"o`, "ne\"}\n{\"msg\":\"two\"}", "\n\n", "no JSON at all\n", `{"msg":"unfinished"`} {
		_, _ = s.Write([]byte(piece))
	}
	if want := `["one" "two" "no JSON at all"]`; fmt.Sprintf("%q", got) != want {
		t.Fatalf("got %q, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"time":"2026-10-12T09:00:00Z","level":"WARN","msg":"x","fence":1e400,"key":7}`))
	f.Add([]byte(`{"event":"command-output","msg":"output","message":"m1","stream":"stdout","line":"\u001b[2J\nhi"}`))
	f.Add([]byte(`{"event":"\u001b[2J","msg":"x"}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, line []byte) {
		e := Parse(line)
		text := e.Line(func(id string) string { return id }).Text
		if strings.ContainsAny(text, "\x1b\n") {
			t.Fatalf("%q is told as %q", line, text)
		}
	})
}
