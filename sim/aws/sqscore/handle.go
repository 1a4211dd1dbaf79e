package sqscore

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// handle is the receipt handle of m's last receive: it names the queue, the message and the
// receive.
func (q *queue) handle(m *message) string {
	return base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "%s %s %d", q.arn, m.id, m.receipt))
}

// A receipt is what a receipt handle names.
type receipt struct {
	queueARN  string
	messageID string
	serial    uint64
}

func decodeHandle(handle string) (receipt, error) {
	plain, err := base64.URLEncoding.DecodeString(handle)
	if err != nil {
		return receipt{}, badHandle(handle)
	}
	parts := strings.Split(string(plain), " ")
	if len(parts) != 3 {
		return receipt{}, badHandle(handle)
	}
	serial, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return receipt{}, badHandle(handle)
	}
	return receipt{queueARN: parts[0], messageID: parts[1], serial: serial}, nil
}

// open reads a receipt handle. The message is nil if it was deleted; current says whether the
// handle is from the message's last receive.
func (q *queue) open(handle *string) (m *message, current bool, err error) {
	if aws.ToString(handle) == "" {
		return nil, false, missing("ReceiptHandle")
	}
	r, err := decodeHandle(*handle)
	if err != nil {
		return nil, false, err
	}
	if r.queueARN != q.arn {
		return nil, false, badHandle(*handle)
	}
	m = q.messages[r.messageID]
	return m, m != nil && m.receipt == r.serial, nil
}

func (c *Core) deleteMessage(in *sqs.DeleteMessageInput) (*sqs.DeleteMessageOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.DeleteMessageOutput{}, q.delete(in.ReceiptHandle)
}

// delete removes the message of a receipt handle. On a standard queue it always succeeds, but
// Options.Choose may keep the message, and a handle from before the last receive deletes only if
// Options.Choose says so. On a FIFO queue a handle is good only until its timeout ends. A message
// that is already gone is no error.
func (q *queue) delete(handle *string) error {
	m, current, err := q.open(handle)
	if err != nil || m == nil {
		return err
	}
	if q.fifo {
		if !current || m.state != InFlight {
			return expiredHandle(*handle)
		}
		q.remove(m)
		return nil
	}
	if current && q.core.choose(2, ChooseLostDelete) == 0 ||
		!current && q.core.choose(2, ChooseOldDelete) == 1 {
		q.remove(m)
	}
	return nil
}

func (c *Core) deleteMessageBatch(in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = aws.ToString(e.Id)
	}
	if err := checkBatch("DeleteMessageBatch", ids); err != nil {
		return nil, err
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if err := q.delete(e.ReceiptHandle); err != nil {
			out.Failed = append(out.Failed, failedEntry(e.Id, err))
			continue
		}
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func (c *Core) changeMessageVisibility(in *sqs.ChangeMessageVisibilityInput) (*sqs.ChangeMessageVisibilityOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.ChangeMessageVisibilityOutput{}, q.change(in.ReceiptHandle, in.VisibilityTimeout)
}

// change hides the message of a receipt handle for seconds from now; zero shows it at once. One
// receive may hide it for twelve hours in all. On a standard queue this also works after the
// timeout, until another receive takes the message.
func (q *queue) change(handle *string, seconds int32) error {
	if seconds < 0 || seconds > maxVisibilitySeconds {
		return invalidValue(seconds, "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200.")
	}
	m, current, err := q.open(handle)
	if err != nil {
		return err
	}
	if m == nil || !current || q.fifo && m.state != InFlight {
		return notInFlight(*handle)
	}
	until := q.core.now.Add(time.Duration(seconds) * time.Second)
	if until.After(m.lastAt.Add(maxVisibilitySeconds * time.Second)) {
		return invalidValue(seconds, "VisibilityTimeout",
			"Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	m.touched = q.core.next()
	if seconds == 0 {
		q.show(m)
		return nil
	}
	q.hide(m, InFlight, until)
	return nil
}

func (c *Core) changeMessageVisibilityBatch(in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = aws.ToString(e.Id)
	}
	if err := checkBatch("ChangeMessageVisibilityBatch", ids); err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for _, e := range in.Entries {
		if err := q.change(e.ReceiptHandle, e.VisibilityTimeout); err != nil {
			out.Failed = append(out.Failed, failedEntry(e.Id, err))
			continue
		}
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
	}
	return out, nil
}
