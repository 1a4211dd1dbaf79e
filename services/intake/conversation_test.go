package intake_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/simtest"
)

// answers makes the header of a mail that names others.
func answers(inReplyTo string, references ...string) string {
	header := ""
	if inReplyTo != "" {
		header = "In-Reply-To: <" + inReplyTo + "@example.com>\n"
	}
	if len(references) > 0 {
		header += "References: <" + strings.Join(references, "@example.com> <") + "@example.com>\n"
	}
	return header
}

func TestMailsThatNameOneAnotherAreOfOneThread(t *testing.T) {
	const index = "Thread-Index: AQHbP1eQm2sT0m2bHkC3mYt7t0r2hA"
	for name, mails := range map[string][]letter{
		"a reply that overtakes what it answers":             {{id: "3", header: answers("2")}, {id: "2", header: answers("1")}, {id: "1"}},
		"a client that drops References":                     {{id: "3", header: answers("1", "0", "1")}, {id: "4", header: answers("1")}},
		"a client that names only SES's id of our answer":    {{id: "1"}, {id: "2", header: answers("ses", "1", "ses")}, {id: "3", header: answers("ses")}},
		"an answer to a message that never came":             {{id: "2", header: answers("1")}, {id: "3", header: answers("1")}, {id: "4", header: answers("2")}},
		"References that are cut in the middle":              {{id: "5", header: answers("4", "1", "2", "3", "4")}, {id: "6", header: answers("", "3")}, {id: "7", header: answers("2")}},
		"Outlook's index alone":                              {{id: "1", header: index + "==\n"}, {id: "4", subject: "RE: x", header: index + "AAAZ4g\n"}},
		"Outlook's index alone, the answer first":            {{id: "4", header: index + "AAAZ4g\n"}, {id: "1", header: index + "==\n"}},
		"an answer without Outlook's index, then one with":   {{id: "1", header: index + "==\n"}, {id: "2", header: answers("1")}, {id: "3", header: answers("2") + index + "AAAZ4g\n"}},
		"a long conversation whose oldest mail is named":     {{id: "200", header: answers("199", count(200)...)}, {id: "x", header: answers("0")}},
		"a long conversation whose newest mails are named":   {{id: "200", header: answers("199", count(200)...)}, {id: "x", header: answers("190")}},
		"another thread's tag, which a reply does not carry": {{id: "1", subject: "[thread-launch]"}, {id: "2", header: answers("1")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			for i, m := range mails {
				m.body = fmt.Sprint(i)
				s.handles(s.arrives(fmt.Sprint("ses-", i), m.raw()))
			}
			if threads := s.threads(); len(slices.Compact(threads)) != 1 || len(s.started()) != len(mails) {
				t.Errorf("started %q of the threads %q", s.started(), s.threads())
			}
		})
	}
}

func count(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

func TestTheStrongestEvidenceWinsAndStays(t *testing.T) {
	s := newScene(t)
	for i, m := range []letter{
		{id: "a"}, {id: "b"}, // two conversations
		{id: "both", header: answers("b", "a", "b")}, // In-Reply-To goes before References
		{id: "late", header: answers("", "a", "b")},  // the newest of References before the root
		{id: "a2", header: answers("a")},
		{id: "c", header: answers("unknown", "b")}, // what is known before what is not
		{id: "d", header: answers("unknown")},
	} {
		m.body = fmt.Sprint(i)
		s.handles(s.arrives(fmt.Sprint("ses-", i), m.raw()))
	}
	a, b := mail.ThreadID("a@example.com"), mail.ThreadID("b@example.com")
	if threads := s.threads(); !slices.Equal(threads, []string{a, b, b, b, a, b, b}) {
		t.Errorf("threads %q of %q and %q", threads, a, b)
	}
}

func TestOneCustomersMailSaysNothingOfAnothers(t *testing.T) {
	s := newScene(t)
	s.handles(
		s.arrives("ses-1", letter{id: "one", subject: "[thread-launch]", body: "Hello"}.raw()),
		s.arrives("ses-2", letter{id: "two", to: "atlas+dana@mail.example", header: answers("one"), body: "Hello"}.raw()),
		s.arrives("ses-3", letter{id: "one", to: "atlas+dana@mail.example", subject: "[thread-launch]", body: "Hello"}.raw()),
	)
	s.wantStarted("ses-1", "ses-2", "ses-3")
	if threads := s.threads(); threads[1] != mail.ThreadID("one@example.com") {
		t.Errorf("threads %q", threads)
	}
}

// Both name q, which nobody has named before.
func TestTwoMailsThatNameAnIDAtTheSameTimeMeet(t *testing.T) {
	for n := range 2 {
		s := newScene(t)
		other := s.arrives("ses-2", letter{id: "k4", header: answers("q"), body: "4"}.raw())
		s.Before("PutItem", n, func() { s.handles(other) })
		s.handles(s.arrives("ses-1", letter{id: "k3", header: answers("q", "p", "q"), body: "3"}.raw()))
		if threads := s.threads(); n == 0 && threads[0] != threads[1] || len(threads) != 2 {
			t.Errorf("write %d: threads %q", n, threads)
		}
	}
}

// A reply names the mail while that is on its way in.
func TestAMailThatIsNamedMeanwhileTakesTheReplysThread(t *testing.T) {
	s := newScene(t)
	reply := s.arrives("ses-2", letter{id: "two", header: answers("one", "zero", "one"), body: "2"}.raw())
	s.Before("PutItem", 0, func() { s.handles(reply) })
	s.handles(s.arrives("ses-1", letter{id: "one", body: "1"}.raw()))
	if threads := s.threads(); len(threads) != 2 || threads[0] != threads[1] {
		t.Errorf("threads %q", threads)
	}
}

func TestAMailIsLookedUpAndNotedInFewSteps(t *testing.T) {
	for what, test := range map[string]struct {
		header        string
		reads, writes int
	}{
		"a new mail":                 {"", 1, 1},
		"a first answer":             {answers("1", "1"), 2, 2},
		"an answer of a long thread": {answers("199", count(200)...), 17, 17},
	} {
		s := newScene(t)
		record := s.arrives("ses-1", letter{id: "one", header: test.header, body: "Hello"}.raw())
		s.handles(record)
		reads, writes := s.Calls("GetItem"), s.Calls("PutItem")
		if reads != test.reads || writes != test.writes {
			t.Errorf("%s: %d reads and %d writes, want %d and %d", what, reads, writes, test.reads, test.writes)
		}
	}
}

func TestEveryNoteOfAThreadIsForgottenInTime(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("ses-1", letter{id: "two", header: answers("one"), body: "Hello"}.raw()))
	out, err := s.DynamoDB().Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(s.Names.Threads())})
	if err != nil || len(out.Items) != 2 {
		t.Fatalf("%d entries, %v", len(out.Items), err)
	}
	for _, it := range out.Items {
		if it["expiresAt"] == nil || it["projectUserId"] == nil {
			t.Errorf("entry %v", it)
		}
	}
}

