package mail

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// corpusFact is what the test suite that a message comes from says about it; an empty field says nothing.
type corpusFact struct {
	Path    string `json:"path"`
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	NAtt    string `json:"n_att"`
	Check   string `json:"check"`
	Other   string `json:"other"`
}

// corpus finds other projects' test mail, which is not part of this repository.
func corpus(t *testing.T) (dir string, facts []corpusFact) {
	dir = os.Getenv("HEPHAESTUS_MAIL_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "mail-corpus")
	}
	manifest, err := os.Open(filepath.Join(dir, "MANIFEST.jsonl"))
	if err != nil {
		t.Skipf("no corpus of mail here (HEPHAESTUS_MAIL_CORPUS names its folder): %v", err)
	}
	defer manifest.Close()
	lines := bufio.NewScanner(manifest)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var fact corpusFact
		if err := json.Unmarshal(lines.Bytes(), &fact); err != nil {
			t.Fatal(err)
		}
		facts = append(facts, fact)
	}
	return dir, facts
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestDevCorpus(t *testing.T) {
	dir, facts := corpus(t)
	for _, f := range facts {
		if f.Kind == "reply-body" {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(raw, DefaultLimits())
		if err != nil {
			t.Logf("ERR %s: %v", f.Path, err)
			continue
		}
		if f.Subject != "" && words(f.Subject) != words(m.Subject) {
			t.Logf("SUBJ %s (%s): %q want %q", f.Path, f.Check, m.Subject, f.Subject)
		}
		if w := words(f.Text); w != "" && !strings.HasPrefix(words(m.Text), w[:min(len(w), 40)]) {
			t.Logf("TEXT %s (%s): %.80q want %.80q", f.Path, f.Check, m.Text, f.Text)
		}
		if f.NAtt != "" && f.NAtt != strconv.Itoa(len(m.Attachments)) {
			t.Logf("NATT %s (%s): %d want %s", f.Path, f.Check, len(m.Attachments), f.NAtt)
		}
		t.Logf("CLASS %s %s %v", m.Class, f.Path, m.ClassReasons)
	}
}
