package claim_test

import (
	"context"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var ctx = context.Background()

// scene takes each step, and fails the test if the decision or verdict is not the one it wants.
type scene struct {
	simtest.Scene
	*claim.Store
	t *testing.T
}

func newScene(t *testing.T, admitted ...job.Message) scene {
	t.Helper()
	return newSceneWith(t, claim.DefaultSettings(), admitted...)
}

func newSceneWith(t *testing.T, settings claim.Settings, admitted ...job.Message) scene {
	t.Helper()
	s := simtest.NewSceneWith(t, settings, admitted...)
	return scene{Scene: s, Store: s.Protocol, t: t}
}

// must unwraps the answer of a step that must succeed.
func must[A any](t *testing.T, answer A, err error) A {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (s scene) claims(m job.Message, want claim.Decision) claim.Claimed {
	s.t.Helper()
	claimed, err := s.Claim(ctx, m)
	must(s.t, claimed, err)
	if claimed.Decision != want {
		s.t.Fatalf("claim of %s: %v, want %v", m.MessageID, claimed.Decision, want)
	}
	return claimed
}

func (s scene) asks(m job.Message, want claim.Decision) claim.Asked {
	s.t.Helper()
	asked, err := s.Interrupt(ctx, m, "token-"+m.MessageID)
	must(s.t, asked, err)
	if asked.Decision != want {
		s.t.Fatalf("interrupt by %s: %v, want %v", m.MessageID, asked.Decision, want)
	}
	return asked
}

func (s scene) starts(m job.Message, containerID, worker string, want claim.Verdict) claim.Start {
	s.t.Helper()
	start, err := s.Start(ctx, simtest.Work(m, containerID), worker)
	must(s.t, start, err)
	if start.Verdict != want {
		s.t.Fatalf("start of %s: %v, want %v", m.MessageID, start.Verdict, want)
	}
	return start
}

// runs claims and starts a message whose key is free.
func (s scene) runs(m job.Message, worker string) claim.Lease {
	s.t.Helper()
	return s.starts(m, s.claims(m, claim.DecisionNew).ContainerID, worker, claim.Started).Lease
}

func (s scene) finishes(l claim.Lease, outcome job.Outcome) claim.Finished {
	s.t.Helper()
	finished, err := s.Finish(ctx, l, claim.End{Outcome: outcome})
	return must(s.t, finished, err)
}

func (s scene) cleansUp(m job.Message, outcome job.Outcome) claim.Finished {
	s.t.Helper()
	finished, err := s.CleanUp(ctx, s.cleanUp(m, outcome))
	return must(s.t, finished, err)
}

func (s scene) cleanUp(m job.Message, outcome job.Outcome) claim.CleanUp {
	return claim.CleanUp{Message: m, End: claim.End{Outcome: outcome}, Record: s.Records().Write}
}

func (s scene) wantWakes(got []claim.Wake, want string) {
	s.t.Helper()
	if got := simtest.Wakes(got); got != want {
		s.t.Errorf("woken: %q, want %q", got, want)
	}
}

// meanwhile makes something happen between the next step's look and its write.
func (s scene) meanwhile(happens func()) { s.Before("TransactWriteItems", 0, happens) }

// unchanged fails if what a step does changes the row.
func (s scene) unchanged(step func()) {
	s.t.Helper()
	before := s.Row()
	step()
	s.WantRow(before)
}

// The messages of most tests: A and B are threads, the number is the second in which it was
// received.
var (
	a1 = simtest.Message("a1", "A", 1)
	a2 = simtest.Message("a2", "A", 2)
	a4 = simtest.Message("a4", "A", 4)
	b2 = simtest.Message("b2", "B", 2)
	b3 = simtest.Message("b3", "B", 3)
	c5 = simtest.Message("c5", "C", 5)
	c0 = simtest.Message("c0", "C", 0)
)

const (
	claimTTL = time.Hour
	lease    = 90 * time.Second
	grace    = 90 * time.Second
	skew     = 5 * time.Second
)

func claimNames(t *testing.T) awsx.Names {
	names, err := awsx.NewNames("")
	return must(t, names, err)
}
