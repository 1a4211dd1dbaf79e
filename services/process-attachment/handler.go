// Package processattachment is the Lambda that looks at one attached file of a mail: it stores the
// file under the hash of its content and, for a picture, a web version and a thumbnail beside it.
//
// It promises that a retry, or the same file in another mail, ends in the same objects and writes
// none of them twice; that only a failing AWS call is an error (so that the state machine's retry
// helps), and that of a file that is gone one that is not retried; and that a hostile or broken
// file is kept as it came, with a note that says what is wrong. It does not look for malware, and a
// file over the limit stays where intake put it, unread.
package processattachment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/media"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// Objects is what the handler needs of S3; *s3.Client is one.
type Objects interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// Settings are the handler's bounds and place.
type Settings struct {
	Bucket string       // where attachments are stored
	Limits media.Limits // MaxBytes is also the most that is read into memory of any file
}

// Input is one item of the state machine's Map over a mail's attachments.
type Input struct {
	MessageID  string         `json:"messageId"`
	Attachment job.Attachment `json:"attachment"`
}

// Handler processes attachments. It is safe for concurrent use if its Objects are.
type Handler struct {
	objects  Objects
	settings Settings
	log      *slog.Logger
}

// New returns a handler that stores in settings.Bucket.
func New(objects Objects, settings Settings, log *slog.Logger) *Handler {
	return &Handler{objects: objects, settings: settings, log: log}
}

// Handle stores one attachment and answers with it, its stored objects and any note added. Stored
// is always set: to Source for a file that is too large to be read.
func (h *Handler) Handle(ctx context.Context, in Input) (job.Attachment, error) {
	attachment := in.Attachment
	if in.MessageID == "" || attachment.Source.Bucket == "" || attachment.Source.Key == "" {
		err := fmt.Errorf("attachment %d of message %q: messageId and source must be there", attachment.Index, in.MessageID)
		return job.Attachment{}, &job.InvalidRequest{Err: err}
	}
	checkName(&attachment)
	if err := h.process(ctx, &attachment); err != nil {
		err = fmt.Errorf("attachment %d of message %s: %w", attachment.Index, in.MessageID, err)
		var gone *s3types.NoSuchKey
		if errors.As(err, &gone) {
			return job.Attachment{}, &job.InvalidRequest{Err: err}
		}
		return job.Attachment{}, err
	}
	telemetry.Write(ctx, h.log, telemetry.AttachmentProcessed{
		Message: in.MessageID, Index: attachment.Index, SizeBytes: attachment.SizeBytes, DetectedType: attachment.DetectedType,
		Pictures: attachment.Web != nil, Noted: attachment.Note != "",
	})
	return attachment, nil
}

func (h *Handler) process(ctx context.Context, attachment *job.Attachment) error {
	content, sizeBytes, err := h.read(ctx, attachment.Source)
	if err != nil {
		return err
	}
	attachment.SizeBytes = sizeBytes
	if limit := h.settings.Limits.MaxBytes; sizeBytes > limit {
		source := attachment.Source
		attachment.Stored = &source
		note(attachment, fmt.Sprintf("over the limit of %d bytes: left unread where it came", limit))
		return nil
	}
	info := media.Inspect(content)
	attachment.SHA256, attachment.DetectedType = info.SHA256, info.Type
	if attachment.Stored, err = h.storeOriginal(ctx, content, info); err != nil {
		return err
	}
	pictures, err := media.Derive(content, h.settings.Limits)
	switch {
	case err != nil:
		note(attachment, err.Error())
	case pictures.Web == nil:
		noteMissingPicture(attachment)
	default:
		return h.storePictures(ctx, attachment, pictures)
	}
	return nil
}

