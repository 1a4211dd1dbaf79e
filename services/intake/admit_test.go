package intake_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/webordinary/hephaestus/libs/job"
)

// files is the body of a mail with n files.
func files(n int, header string) string {
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "--x\nContent-Type: image/png\nContent-Disposition: attachment; filename=\"picture-%03d.png\"\n%s\n1\n", i, header)
	}
	body.WriteString("--x--\n")
	return body.String()
}

// grown is an input after all of its attachments were processed, in a bucket whose name is as long
// as S3 allows.
func grown(t *testing.T, input job.ExecutionInput) []byte {
	t.Helper()
	in := func(name string) job.ObjectRef {
		hash := strings.Repeat("0", 64)
		return job.ObjectRef{Bucket: strings.Repeat("b", 63), Key: "sha256/00/" + hash + "/" + name}
	}
	rendition := func(name string) *job.Rendition {
		return &job.Rendition{ObjectRef: in(name), ContentType: "image/jpeg", WidthPixels: 1200, HeightPixels: 1200, SizeBytes: 9_999_999}
	}
	for i := range input.Attachments {
		a, original := &input.Attachments[i], in("original")
		a.SHA256, a.DetectedType, a.Stored = strings.Repeat("0", 64), "image/vnd.adobe.photoshop", &original
		a.Web, a.Thumbnail = rendition("web.jpg"), rendition("thumb.jpg")
	}
	encoded, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// Step Functions takes 262,144 bytes of data. An execution's input has to leave room for what is
// added to it.
func TestAMailOfTooManyFilesForAnExecutionIsRejected(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("ses-1", letter{id: "one", header: withFile, body: files(190, "")}.raw()))
	s.wantStarted("ses-1")
	if bytes := len(grown(t, s.inputs()[0])); bytes+40<<10 > 262_144 {
		t.Errorf("%d bytes leave no room for an error", bytes)
	}
	for i, n := range []int{230, 900} { // of 230 the description itself is small enough
		s := newScene(t)
		id := fmt.Sprintf("ses-%d", i)
		s.handles(s.arrives(id, letter{id: "one", header: withFile, body: files(n, "")}.raw()))
		s.wantStarted()
		s.wantRejected(id, fmt.Sprintf("too many attachments (%d)", n), 1)
	}
}

func TestAMailWhoseFilesSayTooMuchForAnExecutionIsRejectedForThat(t *testing.T) {
	for name, test := range map[string]struct{ contentID, reason string }{
		"too long for Step Functions": {strings.Repeat("x", 60_000), "Step Functions takes 262144: its header, or what it says of its attachments (4), is too long"},
		"too long for EventBridge":    {strings.Repeat(`"`, 17_000), "EventBridge takes 253952: its header, or what it says of its attachments (4), is too long or full of quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.handles(s.arrives("ses-1", letter{id: "one", header: withFile, body: files(4, "Content-ID: <"+test.contentID+">\n")}.raw()))
			s.wantStarted()
			s.wantRejected("ses-1", test.reason, 1)
		})
	}
}

func TestALongSubjectAndSenderAreWholeOnlyInTheContent(t *testing.T) {
	s := newScene(t)
	subject, from := strings.Repeat("Grüße ", 5000), strings.Repeat("ü", 5000)+"@example.com"
	raw := letter{id: "one", subject: subject, body: "Hello"}.raw()
	s.handles(s.arrives("ses-1", strings.Replace(raw, "scott@example.com", from, 1)))
	s.wantStarted("ses-1")
	m := s.inputs()[0].Message
	for what, value := range map[string]string{"subject": m.Subject, "sender": m.From} {
		if len(value) > 1000 || len(value) < 990 || !utf8.ValidString(value) || !strings.HasSuffix(value, " […]") {
			t.Errorf("%s of %d bytes: %q", what, len(value), value)
		}
	}
	content := s.bucket.objects["webordinary-media/messages/ses-1/content.json"].content
	if !strings.Contains(content, strings.TrimSpace(subject)) || !strings.Contains(content, from) {
		t.Error("the content lacks the whole subject or sender")
	}
}

// A reason goes into the row and the letter; a row of DynamoDB takes 400 KB.
func TestAReasonThatNamesHundredsOfRecipientsIsCut(t *testing.T) {
	s := newScene(t)
	to := strings.Repeat(strings.Repeat("x", 200)+"@elsewhere.example, ", 400) + "who@elsewhere.example"
	s.handles(s.arrives("ses-1", letter{id: "one", to: to, subject: strings.Repeat("x", 100_000), body: "Hello"}.raw()))
	s.wantRejected("ses-1", "mail: unroutable", 1)
	j, err := s.Protocol.ReadJob(ctx, "ses-1")
	if err != nil || len(j.Result) > 4<<10 || len(j.Subject) > 1000 {
		t.Errorf("a reason of %d bytes, a subject of %d (%v)", len(j.Result), len(j.Subject), err)
	}
}

// SES stores mail that fails its checks too: intake must act on the verdicts.
func TestAMailThatSESFoundToFailIsHeldAndOneWithAVirusRejected(t *testing.T) {
	ses := func(fields string) string {
		return "Return-Path: <scott@example.com>\r\n" +
			"Received: from mx.example.com by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for amelia+scott@mail.example; date\r\n" + fields
	}
	for name, test := range map[string]struct{ top, reason string }{
		"spam":           {ses("X-SES-Spam-Verdict: FAIL\r\nX-SES-Virus-Verdict: PASS\r\n"), "SES found that it fails spam: FAIL"},
		"a virus":        {ses("X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: FAIL\r\n"), "SES found a virus in it"},
		"a forged From":  {ses("Authentication-Results: amazonses.com; spf=pass; dmarc=fail header.from=example.com\r\n"), "DMARC: fail"},
		"nothing":        {ses("X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: PASS\r\nAuthentication-Results: amazonses.com; spf=pass; dmarc=pass\r\n"), ""},
		"not looked at":  {ses("X-SES-Spam-Verdict: DISABLED\r\n"), ""},
		"not SES's word": {"X-SES-Spam-Verdict: FAIL\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.handles(s.arrives("ses-1", test.top+letter{id: "one", body: "Hello"}.raw()))
			if test.reason == "" {
				s.wantStarted("ses-1")
				return
			}
			s.wantStarted()
			if name == "a virus" {
				s.wantRejected("ses-1", test.reason, 1)
				return
			}
			s.wantHeld("ses-1", test.reason)
		})
	}
}
