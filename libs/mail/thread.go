package mail

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"
)

// Evidence is one reason to put a message into a thread.
type Evidence struct {
	Kind EvidenceKind
	// Value is the thread id of a tag, else the message id that the evidence names.
	Value string
}

// EvidenceKind says where a piece of evidence was found.
type EvidenceKind string

const (
	EvidenceTag        EvidenceKind = "subject tag" // [thread-…] in the subject: people and our own mail name a thread so
	EvidenceInReplyTo  EvidenceKind = "In-Reply-To"
	EvidenceReferences EvidenceKind = "References"
	EvidenceRoot       EvidenceKind = "root" // the first message of the conversation, as far as known; always the last evidence
)

var threadTag = regexp.MustCompile(`(?i)\[(thread-[a-z0-9][a-z0-9._-]{0,63})\]`)

// ThreadEvidence lists what a message says about its thread, best first: a tag in the subject, the
// messages it answers, those of References from the newest to the oldest, and the root. The root is
// the first of References, else of In-Reply-To, else the message itself, so there always is one.
func ThreadEvidence(m Message) []Evidence {
	var evidence []Evidence
	if tag := threadTag.FindStringSubmatch(m.Subject); tag != nil {
		evidence = append(evidence, Evidence{EvidenceTag, strings.ToLower(tag[1])})
	}
	seen := map[string]bool{}
	add := func(kind EvidenceKind, id string) {
		if !seen[id] {
			seen[id] = true
			evidence = append(evidence, Evidence{kind, id})
		}
	}
	for _, id := range m.InReplyTo {
		add(EvidenceInReplyTo, id)
	}
	for i := len(m.References) - 1; i >= 0; i-- {
		add(EvidenceReferences, m.References[i])
	}
	root := m.MessageID
	if len(m.References) > 0 {
		root = m.References[0]
	} else if len(m.InReplyTo) > 0 {
		root = m.InReplyTo[0]
	}
	return append(evidence, Evidence{EvidenceRoot, root})
}

// Lookup asks the threads table for the thread of a message id.
type Lookup func(ctx context.Context, rfcMessageID string) (threadID string, found bool, err error)

// Thread is where a message belongs.
type Thread struct {
	ID  string
	By  Evidence // what decided
	New bool     // no message of it is known: the root's id names it
}

// Why says in words what decided.
func (t Thread) Why() string {
	switch {
	case t.By.Kind == EvidenceTag:
		return string(t.By.Kind)
	case t.New:
		return fmt.Sprintf("no message known; derived from <%s>", t.By.Value)
	}
	return fmt.Sprintf("%s names <%s>, which is known", t.By.Kind, t.By.Value)
}

// ResolveThread decides the thread of a message by its evidence: a tag, else the first message id
// that the table knows, else ThreadID of the root. ThreadID needs no table, so a repeated event, a
// reply that overtakes the message it answers, and two replies to a message that was never seen all
// come to the same thread.
func ResolveThread(ctx context.Context, evidence []Evidence, lookup Lookup) (Thread, error) {
	for _, e := range evidence {
		if e.Kind == EvidenceTag {
			return Thread{ID: e.Value, By: e}, nil
		}
		threadID, found, err := lookup(ctx, e.Value)
		if err != nil {
			return Thread{}, fmt.Errorf("mail: thread of message %q: %w", e.Value, err)
		}
		if found {
			return Thread{ID: threadID, By: e}, nil
		}
		if e.Kind == EvidenceRoot {
			return Thread{ID: ThreadID(e.Value), By: e, New: true}, nil
		}
	}
	return Thread{}, fmt.Errorf("mail: no evidence of a thread: it has to end with its root")
}

// ThreadID is the thread that a message begins: "thread-" and 16 letters or digits of a hash of its
// id.
func ThreadID(rootMessageID string) string {
	sum := sha256.Sum256([]byte(rootMessageID))
	return "thread-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}
