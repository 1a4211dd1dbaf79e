package screen

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestAStreamThatIsNoTerminalIsPlain(t *testing.T) {
	for _, c := range []struct {
		name    string
		mode    Mode
		environ func(string) string
		want    string
	}{
		{"auto", Auto, environment("TERM", "xterm"), "done"},
		{"never", Never, environment(), "done"},
		{"always wins over NO_COLOR: it was asked for just now", Always, environment("NO_COLOR", "1"), "✔ \x1b[32mdone\x1b[0m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(&bytes.Buffer{}, c.mode, c.environ)
			if got := s.Sign("✔") + s.Paint(Green, "done"); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTextFromOutsideCannotSteerTheTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[2Jgone":            "[2Jgone",
		"two\r\nlines":           "two  lines",
		"right\u202eleft":        "rightleft",
		"bad \xff bytes":         "bad  bytes",
		"Grüße – 7 o’clock ":     "Grüße – 7 o’clock",
		"title\x1b]0;evil\x07ok": "title]0;evilok",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestColumnsLineUpWhateverTheScript(t *testing.T) {
	var out bytes.Buffer
	New(&out, Never, environment()).Table(Table{
		Head: []string{"NAME", "STATE"},
		Rows: [][]Cell{{Text("日本"), Text("held")}, {Text("e\u0301te\u0301"), Text("free")}, {Text("amelia#scott"), Cell{Text: "held", Style: Red}}},
	})
	want := "NAME          STATE\n日本          held\ne\u0301te\u0301           free\namelia#scott  held\n"
	if out.String() != want {
		t.Fatalf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestATableFitsItsTerminalTheLastColumnsFirst(t *testing.T) {
	for _, c := range []struct{ columns, one, two, three int }{
		{100, 20, 30, 40}, {94, 20, 30, 40}, {80, 20, 30, 26}, {66, 20, 30, 12}, {60, 20, 24, 12}, {44, 16, 12, 12}, {20, 12, 12, 12},
	} {
		widths := []int{20, 30, 40}
		fit(widths, c.columns)
		if want := []int{c.one, c.two, c.three}; !slices.Equal(widths, want) {
			t.Errorf("%d columns: %v, want %v", c.columns, widths, want)
		}
	}
}

func TestCutKeepsToTheColumns(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"short", 10, "short"}, {"exactly", 7, "exactly"}, {"too long", 4, "too…"}, {"日本語", 4, "日…"}, {"any", 0, "any"},
	} {
		if got := Cut(c.text, c.columns); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.columns, got, c.want)
		}
		if c.columns > 0 && Width(Cut(c.text, c.columns)) > c.columns {
			t.Errorf("Cut(%q, %d) is wider than that", c.text, c.columns)
		}
	}
}

func TestTimesAreSaidAsOneSaysThem(t *testing.T) {
	now := time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		before time.Duration
		want   string
	}{
		{300 * time.Millisecond, "just now"}, {2500 * time.Millisecond, "2.5s ago"}, {42 * time.Second, "42s ago"},
		{61 * time.Second, "1m01s ago"}, {90 * time.Minute, "1h30m ago"}, {72 * time.Hour, "3d ago"}, {-30 * time.Second, "in 30s"},
	} {
		if got := Ago(now.Add(-c.before), now); got != c.want {
			t.Errorf("%v before now is %q, want %q", c.before, got, c.want)
		}
	}
	if got := Ago(time.Time{}, now); got != "-" {
		t.Errorf("no time is %q, want -", got)
	}
}

func TestIdsAreShortenedToWhatTellsThemApart(t *testing.T) {
	if got := Container("container-1760000000000-0123456789abcdef"); got != "…abcdef" {
		t.Errorf("container: %q", got)
	}
	if got := Fence(1760000012345); got != "…0012345" {
		t.Errorf("fence: %q", got)
	}
	if got := Container(""); got != "-" {
		t.Errorf("no container: %q", got)
	}
}

func TestAnUnknownModeIsRefused(t *testing.T) {
	if _, err := ParseMode("sometimes"); err == nil || !strings.Contains(err.Error(), "auto, always or never") {
		t.Fatalf("got %v", err)
	}
}
