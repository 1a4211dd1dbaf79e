package mail

import (
	"encoding/hex"
	"strings"
	"unicode"
)

// encodedWord is a word in the form of RFC 2047: =?charset?B?text?= or =?charset?Q?text?=.
type encodedWord struct {
	charset  string
	encoding byte // 'b' or 'q'
	text     string
	length   int
}

// maxWordBytes bounds a word. The standard allows 75 bytes; some mailers put a whole line into one.
const maxWordBytes = 4 << 10

// cutWord reads the encoded word that s begins with. It allows blanks and question marks inside,
// which some mailers write.
func cutWord(s string) (w encodedWord, ok bool) {
	if !strings.HasPrefix(s, "=?") {
		return w, false
	}
	s = s[:min(len(s), maxWordBytes)]
	charset, rest, ok := strings.Cut(s[2:], "?")
	if !ok || charset == "" || strings.ContainsAny(charset, " \t") || len(rest) < 2 || rest[1] != '?' {
		return w, false
	}
	encoding := rest[0] | 0x20 // lower case
	end := strings.Index(rest[2:], "?=")
	if end < 0 || encoding != 'b' && encoding != 'q' {
		return w, false
	}
	charset, _, _ = strings.Cut(charset, "*") // RFC 2231 section 5: a language
	w = encodedWord{charset: strings.ToLower(charset), encoding: encoding, text: rest[2 : 2+end]}
	w.length = len(s) - len(rest) + 2 + end + 2
	return w, true
}

// bytes undoes the encoding of the word, however broken it is.
func (w encodedWord) bytes() []byte {
	if w.encoding == 'b' {
		content, _ := decodeBase64([]byte(w.text))
		return content
	}
	content := make([]byte, 0, len(w.text))
	for i := 0; i < len(w.text); i++ {
		c := w.text[i]
		if c == '_' {
			c = ' '
		}
		content = append(content, c)
		if c == '=' && i+2 < len(w.text) {
			if _, err := hex.Decode(content[len(content)-1:], []byte(w.text[i+1:i+3])); err == nil {
				i += 2
			} else {
				content[len(content)-1] = c
			}
		}
	}
	return content
}

// decodeWords decodes RFC 2047 encoded words and turns the value into one line without control
// characters. It puts the bytes of neighbours of one charset together before it decodes them,
// because many mailers split words inside a character. Words that decode to nothing readable stay
// as they are written.
func decodeWords(value string) string {
	if !strings.Contains(value, "=?") {
		return oneLine(value)
	}
	var decoded strings.Builder
	var charset string
	var pending []byte // of the words in a row that have this charset
	var written string // what was decoded to pending
	flush := func() {
		text, _ := textFrom(pending, charset)
		if strings.Contains(text, "\uFFFD") && strings.ContainsFunc(text, unicode.IsControl) {
			text = written // no text that anybody wrote
		}
		decoded.WriteString(text)
		pending, written = nil, ""
	}
	for rest, afterWord := value, false; rest != ""; {
		blank := rest[:len(rest)-len(strings.TrimLeft(rest, " \t\r\n"))]
		if w, ok := cutWord(rest[len(blank):]); ok {
			if !afterWord {
				decoded.WriteString(blank) // blanks between two words are not part of the text
			}
			if afterWord && w.charset != charset {
				flush()
			}
			rest = rest[len(blank):]
			charset, pending, written = w.charset, append(pending, w.bytes()...), written+rest[:w.length]
			rest, afterWord = rest[w.length:], true
			continue
		}
		if afterWord {
			flush()
			afterWord = false
		}
		next := strings.Index(rest[len(blank):], "=?")
		if next == 0 {
			next = 2
		}
		if next < 0 {
			decoded.WriteString(rest)
			break
		}
		text := rest[:len(blank)+next]
		kept := strings.TrimRight(text, " \t\r\n")
		decoded.WriteString(kept)
		rest = rest[len(kept):]
	}
	flush()
	return oneLine(decoded.String())
}
