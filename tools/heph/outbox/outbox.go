// Package outbox puts mail into a stack as SES does: as an object under emails/, named by a message
// id. It also writes mail from its parts, for people who have no file at hand.
package outbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/job"
	hephmail "github.com/webordinary/hephaestus/libs/mail"
)

// S3 is what putting mail needs; *s3.Client satisfies it.
type S3 interface {
	PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Mail is one mail on its way.
type Mail struct {
	MessageID  string    // names the object, as SES's id does
	Raw        []byte    // MIME
	ReceivedAt time.Time // zero: when S3 gets it
	AgainOf    string    // the message that is done again with it; empty: none
	For        job.Key   // its key, if the mail is for no other
}

// metadata is what the object says besides its content.
func (m Mail) metadata() map[string]string {
	said := map[string]string{}
	if !m.ReceivedAt.IsZero() {
		said[job.MetadataReceivedAt] = m.ReceivedAt.UTC().Format(time.RFC3339Nano)
	}
	if m.AgainOf != "" {
		said[job.MetadataAgainOf] = url.PathEscape(m.AgainOf)
	}
	if m.For != "" {
		said[job.MetadataAgainFor] = string(m.For)
	}
	return said
}

// Object is the key of the mail's object.
func (m Mail) Object() string { return job.EmailFolder + m.MessageID }

// Put stores the mail in the bucket; S3's event then starts intake.
func Put(ctx context.Context, client S3, bucket string, m Mail) error {
	in := &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(m.Object()), Body: bytes.NewReader(m.Raw),
		ContentType: aws.String("message/rfc822"), Metadata: m.metadata(),
	}
	if _, err := client.PutObject(ctx, in); err != nil {
		return fmt.Errorf("put mail %s into s3://%s: %w", m.MessageID, bucket, err)
	}
	return nil
}

// Objects is what reading mail needs; *s3.Client satisfies it.
type Objects interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Fetch reads a mail that lies in a bucket.
func Fetch(ctx context.Context, client Objects, from job.ObjectRef) ([]byte, error) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(from.Bucket), Key: aws.String(from.Key)})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	defer out.Body.Close()
	raw, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	return raw, nil
}

// NewID is a message id as SES makes them: 40 lower case letters and digits.
func NewID() string {
	var random [25]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
}

// Check returns an error if raw is no mail: it is unreadable, or nothing in it looks like a mail's
// header.
func Check(raw []byte) error {
	parsed, err := hephmail.Parse(raw, hephmail.DefaultLimits())
	if err != nil {
		return err
	}
	if len(parsed.From) == 0 && len(parsed.Recipients) == 0 && parsed.MessageIDMade {
		return fmt.Errorf("no mail: it has no header with a From, a To or a Message-ID")
	}
	return nil
}
