package claim_test

import (
	"errors"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// failed is a scene in which a1 has failed.
func failed(t *testing.T) scene {
	t.Helper()
	s := newScene(t, a1)
	if _, err := s.CleanUp(ctx, claim.CleanUp{Message: a1, End: claim.End{Outcome: job.Failed, Result: "no door"}, Record: s.Records().Write}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestThatAMessageIsDoneAgainIsNotedOnceAndAnyNumberOfTimes(t *testing.T) {
	s := failed(t)
	for range 2 {
		if err := s.NoteAgain(ctx, "a1", job.Failed, "x-again"); err != nil {
			t.Fatal(err)
		}
	}
	if j, err := s.ReadJob(ctx, "a1"); err != nil || j.Again != "x-again" || j.Outcome != job.Failed || j.Result != "no door" {
		t.Errorf("%+v, %v", j, err)
	}
	for _, other := range []struct {
		message, again string
		outcome        job.Outcome
	}{{"a1", "y-again", job.Failed}, {"a1", "x-again", job.TimedOut}, {"never", "x-again", job.Failed}} {
		if err := s.NoteAgain(ctx, other.message, other.outcome, other.again); !errors.Is(err, claim.ErrOtherwise) {
			t.Errorf("%+v: error %v", other, err)
		}
	}
}

func TestAMessageIsDismissedOnce(t *testing.T) {
	s := failed(t)
	first := s.Now()
	for _, by := range []string{"dana", "scott"} {
		j, err := s.Dismiss(ctx, "a1", by, by+" has called them")
		if err != nil || j.DismissedAtMillis != job.Millis(first) || j.DismissedBy != "dana" || j.DismissedBecause != "dana has called them" || j.Outcome != job.Failed {
			t.Errorf("%+v, %v", j, err)
		}
		s.Advance(time.Minute)
	}
}

func TestOnlyAMessageThatHasEndedIsDismissed(t *testing.T) {
	s := newScene(t, a1)
	for _, id := range []string{"a1", "never"} {
		if _, err := s.Dismiss(ctx, id, "dana", "why not"); !errors.Is(err, claim.ErrOtherwise) {
			t.Errorf("%s: error %v", id, err)
		}
	}
}
