package mail

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// content undoes the transfer encoding of a leaf.
func (p *part) content() (content []byte, notes []string) {
	switch encoding := p.transferEncoding(); encoding {
	case "quoted-printable":
		return decodeQuotedPrintable(p.body)
	case "base64":
		if !looksLikeBase64(p.body) {
			return p.body, []string{"declared as base64, which it is not; left as it is"}
		}
		return decodeBase64(p.body)
	case "", "7bit", "8bit", "binary":
		return p.body, nil
	default:
		return p.body, []string{fmt.Sprintf("unknown transfer encoding %q; left as it is", encoding)}
	}
}

// transferEncoding is the declared encoding without the comments and quotes that some mailers add.
func (p *part) transferEncoding() string {
	value := strings.ToLower(strings.Trim(p.header.get("content-transfer-encoding"), " \t\"'"))
	if end := strings.IndexAny(value, " \t;(\""); end >= 0 {
		value = value[:end]
	}
	return oneLine(value)
}

// decodeQuotedPrintable reads RFC 2045 section 6.7, also with the blanks behind a line that mail
// servers add. An equals sign that begins nothing, and bytes that should have been encoded, stay as
// they are.
func decodeQuotedPrintable(body []byte) (content []byte, notes []string) {
	content = make([]byte, 0, len(body))
	broken := false
	for i := 0; i < len(body); {
		switch c := body[i]; c {
		case '=':
			if blank := blankLength(body[i+1:]); isLineEnd(body[i+1+blank:]) { // a soft line break
				i += 1 + blank + lineEnd(body[i+1+blank:])
				continue
			}
			content = append(content, c)
			if i+2 < len(body) {
				if _, err := hex.Decode(content[len(content)-1:], body[i+1:i+3]); err == nil {
					i += 3
					continue
				}
			}
			content[len(content)-1] = c
			broken = true
			i++
		case ' ', '\t':
			blank := blankLength(body[i:])
			if !isLineEnd(body[i+blank:]) {
				content = append(content, body[i:i+blank]...)
			}
			i += blank
		default:
			content = append(content, c)
			i++
		}
	}
	if broken {
		notes = []string{"broken quoted-printable; decoded as far as possible"}
	}
	return content, notes
}

func blankLength(b []byte) int { return len(b) - len(bytes.TrimLeft(b, " \t")) }

func isLineEnd(b []byte) bool { return len(b) == 0 || lineEnd(b) > 0 }

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

// base64Values has 64 and more for what is no letter of the alphabet.
var base64Values = func() (values [256]byte) {
	for i := range values {
		values[i] = 64
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		values[c] = byte(i)
	}
	return values
}()

// decodeBase64 decodes as far as possible. It takes blanks, missing and surplus padding, pieces
// that were encoded one by one and put together, and bytes that do not belong there. It leaves out
// the footer that a list added behind.
func decodeBase64(body []byte) (content []byte, notes []string) {
	if content, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimSpace(body)); err == nil { // as nearly all mail
		return content, nil
	}
	d := base64Decoder{content: make([]byte, 0, len(body)/4*3+3)}
	for pos := 0; pos < len(body) && !d.footer; {
		line, next := lineAt(body, pos)
		d.line(line)
		pos = next
	}
	d.endPiece()
	if d.broken {
		notes = append(notes, "broken base64; decoded as far as possible")
	}
	if d.pieces > 1 {
		notes = append(notes, "base64 padded in the middle; each piece was decoded as far as possible")
	}
	if d.footer {
		notes = append(notes, "text behind the base64 was left out")
	}
	return d.content, notes
}

type base64Decoder struct {
	content []byte
	bits    uint32 // of the letters of an unfinished group
	letters int    // in this group
	inPiece bool   // letters came since the last padding
	pieces  int
	broken  bool
	footer  bool
}

