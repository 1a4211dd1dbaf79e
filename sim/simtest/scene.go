package simtest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// Scene is a lab with the protocol over it and some messages admitted, in which the story before a test is told in a
// few words. What a scene is told to do must succeed, or it fails the test.
type Scene struct {
	*Lab
	Protocol *claim.Store
}

// NewScene is one by the default settings.
func NewScene(t TB, admitted ...job.Message) Scene {
	t.Helper()
	return NewSceneWith(t, claim.DefaultSettings(), admitted...)
}

// NewSceneWith is one by other settings.
func NewSceneWith(t TB, settings claim.Settings, admitted ...job.Message) Scene {
	t.Helper()
	lab := New(t)
	lab.Admit(admitted...)
	return Scene{Lab: lab, Protocol: lab.Store(settings)}
}

// Claims lets a message make, join or take over its key's claim.
func (s Scene) Claims(m job.Message) claim.Claimed {
	s.t.Helper()
	claimed, err := s.Protocol.Claim(context.Background(), m)
	if err != nil || !claimed.OK() {
		s.t.Fatalf("claim of %s: %+v, %v", m.MessageID, claimed, err)
	}
	return claimed
}

// Runs lets a message claim, and the worker w1 start it.
func (s Scene) Runs(m job.Message) claim.Lease {
	s.t.Helper()
	start, err := s.Protocol.Start(context.Background(), Work(m, s.Claims(m).ContainerID), "w1")
	if err != nil || start.Verdict != claim.Started {
		s.t.Fatalf("start of %s: %v, %v", m.MessageID, start.Verdict, err)
	}
	return start.Lease
}

// Asks lets a message wait for its key under the token token-ID, which can be answered.
func (s Scene) Asks(m job.Message) {
	s.t.Helper()
	s.Flow.Issue("token-" + m.MessageID)
	if _, err := s.Protocol.Interrupt(context.Background(), m, "token-"+m.MessageID); err != nil {
		s.t.Fatalf("interrupt by %s: %v", m.MessageID, err)
	}
}

// Finishes lets the worker end its job.
func (s Scene) Finishes(l claim.Lease, end claim.End) {
	s.t.Helper()
	if _, err := s.Protocol.Finish(context.Background(), l, end); err != nil {
		s.t.Fatalf("finish of %s: %v", l.MessageID, err)
	}
}

// CleansUp ends a message's job from outside.
func (s Scene) CleansUp(m job.Message, outcome job.Outcome) {
	s.t.Helper()
	_, err := s.Protocol.CleanUp(context.Background(), claim.CleanUp{Message: m, End: claim.End{Outcome: outcome}, Record: s.Records().Write})
	if err != nil {
		s.t.Fatalf("clean-up of %s: %v", m.MessageID, err)
	}
}

// LeaseEnds lets time pass until a lease of now is over on every clock.
func (s Scene) LeaseEnds() {
	settings := s.Protocol.Settings()
	s.Advance(settings.Lease + settings.MaxClockSkew + time.Second)
}

// Letters takes all letters off the dead letter queue.
func (s Scene) Letters() []job.DeadLetter {
	s.t.Helper()
	var letters []job.DeadLetter
	for _, m := range s.Received(s.DeadLetterURL) {
		var letter job.DeadLetter
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &letter); err != nil {
			s.t.Fatalf("letter: %v", err)
		}
		letters = append(letters, letter)
	}
	return letters
}

// WantAnswers fails the test if Step Functions has been told anything else, see Flow.Answers.
func (s Scene) WantAnswers(want ...string) {
	s.t.Helper()
	if got := s.Flow.Answers(); !slices.Equal(got, want) {
		s.t.Errorf("answered %q, want %q", got, want)
	}
}

// WantRow fails the test if the claim is another, see Lab.Row.
func (s Scene) WantRow(want string) {
	s.t.Helper()
	if got := s.Row(); got != want {
		s.t.Errorf("the row is\n\t%s\nwant\n\t%s", got, want)
	}
}

// WantJob fails the test if something else became of the message, see Lab.Job.
func (s Scene) WantJob(messageID, want string) {
	s.t.Helper()
	if got := s.Job(messageID); got != want {
		s.t.Errorf("job %s is\n\t%s\nwant\n\t%s", messageID, got, want)
	}
}
