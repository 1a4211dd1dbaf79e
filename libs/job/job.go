// Package job holds the words that the parts of Hephaestus say to each other: what a message, a
// job's outcome and a piece of work are, and their JSON on the state machine, on the queues and in
// the tables. It promises stable field names; it neither stores nor decides anything.
package job

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Key is the unit of mutual exclusion: projectId + "#" + userId.
type Key string

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// CheckName says what is wrong with the name of a project or user. Names are lower case letters,
// digits, dots, dashes and underscores, 64 at most, so that a key fits every place it is used in: a
// partition key, an SQS message group (128 characters), a path and an environment variable.
func CheckName(what, name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%s name %q: want 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit", what, name)
	}
	return nil
}

// NewKey joins a project and a user, or says what is wrong with a name.
func NewKey(projectID, userID string) (Key, error) {
	if err := CheckName("project", projectID); err != nil {
		return "", err
	}
	if err := CheckName("user", userID); err != nil {
		return "", err
	}
	return Key(projectID + "#" + userID), nil
}

// Split gives the project and the user of the key; the user is empty where there is no "#".
func (k Key) Split() (projectID, userID string) {
	projectID, userID, _ = strings.Cut(string(k), "#")
	return projectID, userID
}

// ObjectRef names an object in S3.
type ObjectRef struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

// Message is one email, as the state machine carries it. The mail itself stays in S3: Raw is the
// MIME as it came, Content the JSON of libs/mail.Message.
type Message struct {
	MessageID        string    `json:"messageId"` // the last part of the S3 key: the SES message id
	ProjectID        string    `json:"projectId"`
	UserID           string    `json:"userId"`
	ProjectUserID    Key       `json:"projectUserId"`
	ThreadID         string    `json:"threadId"`
	ReceivedAtMillis int64     `json:"receivedAt"` // epoch ms; orders messages, ties by MessageID
	Raw              ObjectRef `json:"raw"`
	Content          ObjectRef `json:"content"`
	RFCMessageID     string    `json:"rfcMessageId,omitempty"`
	From             string    `json:"from,omitempty"`
	Subject          string    `json:"subject,omitempty"`
	Class            string    `json:"class,omitempty"`     // libs/mail's class: human, list, …
	ThreadWhy        string    `json:"threadWhy,omitempty"` // the evidence that chose ThreadID
	// Verdicts are what SES wrote of the sender, as it wrote it: spam, virus, spf, dkim, dmarc.
	Verdicts map[string]string `json:"verdicts,omitempty"`
}

// NewerThan says whether m comes after the message that is named by its time and id: the total order
// of design.md, receivedAt first, ties by messageId.
func (m Message) NewerThan(receivedAtMillis int64, messageID string) bool {
	return Newer(m.ReceivedAtMillis, m.MessageID, receivedAtMillis, messageID)
}

// Newer says whether the message (aMillis, aID) comes after (bMillis, bID).
func Newer(aMillis int64, aID string, bMillis int64, bID string) bool {
	if aMillis != bMillis {
		return aMillis > bMillis
	}
	return aID > bID
}

// Validate refuses a message that cannot be worked on, naming the field.
func (m Message) Validate() error {
	switch {
	case m.MessageID == "":
		return fmt.Errorf("message has no messageId")
	case m.ThreadID == "":
		return fmt.Errorf("message %s has no threadId", m.MessageID)
	case m.ReceivedAtMillis <= 0:
		return fmt.Errorf("message %s: receivedAt %d: want epoch milliseconds", m.MessageID, m.ReceivedAtMillis)
	}
	key, err := NewKey(m.ProjectID, m.UserID)
	if err != nil {
		return fmt.Errorf("message %s: %w", m.MessageID, err)
	}
	if m.ProjectUserID != key {
		return fmt.Errorf("message %s: projectUserId %q is not %q", m.MessageID, m.ProjectUserID, key)
	}
	return nil
}

// Attachment is one attached file, before and after process-attachment.
type Attachment struct {
	Index       int       `json:"index"`    // place in the mail, from 1
	FileName    string    `json:"fileName"` // a safe base name, unique in the mail
	ContentType string    `json:"contentType"`
	SizeBytes   int64     `json:"sizeBytes"`
	Inline      bool      `json:"inline"`
	ContentID   string    `json:"contentId,omitempty"`
	Source      ObjectRef `json:"source"` // as intake cut it from the mail

	SHA256       string     `json:"sha256,omitempty"` // lower-case hex of the content
	DetectedType string     `json:"detectedType,omitempty"`
	Stored       *ObjectRef `json:"stored,omitempty"` // the original, by content hash
	Web          *Rendition `json:"web,omitempty"`    // at most 1200 px
	Thumbnail    *Rendition `json:"thumbnail,omitempty"`
	Note         string     `json:"note,omitempty"` // why it was left as it came
}

// Rendition is an image derived from an attachment.
type Rendition struct {
	ObjectRef
	ContentType  string `json:"contentType"`
	WidthPixels  int    `json:"widthPixels"`
	HeightPixels int    `json:"heightPixels"`
	SizeBytes    int64  `json:"sizeBytes"`
}

// Outcome is what became of a job; each has at most one, and it never changes.
type Outcome string

