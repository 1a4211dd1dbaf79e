package house

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/libs/telemetry"
)

var rewrite = flag.Bool("rewrite", false, "write docs/events.md anew")

func TestThePageOfEventsIsWhatIsDeclared(t *testing.T) {
	root := repositoryRoot(t)
	tree, err := Read(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	want := eventsPage(writers(tree))
	path := filepath.Join(root, "docs", "events.md")
	if *rewrite {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/events.md is not what libs/telemetry declares (%v). Write it anew: go test ./tools/house -run Events -rewrite", err)
		diff(t, string(got), want)
	}
}

// diff says which lines of two texts only one has: so a renamed event is named.
func diff(t *testing.T, got, want string) {
	t.Helper()
	of := func(text string) []string { return strings.Split(text, "\n") }
	for _, line := range of(got) {
		if !slices.Contains(of(want), line) {
			t.Errorf("no longer so: %s", line)
		}
	}
	for _, line := range of(want) {
		if !slices.Contains(of(got), line) {
			t.Errorf("not there: %s", line)
		}
	}
}

// eventsPage is the page of all events, given who writes them.
func eventsPage(writers map[string][]string) string {
	var b strings.Builder
	b.WriteString(`# Events

What the processes of Hephaestus say in their logs. This page is made from ` + "`libs/telemetry`" + `, where events are declared, by
` + "`go test ./tools/house -run Events -rewrite`" + `; a test fails if it is out of date.

A record is one line of JSON. Each has ` + "`time`, `level`, `msg`, `part`" + ` (who says it) and ` + "`event`" + `, and in a Lambda ` + "`requestId`" + `. Go by
` + "`event`" + ` and the fields below: they stay. ` + "`msg`" + ` is for people and may be reworded at any time. In CloudWatch Logs Insights, what
became of a mail is

    fields @timestamp, part, event, outcome, because, error | filter message = "MESSAGE" | sort @timestamp

| event | what has happened | level | msg | fields | written by |
|---|---|---|---|---|---|
`)
	for _, e := range telemetry.Events() {
		d := telemetry.Declared(e)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", d.Name, d.Meaning, strings.ToLower(d.Level.String()), d.Text,
			"`"+strings.Join(telemetry.Fields(e), "` `")+"`", strings.Join(writers[reflect.TypeOf(e).Name()], ", "))
	}
	b.WriteString("\n## Fields\n\n| field | what it says |\n|---|---|\n")
	meanings := telemetry.FieldMeanings()
	for _, name := range slices.Sorted(maps.Keys(meanings)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, meanings[name])
	}
	return b.String()
}
