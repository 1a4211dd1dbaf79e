package job_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
)

func TestNewKey(t *testing.T) {
	long := strings.Repeat("x", 64)
	tests := []struct {
		name          string
		project, user string
		want          job.Key
		err           string
	}{
		{"plain", "amelia", "scott", "amelia#scott", ""},
		{"every allowed character", "a-b_c.9", "0x", "a-b_c.9#0x", ""},
		{"as long as may be", long, long[1:], job.Key(long + "#" + long[1:]), ""},
		{"no project", "", "scott", "", `project name ""`},
		{"no user", "amelia", "", "", `user name ""`},
		{"too long", long + "x", "scott", "", "project name"},
		{"upper case", "Amelia", "scott", "", `project name "Amelia"`},
		{"the separator", "amelia", "sc#tt", "", `user name "sc#tt"`},
		{"begins with a dash", "amelia", "-scott", "", `user name "-scott"`},
		{"a slash", "a/b", "scott", "", "project name"},
		{"no ASCII", "amélia", "scott", "", "project name"},
		{"a line after it", "amelia\n", "scott", "", "project name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := job.NewKey(test.project, test.user)
			if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("%q, %v; want %q, error %q", got, err, test.want, test.err)
			}
			if project, user := got.Split(); err == nil && (project != test.project || user != test.user) {
				t.Errorf("split into %q and %q", project, user)
			}
		})
	}
}

func TestTheOrderOfMessages(t *testing.T) {
	tests := []struct {
		aMillis int64
		a       string
		bMillis int64
		b       string
		want    bool
	}{
		{2, "a", 1, "z", true},
		{1, "z", 2, "a", false},
		{1, "b", 1, "a", true},
		{1, "a", 1, "b", false},
		{1, "a", 1, "a", false},
	}
	for _, test := range tests {
		if got := job.Newer(test.aMillis, test.a, test.bMillis, test.b); got != test.want {
			t.Errorf("(%d, %s) newer than (%d, %s): %v", test.aMillis, test.a, test.bMillis, test.b, got)
		}
		m := job.Message{MessageID: test.a, ReceivedAtMillis: test.aMillis}
		if got := m.NewerThan(test.bMillis, test.b); got != test.want {
			t.Errorf("message %s newer than %s: %v", test.a, test.b, got)
		}
	}
}

const message = `"messageId":"m1","projectId":"amelia","userId":"scott","projectUserId":"amelia#scott","threadId":"A","receivedAt":1`

func TestParseWork(t *testing.T) {
	tests := []struct{ name, body, err string }{
		{"whole", `{"message":{` + message + `},"containerId":"c1","taskToken":"t","attachments":[]}`, ""},
		{"a field that is not known yet", `{"message":{` + message + `},"containerId":"c1","taskToken":"t","later":1}`, ""},
		{"no JSON", `work`, "work message: invalid character"},
		{"no message", `{"containerId":"c1","taskToken":"t"}`, "no messageId"},
		{"no thread", `{"message":{` + strings.Replace(message, `"A"`, `""`, 1) + `},"containerId":"c1","taskToken":"t"}`, "no threadId"},
		{"no time", `{"message":{` + strings.Replace(message, `:1`, `:0`, 1) + `},"containerId":"c1","taskToken":"t"}`, "receivedAt 0"},
		{"a key that is another's", `{"message":{` + strings.Replace(message, `amelia#scott`, `amelia#eve`, 1) + `},"containerId":"c1","taskToken":"t"}`, `"amelia#eve" is not "amelia#scott"`},
		{"a name that is none", `{"message":{` + strings.Replace(message, `"scott"`, `"Scott"`, 1) + `},"containerId":"c1","taskToken":"t"}`, `user name "Scott"`},
		{"no container", `{"message":{` + message + `},"taskToken":"t"}`, "containerId and taskToken"},
		{"no token", `{"message":{` + message + `},"containerId":"c1"}`, "containerId and taskToken"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, err := job.ParseWork(test.body)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("%+v, %v; want error %q", w, err, test.err)
			}
			if err == nil && (w.Message.MessageID != "m1" || w.ContainerID != "c1" || w.TaskToken != "t") {
				t.Errorf("work %+v", w)
			}
		})
	}
}

func FuzzParseWork(f *testing.F) {
	f.Add(`{"message":{` + message + `},"containerId":"c1","taskToken":"t"}`)
	f.Fuzz(func(t *testing.T, body string) {
		w, err := job.ParseWork(body)
		if err != nil {
			return
		}
		again, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := job.ParseWork(string(again)); err != nil {
			t.Errorf("accepted %q but not what it says: %v", body, err)
		}
	})
}

func TestWhichOutcomesAreOnRecord(t *testing.T) {
	for outcome, want := range map[job.Outcome]job.Reason{
		job.Interrupted: job.ReasonPreempted, job.Superseded: job.ReasonSuperseded, job.TimedOut: job.ReasonTimeout, job.Failed: job.ReasonFailure,
		job.Completed: "", job.Rejected: "", "": "",
	} {
		if got, ok := outcome.RecordReason(); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", outcome, got, ok, want)
		}
	}
}

func TestTimesAreMilliseconds(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 123_456_789, time.UTC)
	if got := job.Time(job.Millis(at)); !got.Equal(at.Truncate(time.Millisecond)) || got.Location() != time.UTC {
		t.Errorf("%v", got)
	}
}

func TestWhatIsTooLongIsCutBetweenItsRunes(t *testing.T) {
	const mark = " […]" // six bytes
	for _, test := range []struct {
		s    string
		most int
		want string
	}{
		{"", 8, ""},
		{"12345678", 8, "12345678"},
		{"123456789", 8, "12" + mark},
		{"ü12345678", 8, "ü" + mark},
		{"1ü2345678", 8, "1" + mark}, // the cut falls inside ü
		{"€€€€€", 10, "€" + mark},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80", 8, mark}, // no valid UTF-8
	} {
		if got := job.Cut(test.s, test.most); got != test.want {
			t.Errorf("%q at %d: %q, want %q", test.s, test.most, got, test.want)
		}
	}
}
