package sqscore

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Limits of ReceiveMessage (SQS API Reference, ReceiveMessage; SQS Developer Guide, quotas).
const (
	maxReceived          = 10
	maxWaitSeconds       = 20
	maxVisibilitySeconds = 43200
	maxInFlight          = 120_000
)

// attempt is what a FIFO queue remembers of a receive, by its ReceiveRequestAttemptId.
type attempt struct{ deliveries []delivery }

// A delivery is a message as one receive returned it.
type delivery struct {
	message *message
	receipt uint64
	touched uint64
}

// current says whether the message has not been received, changed, deleted or shown again since.
func (d delivery) current() bool {
	m := d.message
	return m.state == InFlight && m.receipt == d.receipt && m.touched == d.touched
}

func (c *Core) receiveMessage(in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := q.checkReceive(in); err != nil {
		return nil, err
	}
	visibility := q.settings.visibility
	if in.VisibilityTimeout != 0 {
		visibility = time.Duration(in.VisibilityTimeout) * time.Second
	}
	deliveries, err := q.receiveOrRepeat(in, visibility)
	if err != nil {
		return nil, err
	}
	out := &sqs.ReceiveMessageOutput{}
	for _, d := range deliveries {
		out.Messages = append(out.Messages, d.message.deliver(in, q.handle(d.message)))
	}
	return out, nil
}

