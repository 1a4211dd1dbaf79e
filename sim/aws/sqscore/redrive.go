package sqscore

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// redrivePolicy says where a queue puts messages that were received too often.
type redrivePolicy struct {
	targetARN   string
	maxReceives int
}

// parseRedrivePolicy reads the JSON of the attribute RedrivePolicy. Both members are needed;
// maxReceiveCount may be a number or a string of one.
func parseRedrivePolicy(text string) (redrivePolicy, error) {
	var raw struct {
		Target *string         `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return redrivePolicy{}, invalid("One or more parameters are invalid. Reason: " +
			"Amazon SQS can't create the redrive policy, as it’s in an unsupported format.")
	}
	if raw.Target == nil {
		return redrivePolicy{}, invalidValue(text, "RedrivePolicy",
			"Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if raw.Max == nil {
		return redrivePolicy{}, invalidValue(text, "RedrivePolicy",
			"Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	digits := string(raw.Max)
	if unquoted, err := strconv.Unquote(digits); err == nil {
		digits = unquoted
	}
	max, err := strconv.Atoi(digits)
	if err != nil || max < 1 || max > 1000 {
		return redrivePolicy{}, invalidValue(text, "RedrivePolicy", fmt.Sprintf(
			"Invalid value for maxReceiveCount: %s, valid values are from 1 to 1000 both inclusive.", digits))
	}
	return redrivePolicy{targetARN: *raw.Target, maxReceives: max}, nil
}

// setRedrive sets the attribute RedrivePolicy; an empty value removes it.
func (c *Core) setRedrive(arn string, s *settings, text string) error {
	if text == "" {
		s.redrive, s.redriveJSON = nil, ""
		return nil
	}
	p, err := parseRedrivePolicy(text)
	if err != nil {
		return err
	}
	target := c.byARN(p.targetARN)
	switch {
	case target == nil:
		return invalidValue(text, "RedrivePolicy", "Dead letter target does not exist.")
	case target.arn == arn:
		return invalidValue(text, "RedrivePolicy", "A queue cannot be its own dead-letter queue.")
	case target.fifo != s.fifo:
		return invalidValue(text, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source.")
	case !target.admits(arn):
		return invalidValue(text, "RedrivePolicy", "Dead letter target does not allow this queue as a source.")
	}
	s.redrive = &p
	// One form for all, so that equal policies compare equal however they were written.
	s.redriveJSON = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, p.targetARN, p.maxReceives)
	return nil
}

// redriveAllowPolicy says which queues may name this one as their dead-letter queue.
type redriveAllowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

func parseRedriveAllowPolicy(text string) (redriveAllowPolicy, error) {
	var p redriveAllowPolicy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, invalid("One or more parameters are invalid. Reason: " +
			"Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
	}
	if !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, p.Permission) {
		return p, invalidValue(text, "RedriveAllowPolicy", "Invalid value for redrivePermission.")
	}
	if byQueue := p.Permission == "byQueue"; byQueue != (len(p.Sources) > 0) || len(p.Sources) > 10 {
		return p, invalidValue(text, "RedriveAllowPolicy",
			"sourceQueueArns must name 1 to 10 queues if and only if redrivePermission is byQueue.")
	}
	return p, nil
}

func (s *settings) setRedriveAllow(text string) error {
	if text == "" {
		s.allowed, s.allowedJSON = nil, ""
		return nil
	}
	p, err := parseRedriveAllowPolicy(text)
	if err != nil {
		return err
	}
	canonical, err := json.Marshal(p)
	if err != nil {
		return err
	}
	s.allowed, s.allowedJSON = &p, string(canonical)
	return nil
}

// admits says whether q may be the dead-letter queue of the queue arn.
func (q *queue) admits(arn string) bool {
	p := q.settings.allowed
	return p == nil || p.Permission == "allowAll" || p.Permission == "byQueue" && slices.Contains(p.Sources, arn)
}

// deadLetter returns the dead-letter queue if m has been received as often as its queue allows,
// else nil. If the dead-letter queue was deleted, m stays.
func (q *queue) deadLetter(m *message) *queue {
	p := q.settings.redrive
	if p == nil || m.receives < p.maxReceives {
		return nil
	}
	return q.core.byARN(p.targetARN)
}

// bury moves m to its dead-letter queue. m keeps its id and its receive count. On a standard queue
// its retention still counts from when it was sent; on a FIFO queue it starts anew, and the
// deduplication id becomes the message id (SQS Developer Guide, sqs-dead-letter-queues).
func (q *queue) bury(m *message, target *queue) {
	q.remove(m)
	dead := &message{
		id: m.id, body: m.body, attributes: m.attributes, traceHeader: m.traceHeader,
		groupID: m.groupID, dedupID: m.dedupID, source: q.arn,
		sentAt: m.sentAt, receives: m.receives, firstAt: m.firstAt, lastAt: m.lastAt,
	}
	if target.fifo {
		dead.sentAt, dead.dedupID = q.core.now, m.id
	}
	target.add(dead, 0)
}

// sources lists the names of the queues that have q as their dead-letter queue.
func (q *queue) sources() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(q.core.queues)) {
		if p := q.core.queues[name].settings.redrive; p != nil && p.targetARN == q.arn {
			names = append(names, name)
		}
	}
	return names
}

func (c *Core) listDeadLetterSourceQueues(in *sqs.ListDeadLetterSourceQueuesInput) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	urls, next, err := c.page(q.sources(), in.MaxResults, in.NextToken)
	return &sqs.ListDeadLetterSourceQueuesOutput{QueueUrls: urls, NextToken: next}, err
}
