package sqscore

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// settings are the attributes of a queue that can be set (SQS API Reference, CreateQueue and
// SetQueueAttributes).
type settings struct {
	fifo         bool
	delay        time.Duration
	maxBytes     int
	retention    time.Duration
	wait         time.Duration
	visibility   time.Duration
	contentDedup bool
	dedupScope   string
	throughput   string
	serverSide   string
	redrive      *redrivePolicy
	redriveJSON  string
	allowed      *redriveAllowPolicy
	allowedJSON  string
}

// Values of DeduplicationScope.
const (
	scopeQueue = "queue"
	scopeGroup = "messageGroup"
)

// Values of FifoThroughputLimit. The limit is for each group only if deduplication is too (SQS API
// Reference, SetQueueAttributes).
const (
	perQueue = "perQueue"
	perGroup = "perMessageGroupId"
)

func defaultSettings(fifo bool) settings {
	return settings{
		fifo: fifo, maxBytes: 1 << 20, retention: 4 * 24 * time.Hour, visibility: 30 * time.Second,
		dedupScope: scopeQueue, throughput: perQueue, serverSide: "true",
	}
}

// numeric lists the attributes that are whole numbers, with their bounds.
var numeric = map[types.QueueAttributeName]struct{ min, max int }{
	types.QueueAttributeNameDelaySeconds:                  {0, 900},
	types.QueueAttributeNameMaximumMessageSize:            {1024, 1 << 20},
	types.QueueAttributeNameMessageRetentionPeriod:        {60, 1209600},
	types.QueueAttributeNameReceiveMessageWaitTimeSeconds: {0, 20},
	types.QueueAttributeNameVisibilityTimeout:             {0, maxVisibilitySeconds},
}

// apply sets every attribute of attrs in s, the settings of the queue arn, or fails if one is
// wrong.
func (c *Core) apply(arn string, s settings, attrs map[string]string) (settings, error) {
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if err := c.set(arn, &s, types.QueueAttributeName(name), attrs[name]); err != nil {
			return s, err
		}
	}
	if s.throughput == perGroup && s.dedupScope != scopeGroup {
		return s, badAttribute(types.QueueAttributeNameFifoThroughputLimit)
	}
	return s, nil
}

func (c *Core) set(arn string, s *settings, name types.QueueAttributeName, value string) error {
	if bounds, ok := numeric[name]; ok {
		n, err := strconv.Atoi(value)
		if err != nil || n < bounds.min || n > bounds.max {
			return badAttribute(name)
		}
		s.setNumber(name, n)
		return nil
	}
	switch name {
	case types.QueueAttributeNameRedrivePolicy:
		return c.setRedrive(arn, s, value)
	case types.QueueAttributeNameRedriveAllowPolicy:
		return s.setRedriveAllow(value)
	case types.QueueAttributeNameSqsManagedSseEnabled:
		return oneOf(&s.serverSide, name, value, "true", "false")
	case types.QueueAttributeNamePolicy, types.QueueAttributeNameKmsMasterKeyId,
		types.QueueAttributeNameKmsDataKeyReusePeriodSeconds:
		return refused("the queue attribute " + string(name))
	case types.QueueAttributeNameFifoQueue:
		if s.fifo && value == "true" {
			return nil
		}
	}
	if s.fifo {
		return s.setFIFO(name, value)
	}
	return unknownAttribute(name)
}

func (s *settings) setNumber(name types.QueueAttributeName, n int) {
	seconds := time.Duration(n) * time.Second
	switch name {
	case types.QueueAttributeNameDelaySeconds:
		s.delay = seconds
	case types.QueueAttributeNameMaximumMessageSize:
		s.maxBytes = n
	case types.QueueAttributeNameMessageRetentionPeriod:
		s.retention = seconds
	case types.QueueAttributeNameReceiveMessageWaitTimeSeconds:
		s.wait = seconds
	case types.QueueAttributeNameVisibilityTimeout:
		s.visibility = seconds
	}
}

func (s *settings) setFIFO(name types.QueueAttributeName, value string) error {
	switch name {
	case types.QueueAttributeNameContentBasedDeduplication:
		if value != "true" && value != "false" {
			return badAttribute(name)
		}
		s.contentDedup = value == "true"
		return nil
	case types.QueueAttributeNameDeduplicationScope:
		return oneOf(&s.dedupScope, name, value, scopeQueue, scopeGroup)
	case types.QueueAttributeNameFifoThroughputLimit:
		return oneOf(&s.throughput, name, value, perQueue, perGroup)
	}
	return unknownAttribute(name)
}

