package simtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
)

// Key is the key of all messages that Message makes.
const Key job.Key = "amelia#scott"

// Message is a message that was received the given seconds after Start.
func Message(id, thread string, seconds int) job.Message {
	return job.Message{
		MessageID: id, ProjectID: "amelia", UserID: "scott", ProjectUserID: Key, ThreadID: thread,
		ReceivedAtMillis: job.Millis(Start.Add(time.Duration(seconds) * time.Second)),
		Raw:              job.ObjectRef{Bucket: "webordinary-emails", Key: "emails/" + id},
		From:             "scott@example.com", Subject: "About " + thread,
	}
}

// Work is the message of the work queue for a job.
func Work(m job.Message, containerID string) job.Work {
	return job.Work{Message: m, ContainerID: containerID, TaskToken: "work-" + m.MessageID}
}

// StateMachineARN is the state machine of the rows that Admit puts.
const StateMachineARN = "arn:aws:states:us-east-1:000000000000:stateMachine:flow"

// Execution is the ARN of the execution that the row of an admitted message names.
func (l *Lab) Execution(m job.Message) string {
	l.t.Helper()
	j, err := claim.ParseJob(l.Item(l.Names.Jobs(), "messageId", m.MessageID))
	l.must(nil, err)
	return j.ExecutionARN
}

// Admit puts the rows of messages, as intake does.
func (l *Lab) Admit(messages ...job.Message) {
	l.t.Helper()
	store := l.Store(claim.DefaultSettings())
	for _, m := range messages {
		_, err := store.Admit(context.Background(), m, StateMachineARN, nil)
		l.must(nil, err)
	}
}

// Begins starts the executions that the rows of admitted messages name, as intake does.
func (l *Lab) Begins(messages ...job.Message) {
	l.t.Helper()
	for _, m := range messages {
		input, err := json.Marshal(job.ExecutionInput{Message: m})
		l.must(nil, err)
		_, err = l.StepFunctions().StartExecution(context.Background(), &sfn.StartExecutionInput{
			StateMachineArn: aws.String(StateMachineARN), Name: aws.String(awsx.ExecutionName(l.Execution(m))), Input: aws.String(string(input)),
		})
		l.must(nil, err)
	}
}

// Open lists the messages in the index of open jobs, sorted.
func (l *Lab) Open() []string {
	l.t.Helper()
	store := l.Store(claim.DefaultSettings())
	open := []string{}
	for shard := range claim.OpenShards {
		for j, err := range store.OpenJobs(context.Background(), shard, l.Now().Add(time.Hour)) {
			l.must(nil, err)
			open = append(open, j.MessageID)
		}
	}
	slices.Sort(open)
	return open
}

// Row is the claim of Key in a line: times since Start, fences since Start's milliseconds,
// containers by the last part of their ids.
func (l *Lab) Row() string {
	l.t.Helper()
	stored := l.Item(l.Names.ActiveJobs(), "projectUserId", string(Key))
	row, err := claim.ParseRow(stored)
	l.must(nil, err)
	if row == nil {
		return "no row"
	}
	l.allRead(stored, row.Item())
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s jobs=%s newest=%s@%s claimed=%s fence=%d", Short(row.ContainerID), row.ThreadID, strings.Join(row.Jobs, ","),
		row.NewestMessageID, since(row.ReceivedAtMillis), since(row.ClaimedAtMillis), row.Fence-job.Millis(Start))
	if row.WorkerID != "" || row.WorkerJob != "" || row.LeaseExpiresAtMillis != 0 {
		fmt.Fprintf(&s, " worker=%s/%s lease=%s", row.WorkerID, row.WorkerJob, since(row.LeaseExpiresAtMillis))
	}
	fmt.Fprintf(&s, " expires=%s", since(row.ExpiresAtSeconds*1000))
	if p := row.Preemptor; p != nil {
		fmt.Fprintf(&s, " | %s newest=%s@%s asked=%s waiting=", p.ThreadID, p.NewestMessageID, since(p.ReceivedAtMillis), since(p.RequestedAtMillis))
		for i, id := range slices.Sorted(maps.Keys(p.Waiting)) {
			if i > 0 {
				s.WriteByte(',')
			}
			fmt.Fprintf(&s, "%s:%s", id, p.Waiting[id])
		}
	}
	return s.String()
}

