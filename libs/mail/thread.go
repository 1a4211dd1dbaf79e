package mail

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Evidence is one reason to put a message into a thread.
type Evidence struct {
	Kind EvidenceKind
	// Value is the thread id of a tag, else the id that the evidence names.
	Value string
}

// EvidenceKind says where a piece of evidence was found.
type EvidenceKind string

const (
	EvidenceTag         EvidenceKind = "subject tag" // [thread-…] in the subject: people and our own mail name a thread so
	EvidenceMessageID   EvidenceKind = "Message-ID"  // the message itself: one that came before it may have named it
	EvidenceInReplyTo   EvidenceKind = "In-Reply-To"
	EvidenceReferences  EvidenceKind = "References"
	EvidenceThreadIndex EvidenceKind = "Thread-Index" // Outlook's
	EvidenceRoot        EvidenceKind = "root"         // the first message of the conversation, as far as known; always the last evidence
)

// maxNamedIDs is how many messages that a message names, In-Reply-To and References together, are
// evidence: the newest, and the oldest, which is the root. References may hold hundreds.
const maxNamedIDs = 16

var threadTag = regexp.MustCompile(`(?i)\[(thread-[a-z0-9][a-z0-9._-]{0,63})\]`)

// ThreadEvidence lists what a message says about its thread, best first: a tag in the subject, the
// message itself, the messages it answers, those of References from the newest to the oldest, the
// conversation of its Thread-Index, and the root. The root is the first of References, else of
// In-Reply-To, else the message itself, so there always is one. No id but the root's is listed
// twice.
func ThreadEvidence(m Message) []Evidence {
	var evidence []Evidence
	if tag := threadTag.FindStringSubmatch(m.Subject); tag != nil {
		evidence = append(evidence, Evidence{EvidenceTag, strings.ToLower(tag[1])})
	}
	evidence = append(evidence, Evidence{EvidenceMessageID, m.MessageID})
	root := m.MessageID
	if len(m.References) > 0 {
		root = m.References[0]
	} else if len(m.InReplyTo) > 0 {
		root = m.InReplyTo[0]
	}
	seen := map[string]bool{m.MessageID: true}
	add := func(kind EvidenceKind, id string, most int) {
		if !seen[id] && len(seen) <= most {
			seen[id] = true
			evidence = append(evidence, Evidence{kind, id})
		}
	}
	for _, id := range m.InReplyTo {
		add(EvidenceInReplyTo, id, maxNamedIDs-1)
	}
	for i := len(m.References) - 1; i > 0; i-- {
		add(EvidenceReferences, m.References[i], maxNamedIDs-1)
	}
	if len(m.References) > 0 {
		add(EvidenceReferences, root, maxNamedIDs)
	}
	if conversation := threadIndex(m.header.get("thread-index")); conversation != "" {
		evidence = append(evidence, Evidence{EvidenceThreadIndex, conversation})
	}
	return append(evidence, Evidence{EvidenceRoot, root})
}

// threadIndex names the conversation of a Thread-Index; none if the value is none. Outlook begins
// it with 22 bytes that are the conversation's (a one, a time, a random id) and adds five for each
// answer ([MS-OXOMSG] 2.2.1.3).
func threadIndex(value string) string {
	const conversationBytes = 22
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	if err != nil || len(raw) < conversationBytes || raw[0] != 1 {
		return ""
	}
	return "thread-index:" + hex.EncodeToString(raw[:conversationBytes])
}

// Thread is where a message belongs.
type Thread struct {
	ID  string
	By  Evidence // what decided
	New bool     // nothing that names it is known: the root's id names it
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

// ResolveThread decides the thread of a message by its evidence: a tag, else the first id that is
// known, else ThreadID of the root. ThreadID needs no table, so a repeated event, a reply that
// overtakes the message it answers, and two replies to a message that was never seen all come to
// the same thread.
func ResolveThread(evidence []Evidence, known func(id string) (threadID string, found bool)) Thread {
	for _, e := range evidence {
		if e.Kind == EvidenceTag {
			return Thread{ID: e.Value, By: e}
		}
		if threadID, found := known(e.Value); found {
			return Thread{ID: threadID, By: e}
		}
	}
	root := evidence[len(evidence)-1]
	return Thread{ID: ThreadID(root.Value), By: root, New: true}
}

// ThreadID is the thread that a message begins: "thread-" and 16 letters or digits of a hash of its
// id.
func ThreadID(rootMessageID string) string {
	sum := sha256.Sum256([]byte(rootMessageID))
	return "thread-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// answerMarks are what answering, forwarding and lists put before a subject.
var answerMarks = regexp.MustCompile(`(?i)^(\s|\[[^\]]*\]|(re|fwd?|aw|wg|antw|sv|vs|tr|rv|res|odp|ynt|回复|答复|转发)\s*(\[\d+\])?\s*[:：])+`)

// BareSubject is the subject without what answers and lists add to it, in lower case.
func BareSubject(subject string) string {
	return strings.ToLower(strings.Join(strings.Fields(answerMarks.ReplaceAllString(subject, "")), " "))
}
