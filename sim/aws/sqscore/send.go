package sqscore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Limits of SendMessage (SQS API Reference, SendMessage and SendMessageBatch; the sizes are those
// since August 2025).
const (
	maxBatchBytes      = 1 << 20
	maxAttributes      = 10
	maxDelaySeconds    = 900
	maxIdentifierBytes = 128
)

// sent is what a queue remembers of a send under its deduplication id.
type sent struct {
	messageID string
	serial    uint64
}

func (c *Core) sendMessage(in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := q.checkSend(in); err != nil {
		return nil, err
	}
	return q.send(in), nil
}

func (c *Core) sendMessageBatch(in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Entries))
	total := 0
	for i, e := range in.Entries {
		ids[i] = aws.ToString(e.Id)
		total += sizeBytes(aws.ToString(e.MessageBody), e.MessageAttributes)
	}
	if err := checkBatch("SendMessageBatch", ids); err != nil {
		return nil, err
	}
	if total > maxBatchBytes {
		return nil, &types.BatchRequestTooLong{
			Message: aws.String(fmt.Sprintf(
				"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, total)),
			ErrorCodeOverride: legacy("BatchRequestTooLong"),
		}
	}
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		one := &sqs.SendMessageInput{
			QueueUrl: in.QueueUrl, MessageBody: e.MessageBody, DelaySeconds: e.DelaySeconds,
			MessageAttributes: e.MessageAttributes, MessageSystemAttributes: e.MessageSystemAttributes,
			MessageDeduplicationId: e.MessageDeduplicationId, MessageGroupId: e.MessageGroupId,
		}
		if err := q.checkSend(one); err != nil {
			out.Failed = append(out.Failed, failedEntry(e.Id, err))
			continue
		}
		done := q.send(one)
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{
			Id: e.Id, MessageId: done.MessageId, SequenceNumber: done.SequenceNumber,
			MD5OfMessageBody: done.MD5OfMessageBody, MD5OfMessageAttributes: done.MD5OfMessageAttributes,
			MD5OfMessageSystemAttributes: done.MD5OfMessageSystemAttributes,
		})
	}
	return out, nil
}

func (q *queue) checkSend(in *sqs.SendMessageInput) error {
	body := aws.ToString(in.MessageBody)
	if body == "" {
		return missing("MessageBody")
	}
	if i := strings.IndexFunc(body, notXML); i >= 0 || !utf8.ValidString(body) {
		return &types.InvalidMessageContents{
			Message: aws.String("Invalid characters found. Valid unicode characters are " +
				"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"),
		}
	}
	if err := checkAttributes(in.MessageAttributes); err != nil {
		return err
	}
	//determinism:ok whichever is refused, it is refused in the same words
	for name, value := range in.MessageSystemAttributes {
		known := string(types.MessageSystemAttributeNameForSendsAWSTraceHeader)
		if name != known || aws.ToString(value.DataType) != "String" || aws.ToString(value.StringValue) == "" {
			return invalid("Message system attribute is invalid: only AWSTraceHeader of type String is supported.")
		}
	}
	if sizeBytes(body, in.MessageAttributes) > q.settings.maxBytes {
		return invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.",
			q.settings.maxBytes)
	}
	return q.checkPlace(in)
}

