package sqscore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// behaviours are documented by AWS (SQS Developer Guide and API Reference, the page in brackets) or
// shown by recorded answers of AWS.
var behaviours = []struct {
	name string
	run  func(b *bench)
}{
	{"FIFO: a received head locks its group until it is deleted [FIFO-queues-understanding-logic]", func(b *bench) {
		b.create("q.fifo")
		b.send("q.fifo", "1", "a")
		b.send("q.fifo", "2", "a")
		first := b.wantBodies("q.fifo", 1, "1")
		b.send("q.fifo", "3", "a")
		b.wantWoken()
		b.wantBodies("q.fifo", 10)
		b.wantOK(b.delete("q.fifo", first[0].ReceiptHandle))
		b.wantWoken("q.fifo")
		b.wantBodies("q.fifo", 10, "2", "3")
	}},
	{"FIFO: a receive takes all it can from one group, then from the next [FIFO-queues-understanding-logic]", func(b *bench) {
		b.create("q.fifo")
		for _, s := range []string{"a1", "b1", "a2", "c1", "b2"} {
			b.send("q.fifo", s, s[:1])
		}
		b.wantBodies("q.fifo", 4, "a1", "a2", "b1", "b2")
		b.wantBodies("q.fifo", 4, "c1")
	}},
	{"FIFO: the visible run ends at the first hidden message", func(b *bench) {
		b.create("q.fifo")
		for _, s := range []string{"1", "2", "3", "4"} {
			b.send("q.fifo", s, "a")
		}
		got := b.wantBodies("q.fifo", 3, "1", "2", "3")
		b.wantOK(b.change("q.fifo", got[1].ReceiptHandle, 0))
		b.wantBodies("q.fifo", 10)
		b.wantOK(b.change("q.fifo", got[0].ReceiptHandle, 0))
		b.wantBodies("q.fifo", 10, "1", "2") // 3 is still held, and 4 waits behind it
	}},
	{"FIFO: after the timeout the run comes back in order [sqs-visibility-timeout]", func(b *bench) {
		b.create("q.fifo")
		b.send("q.fifo", "1", "a")
		b.send("q.fifo", "2", "a")
		b.wantBodies("q.fifo", 10, "1", "2")
		b.pass(30 * time.Second)
		b.wantBodies("q.fifo", 10, "1", "2")
	}},
	{"FIFO: a delete after the timeout fails and the message stays", func(b *bench) {
		b.create("q.fifo")
		b.send("q.fifo", "1", "a")
		old := b.wantBodies("q.fifo", 1, "1")[0].ReceiptHandle
		b.pass(30 * time.Second)
		b.wantError(b.delete("q.fifo", old), "InvalidParameterValue", "The receipt handle has expired.")
		b.wantBodies("q.fifo", 1, "1")
		b.wantError(b.delete("q.fifo", old), "InvalidParameterValue", "The receipt handle has expired.")
	}},
	{"FIFO: after an extension the handle is good until the new deadline", func(b *bench) {
		b.create("q.fifo")
		b.send("q.fifo", "1", "a")
		h := b.wantBodies("q.fifo", 1, "1")[0].ReceiptHandle
		b.pass(29 * time.Second)
		b.wantOK(b.change("q.fifo", h, 60))
		b.pass(59 * time.Second)
		b.wantOK(b.delete("q.fifo", h))
		b.wantBodies("q.fifo", 1)
	}},
	{"FIFO: a repeated deduplication id is accepted and dropped for five minutes [SendMessage]", func(b *bench) {
		b.create("q.fifo")
		first := b.send("q.fifo", "1", "a")
		got := b.wantBodies("q.fifo", 1, "1")
		b.wantOK(b.delete("q.fifo", got[0].ReceiptHandle))
		b.pass(5*time.Minute - 1)
		again := b.send("q.fifo", "1", "b")
		if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
			b.t.Fatal("a repeated send answers with another message")
		}
		b.wantBodies("q.fifo", 1)
		b.pass(1)
		b.send("q.fifo", "1", "a")
		b.wantBodies("q.fifo", 1, "1")
	}},
	{"FIFO: with scope messageGroup an id repeats in another group [high-throughput-fifo]", func(b *bench) {
		b.create("q.fifo", "DeduplicationScope", "messageGroup")
		b.send("q.fifo", "1", "a")
		b.send("q.fifo", "1", "b")
		b.send("q.fifo", "1", "a")
		b.wantBodies("q.fifo", 10, "1", "1")
	}},
	{"FIFO: content-based deduplication goes by the body; an explicit id wins", func(b *bench) {
		b.create("q.fifo", "ContentBasedDeduplication", "true")
		for _, id := range []*string{nil, nil, aws.String("x")} {
			must[*sqs.SendMessageOutput](b, &sqs.SendMessageInput{QueueUrl: aws.String("q.fifo"),
				MessageBody: aws.String("same"), MessageGroupId: aws.String("a"), MessageDeduplicationId: id})
		}
		b.wantBodies("q.fifo", 10, "same", "same")
	}},
	{"FIFO: a receive repeated with its attempt id gives the same messages and restarts their timeout [ReceiveMessage]", func(b *bench) {
		b.create("q.fifo")
		b.send("q.fifo", "1", "a")
		in := &sqs.ReceiveMessageInput{QueueUrl: aws.String("q.fifo"), ReceiveRequestAttemptId: aws.String("try")}
		first := must[*sqs.ReceiveMessageOutput](b, in).Messages
		b.pass(20 * time.Second)
		again := must[*sqs.ReceiveMessageOutput](b, in).Messages
		if len(again) != 1 || *again[0].ReceiptHandle != *first[0].ReceiptHandle {
			b.t.Fatalf("got %v", again)
		}
		b.pass(20 * time.Second)
		b.wantOK(b.delete("q.fifo", first[0].ReceiptHandle))
		if left := must[*sqs.ReceiveMessageOutput](b, in).Messages; left != nil {
			b.t.Fatalf("a deleted message came again: %v", left)
		}
	}},
	{"FIFO: the queue's delay holds a message and those behind it", func(b *bench) {
		b.create("q.fifo", "DelaySeconds", "10")
		b.send("q.fifo", "1", "a")
		b.wantBodies("q.fifo", 1)
		if b.attribute("q.fifo", "ApproximateNumberOfMessagesDelayed") != "1" {
			b.t.Fatal("the message is not counted as delayed")
		}
		b.pass(10 * time.Second)
		b.wantBodies("q.fifo", 1, "1")
	}},
	{"FIFO: system attributes tell group, deduplication id, sequence, counts and times", func(b *bench) {
		b.create("q.fifo")
		sentAt := b.now.UnixMilli()
		b.send("q.fifo", "1", "a")
		b.send("q.fifo", "2", "a")
		b.pass(time.Second)
		got := b.receive("q.fifo", 10)
		a := got[0].Attributes
		want := fmt.Sprintf("a 1 1 %d %d 000000000000", sentAt, sentAt+1000)
		if s := strings.Join([]string{a["MessageGroupId"], a["MessageDeduplicationId"], a["ApproximateReceiveCount"],
			a["SentTimestamp"], a["ApproximateFirstReceiveTimestamp"], a["SenderId"]}, " "); s != want {
			b.t.Fatalf("got %s, want %s", s, want)
		}
		if one, two := a["SequenceNumber"], got[1].Attributes["SequenceNumber"]; len(one) != 20 || one >= two {
			b.t.Fatalf("sequence numbers %s, %s", one, two)
		}
	}},
	{"standard: a message comes back after its timeout with a new handle [sqs-visibility-timeout]", func(b *bench) {
		b.create("q")
		b.send("q", "1", "")
		first := b.wantBodies("q", 1, "1")
		b.wantBodies("q", 1)
		b.pass(30 * time.Second)
		b.c.Tick(b.now)
		again := b.wantBodies("q", 1, "1")
		if *first[0].ReceiptHandle == *again[0].ReceiptHandle || again[0].Attributes["ApproximateReceiveCount"] != "2" {
			b.t.Fatal("the second receive looks like the first")
		}
	}},
	{"standard: the handle of an expired receive still deletes, and deleting twice is fine [DeleteMessage]", func(b *bench) {
		b.create("q")
		b.send("q", "1", "")
		h := b.wantBodies("q", 1, "1")[0].ReceiptHandle
		b.pass(time.Minute)
		b.wantOK(b.delete("q", h))
		b.wantOK(b.delete("q", h))
		b.wantBodies("q", 1)
	}},
	{"standard: the handle of an expired receive still changes visibility", func(b *bench) {
		b.create("q")
		b.send("q", "1", "")
		h := b.wantBodies("q", 1, "1")[0].ReceiptHandle
		b.pass(time.Minute)
		b.wantOK(b.change("q", h, 30))
		b.wantBodies("q", 1)
	}},
	{"standard: a change of visibility holds for that receive only [ChangeMessageVisibility]", func(b *bench) {
		b.create("q")
		b.send("q", "1", "")
		b.wantOK(b.change("q", b.wantBodies("q", 1, "1")[0].ReceiptHandle, 0))
		b.wantWoken("q")
		b.wantBodies("q", 1, "1")
		b.pass(29 * time.Second)
		b.wantBodies("q", 1)
		b.pass(time.Second)
		b.wantBodies("q", 1, "1")
	}},
	{"a receive may hide a message for twelve hours in all [sqs-visibility-timeout]", func(b *bench) {
		b.create("q")
		b.send("q", "1", "")
		h := b.wantBodies("q", 1, "1")[0].ReceiptHandle
		b.pass(time.Second)
		b.wantError(b.change("q", h, 43200), "InvalidParameterValue", "beyond the limit [43200 seconds]")
		b.wantOK(b.change("q", h, 43199))
	}},
	{"standard: a group id is a tag: no order, no lock, no deduplication [fair queues]", func(b *bench) {
		b.create("q")
		for range 2 {
			must[*sqs.SendMessageOutput](b, &sqs.SendMessageInput{QueueUrl: aws.String("q"),
				MessageBody: aws.String("1"), MessageGroupId: aws.String("a")})
		}
		b.wantBodies("q", 1, "1")
		got := b.wantBodies("q", 1, "1")
		if got[0].Attributes["MessageGroupId"] != "a" {
			b.t.Fatal("the group id is lost")
		}
	}},
	{"standard: a message's own delay [sqs-message-timers]", func(b *bench) {
		b.create("q")
		must[*sqs.SendMessageOutput](b, &sqs.SendMessageInput{QueueUrl: aws.String("q"),
			MessageBody: aws.String("1"), DelaySeconds: 5})
		at, ok := b.c.NextDeadline()
		if !ok || !at.Equal(b.now.Add(5*time.Second)) {
			b.t.Fatalf("next deadline %v", at)
		}
		if woken := b.c.Tick(at); len(woken) != 1 {
			b.t.Fatalf("effects %v", woken)
		}
	}},
	{"a message older than the retention period is gone [sqs-basic-architecture]", func(b *bench) {
		b.create("q", "MessageRetentionPeriod", "60")
		b.send("q", "1", "")
		b.wantBodies("q", 1, "1")
		b.pass(time.Minute)
		b.wantBodies("q", 1)
		if list := b.c.Peek("q"); list != nil {
			b.t.Fatalf("still there: %v", list)
		}
	}},
	{"a longer retention period saves the messages that are there", func(b *bench) {
		b.create("q", "MessageRetentionPeriod", "60")
		b.send("q", "1", "")
		must[*sqs.SetQueueAttributesOutput](b, &sqs.SetQueueAttributesInput{QueueUrl: aws.String("q"),
			Attributes: map[string]string{"MessageRetentionPeriod": "3600"}})
		b.pass(time.Minute)
		b.wantBodies("q", 1, "1")
	}},
	{"a message received too often goes to the dead-letter queue with its id and count [sqs-dead-letter-queues]", func(b *bench) {
		b.create("q")
		b.create("dead")
		b.redrive("q", "dead", 1)
		id := b.send("q", "1", "").MessageId
		b.wantBodies("q", 1, "1")
		b.pass(30 * time.Second)
		b.wantBodies("q", 1)
		b.wantWoken("dead")
		got := b.wantBodies("dead", 1, "1")
		a := got[0].Attributes
		if *got[0].MessageId != *id || a["ApproximateReceiveCount"] != "2" || a["DeadLetterQueueSourceArn"] != b.c.arn("q") {
			b.t.Fatalf("dead letter %s %v", *got[0].MessageId, a)
		}
	}},
	{"FIFO: moving a dead letter lets the rest of its group go on", func(b *bench) {
		b.create("q.fifo")
		b.create("dead.fifo")
		b.redrive("q.fifo", "dead.fifo", 1)
		b.send("q.fifo", "1", "a")
		b.wantBodies("q.fifo", 1, "1")
		b.send("q.fifo", "2", "a")
		b.pass(30 * time.Second)
		b.wantBodies("q.fifo", 1, "2")
		got := b.wantBodies("dead.fifo", 1, "1")
		if a := got[0].Attributes; a["MessageDeduplicationId"] != *got[0].MessageId || a["MessageGroupId"] != "a" {
			b.t.Fatalf("dead letter %v", a)
		}
	}},
	{"a purge takes messages in flight and the memory of deduplication ids [PurgeQueue]", func(b *bench) {
		b.create("q.fifo")
		b.send("q.fifo", "1", "a")
		b.wantBodies("q.fifo", 1, "1")
		must[*sqs.PurgeQueueOutput](b, &sqs.PurgeQueueInput{QueueUrl: aws.String("q.fifo")})
		b.send("q.fifo", "1", "a")
		b.wantBodies("q.fifo", 1, "1")
		b.pass(59 * time.Second)
		_, err := call[any](b, &sqs.PurgeQueueInput{QueueUrl: aws.String("q.fifo")})
		b.wantError(err, "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on q.fifo is allowed every 60 seconds.")
	}},
	{"an empty receive has no Messages member [ReceiveMessage]", func(b *bench) {
		b.create("q")
		if out := must[*sqs.ReceiveMessageOutput](b, &sqs.ReceiveMessageInput{QueueUrl: aws.String("q")}); out.Messages != nil {
			b.t.Fatal("an empty list")
		}
	}},
	{"digests are lower-case MD5 of body and attributes [sqs-message-metadata]", func(b *bench) {
		b.create("q")
		sent := must[*sqs.SendMessageOutput](b, &sqs.SendMessageInput{QueueUrl: aws.String("q"), MessageBody: aws.String("foobar"),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"timestamp": {DataType: aws.String("Number"), StringValue: aws.String("1493147359900")},
			}})
		got := b.receive("q", 1)[0]
		const ofBody, ofAttributes = "3858f62230ac3c915f300c664312c63f", "235c5c510d26fb653d073faed50ae77c"
		if *sent.MD5OfMessageBody != ofBody || *got.MD5OfBody != ofBody {
			b.t.Fatalf("MD5 of the body %s, %s", *sent.MD5OfMessageBody, *got.MD5OfBody)
		}
		if *sent.MD5OfMessageAttributes != ofAttributes || *got.MD5OfMessageAttributes != ofAttributes {
			b.t.Fatalf("MD5 of the attributes %s", *sent.MD5OfMessageAttributes)
		}
	}},
	{"a queue with visibility timeout zero hides nothing, and one receive gives nothing out twice", func(b *bench) {
		b.create("q.fifo", "VisibilityTimeout", "0")
		b.send("q.fifo", "1", "a")
		b.wantBodies("q.fifo", 10, "1")
		b.wantBodies("q.fifo", 10, "1")
	}},
	{"a receive waits as long as it says, else as long as its queue says [sqs-short-and-long-polling]", func(b *bench) {
		b.create("q", "ReceiveMessageWaitTimeSeconds", "7")
		for seconds, want := range map[int32]time.Duration{0: 7 * time.Second, 3: 3 * time.Second} {
			if got := b.c.WaitTime(&sqs.ReceiveMessageInput{QueueUrl: aws.String("http://any/0/q"), WaitTimeSeconds: seconds}); got != want {
				b.t.Fatalf("WaitTimeSeconds %d waits %v", seconds, got)
			}
		}
	}},
}

