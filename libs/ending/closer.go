package ending

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Case is one job that has to be ended.
type Case struct {
	Message      job.Message
	ContainerID  string // set for a work message: end the job only while this is its container
	ExecutionARN string // set if an execution is over, or never began: end the job only if this is its own
	SpareLive    bool   // end the job only if no worker is at it under a live lease
	Outcome      job.Outcome
	What         string // what happened, in a sentence of at most job.MaxSaidBytes
}

// What is said of a job whose execution never began, and of one whose execution was aborted.
const (
	NeverBegan = "its execution never began"
	Aborted    = "its execution was aborted"
)

// OfExecution is the case of a job whose execution is over, by its status, its error and that
// error's cause; it lacks the job. ok is false if an execution in this status is not over.
func OfExecution(status types.ExecutionStatus, failure, cause string) (c Case, ok bool) {
	c.Outcome = job.Failed
	switch status {
	case types.ExecutionStatusAborted:
		c.What = Aborted
	case types.ExecutionStatusFailed:
		c.What = "its execution failed outside of its catches"
	case types.ExecutionStatusTimedOut:
		c.Outcome, c.What = job.TimedOut, "its execution timed out"
	case types.ExecutionStatusSucceeded:
		c.What = "its execution succeeded, and did not say how the job ended"
	default:
		return Case{}, false
	}
	if failure != "" {
		c.What += fmt.Sprintf(" (%s: %s)", failure, cause)
	}
	c.What = job.Cut(c.What, job.MaxSaidBytes)
	return c, true
}

// Ender ends jobs; *Jobs does.
type Ender interface {
	End(ctx context.Context, c claim.CleanUp) (claim.Job, error)
}

// Teller tells people; *Letters does.
type Teller interface {
	Send(ctx context.Context, letter job.DeadLetter) error
}

// Closer ends jobs whose time is over or whose executions ended elsewhere, and tells a person.
type Closer struct {
	jobs    Ender
	letters Teller
	now     func() time.Time
	log     *slog.Logger
}

// NewCloser makes a Closer.
func NewCloser(jobs Ender, letters Teller, now func() time.Time, log *slog.Logger) *Closer {
	return &Closer{jobs: jobs, letters: letters, now: now, log: log}
}

// Close ends the job and tells a person, each only if that was not done before. It answers with the
// job as it has ended; without an outcome, if it was left alone.
func (l *Closer) Close(ctx context.Context, c Case) (claim.Job, error) {
	m := c.Message
	if err := m.Validate(); err != nil {
		return claim.Job{}, err
	}
	j, err := l.jobs.End(ctx, claim.CleanUp{
		Message: m, ContainerID: c.ContainerID, ExecutionARN: c.ExecutionARN, SpareLive: c.SpareLive,
		End: claim.End{Outcome: c.Outcome, Result: c.What},
	})
	if err != nil {
		return claim.Job{}, err
	}
	if j.Outcome == "" {
		telemetry.Write(ctx, l.log, telemetry.JobLeftAlone{Message: m.MessageID, Key: m.ProjectUserID, Container: j.ContainerID, Because: c.What})
	} else {
		telemetry.Write(ctx, l.log, telemetry.JobEnded{Message: m.MessageID, Key: m.ProjectUserID, Outcome: j.Outcome, Container: j.ContainerID, Because: c.What})
	}
	return j, l.tell(ctx, m, j, c)
}

// tell puts a job that timed out or failed on the dead letter queue.
func (l *Closer) tell(ctx context.Context, m job.Message, j claim.Job, c Case) error {
	if !j.NeedsLetter() {
		return nil
	}
	what := c.What
	if j.Result != "" {
		what = j.Result
	}
	letter := job.DeadLetter{
		Kind: string(j.Outcome), MessageID: m.MessageID, ProjectUserID: m.ProjectUserID, ThreadID: m.ThreadID,
		ContainerID: j.ContainerID, ExecutionARN: j.ExecutionARN, From: m.From, Subject: m.Subject,
		What: what, LookInto: lookInto(m, j), AtMillis: job.Millis(l.now()),
	}
	if m.Raw != (job.ObjectRef{}) {
		letter.Raw = &m.Raw
	}
	return l.letters.Send(ctx, letter)
}

// lookInto returns shell commands that show more of what happened, and that deal with it.
func lookInto(m job.Message, j claim.Job) []string {
	commands := job.LookInto(m.MessageID, m.Raw)
	if j.ExecutionARN != "" {
		commands = append(commands, "aws stepfunctions get-execution-history --execution-arn "+j.ExecutionARN)
	}
	return commands
}
