package mail

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/text/encoding/charmap"
)

// partDecoder undoes transfer encodings and charsets of a single part, never of a multipart.
var partDecoder = enmime.NewParser(
	enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.SkipMalformedParts(true),
	enmime.DisableTextConversion(true),
	enmime.DisableCharacterDetection(true),
	enmime.MaxStoredPartErrors(8),
	enmime.SetReadPartErrorPolicy(func(*enmime.Part, error) bool { return true }), // keep what could be decoded
)

// content undoes the transfer encoding of a leaf.
func (p *part) content() (content []byte, notes []string) {
	encoding := p.transferEncoding()
	switch encoding {
	case "quoted-printable":
		if content, ok := plainQuotedPrintable(p.body); ok {
			return content, nil
		}
	case "base64":
		if !looksLikeBase64(p.body) {
			return p.body, []string{"declared as base64, which it is not; left as it is"}
		}
	case "", "7bit", "8bit", "binary":
		return p.body, nil
	default:
		return p.body, []string{fmt.Sprintf("unknown transfer encoding %q; left as it is", encoding)}
	}
	body := p.body
	if encoding == "base64" {
		if body = base64Only(p.body); len(body) < len(p.body) {
			notes = append(notes, "broken base64; decoded as far as possible")
		}
		if content, ok := joinedBase64(body); ok {
			return content, append(notes, "base64 padded in the middle; each piece was decoded as far as possible")
		}
	}
	decoded, err := decodePart("Content-Type: application/octet-stream\nContent-Transfer-Encoding: "+encoding+"\n\n", body)
	if err != nil {
		return p.body, []string{encoding + " cannot be decoded; left as it is"}
	}
	if notes == nil && (hasError(decoded, enmime.ErrorMalformedBase64) || hasError(decoded, enmime.ErrorMalformedChildPart)) {
		notes = append(notes, "broken "+encoding+"; decoded as far as possible")
	}
	return decoded.Content, notes
}

// plainQuotedPrintable undoes quoted-printable that has no errors, as nearly all is. For the rest
// ok is false: the decoder that repairs must read it.
func plainQuotedPrintable(body []byte) (content []byte, ok bool) {
	content = make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '=':
			rest := body[i+1:]
			if length := lineEnd(rest); length > 0 { // a soft line break
				i += length
				continue
			}
			if len(rest) < 2 {
				return nil, false
			}
			content = append(content, 0)
			if _, err := hex.Decode(content[len(content)-1:], rest[:2]); err != nil {
				return nil, false
			}
			i += 2
		case c == ' ' || c == '\t':
			if rest := body[i+1:]; len(rest) == 0 || lineEnd(rest) > 0 { // the other decoder drops space at the end of a line
				return nil, false
			}
			content = append(content, c)
		case c == '\r' && lineEnd(body[i:]) == 0, c < ' ' && c != '\r' && c != '\n', c > '~':
			return nil, false
		default:
			content = append(content, c)
		}
	}
	return content, true
}

// lineEnd is the length of the line end that b begins with, or 0.
func lineEnd(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\n")):
		return 1
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	}
	return 0
}

// base64Only drops the bytes that do not belong in base64. The decoder would drop them too, but it
// keeps an error for each, so a large message of such bytes would keep it busy for half a minute.
func base64Only(body []byte) []byte {
	belongs := func(c byte) bool {
		return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' ||
			c == '+' || c == '/' || c == '=' || c == '\r' || c == '\n' || c == ' ' || c == '\t'
	}
	for i, c := range body {
		if !belongs(c) {
			kept := bytes.Clone(body[:i])
			for _, c := range body[i:] {
				if belongs(c) {
					kept = append(kept, c)
				}
			}
			return kept
		}
	}
	return body
}

// joinedBase64 decodes base64 with padding inside: pieces that were encoded one by one and put
// together. The decoder would go on in the middle of a byte after the first piece. ok is false if
// there is no padding before the end, as in nearly all mail.
func joinedBase64(body []byte) (content []byte, ok bool) {
	first := bytes.IndexByte(body, '=')
	if first < 0 || len(bytes.Trim(body[first:], "= \t\r\n")) == 0 {
		return nil, false
	}
	letters := bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, body)
	for piece := range bytes.SplitSeq(letters, []byte("=")) {
		if len(piece)%4 == 1 { // six bits are less than a byte
			piece = piece[:len(piece)-1]
		}
		decoded, err := base64.RawStdEncoding.AppendDecode(content, piece)
		if err != nil {
			return nil, false // not reached: only letters of the alphabet are left
		}
		content = decoded
	}
	return content, true
}