func TestBehaviours(t *testing.T) {
	for _, row := range behaviours {
		t.Run(row.name, func(t *testing.T) { row.run(newBench(t, Options{})) })
	}
}

func TestPeekShowsAndChangesNothing(t *testing.T) {
	b := newBench(t, Options{})
	b.create("q.fifo")
	b.send("q.fifo", "1", "b")
	b.send("q.fifo", "2", "a")
	b.wantBodies("q.fifo", 1, "1")
	for range 2 {
		list := b.c.Peek("q.fifo")
		if len(list) != 2 || list[0].Body != "1" || list[0].State != InFlight || list[0].ReceiveCount != 1 ||
			list[1].GroupID != "a" || list[1].State != Visible || !list[1].HiddenUntil.IsZero() {
			t.Fatalf("peek %+v", list)
		}
	}
	b.wantBodies("q.fifo", 1, "2")
}

func TestOutputsDoNotAliasState(t *testing.T) {
	b := newBench(t, Options{})
	b.create("q", "VisibilityTimeout", "0")
	value := []byte("v")
	must[*sqs.SendMessageOutput](b, &sqs.SendMessageInput{QueueUrl: aws.String("q"), MessageBody: aws.String("1"),
		MessageAttributes: map[string]types.MessageAttributeValue{"n": {DataType: aws.String("Binary"), BinaryValue: value}}})
	value[0] = 'x'
	for range 2 {
		got := b.receive("q", 1)[0].MessageAttributes["n"]
		if string(got.BinaryValue) != "v" {
			t.Fatalf("the stored value became %s", got.BinaryValue)
		}
		got.BinaryValue[0] = 'y'
	}
}