// checkPlace checks the parameters that place a message: group, deduplication id and delay.
func (q *queue) checkPlace(in *sqs.SendMessageInput) error {
	if in.MessageGroupId != nil {
		if err := checkIdentifier("MessageGroupId", *in.MessageGroupId); err != nil {
			return err
		}
	}
	if in.DelaySeconds < 0 || in.DelaySeconds > maxDelaySeconds {
		return invalidValue(in.DelaySeconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	const notThisType = "The request include parameter that is not valid for this queue type."
	if !q.fifo {
		if in.MessageDeduplicationId != nil {
			return invalidValue(*in.MessageDeduplicationId, "MessageDeduplicationId", notThisType)
		}
		return nil
	}
	if in.DelaySeconds != 0 {
		return invalidValue(in.DelaySeconds, "DelaySeconds", notThisType)
	}
	if in.MessageGroupId == nil {
		return missing("MessageGroupId")
	}
	if in.MessageDeduplicationId != nil {
		return checkIdentifier("MessageDeduplicationId", *in.MessageDeduplicationId)
	}
	if !q.settings.contentDedup {
		return invalid("The queue should either have ContentBasedDeduplication enabled " +
			"or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// send puts a checked message into the queue. A FIFO queue answers a repeated send within five
// minutes as it did the first, and adds nothing.
func (q *queue) send(in *sqs.SendMessageInput) *sqs.SendMessageOutput {
	c := q.core
	body := *in.MessageBody
	out := &sqs.SendMessageOutput{
		MD5OfMessageBody:             aws.String(md5Hex([]byte(body))),
		MD5OfMessageAttributes:       digestAttributes(in.MessageAttributes),
		MD5OfMessageSystemAttributes: digestAttributes(asAttributes(in.MessageSystemAttributes)),
	}
	dedupID, key := aws.ToString(in.MessageDeduplicationId), ""
	if q.fifo {
		if in.MessageDeduplicationId == nil {
			sum := sha256.Sum256([]byte(body))
			dedupID = hex.EncodeToString(sum[:])
		}
		if key = dedupID; q.settings.dedupScope == scopeGroup {
			key = *in.MessageGroupId + " " + dedupID // ids hold no spaces
		}
		if first, ok := q.dedup.get(key, c.now); ok {
			out.MessageId, out.SequenceNumber = &first.messageID, aws.String(sequenceNumber(first.serial))
			return out
		}
	}
	m := &message{
		id: c.opts.NewID(), body: body, attributes: cloneAttributes(in.MessageAttributes),
		groupID: aws.ToString(in.MessageGroupId), dedupID: dedupID, sentAt: c.now,
	}
	trace := in.MessageSystemAttributes[string(types.MessageSystemAttributeNameForSendsAWSTraceHeader)]
	m.traceHeader = aws.ToString(trace.StringValue)
	delay := q.settings.delay
	if in.DelaySeconds != 0 {
		delay = time.Duration(in.DelaySeconds) * time.Second
	}
	q.add(m, delay)
	out.MessageId = aws.String(m.id)
	if q.fifo {
		out.SequenceNumber = aws.String(sequenceNumber(m.serial))
		q.dedup.put(key, sent{messageID: m.id, serial: m.serial}, c.now)
	}
	return out
}

// firstSequenceNumber gives every sequence number the twenty digits that AWS has.
const firstSequenceNumber uint64 = 10_000_000_000_000_000_000

// sequenceNumber formats a serial; the numbers also order as text.
func sequenceNumber(serial uint64) string {
	return strconv.FormatUint(firstSequenceNumber+serial, 10)
}

// notXML says whether r is no character of XML 1.0; a message body may hold no other.
func notXML(r rune) bool {
	switch {
	case r == 0x9, r == 0xA, r == 0xD:
		return false
	case 0x20 <= r && r <= 0xD7FF, 0xE000 <= r && r <= 0xFFFD, 0x10000 <= r && r <= 0x10FFFF:
		return false
	}
	return true
}

// checkIdentifier checks a group or deduplication id.
func checkIdentifier(parameter, id string) error {
	ok := len(id) >= 1 && len(id) <= maxIdentifierBytes
	for i := 0; i < len(id); i++ {
		ok = ok && '!' <= id[i] && id[i] <= '~'
	}
	if !ok {
		return invalidValue(id, parameter,
			parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}

// checkAttributes checks message attributes (SQS Developer Guide, sqs-message-metadata).
func checkAttributes(attrs map[string]types.MessageAttributeValue) error {
	if len(attrs) > maxAttributes {
		return invalid("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attrs), maxAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if !attributeName(name) {
			return invalid("The message attribute name '%s' is invalid.", name)
		}
		value := attrs[name]
		if value.StringListValues != nil || value.BinaryListValues != nil {
			return refused("list values of message attributes")
		}
		kind, _, _ := strings.Cut(aws.ToString(value.DataType), ".")
		switch kind {
		case "String", "Number":
			if aws.ToString(value.StringValue) == "" {
				return emptyAttribute(name, "String")
			}
			if _, err := strconv.ParseFloat(*value.StringValue, 64); kind == "Number" && err != nil {
				return invalid("Can't cast the value of message (user) attribute '%s' to a number.", name)
			}
		case "Binary":
			if len(value.BinaryValue) == 0 {
				return emptyAttribute(name, "Binary")
			}
		default:
			return invalid("The message attribute '%s' has an invalid message attribute type, "+
				"the set of supported type prefixes is Binary, Number, and String.", name)
		}
	}
	return nil
}

func emptyAttribute(name, kind string) error {
	return invalid("The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.",
		name, kind)
}

func attributeName(name string) bool {
	lower := strings.ToLower(name)
	return len(name) <= 256 && alphanumeric(strings.ReplaceAll(name, ".", "-")) &&
		!strings.HasPrefix(lower, "aws.") && !strings.HasPrefix(lower, "amazon.") &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") && !strings.Contains(name, "..")
}

// sizeBytes is the size that counts against the limits: the body and, of each message attribute,
// name, type and value. System attributes are free.
func sizeBytes(body string, attrs map[string]types.MessageAttributeValue) int {
	total := len(body)
	for name, value := range attrs {
		total += len(name) + len(aws.ToString(value.DataType)) + len(aws.ToString(value.StringValue)) + len(value.BinaryValue)
	}
	return total
}

func cloneAttributes(attrs map[string]types.MessageAttributeValue) map[string]types.MessageAttributeValue {
	clone := make(map[string]types.MessageAttributeValue, len(attrs))
	for name, value := range attrs {
		copied := types.MessageAttributeValue{
			DataType: aws.String(aws.ToString(value.DataType)), BinaryValue: slices.Clone(value.BinaryValue),
		}
		if value.StringValue != nil {
			copied.StringValue = aws.String(*value.StringValue)
		}
		clone[name] = copied
	}
	return clone
}

func asAttributes(attrs map[string]types.MessageSystemAttributeValue) map[string]types.MessageAttributeValue {
	as := make(map[string]types.MessageAttributeValue, len(attrs))
	for name, value := range attrs {
		as[name] = types.MessageAttributeValue{DataType: value.DataType, StringValue: value.StringValue}
	}
	return as
}
