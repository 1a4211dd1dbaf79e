package sqscore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// quietPeriod is how long a queue's name stays taken after its deletion, and how far apart two
// purges of a queue must be (SQS API Reference, DeleteQueue and PurgeQueue).
const quietPeriod = 60 * time.Second

const fifoSuffix = ".fifo"

func (c *Core) createQueue(in *sqs.CreateQueueInput) (*sqs.CreateQueueOutput, error) {
	name := aws.ToString(in.QueueName)
	fifo := in.Attributes[string(types.QueueAttributeNameFifoQueue)] == "true"
	if err := checkQueueName(name, fifo); err != nil {
		return nil, err
	}
	out := &sqs.CreateQueueOutput{QueueUrl: aws.String(c.opts.QueueURL(name))}
	if q := c.queues[name]; q != nil {
		return out, c.sameQueue(q, in.Attributes)
	}
	if at, ok := c.deleted[name]; ok && c.now.Sub(at) < quietPeriod {
		return nil, &types.QueueDeletedRecently{
			Message:           aws.String("You must wait 60 seconds after deleting a queue before you can create another with the same name."),
			ErrorCodeOverride: legacy("QueueDeletedRecently"),
		}
	}
	s, err := c.apply(c.arn(name), defaultSettings(fifo), in.Attributes)
	if err != nil {
		return nil, err
	}
	delete(c.deleted, name)
	q := c.newQueue(name, s)
	maps.Copy(q.tags, in.Tags)
	c.queues[name] = q
	return out, nil
}

func checkQueueName(name string, fifo bool) error {
	base := name
	if fifo {
		var ok bool
		if base, ok = strings.CutSuffix(name, fifoSuffix); !ok || !alphanumeric(base) || len(name) > 80 {
			return invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, " +
				"or underscores, must end with .fifo suffix and be 1 to 80 in length.")
		}
		return nil
	}
	if !alphanumeric(base) || len(name) > 80 {
		return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// alphanumeric says whether s is one or more of A-Z a-z 0-9 - _.
func alphanumeric(s string) bool {
	for _, r := range s {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return s != ""
}

// sameQueue is nil if every given attribute has q's value. It compares the values as SQS reads
// them: a maxReceiveCount may be a string.
func (c *Core) sameQueue(q *queue, attrs map[string]string) error {
	has := q.settings.attributes()
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		s, attribute := q.settings, types.QueueAttributeName(name)
		if err := c.set(q.arn, &s, attribute, attrs[name]); err != nil {
			return err
		}
		if s.attributes()[attribute] != has[attribute] {
			return &types.QueueNameExists{
				Message: aws.String(fmt.Sprintf(
					"A queue already exists with the same name and a different value for attribute %s", name)),
				ErrorCodeOverride: legacy("QueueNameExists"),
			}
		}
	}
	return nil
}

func (c *Core) getQueueURL(in *sqs.GetQueueUrlInput) (*sqs.GetQueueUrlOutput, error) {
	owner := aws.ToString(in.QueueOwnerAWSAccountId)
	name := aws.ToString(in.QueueName)
	if name == "" {
		return nil, missing("QueueName")
	}
	if c.queues[name] == nil || owner != "" && owner != c.opts.AccountID {
		return nil, noQueue()
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: aws.String(c.opts.QueueURL(name))}, nil
}

func (c *Core) listQueues(in *sqs.ListQueuesInput) (*sqs.ListQueuesOutput, error) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.queues)) {
		if strings.HasPrefix(name, aws.ToString(in.QueueNamePrefix)) {
			names = append(names, name)
		}
	}
	urls, next, err := c.page(names, in.MaxResults, in.NextToken)
	return &sqs.ListQueuesOutput{QueueUrls: urls, NextToken: next}, err
}

// page sorts names and returns one page of them; a token is the last name of the previous page.
func (c *Core) page(names []string, max *int32, token *string) (urls []string, next *string, err error) {
	limit := 1000
	if max != nil {
		if limit = int(*max); limit < 1 || limit > 1000 {
			return nil, nil, invalidValue(limit, "MaxResults", "Must be between 1 and 1000, if provided.")
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if name <= aws.ToString(token) {
			continue
		}
		if len(urls) == limit {
			return urls, aws.String(queueName(urls[limit-1])), nil
		}
		urls = append(urls, c.opts.QueueURL(name))
	}
	return urls, nil, nil
}

func (c *Core) deleteQueue(in *sqs.DeleteQueueInput) (*sqs.DeleteQueueOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.clear()
	delete(c.queues, q.name)
	c.deleted[q.name] = c.now
	return &sqs.DeleteQueueOutput{}, nil
}

// purgeQueue removes everything at once; AWS takes up to 60 seconds.
func (c *Core) purgeQueue(in *sqs.PurgeQueueInput) (*sqs.PurgeQueueOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if !q.purgedAt.IsZero() && c.now.Sub(q.purgedAt) < quietPeriod {
		return nil, &types.PurgeQueueInProgress{
			Message: aws.String(fmt.Sprintf(
				"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)),
			ErrorCodeOverride: legacy("PurgeQueueInProgress"),
		}
	}
	q.purgedAt = c.now
	q.clear()
	return &sqs.PurgeQueueOutput{}, nil
}

func (c *Core) tagQueue(in *sqs.TagQueueInput) (*sqs.TagQueueOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	maps.Copy(q.tags, in.Tags)
	return &sqs.TagQueueOutput{}, nil
}

func (c *Core) untagQueue(in *sqs.UntagQueueInput) (*sqs.UntagQueueOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(q.tags, key)
	}
	return &sqs.UntagQueueOutput{}, nil
}

func (c *Core) listQueueTags(in *sqs.ListQueueTagsInput) (*sqs.ListQueueTagsOutput, error) {
	q, err := c.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.ListQueueTagsOutput{Tags: maps.Clone(q.tags)}, nil
}
