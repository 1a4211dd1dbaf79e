// Package sweep is the Lambda that finds open jobs whose execution is over or never began, whatever
// event was lost, and brings each to its end: an outcome, its record, and a letter if a person must
// act. A schedule calls it.
//
// It promises that a job whose execution runs is left alone, that a second sweep at the same time
// does no harm, and that one job that cannot be ended does not keep the others from it. It decides
// by the job's row, read strongly consistent, and by its execution's status; the index in which it
// finds jobs only says which to look at. What it has no time for is left to the next sweep.
package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Protocol is the part of claim.Store that the sweep needs.
type Protocol interface {
	OpenJobs(ctx context.Context, shard int, admittedBefore time.Time) iter.Seq2[claim.OpenJob, error]
	ReadJob(ctx context.Context, messageID string) (*claim.Job, error)
}

// StepFunctions tells of executions; *sfn.Client satisfies it.
type StepFunctions interface {
	ListExecutions(ctx context.Context, in *sfn.ListExecutionsInput, opts ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
	DescribeExecution(ctx context.Context, in *sfn.DescribeExecutionInput, opts ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// Closer ends jobs and tells people; *ending.Closer satisfies it.
type Closer interface {
	Close(ctx context.Context, c ending.Case) (claim.Job, error)
}

// Settings say which jobs the sweep looks at, and when it gives one up.
type Settings struct {
	Age      time.Duration // younger jobs are left to their executions, and to the events of those
	StartAge time.Duration // an older job whose execution never began has failed. Longer than intake is called again for its mail
}

// DefaultSettings are the defaults of docs/protocol.md, section Settings.
func DefaultSettings() Settings { return Settings{Age: 5 * time.Minute, StartAge: 7 * time.Hour} }

// longest is how long a sweep looks for another job; rest is what it leaves of its function's time
// for the last one.
const (
	longest = 45 * time.Second
	rest    = 10 * time.Second
)

// Handler handles the schedule's events.
type Handler struct {
	protocol Protocol
	flows    StepFunctions
	closer   Closer
	machine  string // the state machine's ARN
	settings Settings
	now      func() time.Time
	log      *slog.Logger
}

// New makes the handler.
func New(protocol Protocol, flows StepFunctions, closer Closer, stateMachineARN string, settings Settings, now func() time.Time, log *slog.Logger) *Handler {
	return &Handler{protocol: protocol, flows: flows, closer: closer, machine: stateMachineARN, settings: settings, now: now, log: log}
}

// Handle sweeps once. It needs nothing of the schedule's event. Its error says that something could
// not be swept; the next sweep tries it again.
func (h *Handler) Handle(ctx context.Context, _ json.RawMessage) error {
	s := &sweep{Handler: h, began: h.now()}
	s.until = s.began.Add(longest)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-rest).Before(s.until) {
		s.until = deadline.Add(-rest)
	}
	// Sweeps begin with different parts, so that one that is never reached is soon the first.
	first := int(s.began.UnixMilli() % claim.OpenShards)
	for i := range claim.OpenShards {
		s.part(ctx, (first+i)%claim.OpenShards)
	}
	telemetry.Write(ctx, h.log, telemetry.Swept{
		Open: s.seen, Running: s.left, Ended: s.ended, Failed: s.unswept, Unfinished: s.unfinished,
	})
	return errors.Join(s.failed...)
}

// sweep is one run of the handler.
type sweep struct {
	*Handler
	began, until time.Time
	running      map[string]bool // the executions that run, by ARN; nil: not read yet
	failed       []error         // of the first few that could not be swept
	unfinished   bool            // its time was over

	seen, left, ended, unswept int // open jobs: all, those whose executions run, those ended now, those that could not be
}

// maxErrors is how many errors a sweep answers with; the log has all.
const maxErrors = 5

// part sweeps the jobs of one part of the index.
func (s *sweep) part(ctx context.Context, shard int) {
	for open, err := range s.protocol.OpenJobs(ctx, shard, s.began.Add(-s.settings.Age)) {
		if err == nil && s.running == nil {
			err = s.readRunning(ctx)
		}
		if err != nil {
			s.fails(ctx, "", err)
			return
		}
		if !s.now().Before(s.until) || ctx.Err() != nil {
			s.unfinished = true
			return
		}
		s.seen++
		if s.running[open.ExecutionARN] {
			s.left++
			continue
		}
		if err := s.job(ctx, open.MessageID); err != nil {
			s.fails(ctx, open.MessageID, fmt.Errorf("sweep %s: %w", open.MessageID, err))
		}
	}
}

// readRunning lists the executions that run: one call for a thousand jobs, where DescribeExecution
// would be a call for each.
func (s *sweep) readRunning(ctx context.Context) error {
	running := map[string]bool{}
	in := &sfn.ListExecutionsInput{StateMachineArn: aws.String(s.machine), StatusFilter: types.ExecutionStatusRunning, MaxResults: 1000}
	for {
		page, err := s.flows.ListExecutions(ctx, in)
		if err != nil {
			return fmt.Errorf("list the executions that run: %w", err)
		}
		for _, x := range page.Executions {
			running[aws.ToString(x.ExecutionArn)] = true
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			s.running = running
			return nil
		}
	}
}

func (s *sweep) fails(ctx context.Context, messageID string, err error) {
	s.unswept++
	telemetry.Write(ctx, s.log, telemetry.SweepFailed{Message: messageID, Error: err.Error()})
	if len(s.failed) < maxErrors {
		s.failed = append(s.failed, err)
	}
}

// job looks at one job whose execution was not among those that run, and brings it to its end if it
// must.
func (s *sweep) job(ctx context.Context, messageID string) error {
	j, err := s.protocol.ReadJob(ctx, messageID)
	if err != nil || j == nil || j.Settled() {
		return err
	}
	c, ok, err := s.judge(ctx, j)
	if err != nil || !ok {
		return err
	}
	c.ExecutionARN = j.ExecutionARN
	if _, err := s.closer.Close(ctx, c); err != nil {
		return err
	}
	s.ended++
	return nil
}

// judge says how the job has to end by what became of its execution; ok is false if it is to be
// left alone.
func (s *sweep) judge(ctx context.Context, j *claim.Job) (c ending.Case, ok bool, err error) {
	x, err := s.flows.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(j.ExecutionARN)})
	var missing *types.ExecutionDoesNotExist
	if errors.As(err, &missing) {
		// A late event of intake may still begin it. Once the job has failed, such an execution
		// changes nothing, as each of its steps needs an open job.
		over := s.began.Sub(job.Time(j.AdmittedAtMillis)) > s.settings.StartAge
		return ending.Case{Message: messageOf(j), Outcome: job.Failed, What: ending.NeverBegan}, over || j.Outcome != "", nil
	}
	if err != nil {
		return c, false, fmt.Errorf("look at its execution: %w", err)
	}
	c, ok = ending.OfExecution(x.Status, aws.ToString(x.Error), aws.ToString(x.Cause))
	if !ok {
		return c, false, nil
	}
	var input job.ExecutionInput
	if err := json.Unmarshal([]byte(aws.ToString(x.Input)), &input); err != nil {
		return c, false, fmt.Errorf("the input of %s: %w", j.ExecutionARN, err)
	}
	if input.Message.MessageID != j.MessageID {
		return c, false, fmt.Errorf("%s is for %s", j.ExecutionARN, input.Message.MessageID)
	}
	c.Message = input.Message
	return c, true, nil
}

// messageOf is the job's message, as far as its row knows it.
func messageOf(j *claim.Job) job.Message {
	project, user := j.Key.Split()
	m := job.Message{
		MessageID: j.MessageID, ProjectID: project, UserID: user, ProjectUserID: j.Key, ThreadID: j.ThreadID,
		ReceivedAtMillis: j.ReceivedAtMillis, From: j.From, Subject: j.Subject,
	}
	if j.Raw != nil {
		m.Raw = *j.Raw
	}
	return m
}
