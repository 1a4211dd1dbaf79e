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

// TestErrors holds AWS's codes and texts (SQS API Reference, Errors of each action; the texts are
// from recorded answers of AWS).
func TestErrors(t *testing.T) {
	queue, fifo := aws.String("q"), aws.String("q.fifo")
	send := func(change func(*sqs.SendMessageInput)) *sqs.SendMessageInput {
		in := &sqs.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("x")}
		change(in)
		return in
	}
	sendFIFO := func(change func(*sqs.SendMessageInput)) *sqs.SendMessageInput {
		return send(func(in *sqs.SendMessageInput) {
			in.QueueUrl, in.MessageGroupId, in.MessageDeduplicationId = fifo, aws.String("g"), aws.String("d")
			change(in)
		})
	}
	attributes := func(list ...string) *sqs.SetQueueAttributesInput {
		return &sqs.SetQueueAttributesInput{QueueUrl: queue, Attributes: pairs(list)}
	}
	redrive := func(text string) *sqs.SetQueueAttributesInput { return attributes("RedrivePolicy", text) }
	for _, row := range []struct {
		name       string
		input      any
		code, text string
	}{
		{"no queue", &sqs.ReceiveMessageInput{QueueUrl: aws.String("https://host/0/none")},
			"AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."},
		{"another account's queue", &sqs.GetQueueUrlInput{QueueName: queue, QueueOwnerAWSAccountId: aws.String("111111111111")},
			"AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."},
		{"queue name", &sqs.CreateQueueInput{QueueName: aws.String("no spaces")},
			"InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
		{"queue name too long", &sqs.CreateQueueInput{QueueName: aws.String(strings.Repeat("a", 81))},
			"InvalidParameterValue", "1 to 80 in length"},
		{"FIFO queue name", &sqs.CreateQueueInput{QueueName: aws.String("x"), Attributes: pairs([]string{"FifoQueue", "true"})},
			"InvalidParameterValue", "must end with .fifo suffix"},
		{"create with other attributes", &sqs.CreateQueueInput{QueueName: queue, Attributes: pairs([]string{"DelaySeconds", "3"})},
			"QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute DelaySeconds"},
		{"attribute out of bounds", attributes("VisibilityTimeout", "43201"),
			"InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."},
		{"unknown attribute", attributes("Colour", "red"), "InvalidAttributeName", "Unknown Attribute Colour."},
		{"FIFO attribute on a standard queue", attributes("ContentBasedDeduplication", "true"),
			"InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."},
		{"throughput by the group without deduplication by the group", &sqs.SetQueueAttributesInput{QueueUrl: fifo, Attributes: pairs([]string{"FifoThroughputLimit", "perMessageGroupId"})},
			"InvalidAttributeValue", "Invalid value for the parameter FifoThroughputLimit."},
		{"access policy", attributes("Policy", "{}"),
			"AWS.SimpleQueueService.UnsupportedOperation", "sqscore does not implement the queue attribute Policy"},
		{"redrive policy that is no JSON", redrive("nonsense"), "InvalidParameterValue", "it’s in an unsupported format."},
		{"redrive policy without a count", redrive(`{"deadLetterTargetArn":"x"}`),
			"InvalidParameterValue", "Redrive policy does not contain mandatory attribute: maxReceiveCount."},
		{"redrive policy without a target", redrive(`{"maxReceiveCount":1}`),
			"InvalidParameterValue", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."},
		{"redrive policy with a count of 0", redrive(`{"deadLetterTargetArn":"x","maxReceiveCount":0}`),
			"InvalidParameterValue", "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."},
		{"redrive to a queue that is not there", redrive(`{"deadLetterTargetArn":"x","maxReceiveCount":1}`),
			"InvalidParameterValue", "Dead letter target does not exist."},
		{"redrive to a queue of the other type", redrive(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q.fifo","maxReceiveCount":1}`),
			"InvalidParameterValue", "Dead-letter queue must be same type of queue as the source."},
		{"redrive to a queue that does not allow it", redrive(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:closed","maxReceiveCount":1}`),
			"InvalidParameterValue", "does not allow this queue as a source"},
		{"redrive to itself", redrive(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q","maxReceiveCount":1}`),
			"InvalidParameterValue", "A queue cannot be its own dead-letter queue."},
		{"empty body", send(func(in *sqs.SendMessageInput) { in.MessageBody = nil }),
			"MissingParameter", "The request must contain the parameter MessageBody."},
		{"body too large", send(func(in *sqs.SendMessageInput) { in.MessageBody = aws.String(strings.Repeat("x", 1<<20+1)) }),
			"InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."},
		{"attributes count as size", send(func(in *sqs.SendMessageInput) {
			in.MessageBody = aws.String(strings.Repeat("x", 1<<20-7))
			in.MessageAttributes = map[string]types.MessageAttributeValue{"n": {DataType: aws.String("String"), StringValue: aws.String("v")}}
		}), "InvalidParameterValue", "Message must be shorter than 1048576 bytes."},
		{"body outside XML", send(func(in *sqs.SendMessageInput) { in.MessageBody = aws.String("a\x00b") }),
			"InvalidMessageContents", "Invalid characters found."},
		{"attribute name of AWS", send(func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{"AWS.x": {DataType: aws.String("String"), StringValue: aws.String("v")}}
		}), "InvalidParameterValue", "AWS.x"},
		{"attribute type", send(func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{"x": {DataType: aws.String("Date"), StringValue: aws.String("v")}}
		}), "InvalidParameterValue", "the set of supported type prefixes is Binary, Number, and String."},
		{"attribute that is no number", send(func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{"x": {DataType: aws.String("Number"), StringValue: aws.String("v")}}
		}), "InvalidParameterValue", "Can't cast the value of message (user) attribute 'x' to a number."},
		{"deduplication id on a standard queue", send(func(in *sqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("d") }),
			"InvalidParameterValue", "not valid for this queue type"},
		{"FIFO without group", sendFIFO(func(in *sqs.SendMessageInput) { in.MessageGroupId = nil }),
			"MissingParameter", "The request must contain the parameter MessageGroupId."},
		{"FIFO without deduplication", sendFIFO(func(in *sqs.SendMessageInput) { in.MessageDeduplicationId = nil }), "InvalidParameterValue",
			"The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		{"FIFO with a delay", sendFIFO(func(in *sqs.SendMessageInput) { in.DelaySeconds = 2 }), "InvalidParameterValue",
			"Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."},
		{"FIFO with a bad group", sendFIFO(func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("a b") }), "InvalidParameterValue",
			"Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"too many to receive", &sqs.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 11}, "InvalidParameterValue",
			"Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		{"too long to wait", &sqs.ReceiveMessageInput{QueueUrl: queue, WaitTimeSeconds: 21}, "InvalidParameterValue",
			"Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
		{"attempt id on a standard queue", &sqs.ReceiveMessageInput{QueueUrl: queue, ReceiveRequestAttemptId: aws.String("a")},
			"InvalidParameterValue", "not valid for this queue type"},
		//lint:ignore SA1019 old clients still send it
		{"unknown system attribute", &sqs.ReceiveMessageInput{QueueUrl: queue, AttributeNames: []types.QueueAttributeName{"Colour"}},
			"InvalidAttributeName", "Unknown Attribute Colour."},
		{"nonsense handle", &sqs.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: aws.String("garbage")},
			"ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`},
		{"purge of no queue", &sqs.PurgeQueueInput{}, "MissingParameter", "QueueUrl"},
		{"empty batch", &sqs.SendMessageBatchInput{QueueUrl: queue}, "AWS.SimpleQueueService.EmptyBatchRequest",
			"There should be at least one SendMessageBatchRequestEntry in the request."},
		{"move from a queue that is no dead-letter queue", &sqs.StartMessageMoveTaskInput{SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q")},
			"InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."},
		{"cancel of no task", &sqs.CancelMessageMoveTaskInput{TaskHandle: aws.String("x")}, "ResourceNotFoundException", "Task does not exist."},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, Options{})
			b.create("q")
			b.create("q.fifo")
			b.create("closed", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
			_, err := call[any](b, row.input)
			b.wantError(err, row.code, row.text)
		})
	}
}

