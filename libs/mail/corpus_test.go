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

// corpusFact is what the test suite of origin says about a message; an empty field says nothing.
type corpusFact struct {
	Path    string `json:"path"`
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	NAtt    string `json:"n_att"`
}

// corpusDir is the folder of test mail of other projects, which is not in this repository.
func corpusDir() string {
	if dir := os.Getenv("HEPHAESTUS_MAIL_CORPUS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared", "mail-corpus")
}

func corpus(t *testing.T) (dir string, facts []corpusFact) {
	dir = corpusDir()
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

// agreement counts the facts that the manifest states, and those that Parse reads the same.
type agreement struct {
	same, stated int
	differ       []string
}

func (a *agreement) add(path string, same bool) {
	a.stated++
	if same {
		a.same++
		return
	}
	a.differ = append(a.differ, path)
}

func words(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "⏎", " ")), " ") // the manifest writes line ends as ⏎
}

// TestCorpusAgreement compares Parse with what other projects' tests say of their own messages. The
// differences are known: enmime leaves out the first line of two texts and puts "--" between texts,
// talon leaves out quotations, and some count a detached signature as an attachment.
func TestCorpusAgreement(t *testing.T) {
	dir, facts := corpus(t)
	var subjects, texts, attachments agreement
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
			t.Errorf("%s: %v", f.Path, err)
			continue
		}
		checkMessage(t, m, DefaultLimits())
		if f.Subject != "" {
			subjects.add(f.Path, words(f.Subject) == words(m.Subject))
		}
		if want := words(f.Text); want != "" {
			texts.add(f.Path, strings.HasPrefix(words(m.Text), want[:min(len(want), 40)]))
		}
		if f.NAtt != "" {
			attachments.add(f.Path, strconv.Itoa(len(m.Attachments)) == f.NAtt)
		}
	}
	for _, c := range []struct {
		what  string
		got   agreement
		floor int
	}{{"subjects", subjects, 30}, {"text starts", texts, 47}, {"attachment counts", attachments, 12}} {
		t.Logf("%s: %d of %d as stated; not %q", c.what, c.got.same, c.got.stated, c.got.differ)
		if c.got.same < c.floor {
			t.Errorf("%s: %d of %d as stated, want at least %d", c.what, c.got.same, c.got.stated, c.floor)
		}
	}
}

// TestCorpusClasses classifies one project's 36 bounces, automatic replies and complaints. One of
// them is none of these, and only the body shows what four others are: two SNS notifications, and
// two bounces from unusual senders.
func TestCorpusClasses(t *testing.T) {
	dir, facts := corpus(t)
	differ := 0
	for _, f := range facts {
		name := filepath.Base(f.Path)
		if !strings.HasPrefix(f.Path, "sisimai-") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(raw, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		want := ClassBounce
		switch {
		case strings.HasPrefix(name, "rfc3834-"):
			want = ClassAutoReply
		case strings.HasPrefix(name, "arf-"):
			want = ClassFeedback
		}
		if m.Class != want {
			differ++
			t.Logf("%s is %s because of %q, not %s", f.Path, m.Class, m.ClassReasons, want)
		}
	}
	if differ > 5 {
		t.Errorf("%d of them are classed otherwise", differ)
	}
}
