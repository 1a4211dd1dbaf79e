package interrupt_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var nudge = interrupt.Nudge{ProjectUserID: simtest.Key, ContainerID: "container-1", NewThreadID: "b", NewMessageID: "m2"}

func TestANudgeReachesWhoListensToTheKey(t *testing.T) {
	for name, first := range map[string]string{"sent before anybody listens": "send", "to a queue that listening has made": "listen"} {
		t.Run(name, func(t *testing.T) {
			l := simtest.New(t)
			queues := l.Nudges()
			if first == "listen" {
				if got, err := queues.Receive(t.Context(), simtest.Key, 0); err != nil || len(got) != 0 {
					t.Fatalf("heard %v, %v", got, err)
				}
			}
			if err := queues.Send(t.Context(), nudge); err != nil {
				t.Fatal(err)
			}
			if got, err := queues.Receive(t.Context(), simtest.Key, 0); err != nil || !reflect.DeepEqual(got, []interrupt.Nudge{nudge}) {
				t.Errorf("heard %+v, %v", got, err)
			}
			if got := l.Received(queues.URL(simtest.Key)); len(got) != 0 {
				t.Errorf("%d nudges are left on the queue", len(got))
			}
		})
	}
}

func TestTheQueueIsMadeOnceOnFirstUse(t *testing.T) {
	l := simtest.New(t)
	made := l.Calls("CreateQueue")
	for range 3 {
		if err := l.Nudges().Send(t.Context(), nudge); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.Calls("CreateQueue") - made; n != 1 {
		t.Errorf("it was made %d times", n)
	}
}

func TestANudgeCanBeFilteredWithoutReadingIt(t *testing.T) {
	l := simtest.New(t)
	queues := l.Nudges()
	if err := queues.Send(t.Context(), nudge); err != nil {
		t.Fatal(err)
	}
	attributes := l.Received(queues.URL(simtest.Key))[0].MessageAttributes
	if *attributes["containerId"].StringValue != "container-1" || *attributes["projectUserId"].StringValue != "amelia#scott" {
		t.Errorf("attributes %v", attributes)
	}
}

func TestWhatIsNoNudgeIsTakenAndLeftOut(t *testing.T) {
	l := simtest.New(t)
	queues := l.Nudges()
	if err := queues.Send(t.Context(), nudge); err != nil {
		t.Fatal(err)
	}
	url := queues.URL(simtest.Key)
	if _, err := l.SQS().SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(url), MessageBody: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	var heard []interrupt.Nudge
	for range 2 {
		got, err := queues.Receive(t.Context(), simtest.Key, 0)
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, got...)
	}
	if !slices.Equal(heard, []interrupt.Nudge{nudge}) || len(l.Received(url)) != 0 {
		t.Errorf("heard %+v", heard)
	}
}

func TestAQueueThatDoesNotAnswerIsAnError(t *testing.T) {
	for _, operation := range []string{"SendMessage", "CreateQueue"} {
		l := simtest.New(t)
		l.Fail(operation, 0)
		if err := l.Nudges().Send(t.Context(), nudge); !errors.Is(err, simtest.ErrFailed) {
			t.Errorf("%s: error %v", operation, err)
		}
	}
	for _, operation := range []string{"ReceiveMessage", "CreateQueue"} {
		l := simtest.New(t)
		l.Fail(operation, 0)
		if _, err := l.Nudges().Receive(t.Context(), simtest.Key, 0); !errors.Is(err, simtest.ErrFailed) {
			t.Errorf("%s: error %v", operation, err)
		}
	}
}

func TestAWorkQueueWhoseURLNamesNoQueueIsRefused(t *testing.T) {
	names, err := awsx.NewNames("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := interrupt.NewQueues(nil, names, "work"); err == nil || !strings.Contains(err.Error(), `"work"`) {
		t.Errorf("error %v", err)
	}
}

var wakes = []claim.Wake{{MessageID: "m2", Token: "t2"}, {MessageID: "m3", Token: "t3", Superseded: true}}

func TestEveryoneWhoWaitsIsWoken(t *testing.T) {
	l := simtest.New(t)
	l.Flow.Issue("t2", "t3")
	if err := interrupt.Wake(t.Context(), l.StepFunctions(), "w1", wakes); err != nil {
		t.Fatal(err)
	}
	want := []string{`t2: {"superseded":false,"by":"w1"}`, `t3: {"superseded":true,"by":"w1"}`}
	if got := l.Flow.Answers(); !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
}

func TestOneThatWaitsNoLongerNeedsNoTelling(t *testing.T) {
	l := simtest.New(t)
	l.Flow.Issue("t3")
	if err := interrupt.Wake(t.Context(), l.StepFunctions(), "w1", wakes); err != nil || len(l.Flow.Answers()) != 1 {
		t.Errorf("answers %q, error %v", l.Flow.Answers(), err)
	}
}

func TestOneThatCannotBeToldKeepsNobodyElseWaiting(t *testing.T) {
	l := simtest.New(t)
	l.Flow.Issue("t2", "t3")
	l.Fail("SendTaskSuccess", 0)
	err := interrupt.Wake(t.Context(), l.StepFunctions(), "w1", wakes)
	if !errors.Is(err, simtest.ErrFailed) || !strings.Contains(err.Error(), "wake m2") {
		t.Errorf("error %v, want one that names m2", err)
	}
	if got := l.Flow.Answers(); len(got) != 1 || !strings.HasPrefix(got[0], "t3") {
		t.Errorf("answers %q, want that of t3", got)
	}
}

func TestTokensThatStepFunctionsNoLongerKnows(t *testing.T) {
	for _, test := range []struct {
		err  error
		gone bool
	}{
		{&sfntypes.TaskTimedOut{}, true},
		{&sfntypes.TaskDoesNotExist{}, true},
		{&sfntypes.InvalidToken{}, true},
		{fmt.Errorf("wrapped: %w", &sfntypes.TaskTimedOut{}), true},
		{&sfntypes.InvalidOutput{}, false},
		{context.DeadlineExceeded, false},
		{nil, false},
	} {
		if got := interrupt.TokenGone(test.err); got != test.gone {
			t.Errorf("%v: gone %v", test.err, got)
		}
	}
}