func TestHandleOfADeletedMessageChangesNoVisibility(t *testing.T) {
	b := newBench(t, Options{})
	b.create("q")
	b.send("q", "1", "")
	h := b.wantBodies("q", 1, "1")[0].ReceiptHandle
	b.wantOK(b.delete("q", h))
	b.wantError(b.change("q", h, 1), "InvalidParameterValue",
		"Message does not exist or is not available for visibility timeout change.")
}

func TestBatches(t *testing.T) {
	b := newBench(t, Options{})
	b.create("q")
	entries := func(ids ...string) *sqs.SendMessageBatchInput {
		in := &sqs.SendMessageBatchInput{QueueUrl: aws.String("q")}
		for _, id := range ids {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: aws.String("body " + id)})
		}
		return in
	}
	t.Run("one bad entry does not fail the others", func(t *testing.T) {
		in := entries("a", "b")
		in.Entries[0].MessageBody = nil
		out := must[*sqs.SendMessageBatchOutput](b, in)
		if len(out.Failed) != 1 || *out.Failed[0].Code != "MissingParameter" || !out.Failed[0].SenderFault || len(out.Successful) != 1 {
			t.Fatalf("%+v", out)
		}
		got := b.wantBodies("q", 10, "body b")
		hide := must[*sqs.ChangeMessageVisibilityBatchOutput](b, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: in.QueueUrl,
			Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
				{Id: aws.String("ok"), ReceiptHandle: got[0].ReceiptHandle}, {Id: aws.String("bad"), ReceiptHandle: aws.String("x")},
			}})
		if len(hide.Successful) != 1 || len(hide.Failed) != 1 {
			t.Fatalf("%+v", hide)
		}
		got = b.wantBodies("q", 10, "body b")
		gone := must[*sqs.DeleteMessageBatchOutput](b, &sqs.DeleteMessageBatchInput{QueueUrl: in.QueueUrl,
			Entries: []types.DeleteMessageBatchRequestEntry{
				{Id: aws.String("ok"), ReceiptHandle: got[0].ReceiptHandle}, {Id: aws.String("bad"), ReceiptHandle: aws.String("x")},
			}})
		if len(gone.Successful) != 1 || *gone.Failed[0].Code != "ReceiptHandleIsInvalid" || b.c.Peek("q") != nil {
			t.Fatalf("%+v", gone)
		}
	})
	t.Run("eleven entries", func(t *testing.T) {
		_, err := call[any](b, entries(strings.Split("abcdefghijk", "")...))
		b.wantError(err, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are 10. You have sent 11.")
	})
	t.Run("ids repeat", func(t *testing.T) {
		_, err := call[any](b, entries("a", "a"))
		b.wantError(err, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated.")
	})
	t.Run("ids of other characters", func(t *testing.T) {
		_, err := call[any](b, entries("a b"))
		b.wantError(err, "AWS.SimpleQueueService.InvalidBatchEntryId", "A batch entry id can only contain")
	})
	t.Run("too large together", func(t *testing.T) {
		in := entries("a", "b")
		in.Entries[0].MessageBody = aws.String(strings.Repeat("x", 1<<20))
		in.Entries[1].MessageBody = aws.String("x")
		_, err := call[any](b, in)
		b.wantError(err, "AWS.SimpleQueueService.BatchRequestTooLong",
			"Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.")
	})
}

func TestLifecycleOfQueues(t *testing.T) {
	b := newBench(t, Options{QueueURL: func(name string) string { return "http://127.0.0.1:4566/000000000000/" + name }})
	b.create("b", "DelaySeconds", "3")
	b.create("b", "DelaySeconds", "3")
	b.create("a")
	b.create("other")
	first := must[*sqs.ListQueuesOutput](b, &sqs.ListQueuesInput{MaxResults: aws.Int32(2)})
	second := must[*sqs.ListQueuesOutput](b, &sqs.ListQueuesInput{MaxResults: aws.Int32(2), NextToken: first.NextToken})
	if got := fmt.Sprint(first.QueueUrls, second.QueueUrls, second.NextToken == nil); got !=
		"[http://127.0.0.1:4566/000000000000/a http://127.0.0.1:4566/000000000000/b] [http://127.0.0.1:4566/000000000000/other] true" {
		t.Fatal(got)
	}
	if got := must[*sqs.ListQueuesOutput](b, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("o")}); len(got.QueueUrls) != 1 {
		t.Fatal(got.QueueUrls)
	}
	must[*sqs.TagQueueOutput](b, &sqs.TagQueueInput{QueueUrl: aws.String("a"), Tags: map[string]string{"x": "1", "y": "2"}})
	must[*sqs.UntagQueueOutput](b, &sqs.UntagQueueInput{QueueUrl: aws.String("a"), TagKeys: []string{"x"}})
	if tags := must[*sqs.ListQueueTagsOutput](b, &sqs.ListQueueTagsInput{QueueUrl: aws.String("a")}).Tags; fmt.Sprint(tags) != "map[y:2]" {
		t.Fatal(tags)
	}
	b.send("b", "1", "")
	must[*sqs.DeleteQueueOutput](b, &sqs.DeleteQueueInput{QueueUrl: aws.String("b")})
	if at, ok := b.c.NextDeadline(); ok {
		t.Fatalf("a deleted queue still has a deadline at %v", at)
	}
	b.pass(59 * time.Second)
	_, err := call[any](b, &sqs.CreateQueueInput{QueueName: aws.String("b")})
	b.wantError(err, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds")
	b.pass(time.Second)
	b.create("b")
	b.wantBodies("b", 10)
}

func TestChoices(t *testing.T) {
	for _, row := range []struct {
		name, label string
		answer      int
		run         func(b *bench)
	}{
		{"groups come in another order", ChooseGroup, 1, func(b *bench) {
			b.create("q.fifo")
			b.send("q.fifo", "a", "a")
			b.send("q.fifo", "b", "b")
			b.wantBodies("q.fifo", 1, "b")
		}},
		{"standard messages come in another order", ChooseMessage, 1, func(b *bench) {
			b.send("q", "1", "")
			b.send("q", "2", "")
			b.wantBodies("q", 1, "2")
		}},
		{"a message that is in flight is delivered to another", ChooseDuplicate, 1, func(b *bench) {
			b.send("q", "1", "")
			b.wantBodies("q", 1, "1")
			b.wantBodies("q", 1, "1")
		}},
		{"a short poll misses a message, a long one does not", ChooseMiss, 1, func(b *bench) {
			b.send("q", "1", "")
			b.wantBodies("q", 1)
			got := must[*sqs.ReceiveMessageOutput](b, &sqs.ReceiveMessageInput{QueueUrl: aws.String("q"), WaitTimeSeconds: 1})
			if len(got.Messages) != 1 {
				b.t.Fatal("a long poll missed it too")
			}
		}},
		{"a delete with an old handle deletes", ChooseOldDelete, 1, func(b *bench) { deleteWithOldHandle(b, 0) }},
		{"a delete with an old handle may not delete", "", 0, func(b *bench) { deleteWithOldHandle(b, 1) }},
		{"a delete is lost", ChooseLostDelete, 1, func(b *bench) {
			b.send("q", "1", "")
			b.wantOK(b.delete("q", b.wantBodies("q", 1, "1")[0].ReceiptHandle))
			b.pass(time.Minute)
			b.wantBodies("q", 1, "1")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, Options{Choose: forced(row.label, row.answer)})
			b.create("q")
			row.run(b)
		})
	}
}

