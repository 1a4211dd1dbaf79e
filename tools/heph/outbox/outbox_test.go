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

// Lines of a mail have 998 letters at most (RFC 5322, section 2.1.1), and what somebody writes into
// one field makes no other.
func TestWhatIsBuiltIsWellFormed(t *testing.T) {
	folder := t.TempDir()
	binary := make([]byte, 3000)
	for i := range binary {
		binary[i] = byte(i)
	}
	files := map[string]string{"a \"b\"; c.bin": string(binary), "forwarded.eml": "From: x@y.example\r\n\r\nhi\r\n", "empty.txt": ""}
	var paths []string
	for name, content := range files {
		paths = append(paths, filepath.Join(folder, name))
		if err := os.WriteFile(paths[len(paths)-1], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ids := make([]string, 60)
	for i := range ids {
		ids[i] = strings.Repeat("x", 30) + "@shop.example"
	}
	subject := "Hello\r\nBcc: all@elsewhere.example  =?utf-8?q?=41?= " + strings.Repeat("größer und größer ", 60)
	body := "." + strings.Repeat("long ", 1000) + "\r\nFrom here = trailing \t\n.\nend"
	raw, err := Draft{
		From: `"Müller, \"Jörg\"" <joerg@shop.example>`, To: "scott@amelia.example.com", Subject: subject, Body: body,
		References: ids, Attachments: paths, Date: time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC),
	}.Build()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d: %q", len(line), line)
		}
	}
	m, err := hephmail.Parse(raw, hephmail.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(strings.Fields(m.Subject), " "), strings.Join(strings.Fields(subject), " "); got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	if m.From[0].Name != `Müller, "Jörg"` || len(m.Recipients) != 1 || !slices.Equal(m.References, ids) {
		t.Errorf("from %q to %q, %d references", m.From, m.Recipients, len(m.References))
	}
	if got := strings.ReplaceAll(m.Text, "\r\n", "\n"); got != strings.ReplaceAll(body, "\r\n", "\n") {
		t.Errorf("text %q", got)
	}
	for _, file := range m.Attachments {
		want, ok := files[file.FileName]
		if delete(files, file.FileName); ok && string(file.Content) != want {
			t.Errorf("%s is %q", file.FileName, file.Content)
		}
	}
	if len(m.Attachments) != 3 || len(files) > 1 { // a name with quotes is made safe
		t.Errorf("attachments %+v, without %v", m.Attachments, files)
	}
}

func TestAMessageIDThatIsNoneIsRefused(t *testing.T) {
	for _, id := range []string{"a b@x.example", "a@x.example\r\nBcc: all@elsewhere.example", "<>", "a>b@x.example", "ö@x.example"} {
		for _, d := range []Draft{{MessageID: id}, {InReplyTo: id}, {References: []string{"first@x.example", id}}} {
			d.From, d.To = "a@b.example", "c@d.example"
			if raw, err := d.Build(); err == nil || !strings.Contains(err.Error(), "is no message id") {
				t.Errorf("%q was built: %v\n%s", id, err, raw)
			}
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
	if got := b.put.Metadata; len(got) != 1 || got["received-at"] != "2026-10-12T08:00:00Z" {
		t.Errorf("metadata %q", got)
	}
	if err := Put(t.Context(), &b, "stack-emails", Mail{MessageID: "m2", AgainOf: "grün/1", For: "amelia#scott"}); err != nil {
		t.Fatal(err)
	}
	if got := b.put.Metadata; len(got) != 2 || got["again-of"] != "gr%C3%BCn%2F1" || got["again-for"] != "amelia#scott" {
		t.Errorf("metadata %q", got)
	}
}
