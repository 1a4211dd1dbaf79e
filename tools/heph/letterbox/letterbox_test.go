package letterbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/simtest"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/heph/letterbox"
)

// lab is a stack's queues, with letters of the messages m0, m1, …, and one that is none of ours.
func lab(t *testing.T, letters int) *simtest.Lab {
	t.Helper()
	l := simtest.New(t)
	for n := range letters {
		send(t, l, fmt.Sprintf(`{"kind":"failed","messageId":"m%d"}`, n))
	}
	send(t, l, "not ours")
	return l
}

func send(t *testing.T, l *simtest.Lab, body string) {
	t.Helper()
	if _, err := l.SQS().SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &l.DeadLetterURL, MessageBody: aws.String(body)}); err != nil {
		t.Fatal(err)
	}
}

// of matches the letters of a message.
func of(messageID string) func(ledger.Letter) bool {
	return func(l ledger.Letter) bool { return l.MessageID == messageID }
}

func TestTheLettersOfAMessageAreTakenAndTheOthersAreShownAgain(t *testing.T) {
	l := lab(t, 25)
	send(t, l, `{"kind":"failed","messageId":"m7"}`) // a person may be told twice
	taken, err := letterbox.Take(t.Context(), l.SQS(), l.Names.DeadLetters(), of("m7"))
	if err != nil || taken != (letterbox.Taken{Deleted: 2, Others: 25}) {
		t.Errorf("taken %+v, %v", taken, err)
	}
	if left := l.Received(l.DeadLetterURL); len(left) != 25 {
		t.Errorf("a reader sees %d letters at once, want 25", len(left))
	}
	again, err := letterbox.Take(t.Context(), l.SQS(), l.Names.DeadLetters(), of("m7"))
	if err != nil || again.Deleted != 0 {
		t.Errorf("taken again %+v, %v", again, err)
	}
}

func TestALetterThatIsNoneOfOursGoesByItsIDOnTheQueue(t *testing.T) {
	l := lab(t, 0)
	taken, err := letterbox.Take(t.Context(), l.SQS(), l.Names.DeadLetters(), func(letter ledger.Letter) bool { return letter.QueueMessageID != "" && letter.MessageID == "" })
	if err != nil || taken.Deleted != 1 || len(l.Received(l.DeadLetterURL)) != 0 {
		t.Errorf("taken %+v, %v", taken, err)
	}
}

func TestAfterAnErrorTheLettersAreShownAgain(t *testing.T) {
	l := lab(t, 3)
	l.FailWith("DeleteMessage", 0, errors.New("access denied"))
	_, err := letterbox.Take(t.Context(), l.SQS(), l.Names.DeadLetters(), of("m2"))
	if err == nil || !strings.Contains(err.Error(), "access denied") {
		t.Errorf("error %v", err)
	}
	if left := l.Received(l.DeadLetterURL); len(left) != 4 {
		t.Errorf("a reader sees %d letters, want all 4", len(left))
	}
}

func TestAQueueThatNeverEndsIsLeft(t *testing.T) {
	l := lab(t, 0)
	grows := client.NewSQS(func(ctx context.Context, service, operation string, input any) (any, error) {
		if _, reads := input.(*sqs.ReceiveMessageInput); reads {
			for range 10 {
				send(t, l, `{"kind":"failed","messageId":"m0"}`)
			}
		}
		return l.Call(ctx, service, operation, input)
	})
	taken, err := letterbox.Take(t.Context(), grows, l.Names.DeadLetters(), of("m1"))
	if err != nil || taken.Others != 2000 {
		t.Errorf("taken %+v, %v", taken, err)
	}
}
