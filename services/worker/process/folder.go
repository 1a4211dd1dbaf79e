package process

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/worker"
)

// folder is where a command finds its message and leaves its work: a workspace that stays with the
// key, and a run folder that goes with the run.
type folder struct {
	workspace string
	run       string
}

// maxPartialWorkBytes is how much of the partial work file goes on record.
const maxPartialWorkBytes = 4096

// fetchers is how many objects are fetched at once.
const fetchers = 8

func (f folder) message() string     { return filepath.Join(f.run, "message.json") }
func (f folder) text() string        { return filepath.Join(f.run, "message.txt") }
func (f folder) raw() string         { return filepath.Join(f.run, "message.eml") }
func (f folder) attachments() string { return filepath.Join(f.run, "attachments") }
func (f folder) partial() string     { return filepath.Join(f.run, "partial-work.txt") }

// prepare makes the folders and fetches the mail into them.
func (h *Host) prepare(ctx context.Context, t worker.Task) (folder, error) {
	m := t.Work.Message
	f := folder{
		workspace: filepath.Join(h.options.Root, "workspaces", m.ProjectID, m.UserID),
		run:       filepath.Join(h.options.Root, "runs", fmt.Sprintf("%s-%d", job.ExecutionName(m.MessageID), t.Fence)),
	}
	inner := f.run // made with its parents; the command waits for each folder, so none is made without need
	if len(t.Work.Attachments) > 0 {
		inner = f.attachments()
	}
	if err := makeFolder(inner); err != nil {
		return f, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetchers)
	group.Go(func() error { return makeFolder(f.workspace) })
	group.Go(func() error { return h.fetch(ctx, m.Raw, f.raw()) })
	group.Go(func() error {
		var content bytes.Buffer
		if err := h.copy(ctx, m.Content, &content); err != nil {
			return err
		}
		return f.writeMessage(content.Bytes())
	})
	for _, file := range t.Work.Attachments {
		from := file.Source
		if file.Stored != nil {
			from = *file.Stored
		}
		group.Go(func() error { return h.fetch(ctx, from, filepath.Join(f.attachments(), filepath.Base(file.FileName))) })
	}
	return f, group.Wait()
}

func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("make the workspace: %w", err)
	}
	return nil
}

// fetch copies an object into a file.
func (h *Host) fetch(ctx context.Context, from job.ObjectRef, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("fetch s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	if err := h.copy(ctx, from, file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// copy reads an object. Its errors are ErrNotNow: S3 may give the object later.
func (h *Host) copy(ctx context.Context, from job.ObjectRef, to io.Writer) error {
	out, err := h.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(from.Bucket), Key: aws.String(from.Key)})
	if err != nil {
		return fmt.Errorf("%w: fetch s3://%s/%s: %w", worker.ErrNotNow, from.Bucket, from.Key, err)
	}
	defer out.Body.Close()
	if _, err = io.Copy(to, out.Body); err != nil {
		return fmt.Errorf("%w: fetch s3://%s/%s: %w", worker.ErrNotNow, from.Bucket, from.Key, err)
	}
	return nil
}

// writeMessage writes the mail's JSON, and its readable text beside it.
func (f folder) writeMessage(content []byte) error {
	var m mail.Message
	if err := json.Unmarshal(content, &m); err != nil {
		return fmt.Errorf("message: %w", err)
	}
	for path, content := range map[string][]byte{f.message(): content, f.text(): []byte(m.Text)} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("message: %w", err)
		}
	}
	return nil
}

// environment is the variables that describe its message to the command (docs/protocol.md, The
// command).
func (f folder) environment(t worker.Task) []string {
	m := t.Work.Message
	attachments := ""
	if len(t.Work.Attachments) > 0 {
		attachments = f.attachments()
	}
	pairs := [][2]string{
		{"MESSAGE_ID", m.MessageID}, {"THREAD_ID", m.ThreadID}, {"PROJECT_ID", m.ProjectID}, {"USER_ID", m.UserID},
		{"CONTAINER_ID", t.Work.ContainerID}, {"WORKER_ID", t.WorkerID}, {"FENCE", strconv.FormatInt(t.Fence, 10)},
		{"FROM", m.From}, {"SUBJECT", m.Subject},
		{"WORKSPACE", f.workspace}, {"MESSAGE_FILE", f.message()}, {"TEXT_FILE", f.text()}, {"RAW_FILE", f.raw()},
		{"ATTACHMENTS", attachments}, {"PARTIAL_WORK_FILE", f.partial()},
	}
	list := make([]string, len(pairs))
	for i, pair := range pairs {
		list[i] = "HEPHAESTUS_" + pair[0] + "=" + strings.ReplaceAll(pair[1], "\x00", "")
	}
	return list
}

// partialWork is what the command says it has saved.
func (f folder) partialWork() string {
	file, err := os.Open(f.partial())
	if err != nil {
		return ""
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxPartialWorkBytes))
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(strings.TrimSpace(string(content)), "")
}

func (f folder) remove() { _ = os.RemoveAll(f.run) }
