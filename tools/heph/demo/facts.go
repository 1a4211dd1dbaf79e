package demo

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Flows tells how executions ended; *sfn.Client does.
type Flows interface {
	DescribeExecution(ctx context.Context, in *sfn.DescribeExecutionInput, opts ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// Start is a worker's start on a message.
type Start struct {
	MessageID string
	Key       job.Key
	Worker    string
	Fence     int64
}

// Facts are what the story has led to, read back from the stack and the file system; only what no
// table keeps is from the log.
type Facts struct {
	Jobs       map[string]claim.Job // by message
	Claims     []claim.Row
	Records    []audit.Record
	Letters    []job.DeadLetter
	Executions map[string]string // their status, by message
	Files      map[string]string // content, by path under the workspaces
	Starts     []Start           // in their order, by the log
	Joined     []string          // messages that joined a claim, by the log
	Killed     []string          // messages whose command got SIGKILL, by the log
}

// settleWithin is how long executions may take to end after the last job has.
const settleWithin = 10 * time.Second

// facts reads everything back, once every execution has ended.
func (d *Demo) facts(ctx context.Context) (Facts, error) {
	f := Facts{Jobs: map[string]claim.Job{}, Executions: map[string]string{}, Files: map[string]string{}}
	f.hear(d)
	settled, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for _, r := range cast() {
		if err := d.readJob(settled, r.messageID, &f); err != nil {
			return f, err
		}
	}
	claims, err := d.place.Services.Ledger.Claims(ctx)
	if err != nil {
		return f, err
	}
	records, err := d.place.Services.Ledger.Interruptions(ctx, "", 2*len(cast()))
	if err != nil {
		return f, err
	}
	letters, err := d.place.Services.Letters.Look(ctx)
	if err != nil {
		return f, err
	}
	f.Claims, f.Records = claims.Rows, records.Rows
	slices.Reverse(f.Records) // as they came
	for _, l := range letters {
		f.Letters = append(f.Letters, l.DeadLetter)
	}
	return f, f.readFiles(filepath.Join(d.place.Root, "workspaces"))
}

// readJob reads a job and its execution. It waits for the execution's end, as long as ctx lasts.
func (d *Demo) readJob(ctx context.Context, messageID string, f *Facts) error {
	for {
		j, err := d.place.Services.Ledger.Job(ctx, messageID)
		if err != nil || j == nil {
			return err
		}
		out, err := d.place.Services.Flows.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(j.ExecutionARN)})
		if err != nil {
			return fmt.Errorf("execution of %s: %w", messageID, err)
		}
		f.Jobs[messageID], f.Executions[messageID] = *j, string(out.Status)
		if out.Status != sfntypes.ExecutionStatusRunning {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// hear takes from the log what no table keeps.
func (f *Facts) hear(d *Demo) {
	for _, e := range d.watch.all() {
		switch said := e.Said.(type) {
		case telemetry.JobStarted:
			f.Starts = append(f.Starts, Start{MessageID: said.Message, Key: said.Key, Worker: said.Worker, Fence: said.Fence})
		case telemetry.Claimed:
			if said.Claimed && said.How == claim.DecisionJoin.String() {
				f.Joined = append(f.Joined, said.Message)
			}
		case telemetry.CommandKilled:
			f.Killed = append(f.Killed, said.Message)
		}
	}
}

// readFiles reads the workspaces.
func (f *Facts) readFiles(root string) error {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		f.Files[filepath.ToSlash(relative)] = string(content)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the workspaces: %w", err)
	}
	return nil
}