// read gets an object's content and size; content is nil if the size is over the limit.
func (h *Handler) read(ctx context.Context, from job.ObjectRef) (content []byte, sizeBytes int64, err error) {
	object, err := h.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &from.Bucket, Key: &from.Key})
	if err != nil {
		return nil, 0, fmt.Errorf("get s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	defer object.Body.Close()
	limit := h.settings.Limits.MaxBytes
	if size := aws.ToInt64(object.ContentLength); size > limit {
		return nil, size, nil
	}
	content, err = io.ReadAll(io.LimitReader(object.Body, limit+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	return content, int64(len(content)), nil
}

// storeOriginal stores the file under its hash. Its Content-Disposition makes a browser save what a
// stranger sent, never show it. It names no file: all mails with this content share the object, and
// would see the name that the first one gave it.
func (h *Handler) storeOriginal(ctx context.Context, content []byte, info media.Info) (*job.ObjectRef, error) {
	ref, _, err := h.store(ctx, &s3.PutObjectInput{
		Key:                aws.String(folder(info.SHA256) + "original"),
		Body:               bytes.NewReader(content),
		ContentType:        &info.Type,
		ContentDisposition: aws.String("attachment"),
	})
	return &ref, err
}

func (h *Handler) storePictures(ctx context.Context, attachment *job.Attachment, pictures media.Derivatives) error {
	var err error
	if attachment.Web, err = h.storePicture(ctx, folder(attachment.SHA256)+"web", pictures.Web); err != nil {
		return err
	}
	attachment.Thumbnail, err = h.storePicture(ctx, folder(attachment.SHA256)+"thumb", pictures.Thumbnail)
	return err
}

func (h *Handler) storePicture(ctx context.Context, name string, picture *media.Picture) (*job.Rendition, error) {
	extension := ".jpg"
	if picture.ContentType == "image/png" {
		extension = ".png"
	}
	ref, existed, err := h.store(ctx, &s3.PutObjectInput{
		Key:         aws.String(name + extension),
		Body:        bytes.NewReader(picture.Content),
		ContentType: &picture.ContentType,
	})
	if err != nil {
		return nil, err
	}
	rendition := job.Rendition{
		ObjectRef:    ref,
		ContentType:  picture.ContentType,
		WidthPixels:  picture.WidthPixels,
		HeightPixels: picture.HeightPixels,
		SizeBytes:    int64(len(picture.Content)),
	}
	if existed {
		rendition.SizeBytes, err = h.sizeOf(ctx, ref)
	}
	return &rendition, err
}

// store writes an object unless its key exists. The key contains the hash, so the object there is
// as good.
//
// Two uploads at once may end in S3's 409 ConditionalRequestConflict (Amazon S3 User Guide,
// conditional writes), which does not say whether the object exists. So it is an error, and a retry
// finds out.
func (h *Handler) store(ctx context.Context, put *s3.PutObjectInput) (ref job.ObjectRef, existed bool, err error) {
	ref = job.ObjectRef{Bucket: h.settings.Bucket, Key: aws.ToString(put.Key)}
	put.Bucket, put.IfNoneMatch = &ref.Bucket, aws.String("*")
	_, err = h.objects.PutObject(ctx, put)
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() == "PreconditionFailed" {
		return ref, true, nil
	}
	if err != nil {
		return job.ObjectRef{}, false, fmt.Errorf("put s3://%s/%s: %w", ref.Bucket, ref.Key, err)
	}
	return ref, false, nil
}

// sizeOf asks S3 for the size of a picture that was there already: the encoder of another build may
// have made it, with other bytes.
func (h *Handler) sizeOf(ctx context.Context, ref job.ObjectRef) (int64, error) {
	head, err := h.objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &ref.Bucket, Key: &ref.Key})
	if err != nil {
		return 0, fmt.Errorf("head s3://%s/%s: %w", ref.Bucket, ref.Key, err)
	}
	return aws.ToInt64(head.ContentLength), nil
}

// folder is the prefix of all objects of one content. The hash's first digits group the keys for
// people who list them.
func folder(sha256 string) string { return "sha256/" + sha256[:2] + "/" + sha256 + "/" }

// checkName makes FileName the safe base name that job.Attachment promises, even if the input
// breaks the promise: a worker writes a file of that name.
func checkName(attachment *job.Attachment) {
	base := attachment.FileName[strings.LastIndexAny(attachment.FileName, `/\`)+1:]
	if base == "" || base == "." || base == ".." {
		base = fmt.Sprintf("attachment-%d", attachment.Index)
	}
	if base != attachment.FileName {
		note(attachment, fmt.Sprintf("the file's name was %q", attachment.FileName))
		attachment.FileName = base
	}
}

// noteMissingPicture notes why a picture has no preview: its type is not decoded, or the file only
// claims to be a picture.
func noteMissingPicture(attachment *job.Attachment) {
	switch {
	case strings.HasPrefix(attachment.DetectedType, "image/"):
		note(attachment, "no preview is made of "+attachment.DetectedType)
	case strings.HasPrefix(attachment.ContentType, "image/"):
		note(attachment, fmt.Sprintf("said to be %s, but is %s", attachment.ContentType, attachment.DetectedType))
	}
}

func note(attachment *job.Attachment, text string) {
	if attachment.Note != "" {
		text = attachment.Note + "; " + text
	}
	attachment.Note = text
}