// sequences are mails that were once taken wrongly: each file is put under a name, in this order.
// Keys that are the same are of one conversation; duplicates are copies that are not worked on.
var sequences = []struct {
	name       string
	puts       [][2]string // object below emails/, file
	jobs       int         // that are started in all
	keys       []job.Key   // of the jobs, in order; empty says nothing
	oneThread  bool
	eachThread bool // each job has a thread of its own
}{
	{"two recipients", [][2]string{{"T", "two-recipients"}}, 2, []job.Key{"plants#two1", "roses#two2"}, false, false},
	{"a copy to each of two keys, and one again", [][2]string{{"B1", "b1"}, {"B2", "b2"}, {"B2again", "b2"}}, 2, []job.Key{"plants#b1", "roses#b2"}, false, false},
	{"one name in two folders", [][2]string{{"shop/C", "c1"}, {"club/C", "c2"}}, 2, []job.Key{"plants#c1", "roses#c2"}, false, false},
	{"a reply before what it answers", [][2]string{{"H3", "h3"}, {"H2", "h2"}}, 2, nil, true, false},
	{"without References", [][2]string{{"K3", "k3"}, {"K4", "k4"}}, 2, nil, true, false},
	{"Outlook's Thread-Index alone", [][2]string{{"F1", "f1"}, {"F4", "f4"}}, 2, nil, true, false},
	{"a constant Message-ID", [][2]string{{"M1", "m1"}, {"M2", "m2"}}, 2, nil, false, true},
	{"SES's id alone", [][2]string{{"S1", "s1"}, {"S2", "s2"}, {"S3", "s3"}}, 3, nil, true, false},
}

func TestMailThatWasOnceTakenWrongly(t *testing.T) {
	folder := "../../../shared/mail-fail"
	if corpus := os.Getenv("HEPHAESTUS_MAIL_CORPUS"); corpus != "" {
		folder = filepath.Join(filepath.Dir(corpus), "mail-fail")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the mails are not here (HEPHAESTUS_MAIL_CORPUS names a folder beside theirs): %v", err)
	}
	for _, q := range sequences {
		t.Run(q.name, func(t *testing.T) {
			s := newSceneOf(t, "example.com")
			for _, put := range q.puts {
				raw, err := os.ReadFile(filepath.Join(folder, "s3-"+put[1]+".eml"))
				if err != nil {
					t.Fatal(err)
				}
				s.handles(s.arrives(put[0], string(raw)))
			}
			var keys []job.Key
			for _, input := range s.inputs() {
				keys = append(keys, input.Message.ProjectUserID)
			}
			if len(keys) != q.jobs || q.keys != nil && !slices.Equal(keys, q.keys) {
				t.Errorf("jobs of %q", keys)
			}
			threads := s.threads()
			slices.Sort(threads)
			distinct := len(slices.Compact(threads))
			if q.oneThread && distinct != 1 || q.eachThread && distinct != q.jobs {
				t.Errorf("threads %q", s.threads())
			}
		})
	}
}

func TestARetryAfterAnyRefusalKeepsTheThread(t *testing.T) {
	for n := range 3 {
		s := newScene(t)
		s.handles(s.arrives("ses-0", letter{id: "zero", body: "0"}.raw()))
		reply := s.arrives("ses-1", letter{id: "two", header: answers("one", "zero", "one"), body: "1"}.raw())
		if n == 2 {
			s.Fail("TransactWriteItems", 0)
		} else {
			s.Fail("PutItem", n)
		}
		if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{reply}}); !errors.Is(err, simtest.ErrFailed) {
			t.Fatalf("write %d: %v", n, err)
		}
		s.handles(reply)
		if threads := s.threads(); threads[len(threads)-1] != threads[0] {
			t.Errorf("write %d: threads %q", n, threads)
		}
	}
}
