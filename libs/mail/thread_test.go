package mail

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func table(known map[string]string) func(id string) (string, bool) {
	return func(id string) (string, bool) {
		threadID, found := known[id]
		return threadID, found
	}
}

func TestThreadEvidenceIsOrdered(t *testing.T) {
	m := Message{MessageID: "own@x", Subject: "Re: [Thread-ABC.1] build", InReplyTo: []string{"c@x"}, References: []string{"a@x", "b@x", "c@x"}}
	m.header = header{{name: "thread-index", value: "AQHbP1eQm2sT0m2bHkC3mYt7t0r2hAAAAZ4g"}}
	want := []Evidence{
		{EvidenceTag, "thread-abc.1"}, {EvidenceMessageID, "own@x"}, {EvidenceInReplyTo, "c@x"}, {EvidenceReferences, "b@x"}, {EvidenceReferences, "a@x"},
		{EvidenceThreadIndex, "thread-index:0101db3f57909b6b13d26d9b1e40b7998b7bb74af684"}, {EvidenceRoot, "a@x"},
	}
	if got := ThreadEvidence(m); !slices.Equal(got, want) {
		t.Errorf("evidence %v, want %v", got, want)
	}
}

func TestResolveThread(t *testing.T) {
	first := Message{MessageID: "a@x"}
	second := Message{MessageID: "b@x", InReplyTo: []string{"a@x"}, References: []string{"a@x"}}
	third := Message{MessageID: "c@x", InReplyTo: []string{"b@x"}, References: []string{"a@x", "b@x"}}
	cut := Message{MessageID: "d@x", InReplyTo: []string{"b@x"}}
	tagged := Message{MessageID: "e@x", Subject: "[thread-7] more", InReplyTo: []string{"a@x"}}
	for _, c := range []struct {
		what    string
		message Message
		known   map[string]string
		want    string
		why     string
	}{
		{"a new message begins its thread", first, nil, ThreadID("a@x"), "derived from <a@x>"},
		{"a repeated event comes to the thread that the table has", first, map[string]string{"a@x": "thread-9"}, "thread-9", "Message-ID names <a@x>"},
		{"a reply comes to the same without any table", second, nil, ThreadID("a@x"), "derived from <a@x>"},
		{"a reply to a reply too", third, nil, ThreadID("a@x"), "derived from <a@x>"},
		{"the table knows better", third, map[string]string{"b@x": "thread-9", "a@x": "thread-8"}, "thread-9", "In-Reply-To names <b@x>"},
		{"an older reference helps where the newer is unknown", third, map[string]string{"a@x": "thread-8"}, "thread-8", "References names <a@x>"},
		{"cut references need the table", cut, map[string]string{"b@x": ThreadID("a@x")}, ThreadID("a@x"), "In-Reply-To names <b@x>"},
		{"a tag goes before everything", tagged, map[string]string{"a@x": "thread-9"}, "thread-7", "subject tag"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := ResolveThread(ThreadEvidence(c.message), table(c.known))
			if got.ID != c.want || !strings.Contains(got.Why(), c.why) {
				t.Errorf("%s because %q, want %s because %q", got.ID, got.Why(), c.want, c.why)
			}
			if isNew := strings.Contains(c.why, "derived"); got.New != isNew || !strings.Contains(c.why, string(got.By.Kind)) && !isNew {
				t.Errorf("new %v by %v, want what %q says", got.New, got.By, c.why)
			}
		})
	}
}

func TestRepliesToAnUnseenMessageMeet(t *testing.T) {
	one := Message{MessageID: "r1@x", References: []string{"unseen@x"}}
	other := Message{MessageID: "r2@x", InReplyTo: []string{"unseen@x"}}
	a := ResolveThread(ThreadEvidence(one), table(nil))
	b := ResolveThread(ThreadEvidence(other), table(nil))
	if a.ID != b.ID {
		t.Errorf("%s and %s", a.ID, b.ID)
	}
}

func TestOnlyASafeTagIsATag(t *testing.T) {
	for subject, want := range map[string]string{
		"[thread-x1] a":            "thread-x1",
		"a [THREAD-X1]":            "thread-x1",
		"[thread-one][thread-two]": "thread-one",
		"[thread-../../x]":         "",
		"[thread-]":                "",
		"thread-x1":                "",
		"[thread-" + strings.Repeat("x", 65) + "]": "",
	} {
		got := ""
		if e := ThreadEvidence(Message{Subject: subject, MessageID: "m@x"})[0]; e.Kind == EvidenceTag {
			got = e.Value
		}
		if got != want {
			t.Errorf("%q: tag %q, want %q", subject, got, want)
		}
	}
}

// A mail may name hundreds of others; each costs a look at the table.
func TestTheEvidenceOfALongConversationIsBounded(t *testing.T) {
	m := Message{MessageID: "own@x"}
	for n := range 100 {
		m.References = append(m.References, fmt.Sprintf("r%d@x", n))
		m.InReplyTo = append(m.InReplyTo, fmt.Sprintf("i%d@x", n))
	}
	for _, m := range []Message{m, {MessageID: "own@x", References: m.References}, {MessageID: "own@x", InReplyTo: m.InReplyTo}} {
		e := ThreadEvidence(m)
		if len(e) > 18 || e[0].Kind != EvidenceMessageID || e[len(e)-1].Kind != EvidenceRoot {
			t.Errorf("%d pieces, from %v to %v", len(e), e[0], e[len(e)-1])
		}
		if len(m.References) > 0 && e[len(e)-2] != (Evidence{EvidenceReferences, "r0@x"}) {
			t.Errorf("the last named is %v, want the root", e[len(e)-2])
		}
		if len(m.InReplyTo) == 0 && e[1] != (Evidence{EvidenceReferences, "r99@x"}) {
			t.Errorf("the first named is %v, want the newest", e[1])
		}
	}
}

func TestAThreadIndexNamesAConversation(t *testing.T) {
	const root = "thread-index:0101db3f57909b6b13d26d9b1e40b7998b7bb74af684"
	for value, want := range map[string]string{
		"AQHbP1eQm2sT0m2bHkC3mYt7t0r2hA==":        root,
		"AQHbP1eQm2sT0m2bHkC3mYt7t0r2hAAAAZ4g":    root,
		"AQHbP1eQm2sT0m2bHkC3\t mYt7t0r2hAAAAZ4g": root,
		"AQHbP1eQm2sT0m2bHkC3mYt7t0r2":            "", // 21 bytes
		"AAHbP1eQm2sT0m2bHkC3mYt7t0r2hAAAAZ4g":    "", // not one of Outlook's
		"no base64":                               "",
		"":                                        "",
	} {
		if got := threadIndex(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestTheBareSubjectIsWithoutWhatAnswersAndListsAdd(t *testing.T) {
	for subject, want := range map[string]string{
		"Opening  hours":                    "opening hours",
		"Re: AW: [shop] Fwd: Opening hours": "opening hours",
		"RE[2]: Opening hours":              "opening hours",
		"回复：Opening hours":                  "opening hours",
		"DOWN: host a":                      "down: host a",
		"Request: hours":                    "request: hours",
		"Re:":                               "",
	} {
		if got := BareSubject(subject); got != want {
			t.Errorf("%q: %q, want %q", subject, got, want)
		}
	}
}
