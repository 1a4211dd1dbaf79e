package intake_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
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

// The table knows a mail before its content and its row are there.
func TestACopyOfAMailThatWasNeverTakenIsTaken(t *testing.T) {
	s := newScene(t)
	first, second := s.copies()
	s.bucket.failPut = 1
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
		"the look for the first":        func(s scene) { s.Fail("GetItem", 2) },
		"its place":                     func(s scene) { s.Fail("PutItem", 1) },
		"its place, the answer is lost": func(s scene) { s.LoseAnswer("PutItem", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			first, second := s.copies()
			s.bucket.failPut = 1
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
	s.bucket.failPut = 1
	if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{first}}); !errors.Is(err, simtest.ErrFailed) {
		t.Fatal(err)
	}
	s.Before("PutItem", 1, func() { s.handles(third) }) // between the second's look and its write
	if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{second}}); err == nil {
		t.Error("the second took the third's place")
	}
	s.handles(second)
	s.wantStarted("ses-3")
	s.wantRejected("ses-2", "the same mail came before, as ses-3", 0)
}
