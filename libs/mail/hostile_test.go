package mail

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

const hostileHead = "From: mallory@evil.example\nTo: scott@amelia.example.com\nSubject: hostile\nMessage-ID: <h@evil.example>\n"

// nested is n multiparts, each inside the one before.
func nested(n int, closed bool) string {
	var b strings.Builder
	b.WriteString(hostileHead)
	for i := range n {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	b.WriteString("\ninnermost\n")
	for i := n - 1; closed && i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\n", i)
	}
	return b.String()
}

func siblings(n int) string {
	return hostileHead + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\n", n) + "--b--\n"
}

func TestHostileMailMeetsALimitAndKeepsItsHeader(t *testing.T) {
	small := DefaultLimits()
	small.MaxDecodedBytes = 1000
	tiny := DefaultLimits()
	tiny.MaxBytes = 100
	for _, c := range []struct {
		what, raw string
		limits    Limits
		limit     string
	}{
		{"100 nested multiparts never closed", nested(100, false), DefaultLimits(), "MaxDepth"},
		{"100 nested multiparts closed", nested(100, true), DefaultLimits(), "MaxDepth"},
		{"17 multiparts side by side", hostileHead + "Content-Type: multipart/mixed; boundary=b\n\n" +
			strings.Repeat("--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c--\n", 17), DefaultLimits(), "MaxMultiparts"},
		{"100,000 parts", siblings(100_000), DefaultLimits(), "MaxParts"},
		{"500,000 header fields", hostileHead + strings.Repeat("X-A: b\n", 500_000) + "\ntext", DefaultLimits(), "MaxHeaderBytes"},
		{"one header field folded 500,000 times", hostileHead + "X-A: b\n" + strings.Repeat("\tc\n", 500_000) + "\ntext", DefaultLimits(), "MaxHeaderBytes"},
		{"the header fields of a part", hostileHead + "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + strings.Repeat("X-A: b\n", 500_000), DefaultLimits(), "MaxHeaderBytes"},
		{"text that decodes to too much", hostileHead + "\n" + strings.Repeat("x", 1001), small, "MaxDecodedBytes"},
		{"attachments that decode to too much", hostileHead + "Content-Type: multipart/mixed; boundary=b\n\n" +
			strings.Repeat("--b\nContent-Type: application/zip\n\n"+strings.Repeat("x", 300)+"\n", 4), small, "MaxDecodedBytes"},
		{"more bytes than allowed", hostileHead + "\n" + strings.Repeat("x", 100), tiny, "MaxBytes"},
	} {
		t.Run(c.what, func(t *testing.T) {
			m, err := Parse([]byte(c.raw), c.limits)
			var limit *LimitError
			if !errors.As(err, &limit) || limit.Limit != c.limit || limit.Value <= limit.Max {
				t.Fatalf("error %v, want a LimitError of %s", err, c.limit)
			}
			if m.Subject != "hostile" || m.MessageID != "h@evil.example" || len(m.From) != 1 || len(m.Recipients) != 1 {
				t.Errorf("the header is lost: %+v", m)
			}
		})
	}
}

func TestWhatIsWithinTheLimitsIsRead(t *testing.T) {
	limits := DefaultLimits()
	for what, raw := range map[string]string{
		"the deepest nesting, not closed": nested(limits.MaxDepth, false),
		"the deepest nesting, closed":     nested(limits.MaxDepth, true),
		"the most parts":                  siblings(limits.MaxParts - 1),
		"3,000 lines that look like boundaries": hostileHead + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" +
			strings.Repeat("--bb\n", 3000) + "--b--\n",
		"a forwarded message of 100 nested multiparts": hostileHead + "Content-Type: message/rfc822\n\n" + nested(100, false),
		"base64 of nothing but other bytes":            hostileHead + "Content-Transfer-Encoding: base64\n\n" + strings.Repeat("!", 1<<20),
		"HTML nested too deep to render":               hostileHead + "Content-Type: text/html\n\n" + strings.Repeat("<blockquote>", 50_000) + "x",
	} {
		if _, err := Parse([]byte(raw), limits); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAnEmptyMessageIsUnreadable(t *testing.T) {
	for _, raw := range []string{"", "\r\n\r\n", "\xEF\xBB\xBF"} {
		var unreadable *UnreadableError
		if m, err := Parse([]byte(raw), DefaultLimits()); !errors.As(err, &unreadable) || !m.MessageIDMade {
			t.Errorf("%q: %v, message id %q", raw, err, m.MessageID)
		}
	}
}

func TestTheWallClockIsALimit(t *testing.T) {
	limits := DefaultLimits()
	limits.WallClock = time.Nanosecond
	raw := hostileHead + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\n"+strings.Repeat("text ", 4000)+"\n", 900)
	m, err := Parse([]byte(raw), limits)
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Limit != "WallClock" || m.Subject != "hostile" {
		t.Errorf("error %v, subject %q", err, m.Subject)
	}
}

func TestSafeNameIsSafe(t *testing.T) {
	for name, want := range map[string]string{
		"report.pdf":                    "report.pdf",
		"/etc/passwd":                   "passwd",
		`C:\TEMP\x.exe`:                 "x.exe",
		"..":                            "",
		".ssh":                          "ssh",
		"a/":                            "",
		"com1.txt":                      "_com1.txt",
		"a\x00b\r\n.txt":                "ab  .txt",
		"\u202Egnp.exe":                 "gnp.exe",
		"a<b>:\"|?*.txt":                "a_b______.txt",
		"trailing. ":                    "trailing",
		strings.Repeat("ü", 100):        strings.Repeat("ü", 75),
		"x." + strings.Repeat("y", 200): "x." + strings.Repeat("y", 148),
	} {
		if got := safeName(name); got != want {
			t.Errorf("safeName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestALateReaderStopsAtTheNextPart(t *testing.T) {
	s := &splitter{src: []byte("text"), limits: DefaultLimits()}
	var late atomic.Bool
	late.Store(true)
	var limit *LimitError
	if _, err := readBody(s, nil, &late); !errors.As(err, &limit) || limit.Limit != "WallClock" {
		t.Errorf("error %v", err)
	}
}

// checkMessage checks what holds for every message that Parse returns, with or without an error.
func checkMessage(t testing.TB, m Message, limits Limits) {
	if m.MessageID == "" || len(m.MessageID) > maxMessageIDBytes {
		t.Fatalf("message id %q", m.MessageID)
	}
	if m.Class == "" {
		t.Fatal("no class")
	}
	if !utf8.ValidString(m.Subject + m.Text + m.HTML + strings.Join(m.Notes, "")) {
		t.Fatal("a text is not valid UTF-8")
	}
	names := map[string]bool{}
	sizeBytes := 0
	for _, a := range m.Attachments {
		lower := strings.ToLower(a.FileName)
		if names[lower] {
			t.Fatalf("two attachments are named %q", a.FileName)
		}
		names[lower] = true
		if a.FileName == "" || len(a.FileName) > maxFileNameBytes || a.FileName[0] == '.' || strings.ContainsAny(a.FileName, `/\`) {
			t.Fatalf("unsafe file name %q", a.FileName)
		}
		if !utf8.ValidString(a.FileName) || strings.ContainsFunc(a.FileName, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Fatalf("a file name that cannot be shown: %q", a.FileName)
		}
		sizeBytes += len(a.Content)
	}
	if sizeBytes > limits.MaxDecodedBytes || len(m.Attachments) > limits.MaxParts {
		t.Fatalf("%d attachments of %d bytes are above the limits", len(m.Attachments), sizeBytes)
	}
}