// The outcomes of design.md.
const (
	Completed   Outcome = "completed"
	Interrupted Outcome = "interrupted"
	Superseded  Outcome = "superseded"
	TimedOut    Outcome = "timed-out"
	Failed      Outcome = "failed"
)

// Rejected is the outcome of mail that never became a job: it cannot be read or routed, it is over a
// limit, a duplicate, or no human's. Its result says why.
const Rejected Outcome = "rejected"

// Reason is why an interruption is on record.
type Reason string

// The reasons of design.md.
const (
	ReasonPreempted  Reason = "preempted"
	ReasonSuperseded Reason = "superseded"
	ReasonTimeout    Reason = "timeout"
	ReasonFailure    Reason = "failure"
)

// RecordReason is the reason under which a job that ended so is on record; ok is false for
// completed, which has no record.
func (o Outcome) RecordReason() (reason Reason, ok bool) {
	switch o {
	case Interrupted:
		return ReasonPreempted, true
	case Superseded:
		return ReasonSuperseded, true
	case TimedOut:
		return ReasonTimeout, true
	case Failed:
		return ReasonFailure, true
	}
	return "", false
}

// The error names that a worker answers a task token with. The state machine catches them.
const (
	ErrorPreempted = "PREEMPTED"
	ErrorTimedOut  = "TIMED_OUT"
	ErrorFailed    = "FAILED"
	ErrorClaimLost = "CLAIM_LOST" // the claim expired before a worker came: claim again
)

// Settings are the times of the flow that the state machine needs, in whole seconds.
type Settings struct {
	InterruptWaitSeconds int `json:"interruptWaitSeconds"` // a preemptor sleeps so long at most
	JobTimeoutSeconds    int `json:"jobTimeoutSeconds"`    // from sent to ended, waiting included
}

// ExecutionInput is what intake starts the state machine with.
type ExecutionInput struct {
	Message     Message      `json:"message"`
	Attachments []Attachment `json:"attachments"`
	Settings    Settings     `json:"settings"`
}

// Work is the body of a message on the work queue: one job for one container.
type Work struct {
	Message     Message      `json:"message"`
	ContainerID string       `json:"containerId"`
	Attachments []Attachment `json:"attachments"`
	TaskToken   string       `json:"taskToken"`
}

// ParseWork reads a work queue message's body.
func ParseWork(body string) (Work, error) {
	var w Work
	if err := json.Unmarshal([]byte(body), &w); err != nil {
		return w, fmt.Errorf("work message: %w", err)
	}
	if err := w.Message.Validate(); err != nil {
		return w, fmt.Errorf("work message: %w", err)
	}
	if w.ContainerID == "" || w.TaskToken == "" {
		return w, fmt.Errorf("work message %s: containerId and taskToken must be there", w.Message.MessageID)
	}
	return w, nil
}

// WorkResult is what a worker answers the task token with when the job completed, and what
// handle-timeout answers for a job whose outcome it found or wrote.
type WorkResult struct {
	MessageID   string  `json:"messageId"`
	Outcome     Outcome `json:"outcome"`
	ContainerID string  `json:"containerId,omitempty"`
	Result      string  `json:"result,omitempty"`
}

// Woken is the answer that a waiting preemptor's task token gets.
type Woken struct {
	Superseded bool   `json:"superseded"` // true: a newer thread took its place
	By         string `json:"by"`         // who woke it: a worker, another message, clean-up
}

// DeadLetter is the body of a message on the dead letter queue: what a person must see.
type DeadLetter struct {
	Kind          string     `json:"kind"` // timed-out, failed, rejected
	MessageID     string     `json:"messageId"`
	ProjectUserID Key        `json:"projectUserId,omitempty"`
	ThreadID      string     `json:"threadId,omitempty"`
	ContainerID   string     `json:"containerId,omitempty"`
	ExecutionARN  string     `json:"executionArn,omitempty"`
	From          string     `json:"from,omitempty"`
	Subject       string     `json:"subject,omitempty"`
	What          string     `json:"what"` // what happened, in a sentence
	Raw           *ObjectRef `json:"raw,omitempty"`
	LookInto      []string   `json:"lookInto"` // commands that show more
	AtMillis      int64      `json:"at"`
}

// ExecutionName is the name of the message's execution: the message id itself where Step Functions
// allows it, else a hash of it (StartExecution: 80 characters, no wildcards or white space).
func ExecutionName(messageID string) string {
	if executionName.MatchString(messageID) {
		return messageID
	}
	sum := sha256.Sum256([]byte(messageID))
	return "mail-" + hex.EncodeToString(sum[:16])
}

var executionName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,80}$`)

// What people read of a job is bounded where it comes in, so that all of it fits every place it goes to: rows, queues, the
// state machine's data and the causes of its errors.
const (
	MaxHeaderBytes = 1000    // of a sender or a subject; the whole ones stay in the mail's content
	MaxSaidBytes   = 4 << 10 // of what happened, in words
)

const cutMark = " […]"

// Cut is s where it has at most maxBytes, else its begin, marked as cut.
func Cut(s string, maxBytes int) string {
	if len(s) <= maxBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxBytes-len(cutMark)], "") + cutMark // without the half of a letter
}

// Millis is t in epoch milliseconds.
func Millis(t time.Time) int64 { return t.UnixMilli() }

// Time is the inverse of Millis, in UTC.
func Time(millis int64) time.Time { return time.UnixMilli(millis).UTC() }
