package trail

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// told is what a teller writes of the records.
func told(all bool, log func(*slog.Logger)) string {
	var out bytes.Buffer
	teller := NewTeller(screen.New(&out, screen.Never, func(string) string { return "" }), time.Now(), all)
	log(slog.New(slog.NewJSONHandler(NewSplitter(teller.Tell), nil)))
	return out.String()
}

func TestRecordsAreToldInTheWordsOfTheProtocol(t *testing.T) {
	for _, c := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"a mail of a new thread", func(l *slog.Logger) {
			l.Info("taken", "part", "intake", "message", "m1", "key", "amelia#scott", "thread", "thread-a", "threadWhy", "no message known; derived from <x@y>")
		}, "arrived     a new thread, thread-a"},
		{"a reply", func(l *slog.Logger) {
			l.Info("taken", "part", "intake", "message", "m1", "thread", "thread-a", "threadWhy", "References names <x@y>, which is known")
		}, "arrived     thread-a, by its References"},
		{"a rejected mail", func(l *slog.Logger) {
			l.Warn("rejected", "part", "intake", "message", "m1", "reason", "no such domain")
		}, "rejected    no such domain"},
		{"a join", func(l *slog.Logger) {
			l.Info("claimed", "part", "rate-limited-claim", "how", "join", "container", "container-1-aaaaaaaabbbbbb")
		}, "joined      container …bbbbbb: the same thread, nobody is interrupted"},
		{"a mail that waits", func(l *slog.Logger) {
			l.Info("asked to yield", "part", "send-interrupt", "waits", true, "container", "container-1-aaaaaaaabbbbbb")
		}, "is asked to yield"},
		{"a start", func(l *slog.Logger) { l.Info("started", "part", "worker", "worker", "w", "fence", 1760000012345) }, "started     worker 1, fence …0012345"},
		{"a kill", func(l *slog.Logger) { l.Warn("killing the command: its grace is over", "part", "worker") }, "SIGKILL"},
		{"an outcome", func(l *slog.Logger) { l.Info("finished", "part", "worker", "outcome", "timed-out") }, "timed-out"},
		{"the command's output, made harmless", func(l *slog.Logger) { l.Info("output", "part", "worker", "line", "\x1b[2Jhi") }, "[2Jhi"},
		{"a warning that nobody foresaw", func(l *slog.Logger) { l.Warn("odd", "part", "worker", "error", "boom") }, "warning     odd error=boom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := told(false, c.log); !strings.Contains(got, c.want) {
				t.Fatalf("told %q, want %q in it", got, c.want)
			}
		})
	}
}

func TestMinorEventsAreToldWhereEverythingWasAskedFor(t *testing.T) {
	minor := func(l *slog.Logger) { l.Info("the command has ended", "part", "worker", "exit", 0) }
	if got := told(false, minor); got != "" {
		t.Errorf("told %q, want nothing", got)
	}
	if got := told(true, minor); !strings.Contains(got, "ended with exit status 0") {
		t.Errorf("told %q", got)
	}
}

func TestAMessageArrivesBeforeWhatBecomesOfIt(t *testing.T) {
	got := told(false, func(l *slog.Logger) {
		l.Info("claimed", "part", "rate-limited-claim", "message", "m1", "how", "new", "container", "container-1-x")
		l.Info("taken", "part", "intake", "message", "m1", "thread", "t", "threadWhy", "no message known")
	})
	if arrived, claimed := strings.Index(got, "arrived"), strings.Index(got, "claimed"); arrived < 0 || claimed < arrived {
		t.Fatalf("told\n%s", got)
	}
}

func TestAnEndThatIsReportedTwiceIsToldOnce(t *testing.T) {
	got := told(false, func(l *slog.Logger) {
		l.Info("taken", "part", "intake", "message", "m1", "thread", "t", "threadWhy", "no message known")
		for range 2 {
			l.Info("ended", "part", "handle-timeout", "message", "m1", "outcome", "timed-out")
		}
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
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, line []byte) {
		e := Parse(line)
		text := e.Line(func(id string) string { return id }).Text
		if strings.ContainsAny(text, "\x1b\n") {
			t.Fatalf("%q is told as %q", line, text)
		}
	})
}
