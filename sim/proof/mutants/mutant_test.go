package mutants_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/sim/proof/mutants"
)

const whole = `breaks: the sky falls
bugs: B1, B19
caught by: S1, L2
needs: freeze

--- libs/sky/sky.go
<<<<
	hold()
	hold()
====
	letGo()
>>>>

<<<<
	pray()
====
>>>>
--- libs/earth/earth.go
<<<<
	turn()
====
	stop()
>>>>
`

func TestParse(t *testing.T) {
	m, err := mutants.Parse("sky", whole)
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "sky" || m.Breaks != "the sky falls" || strings.Join(m.Bugs, " ") != "B1 B19" ||
		strings.Join(m.CaughtBy, " ") != "S1 L2" || strings.Join(m.Needs, " ") != "freeze" || m.Package != "" {
		t.Errorf("head: %+v", m)
	}
	want := []mutants.Edit{
		{File: "libs/sky/sky.go", Old: "\thold()\n\thold()", New: "\tletGo()"},
		{File: "libs/sky/sky.go", Old: "\tpray()", New: ""},
		{File: "libs/earth/earth.go", Old: "\tturn()", New: "\tstop()"},
	}
	if len(m.Edits) != len(want) {
		t.Fatalf("edits: %+v", m.Edits)
	}
	for i, e := range m.Edits {
		if e != want[i] {
			t.Errorf("edit %d: %+v, want %+v", i, e, want[i])
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const head, edit = "breaks: a\ncaught by: S1\n", "--- f\n<<<<\na\n====\nb\n>>>>\n"
	tests := []struct{ name, text, want string }{
		{"nothing", "", "does not say what it breaks"},
		{"a head without a colon", "breaks\n", `m.mutant:1: "breaks": want name: value`},
		{"an unknown name", "broken: a\n", `"broken": want breaks`},
		{"a name that comes twice", head + "breaks: b\n" + edit, "m.mutant:3: breaks comes twice"},
		{"a list that comes twice", head + "caught by: S2\n" + edit, "caught by comes twice"},
		{"no breaks", "caught by: S1\n" + edit, "does not say what it breaks"},
		{"no killer", "breaks: a\n" + edit, "does not say what it is caught by"},
		{"no edit", head, "changes nothing"},
		{"a bug that is none", "bugs: F1\n" + head + edit, `bug "F1"`},
		{"a file outside of the tree", head + "--- ../f\n", "inside the tree"},
		{"an edit before a file", head + "<<<<\n", `m.mutant:3: "<<<<": want name: value`},
		{"text between edits", head + edit + "text\n", `m.mutant:9: "text": want`},
		{"no old text", head + "--- f\n<<<<\n====\nb\n>>>>\n", "no old text"},
		{"no change", head + "--- f\n<<<<\na\n====\na\n>>>>\n", "the same"},
		{"an edit without new text", head + "--- f\n<<<<\na\n>>>>\n", ">>>> before ===="},
		{"an edit in an edit", head + "--- f\n<<<<\na\n====\nb\n<<<<\n", "<<<< before >>>>"},
		{"an edit without an end", head + "--- f\n<<<<\na\n====\nb\n", "has no >>>>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mutants.Parse("m", tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("breaks: a\ncaught by: S1\n--- f\n<<<<\na\n====\nb\n>>>>\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := mutants.Parse("m", text)
		if err != nil {
			return
		}
		if m.Breaks == "" || len(m.CaughtBy) == 0 || len(m.Edits) == 0 {
			t.Errorf("accepted %+v", m)
		}
		for _, e := range m.Edits {
			if e.Old == e.New {
				t.Errorf("an edit that changes nothing: %+v", e)
			}
		}
	})
}

func TestApplyWantsTheOldTextOnce(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "twice.go"), []byte("again\nand again\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := mutants.Mutant{Name: "m", Edits: []mutants.Edit{{File: "twice.go", Old: "again", New: "never"}}}
	if _, err := m.Apply(root); err == nil || !strings.Contains(err.Error(), "want the old text there once") {
		t.Errorf("%v", err)
	}
	m.Edits[0].Old = "once"
	if _, err := m.Apply(root); err == nil || !strings.Contains(err.Error(), "it is there 0 times") {
		t.Errorf("%v", err)
	}
}
