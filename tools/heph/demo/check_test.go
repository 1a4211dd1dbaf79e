package demo

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/trail"
)

// good are facts as the protocol demands them.
func good() Facts {
	f := Facts{Jobs: map[string]claim.Job{}, Executions: map[string]string{}, Joined: []string{a2}, Killed: []string{a3}}
	for _, j := range []claim.Job{
		{MessageID: a1, ThreadID: "thread-a", ContainerID: "c-a", StartedAtMillis: 10, OutcomeAtMillis: 20, Outcome: job.Completed},
		{MessageID: a2, ThreadID: "thread-a", ContainerID: "c-a", StartedAtMillis: 20, OutcomeAtMillis: 30, Outcome: job.Completed},
		{MessageID: a3, ThreadID: "thread-a", ContainerID: "c-a3", StartedAtMillis: 40, OutcomeAtMillis: 50, Outcome: job.Interrupted},
		{MessageID: b1, ThreadID: "thread-b", ContainerID: "c-b", StartedAtMillis: 60, OutcomeAtMillis: 70, Outcome: job.Completed},
		{MessageID: c1, ThreadID: "thread-c", OutcomeAtMillis: 65, Outcome: job.Superseded},
		{MessageID: d1, ThreadID: "thread-d", ContainerID: "c-d", StartedAtMillis: 80, OutcomeAtMillis: 110, Outcome: job.Completed},
		{MessageID: e1, ThreadID: "thread-e", ContainerID: "c-e", StartedAtMillis: 80, OutcomeAtMillis: 130, Outcome: job.TimedOut},
		{MessageID: e2, ThreadID: "thread-f", ContainerID: "c-f", StartedAtMillis: 140, OutcomeAtMillis: 150, Outcome: job.Completed},
	} {
		for _, r := range cast() {
			if r.messageID == j.MessageID {
				j.Key = r.key
			}
		}
		f.Jobs[j.MessageID] = j
		f.Executions[j.MessageID] = "SUCCEEDED"
	}
	f.Executions[e1] = "FAILED"
	f.Claims = []claim.Row{{Key: "amelia#scott", Fence: 9}, {Key: "atlas#dana", Fence: 9}, {Key: "boreas#erin", Fence: 9}}
	f.Records = []audit.Record{
		{MessageID: a3, Reason: job.ReasonPreempted, InterruptedThreadID: "thread-a", InterruptedContainer: "c-a3", NewMessageID: b1, NewThreadID: "thread-b", PartialWork: "holidays.html has 2 of 8 holidays"},
		{MessageID: c1, Reason: job.ReasonSuperseded, InterruptedThreadID: "thread-c", NewMessageID: b1, NewThreadID: "thread-b"},
		{MessageID: e1, Reason: job.ReasonTimeout, InterruptedThreadID: "thread-e", InterruptedContainer: "c-e"},
	}
	f.Letters = []job.DeadLetter{{MessageID: e1, Kind: string(job.TimedOut)}}
	f.Starts = []Start{
		{a1, "amelia#scott", "w1", 1}, {a2, "amelia#scott", "w2", 2}, {a3, "amelia#scott", "w1", 4}, {b1, "amelia#scott", "w2", 6},
		{e1, "boreas#erin", "w1", 1}, {d1, "atlas#dana", "w2", 1}, {d1, "atlas#dana", "w3", 2}, {e2, "boreas#erin", "w1", 3},
	}
	f.Files = map[string]string{
		"amelia/scott/index.html":    "Saturday 7:00 – 15:00\nSunday\n01632 960 114\n",
		"amelia/scott/holidays.html": "<li>New Year: closed</li>\n",
		"atlas/dana/shop.csv":        "1\n2\n3\n4\n5\n6\n4230-K;Klemmsatz Größe K;31.50\n",
		"boreas/erin/index.txt":      "volume 1\nvolume 2\n", "boreas/erin/answer.txt": "2 volumes\n",
	}
	return f
}

func TestFactsAsTheProtocolDemandsThemHold(t *testing.T) {
	if bad := Failed(Check(good())); len(bad) > 0 {
		t.Fatalf("wrong: %+v", bad)
	}
}

// change makes a change to one job.
func change(id string, f func(*claim.Job)) func(*Facts) {
	return func(facts *Facts) {
		j := facts.Jobs[id]
		f(&j)
		facts.Jobs[id] = j
	}
}

func TestEveryWrongFactIsFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Facts)
		found string // what is said not to hold
	}{
		{"no facts at all", func(f *Facts) { *f = Facts{} }, "all three keys are free"},
		{"a reply that was interrupted", change(a2, func(j *claim.Job) { j.Outcome = job.Interrupted }), "a2-reply is completed"},
		{"an interrupted job that counts as failed", change(a3, func(j *claim.Job) { j.Outcome = job.Failed }), "a3-reply is interrupted"},
		{"an older mail that won", change(c1, func(j *claim.Job) { j.Outcome = job.Completed }), "c1-late is superseded"},
		{"an older mail that started", change(c1, func(j *claim.Job) { j.StartedAtMillis = 66 }), "c1 never claimed and never started"},
		{"a mail that is lost", func(f *Facts) { delete(f.Jobs, e2) }, "e2-again is completed"},
		{"a mail of another key", change(d1, func(j *claim.Job) { j.Key = "amelia#scott" }), "d1-killed is for atlas#dana"},
		{"a reply with a container of its own", change(a2, func(j *claim.Job) { j.ContainerID = "c-x" }), "a2 joined the container"},
		{"a reply that did not join", func(f *Facts) { f.Joined = nil }, "a2 joined the container"},
		{"a new thread in the old container", change(b1, func(j *claim.Job) { j.ContainerID = "c-a3" }), "b1 has a container of its own"},
		{"a reply in a new thread", change(a3, func(j *claim.Job) { j.ThreadID = "thread-x" }), "the replies are in the thread"},
		{"two jobs of a key at once", change(b1, func(j *claim.Job) { j.StartedAtMillis = 49 }), "b1-new-thread began after a3-reply had ended"},
		{"a key that stays held", func(f *Facts) { f.Claims[1].Jobs = []string{d1} }, "all three keys are free"},
		{"a worker that stays", func(f *Facts) { f.Claims[1].WorkerID = "w2" }, "all three keys are free"},
		{"a fence that falls", func(f *Facts) { f.Starts[3].Fence = 3 }, "its fence grew"},
		{"a fence that stays", func(f *Facts) { f.Starts[6].Fence = 1 }, "its fence grew"},
		{"a claim whose fence fell", func(f *Facts) { f.Claims[0].Fence = 5 }, "its fence grew"},
		{"the same worker again", func(f *Facts) { f.Starts[6].Worker = "w2" }, "d1 was started again, by another worker"},
		{"a record too few", func(f *Facts) { f.Records = f.Records[1:] }, "one record each"},
		{"a record of a job that completed", func(f *Facts) { f.Records = append(f.Records, audit.Record{MessageID: a1}) }, "one record each"},
		{"a record with another reason", func(f *Facts) { f.Records[2].Reason = job.ReasonFailure }, "e1-overtime is on record as timeout"},
		{"a record that names nobody", func(f *Facts) { f.Records[0].NewMessageID = "" }, "the record of a3-reply names b1"},
		{"partial work that is lost", func(f *Facts) { f.Records[0].PartialWork = "" }, "says what was saved"},
		{"a command that was not killed", func(f *Facts) { f.Killed = nil }, "the command of a3"},
		{"no dead letter", func(f *Facts) { f.Letters = nil }, "the dead letter queue has e1"},
		{"a dead letter twice", func(f *Facts) { f.Letters = append(f.Letters, f.Letters[0]) }, "the dead letter queue has e1"},
		{"an execution that runs on", func(f *Facts) { f.Executions[b1] = "RUNNING" }, "every execution has ended"},
		{"a file that was not written", func(f *Facts) { delete(f.Files, "boreas/erin/answer.txt") }, "e2 answered"},
		{"a change that is lost", func(f *Facts) { f.Files["amelia/scott/index.html"] = "Sunday 7:00 – 14:00 01632 960 114" }, "a2 changed Saturday"},
		{"work that went on after the kill", func(f *Facts) { f.Files["amelia/scott/holidays.html"] += "</ul>" }, "what a3 had done"},
		{"a line that was loaded twice", func(f *Facts) { f.Files["atlas/dana/shop.csv"] += "7\n" }, "each line once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := good()
			c.spoil(&f)
			bad := Failed(Check(f))
			if !slices.ContainsFunc(bad, func(b Finding) bool { return strings.Contains(b.What, c.found) }) {
				t.Fatalf("want %q found, found %+v", c.found, bad)
			}
		})
	}
}

