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

// Scene is a lab with the protocol over it and some messages admitted. Its methods tell the story
// before a test in a few words; a step that does not succeed fails the test.
type Scene struct {
	*Lab
	Protocol *claim.Store
}

// NewScene is a scene with the default settings.
func NewScene(t TB, admitted ...job.Message) Scene {
	t.Helper()
	return NewSceneWith(t, claim.DefaultSettings(), admitted...)
}

// NewSceneWith is a scene with other settings.
func NewSceneWith(t TB, settings claim.Settings, admitted ...job.Message) Scene {
	t.Helper()
	lab := New(t)
	lab.Admit(admitted...)
	return Scene{Lab: lab, Protocol: lab.Store(settings)}
}

// Claims makes, joins or takes over the claim of a message's key.
func (s Scene) Claims(m job.Message) claim.Claimed {
	s.t.Helper()
	claimed, err := s.Protocol.Claim(context.Background(), m)
	if err != nil || !claimed.OK() {
		s.t.Fatalf("claim of %s: %+v, %v", m.MessageID, claimed, err)
	}
	return claimed
}

// Runs claims for a message, and starts it as the worker w1.
func (s Scene) Runs(m job.Message) claim.Lease {
	s.t.Helper()
	start, err := s.Protocol.Start(context.Background(), Work(m, s.Claims(m).ContainerID), "w1")
	if err != nil || start.Verdict != claim.Started {
		s.t.Fatalf("start of %s: %v, %v", m.MessageID, start.Verdict, err)
	}
	return start.Lease
}

// Asks makes a message wait for its key under the token token-ID, which can be answered.
func (s Scene) Asks(m job.Message) {
	s.t.Helper()
	s.Flow.Issue("token-" + m.MessageID)
	if _, err := s.Protocol.Interrupt(context.Background(), m, "token-"+m.MessageID); err != nil {
		s.t.Fatalf("interrupt by %s: %v", m.MessageID, err)
	}
}

// Finishes ends a job as its worker does.
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

// LeaseEnds moves the clock on until a lease made now is over on every clock.
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

// WantAnswers fails the test if Step Functions was told anything else; see Flow.Answers.
func (s Scene) WantAnswers(want ...string) {
	s.t.Helper()
	if got := s.Flow.Answers(); !slices.Equal(got, want) {
		s.t.Errorf("answered %q, want %q", got, want)
	}
}

// WantRow fails the test if the claim is different; see Lab.Row.
func (s Scene) WantRow(want string) {
	s.t.Helper()
	if got := s.Row(); got != want {
		s.t.Errorf("the row is\n\t%s\nwant\n\t%s", got, want)
	}
}

// WantJob fails the test if something else became of the message; see Lab.Job.
func (s Scene) WantJob(messageID, want string) {
	s.t.Helper()
	if got := s.Job(messageID); got != want {
		s.t.Errorf("job %s is\n\t%s\nwant\n\t%s", messageID, got, want)
	}
}
