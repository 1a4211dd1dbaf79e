package intake_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/simtest"
)

func TestTheSameMailUnderAnotherKeyIsADuplicate(t *testing.T) {
	s := newScene(t)
	raw := letter{id: "one", subject: "Hi", body: "Hello"}.raw()
	s.handles(s.arrives("ses-1", raw), s.arrives("ses-2", "Received: from another.example\r\n"+raw))
	s.wantStarted("ses-1")
	s.wantRejected("ses-2", "the same mail came before, as ses-1", 0)
}

func TestAnotherMailUnderTheSameRFCIdIsNoDuplicate(t *testing.T) {
	s := newScene(t)
	s.handles(
		s.arrives("ses-1", letter{id: "one", body: "Hello"}.raw()),
		s.arrives("ses-2", letter{id: "one", body: "Something else"}.raw()),
		s.arrives("ses-3", letter{id: "one", body: "Hello", to: "other+scott@mail.example"}.raw()),
	)
	s.wantStarted("ses-1", "ses-2", "ses-3")
}

// copies are the records of one mail that was sent twice.
func (s scene) copies() (first, second events.S3EventRecord) {
	raw := letter{id: "one", subject: "Hi", body: "Hello"}.raw()
	return s.arrives("ses-1", raw), s.arrives("ses-2", "Received: from another.example\r\n"+raw)
}

// ends ends a job, as a worker does or from outside.
func (s scene) ends(m job.Message, outcome job.Outcome) {
	s.t.Helper()
	switch outcome {
	case "":
	case job.Completed:
		s.Finishes(s.Runs(m), claim.End{Outcome: outcome})
	default:
		s.CleansUp(m, outcome)
	}
}

// The table knows a mail before its row is there.
func TestACopyOfAMailThatWasNeverTakenIsTaken(t *testing.T) {
	s := newScene(t)
	first, second := s.copies()
	s.Fail("TransactWriteItems", 0)
	if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{first}}); !errors.Is(err, simtest.ErrFailed) {
		t.Fatal(err)
	}
	s.handles(second, second)
	s.wantStarted("ses-2")

	s.handles(first) // a late try of it
	s.wantStarted("ses-2")
	s.wantRejected("ses-1", "the same mail came before, as ses-2", 0)
	third := s.arrives("ses-3", letter{id: "one", subject: "Hi", body: "Hello"}.raw())
	s.handles(third)
	s.wantStarted("ses-2")
	s.wantRejected("ses-3", "the same mail came before, as ses-2", 0)
}

func TestAMailIsDoneAgainWhereItsJobCameToNothing(t *testing.T) {
	for outcome, again := range map[job.Outcome]bool{
		"": false, job.Completed: false, job.Interrupted: false, job.Superseded: false, job.Failed: true, job.TimedOut: true,
	} {
		s := newScene(t)
		first, second := s.copies()
		s.handles(first)
		m := s.inputs()[0].Message
		s.ends(m, outcome)
		s.handles(second)
		started := s.inputs()
		if (len(started) == 2) != again {
			t.Errorf("%q: started %d", outcome, len(started))
		}
		if again && (started[1].Message.MessageID != "ses-2" || started[1].Message.ThreadID != m.ThreadID) {
			t.Errorf("%q: started %+v", outcome, started[1].Message)
		}
		if !again {
			s.wantRejected("ses-2", "the same mail came before, as ses-1", 0)
		}
	}
}

func TestACopyThatAWSStopsIsTakenByTheRetry(t *testing.T) {
	for name, fault := range map[string]func(s scene){
		"the look for the first":        func(s scene) { s.Fail("GetItem", 1) },
		"its place":                     func(s scene) { s.Fail("TransactWriteItems", 0) },
		"its place, the answer is lost": func(s scene) { s.LoseAnswer("TransactWriteItems", 0) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			first, second := s.copies()
			s.Fail("TransactWriteItems", 0)
			if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{first}}); !errors.Is(err, simtest.ErrFailed) {
				t.Fatal(err)
			}
			fault(s)
			err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{second}})
			if !errors.Is(err, simtest.ErrFailed) && !errors.Is(err, simtest.ErrAnswerLost) {
				t.Errorf("error %v", err)
			}
			s.handles(second)
			s.wantStarted("ses-2")
		})
	}
}

