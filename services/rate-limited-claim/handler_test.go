package ratelimitedclaim_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	ratelimitedclaim "github.com/webordinary/hephaestus/services/rate-limited-claim"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var (
	first     = simtest.Message("m1", "A", 1)
	second    = simtest.Message("m2", "A", 2)
	preemptor = simtest.Message("m3", "B", 3)
)

type scene struct {
	simtest.Scene
	t       *testing.T
	handler *ratelimitedclaim.Handler
}

func newScene(t *testing.T, settings claim.Settings) scene {
	t.Helper()
	s := simtest.NewSceneWith(t, settings, first, second, preemptor)
	return scene{Scene: s, t: t, handler: ratelimitedclaim.New(s.Protocol, s.StepFunctions(), s.Log())}
}

// claims has a message claim and compares the answer; of a container's id it compares the last
// part.
func (s scene) claims(m job.Message, want ratelimitedclaim.Output) {
	s.t.Helper()
	got, err := s.handler.Handle(context.Background(), ratelimitedclaim.Input{Message: m})
	got.ContainerID = simtest.Short(got.ContainerID)
	if err != nil || got != want {
		s.t.Fatalf("%s: %+v, %v; want %+v", m.MessageID, got, err, want)
	}
}

func TestTheWaysToClaim(t *testing.T) {
	s := newScene(t, claim.DefaultSettings())
	s.claims(first, ratelimitedclaim.Output{Claimed: true, How: "new", ContainerID: "c1"})
	s.claims(first, ratelimitedclaim.Output{Claimed: true, How: "again", ContainerID: "c1"})
	s.claims(second, ratelimitedclaim.Output{Claimed: true, How: "join", ContainerID: "c1"})
	s.claims(preemptor, ratelimitedclaim.Output{How: "interrupt"})
	s.Asks(preemptor)
	s.claims(preemptor, ratelimitedclaim.Output{Claimed: true, How: "take-over", ContainerID: "c2"})
	s.WantAnswers() // it needs no waking itself
	s.Advance(time.Hour + 6*time.Second)
	s.claims(first, ratelimitedclaim.Output{Claimed: true, How: "new", ContainerID: "c3"})
}

func TestAClaimWakesThoseWhomItConcerns(t *testing.T) {
	s := newScene(t, claim.DefaultSettings())
	sibling, newest := simtest.Message("m4", "B", 4), simtest.Message("m5", "A", 5)
	s.Admit(sibling, newest)
	s.claims(first, ratelimitedclaim.Output{Claimed: true, How: "new", ContainerID: "c1"})
	s.Asks(preemptor)
	s.Asks(sibling)
	s.claims(newest, ratelimitedclaim.Output{Claimed: true, How: "join", ContainerID: "c1"})
	s.WantAnswers(`token-m3: {"superseded":true,"by":"claim of m5"}`, `token-m4: {"superseded":true,"by":"claim of m5"}`)
}

func TestALostWakeUpIsNoError(t *testing.T) {
	s := newScene(t, claim.DefaultSettings())
	sibling := simtest.Message("m4", "B", 4)
	s.Admit(sibling)
	s.claims(first, ratelimitedclaim.Output{Claimed: true, How: "new", ContainerID: "c1"})
	s.Asks(preemptor)
	s.Asks(sibling)
	s.Fail("SendTaskSuccess", 0)
	s.claims(sibling, ratelimitedclaim.Output{Claimed: true, How: "take-over", ContainerID: "c2"})
	s.WantAnswers()
}

func TestAClaimThatComesTooSoonSaysWhenToRetry(t *testing.T) {
	settings := claim.DefaultSettings()
	settings.MinClaimInterval = time.Minute
	s := newScene(t, settings)
	s.claims(first, ratelimitedclaim.Output{Claimed: true, How: "new", ContainerID: "c1"})
	s.Asks(preemptor)
	s.Advance(20500 * time.Millisecond)
	s.claims(preemptor, ratelimitedclaim.Output{How: "take-over", RetryAt: "2026-03-01T09:01:00Z"})
	s.Advance(40 * time.Second)
	s.claims(preemptor, ratelimitedclaim.Output{Claimed: true, How: "take-over", ContainerID: "c2"})
}

func TestOfManyThatRaceOneClaims(t *testing.T) {
	s := newScene(t, claim.DefaultSettings())
	var wg sync.WaitGroup
	var mu sync.Mutex
	claimed := 0
	for i := range 50 {
		m := simtest.Message(fmt.Sprintf("r%02d", i), fmt.Sprintf("T%d", i), i)
		s.Admit(m)
		wg.Go(func() {
			out, err := s.handler.Handle(context.Background(), ratelimitedclaim.Input{Message: m})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if out.Claimed {
				claimed++
			}
		})
	}
	wg.Wait()
	if claimed != 1 {
		t.Errorf("%d claimed", claimed)
	}
}

func TestAMessageThatIsNoneOrHasEndedIsRefused(t *testing.T) {
	s := newScene(t, claim.DefaultSettings())
	if _, err := s.handler.Handle(context.Background(), ratelimitedclaim.Input{}); err == nil {
		t.Error("a message without an id was accepted")
	}
	s.CleansUp(first, job.Failed)
	var ended *claim.EndedError
	if _, err := s.handler.Handle(context.Background(), ratelimitedclaim.Input{Message: first}); !errors.As(err, &ended) {
		t.Errorf("error %v", err)
	}
}
