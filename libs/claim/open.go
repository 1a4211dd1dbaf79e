package claim

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// The index of open jobs has a job from its admission until nothing is left to do for it: it has
// its outcome, the record of that, and its letter, if it needs them. An item without openShard is
// not in the index, so that it stays small, however many jobs have ended.

// OpenShards is how many parts the index has. One would do for a thousand writes a second, and
// every job costs it two.
const OpenShards = 4

// openShard is the part of the index in which an open job is.
func openShard(messageID string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(messageID)) // never fails
	return strconv.Itoa(int(h.Sum32() % OpenShards))
}

// leftToDo says whether something is left to do for a job that ends by this write: to put it on
// record, unless the same write does, or to tell a person.
func (j *Job) leftToDo(recorded bool) bool {
	if _, hasRecord := j.Outcome.RecordReason(); hasRecord && !recorded {
		return true
	}
	return j.NeedsLetter()
}

// Settled says whether nothing is left to do for the job.
func (j *Job) Settled() bool { return j.OpenShard == "" }

// NeedsLetter says whether a person must be told of the job, and was not.
func (j *Job) NeedsLetter() bool {
	return (j.Outcome == job.TimedOut || j.Outcome == job.Failed) && !j.DeadLettered()
}

// Settle takes a job that has ended out of the index of open jobs. The caller knows that nothing is
// left to do for it. A job that is open stays in the index.
func (s *Store) Settle(ctx context.Context, messageID string) error {
	e := newExpression().when("attribute_exists(outcome)").clear("openShard")
	_, err := s.updateJob(ctx, messageID, e)
	if err != nil && awsx.Classify(err) != awsx.Refused {
		return fmt.Errorf("settle %s: %w", messageID, err)
	}
	return nil
}

// OpenJob is a job as the index of open jobs has it. The index is eventually consistent: the job
// may have ended, or be gone.
type OpenJob struct {
	MessageID    string
	ExecutionARN string
}

// OpenJobs yields the jobs of a part of the index that were admitted before a time, the oldest
// first. It reads page by page, as the caller goes on, and ends with the first error.
func (s *Store) OpenJobs(ctx context.Context, shard int, admittedBefore time.Time) iter.Seq2[OpenJob, error] {
	return func(yield func(OpenJob, error) bool) {
		in := &dynamodb.QueryInput{
			TableName: aws.String(s.names.Jobs()), IndexName: aws.String(s.names.JobsOpen()),
			KeyConditionExpression:    aws.String("openShard = :shard AND admittedAt < :before"),
			ExpressionAttributeValues: item.Map{":shard": item.Text(strconv.Itoa(shard)), ":before": item.Number(job.Millis(admittedBefore))},
		}
		for {
			page, err := s.db.Query(ctx, in)
			if err != nil {
				yield(OpenJob{}, fmt.Errorf("read the open jobs, part %d: %w", shard, err))
				return
			}
			for _, it := range page.Items {
				j, err := ParseJob(it)
				if err != nil {
					yield(OpenJob{}, err)
					return
				}
				if !yield(OpenJob{MessageID: j.MessageID, ExecutionARN: j.ExecutionARN}, nil) {
					return
				}
			}
			if in.ExclusiveStartKey = page.LastEvaluatedKey; len(page.LastEvaluatedKey) == 0 {
				return
			}
		}
	}
}