func oneOf(field *string, name types.QueueAttributeName, value string, allowed ...string) error {
	if !slices.Contains(allowed, value) {
		return badAttribute(name)
	}
	*field = value
	return nil
}

func badAttribute(name types.QueueAttributeName) error {
	return &types.InvalidAttributeValue{Message: aws.String(fmt.Sprintf("Invalid value for the parameter %s.", name))}
}

func unknownAttribute(name types.QueueAttributeName) error {
	return &types.InvalidAttributeName{Message: aws.String(fmt.Sprintf("Unknown Attribute %s.", name))}
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// attributes lists the settings by attribute name, each value in one form.
func (s settings) attributes() map[types.QueueAttributeName]string {
	all := map[types.QueueAttributeName]string{
		types.QueueAttributeNameDelaySeconds:                  seconds(s.delay),
		types.QueueAttributeNameMaximumMessageSize:            strconv.Itoa(s.maxBytes),
		types.QueueAttributeNameMessageRetentionPeriod:        seconds(s.retention),
		types.QueueAttributeNameReceiveMessageWaitTimeSeconds: seconds(s.wait),
		types.QueueAttributeNameVisibilityTimeout:             seconds(s.visibility),
		types.QueueAttributeNameSqsManagedSseEnabled:          s.serverSide,
	}
	if s.redrive != nil {
		all[types.QueueAttributeNameRedrivePolicy] = s.redriveJSON
	}
	if s.allowed != nil {
		all[types.QueueAttributeNameRedriveAllowPolicy] = s.allowedJSON
	}
	if s.fifo {
		all[types.QueueAttributeNameFifoQueue] = "true"
		all[types.QueueAttributeNameContentBasedDeduplication] = strconv.FormatBool(s.contentDedup)
		all[types.QueueAttributeNameDeduplicationScope] = s.dedupScope
		all[types.QueueAttributeNameFifoThroughputLimit] = s.throughput
	}
	return all
}

// attributes lists everything that GetQueueAttributes knows of q.
func (q *queue) attributes() map[types.QueueAttributeName]string {
	all := q.settings.attributes()
	all[types.QueueAttributeNameQueueArn] = q.arn
	all[types.QueueAttributeNameApproximateNumberOfMessages] = strconv.Itoa(q.counts[Visible])
	all[types.QueueAttributeNameApproximateNumberOfMessagesNotVisible] = strconv.Itoa(q.counts[InFlight])
	all[types.QueueAttributeNameApproximateNumberOfMessagesDelayed] = strconv.Itoa(q.counts[Delayed])
	all[types.QueueAttributeNameCreatedTimestamp] = strconv.FormatInt(q.createdAt.Unix(), 10)
	all[types.QueueAttributeNameLastModifiedTimestamp] = strconv.FormatInt(q.modifiedAt.Unix(), 10)
	return all
}

func (c *Core) getQueueAttributes(in *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	known := types.QueueAttributeName("").Values()
	for _, name := range in.AttributeNames {
		if !slices.Contains(known, name) {
			return nil, unknownAttribute(name)
		}
	}
	var out map[string]string
	for name, value := range q.attributes() {
		if slices.Contains(in.AttributeNames, name) || slices.Contains(in.AttributeNames, types.QueueAttributeNameAll) {
			if out == nil {
				out = map[string]string{}
			}
			out[string(name)] = value
		}
	}
	return &sqs.GetQueueAttributesOutput{Attributes: out}, nil
}

func (c *Core) setQueueAttributes(in *sqs.SetQueueAttributesInput) (*sqs.SetQueueAttributesOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s, err := c.apply(q.arn, q.settings, in.Attributes)
	if err != nil {
		return nil, err
	}
	longer := s.retention - q.settings.retention
	q.settings, q.modifiedAt = s, c.now
	if longer != 0 {
		for _, m := range q.ordered() {
			m.expiresAt = m.expiresAt.Add(longer)
			q.enter(m, m.state)
		}
	}
	return &sqs.SetQueueAttributesOutput{}, nil
}
