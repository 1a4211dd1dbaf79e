package process_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/services/worker/process"
)

func TestWhoseFaultItIsThatARunCannotBegin(t *testing.T) {
	longName := []job.Attachment{{FileName: strings.Repeat("x", 300), Source: job.ObjectRef{Key: "raw"}}}
	for _, test := range []struct {
		name   string
		change func(lab)
		files  []job.Attachment
		kind   error // nil: the mail's or its key's, for good
		says   string
		isWell bool // the machine, by its own look
	}{
		{name: "S3 does not give the mail", change: func(l lab) { delete(l.objects, "raw") }, kind: worker.ErrNotNow, says: "fetch s3://emails/raw", isWell: true},
		{name: "S3 does not give what the mail says", change: func(l lab) { delete(l.objects, "content") }, kind: worker.ErrNotNow, says: "fetch s3://media/content", isWell: true},
		{name: "S3 breaks off", change: func(l lab) { l.objects["raw"] = breaksOff }, kind: worker.ErrNotNow, says: "connection reset", isWell: true},
		{name: "the mail was deleted", change: func(l lab) { l.objects["content"] = deleted }, says: "s3://media/content is not there", isWell: true},
		{name: "what the mail says is no JSON", change: func(l lab) { l.objects["content"] = "{" }, says: "no JSON", isWell: true},
		{name: "a file's name is too long", files: longName, says: "name too long", isWell: true},
		{name: "the key's command has left a file in place of its workspace", change: func(l lab) {
			write(l.T, strings.TrimSuffix(l.workspace(""), "/"), "")
		}, says: "not a directory", isWell: true},
		{name: "the command is gone", change: func(l lab) { remove(l.T, filepath.Join(l.root, "smith")) }, kind: worker.ErrMachine, says: "smith"},
		{name: "the command is no program", change: func(l lab) { write(l.T, filepath.Join(l.root, "smith"), "#!/no/such/interpreter") }, kind: worker.ErrMachine, says: "smith", isWell: true},
		{name: "the root is gone", change: func(l lab) { remove(l.T, l.root); write(l.T, l.root, "") }, kind: worker.ErrMachine, says: "not a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, filepath.Join(root, "smith"), "#!/bin/sh\n")
			l := newLabAt(t, root, true, filepath.Join(root, "smith"))
			if test.change != nil {
				test.change(l)
			}
			task := theTask()
			task.Work.Attachments = test.files
			_, err := l.tryToBegin(task)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q", err, test.says)
			}
			for _, kind := range []error{worker.ErrNotNow, worker.ErrMachine} {
				if errors.Is(err, kind) != (test.kind == kind) {
					t.Errorf("error %v: is it %q?", err, kind)
				}
			}
			if sick := l.host.Check(t.Context()); (sick == nil) != test.isWell || (sick != nil && !errors.Is(sick, worker.ErrMachine)) {
				t.Errorf("the machine is well: %v", sick)
			}
			l.noRuns()
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// slow is an S3 that gives nothing before it is told to.
type slow struct {
	objects
	asked chan struct{}
	give  chan struct{}
}

func (s slow) GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	out, err := s.objects.GetObject(ctx, in, opts...)
	if err != nil || *in.Key != "raw" {
		return out, err
	}
	out.Body = io.NopCloser(patient{out.Body, ctx, s})
	return out, nil
}

type patient struct {
	io.Reader
	ctx context.Context
	slow
}

func (p patient) Read(b []byte) (int, error) {
	select {
	case p.asked <- struct{}{}:
	default:
	}
	select {
	case <-p.give:
		return p.Reader.Read(b)
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
}

func TestAPreparationHearsWhatHappens(t *testing.T) {
	given := func(t *testing.T) (lab, slow, worker.Session) {
		l := newLab(t, "/bin/sh", "-c", "exit 4")
		s3 := slow{l.objects, make(chan struct{}, 1), make(chan struct{})}
		l = l.over(s3)
		s := l.host.Begin(t.Context(), theTask())
		<-s3.asked
		return l, s3, s
	}
	t.Run("a nudge, and it begins when the mail is there", func(t *testing.T) {
		l, s3, s := given(t)
		if e := s.Await(t.Context(), time.Now()); e.Kind != worker.Quiet {
			t.Errorf("event %+v, want none", e)
		}
		l.nudges <- interrupt.Nudge{ContainerID: "container-1"}
		if e := s.Await(t.Context(), time.Now().Add(patience)); e.Kind != worker.Nudged {
			t.Errorf("event %+v, want a nudge", e)
		}
		close(s3.give)
		if e := s.Await(t.Context(), time.Now().Add(patience)); e.Kind != worker.Begun {
			t.Errorf("event %+v, want the begin", e)
		}
		if exit := l.exit(s); exit.Code != 4 {
			t.Errorf("exit %+v", exit)
		}
	})
	t.Run("the signal to stop", func(t *testing.T) {
		l, _, s := given(t)
		l.host.Stop()
		if e := s.Await(t.Context(), time.Now().Add(patience)); e.Kind != worker.Stopped {
			t.Errorf("event %+v, want that it stops", e)
		}
		s.Terminate()
		s.Close()
		l.noRuns()
	})
	for name, end := range map[string]func(worker.Session){"SIGTERM": worker.Session.Terminate, "SIGKILL": worker.Session.Kill} {
		t.Run("that it is given up, by "+name, func(t *testing.T) {
			l, s3, s := given(t)
			end(s)
			if e := s.Await(t.Context(), time.Now().Add(patience)); e.Kind != worker.BeginFailed {
				t.Errorf("event %+v, want that it was given up", e)
			}
			s.Close()
			l.noRuns()
			close(s3.give)
			l.run() // the key is free
		})
	}
	t.Run("no begin after the time that was given", func(t *testing.T) {
		_, s3, s := given(t)
		close(s3.give)
		for range 10 { // in whatever moment the mail is ready
			if e := s.Await(t.Context(), time.Now().Add(-time.Hour)); e.Kind != worker.Quiet {
				t.Fatalf("event %+v, want none", e)
			}
		}
		s.Kill()
		s.Close()
	})
}

var _ process.Objects = slow{}
