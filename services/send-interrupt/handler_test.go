package sendinterrupt_test

import (
	"context"
	"encoding/json"
	"errors"
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
	simtest.Scene
	t       *testing.T
	handler *sendinterrupt.Handler
}

func newScene(t *testing.T) scene { return newSceneWith(t, claim.DefaultSettings()) }

func newSceneWith(t *testing.T, settings claim.Settings) scene {
	t.Helper()
	s := simtest.NewSceneWith(t, settings, holder, preemptor, newest)
	return scene{Scene: s, t: t, handler: sendinterrupt.New(s.Protocol, s.Nudges(), s.StepFunctions(), s.Log())}
}

// asks gives the handler a message, under a token that can be answered, and compares its answer.
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

const nudgeQueue = "https://sqs.us-east-1.amazonaws.com/000000000000/webordinary-interrupts-amelia-scott"

func TestWhoAsksWaitsAndTheHolderIsNudged(t *testing.T) {
	s := newScene(t)
	lease := s.Runs(holder)
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.WantAnswers()

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
	s.Runs(holder)
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
	s.Claims(holder)
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", ContainerID: "c1"})
	s.WantAnswers(`token-m2: {"superseded":false,"by":"m2"}`)
	if s.Calls("SendMessage") != 0 {
		t.Error("nobody is there to be nudged")
	}
}

func TestAHolderThatIsGoneNeedsNoWaiting(t *testing.T) {
	s := newScene(t)
	lease := s.Runs(holder)
	s.Finishes(lease, claim.End{Outcome: job.Completed})
	s.asks(preemptor, sendinterrupt.Output{Decision: "new"})
	s.WantAnswers(`token-m2: {"superseded":false,"by":"m2"}`)
}

func TestWhoIsSupersededMeanwhileIsToldSo(t *testing.T) {
	s := newScene(t)
	s.Runs(holder)
	s.asks(newest, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.asks(preemptor, sendinterrupt.Output{Decision: "superseded"})
	s.WantAnswers(`token-m2: {"superseded":true,"by":"m2"}`)
}

func TestWhoHasToWaitForItsTurnGoesOnToClaimWhichSaysWhen(t *testing.T) {
	settings := claim.DefaultSettings()
	settings.InterruptBudget = 1
	s := newSceneWith(t, settings)
	lease := s.Runs(holder)
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.Finishes(lease, claim.End{Outcome: job.Interrupted})
	s.Runs(preemptor)
	nudges := s.Calls("SendMessage")
	s.asks(newest, sendinterrupt.Output{Decision: "later"})
	s.WantAnswers(`token-m3: {"superseded":false,"by":"m3"}`)
	if s.Calls("SendMessage") != nudges {
		t.Error("the holder was nudged")
	}
}

func TestWhoIsReplacedIsWoken(t *testing.T) {
	s := newScene(t)
	s.Runs(holder)
	s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.asks(newest, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	s.WantAnswers(`token-m2: {"superseded":true,"by":"interrupt by m3"}`)
}

func TestALostNudgeIsNoError(t *testing.T) {
	for _, operation := range []string{"SendMessage", "CreateQueue"} {
		s := newScene(t)
		s.Runs(holder)
		s.Fail(operation, 0)
		s.asks(preemptor, sendinterrupt.Output{Decision: "interrupt", Waits: true, ContainerID: "c1"})
	}
}

func TestAnOwnTokenThatCannotBeAnsweredIsAnError(t *testing.T) {
	s := newScene(t)
	s.Claims(holder)
	s.Fail("SendTaskSuccess", 0)
	_, err := s.handler.Handle(ctx, sendinterrupt.Input{Message: preemptor, TaskToken: "token-m2"})
	if !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v: the state would sleep for nothing", err)
	}
	// It is no error if no execution waits for the token any more.
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
