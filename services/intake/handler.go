// Package intake is the Lambda that turns mail into jobs: it reads what SES stored in S3, decides
// whose mail it is and to which thread it belongs, and makes it one message for each key that it
// addresses. Of each message it puts the row, once, and starts the execution, once, however often
// S3 repeats its event.
//
// It promises that every message gets a row with an outcome or a running execution, and that no two
// mails, nor two keys, share one: mail that is not to be a job (unreadable, over a limit, of no
// known recipient, sent by no human, spam or forged by SES's verdict, a duplicate) is rejected with
// its reason, and goes on the dead letter queue if a person must act. The raw bytes stay where they
// are. One bad mail never stops the rest of a batch. Intake never answers a mail.
package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
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
	Admit(ctx context.Context, m job.Message, stateMachineARN string, while *types.ConditionCheck) (claim.Admitted, error)
	Reject(ctx context.Context, r claim.Rejection) (claim.Admitted, error)
	Hold(ctx context.Context, r claim.Rejection) (claim.Admitted, error)
	Release(ctx context.Context, m job.Message, stateMachineARN string, while *types.ConditionCheck) (claim.Admitted, error)
	Refuse(ctx context.Context, r claim.Rejection) (claim.Admitted, error)
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
	Senders         mail.SenderPolicy
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
	Now      func() time.Time
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
	now      func() time.Time
	log      *slog.Logger
}

// New makes the handler, or says that a part is missing.
func New(p Parts) (*Handler, error) {
	if p.Objects == nil || p.Threads == nil || p.Protocol == nil || p.Letters == nil || p.Flows == nil || p.Now == nil || p.Log == nil {
		return nil, errors.New("intake needs Objects, Threads, Protocol, Letters, Flows, Now and Log: one is missing")
	}
	if _, err := mail.ParseSenderPolicy(string(p.Settings.Senders)); err != nil {
		return nil, fmt.Errorf("intake's Senders: %w", err)
	}
	return &Handler{
		objects: p.Objects, threads: p.Threads, protocol: p.Protocol, letters: p.Letters, flows: p.Flows,
		settings: p.Settings, now: p.Now, log: p.Log,
	}, nil
}

// setupNotification is the object that SES writes when a receipt rule is made; it is no mail.
const setupNotification = "AMAZON_SES_SETUP_NOTIFICATION"

// maxAhead is how far the clock that wrote job.MetadataReceivedAt may be ahead of S3's.
const maxAhead = time.Minute

// Handle takes every mail of the event. Its error joins those of the mails that failed, so that
// Lambda calls again with the same event; what was done stays done.
func (h *Handler) Handle(ctx context.Context, event events.S3Event) error {
	var failed []error
	for _, record := range event.Records {
		key := record.S3.Object.URLDecodedKey
		if !strings.HasPrefix(record.EventName, "ObjectCreated:") || path.Base(key) == setupNotification || strings.HasSuffix(key, "/") {
			telemetry.Write(ctx, h.log, telemetry.ObjectIgnored{Object: key, S3Event: record.EventName})
			continue
		}
		a := arrival{
			Handler: h, sizeBytes: record.S3.Object.Size, receivedAt: record.EventTime,
			raw: job.ObjectRef{Bucket: record.S3.Bucket.Name, Key: key},
		}
		if err := a.take(ctx); err != nil {
			telemetry.Write(ctx, h.log, telemetry.MailFailed{Message: a.whole().id, Error: err.Error()})
			failed = append(failed, fmt.Errorf("mail %s: %w", key, err))
		}
	}
	return errors.Join(failed...)
}

// arrival is one mail on its way in.
type arrival struct {
	*Handler
	raw        job.ObjectRef
	sizeBytes  int64
	receivedAt time.Time
	againOf    string  // the message that a person has done again with this mail; empty: none
	againFor   job.Key // its key: the mail is for no other now; empty: it had none
	content    []byte
	parsed     mail.Message // as far as it could be read
	released   bool         // by a person, who was told of it: its row is there, and held
}

// whole is the mail as a message that is for nobody.
func (a arrival) whole() message {
	return message{arrival: a, id: job.MessageID(a.raw.Key, "", true)}
}

// rest is what a mail that is a message to somebody is to all others.
func (a arrival) rest() message {
	return message{arrival: a, id: job.MessageID(a.raw.Key, "", false)}
}

// maxKeys is the most keys that a mail may address: each has the mail's content for itself.
const maxKeys = 50

