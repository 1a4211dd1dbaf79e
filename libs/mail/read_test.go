package mail

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func readFixture(t *testing.T, name string) Message {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(raw, DefaultLimits())
	if err != nil {
		t.Fatalf("Parse(%s): %v", name, err)
	}
	return m
}

func attachmentLines(m Message) []string {
	var lines []string
	for _, a := range m.Attachments {
		line := fmt.Sprintf("%d %s %s %d", a.Index, a.FileName, a.DetectedType, len(a.Content))
		if a.Inline {
			line += " inline"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestParseReadsTheBodyOf(t *testing.T) {
	const text = "text/plain; charset=utf-8"
	for _, c := range []struct {
		what, file  string
		subject     string
		text        string
		html        bool
		fromHTML    bool
		attachments []string
		note        string // a note that must be there
	}{
		{what: "mail as SES stores it", file: "ses", subject: "Please fix the build", text: "The build is red since Friday.\n"},
		{what: "alternatives in quoted-printable and base64", file: "alternative", subject: "Café at noon",
			text: "Meet me at the café, this line is long.", html: true},
		{what: "HTML alone, rendered", file: "html-only", subject: "HTML only",
			text: "First line\n\nSee the page ( https://example.com/x )", html: true, fromHTML: true},
		{what: "a message with an image declared as bytes", file: "image-attachment", subject: "A picture", text: "Look at this.",
			attachments: []string{"1 dot.png image/png 70"}},
		{what: "HTML with its image beside an attachment", file: "cid-image", subject: "Inline picture", text: "Logo below.", html: true,
			attachments: []string{"1 attachment-1.png image/png 70 inline", "2 numbers.csv text/csv 8"}},
		{what: "a reply", file: "reply", subject: "Re: Please fix the build", text: "Still red.\n\n> On Monday you wrote:\n> It is green.\n"},
		{what: "multiparts that are not closed", file: "missing-final-boundary", subject: "Cut off", text: "Alpha",
			attachments: []string{"1 a.log " + text + " 18"}, note: "a multipart is not closed"},
		{what: "a multipart without a boundary parameter", file: "no-boundary-parameter", subject: "No boundary",
			text: "Readable all the same.\n", note: "the multipart names no boundary; read as text"},
		{what: "latin-1", file: "latin1", subject: "Grüße", text: "Viele Grüße aus Köln\n"},
		{what: "KOI8-R in base64", file: "koi8", subject: "Привет", text: "Доброе утро"},
		{what: "ISO-2022-JP", file: "iso-2022-jp", subject: "会議", text: "明日の会議\n"},
		{what: "8-bit text without a charset", file: "unlabelled-8bit", subject: "Grüße", text: "“Smart” – 5 €\n",
			note: "bytes outside the declared charset; read as windows-1252"},
		{what: "an unknown charset", file: "unknown-charset", subject: "plain", text: "naïve\n",
			note: `unknown charset "x-nobody-knows"; read as UTF-8`},
		{what: "an mbox entry", file: "mbox-line", subject: "From an mbox", text: "Text.\n", note: "dropped an mbox separator line"},
		{what: "a message behind a byte order mark", file: "bom", subject: "With a BOM", text: "Text.\n", note: "dropped a byte order mark"},
		{what: "a message behind blank lines", file: "blank-before", subject: "Late start", text: "Text.\n",
			note: "dropped blank space before the header"},
		{what: "a bounce whose text has no Content-Type", file: "bounce", subject: "Returned mail: see transcript for details",
			text:        "The address had permanent errors.",
			attachments: []string{"1 attachment-1.txt " + text + " 118", "2 attachment-2.eml message/rfc822 62"}},
		{what: "a signed message, without the signature", file: "signed", subject: "Signed", text: "I mean it.",
			note: "signed; the signature was not checked"},
		{what: "parts that stay closed", file: "opaque", subject: "Closed", attachments: []string{
			"1 winmail.dat application/octet-stream 8", "2 smime.p7m application/octet-stream 15",
			"3 attachment-3.eml message/rfc822 93", "4 attachment-4.txt text/plain 0"}},
		{what: "names in RFC 2231 and RFC 2047", file: "rfc2231", subject: "Names", text: "Names.", attachments: []string{
			"1 € rates.pdf " + text + " 1", "2 long näme.pdf " + text + " 1", "3 Grüße.pdf " + text + " 1", "4 Übersicht.pdf " + text + " 1"}},
		{what: "hostile names", file: "hostile-names", subject: "Names", text: "Names.", attachments: []string{
			"1 passwd " + text + " 1", "2 setup.exe " + text + " 1", "3 invoicefdp.exe " + text + " 1", "4 attachment-4.txt " + text + " 1",
			"5 _NUL.txt " + text + " 1", "6 a b  c.txt " + text + " 1", "7 setup-2.EXE " + text + " 1",
			"8 " + strings.Repeat("x", 146) + ".tar " + text + " 1", "9 rf " + text + " 1"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := readFixture(t, c.file)
			if m.Subject != c.subject {
				t.Errorf("subject %q, want %q", m.Subject, c.subject)
			}
			if m.Text != c.text || m.TextFromHTML != c.fromHTML {
				t.Errorf("text %q (from HTML: %v), want %q (%v)", m.Text, m.TextFromHTML, c.text, c.fromHTML)
			}
			if (m.HTML != "") != c.html {
				t.Errorf("HTML %q", m.HTML)
			}
			if got := attachmentLines(m); !slices.Equal(got, c.attachments) {
				t.Errorf("attachments\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.attachments, "\n"))
			}
			if c.note != "" && !slices.Contains(m.Notes, c.note) {
				t.Errorf("notes %q lack %q", m.Notes, c.note)
			}
		})
	}
}

func TestBrokenEncodingsKeepWhatCanBeRead(t *testing.T) {
	m := readFixture(t, "broken-base64")
	if !strings.HasPrefix(m.Text, "Hello world!") || !slices.Contains(m.Notes, "broken base64; decoded as far as possible") {
		t.Errorf("text %q, notes %q", m.Text, m.Notes)
	}
	uue := m.Attachments[0]
	if string(uue.Content) != "begin 644 a" || !slices.Contains(uue.Notes, `unknown transfer encoding "x-uuencode"; left as it is`) {
		t.Errorf("content %q, notes %q", uue.Content, uue.Notes)
	}
}

func TestABlankTextDoesNotHideTheHTML(t *testing.T) {
	alternative := func(text, html string) string {
		return "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n" + text + "\n--b\nContent-Type: text/html\n\n" + html + "\n--b--\n"
	}
	const note = "the text form is blank; rendered from the HTML"
	for what, c := range map[string]struct {
		raw, text string
		fromHTML  bool
	}{
		"no text":         {alternative("", "<p>Please fix it.</p>"), "Please fix it.", true},
		"blank lines":     {alternative(" \n\n\t", "<p>Please fix it.</p>"), "Please fix it.", true},
		"a text":          {alternative("Fix it.", "<p>Please fix it.</p>"), "Fix it.", false},
		"neither":         {alternative("", " "), "", false},
		"no HTML at all":  {"Content-Type: text/plain\n\n \n", "", false},
		"only empty HTML": {"Content-Type: text/html\n\n<p></p>\n", "", true},
	} {
		m, err := Parse([]byte(c.raw), DefaultLimits())
		if err != nil || m.Text != c.text || m.TextFromHTML != c.fromHTML {
			t.Errorf("%s: text %q (from HTML: %v), %v; want %q (%v)", what, m.Text, m.TextFromHTML, err, c.text, c.fromHTML)
		}
		if rendered := c.fromHTML && c.text != ""; slices.Contains(m.Notes, note) != rendered {
			t.Errorf("%s: notes %q", what, m.Notes)
		}
	}
}

func TestBase64OfSeveralPieces(t *testing.T) {
	const pieces = "base64 padded in the middle; each piece was decoded as far as possible"
	for body, c := range map[string]struct {
		text  string
		notes []string
	}{
		"SGVsbG8=\r\nV29ybGQ=":      {"HelloWorld", []string{pieces}},
		"SGVsbG8=V29ybGQ= \r\n":     {"HelloWorld", []string{pieces}},
		"SGk==\r\nSGVsbG8=\r\nIQ==": {"HiHello!", []string{pieces}},
		"SGVsbG8=\r\nV29ybGQhI=":    {"HelloWorld!", []string{pieces}},
		"SGVs!bG8=\r\nV29ybGQ=":     {"HelloWorld", []string{"broken base64; decoded as far as possible", pieces}},
		"SGVsbG8=\r\n==\r\n":        {"Hello", nil},
	} {
		p := &part{header: header{{name: "content-transfer-encoding", value: "base64"}}, body: []byte(body)}
		content, notes := p.content()
		if string(content) != c.text || !slices.Equal(notes, c.notes) {
			t.Errorf("%q: %q, notes %q; want %q, %q", body, content, notes, c.text, c.notes)
		}
	}
}

func TestTheRootOfRelatedPartsIsTheBody(t *testing.T) {
	const (
		picture = "\n--r\nContent-Type: image/png\nContent-ID: <pic@x>\n\npng"
		page    = "\n--r\nContent-Type: text/html\nContent-ID: <root@x>\n\n<p>Please water <img src=cid:pic@x></p>"
		other   = "\n--r\nContent-Type: text/html\nContent-ID: <other@x>\n\n<p>not this</p>"
		both    = "\n--r\nContent-Type: multipart/alternative; boundary=a\n\n--a\n\nPlease water\n--a\nContent-Type: text/html\n\n<p>x</p>\n--a--"
	)
	for what, c := range map[string]struct {
		params, parts string
		attachments   int
	}{
		"the first":                      {"", page + picture, 1},
		"the first text, behind others":  {"", picture + page, 1},
		"the one that start names":       {"; start=\"<root@x>\"", picture + other + page, 2},
		"the first, if start names none": {"; start=\"<gone@x>\"", page + other + picture, 2},
		"a multipart behind others":      {"", picture + both, 1},
	} {
		m, err := Parse([]byte("Content-Type: multipart/related; boundary=r"+c.params+"\n"+c.parts+"\n--r--\n"), DefaultLimits())
		if err != nil || strings.TrimSpace(m.Text) != "Please water" || len(m.Attachments) != c.attachments {
			t.Errorf("%s: text %q, %q (%v)", what, m.Text, attachmentLines(m), err)
		}
	}
	m, err := Parse([]byte("Content-Type: multipart/related; boundary=r\n"+picture+"\n--r--\n"), DefaultLimits())
	if err != nil || m.Text != "" || len(m.Attachments) != 1 {
		t.Errorf("no text at all: text %q, %q (%v)", m.Text, attachmentLines(m), err)
	}
}

func TestTextDeclaredAsBase64IsLeftAsItIs(t *testing.T) {
	m, err := Parse([]byte("Subject: alert\nContent-Transfer-Encoding: base64\n\nThe disk is full.\n"), DefaultLimits())
	if err != nil || m.Text != "The disk is full.\n" {
		t.Errorf("text %q (%v)", m.Text, err)
	}
}

func TestALineWithoutAFieldNameIs(t *testing.T) {
	for what, c := range map[string]struct{ raw, subject, text string }{
		"the body, where no field follows":        {"Subject: one\nHello there\nand more\n", "one", "Hello there\nand more\n"},
		"a lost continuation, where a field does": {"Subject: one\ntwo\nthree\nTo: a@b.example\n\nHello\n", "one two three", "Hello\n"},
		"the body, where none came before":        {"Hello there\nTo: a@b.example\n", "", "Hello there\nTo: a@b.example\n"},
	} {
		m, err := Parse([]byte(c.raw), DefaultLimits())
		if err != nil || m.Subject != c.subject || m.Text != c.text {
			t.Errorf("%s: subject %q, text %q (%v)", what, m.Subject, m.Text, err)
		}
	}
}

func TestClosedPartsSayWhyTheyAreClosed(t *testing.T) {
	var notes []string
	for _, a := range readFixture(t, "opaque").Attachments {
		notes = append(notes, a.Notes...)
	}
	want := []string{"winmail.dat (TNEF) is not unpacked", "an S/MIME envelope is not opened",
		"a forwarded message is kept as it is", "what it refers to is not fetched"}
	if !slices.Equal(notes, want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
}

func TestParseReadsTheHeaderOfAReply(t *testing.T) {
	m := readFixture(t, "reply")
	if m.MessageID != "reply-3@sender.example" || m.MessageIDMade {
		t.Errorf("message id %q, made %v", m.MessageID, m.MessageIDMade)
	}
	if want := []string{"reply-2@sender.example"}; !slices.Equal(m.InReplyTo, want) {
		t.Errorf("In-Reply-To %q, want %q: prose around the id is no id", m.InReplyTo, want)
	}
	if want := []string{"ses-1@sender.example", "reply-2@sender.example"}; !slices.Equal(m.References, want) {
		t.Errorf("References %q, want %q: an id may be folded", m.References, want)
	}
	if want := time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC); !m.Date.Equal(want) {
		t.Errorf("date %v, want %v", m.Date, want)
	}
	if want := []Address{{"Amelia", "scott@amelia.example.com"}}; !slices.Equal(m.To, want) {
		t.Errorf("To %q", m.To)
	}
	if want := []Address{{"Doe, Jane", "jane@sender.example"}, {"", "bob@sender.example"}}; !slices.Equal(m.Cc, want) {
		t.Errorf("Cc %q", m.Cc)
	}
}

func TestAMissingMessageIDIsMadeOfTheBytes(t *testing.T) {
	first, second := readFixture(t, "no-message-id"), readFixture(t, "no-message-id")
	if !first.MessageIDMade || !strings.HasSuffix(first.MessageID, "@no-message-id.invalid") {
		t.Fatalf("message id %q, made %v", first.MessageID, first.MessageIDMade)
	}
	if first.MessageID != second.MessageID {
		t.Errorf("%q and %q for the same bytes", first.MessageID, second.MessageID)
	}
	other, err := Parse([]byte("From: scott@sender.example\n\nOther text.\n"), DefaultLimits())
	if err != nil || other.MessageID == first.MessageID {
		t.Errorf("other bytes have id %q too (%v)", other.MessageID, err)
	}
}

func TestMessageIDsAreBounded(t *testing.T) {
	long := "<" + strings.Repeat("x", 5000) + "@sender.example>"
	ids := messageIDs(long + strings.Repeat(" <a@b>", 300) + " <last@b>")
	if len(ids) != maxMessageIDs || len(ids[0]) > maxMessageIDBytes || ids[len(ids)-1] != "last@b" {
		t.Errorf("%d ids, first %q, last %q", len(ids), ids[0], ids[len(ids)-1])
	}
	if again := messageIDs(long); again[0] != ids[0] {
		t.Errorf("an overlong id is %q here and %q there", ids[0], again[0])
	}
}

func TestEveryAuthorIsKept(t *testing.T) {
	m := readFixture(t, "two-froms")
	want := []Address{{"", "a@sender.example"}, {"b@bank.example", "b@sender.example"}}
	if !slices.Equal(m.From, want) || !slices.Contains(m.Notes, "2 addresses in From") {
		t.Errorf("From %q, notes %q", m.From, m.Notes)
	}
	if m.MessageID != "two-1@sender.example" {
		t.Errorf("message id without brackets: %q", m.MessageID)
	}
}

func TestABrokenAddressListStillGivesItsAddresses(t *testing.T) {
	m, err := Parse([]byte("From: sending.tld <x> postmaster@sender.example [odd\n\nText.\n"), DefaultLimits())
	if err != nil || len(m.From) != 1 || m.From[0].Address != "postmaster@sender.example" {
		t.Errorf("From %q (%v)", m.From, err)
	}
	if !slices.Contains(m.Notes, "the from field is not a proper address list") {
		t.Errorf("notes %q", m.Notes)
	}
}

func TestOnlySESItselfGivesVerdicts(t *testing.T) {
	for _, c := range []struct {
		what, file string
		want       Verdicts // without AuthenticationResults
	}{
		{"SES's own fields", "ses", Verdicts{Spam: "PASS", Virus: "PASS", SPF: "pass", DKIM: "pass", DMARC: "pass", VouchedBy: "DMARC"}},
		{"fields below SES's last one", "ses-forged-below", Verdicts{SPF: "pass", DKIM: "fail", DMARC: "fail"}},
		{"a forged Received line further down", "ses-forged-alone", Verdicts{}},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := readFixture(t, c.file).Verdicts
			if (got.AuthenticationResults == "") != (c.want == Verdicts{}) {
				t.Errorf("Authentication-Results %q", got.AuthenticationResults)
			}
			got.AuthenticationResults = ""
			if got != c.want {
				t.Errorf("verdicts %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAResultThatTheSenderCouldHaveSmuggledInIsConflicting(t *testing.T) {
	raw := "Received: from x by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for a@b.example; date\n" +
		"Authentication-Results: amazonses.com; spf=pass envelope-from=\"x; dmarc=pass \"@evil.example; dmarc=fail header.from=bank.example\n\n."
	m, err := Parse([]byte(raw), DefaultLimits())
	if err != nil || m.Verdicts.DMARC != ConflictingResult {
		t.Errorf("DMARC %q (%v), want %q", m.Verdicts.DMARC, err, ConflictingResult)
	}
}

func TestWhichVerdictsFail(t *testing.T) {
	for _, c := range []struct {
		v    Verdicts
		want string
	}{
		{Verdicts{}, ""},
		{Verdicts{Spam: "PASS", Virus: "PASS", SPF: "fail", DKIM: "fail", DMARC: "pass"}, ""}, // a forwarder breaks SPF, a list DKIM
		{Verdicts{Spam: "GRAY", Virus: "PROCESSING_FAILED", DMARC: "none"}, ""},
		{Verdicts{Spam: "DISABLED", DMARC: "temperror"}, ""},
		{Verdicts{Spam: "FAIL", Virus: "FAIL", DMARC: "fail"}, "spam: FAIL, DMARC: fail"}, // a virus is no matter of doubt
		{Verdicts{DMARC: ConflictingResult}, "DMARC: conflicting"},
	} {
		if got := strings.Join(c.v.Failed(), ", "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.v, got, c.want)
		}
	}
}

func TestRecipientsComeEnvelopeFirst(t *testing.T) {
	for _, c := range []struct {
		file string
		want []Recipient
	}{
		{"ses", []Recipient{{"scott@amelia.example.com", "envelope"}, {"scott@amelia.example.com", "to"}}},
		{"ses-forged-alone", []Recipient{{"scott@amelia.example.com", "to"}}},
		{"two-froms", []Recipient{{"amelia+scott@example.com", "delivered-to"}, {"help@example.org", "x-original-to"}}},
		{"list", []Recipient{{"dev@lists.sender.example", "to"}, {"scott@amelia.example.com", "cc"}}},
	} {
		if got := readFixture(t, c.file).Recipients; !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.file, got, c.want)
		}
	}
}

func TestTheJSONFormIsStable(t *testing.T) {
	encoded, err := json.Marshal(readFixture(t, "cid-image"))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		t.Fatal(err)
	}
	attachment := fields["attachments"].([]any)[0].(map[string]any)
	want := map[string]any{"index": 1.0, "fileName": "attachment-1.png", "contentType": "image/png", "detectedType": "image/png",
		"contentId": "logo@sender.example", "inline": true, "sizeBytes": 70.0}
	if !reflect.DeepEqual(attachment, want) {
		t.Errorf("attachment %v, want %v: no bytes, these names", attachment, want)
	}
	for _, name := range []string{"messageId", "date", "from", "to", "subject", "text", "html", "recipients", "class", "notes"} {
		if fields[name] == nil {
			t.Errorf("no field %q in %s", name, encoded)
		}
	}
}
