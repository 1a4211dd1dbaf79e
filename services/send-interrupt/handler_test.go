package sendinterrupt_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	sendinterrupt "github.com/webordinary/hephaestus/services/send-interrupt"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var (
	ctx       = context.Background()
	holder    = simtest.Message("m1", "A", 1)
	preemptor = simtest.Message("m2", "B", 2)
	newest    = simtest.Message("m3", "C", 3)
)

type scene struct {
	*simtest.Lab
	t       *testing.T
	store   *claim.Store
	handler *sendinterrupt.Handler
}

func newScene(t *testing.T) scene {
	t.Helper()
	lab := simtest.New(t)
	lab.Admit(holder, preemptor, newest)
	store := lab.Store(claim.DefaultSettings())
	return scene{Lab: lab, t: t, store: store, handler: sendinterrupt.New(store, lab.Nudges(), lab.StepFunctions(), lab.Log())}
}

// holds lets the holder claim, and a worker start it.
func (s scene) holds(started bool) claim.Lease {
	s.t.Helper()
	claimed, err := s.store.Claim(ctx, holder)
	if err != nil {
		s.t.Fatal(err)
	}
	if !started {
		return claim.Lease{}
	}
	start, err := s.store.Start(ctx, simtest.Work(holder, claimed.ContainerID), "w1")
	if err != nil || start.Verdict != claim.Started {
		s.t.Fatal(start.Verdict, err)
	}
	return start.Lease
}

func (s scene) asks(m job.Message, want sendinterrupt.Output) {
	s.t.Helper()
	token := "token-" + m.MessageID
	s.Flow.Issue(token)
	got, err := s.handler.Handle(ctx, sendinterrupt.Input{Message: m, TaskToken: token})
	got.ContainerID = simtest.Short(got.ContainerID)
	if err != nil || got != want {
		s.t.Fatalf("%s: %+v, %v; want %+v", m.MessageID, got, err, want)
	}
}

func (s scene) wantAnswers(want ...string) {
	s.t.Helper()
	if got := s.Flow.Answers(); !slices.Equal(got, want) {
		s.t.Errorf("answered %q, want %q", got, want)
	}
}

const nudgeQueue = "https://sqs.us-east-1.amazonaws.com/000000000000/webordinary-interrupts-amelia-scott"

func TestWhoAsksWaitsAndTheHolderIsNudged(t *testing.T) {
	s := newScene(t)
	lease := s.holds(true)
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.wantAnswers()

	messages := s.Received(nudgeQueue) // made on first use
	if len(messages) != 1 {
		t.Fatalf("%d nudges", len(messages))
	}
	var nudge interrupt.Nudge
	if err := json.Unmarshal([]byte(aws.ToString(messages[0].Body)), &nudge); err != nil {
		t.Fatal(err)
	}
	want := interrupt.Nudge{ProjectUserID: simtest.Key, ContainerID: lease.ContainerID, NewThreadID: "B", NewMessageID: "m2"}
	if nudge != want {
		t.Errorf("nudge %+v, want %+v", nudge, want)
	}
	for name, value := range map[string]string{"containerId": lease.ContainerID, "projectUserId": "amelia#scott"} {
		if got := messages[0].MessageAttributes[name]; aws.ToString(got.StringValue) != value || aws.ToString(got.DataType) != "String" {
			t.Errorf("attribute %s: %v", name, got)
		}
	}
	attributes, err := s.SQS().GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(nudgeQueue), AttributeNames: []types.QueueAttributeName{"MessageRetentionPeriod"},
	})
	if err != nil || attributes.Attributes["MessageRetentionPeriod"] != "3600" {
		t.Errorf("%v, %v", attributes, err)
	}
}

func TestAskingAgainDoesNoHarm(t *testing.T) {
	s := newScene(t)
	s.holds(true)
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	before := s.Row()
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	if after := s.Row(); after != before {
		t.Errorf("the row was\n\t%s\nand is\n\t%s", before, after)
	}
	if s.Calls("CreateQueue") != 1 {
		t.Errorf("the queue was made %d times", s.Calls("CreateQueue"))
	}
}

func TestAHolderWithoutAWorkerNeedsNoWaiting(t *testing.T) {
	s := newScene(t)
	s.holds(false)
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", ContainerID: "c1"})
	s.wantAnswers(`token-m2: {"superseded":false,"by":"m2"}`)
	if s.Calls("SendMessage") != 0 {
		t.Error("nobody is there to be nudged")
	}
}

func TestAHolderThatIsGoneNeedsNoWaiting(t *testing.T) {
	s := newScene(t)
	lease := s.holds(true)
	if _, err := s.store.Finish(ctx, lease, claim.End{Outcome: job.Completed}); err != nil {
		t.Fatal(err)
	}
	s.asks(preemptor, sendinterrupt.Output{Decision: "new"})
	s.wantAnswers(`token-m2: {"superseded":false,"by":"m2"}`)
}

func TestWhoIsSupersededMeanwhileIsToldSo(t *testing.T) {
	s := newScene(t)
	s.holds(true)
	s.asks(newest, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.asks(preemptor, sendinterrupt.Output{Decision: "superseded"})
	s.wantAnswers(`token-m2: {"superseded":true,"by":"m2"}`)
}

func TestWhoIsReplacedIsWoken(t *testing.T) {
	s := newScene(t)
	s.holds(true)
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.asks(newest, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.wantAnswers(`token-m2: {"superseded":true,"by":"interrupt by m3"}`)
}

func TestALostNudgeIsNoError(t *testing.T) {
	for _, operation := range []string{"SendMessage", "CreateQueue"} {
		s := newScene(t)
		s.holds(true)
		s.Fail(operation, 0)
		s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	}
}

func TestAnOwnTokenThatCannotBeAnsweredIsAnError(t *testing.T) {
	s := newScene(t)
	s.holds(false)
	s.Fail("SendTaskSuccess", 0)
	_, err := s.handler.Handle(ctx, sendinterrupt.Input{Message: preemptor, TaskToken: "token-m2"})
	if !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v: the state would sleep for nothing", err)
	}
	// One that nobody waits for any more is none.
	if _, err := s.handler.Handle(ctx, sendinterrupt.Input{Message: preemptor, TaskToken: "gone"}); err != nil {
		t.Errorf("error %v", err)
	}
}

func TestInputsThatAreNoneAreRefused(t *testing.T) {
	s := newScene(t)
	for name, in := range map[string]sendinterrupt.Input{"no message": {TaskToken: "t"}, "no token": {Message: preemptor}} {
		if _, err := s.handler.Handle(ctx, in); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
