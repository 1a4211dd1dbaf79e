package stack_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/stack"
)

// quick are short times, so that tests need not wait.
func quick() (claim.Settings, worker.Settings) {
	c := claim.Settings{
		ClaimTTL: time.Minute, Lease: 900 * time.Millisecond, InterruptGrace: 3 * time.Second,
		MaxClockSkew: 50 * time.Millisecond, JobRetention: time.Hour, MaxJobs: claim.DefaultSettings().MaxJobs, MaxWaiting: claim.DefaultSettings().MaxWaiting,
	}
	w := worker.Settings{
		Heartbeat: 300 * time.Millisecond, CommandTimeout: 10 * time.Second, CommandGrace: 500 * time.Millisecond,
		ReceiveWait: 20 * time.Second, Visibility: time.Second, SickAfter: time.Minute, MaxStarts: 10,
	}
	return c, w
}

// lab is a stack with a way to mail it and to look into it.
type lab struct {
	*testing.T
	*stack.Stack
	store *claim.Store
	root  string
}

// startLab starts a stack with the changed configuration, whose workers run the script for each
// message.
func startLab(t *testing.T, workers int, script string, changes ...func(*stack.Config)) lab {
	t.Helper()
	t.Parallel()
	routes, err := mail.NewRoutes("example.com")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	c, w := quick()
	var log *slog.Logger
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	config := stack.Config{
		Address: "127.0.0.1:0", Claim: c, Worker: w, Routes: routes, Root: root, Workers: workers,
		Command: []string{"/bin/sh", "-c", script}, Environ: os.Environ(), Log: log,
	}
	for _, change := range changes {
		change(&config)
	}
	s, err := stack.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	store, err := claim.NewStore(client.NewDynamoDB(s.Call), s.Names(), config.Claim, time.Now, boot.RandomID, boot.Pause)
	if err != nil {
		t.Fatal(err)
	}
	return lab{T: t, Stack: s, store: store, root: root}
}

// mail puts a mail into the bucket, as SES does.
func (l lab) mail(id, subject, inReplyTo string) {
	l.Helper()
	headers := []string{
		"From: Scott <scott@customer.example>", "To: scott@amelia.example.com", "Subject: " + subject,
		"Message-ID: <" + id + "@customer.example>", "Date: Mon, 23 Nov 2026 10:00:00 +0000",
	}
	if inReplyTo != "" {
		headers = append(headers, "In-Reply-To: <"+inReplyTo+"@customer.example>", "References: <"+inReplyTo+"@customer.example>")
	}
	l.put(id, strings.Join(headers, "\r\n")+"\r\n\r\nPlease do it.\r\n", nil)
}

// put puts an object under emails/.
func (l lab) put(id, content string, metadata map[string]string) {
	l.Helper()
	_, err := client.NewS3(l.Call).PutObject(l.Context(), &s3.PutObjectInput{
		Bucket: aws.String(l.Names().Emails()), Key: aws.String("emails/" + id), Body: strings.NewReader(content), Metadata: metadata,
	})
	if err != nil {
		l.Fatal(err)
	}
}

// await waits until cond holds of the message's job.
func (l lab) await(id, what string, cond func(j *claim.Job) bool) *claim.Job {
	l.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		j, err := l.store.ReadJob(l.Context(), id)
		if err != nil {
			l.Fatal(err)
		}
		if j != nil && cond(j) {
			return j
		}
	}
	j, _ := l.store.ReadJob(l.Context(), id)
	l.Fatalf("%s never came to be: %s: %+v", id, what, j)
	return nil
}

func (l lab) outcome(id string) job.Outcome {
	l.Helper()
	return l.await(id, "an outcome", func(j *claim.Job) bool { return j.Outcome != "" }).Outcome
}

func (l lab) started(id string) {
	l.Helper()
	l.await(id, "a start", func(j *claim.Job) bool { return j.StartedAtMillis != 0 })
}

// exists waits for a file that a command writes.
func (l lab) exists(path string) {
	l.Helper()
	l.eventually(path, func() bool {
		_, err := os.Stat(filepath.Join(l.root, path))
		return err == nil
	})
}

// eventually waits until something holds.
func (l lab) eventually(what string, holds func() bool) {
	l.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	l.Fatalf("%s never came to be", what)
}

func TestAMailRunsTheCommandInItsWorkspace(t *testing.T) {
	l := startLab(t, 1, `cat "$HEPHAESTUS_TEXT_FILE" > answer.txt; echo "did: $HEPHAESTUS_SUBJECT"`)
	l.mail("m1", "Mend the door", "")
	if got := l.outcome("m1"); got != job.Completed {
		t.Fatalf("outcome %s, want completed", got)
	}
	content, err := os.ReadFile(filepath.Join(l.root, "workspaces", "amelia", "scott", "answer.txt"))
	if err != nil || !strings.Contains(string(content), "Please do it.") {
		t.Errorf("answer.txt = %q, %v", content, err)
	}
	if j := l.await("m1", "a result", func(j *claim.Job) bool { return true }); j.Result != "did: Mend the door" {
		t.Errorf("result %q", j.Result)
	}
}

func TestAReplyJoinsAndANewThreadPreempts(t *testing.T) {
	l := startLab(t, 2, `trap 'echo half > half.txt; echo saved half.txt > "$HEPHAESTUS_PARTIAL_WORK_FILE"; exit 1' TERM
echo > ready.txt
case "$HEPHAESTUS_SUBJECT" in *slow*) sleep 30 & wait;; *) echo quick;; esac`)
	l.mail("a1", "slow work", "")
	l.started("a1")
	l.exists(filepath.Join("workspaces", "amelia", "scott", "ready.txt"))
	l.mail("a2", "Re: slow work", "a1")
	l.await("a2", "a claim", func(j *claim.Job) bool { return j.ContainerID != "" })
	l.mail("b1", "quick thing", "")
	if got := l.outcome("b1"); got != job.Completed {
		t.Errorf("b1: %s, want completed", got)
	}
	a1 := l.await("a1", "an outcome", func(j *claim.Job) bool { return j.Outcome != "" })
	if a1.Outcome != job.Interrupted || a1.InterruptedBy == nil || a1.PartialWork != "saved half.txt" {
		t.Errorf("a1: %+v %+v", a1, a1.InterruptedBy)
	}
	if got := l.outcome("a2"); got != job.Interrupted && got != job.Superseded {
		t.Errorf("a2: %s", got)
	}
}
