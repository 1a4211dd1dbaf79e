// Package screen writes for people: colours and signs on a terminal that shows them, plain words
// elsewhere, aligned tables, and short times. It promises that text from a mail cannot control the
// terminal (Clean) and that no meaning depends on a colour alone.
package screen

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// Mode says when to use colours.
type Mode string

// The modes of --color.
const (
	Auto   Mode = "auto" // if the stream is a terminal, NO_COLOR is not set and TERM is not dumb
	Always Mode = "always"
	Never  Mode = "never"
)

// ParseMode reads a mode's name.
func ParseMode(name string) (Mode, error) {
	switch m := Mode(name); m {
	case Auto, Always, Never:
		return m, nil
	}
	return Auto, fmt.Errorf("%q: want auto, always or never", name)
}

// Style is how a piece of text stands out.
type Style int

// The styles.
const (
	Plain Style = iota
	Bold
	Dim
	Red
	Green
	Yellow
	Blue
	Magenta
	Cyan
)

var codes = [...]string{"", "1", "2", "31", "32", "33", "34", "35", "36"}

// Screen is a stream with what it can show. It is not safe for concurrent use.
type Screen struct {
	w        io.Writer
	colour   bool
	signs    bool
	terminal bool
}

// New looks at the stream and the environment once. NO_COLOR counts if it is not empty
// (no-color.org).
func New(w io.Writer, mode Mode, getenv func(string) string) *Screen {
	file, ok := w.(*os.File)
	s := &Screen{w: w, terminal: ok && term.IsTerminal(int(file.Fd()))}
	s.signs = mode == Always || s.terminal && getenv("TERM") != "dumb"
	s.colour = mode == Always || mode == Auto && s.signs && getenv("NO_COLOR") == ""
	return s
}

// Terminal says whether the stream is a terminal.
func (s *Screen) Terminal() bool { return s.terminal }

// Columns is the terminal's width; 0 for no limit.
func (s *Screen) Columns() int {
	if !s.terminal {
		return 0
	}
	columns, _, err := term.GetSize(int(s.w.(*os.File).Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// Printf writes. It ignores errors: it is no failure if the reader has closed the stream.
func (s *Screen) Printf(format string, args ...any) { _, _ = fmt.Fprintf(s.w, format, args...) }

// Clear empties the terminal, for a view that is drawn again.
func (s *Screen) Clear() {
	if s.signs {
		s.Printf("\x1b[H\x1b[2J")
	}
}

// Paint puts the text in a style if the stream shows colours.
func (s *Screen) Paint(style Style, text string) string {
	if !s.colour || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + codes[style] + "m" + text + "\x1b[0m"
}

// Sign is the sign and a space on a stream that shows signs, nothing elsewhere.
func (s *Screen) Sign(sign string) string {
	if !s.signs {
		return ""
	}
	return sign + " "
}

// Clean makes text from outside harmless and one line: control characters, with them the first byte
// of each escape sequence, and marks that change the direction of writing become spaces or vanish.
func Clean(text string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != '\u200d', r == '\ufffd':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.TrimSpace(clean)
}

// Width is how many columns the text takes on a terminal.
func Width(text string) int {
	columns := 0
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Cut shortens the text to so many columns, and ends what it has cut in an ellipsis; 0 is no limit.
func Cut(text string, columns int) string {
	if columns <= 0 || Width(text) <= columns {
		return text
	}
	taken := 0
	for at, r := range text {
		if taken += runeWidth(r); taken > columns-1 {
			return text[:at] + "…"
		}
	}
	return text
}

// Pad fills the text up to so many columns.
func Pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-Width(text)))
}