// take reads the mail and makes it a message for each key that it addresses, or rejects it.
func (a arrival) take(ctx context.Context) error {
	if most := int64(a.settings.Limits.MaxBytes); a.sizeBytes > most {
		tooBig := &mail.LimitError{Limit: "MaxBytes", Value: a.sizeBytes, Max: most}
		return a.whole().reject(ctx, tooBig.Error(), true)
	}
	if err := a.read(ctx); err != nil {
		var gone *s3types.NoSuchKey
		if errors.As(err, &gone) {
			return a.whole().reject(ctx, "the mail was deleted from its bucket before it was read", true)
		}
		return err
	}
	var err error
	a.parsed, err = mail.Parse(a.content, a.settings.Limits)
	if err != nil {
		return a.whole().reject(ctx, err.Error(), true)
	}
	if a.parsed.Class != mail.ClassDoubtful && !a.parsed.Class.MakesJob() {
		reason := fmt.Sprintf("class %s makes no job: %s", a.parsed.Class, strings.Join(a.parsed.ClassReasons, "; "))
		return a.whole().reject(ctx, reason, false)
	}
	if a.parsed.Verdicts.Infected() {
		return a.whole().reject(ctx, "SES found a virus in it", true) // SES stores such mail like any other
	}
	targets, refused, err := a.settings.Routes.Message(a.parsed)
	if err != nil {
		return a.whole().reject(ctx, err.Error(), true)
	}
	if a.againFor != "" {
		targets, refused = slices.DeleteFunc(targets, func(t mail.Target) bool { return t.Key != a.againFor }), nil
		if len(targets) == 0 {
			return a.whole().reject(ctx, fmt.Sprintf("it is done again for %s, whom it does not address any more", a.againFor), true)
		}
	}
	if len(targets) > maxKeys {
		return a.whole().reject(ctx, fmt.Sprintf("it addresses %d keys: a mail may address %d", len(targets), maxKeys), true)
	}
	return a.deliver(ctx, targets, refused)
}

// deliver makes the mail a message for each key, or holds it. An error with one keeps none of the
// others back.
func (a arrival) deliver(ctx context.Context, targets []mail.Target, refused []mail.Refusal) error {
	var failed []error
	for _, target := range targets {
		m := message{arrival: a, key: target.Key, id: job.MessageID(a.raw.Key, target.Key, len(targets) == 1)}
		take := m.admit
		if reason := a.settings.Senders.Hold(a.parsed, target); reason != "" {
			take = func(ctx context.Context) error { return m.hold(ctx, reason) }
		}
		if err := take(ctx); err != nil {
			failed = append(failed, fmt.Errorf("for %s: %w", target.Key, err))
		}
	}
	if len(refused) > 0 {
		reason := fmt.Sprintf("others of its recipients are worked for, not these: %s", mail.Reasons(refused))
		failed = append(failed, a.rest().reject(ctx, reason, true))
	}
	return errors.Join(failed...)
}

// read gets the mail, and what its object's metadata says. That overrides the time of S3's event,
// for mail that is put again, or that did not come through SES. An impossible time is ignored, with
// a warning: a mail that is refused for it would have no row.
func (a *arrival) read(ctx context.Context) error {
	out, err := a.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(a.raw.Bucket), Key: aws.String(a.raw.Key)})
	if err != nil {
		return fmt.Errorf("read s3://%s/%s: %w", a.raw.Bucket, a.raw.Key, err)
	}
	defer out.Body.Close()
	a.content, err = io.ReadAll(io.LimitReader(out.Body, int64(a.settings.Limits.MaxBytes)+1))
	if err != nil {
		return fmt.Errorf("read s3://%s/%s: %w", a.raw.Bucket, a.raw.Key, err)
	}
	if a.againOf, err = url.PathUnescape(out.Metadata[job.MetadataAgainOf]); err != nil {
		a.againOf = out.Metadata[job.MetadataAgainOf]
	}
	a.againOf = job.Cut(a.againOf, job.MaxHeaderBytes)
	a.againFor = job.Key(out.Metadata[job.MetadataAgainFor])
	if value, ok := out.Metadata[job.MetadataReceivedAt]; ok {
		if at, err := parseReceivedAt(value, a.receivedAt); err == nil {
			a.receivedAt = at
		} else {
			telemetry.Write(ctx, a.log, telemetry.ReceivedAtIgnored{Message: a.whole().id, Value: value, Error: err.Error()})
		}
	}
	return nil
}

// parseReceivedAt reads the job.MetadataReceivedAt of an object that S3 stored at storedAt. Mail is
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
