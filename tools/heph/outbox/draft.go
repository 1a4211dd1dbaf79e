package outbox

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// Draft is a mail in its parts.
type Draft struct {
	From, To    string // addresses, with names or without
	Subject     string
	Body        string
	MessageID   string   // RFC 5322 id, angle brackets or not; empty: a new one
	InReplyTo   string   // the id that it answers
	References  []string // ids of the conversation, oldest first; empty: InReplyTo alone
	Attachments []string // files
	Date        time.Time
}

// Build writes the mail as MIME.
func (d Draft) Build() ([]byte, error) {
	var raw bytes.Buffer
	if err := d.header(&raw); err != nil {
		return nil, err
	}
	if err := d.content(&raw); err != nil {
		return nil, fmt.Errorf("write the mail: %w", err)
	}
	return raw.Bytes(), nil
}

func (d Draft) header(to *bytes.Buffer) error {
	from, err := mail.ParseAddress(d.From)
	if err != nil {
		return fmt.Errorf("from %q: %w", d.From, err)
	}
	recipients, err := mail.ParseAddressList(d.To)
	if err != nil {
		return fmt.Errorf("to %q: %w", d.To, err)
	}
	addresses := make([]string, len(recipients))
	for i, address := range recipients {
		addresses[i] = address.String()
	}
	id, references := d.MessageID, d.References
	if id == "" {
		id = NewID() + "@heph.invalid"
	}
	if len(references) == 0 && d.InReplyTo != "" {
		references = []string{d.InReplyTo}
	}
	fields := [][2]string{
		{"From", from.String()}, {"To", strings.Join(addresses, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", d.Subject)}, {"Date", d.Date.Format(time.RFC1123Z)},
	}
	for _, field := range []struct {
		name string
		ids  []string
	}{{"Message-ID", []string{id}}, {"In-Reply-To", some(d.InReplyTo)}, {"References", references}} {
		value, err := bracketed(field.ids)
		if err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
		fields = append(fields, [2]string{field.name, value})
	}
	for _, field := range append(fields, [2]string{"MIME-Version", "1.0"}) {
		if field[1] != "" {
			fmt.Fprintf(to, "%s\r\n", folded(field[0]+": "+field[1]))
		}
	}
	return nil
}

// some is a list of what is not empty.
func some(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// bracketed are message ids as a header field has them.
func bracketed(ids []string) (string, error) {
	list := make([]string, len(ids))
	for i, id := range ids {
		id = strings.Trim(strings.TrimSpace(id), "<>")
		if id == "" || strings.ContainsFunc(id, func(r rune) bool { return r > unicode.MaxASCII || r <= ' ' || strings.ContainsRune("\x7f<>", r) }) {
			return "", fmt.Errorf("%q is no message id: it is empty, or has a blank, a bracket or a letter that is not ASCII", id)
		}
		list[i] = "<" + id + ">"
	}
	return strings.Join(list, " "), nil
}

// lineLength is how long a line should be at most (RFC 5322, section 2.1.1).
const lineLength = 78

// folded breaks a header field at blanks, so that its lines are as short as they can be.
func folded(field string) string {
	var b strings.Builder
	length := 0
	for i, word := range strings.Split(field, " ") {
		switch {
		case i == 0:
		case i > 1 && word != "" && length+1+len(word) > lineLength:
			b.WriteString("\r\n ")
			length = 1
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}

// content writes the text, and the files behind it if there are any.
func (d Draft) content(to *bytes.Buffer) error {
	text := textproto.MIMEHeader{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}}
	if len(d.Attachments) == 0 {
		for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
			fmt.Fprintf(to, "%s: %s\r\n", name, text.Get(name))
		}
		to.WriteString("\r\n")
		return d.text(to)
	}
	parts := multipart.NewWriter(to)
	fmt.Fprintf(to, "Content-Type: multipart/mixed; boundary=%s\r\n\r\n", parts.Boundary())
	part, err := parts.CreatePart(text)
	if err != nil {
		return err
	}
	if err := d.text(part); err != nil {
		return err
	}
	for _, path := range d.Attachments {
		if err := attach(parts, path); err != nil {
			return err
		}
	}
	return parts.Close()
}

func (d Draft) text(to io.Writer) error {
	encoder := quotedprintable.NewWriter(to)
	if _, err := io.WriteString(encoder, d.Body); err != nil {
		return err
	}
	return encoder.Close()
}

// attach adds a file. A message or a multipart may not be in base64 (RFC 2046, section 5), so such
// a file goes as bytes of no type.
func attach(parts *multipart.Writer, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	kind := mime.TypeByExtension(filepath.Ext(path))
	if kind == "" || strings.HasPrefix(kind, "message/") || strings.HasPrefix(kind, "multipart/") {
		kind = "application/octet-stream"
	}
	part, err := parts.CreatePart(textproto.MIMEHeader{
		"Content-Type": {kind}, "Content-Transfer-Encoding": {"base64"},
		"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": filepath.Base(path)})},
	})
	if err != nil {
		return err
	}
	for encoded := base64.StdEncoding.EncodeToString(content); encoded != ""; {
		line := encoded[:min(base64LineLength, len(encoded))]
		encoded = encoded[len(line):]
		if _, err := fmt.Fprintf(part, "%s\r\n", line); err != nil {
			return err
		}
	}
	return nil
}

// base64LineLength is how long a line of base64 is at most (RFC 2045, section 6.8).
const base64LineLength = 76
