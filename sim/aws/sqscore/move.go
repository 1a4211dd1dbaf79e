package sqscore

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const maxMovedPerSecond = 500

// A moveTask moves dead letters back, a batch each second (SQS API Reference,
// StartMessageMoveTask). Each becomes a new message: new id, new retention, no receives.
type moveTask struct {
	handle      string
	sourceARN   string
	targetARN   string // empty: each message goes to the queue it came from
	perSecond   int
	rateGiven   bool
	status      string
	failure     string
	startedAt   time.Time
	moved, want int
	timer       timer
}

const (
	taskRunning   = "RUNNING"
	taskCompleted = "COMPLETED"
	taskCancelled = "CANCELLED"
	taskFailed    = "FAILED"
)

func (c *Core) startMessageMoveTask(in *sqs.StartMessageMoveTaskInput) (*sqs.StartMessageMoveTaskOutput, error) {
	if aws.ToString(in.SourceArn) == "" {
		return nil, missing("SourceArn")
	}
	source := c.byARN(*in.SourceArn)
	if source == nil {
		return nil, noResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	if len(source.sources()) == 0 {
		return nil, invalid("Source queue must be configured as a Dead Letter Queue.")
	}
	if in.DestinationArn != nil {
		if target := c.byARN(*in.DestinationArn); target == nil {
			return nil, noResource("The resource that you specified for the DestinationArn parameter doesn't exist.")
		} else if target.fifo != source.fifo {
			return nil, invalid("Source and destination queues must be of the same type.")
		}
	}
	t := &moveTask{
		handle: c.opts.NewID(), sourceARN: source.arn, targetARN: aws.ToString(in.DestinationArn),
		perSecond: maxMovedPerSecond, status: taskRunning, startedAt: c.now, want: source.counts[Visible],
	}
	if in.MaxNumberOfMessagesPerSecond != nil {
		t.perSecond, t.rateGiven = int(*in.MaxNumberOfMessagesPerSecond), true
		if t.perSecond < 1 || t.perSecond > maxMovedPerSecond {
			return nil, invalidValue(t.perSecond, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
		}
	}
	for _, other := range c.tasks {
		if other.sourceARN == t.sourceARN && other.status == taskRunning {
			return nil, &types.UnsupportedOperation{
				Message: aws.String("There is already a task running. Only one active task is allowed " +
					"for a source queue arn at a given time."),
				ErrorCodeOverride: legacy("UnsupportedOperation"),
			}
		}
	}
	c.tasks = append(c.tasks, t)
	t.timer = timer{at: c.now, serial: c.next(), task: t}
	c.timers.put(&t.timer)
	return &sqs.StartMessageMoveTaskOutput{TaskHandle: aws.String(t.handle)}, nil
}

func noResource(text string) error {
	return &types.ResourceNotFoundException{Message: aws.String(text)}
}

// stepMove moves the messages of one second, oldest first, and plans the next second or ends the
// task. Messages in flight stay.
func (c *Core) stepMove(t *moveTask) {
	source := c.byARN(t.sourceARN)
	if source == nil {
		t.end(taskFailed, "AWS.SimpleQueueService.NonExistentQueue")
		return
	}
	batch := 0
	for _, m := range source.ordered() {
		if batch == t.perSecond || t.moved == t.want {
			break
		}
		if m.state != Visible {
			continue
		}
		arn := t.targetARN
		if arn == "" {
			arn = m.source
		}
		if arn == "" {
			t.end(taskFailed, "CouldNotDetermineMessageSource")
			return
		}
		target := c.byARN(arn)
		if target == nil {
			t.end(taskFailed, "AWS.SimpleQueueService.NonExistentQueue")
			return
		}
		source.revive(m, target)
		t.moved++
		batch++
	}
	if t.moved >= t.want || batch == 0 {
		t.end(taskCompleted, "")
		return
	}
	t.timer.at = c.now.Add(time.Second)
	c.timers.put(&t.timer)
}

func (t *moveTask) end(status, failure string) { t.status, t.failure = status, failure }

// revive sends m as a new message to target.
func (q *queue) revive(m *message, target *queue) {
	q.remove(m)
	again := &message{
		id: q.core.opts.NewID(), body: m.body, attributes: m.attributes, traceHeader: m.traceHeader,
		groupID: m.groupID, sentAt: q.core.now,
	}
	if target.fifo {
		again.dedupID = again.id
	}
	target.add(again, 0)
}

func (c *Core) listMessageMoveTasks(in *sqs.ListMessageMoveTasksInput) (*sqs.ListMessageMoveTasksOutput, error) {
	arn := aws.ToString(in.SourceArn)
	if arn == "" {
		return nil, missing("SourceArn")
	}
	if c.byARN(arn) == nil {
		return nil, noResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	limit := 1
	if in.MaxResults != nil {
		if limit = int(*in.MaxResults); limit < 1 || limit > 10 {
			return nil, invalidValue(limit, "MaxResults", "Must be between 1 and 10, if provided.")
		}
	}
	out := &sqs.ListMessageMoveTasksOutput{}
	for i := len(c.tasks) - 1; i >= 0 && len(out.Results) < limit; i-- {
		if t := c.tasks[i]; t.sourceARN == arn {
			out.Results = append(out.Results, t.result())
		}
	}
	return out, nil
}

func (t *moveTask) result() types.ListMessageMoveTasksResultEntry {
	r := types.ListMessageMoveTasksResultEntry{
		SourceArn: aws.String(t.sourceARN), Status: aws.String(t.status), StartedTimestamp: t.startedAt.UnixMilli(),
		ApproximateNumberOfMessagesMoved:  int64(t.moved),
		ApproximateNumberOfMessagesToMove: aws.Int64(int64(t.want)),
	}
	if t.targetARN != "" {
		r.DestinationArn = aws.String(t.targetARN)
	}
	if t.rateGiven {
		r.MaxNumberOfMessagesPerSecond = aws.Int32(int32(t.perSecond))
	}
	if t.failure != "" {
		r.FailureReason = aws.String(t.failure)
	}
	if t.status == taskRunning {
		r.TaskHandle = aws.String(t.handle)
	}
	return r
}

func (c *Core) cancelMessageMoveTask(in *sqs.CancelMessageMoveTaskInput) (*sqs.CancelMessageMoveTaskOutput, error) {
	handle := aws.ToString(in.TaskHandle)
	if strings.TrimSpace(handle) == "" {
		return nil, missing("TaskHandle")
	}
	for _, t := range c.tasks {
		if t.handle != handle {
			continue
		}
		if t.status != taskRunning {
			return nil, &types.UnsupportedOperation{
				Message:           aws.String("Only active tasks can be cancelled."),
				ErrorCodeOverride: legacy("UnsupportedOperation"),
			}
		}
		c.timers.drop(&t.timer)
		t.end(taskCancelled, "")
		return &sqs.CancelMessageMoveTaskOutput{ApproximateNumberOfMessagesMoved: int64(t.moved)}, nil
	}
	return nil, noResource("Task does not exist.")
}
