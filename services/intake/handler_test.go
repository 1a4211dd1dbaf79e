package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/intake"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var ctx = context.Background()

const maxBytes = 1 << 20

// bucket is as much of S3 as intake sees.
type bucket struct {
	objects map[string]object // by bucket/key
	gets    int
	failPut int // the put that fails, from 1; 0: none
}

type object struct {
	content  string
	metadata map[string]string
}

func (b *bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b.gets++
	found, ok := b.objects[*in.Bucket+"/"+*in.Key]
	if !ok {
		return nil, &s3types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(found.content)), Metadata: found.metadata}, nil
}

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if b.failPut--; b.failPut == 0 {
		return nil, simtest.ErrFailed
	}
	content, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	b.objects[*in.Bucket+"/"+*in.Key] = object{content: string(content)}
	return &s3.PutObjectOutput{}, nil
}

type scene struct {
	simtest.Scene
	t       *testing.T
	bucket  *bucket
	handler *intake.Handler
	log     *strings.Builder
}

func newScene(t *testing.T) scene {
	t.Helper()
	return newSceneOf(t, "mail.example")
}

func newSceneOf(t *testing.T, domain string) scene {
	t.Helper()
	routes, err := mail.NewRoutes(domain)
	if err != nil {
		t.Fatal(err)
	}
	return newSceneFor(t, routes, mail.SendersOpen)
}

