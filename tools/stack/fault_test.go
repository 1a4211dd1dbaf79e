package stack_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/tools/stack"
)

// journal is a log that may be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// ask sends a request to the stack's port. A JSON target makes it a POST of {}.
func (l lab) ask(target, path string) (status int, body string) {
	l.Helper()
	method := http.MethodGet
	if target != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(l.Context(), method, l.Endpoint()+path, strings.NewReader("{}"))
	if err != nil {
		l.Fatal(err)
	}
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	answer, err := (&http.Client{Timeout: patience}).Do(r)
	if err != nil {
		l.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		l.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

func TestACoreThatPanicsAnswers500AndTheOthersGoOn(t *testing.T) {
	log := &journal{}
	l := startLab(t, 0, "", func(c *stack.Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	var healthy cloud.Cores
	l.Change(func(c *cloud.Cloud) { healthy = c.Cores; c.DynamoDB, c.S3, c.Lambda = nil, nil, nil })
	for _, test := range []struct{ target, path, want string }{
		{"DynamoDB_20120810.ListTables", "/", "InternalServerError"},
		{"", "/bucket/key", "InternalError"},
	} {
		if status, body := l.ask(test.target, test.path); status != 500 || !strings.Contains(body, test.want) {
			t.Errorf("%+v: %d %s", test, status, body)
		}
	}
	if !strings.Contains(log.String(), "fault") || !strings.Contains(log.String(), "ddbcore") {
		t.Errorf("the log has no trace of it: %s", log)
	}
	l.Change(func(c *cloud.Cloud) { c.Cores = healthy })
	l.Change(func(c *cloud.Cloud) { c.DynamoDB = nil })
	if status, body := l.ask("AmazonSQS.ListQueues", "/"); status != 200 {
		t.Errorf("SQS beside a broken DynamoDB: %d %s", status, body)
	}
	l.Change(func(c *cloud.Cloud) { c.Cores = healthy })
	if status, body := l.ask("DynamoDB_20120810.ListTables", "/"); status != 200 {
		t.Errorf("after the fault: %d %s", status, body)
	}
}

func TestEveryWayIntoTheCoresSurvivesAPanic(t *testing.T) {
	log := &journal{}
	l := startLab(t, 1, "echo done", func(c *stack.Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	l.mail("m1", "before the fault", "")
	l.outcome("m1")
	queue := client.NewSQS(l.Call)
	if _, err := queue.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(l.Endpoint() + "/000000000000/" + l.Names().DeadLetters()), MessageBody: aws.String("{}"), DelaySeconds: 1,
	}); err != nil {
		t.Fatal(err)
	}
	var healthy cloud.Cores
	l.Change(func(c *cloud.Cloud) { healthy = c.Cores; c.StepFunctions, c.SQS = nil, nil })
	if status, _ := l.ask("", "/_heph/queues/x"); status != 500 {
		t.Errorf("the stack's own pages: %d", status)
	}
	if _, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{}); err == nil {
		t.Error("a receive found nothing wrong")
	}
	if status, _ := l.ask("", "/"); status != 500 {
		t.Errorf("S3, when no next deadline can be found: %d", status)
	}
	l.eventually("a deadline that panics", func() bool { return strings.Contains(log.String(), "fault in a deadline") })
	l.Change(func(c *cloud.Cloud) { c.Cores = healthy })
	l.mail("m2", "after the fault", "")
	if got := l.outcome("m2"); got != job.Completed {
		t.Errorf("a mail after the fault: %s", got)
	}
}
