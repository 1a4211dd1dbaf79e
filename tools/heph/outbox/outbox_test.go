package outbox

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	hephmail "github.com/webordinary/hephaestus/libs/mail"
)

func TestWhatIsBuiltIsReadBack(t *testing.T) {
	attachment := filepath.Join(t.TempDir(), "Preisliste März.csv")
	if err := os.WriteFile(attachment, []byte("sku;preis\n4230-K;31,50\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	raw, err := Draft{
		From: "Jörg Müller <joerg@shop.example>", To: "scott@amelia.example.com, Dana <dana@atlas.example.com>",
		Subject: "Öffnungszeiten – 7 o’clock", Body: "Guten Tag,\n\nbitte ändern.\n", InReplyTo: "first@shop.example",
		References: []string{"<root@shop.example>", "first@shop.example"}, MessageID: "<mine@shop.example>",
		Attachments: []string{attachment}, Date: time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC),
	}.Build()
	if err != nil {
		t.Fatal(err)
	}
	m, err := hephmail.Parse(raw, hephmail.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "Öffnungszeiten – 7 o’clock" || m.From[0] != (hephmail.Address{Name: "Jörg Müller", Address: "joerg@shop.example"}) {
		t.Errorf("subject %q from %q", m.Subject, m.From)
	}
	if len(m.To) != 2 || m.To[0].Address != "scott@amelia.example.com" || m.To[1].Name != "Dana" {
		t.Errorf("to %q", m.To)
	}
	if m.MessageID != "mine@shop.example" || !slices.Equal(m.InReplyTo, []string{"first@shop.example"}) || !slices.Equal(m.References, []string{"root@shop.example", "first@shop.example"}) {
		t.Errorf("ids %q %q %q", m.MessageID, m.InReplyTo, m.References)
	}
	if strings.TrimSpace(m.Text) != "Guten Tag,\n\nbitte ändern." {
		t.Errorf("text %q", m.Text)
	}
	if len(m.Attachments) != 1 || string(m.Attachments[0].Content) != "sku;preis\n4230-K;31,50\n" || !strings.HasSuffix(m.Attachments[0].FileName, "rz.csv") {
		t.Errorf("attachments %+v", m.Attachments)
	}
	if !m.Class.MakesJob() {
		t.Errorf("class %s: %q", m.Class, m.ClassReasons)
	}
}

func TestAReplyWithoutReferencesRefersToWhatItAnswers(t *testing.T) {
	raw, err := Draft{From: "a@b.example", To: "c@d.example", InReplyTo: "<first@x.example>"}.Build()
	if err != nil {
		t.Fatal(err)
	}
	m, err := hephmail.Parse(raw, hephmail.DefaultLimits())
	if err != nil || !slices.Equal(m.References, []string{"first@x.example"}) {
		t.Fatalf("references %q, %v", m.References, err)
	}
}

func TestAddressesThatAreNoneAreRefused(t *testing.T) {
	for _, d := range []Draft{{From: "nobody", To: "a@b.example"}, {From: "a@b.example", To: "x@"}} {
		if raw, err := d.Build(); err == nil {
			t.Errorf("from %q to %q was built:\n%s", d.From, d.To, raw)
		}
	}
}

func TestWhatIsNoMailIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		mail      bool
	}{
		{"mail", "From: a@b.example\r\nTo: c@d.example\r\n\r\nhi\r\n", true},
		{"mail with no From, as some programs send it", "To: c@d.example\n\nhi\n", true},
		{"nothing", "", false},
		{"prose", "Dear all, this is no mail.\nReally.\n", false},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", false},
	} {
		if err := Check([]byte(c.raw)); (err == nil) != c.mail {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestIdsAreAsSESMakesThem(t *testing.T) {
	pattern := regexp.MustCompile(`^[a-z2-7]{40}$`)
	if a, b := NewID(), NewID(); a == b || !pattern.MatchString(a) {
		t.Fatalf("ids %q and %q", a, b)
	}
}

// bucket remembers what is put.
type bucket struct{ put *s3.PutObjectInput }

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b.put = in
	return &s3.PutObjectOutput{}, nil
}

func TestMailIsPutWhereSESPutsIt(t *testing.T) {
	var b bucket
	at := time.Date(2026, 10, 12, 9, 0, 0, 0, time.FixedZone("", 3600))
	if err := Put(t.Context(), &b, "stack-emails", Mail{MessageID: "m1", Raw: []byte("raw"), ReceivedAt: at}); err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(b.put.Body)
	if aws.ToString(b.put.Bucket) != "stack-emails" || aws.ToString(b.put.Key) != "emails/m1" || string(body) != "raw" {
		t.Errorf("put %s/%s %q", aws.ToString(b.put.Bucket), aws.ToString(b.put.Key), body)
	}
	if got := b.put.Metadata["received-at"]; got != "2026-10-12T08:00:00Z" {
		t.Errorf("received-at %q", got)
	}
}
