// Package outbox puts mail into a stack as SES does: as an object under emails/, named by a message
// id. It also writes mail from its parts, for people who have no file at hand.
package outbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/job"
	hephmail "github.com/webordinary/hephaestus/libs/mail"
)

// receivedAtMetadata names the metadata from which intake takes when the mail was received.
const receivedAtMetadata = "received-at"

// S3 is what putting mail needs; *s3.Client satisfies it.
type S3 interface {
	PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Mail is one mail on its way.
type Mail struct {
	MessageID  string    // names the object, as SES's id does
	Raw        []byte    // MIME
	ReceivedAt time.Time // zero: when S3 gets it
}

// Object is the key of the mail's object.
func (m Mail) Object() string { return job.EmailFolder + m.MessageID }

// Put stores the mail in the bucket; S3's event then starts intake.
func Put(ctx context.Context, client S3, bucket string, m Mail) error {
	in := &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(m.Object()), Body: bytes.NewReader(m.Raw),
		ContentType: aws.String("message/rfc822"),
	}
	if !m.ReceivedAt.IsZero() {
		in.Metadata = map[string]string{receivedAtMetadata: m.ReceivedAt.UTC().Format(time.RFC3339Nano)}
	}
	if _, err := client.PutObject(ctx, in); err != nil {
		return fmt.Errorf("put mail %s into s3://%s: %w", m.MessageID, bucket, err)
	}
	return nil
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
