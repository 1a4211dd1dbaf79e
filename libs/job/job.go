// Package job has the types that the parts of Hephaestus send each other (a message, a job's
// outcome, a piece of work) and their JSON in the state machine, on the queues and in the tables.
// It promises stable field names; it neither stores nor decides anything.
package job

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ObjectRef names an object in S3.
type ObjectRef struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

// Message is one email, as the state machine carries it. The mail itself stays in S3: Raw is its
// MIME, Content the JSON of libs/mail.Message.
type Message struct {
	MessageID        string    `json:"messageId"` // see the function MessageID
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
	AgainOf          string    `json:"againOf,omitempty"`   // the message that a person has done again as this one
	// Verdicts are what SES wrote about the mail, by name: spam, virus, spf, dkim, dmarc.
	Verdicts map[string]string `json:"verdicts,omitempty"`
}

// NewerThan says whether m comes after the message with the given time and id. Messages are ordered
// by receivedAt, ties by messageId (docs/protocol.md, Words).
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

// InvalidRequest is the error of a request that can never be right. The state machine knows it by
// the name of this type, and does not try again: a handler returns it outermost. It tries all other
// errors for hours, because people mend what is missing or forbidden.
type InvalidRequest struct{ Err error }

func (e *InvalidRequest) Error() string { return e.Err.Error() }

// Unwrap is what is wrong with the request.
func (e *InvalidRequest) Unwrap() error { return e.Err }

// Validate refuses a message that cannot be worked on, and names the field. Its error is an
// *InvalidRequest.
func (m Message) Validate() error {
	if err := m.wrong(); err != nil {
		return &InvalidRequest{Err: err}
	}
	return nil
}

func (m Message) wrong() error {
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
	Source      ObjectRef `json:"source"` // the file as intake cut it from the mail

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

// Outcome says how a job ended. A job has at most one, which never changes.
type Outcome string

// The outcomes of docs/protocol.md, L1.
const (
	Completed   Outcome = "completed"
	Interrupted Outcome = "interrupted"
	Superseded  Outcome = "superseded"
	TimedOut    Outcome = "timed-out"
	Failed      Outcome = "failed"
)

// Rejected is the outcome of mail that never became a job (docs/protocol.md, Which mail is a job).
// Its result says why.
const Rejected Outcome = "rejected"

// Held is the state of a message that a person must release, and the kind of its dead letter. It is
// no outcome.
const Held = "held"

// CameToNothing says whether the outcome leaves the mail undone: it may be done again, and a copy
// of it is no duplicate.
func (o Outcome) CameToNothing() bool { return o == Failed || o == TimedOut || o == Rejected }

// Reason is why a job is on record as not completed.
type Reason string

// The reasons: one for each outcome that has a record (S5).
const (
	ReasonPreempted  Reason = "preempted"
	ReasonSuperseded Reason = "superseded"
	ReasonTimeout    Reason = "timeout"
	ReasonFailure    Reason = "failure"
)

// RecordReason is the reason on the record of a job with this outcome. ok is false if the outcome
// has no record, as completed.
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

// The names of the errors with which a worker answers a task token. The state machine catches them.
const (
	ErrorPreempted = "PREEMPTED"
	ErrorTimedOut  = "TIMED_OUT"
	ErrorFailed    = "FAILED"
	ErrorClaimLost = "CLAIM_LOST" // the claim expired before a worker began: the state machine claims again
)

// Settings are the times that the state machine needs, in whole seconds.
type Settings struct {
	InterruptWaitSeconds int `json:"interruptWaitSeconds"` // how long a message waits at most
	JobTimeoutSeconds    int `json:"jobTimeoutSeconds"`    // from sent to ended, waiting included
}

// DefaultJobTimeoutSeconds is twelve hours: six of an outage, and then those that the job waits for
// and its own command.
const DefaultJobTimeoutSeconds = 12 * 60 * 60

// ExecutionInput is the input with which intake starts an execution.
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

// WorkResult is how a worker answers the task token of a completed job, and how handle-timeout
// answers for a job whose outcome it found or wrote.
type WorkResult struct {
	MessageID   string  `json:"messageId"`
	Outcome     Outcome `json:"outcome"`
	ContainerID string  `json:"containerId,omitempty"`
	Result      string  `json:"result,omitempty"`
}

// Woken is the answer to the task token of a message that waits.
type Woken struct {
	Superseded bool   `json:"superseded"` // a newer thread took its place
	By         string `json:"by"`         // who woke it: a worker, another message, clean-up
}

// Release asks intake to release a held message: the payload with which a person calls it.
type Release struct {
	MessageID string `json:"release,omitempty"`
}

// Released is its answer.
type Released struct {
	MessageID string `json:"messageId"`
	Released  bool   `json:"released"`          // by this call or an earlier one
	Because   string `json:"because,omitempty"` // why it is not
}

// DeadLetter is the body of a message on the dead letter queue: what a person must see.
type DeadLetter struct {
	Kind          string     `json:"kind"` // timed-out, failed, rejected, held
	MessageID     string     `json:"messageId"`
	ProjectUserID Key        `json:"projectUserId,omitempty"`
	ThreadID      string     `json:"threadId,omitempty"`
	ContainerID   string     `json:"containerId,omitempty"`
	ExecutionARN  string     `json:"executionArn,omitempty"`
	From          string     `json:"from,omitempty"`
	Subject       string     `json:"subject,omitempty"`
	What          string     `json:"what"` // what happened, in a sentence
	Raw           *ObjectRef `json:"raw,omitempty"`
	LookInto      []string   `json:"lookInto"` // commands that show more, or deal with it
	AtMillis      int64      `json:"at"`
}

// What people read of a job is cut when it comes in, so that it fits wherever it goes: rows,
// queues, the state machine's data and the causes of its errors.
const (
	MaxHeaderBytes = 1000    // of a sender or a subject; the whole ones stay in the mail's content
	MaxSaidBytes   = 4 << 10 // of what happened, in words
)

const cutMark = " […]"

// Cut returns s if it has at most maxBytes, else its beginning with a mark that it was cut.
func Cut(s string, maxBytes int) string {
	if len(s) <= maxBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxBytes-len(cutMark)], "") + cutMark // ToValidUTF8 drops half of a cut letter
}

// Millis is t in epoch milliseconds.
func Millis(t time.Time) int64 { return t.UnixMilli() }

// Time is the inverse of Millis, in UTC.
func Time(millis int64) time.Time { return time.UnixMilli(millis).UTC() }