func (q *queue) checkReceive(in *sqs.ReceiveMessageInput) error {
	if n := in.MaxNumberOfMessages; n < 0 || n > maxReceived {
		return invalidValue(n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	}
	if n := in.WaitTimeSeconds; n < 0 || n > maxWaitSeconds {
		return invalidValue(n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	}
	if n := in.VisibilityTimeout; n < 0 || n > maxVisibilitySeconds {
		return invalidValue(n, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	if in.ReceiveRequestAttemptId != nil {
		if !q.fifo {
			return invalidValue(*in.ReceiveRequestAttemptId, "ReceiveRequestAttemptId",
				"The request include parameter that is not valid for this queue type.")
		}
		if err := checkIdentifier("ReceiveRequestAttemptId", *in.ReceiveRequestAttemptId); err != nil {
			return err
		}
	}
	knownSystem := types.MessageSystemAttributeName("").Values()
	for _, name := range in.MessageSystemAttributeNames {
		if !slices.Contains(knownSystem, name) {
			return unknownAttribute(types.QueueAttributeName(name))
		}
	}
	//lint:ignore SA1019 old clients still send it
	for _, name := range in.AttributeNames {
		if !slices.Contains(knownSystem, types.MessageSystemAttributeName(name)) {
			return unknownAttribute(name)
		}
	}
	return nil
}

// receiveOrRepeat receives. If the request repeats an earlier one and every message of that is
// still current, it returns them again and restarts their timeout.
func (q *queue) receiveOrRepeat(in *sqs.ReceiveMessageInput, visibility time.Duration) ([]delivery, error) {
	now, id := q.core.now, aws.ToString(in.ReceiveRequestAttemptId)
	if before, ok := q.attempts.get(id, now); ok && id != "" && !slices.ContainsFunc(before.deliveries,
		func(d delivery) bool { return !d.current() }) {
		for _, d := range before.deliveries {
			q.hide(d.message, InFlight, now.Add(visibility))
		}
		return before.deliveries, nil
	}
	deliveries, err := q.receive(in, visibility)
	if id != "" && len(deliveries) > 0 {
		q.attempts.put(id, attempt{deliveries}, now)
	}
	return deliveries, err
}

func (q *queue) receive(in *sqs.ReceiveMessageInput, visibility time.Duration) ([]delivery, error) {
	c, limit := q.core, max(1, int(in.MaxNumberOfMessages))
	if q.counts[InFlight] >= maxInFlight {
		if q.fifo || q.waitTime(in) > 0 {
			return nil, nil
		}
		return nil, &types.OverLimit{Message: aws.String("Too many messages in flight: the limit is 120000.")}
	}
	if !q.fifo && len(q.ready) > 0 && q.waitTime(in) == 0 && c.choose(2, ChooseMiss) == 1 {
		return nil, nil
	}
	var out []delivery
	if k := c.choose(1+len(q.held), ChooseDuplicate); k > 0 {
		out = append(out, q.take(q.held[k-1], visibility))
	}
	label := ChooseMessage
	if q.fifo {
		label = ChooseGroup
	}
	for len(out) < limit && len(q.ready) > 0 {
		out = q.takeRun(q.ready[c.choose(len(q.ready), label)], limit, visibility, out)
	}
	return out, nil
}

// takeRun takes the visible messages at the front of a lane, until out holds limit. A message that
// was received too often goes to the dead-letter queue instead.
func (q *queue) takeRun(l *lane, limit int, visibility time.Duration, out []delivery) []delivery {
	for m := l.head; m != nil && m.state == Visible && len(out) < limit; {
		next := m.next
		if target := q.deadLetter(m); target != nil {
			q.bury(m, target)
		} else {
			out = append(out, q.take(m, visibility))
		}
		m = next
	}
	return out
}

// take gives m to a receiver. A timeout of zero still hides it until the next call, so that one
// receive returns no message twice.
func (q *queue) take(m *message, visibility time.Duration) delivery {
	now := q.core.now
	m.receives++
	m.receipt = q.core.next()
	m.lastAt = now
	if m.firstAt.IsZero() {
		m.firstAt = now
	}
	q.hide(m, InFlight, now.Add(visibility))
	return delivery{message: m, receipt: m.receipt, touched: m.touched}
}

func (q *queue) waitTime(in *sqs.ReceiveMessageInput) time.Duration {
	if in.WaitTimeSeconds != 0 {
		return time.Duration(in.WaitTimeSeconds) * time.Second
	}
	return q.settings.wait
}

// deliver returns m with the attributes that the receive asked for.
func (m *message) deliver(in *sqs.ReceiveMessageInput, handle string) types.Message {
	out := types.Message{
		MessageId: aws.String(m.id), ReceiptHandle: aws.String(handle),
		Body: aws.String(m.body), MD5OfBody: aws.String(md5Hex([]byte(m.body))),
	}
	chosen := cloneAttributes(m.attributes)
	for name := range m.attributes {
		if !wanted(in.MessageAttributeNames, name) {
			delete(chosen, name)
		}
	}
	if len(chosen) > 0 {
		out.MessageAttributes, out.MD5OfMessageAttributes = chosen, digestAttributes(chosen)
	}
	names := slices.Clone(in.MessageSystemAttributeNames)
	//lint:ignore SA1019 old clients still send it
	for _, name := range in.AttributeNames {
		names = append(names, types.MessageSystemAttributeName(name))
	}
	for name, value := range m.systemAttributes() {
		if slices.Contains(names, name) || slices.Contains(names, types.MessageSystemAttributeNameAll) {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[string(name)] = value
		}
	}
	return out
}

// wanted says whether a receive asks for the message attribute: by its name, by All or .*, or by a
// prefix, as in prefix.*.
func wanted(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, isPrefix := strings.CutSuffix(p, ".*")
		return p == "All" || p == ".*" || p == name || isPrefix && strings.HasPrefix(name, prefix)
	})
}

func (m *message) systemAttributes() map[types.MessageSystemAttributeName]string {
	millis := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	all := map[types.MessageSystemAttributeName]string{
		types.MessageSystemAttributeNameSenderId:                         m.queue.core.opts.AccountID,
		types.MessageSystemAttributeNameSentTimestamp:                    millis(m.sentAt),
		types.MessageSystemAttributeNameApproximateReceiveCount:          strconv.Itoa(m.receives),
		types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp: millis(m.firstAt),
	}
	if m.groupID != "" {
		all[types.MessageSystemAttributeNameMessageGroupId] = m.groupID
	}
	if m.queue.fifo {
		all[types.MessageSystemAttributeNameMessageDeduplicationId] = m.dedupID
		all[types.MessageSystemAttributeNameSequenceNumber] = sequenceNumber(m.serial)
	}
	if m.traceHeader != "" {
		all[types.MessageSystemAttributeNameAWSTraceHeader] = m.traceHeader
	}
	if m.source != "" {
		all[types.MessageSystemAttributeNameDeadLetterQueueSourceArn] = m.source
	}
	return all
}
