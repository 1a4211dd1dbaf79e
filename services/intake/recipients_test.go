package intake_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

const twoKeys = "amelia+scott@mail.example, someone@elsewhere.example, Dana <dana@atlas.mail.example>, scott@amelia.mail.example"

// content is the content.json that the worker of a message would fetch.
func (s scene) content(m job.Message) string {
	return s.bucket.objects[m.Content.Bucket+"/"+m.Content.Key].content
}

func TestAMailToTwoKeysIsAJobOfEach(t *testing.T) {
	s := newScene(t)
	record := s.arrives("ses-1", letter{id: "one", to: twoKeys, header: withFile, body: fileBody}.raw())
	s.handles(record)
	s.handles(record)
	var keys []string
	for _, input := range s.inputs() {
		m := input.Message
		keys = append(keys, string(m.ProjectUserID))
		if want := job.MessageID("emails/ses-1", m.ProjectUserID, false); m.MessageID != want || s.Job(want) != "open" {
			t.Errorf("message %s (%s), want %s open", m.MessageID, s.Job(want), want)
		}
		source := input.Attachments[0].Source
		if !strings.Contains(s.content(m), "See the file.") || s.bucket.objects[source.Bucket+"/"+source.Key].content == "" || !strings.Contains(source.Key, m.MessageID) {
			t.Errorf("%s has not its own content and file: %+v", m.MessageID, source)
		}
	}
	if !slices.Equal(keys, []string{"amelia#scott", "atlas#dana"}) {
		t.Errorf("keys %q", keys)
	}
	if letters := s.Received(s.DeadLetterURL); len(letters) > 0 {
		t.Errorf("%d letters", len(letters))
	}
}

func TestTwoObjectsOfOneNameAreTwoMails(t *testing.T) {
	s := newScene(t)
	s.handles(
		s.arrives("a/ID", letter{id: "one", body: "Hello of a"}.raw()),
		s.arrives("b/ID", letter{id: "two", to: "atlas+dana@mail.example", body: "Hello of b"}.raw()),
		s.arrives("ID", letter{id: "three", body: "Hello of neither"}.raw()),
	)
	for i, want := range []string{"Hello of a", "Hello of b", "Hello of neither"} {
		if m := s.inputs()[i].Message; !strings.Contains(s.content(m), want) || (m.MessageID == "ID") != (i == 2) {
			t.Errorf("message %s reads %s, want %q", m.MessageID, s.content(m), want)
		}
	}
}

func TestTheRowComesBeforeTheContent(t *testing.T) {
	s := newScene(t)
	record := s.arrives("ses-1", letter{id: "one", body: "Hello"}.raw())
	s.Fail("TransactWriteItems", 0)
	if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{record}}); !errors.Is(err, simtest.ErrFailed) {
		t.Fatal(err)
	}
	if len(s.bucket.objects) != 1 {
		t.Errorf("stored %d objects for a mail without a row", len(s.bucket.objects)-1)
	}
}

// The row under the message's id is another mail's: nothing of that may change, and nobody may take
// this mail for done.
func TestAMailNeverTakesAnothersPlace(t *testing.T) {
	s := newScene(t)
	first := s.arrives("ses-1", letter{id: "one", body: "Hello"}.raw())
	s.handles(first)
	m := s.inputs()[0].Message
	second := first
	second.S3.Bucket.Name = "another-bucket"
	s.bucket.objects["another-bucket/emails/ses-1"] = object{content: letter{id: "two", body: "Secret"}.raw()}
	err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{second}})
	var collision *claim.CollisionError
	if !errors.As(err, &collision) || !strings.Contains(err.Error(), "another-bucket") || !strings.Contains(err.Error(), s.Names.Emails()) {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(s.content(m), "Hello") {
		t.Errorf("the first mail's content is %s", s.content(m))
	}
}

func TestAnErrorWithOneKeyKeepsNoOtherBack(t *testing.T) {
	for n := range 6 {
		s := newScene(t)
		record := s.arrives("ses-1", letter{id: "one", to: "a+b@mail.example, c+d@mail.example, e+f@mail.example", body: "Hello"}.raw())
		s.Fail([]string{"PutItem", "TransactWriteItems"}[n%2], n/2)
		if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{record}}); !errors.Is(err, simtest.ErrFailed) {
			t.Fatal(err)
		}
		if len(s.started()) != 2 {
			t.Errorf("write %d: started %d, want the two others", n, len(s.started()))
		}
		s.handles(record)
		started := s.started()
		slices.Sort(started)
		if len(slices.Compact(started)) != 3 {
			t.Errorf("write %d: started %q", n, started)
		}
	}
}

func TestAPersonIsToldOfARecipientOfOursThatIsNoKey(t *testing.T) {
	s := newScene(t)
	long := strings.Repeat("x", 64)
	record := s.arrives("ses-1", letter{id: "one", to: "amelia+scott@mail.example, info@mail.example, " + long + "@" + long + ".mail.example", body: "Hello"}.raw())
	s.handles(record)
	s.handles(record)
	s.wantStarted("ses-1")
	rest := job.MessageID("emails/ses-1", "", false)
	s.wantRejected(rest, `others of its recipients are worked for, not these: "info@mail.example": write to project+user@mail.example`, 1)
	if got := s.Job(rest); !strings.Contains(got, "takes a message group of 128") {
		t.Errorf("row %s", got)
	}
	if s.Calls("SendMessage") != 1 {
		t.Errorf("%d letters, want one", s.Calls("SendMessage"))
	}
}

func TestAMailToVeryManyKeysIsRejected(t *testing.T) {
	for n, started := range map[int]int{50: 50, 51: 0} {
		s := newScene(t)
		var to []string
		for i := range n {
			to = append(to, fmt.Sprintf("p%d+u@mail.example", i))
		}
		s.handles(s.arrives("ses-1", letter{id: "one", to: strings.Join(to, ", "), body: "Hello"}.raw()))
		if got := len(s.started()); got != started {
			t.Errorf("to %d keys: started %d", n, got)
		}
		if started == 0 {
			s.wantRejected("ses-1", "it addresses 51 keys: a mail may address 50", 1)
		}
	}
}

// By the routes as they were a message was for one key, by those of today its id would be
// another's.
func TestAMessageStaysItsKeys(t *testing.T) {
	s := newScene(t)
	record := s.arrives("ses-1", letter{id: "one", body: "Hello"}.raw())
	s.handles(record)
	name := s.Names.Emails() + "/emails/ses-1"
	s.bucket.objects[name] = object{content: letter{id: "one", to: "atlas+dana@mail.example", body: "Hello"}.raw()}
	err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{record}})
	var collision *claim.CollisionError
	if !errors.As(err, &collision) {
		t.Errorf("error %v", err)
	}
}