func plain(out *bytes.Buffer) *screen.Screen {
	return screen.New(out, screen.Never, func(string) string { return "" })
}

func TestTheReportSaysWhatIsWrongAndWhy(t *testing.T) {
	var out bytes.Buffer
	f := good()
	change(c1, func(j *claim.Job) { j.Outcome = job.Completed })(&f)
	if New(plain(&out), false).Report(f) {
		t.Error("the report says that all checks hold")
	}
	for _, want := range []string{"wrong: c1-late is superseded", `its outcome is "completed"`, "1 of"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestEveryMailOfTheCastIsRoutedToItsKey(t *testing.T) {
	routes, err := Routes()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cast() {
		raw, err := mails.ReadFile("mails/" + r.messageID + ".eml")
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.Parse(raw, mail.DefaultLimits())
		if err != nil {
			t.Fatalf("%s: %v", r.messageID, err)
		}
		targets, refused, err := routes.Message(m)
		if err != nil || len(targets) != 1 || targets[0].Key != r.key || len(refused) > 0 {
			t.Errorf("%s goes to %+v, not to %+v, %v; want %s", r.messageID, targets, refused, err, r.key)
		}
	}
}

func TestTheTimesGoTogether(t *testing.T) {
	if err := errors.Join(Claim().Validate(), Worker().Validate(Claim())); err != nil {
		t.Fatal(err)
	}
}

func TestEventsAreToldInTheOrderInWhichTheyHappened(t *testing.T) {
	var out bytes.Buffer
	begun := time.Now()
	w := newWatch(trail.NewTeller(plain(&out), begun, true))
	for _, e := range []struct {
		what  string
		after time.Duration
	}{{"second", 20 * time.Millisecond}, {"third", 30 * time.Millisecond}, {"first", 10 * time.Millisecond}} {
		w.add(trail.Event{What: e.what, At: begun.Add(e.after)})
	}
	w.tellUntil(begun.Add(25 * time.Millisecond))
	got := out.String()
	if first, second := strings.Index(got, "first"), strings.Index(got, "second"); first < 0 || second < first || strings.Contains(got, "third") {
		t.Fatalf("told\n%s", got)
	}
}

func TestWaitingInVainSaysForWhat(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped"))
	w := newWatch(trail.NewTeller(plain(&bytes.Buffer{}), time.Now(), false))
	if _, err := w.await(ctx, "it comes", of[telemetry.JobStarted]("m1")); err == nil || err.Error() != "stopped" {
		t.Fatalf("got %v", err)
	}
	w.add(trail.Event{Message: "m1", Said: telemetry.JobStarted{}})
	if e, err := w.await(t.Context(), "it comes", of[telemetry.JobStarted]("m1")); err != nil || e.Message != "m1" {
		t.Fatalf("got %+v, %v", e, err)
	}
}

func TestTheFactsAreHeardFromEventsWhateverTheirTexts(t *testing.T) {
	d := New(plain(&bytes.Buffer{}), false)
	work := telemetry.Work{Worker: "w1", Message: "m1", Key: "amelia#scott"}
	for _, e := range []telemetry.Event{
		telemetry.JobStarted{Work: work, Fence: 7},
		telemetry.Claimed{Message: "m2", Claimed: true, How: claim.DecisionJoin.String()},
		telemetry.Claimed{Message: "m3", Claimed: true, How: claim.DecisionNew.String()},
		telemetry.CommandKilled{Work: work},
	} {
		d.watch.add(trail.Event{Said: e, What: "said in other words"})
	}
	var f Facts
	f.hear(d)
	if want := []Start{{MessageID: "m1", Key: "amelia#scott", Worker: "w1", Fence: 7}}; !slices.Equal(f.Starts, want) {
		t.Errorf("starts %+v, want %+v", f.Starts, want)
	}
	if !slices.Equal(f.Joined, []string{"m2"}) || !slices.Equal(f.Killed, []string{"m1"}) {
		t.Errorf("joined %v, killed %v", f.Joined, f.Killed)
	}
}
