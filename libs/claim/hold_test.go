package claim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

// doubtful is why the message is held, or refused.
func doubtful(m job.Message) claim.Rejection {
	return claim.Rejection{MessageID: m.MessageID, Key: m.ProjectUserID, Raw: m.Raw, From: "a@shop.example", Reason: "who is it?", ReceivedAtMillis: m.ReceivedAtMillis}
}

func (s scene) holds(m job.Message) {
	s.t.Helper()
	if held := must2(s.t, s.Hold, doubtful(m)); !held.Fresh {
		s.t.Fatalf("%s is there: %+v", m.MessageID, held.Existing)
	}
}

func must2[In, Out any](t *testing.T, do func(ctx context.Context, in In) (Out, error), in In) Out {
	t.Helper()
	out, err := do(ctx, in)
	return must(t, out, err)
}

func TestAHeldMessageIsNotOpen(t *testing.T) {
	a, b := simtest.Message("m1", "A", 1), simtest.Message("m2", "B", 2)
	s := newScene(t, a)
	s.runs(a, "w1")
	s.holds(b)
	var ended *claim.EndedError
	if _, err := s.Interrupt(ctx, b, "token"); !errors.As(err, &ended) || !ended.Job.Held() {
		t.Errorf("it asks the holder: %v", err)
	}
	if _, err := s.Claim(ctx, simtest.Message("m2", "A", 2)); !errors.As(err, &ended) || !ended.Job.Held() {
		t.Errorf("it joins: %v", err)
	}
	finished, err := s.CleanUp(ctx, s.cleanUp(b, job.Failed))
	if err != nil || finished.Job.Outcome != "" {
		t.Errorf("it ends: %+v, %v", finished.Job, err)
	}
	j, err := s.ReadJob(ctx, "m2")
	if err != nil || !j.Held() || j.Outcome != "" || j.ExecutionARN != "" || j.Result != "who is it?" {
		t.Errorf("%+v, %v", j, err)
	}
}

func TestAMessageIsHeldOnceAndNotIfItWasTaken(t *testing.T) {
	a, b := simtest.Message("m1", "A", 1), simtest.Message("m2", "B", 2)
	s := newScene(t, a)
	if held := must2(t, s.Hold, doubtful(a)); held.Fresh || held.Existing.Held() {
		t.Errorf("a job is held: %+v", held)
	}
	s.holds(b)
	if again := must2(t, s.Hold, doubtful(b)); again.Fresh || !again.Existing.Held() {
		t.Errorf("held again: %+v", again)
	}
	if admitted, err := s.Admit(ctx, b, "arn", nil); err != nil || admitted.Fresh || !admitted.Existing.Held() {
		t.Errorf("an event that comes again admits it: %+v, %v", admitted, err)
	}
}

func TestAReleaseMakesAJobOnce(t *testing.T) {
	b := simtest.Message("m2", "B", 2)
	s := newScene(t)
	s.holds(b)
	later := b
	later.ReceivedAtMillis += 5000
	first, err := s.Release(ctx, later, simtest.StateMachineARN, nil)
	if err != nil || !first.Fresh {
		t.Fatalf("%+v, %v", first, err)
	}
	s.claims(later, claim.DecisionNew)
	for range 2 {
		again, err := s.Release(ctx, b, simtest.StateMachineARN, nil)
		if err != nil || again.Fresh || again.ExecutionARN != first.ExecutionARN || first.ExecutionARN == "" || again.Existing.ReceivedAtMillis != later.ReceivedAtMillis || again.Existing.ContainerID == "" {
			t.Errorf("released again: %+v, %v", again, err)
		}
	}
	if refused := must2(t, s.Refuse, doubtful(b)); refused.Fresh || refused.Existing.Outcome != "" {
		t.Errorf("refused after its release: %+v", refused)
	}
}

func TestARefusalEndsAHeldMessageOnce(t *testing.T) {
	b := simtest.Message("m2", "B", 2)
	s := newScene(t)
	s.holds(b)
	if refused := must2(t, s.Refuse, doubtful(b)); !refused.Fresh {
		t.Fatalf("%+v", refused)
	}
	if released, err := s.Release(ctx, b, "arn", nil); err != nil || released.Fresh || released.Existing.Outcome != job.Rejected || released.Existing.Held() {
		t.Errorf("%+v, %v", released, err)
	}
}

func TestWhatHasExpiredIsNotReleased(t *testing.T) {
	b := simtest.Message("m2", "B", 2)
	s := newScene(t)
	s.holds(b)
	s.Advance(claim.DefaultSettings().JobRetention + time.Hour)
	s.DeleteExpired()
	if released, err := s.Release(ctx, b, "arn", nil); !errors.Is(err, claim.ErrNoJob) {
		t.Errorf("%+v, %v", released, err)
	}
	if j, err := s.ReadJob(ctx, "m2"); j != nil || err != nil {
		t.Errorf("%+v, %v", j, err)
	}
}

func TestAReleasedMessageExpiresAsIfItHadJustCome(t *testing.T) {
	b := simtest.Message("m2", "B", 2)
	s := newScene(t)
	s.holds(b)
	s.Advance(claim.DefaultSettings().JobRetention - time.Hour)
	if _, err := s.Release(ctx, b, "arn", nil); err != nil {
		t.Fatal(err)
	}
	s.Advance(2 * time.Hour)
	s.DeleteExpired()
	if j, err := s.ReadJob(ctx, "m2"); j == nil || err != nil {
		t.Errorf("%+v, %v", j, err)
	}
}

func TestThatAPersonWasToldOfAHeldMessageSaysNothingOfItsJob(t *testing.T) {
	b := simtest.Message("m2", "B", 2)
	s := newScene(t)
	s.holds(b)
	told := func() bool {
		t.Helper()
		j, err := s.ReadJob(ctx, "m2")
		return must(t, j, err).DeadLettered()
	}
	if err := s.MarkHeldTold(ctx, "m2"); err != nil || !told() {
		t.Errorf("told %v, %v", told(), err)
	}
	if _, err := s.Release(ctx, b, "arn", nil); err != nil || told() {
		t.Errorf("told %v of the job, %v", told(), err)
	}
	if err := s.MarkHeldTold(ctx, "m2"); err != nil || told() {
		t.Errorf("told %v of the job, too late, %v", told(), err)
	}
}
