package sqscore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// bench is a core with a clock.
type bench struct {
	t   testing.TB
	c   *Core
	now time.Time
	got []Effect // of the last call
}

func newBench(t testing.TB, opts Options) *bench {
	return &bench{t: t, c: New(opts), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (b *bench) pass(d time.Duration) { b.now = b.now.Add(d) }

func call[Out any](b *bench, input any) (out Out, err error) {
	b.t.Helper()
	result, effects, err := b.c.Do(b.now, input)
	b.got = effects
	b.wantInvariants()
	if err != nil {
		return out, err
	}
	return result.(Out), nil
}

func must[Out any](b *bench, input any) Out {
	b.t.Helper()
	out, err := call[Out](b, input)
	if err != nil {
		b.t.Fatalf("%T: %v", input, err)
	}
	return out
}

func (b *bench) create(name string, attrs ...string) {
	b.t.Helper()
	m := pairs(attrs)
	if strings.HasSuffix(name, ".fifo") {
		m["FifoQueue"] = "true"
	}
	must[*sqs.CreateQueueOutput](b, &sqs.CreateQueueInput{QueueName: &name, Attributes: m})
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

// send puts body into a queue; on a FIFO queue with the body as deduplication id.
func (b *bench) send(queue, body, group string) *sqs.SendMessageOutput {
	b.t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body}
	if strings.HasSuffix(queue, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = &group, &body
	}
	return must[*sqs.SendMessageOutput](b, in)
}

func (b *bench) receive(queue string, max int32) []types.Message {
	b.t.Helper()
	return must[*sqs.ReceiveMessageOutput](b, &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: max,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	}).Messages
}

func (b *bench) delete(queue string, handle *string) error {
	_, err := call[*sqs.DeleteMessageOutput](b, &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: handle})
	return err
}

func (b *bench) change(queue string, handle *string, seconds int32) error {
	_, err := call[*sqs.ChangeMessageVisibilityOutput](b, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &queue, ReceiptHandle: handle, VisibilityTimeout: seconds,
	})
	return err
}

func (b *bench) wantBodies(queue string, max int32, want ...string) []types.Message {
	b.t.Helper()
	got := b.receive(queue, max)
	var bodies []string
	for _, m := range got {
		bodies = append(bodies, *m.Body)
	}
	if fmt.Sprint(bodies) != fmt.Sprint(want) {
		b.t.Fatalf("received %v, want %v", bodies, want)
	}
	return got
}

func (b *bench) wantOK(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) wantError(err error, code, text string) {
	b.t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		b.t.Fatalf("error %v, want %s: …%s…", err, code, text)
	}
}

func (b *bench) wantWoken(queues ...string) {
	b.t.Helper()
	var want []Effect
	for _, q := range queues {
		want = append(want, Available{q})
	}
	if fmt.Sprint(b.got) != fmt.Sprint(want) {
		b.t.Fatalf("effects %v, want %v", b.got, want)
	}
}

func (b *bench) attribute(queue string, name types.QueueAttributeName) string {
	b.t.Helper()
	out := must[*sqs.GetQueueAttributesOutput](b, &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{name},
	})
	return out.Attributes[string(name)]
}

func (b *bench) redrive(queue, target string, maxReceives int) {
	b.t.Helper()
	must[*sqs.SetQueueAttributesOutput](b, &sqs.SetQueueAttributesInput{QueueUrl: &queue, Attributes: map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, b.c.arn(target), maxReceives),
	}})
}

// forced answers the choices of a label with a number, all others with 0.
func forced(label string, answer int) func(int, string) int {
	return func(n int, l string) int {
		if l == label {
			return answer
		}
		return 0
	}
}

func TestUnknownOperationIsRefused(t *testing.T) {
	b := newBench(t, Options{})
	_, err := call[any](b, &sqs.AddPermissionInput{})
	b.wantError(err, "UnknownOperationException", "*sqs.AddPermissionInput")
}

func TestWireNamesOfErrors(t *testing.T) {
	b := newBench(t, Options{})
	_, err := call[any](b, &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	var typed *types.QueueDoesNotExist
	if !errors.As(err, &typed) {
		t.Fatalf("error %T is not the SDK's", err)
	}
	for _, row := range []struct {
		err         error
		shape, code string
	}{
		{err, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"},
		{invalid("x"), "InvalidParameterValueException", "InvalidParameterValue"},
		{missing("x"), "MissingRequiredParameterException", "MissingParameter"},
		{badHandle("x"), "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"},
	} {
		if shape, code, ok := WireNames(row.err); shape != row.shape || code != row.code || !ok {
			t.Errorf("%v: shape %s, code %s", row.err, shape, code)
		}
	}
	if _, _, ok := WireNames(errors.New("plain")); ok {
		t.Error("an error that is none of SQS's has names")
	}
}