func newSceneFor(t *testing.T, routes mail.Routes, senders mail.SenderPolicy) (s scene) {
	t.Helper()
	var err error
	limits := mail.DefaultLimits()
	limits.WallClock, limits.MaxBytes = 0, maxBytes
	s = scene{Scene: simtest.NewScene(t), t: t, bucket: &bucket{objects: map[string]object{}}, log: &strings.Builder{}}
	s.handler, err = intake.New(intake.Parts{
		Objects: s.bucket, Threads: intake.NewThreads(s.DynamoDB(), s.Names, s.Now), Protocol: s.Protocol,
		Letters: ending.NewLetters(s.Protocol, s.SQS(), s.DeadLetterURL), Flows: s.StepFunctions(),
		Settings: intake.Settings{
			MediaBucket: s.Names.Media(), StateMachineARN: "arn:aws:states:us-east-1:000000000000:stateMachine:flow",
			Routes: routes, Senders: senders, Limits: limits, Flow: job.Settings{InterruptWaitSeconds: 101, JobTimeoutSeconds: 3600},
		},
		Now: s.Now, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnIntakeOfWhichAPartIsMissingIsRefused(t *testing.T) {
	if handler, err := intake.New(intake.Parts{Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Errorf("handler %+v", handler)
	}
}

// letter is a mail of a person.
type letter struct {
	id, to, subject, header, body string
}

func (l letter) raw() string {
	if l.to == "" {
		l.to = "amelia+scott@mail.example"
	}
	return strings.ReplaceAll(fmt.Sprintf("From: Scott <scott@example.com>\nTo: %s\nSubject: %s\nMessage-ID: <%s@example.com>\nDate: Sun, 1 Mar 2026 09:00:00 +0000\n%s\n%s",
		l.to, l.subject, l.id, l.header, l.body), "\n", "\r\n")
}

// arrives puts a mail into the bucket and gives its record of S3's event.
func (s scene) arrives(messageID, raw string) events.S3EventRecord {
	key := "emails/" + messageID
	s.bucket.objects[s.Names.Emails()+"/"+key] = object{content: raw}
	return s.record(key, int64(len(raw)))
}

func (s scene) record(key string, size int64) events.S3EventRecord {
	return events.S3EventRecord{
		EventName: "ObjectCreated:Put", EventTime: s.Now(),
		S3: events.S3Entity{Bucket: events.S3Bucket{Name: s.Names.Emails()}, Object: events.S3Object{URLDecodedKey: key, Size: size}},
	}
}

func (s scene) handles(records ...events.S3EventRecord) {
	s.t.Helper()
	if err := s.handler.Handle(ctx, events.S3Event{Records: records}); err != nil {
		s.t.Fatal(err)
	}
}

// inputs are the inputs of the executions that were started.
func (s scene) inputs() []job.ExecutionInput {
	s.t.Helper()
	var inputs []job.ExecutionInput
	for _, e := range s.Flow.Started() {
		var input job.ExecutionInput
		if err := json.Unmarshal([]byte(e.Input), &input); err != nil {
			s.t.Fatal(err)
		}
		if !strings.HasPrefix(e.Name, input.Message.MessageID+"-") {
			s.t.Errorf("execution %s of message %s", e.Name, input.Message.MessageID)
		}
		inputs = append(inputs, input)
	}
	return inputs
}

func (s scene) started() []string {
	s.t.Helper()
	var ids []string
	for _, input := range s.inputs() {
		ids = append(ids, input.Message.MessageID)
	}
	return ids
}

// threads are the threads of the executions that were started.
func (s scene) threads() []string {
	s.t.Helper()
	var ids []string
	for _, input := range s.inputs() {
		ids = append(ids, input.Message.ThreadID)
	}
	return ids
}

func (s scene) wantStarted(want ...string) {
	s.t.Helper()
	if got := s.started(); !slices.Equal(got, want) {
		s.t.Errorf("started %q, want %q", got, want)
	}
}

// wantRejected checks that a mail's row has the reason, and how many letters tell a person of it.
func (s scene) wantRejected(messageID, reason string, letters int) {
	s.t.Helper()
	if got := s.Job(messageID); !strings.HasPrefix(got, "rejected") || !strings.Contains(got, reason) {
		s.t.Errorf("job %s is %q, want it rejected with %q", messageID, got, reason)
	}
	received := s.Received(s.DeadLetterURL)
	if len(received) != letters {
		s.t.Errorf("%d letters, want %d", len(received), letters)
	}
	for _, m := range received {
		var l job.DeadLetter
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &l); err != nil {
			s.t.Fatal(err)
		}
		if l.Kind != "rejected" || l.MessageID != messageID || !strings.Contains(l.What, reason) || l.Raw == nil || len(l.LookInto) == 0 {
			s.t.Errorf("letter %+v", l)
		}
	}
}

const withFile = `MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x
`

const fileBody = `--x
Content-Type: text/plain

See the file.
--x
Content-Type: text/csv; name="sums.csv"
Content-Disposition: attachment; filename="sums.csv"

1,2,3
--x--
`

func TestAFreshMailBecomesAJob(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("ses-1", letter{id: "one", subject: "Sums", header: withFile, body: fileBody}.raw()))

	inputs := s.inputs()
	if len(inputs) != 1 {
		t.Fatalf("started %d", len(inputs))
	}
	m := inputs[0].Message
	want := job.Message{
		MessageID: "ses-1", ProjectID: "amelia", UserID: "scott", ProjectUserID: "amelia#scott",
		ThreadID: mail.ThreadID("one@example.com"), ThreadWhy: m.ThreadWhy, ReceivedAtMillis: job.Millis(simtest.Start),
		Raw:          job.ObjectRef{Bucket: "webordinary-emails", Key: "emails/ses-1"},
		Content:      job.ObjectRef{Bucket: "webordinary-media", Key: "messages/ses-1/content.json"},
		RFCMessageID: "one@example.com", From: "scott@example.com", Subject: "Sums", Class: "human",
	}
	gotText, wantText := fmt.Sprintf("%+v", m), fmt.Sprintf("%+v", want)
	if gotText != wantText || m.ThreadWhy == "" {
		t.Errorf("message\n\t%s\nwant\n\t%s", gotText, wantText)
	}
	if inputs[0].Settings != (job.Settings{InterruptWaitSeconds: 101, JobTimeoutSeconds: 3600}) {
		t.Errorf("settings %+v", inputs[0].Settings)
	}
	files := inputs[0].Attachments
	if len(files) != 1 || files[0].FileName != "sums.csv" || files[0].ContentType != "text/csv" {
		t.Fatalf("attachments %+v", files)
	}
	stored := s.bucket.objects[files[0].Source.Bucket+"/"+files[0].Source.Key].content
	if strings.TrimSpace(stored) != "1,2,3" || int64(len(stored)) != files[0].SizeBytes {
		t.Errorf("stored %q of %d bytes", stored, files[0].SizeBytes)
	}
	if content := s.bucket.objects["webordinary-media/messages/ses-1/content.json"].content; !strings.Contains(content, "See the file.") {
		t.Errorf("content %s", content)
	}
	j, err := s.Protocol.ReadJob(ctx, "ses-1")
	if err != nil || j.Outcome != "" || j.ThreadID != m.ThreadID || awsx.ExecutionName(j.ExecutionARN) != s.Flow.Started()[0].Name {
		t.Errorf("row %+v, %v", j, err)
	}
}

func TestAMailWithoutFilesHasAnEmptyListForTheMap(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("ses-1", letter{id: "one", subject: "Hi", body: "Hello"}.raw()))
	if started := s.Flow.Started(); len(started) != 1 || !strings.Contains(started[0].Input, `"attachments":[]`) {
		t.Errorf("started %+v", started)
	}
}

func TestTheSameEventAgainStartsNothing(t *testing.T) {
	s := newScene(t)
	record := s.arrives("ses-1", letter{id: "one", subject: "Hi", body: "Hello"}.raw())
	s.handles(record, record)
	s.Advance(time.Hour)
	s.handles(record)
	s.wantStarted("ses-1")
	if got := s.Job("ses-1"); got != "open" {
		t.Errorf("job %q", got)
	}
}

func TestTheSameEventAfterTheJobHasEndedStartsNothing(t *testing.T) {
	s := newScene(t)
	record := s.arrives("ses-1", letter{id: "one", subject: "Hi", body: "Hello"}.raw())
	s.handles(record)
	m := s.inputs()[0].Message
	s.CleansUp(m, job.Failed)
	calls := s.Calls("StartExecution")
	s.handles(record)
	if s.Calls("StartExecution") != calls {
		t.Error("an ended job was started again")
	}
}

func TestAMailThatCannotBeReadDoesNotStopTheNext(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("bad", ""), s.arrives("good", letter{id: "one", subject: "Hi", body: "Hello"}.raw()))
	s.wantStarted("good")
	s.wantRejected("bad", "the message is empty", 1)
}

