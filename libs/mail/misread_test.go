package mail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reading says what is expected of a mail; an empty field says nothing.
type reading struct {
	from, replyTo string // the only address
	fromName      string
	subject       string
	subjectStart  string
	text          string // contained
	textNot       string // not contained
	name          string // of the only attachment
	sizeBytes     int    // of the only attachment
	references    string
	job, noJob    bool
}

// misread are mails that were once read wrongly. They lie beside the corpus; the tests of each kind
// are elsewhere.
var misread = map[string]reading{
	"from-display-is-address":        {from: "mallory@evil.example"},
	"x-from-at-name":                 {from: "list@garden.example"},
	"from-display-same-address":      {from: "ada@garden.example"},
	"from-comment":                   {from: "pete@silly.example", fromName: "Pete"},
	"x-replyto-at":                   {replyTo: "c@d.example"},
	"x-exchange-real":                {name: "Gärten 2026.pdf"},
	"x-exchange-onefold":             {name: "Gärten.pdf"},
	"x-space-after-eq":               {name: "Gärten.pdf"},
	"name-utf8-raw-truncated":        {name: "Чертёж теплиц"},
	"name-2231-bad-percent":          {name: "Rabatt 50% ä.pdf"},
	"subj-sjis-split":                {subject: "植物に水をください"},
	"subj-gb2312-split":              {subject: "花园需要浇水了"},
	"subj-big5-split":                {subject: "花園需要澆水"},
	"subj-2022jp-state-split":        {subject: "植物に水をください"},
	"subj-b64-nopad":                 {subject: "Grüße"},
	"subj-raw-utf8-truncated":        {subjectStart: "Теплица слома"},
	"subj-cp1252-label":              {subject: "“plants”"},
	"x-from-iso-1252-name":           {fromName: "Café €"},
	"x-sub-badpad-2":                 {subject: "Grüße!!"},
	"human-fwd-dsn-part":             {job: true},
	"human-fwd-arf-part":             {job: true},
	"list-person-bulk-ooo-subj":      {job: true},
	"list-person-bulk-mail-delivery": {job: true},
	"notify-shop-delivery":           {job: true},
	"ooo-nrp-it":                     {noJob: true},
	"ooo-nrp-nl":                     {noJob: true},
	"ooo-nrp-pt":                     {noJob: true},
	"ooo-nrp-pl":                     {noJob: true},
	"ooo-nrp-ru":                     {noJob: true},
	"ooo-nrp-ja":                     {noJob: true},
	"ooo-nrp-zh":                     {noJob: true},
	"ooo-autogen-it":                 {noJob: true},
	"ooo-autogen-ja":                 {noJob: true},
	"bounce-german":                  {noJob: true},
	"bounce-nrp-fr":                  {noJob: true},
	"bounce-nrp-ja":                  {noJob: true},
	"cs-html-meta":                   {text: "花园需要浇水"},
	"cs-html-meta-ascii":             {text: "Полить растения"},
	"cs-none-utf8-one-bad":           {text: "Größe"},
	"cs-ascii-declared-utf8-bad":     {text: "Полить растения"},
	"cs-latin1-is-1252":              {text: "“plants” €"},
	"cs-2022jp-is-utf8":              {text: "植物に水を"},
	"cs-none-2022jp":                 {text: "植物に水をください"},
	"cs-iso-2022-kr":                 {text: "식물"},
	"cs-gb2312-has-gb18030":          {text: "花园𠀀"},
	"cs-cp949":                       {text: "똠방각하"},
	"qp-soft-trailing-space":         {text: "plants andbeds"},
	"b64-list-footer-nojunk":         {text: "Grüße an alle Pflanzen", textNot: "\uFFFD"},
	"b64-spaces-every-line":          {text: "Grüße"},
	"x-b64-att-spaces":               {sizeBytes: 12},
	"b64-short-garbage":              {text: "Grüße"},
	"html-related-start":             {text: "Please water the plants"},
	"html-related-image-first":       {text: "Please water the plants"},
	"x-font-unclosed":                {text: "line 299"},
	"x-bq-200":                       {text: "deep"},
	"html-pre-code":                  {text: "line one\n  line two"},
	"flowed-delsp":                   {text: "https://garden.example/a/b"},
	"type-only-text":                 {text: "Hello plants"},
	"type-no-semicolon":              {name: "a.pdf"},
	"refs-missing-gt":                {references: "[a1@x.example a2@x.example]"},
	"irt-two-fields":                 {references: "[a1@x.example a2@x.example]"},
}

func TestMailThatWasOnceMisread(t *testing.T) {
	dir := filepath.Join(filepath.Dir(corpusDir()), "mail-fail")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the mails are not here (HEPHAESTUS_MAIL_CORPUS names a folder beside theirs): %v", err)
	}
	for name, want := range misread {
		raw, err := os.ReadFile(filepath.Join(dir, name+".eml"))
		if err != nil {
			t.Error(err)
			continue
		}
		m, err := Parse(raw, DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		checkMessage(t, m, DefaultLimits())
		for _, problem := range want.problems(m) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

func (want reading) problems(m Message) (problems []string) {
	same := func(what, want, got string) {
		if want != "" && got != want {
			problems = append(problems, fmt.Sprintf("%s %q, want %q", what, got, want))
		}
	}
	only := func(list []Address) Address {
		if len(list) != 1 {
			return Address{Address: fmt.Sprint(list)}
		}
		return list[0]
	}
	attached := Attachment{FileName: fmt.Sprint(attachmentLines(m))}
	if len(m.Attachments) == 1 {
		attached = m.Attachments[0]
	}
	same("From", want.from, only(m.From).Address)
	same("name in From", want.fromName, only(m.From).Name)
	same("Reply-To", want.replyTo, only(m.ReplyTo).Address)
	same("subject", want.subject, m.Subject)
	same("attachment", want.name, attached.FileName)
	same("references", want.references, fmt.Sprint(m.References))
	if !strings.HasPrefix(m.Subject, want.subjectStart) {
		problems = append(problems, fmt.Sprintf("subject %q, want %q and more", m.Subject, want.subjectStart))
	}
	if !strings.Contains(m.Text, want.text) || want.textNot != "" && strings.Contains(m.Text, want.textNot) {
		problems = append(problems, fmt.Sprintf("text %q, want %q in it and not %q", m.Text, want.text, want.textNot))
	}
	if want.sizeBytes != 0 && len(attached.Content) != want.sizeBytes {
		problems = append(problems, fmt.Sprintf("an attachment of %d bytes, want %d", len(attached.Content), want.sizeBytes))
	}
	if job := m.Class.MakesJob(); job && want.noJob || !job && want.job {
		problems = append(problems, fmt.Sprintf("makes a job: %v, because it is %s by %q", job, m.Class, m.ClassReasons))
	}
	return problems
}
