package stack_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/tools/stack"
)

// dial opens a connection to the stack and sends the text.
func (l lab) dial(text string) net.Conn {
	l.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(l.Endpoint(), "http://"))
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		l.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		l.Fatal(err)
	}
	return c
}

// isClosed waits until the stack has closed the connection.
func (l lab) isClosed(what string, c net.Conn) {
	l.Helper()
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		l.Errorf("%s: the connection stays open", what)
	}
}

func TestRequestsThatAreHalfSentAreDropped(t *testing.T) {
	l := startLab(t, 0, "", func(c *stack.Config) { c.Hasten(200*time.Millisecond, 200*time.Millisecond, 0) })
	for what, text := range map[string]string{
		"nothing":                 "",
		"half a line":             "GET /_heph/hea",
		"half a header":           "GET /_heph/health HTTP/1.1\r\nHost: localhost\r\nX-Y: ",
		"half an object":          "PUT /" + l.Names().Media() + "/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
		"half of JSON":            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 100\r\n\r\n{",
		"half of what is refused": "PUT /b/k HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 100\r\n\r\nhalf",
	} {
		l.isClosed(what, l.dial(text))
	}
}

func TestAHeaderIsBounded(t *testing.T) {
	l := startLab(t, 0, "")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.Endpoint()+"/_heph/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 100<<10))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s", answer.Status)
	}
}

func TestConnectionsAreBoundedAndIdleOnesMakeRoom(t *testing.T) {
	const most = 10
	l := startLab(t, 0, "", func(c *stack.Config) { c.Hasten(0, 0, most) })
	const health = "GET /_heph/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
	var idle []net.Conn
	for n := range 5 * most {
		c := l.dial(health)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("connection %d: %v, %v", n, answer, err)
		}
		idle = append(idle, c)
	}
	for n, c := range idle[:2*most] { // later ones may have become idle in another order
		l.isClosed(fmt.Sprint("idle connection ", n), c)
	}
}

func TestHalfSentRequestsMakeRoom(t *testing.T) {
	l := startLab(t, 0, "", func(c *stack.Config) { c.Hasten(patience, 0, 10) })
	for range 100 {
		l.dial("GET /_heph/hea")
	}
	if status, body := l.ask("", "/_heph/health"); status != 200 {
		t.Errorf("behind half-sent requests: %d %s", status, body)
	}
}

func TestARequestThatIsBeingAnsweredKeepsItsConnection(t *testing.T) {
	l := startLab(t, 0, "", func(c *stack.Config) { c.Hasten(0, 0, 4) })
	answered := make(chan error)
	for range 3 {
		go func() {
			_, err := sqs.NewFromConfig(l.awsConfig()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: aws.String(l.WorkQueueURL()), WaitTimeSeconds: 2,
			})
			answered <- err
		}()
	}
	time.Sleep(500 * time.Millisecond) // they wait
	for range 20 {
		l.dial("GET /_heph/hea")
	}
	if status, body := l.ask("", "/_heph/health"); status != 200 {
		t.Errorf("beside those who wait: %d %s", status, body)
	}
	for range 3 {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
}

// awsConfig is what the SDK's clients need to reach the stack's port.
func (l lab) awsConfig() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(l.Endpoint()), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

func TestAWaitThatIsLongerThanAnyPauseIsAnswered(t *testing.T) {
	l := startLab(t, 0, "", func(c *stack.Config) { c.Hasten(time.Second, time.Second, 0) })
	began := time.Now()
	out, err := sqs.NewFromConfig(l.awsConfig()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(l.WorkQueueURL()), WaitTimeSeconds: 3,
	})
	if err != nil || len(out.Messages) != 0 || time.Since(began) < 2900*time.Millisecond {
		t.Errorf("%+v, %v after %v", out, err, time.Since(began))
	}
}

// slow is a reader that pauses before each piece.
type slow struct {
	left  int
	pause time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(s.pause)
	s.left--
	return copy(p, "piece"), nil
}

func TestAnUploadThatIsSlowButGoesOnIsStored(t *testing.T) {
	l := startLab(t, 0, "", func(c *stack.Config) { c.Hasten(2*time.Second, 2*time.Second, 0) })
	const pieces = 10
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, l.Endpoint()+"/"+l.Names().Media()+"/slow", &slow{pieces, 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = pieces * int64(len("piece"))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Fatal(answer.Status)
	}
	if status, body := l.ask("", "/"+l.Names().Media()+"/slow"); status != 200 || body != strings.Repeat("piece", pieces) {
		t.Errorf("%d %q", status, body)
	}
}

func TestADownloadThatNobodyTakesIsDropped(t *testing.T) {
	l := startLab(t, 0, "", func(c *stack.Config) { c.Hasten(0, time.Second, 0) })
	client := s3.NewFromConfig(l.awsConfig(), func(o *s3.Options) { o.UsePathStyle = true })
	const size = 32 << 20
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(l.Names().Media()), Key: aws.String("large"), Body: bytes.NewReader(make([]byte, size)),
	}); err != nil {
		t.Fatal(err)
	}
	c := l.dial("GET /" + l.Names().Media() + "/large HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil { // it begins
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	taken, err := io.Copy(io.Discard, c)
	if errors.Is(err, os.ErrDeadlineExceeded) || taken >= size {
		t.Errorf("took %d bytes after a pause, %v", taken, err)
	}
}