// Job is what became of a message, in a line.
func (l *Lab) Job(messageID string) string {
	l.t.Helper()
	stored := l.Item(l.Names.Jobs(), "messageId", messageID)
	j, err := claim.ParseJob(stored)
	l.must(nil, err)
	if j == nil {
		return "no job"
	}
	l.allRead(stored, j.Item())
	s := "open"
	if j.Outcome != "" {
		s = fmt.Sprintf("%s at %s", j.Outcome, since(j.OutcomeAtMillis))
	}
	if j.ContainerID != "" {
		s += " in " + Short(j.ContainerID)
	}
	if j.StartedAtMillis != 0 {
		s += " started " + since(j.StartedAtMillis)
	}
	if j.LostStarts != 0 {
		s += fmt.Sprintf(" (%d lost)", j.LostStarts)
	}
	if j.Result != "" {
		s += ": " + j.Result
	}
	if by := j.InterruptedBy; by != nil {
		s += fmt.Sprintf(" (by %s/%s since %s)", by.ThreadID, by.MessageID, since(by.RequestedAtMillis))
	}
	if j.PartialWork != "" {
		s += ", saved: " + j.PartialWork
	}
	return s
}

// Record is the interruption of a message, in a line.
func (l *Lab) Record(messageID string) string {
	l.t.Helper()
	stored := l.Item(l.Names.Interruptions(), "messageId", messageID)
	if len(stored) == 0 {
		return "no record"
	}
	r, err := audit.Parse(stored)
	l.must(nil, err)
	l.allRead(stored, r.Item())
	s := fmt.Sprintf("%s %s", r.Reason, r.InterruptedThreadID)
	if r.InterruptedContainer != "" {
		s += " in " + Short(r.InterruptedContainer)
	}
	if r.NewThreadID != "" {
		s += fmt.Sprintf(" by %s/%s since %s", r.NewThreadID, r.NewMessageID, since(r.RequestedAtMillis))
	}
	if r.PartialWork != "" {
		s += ", saved: " + r.PartialWork
	}
	return s
}

// Item is the item under a key of a table; nil if there is none.
func (l *Lab) Item(table, key, value string) item.Map {
	l.t.Helper()
	out, err := l.DynamoDB().GetItem(context.Background(), &dynamodb.GetItemInput{
		TableName: aws.String(table), Key: item.Map{key: item.Text(value)}, ConsistentRead: aws.Bool(true),
	})
	l.must(out, err)
	return out.Item
}

// allRead fails the test if the stored item has an attribute that the row's list lacks: known is
// the item as it was read and would be written. Only DynamoDB's TTL reads expiresAt.
func (l *Lab) allRead(stored, known item.Map) {
	l.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if known[name] == nil && name != "expiresAt" {
			l.t.Fatalf("simtest: the attribute %s is written and never read: the row's list of attributes lacks it", name)
		}
	}
}

// Wakes are wake-ups in a line: who goes on, who lost its place.
func Wakes(wakes []claim.Wake) string {
	var parts []string
	for _, w := range wakes {
		what := "goes on"
		if w.Superseded {
			what = "superseded"
		}
		parts = append(parts, fmt.Sprintf("%s:%s %s", w.MessageID, w.Token, what))
	}
	return strings.Join(parts, "; ")
}

// Short is the last part of a container's id.
func Short(containerID string) string { return containerID[strings.LastIndexByte(containerID, '-')+1:] }

func since(millis int64) string {
	if millis == 0 {
		return "never"
	}
	return job.Time(millis).Sub(Start).String()
}