func TestMailThatIsNotToBeAJob(t *testing.T) {
	tests := []struct {
		name    string
		mail    letter
		reason  string
		letters int
	}{
		{"of an unknown recipient", letter{id: "1", to: "who@elsewhere.example", body: "Hi"}, "not one of ours", 1},
		{"of a recipient without a user", letter{id: "1", to: "amelia@mail.example", body: "Hi"}, "project+user@mail.example", 1},
		{"a bounce", letter{id: "1", header: "Content-Type: multipart/report; report-type=delivery-status; boundary=x\nAuto-Submitted: auto-replied\n", body: "--x\n\nfailed\n--x--\n"}, "makes no job", 0},
		{"an answer of a machine", letter{id: "1", header: "Auto-Submitted: auto-replied\n", body: "I am away"}, "makes no job", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			record := s.arrives("ses-1", test.mail.raw())
			s.handles(record)
			s.wantRejected("ses-1", test.reason, test.letters)
			s.handles(record) // a person is told once
			s.wantStarted()
			if s.Calls("SendMessage") != test.letters {
				t.Errorf("%d letters sent, want %d", s.Calls("SendMessage"), test.letters)
			}
		})
	}
}

func TestAMailOverTheLimitIsNotEvenRead(t *testing.T) {
	s := newScene(t)
	s.handles(s.record("emails/big", maxBytes+1))
	if s.bucket.gets != 0 {
		t.Errorf("%d reads", s.bucket.gets)
	}
	s.wantRejected("big", "MaxBytes", 1)
}

func TestAMailThatIsLargerThanItsEventSaysIsRejected(t *testing.T) {
	s := newScene(t)
	record := s.arrives("big", letter{id: "1", body: strings.Repeat("x", maxBytes)}.raw())
	record.S3.Object.Size = 10
	s.handles(record)
	s.wantRejected("big", "MaxBytes", 1)
}

