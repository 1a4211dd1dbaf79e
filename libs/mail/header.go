package mail

import (
	"bytes"
	"strings"
	"unicode"
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

// oneLine turns s into valid UTF-8 without control characters.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}
