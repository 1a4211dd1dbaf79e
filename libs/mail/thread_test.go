package mail

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func table(known map[string]string) Lookup {
	return func(_ context.Context, id string) (string, bool, error) {
		threadID, found := known[id]
		return threadID, found, nil
	}
}

func TestThreadEvidenceIsOrdered(t *testing.T) {
	m := Message{MessageID: "own@x", Subject: "Re: [Thread-ABC.1] build", InReplyTo: []string{"c@x"}, References: []string{"a@x", "b@x", "c@x"}}
	want := []Evidence{{EvidenceTag, "thread-abc.1"}, {EvidenceInReplyTo, "c@x"}, {EvidenceReferences, "b@x"}, {EvidenceReferences, "a@x"}, {EvidenceRoot, "a@x"}}
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
		{"a repeated event comes to the thread that the table has", first, map[string]string{"a@x": "thread-9"}, "thread-9", "root names <a@x>"},
		{"a reply comes to the same without any table", second, nil, ThreadID("a@x"), "derived from <a@x>"},
		{"a reply to a reply too", third, nil, ThreadID("a@x"), "derived from <a@x>"},
		{"the table knows better", third, map[string]string{"b@x": "thread-9", "a@x": "thread-8"}, "thread-9", "In-Reply-To names <b@x>"},
		{"an older reference helps where the newer is unknown", third, map[string]string{"a@x": "thread-8"}, "thread-8", "References names <a@x>"},
		{"cut references need the table", cut, map[string]string{"b@x": ThreadID("a@x")}, ThreadID("a@x"), "In-Reply-To names <b@x>"},
		{"a tag goes before everything", tagged, map[string]string{"a@x": "thread-9"}, "thread-7", "subject tag"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := ResolveThread(context.Background(), ThreadEvidence(c.message), table(c.known))
			if err != nil || got.ID != c.want || !strings.Contains(got.Why(), c.why) {
				t.Errorf("%s because %q (%v), want %s because %q", got.ID, got.Why(), err, c.want, c.why)
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
	a, _ := ResolveThread(context.Background(), ThreadEvidence(one), table(nil))
	b, _ := ResolveThread(context.Background(), ThreadEvidence(other), table(nil))
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

func TestAFailingTableIsAnError(t *testing.T) {
	down := errors.New("table is down")
	_, err := ResolveThread(context.Background(), ThreadEvidence(Message{MessageID: "a@x"}),
		func(context.Context, string) (string, bool, error) { return "", false, down })
	if !errors.Is(err, down) || !strings.Contains(err.Error(), "a@x") {
		t.Errorf("error %v", err)
	}
}