func TestWhatIsNoMailIsLeftAlone(t *testing.T) {
	s := newScene(t)
	deleted := s.arrives("ses-1", letter{id: "one"}.raw())
	deleted.EventName = "ObjectRemoved:Delete"
	s.handles(s.arrives("AMAZON_SES_SETUP_NOTIFICATION", "Subject: Amazon SES Setup Notification\r\n\r\n"), deleted, s.record("emails/", 0))
	s.wantStarted()
	if s.bucket.gets != 0 || s.Calls("PutItem") != 0 {
		t.Errorf("%d reads, %d rows", s.bucket.gets, s.Calls("PutItem"))
	}
}

func TestAMailThatWasDeletedBeforeItWasReadIsRejected(t *testing.T) {
	s := newScene(t)
	s.handles(s.record("emails/gone", 10))
	s.wantRejected("gone", "deleted from its bucket", 1)
}

func TestAMailThatWasDeletedAfterItWasTakenGoesOn(t *testing.T) {
	s := newScene(t)
	record := s.arrives("ses-1", letter{id: "one", subject: "Hi", body: "Hello"}.raw())
	s.handles(record)
	delete(s.bucket.objects, s.Names.Emails()+"/emails/ses-1")
	s.handles(record)
	j, err := s.Protocol.ReadJob(ctx, "ses-1")
	if err != nil || j.Outcome != "" || j.DeadLettered() {
		t.Errorf("row %+v, %v: its own end would be told to nobody", j, err)
	}
	if letters := s.Received(s.DeadLetterURL); len(letters) > 0 {
		t.Errorf("%d letters of a mail that is worked on", len(letters))
	}
}

func TestTheThreadOfAMail(t *testing.T) {
	s := newScene(t)
	s.handles(
		s.arrives("ses-1", letter{id: "one", subject: "Site", body: "first"}.raw()),
		s.arrives("ses-2", letter{id: "two", subject: "Re: Site", header: "In-Reply-To: <one@example.com>\nReferences: <one@example.com>\n", body: "reply"}.raw()),
		// The References are cut: only the table knows that two@ is of the thread of one@.
		s.arrives("ses-3", letter{id: "three", subject: "Re: Site", header: "In-Reply-To: <two@example.com>\n", body: "reply to the reply"}.raw()),
		s.arrives("ses-4", letter{id: "four", subject: "Other [Thread-Launch]", header: "In-Reply-To: <two@example.com>\n", body: "tagged"}.raw()),
		s.arrives("ses-5", letter{id: "five", subject: "New", body: "new"}.raw()),
	)
	threads := s.threads()
	one := mail.ThreadID("one@example.com")
	if want := []string{one, one, one, "thread-launch", mail.ThreadID("five@example.com")}; !slices.Equal(threads, want) {
		t.Errorf("threads %q, want %q", threads, want)
	}
}

func TestTheTimeOfReceiptOfTheObjectOverridesTheEvents(t *testing.T) {
	for value, want := range map[string]struct {
		millis int64
		warned string
	}{
		"1772355605000":            {1772355605000, ""},
		"2026-03-01T09:00:05.25Z":  {1772355605250, ""},
		"2026-03-01T09:01:00Z":     {1772355660000, ""}, // of a clock that is ahead
		"2026-03-01T09:01:00.001Z": {job.Millis(simtest.Start), "more than 1m0s after"},
		"9999999999999":            {job.Millis(simtest.Start), "more than 1m0s after"},
		"0":                        {job.Millis(simtest.Start), "not after 1970"},
		"-1":                       {job.Millis(simtest.Start), "not after 1970"},
		"1969-12-31T23:59:59Z":     {job.Millis(simtest.Start), "not after 1970"},
		"yesterday":                {job.Millis(simtest.Start), "cannot parse"},
	} {
		s := newScene(t)
		record := s.arrives("ses-1", letter{id: "one", body: "Hello"}.raw())
		name := s.Names.Emails() + "/emails/ses-1"
		o := s.bucket.objects[name]
		o.metadata = map[string]string{"received-at": value}
		s.bucket.objects[name] = o
		s.handles(record)
		if got := s.inputs()[0].Message.ReceivedAtMillis; got != want.millis {
			t.Errorf("%s: received at %d, want %d", value, got, want.millis)
		}
		if warned := s.log.String(); strings.Contains(warned, "level=WARN") != (want.warned != "") || !strings.Contains(warned, want.warned) {
			t.Errorf("%s: log %s; want a warning of %q", value, warned, want.warned)
		}
	}
}

