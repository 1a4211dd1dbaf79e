package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/worker"
)

// folder is where a command finds its message and leaves its work: a workspace that stays with the
// key, and a run folder that goes with the run. Both are the run's alone while it holds the key's
// lock.
type folder struct {
	workspace string
	key       string // of the key's run, which lies in it
	run       string
	lock      *os.File
}

// How much is read of what the command says: of the partial work file, and of the result file,
// which stands in the job's result above the end of the output.
const (
	maxPartialWorkBytes = 4096
	maxResultBytes      = 2048
)

// fetchers is how many objects are fetched at once.
const fetchers = 8

func (f folder) message() string     { return filepath.Join(f.run, "message.json") }
func (f folder) text() string        { return filepath.Join(f.run, "message.txt") }
func (f folder) raw() string         { return filepath.Join(f.run, "message.eml") }
func (f folder) attachments() string { return filepath.Join(f.run, "attachments") }
func (f folder) partial() string     { return filepath.Join(f.run, "partial-work.txt") }
func (f folder) result() string      { return filepath.Join(f.run, "result.txt") }

// prepare makes the folders and fetches the mail into them. The folder is to be removed even if it
// fails.
func (h *Host) prepare(ctx context.Context, t worker.Task) (folder, error) {
	m := t.Work.Message
	key := filepath.Join(h.options.Root, "runs", m.ProjectID, m.UserID)
	f := folder{
		workspace: filepath.Join(h.options.Root, "workspaces", m.ProjectID, m.UserID),
		key:       key,
		run:       filepath.Join(key, fmt.Sprintf("%s-%d", job.SafeName(m.MessageID), t.Fence)),
	}
	var err error
	if f.lock, err = h.lockKey(ctx, m); err != nil {
		return f, err
	}
	if err := removeAll(f.key); err != nil { // what a run has left whose worker was killed
		return f, fmt.Errorf("remove an earlier run: %w", err)
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

// makeFolder makes a folder with its parents. The end of another key's run may remove a parent that
// they share, if it is empty just then.
func makeFolder(path string) error {
	var err error
	for range 100 {
		if err = os.MkdirAll(path, 0o700); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("make the workspace: %w", err)
	}
	return nil
}

// removeRuns removes what a key's runs have left, and their project's folder, if no other key's are
// in it.
func removeRuns(key string) error {
	err := removeAll(key)
	_ = os.Remove(filepath.Dir(key))
	return err
}

// removeAll removes a folder, even if a command has taken the right to write from folders in it.
func removeAll(path string) error {
	if os.RemoveAll(path) == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error { // what remains is told below
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	return os.RemoveAll(path)
}

// removeLeftovers removes the mail that dead workers have left. A run that holds its key's lock is
// alive.
func (h *Host) removeLeftovers() {
	keys, _ := fs.Glob(os.DirFS(h.options.Root), "runs/*/*") // the pattern is well formed
	for _, key := range keys {
		lock, err := openLock(keyLock(h.options.Root, filepath.Base(filepath.Dir(key)), filepath.Base(key)))
		if err != nil {
			continue
		}
		if tryLock(lock, syscall.LOCK_EX) == nil {
			_ = removeRuns(filepath.Join(h.options.Root, key)) // the key's next run tries again, and says why not
		}
		lock.Close()
	}
}

// fetch copies an object into a file.
func (h *Host) fetch(ctx context.Context, from job.ObjectRef, path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("fetch s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	if err := h.copy(ctx, from, file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// copy reads an object. What S3 does not give now it may give later (ErrNotNow), but an object that
// is not there has been deleted: the mail's job begins after it is stored.
func (h *Host) copy(ctx context.Context, from job.ObjectRef, to io.Writer) error {
	out, err := h.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(from.Bucket), Key: aws.String(from.Key)})
	var gone *types.NoSuchKey
	if errors.As(err, &gone) {
		return fmt.Errorf("%w: s3://%s/%s is not there: somebody, or a rule of the bucket's lifecycle, has deleted it", errMail, from.Bucket, from.Key)
	}
	if err != nil {
		return fmt.Errorf("%w: fetch s3://%s/%s: %w", worker.ErrNotNow, from.Bucket, from.Key, err)
	}
	defer out.Body.Close()
	if _, err = io.Copy(to, source{out.Body}); err != nil {
		return fmt.Errorf("fetch s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	return nil
}

// source is an object that is read. Its errors are S3's, not the machine's.
type source struct{ io.Reader }

func (s source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", worker.ErrNotNow, err)
	}
	return n, err
}

// writeMessage writes the mail's JSON, and its readable text beside it.
func (f folder) writeMessage(content []byte) error {
	var m mail.Message
	if err := json.Unmarshal(content, &m); err != nil {
		return fmt.Errorf("%w: its content is no JSON of a message: %w", errMail, err)
	}
	for path, content := range map[string][]byte{f.message(): content, f.text(): []byte(m.Text)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
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
		{"ATTACHMENTS", attachments}, {"PARTIAL_WORK_FILE", f.partial()}, {"RESULT_FILE", f.result()},
	}
	list := make([]string, len(pairs))
	for i, pair := range pairs {
		list[i] = "HEPHAESTUS_" + pair[0] + "=" + strings.ReplaceAll(pair[1], "\x00", "")
	}
	return list
}

// said is what the command says in a file: that of its partial work, or of its result. Only a
// regular file counts, and only its begin: a pipe, a device or a link may be there by mistake, and
// reading it may never end, while the lease does.
func said(path string, maxBytes int64) string {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	content, err := io.ReadAll(io.LimitReader(file, maxBytes))
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(strings.TrimSpace(string(content)), "")
}

// remove removes the run's folder and gives the key free. The workspace stays.
func (f folder) remove() {
	if f.lock == nil {
		return // what is there is another's
	}
	_ = removeRuns(f.key) // the key's next run tries again, and says why not
	f.lock.Close()
}