// looksLikeBase64 tells text that was declared base64 by mistake: its first lines have spaces
// inside.
func looksLikeBase64(body []byte) bool {
	head := bytes.TrimSpace(body[:min(len(body), 400)])
	lines := bytes.Split(head, []byte("\n"))
	spaced := 0
	for _, line := range lines {
		if bytes.ContainsAny(bytes.TrimSpace(line), " \t") {
			spaced++
		}
	}
	return spaced*2 <= len(lines)
}

// transferEncoding is the declared encoding without the comments and quotes that some mailers add.
func (p *part) transferEncoding() string {
	value := strings.ToLower(strings.Trim(p.header.get("content-transfer-encoding"), " \t\"'"))
	if end := strings.IndexAny(value, " \t;(\""); end >= 0 {
		value = value[:end]
	}
	return oneLine(value)
}

// text decodes a leaf to UTF-8 with \n line ends.
func (p *part) text() (text string, notes []string) {
	content, notes := p.content()
	text, note := textFrom(content, p.params["charset"])
	if note != "" {
		notes = append(notes, note)
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	if strings.Contains(text, "\r") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	return strings.ReplaceAll(text, "\x00", ""), notes
}

// textFrom makes valid UTF-8 of content in a charset. It never fails: it tries the declared
// charset, then UTF-8, then windows-1252, in which every byte is a character. If it had to guess,
// note says so.
func textFrom(content []byte, charset string) (text, note string) {
	label := strings.ToLower(strings.Trim(charset, " \t\"'"))
	switch label {
	case "", "us-ascii", "ascii", "utf-8", "utf8", "8bit", "unknown", "unknown-8bit":
		if utf8.Valid(content) {
			return string(content), ""
		}
		if strings.HasPrefix(label, "utf") && hasMultibyteRune(content) {
			return strings.ToValidUTF8(string(content), "\uFFFD"), "not everything is valid UTF-8; the rest is shown as \uFFFD"
		}
		return windows1252(content), "bytes outside the declared charset; read as windows-1252"
	}
	if isCharsetLabel(label) {
		decoded, err := decodePart("Content-Type: text/plain; charset=\""+label+"\"\nContent-Transfer-Encoding: 8bit\n\n", content)
		if err == nil && !hasError(decoded, enmime.ErrorCharsetConversion) {
			return strings.ToValidUTF8(string(decoded.Content), "\uFFFD"), ""
		}
	}
	if utf8.Valid(content) {
		return string(content), fmt.Sprintf("unknown charset %q; read as UTF-8", oneLine(label))
	}
	return windows1252(content), fmt.Sprintf("unknown charset %q; read as windows-1252", oneLine(label))
}

func isCharsetLabel(label string) bool {
	for _, c := range []byte(label) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-_.:+=", c) >= 0) {
			return false
		}
	}
	return len(label) <= 40
}

// hasMultibyteRune tells UTF-8 with a flaw from text in another charset, which hardly ever has a
// valid multibyte sequence.
func hasMultibyteRune(content []byte) bool {
	for len(content) > 0 {
		r, size := utf8.DecodeRune(content)
		if size > 1 && r != utf8.RuneError {
			return true
		}
		content = content[size:]
	}
	return false
}

func windows1252(content []byte) string {
	decoded, err := charmap.Windows1252.NewDecoder().Bytes(content)
	if err != nil { // not reached: a charmap maps every byte
		return strings.ToValidUTF8(string(content), "\uFFFD")
	}
	return string(decoded)
}

func decodePart(head string, body []byte) (*enmime.Part, error) {
	return partDecoder.ReadParts(io.MultiReader(strings.NewReader(head), bytes.NewReader(body)))
}

func hasError(p *enmime.Part, name string) bool {
	for _, e := range p.Errors {
		if e.Name == name {
			return true
		}
	}
	return false
}