func TestOfTwoCopiesAtOnceOneIsTaken(t *testing.T) {
	s := newScene(t)
	first, second := s.copies()
	third := s.arrives("ses-3", letter{id: "one", subject: "Hi", body: "Hello"}.raw())
	s.Fail("TransactWriteItems", 0)
	if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{first}}); !errors.Is(err, simtest.ErrFailed) {
		t.Fatal(err)
	}
	s.Before("TransactWriteItems", 0, func() { s.handles(third) }) // between the second's look and its write
	s.handles(second)
	s.wantStarted("ses-3")
	s.wantRejected("ses-2", "the same mail came before, as ses-3", 0)
}

// The first copy stands still between its look at the table and its row: the second, which finds no
// row of it, takes its place. The first may not have a row then.
func TestACopyThatLostItsPlaceIsNotAdmitted(t *testing.T) {
	s := newScene(t)
	first, second := s.copies()
	s.Before("TransactWriteItems", 0, func() { s.handles(second) })
	s.handles(first)
	s.wantStarted("ses-2")
	s.wantRejected("ses-1", "the same mail came before, as ses-2", 0)
}

// The first copy's row comes between the second's look for it and its write.
func TestACopyTakesNoPlaceOfOneThatIsAdmittedMeanwhile(t *testing.T) {
	s := newScene(t)
	first, second := s.copies()
	s.Fail("TransactWriteItems", 0)
	if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{first}}); !errors.Is(err, simtest.ErrFailed) {
		t.Fatal(err)
	}
	s.Before("TransactWriteItems", 0, func() { s.handles(first) })
	s.handles(second)
	s.wantStarted("ses-1")
	s.wantRejected("ses-2", "the same mail came before, as ses-1", 0)
}

// A reader sees who wrote, when, about what, and the body.
func TestAMailThatReadsOtherwiseIsNoCopy(t *testing.T) {
	s := newScene(t)
	raw := letter{id: "one", subject: "DOWN: host a", body: "See the subject."}.raw()
	for i, other := range []string{
		raw, strings.Replace(raw, "host a", "host b", 1), strings.Replace(raw, "Scott <scott@", "Jean <jean@", 1),
		strings.Replace(raw, "1 Mar", "2 Mar", 1), strings.Replace(raw, "the subject.", "the body.", 1),
	} {
		s.handles(s.arrives(fmt.Sprintf("ses-%d", i), other), s.arrives(fmt.Sprintf("copy-%d", i), "X-Relay: 1\r\n"+other))
	}
	s.wantStarted("ses-0", "ses-1", "ses-2", "ses-3", "ses-4")
}

// Monitors use one Message-ID for all that they say; lists and relays change a mail and keep its
// id.
func TestAReusedMessageIDJoinsOnlyUnderItsSubject(t *testing.T) {
	s := newScene(t)
	for i, m := range []letter{
		{subject: "DOWN: host a"}, {subject: "DOWN: host b"}, {subject: "DOWN: host c", header: "In-Reply-To: <before@example.com>\n"}, {subject: "[list] Re: DOWN: host a", body: "with a footer"},
		{subject: "DOWN: host b"},
	} {
		m.id = "const"
		s.handles(s.arrives(fmt.Sprintf("ses-%d", i), m.raw()))
	}
	s.wantStarted("ses-0", "ses-1", "ses-2", "ses-3")
	s.wantRejected("ses-4", "the same mail came before, as ses-1", 0)
	threads := s.threads()
	if threads[3] != threads[0] || threads[2] != mail.ThreadID("before@example.com") || threads[1] == threads[0] || threads[1] == threads[2] {
		t.Errorf("threads %q", threads)
	}
}

func TestOfTwoCopiesToEachOfTwoKeysOnePairIsWorkedOn(t *testing.T) {
	s := newScene(t)
	raw := letter{id: "one", to: "amelia+scott@mail.example, atlas+dana@mail.example", body: "Hello"}.raw()
	s.handles(s.arrives("a", raw), s.arrives("b", raw), s.arrives("c", raw))
	if started := s.inputs(); len(started) != 2 || started[0].Message.ProjectUserID != "amelia#scott" || started[1].Message.ProjectUserID != "atlas#dana" {
		t.Errorf("started %+v", started)
	}
	for _, object := range []string{"emails/b", "emails/c"} {
		for _, key := range []job.Key{"amelia#scott", "atlas#dana"} {
			s.wantRejected(job.MessageID(object, key, false), "the same mail came before, as "+job.MessageID("emails/a", key, false), 0)
		}
	}
}