func deleteWithOldHandle(b *bench, left int) {
	b.send("q", "1", "")
	old := b.wantBodies("q", 1, "1")[0].ReceiptHandle
	b.pass(time.Minute)
	b.wantBodies("q", 1, "1")
	b.wantOK(b.delete("q", old))
	if got := len(b.c.Peek("q")); got != left {
		b.t.Fatalf("%d messages left, want %d", got, left)
	}
}

func TestMoveTask(t *testing.T) {
	start := func(b *bench, perSecond int32, target *string) (*sqs.StartMessageMoveTaskOutput, error) {
		return call[*sqs.StartMessageMoveTaskOutput](b, &sqs.StartMessageMoveTaskInput{
			SourceArn: aws.String(b.c.arn("dead")), DestinationArn: target, MaxNumberOfMessagesPerSecond: aws.Int32(perSecond)})
	}
	status := func(b *bench) types.ListMessageMoveTasksResultEntry {
		return must[*sqs.ListMessageMoveTasksOutput](b, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(b.c.arn("dead"))}).Results[0]
	}
	prepare := func(t *testing.T, letters int) *bench {
		b := newBench(t, Options{})
		b.create("q")
		b.create("dead")
		b.redrive("q", "dead", 1)
		for i := range letters {
			b.send("q", fmt.Sprint(i), "")
		}
		b.receive("q", 10)
		b.pass(time.Minute)
		b.wantBodies("q", 10)
		return b
	}
	t.Run("takes dead letters back to where they came from, at its rate", func(t *testing.T) {
		b := prepare(t, 3)
		_, err := start(b, 2, nil)
		b.wantOK(err)
		_, err = start(b, 2, nil)
		b.wantError(err, "AWS.SimpleQueueService.UnsupportedOperation", "There is already a task running.")
		if s := status(b); *s.Status != "RUNNING" || s.ApproximateNumberOfMessagesMoved != 2 || s.TaskHandle == nil {
			t.Fatalf("%+v", s)
		}
		b.pass(time.Second)
		b.got = b.c.Tick(b.now)
		b.wantWoken("q")
		if s := status(b); *s.Status != "COMPLETED" || s.ApproximateNumberOfMessagesMoved != 3 || s.TaskHandle != nil {
			t.Fatalf("%+v", s)
		}
		if got := b.wantBodies("q", 10, "0", "1", "2"); got[0].Attributes["ApproximateReceiveCount"] != "1" {
			t.Fatal("a redriven message is not new")
		}
	})
	t.Run("stops when cancelled", func(t *testing.T) {
		b := prepare(t, 3)
		task, err := start(b, 1, aws.String(b.c.arn("q")))
		b.wantOK(err)
		b.c.Tick(b.now)
		cancel := &sqs.CancelMessageMoveTaskInput{TaskHandle: task.TaskHandle}
		if out := must[*sqs.CancelMessageMoveTaskOutput](b, cancel); out.ApproximateNumberOfMessagesMoved != 1 {
			t.Fatalf("%+v", out)
		}
		_, err = call[any](b, cancel)
		b.wantError(err, "AWS.SimpleQueueService.UnsupportedOperation", "Only active tasks can be cancelled.")
		b.pass(time.Hour)
		if s := status(b); *s.Status != "CANCELLED" || len(b.c.Peek("dead")) != 2 {
			t.Fatalf("%+v", s)
		}
	})
	t.Run("fails if a message has no queue to go back to", func(t *testing.T) {
		b := prepare(t, 0)
		b.send("dead", "sent by hand", "")
		_, err := start(b, 1, nil)
		b.wantOK(err)
		b.c.Tick(b.now)
		if s := status(b); *s.Status != "FAILED" || *s.FailureReason != "CouldNotDetermineMessageSource" {
			t.Fatalf("%+v", s)
		}
	})
	t.Run("its sources are listed", func(t *testing.T) {
		b := prepare(t, 0)
		out := must[*sqs.ListDeadLetterSourceQueuesOutput](b, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String("dead")})
		if len(out.QueueUrls) != 1 || !strings.HasSuffix(out.QueueUrls[0], "/q") {
			t.Fatal(out.QueueUrls)
		}
	})
}