// S3 encodes keys in its events; events.S3Object decodes them when it reads the JSON.
func TestAKeyIsDecodedFromItsEvent(t *testing.T) {
	s := newScene(t)
	s.arrives("a b+c(ü)", letter{id: "one", body: "Hello"}.raw())
	var event events.S3Event
	payload := `{"Records":[{"eventName":"ObjectCreated:Put","eventTime":"2026-03-01T09:00:00.000Z","s3":{"bucket":{"name":"webordinary-emails"},"object":{"key":"emails/a+b%2Bc%28%C3%BC%29","size":10}}}]}`
	if err := json.Unmarshal([]byte(payload), &event); err != nil {
		t.Fatal(err)
	}
	if err := s.handler.Handle(ctx, event); err != nil {
		t.Fatal(err)
	}
	started := s.Flow.Started()
	if len(started) != 1 || !strings.HasPrefix(started[0].Name, job.SafeName("a b+c(ü)")) || s.Job("a b+c(ü)") != "open" {
		t.Errorf("started %+v, job %s", started, s.Job("a b+c(ü)"))
	}
}

func TestWhatAWSRefusesMidWayIsCompletedByTheRetry(t *testing.T) {
	raw := letter{id: "one", subject: "Sums", header: withFile, body: fileBody}.raw()
	tests := map[string]func(s scene){
		"the look for the thread":                 func(s scene) { s.Fail("GetItem", 0) },
		"the note of the thread":                  func(s scene) { s.Fail("PutItem", 0) },
		"the note of the thread, its answer lost": func(s scene) { s.LoseAnswer("PutItem", 0) },
		"the content":                             func(s scene) { s.bucket.failPut = 1 },
		"the file":                                func(s scene) { s.bucket.failPut = 2 },
		"the row":                                 func(s scene) { s.Fail("TransactWriteItems", 0) },
		"the row, its answer lost":                func(s scene) { s.LoseAnswer("TransactWriteItems", 0) },
		"the execution":                           func(s scene) { s.Fail("StartExecution", 0) },
		"the execution, its answer lost":          func(s scene) { s.LoseAnswer("StartExecution", 0) },
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			record := s.arrives("ses-1", raw)
			other := s.arrives("ses-2", letter{id: "two", body: "Hello"}.raw())
			fault(s)
			err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{record, other}})
			if !errors.Is(err, simtest.ErrFailed) && !errors.Is(err, simtest.ErrAnswerLost) {
				t.Errorf("error %v", err)
			}
			s.handles(record, other)
			started := s.started()
			slices.Sort(started)
			if !slices.Equal(started, []string{"ses-1", "ses-2"}) {
				t.Errorf("started %q", started)
			}
			if _, ok := s.bucket.objects["webordinary-media/messages/ses-1/attachments/1"]; !ok {
				t.Error("the file is not stored")
			}
		})
	}
}

// Between two tries of one mail, the table may learn of a mail that it answers.
func TestARetryKeepsTheThreadOfTheFirstTry(t *testing.T) {
	s := newScene(t)
	reply := s.arrives("ses-2", letter{id: "two", header: "In-Reply-To: <one@example.com>\n", body: "reply"}.raw())
	s.Fail("StartExecution", 0)
	if err := s.handler.Handle(ctx, events.S3Event{Records: []events.S3EventRecord{reply}}); !errors.Is(err, simtest.ErrFailed) {
		t.Fatal(err)
	}
	s.handles(s.arrives("ses-1", letter{id: "one", subject: "[thread-launch]", body: "first"}.raw()))
	s.handles(reply)
	row, err := s.Protocol.ReadJob(ctx, "ses-2")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.inputs()[1].Message; got.MessageID != "ses-2" || got.ThreadID != row.ThreadID {
		t.Errorf("execution %s has thread %s, its row %s", got.MessageID, got.ThreadID, row.ThreadID)
	}
}
