package mail

import (
	"bytes"
	"io"
	"mime"
	"net/mail"
	"strings"
	"unicode"

	"github.com/jhillyerd/enmime/v2"
)

// field is one unfolded header field. A header keeps the order of its fields, because fields above
// SES's own lines are trusted and those below are not.
type field struct {
	name  string // lower case
	value string // valid UTF-8, encoded words not decoded; set by finish
	lines []byte // the value as it grows line by line
}

type header []field

// get returns the first value of a field, lower-case name.
func (h header) get(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func (h header) has(name string) bool {
	for _, f := range h {
		if f.name == name {
			return true
		}
	}
	return false
}

func (h header) all(name string) []string {
	var values []string
	for _, f := range h {
		if f.name == name {
			values = append(values, f.value)
		}
	}
	return values
}

// addLine takes one line of a header block, without its line end. It reports false if the line
// cannot belong to a header block, because it has no field name and no field came before it. Then
// the body begins with this line.
func (h *header) addLine(line []byte) bool {
	if isField(line) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		*h = append(*h, field{
			name:  strings.ToLower(string(bytes.TrimRight(name, " \t"))),
			lines: bytes.Clone(bytes.TrimSpace(value)),
		})
		return true
	}
	if len(*h) == 0 && !isContinuation(line) {
		return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
	}
	h.fold(line) // or a continuation whose indentation was lost on the way
	return true
}

func isContinuation(line []byte) bool { return line[0] == ' ' || line[0] == '\t' }

// isField follows RFC 5322 section 2.2: a name of printable ASCII without space, then a colon.
func isField(line []byte) bool {
	name, _, found := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return found && len(name) > 0
}

func (h *header) fold(line []byte) {
	if len(*h) == 0 {
		return
	}
	last := &(*h)[len(*h)-1]
	last.lines = append(append(last.lines, ' '), bytes.TrimSpace(line)...)
}

// finish sets the values, once all lines are there.
func (h header) finish() {
	for i := range h {
		h[i].value, _ = textFrom(bytes.TrimSpace(h[i].lines), "")
		h[i].lines = nil
	}
}

var wordDecoder = mime.WordDecoder{CharsetReader: func(charset string, input io.Reader) (io.Reader, error) {
	raw, err := io.ReadAll(input)
	if err != nil {
		return nil, err
	}
	text, _ := textFrom(raw, charset)
	return strings.NewReader(text), nil
}}

// decodeWords decodes RFC 2047 encoded words and turns the value into one line without control
// characters. If it cannot decode a word, the value stays as written.
func decodeWords(value string) string {
	if strings.Contains(value, "=?") {
		if decoded, err := wordDecoder.DecodeHeader(value); err == nil {
			value = decoded
		}
	}
	return oneLine(value)
}

// oneLine turns s into valid UTF-8 without control characters.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// maxAddresses bounds the addresses that are taken of one header.
const maxAddresses = 500

// addresses reads all fields of one name. exact is false if a value is not a proper address list,
// so that addresses had to be picked out of it, or if there are more than maxAddresses.
func (h header) addresses(name string) (list []Address, exact bool) {
	exact = true
	for _, value := range h.all(name) {
		if strings.TrimSpace(value) == "" {
			continue
		}
		parsed, err := enmime.ParseAddressList(value)
		if err != nil {
			exact = false
			parsed = pickAddresses(value)
		}
		for _, a := range parsed {
			if len(list) == maxAddresses {
				return list, false
			}
			list = append(list, Address{Name: decodeWords(a.Name), Address: oneLine(a.Address)})
		}
	}
	return list, exact
}

// pickAddresses finds words with an @ in a value that is not a proper list. If there is none, the
// whole value is a name.
func pickAddresses(value string) []*mail.Address {
	isSeparator := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>()[],;:"'`, r) }
	var found []*mail.Address
	for _, word := range strings.FieldsFunc(decodeWords(value), isSeparator) {
		if at := strings.LastIndexByte(word, '@'); at > 0 && at < len(word)-1 {
			found = append(found, &mail.Address{Address: word})
		}
	}
	if found == nil {
		found = []*mail.Address{{Name: value}}
	}
	return found
}
