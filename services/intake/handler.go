// Package intake is the Lambda that turns mail into jobs: it reads what SES stored in S3, decides
// whose mail it is and to which thread it belongs, puts the job's row, once, and starts its
// execution, once, however often S3 repeats its event.
//
// It promises that every mail it is called for gets a row with an outcome or a running execution:
// mail that is not to be a job (unreadable, over a limit, of no known recipient, sent by no human,
// spam or forged by SES's verdict, a duplicate) is rejected with its reason, and goes on the dead
// letter queue if a person must act. The raw bytes stay where they are. One bad mail never stops
// the rest of a batch. Intake never answers a mail.
package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Objects is what intake needs of S3; *s3.Client satisfies it.
type Objects interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Protocol is the part of claim.Store that intake needs.
type Protocol interface {
	Admit(ctx context.Context, m job.Message, executionARN string) (claim.Admitted, error)
	Reject(ctx context.Context, messageID, from, subject, reason string, receivedAtMillis int64) (claim.Admitted, error)
	ReadJob(ctx context.Context, messageID string) (*claim.Job, error)
}

// StepFunctions starts executions; *sfn.Client satisfies it.
type StepFunctions interface {
	StartExecution(ctx context.Context, in *sfn.StartExecutionInput, opts ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

// Letters sends dead letters; *ending.Letters satisfies it.
type Letters interface {
	Send(ctx context.Context, letter job.DeadLetter) error
}

// Settings are where things are and how much is allowed.
type Settings struct {
	MediaBucket     string // of the mail's content and attachments
	StateMachineARN string
	Routes          mail.Routes
	Limits          mail.Limits
	Flow            job.Settings // given to the state machine
}

// Parts are what a Handler is made of. None may be missing.
type Parts struct {
	Objects  Objects // the mail, its content and its attachments
	Threads  *Threads
	Protocol Protocol
	Letters  Letters
	Flows    StepFunctions
	Settings Settings
	Log      *slog.Logger
}

// Handler handles S3's events.
type Handler struct {
	objects  Objects
	threads  *Threads
	protocol Protocol
	letters  Letters
	flows    StepFunctions
	settings Settings
	log      *slog.Logger
}

// New makes the handler, or says that a part is missing.
func New(p Parts) (*Handler, error) {
	if p.Objects == nil || p.Threads == nil || p.Protocol == nil || p.Letters == nil || p.Flows == nil || p.Log == nil {
		return nil, errors.New("intake needs Objects, Threads, Protocol, Letters, Flows and Log: one is missing")
	}
	return &Handler{
		objects: p.Objects, threads: p.Threads, protocol: p.Protocol, letters: p.Letters, flows: p.Flows,
		settings: p.Settings, log: p.Log,
	}, nil
}

// setupNotification is the object that SES writes when a receipt rule is made; it is no mail.
const setupNotification = "AMAZON_SES_SETUP_NOTIFICATION"

// receivedAtMetadata is the S3 metadata that overrides the time of S3's event, in epoch
// milliseconds or RFC 3339: for mail that is put again, or that did not come through SES. An
// impossible value is ignored, with a warning: a mail that is refused for it would have no row.
const receivedAtMetadata = "received-at"

// maxAhead is how far the clock that wrote receivedAtMetadata may be ahead of S3's.
const maxAhead = time.Minute

// Handle takes every mail of the event. Its error joins those of the mails that failed, so that
// Lambda calls again with the same event; what was done stays done.
func (h *Handler) Handle(ctx context.Context, event events.S3Event) error {
	var failed []error
	for _, record := range event.Records {
		key := record.S3.Object.URLDecodedKey
		messageID := path.Base(key)
		if !strings.HasPrefix(record.EventName, "ObjectCreated:") || messageID == setupNotification || strings.HasSuffix(key, "/") {
			telemetry.Write(ctx, h.log, telemetry.ObjectIgnored{Object: key, S3Event: record.EventName})
			continue
		}
		a := arrival{
			Handler: h, messageID: messageID, sizeBytes: record.S3.Object.Size, receivedAt: record.EventTime,
			raw: job.ObjectRef{Bucket: record.S3.Bucket.Name, Key: key},
		}
		if err := a.take(ctx); err != nil {
			telemetry.Write(ctx, h.log, telemetry.MailFailed{Message: messageID, Error: err.Error()})
			failed = append(failed, fmt.Errorf("mail %s: %w", messageID, err))
		}
	}
	return errors.Join(failed...)
}

// arrival is one mail on its way in.
type arrival struct {
	*Handler
	messageID  string
	raw        job.ObjectRef
	sizeBytes  int64
	receivedAt time.Time
}

// take reads the mail and makes it a job, or rejects it.
func (a arrival) take(ctx context.Context) error {
	if most := int64(a.settings.Limits.MaxBytes); a.sizeBytes > most {
		tooBig := &mail.LimitError{Limit: "MaxBytes", Value: a.sizeBytes, Max: most}
		return a.reject(ctx, mail.Message{}, tooBig.Error(), true)
	}
	content, err := a.read(ctx)
	if err != nil {
		var gone *s3types.NoSuchKey
		if errors.As(err, &gone) {
			return a.reject(ctx, mail.Message{}, "the mail was deleted from its bucket before it was read", true)
		}
		return err
	}
	parsed, err := mail.Parse(content, a.settings.Limits)
	if err != nil {
		return a.reject(ctx, parsed, err.Error(), true)
	}
	if !parsed.Class.MakesJob() {
		reason := fmt.Sprintf("class %s makes no job: %s", parsed.Class, strings.Join(parsed.ClassReasons, "; "))
		return a.reject(ctx, parsed, reason, false)
	}
	if failed := parsed.Verdicts.Failed(); len(failed) > 0 {
		// SES stores such mail like any other. A person must look: a forwarder may have broken
		// honest mail.
		return a.reject(ctx, parsed, "SES found that it fails "+strings.Join(failed, ", "), true)
	}
	target, err := a.settings.Routes.Message(parsed)
	if err != nil {
		return a.reject(ctx, parsed, err.Error(), true)
	}
	return a.admit(ctx, parsed, content, target.Key)
}

// read gets the mail, and the time of its receipt if the object carries one.
func (a *arrival) read(ctx context.Context) ([]byte, error) {
	out, err := a.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(a.raw.Bucket), Key: aws.String(a.raw.Key)})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", a.raw.Bucket, a.raw.Key, err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(io.LimitReader(out.Body, int64(a.settings.Limits.MaxBytes)+1))
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", a.raw.Bucket, a.raw.Key, err)
	}
	if value, ok := out.Metadata[receivedAtMetadata]; ok {
		if at, err := parseReceivedAt(value, a.receivedAt); err == nil {
			a.receivedAt = at
		} else {
			telemetry.Write(ctx, a.log, telemetry.ReceivedAtIgnored{Message: a.messageID, Value: value, Error: err.Error()})
		}
	}
	return content, nil
}

// parseReceivedAt reads the receivedAtMetadata of an object that S3 stored at storedAt. Mail is
// received before it is stored, and a later time would put newer mail of other threads behind this
// one.
func parseReceivedAt(value string, storedAt time.Time) (time.Time, error) {
	at, err := parseTime(value)
	switch {
	case err != nil:
		return at, err
	case job.Millis(at) <= 0:
		return at, errors.New("it is not after 1970")
	case at.After(storedAt.Add(maxAhead)):
		return at, fmt.Errorf("it is more than %v after %v, when the mail was stored", maxAhead, storedAt)
	}
	return at, nil
}

func parseTime(value string) (time.Time, error) {
	if millis, err := strconv.ParseInt(value, 10, 64); err == nil {
		return job.Time(millis), nil
	}
	return time.Parse(time.RFC3339Nano, value)
}