func (d *base64Decoder) line(line []byte) {
	if d.letters == 0 && d.pieces > 0 && isProse(line) {
		d.footer = true
		return
	}
	for i, c := range line {
		value := base64Values[c]
		switch {
		case value < 64:
			if !d.inPiece {
				d.inPiece = true
				d.pieces++
			}
			d.bits = d.bits<<6 | uint32(value)
			if d.letters++; d.letters == 4 {
				d.content = append(d.content, byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
				d.bits, d.letters = 0, 0
			}
		case c == '=' && d.inPiece:
			d.endPiece()
			if rest := bytes.TrimLeft(line[i:], "="); blankLength(rest) > 0 && isProse(rest) {
				d.footer = true
				return
			}
		case c != '=' && c != ' ' && c != '\t':
			d.broken = true
		}
	}
}

// endPiece takes the whole bytes of an unfinished group.
func (d *base64Decoder) endPiece() {
	switch d.letters {
	case 2:
		d.content = append(d.content, byte(d.bits>>4))
	case 3:
		d.content = append(d.content, byte(d.bits>>10), byte(d.bits>>2))
	}
	d.bits, d.letters, d.inPiece = 0, 0, false
}

// looksLikeBase64 tells text that was declared base64 by mistake by its first lines.
func looksLikeBase64(body []byte) bool {
	head := bytes.TrimSpace(body[:min(len(body), 400)])
	lines := bytes.Split(head, []byte("\n"))
	if len(lines) > 1 && len(head) < len(body) {
		lines = lines[:len(lines)-1] // the last one may be cut
	}
	if len(lines[0]) > 0 && !isProse(lines[0]) {
		return true
	}
	text := 0
	for _, line := range lines {
		if bytes.ContainsAny(bytes.TrimSpace(line), " \t") && isProse(line) {
			text++
		}
	}
	return text*2 <= len(lines)
}

// isProse tells prose from base64, of which more than half is letters of the alphabet, and in which
// blanks stand only between groups of four. Prose of such words has neither digits nor capitals
// inside them.
func isProse(line []byte) bool {
	line = bytes.TrimRight(line, " \t\r\n")
	several := bytes.ContainsAny(line, " \t")
	line = bytes.TrimLeft(line, " \t")
	if len(line) == 0 {
		return false
	}
	letters, others := 0, 0
	mixed := !several
	for len(line) > 0 {
		end := bytes.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		word := line[:end]
		line = bytes.TrimLeft(line[end:], " \t")
		for i, c := range word {
			if base64Values[c] < 64 || c == '=' {
				letters++
			} else {
				others++
			}
			mixed = mixed || c == '=' || c == '+' || c == '/' || '0' <= c && c <= '9' || i > 0 && 'A' <= c && c <= 'Z'
		}
		if several && (len(word)%4 != 0 && len(line) > 0 || others > 0) {
			return true
		}
		if word[len(word)-1] == '=' {
			break // what follows does not matter
		}
	}
	return !mixed || letters <= others
}

// text decodes a leaf to UTF-8 with \n line ends.
func (p *part) text() (text string, notes []string) {
	content, notes := p.content()
	label := p.params.get("charset")
	if p.mediaType == "text/html" && saysLittle(strings.ToLower(label)) && !utf8.Valid(content) {
		if _, name, _ := charset.DetermineEncoding(content, ""); name != "utf-8" && name != "windows-1252" {
			label = name // a meta element says so; else the name is one of the two that are left out
		}
	}
	text, note := textFrom(content, label)
	if note != "" {
		notes = append(notes, note)
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	if strings.Contains(text, "\r") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	if strings.EqualFold(p.params.get("format"), "flowed") && strings.EqualFold(p.params.get("delsp"), "yes") {
		text = unflowed(text)
	}
	return strings.ReplaceAll(text, "\x00", ""), notes
}

// unflowed joins the lines that a mailer broke, with a blank that was not there before, also inside
// words and addresses of pages (RFC 3676 section 4.1, DelSp=yes).
func unflowed(text string) string {
	var joined strings.Builder
	for line := range strings.Lines(text) {
		bare := strings.TrimSuffix(line, "\n")
		if strings.HasSuffix(bare, " ") && bare != "-- " && !strings.HasPrefix(bare, ">") {
			line = strings.TrimSuffix(bare, " ")
		}
		joined.WriteString(line)
	}
	return joined.String()
}
