package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
)

// place is where a message belongs among the others of its key.
type place struct {
	thread mail.Thread
	own    Entry  // of the mail itself, which names the message
	copyOf string // the message of which it is a copy that is not to be worked on; none for most
}

// evidence is what a message says about its thread, and what of it the table knows.
type evidence struct {
	list []mail.Evidence
	own  Entry             // of the mail itself, or with only a name if there is none
	read map[string]string // the threads of the ids that were looked up; empty for none
}

// maxRaces is how often a message may find that another has written what it was about to write,
// before its event has to come again.
const maxRaces = 3

// place finds the place of the message, and notes in the table all ids that it names, its own last:
// then a retry after that finds its place by its own id alone.
//
// The table is read and written once for each id: for the mail itself, for some that it names
// (mail.ThreadEvidence has the bound), and for Outlook's conversation.
func (m message) place(ctx context.Context) (place, error) {
	hash := contentHash(m.parsed, m.content)
	for range maxRaces {
		e, err := m.evidence(ctx, hash)
		if err != nil {
			return place{}, err
		}
		p, own, err := m.decide(ctx, e)
		if err != nil || p.copyOf != "" {
			return p, err
		}
		if p.own = own; own == e.own {
			return p, nil
		}
		own.ContentHash, own.Subject = hash, bareSubject(m.parsed)
		noted, err := m.threads.Put(ctx, own, e.own)
		if noted || err != nil {
			return p, err
		}
	}
	return place{}, fmt.Errorf("other mails note %s at the same time: it is decided anew", m.parsed.MessageID)
}

// decide decides by the evidence, and returns the entry that the mail itself is to have.
func (m message) decide(ctx context.Context, e evidence) (p place, own Entry, err error) {
	own = e.own
	switch own.MessageID {
	case m.id: // an earlier try has noted all
	case "":
		p.thread, err = m.noteNamed(ctx, e)
		own.ThreadID, own.MessageID = p.thread.ID, m.id
		return p, own, err
	default:
		before, err := m.protocol.ReadJob(ctx, own.MessageID)
		if err != nil || stands(before) {
			return place{copyOf: own.MessageID, thread: mail.Thread{ID: own.ThreadID}}, own, err
		}
		// The first copy got no further than this table, or its job came to nothing. This copy
		// takes its place, so that a third copy, or a late retry of the first, is a duplicate of
		// this one.
		own.MessageID = m.id
	}
	p.thread = mail.Thread{ID: own.ThreadID, By: mail.Evidence{Kind: mail.EvidenceMessageID, Value: m.parsed.MessageID}}
	return p, own, nil
}

// evidence collects the evidence, and looks each id up.
//
// A Message-ID that another mail has used, with other content, is known to say nothing: the mail
// has its entry under its id and its content. Under another subject it is another conversation too
// (monitors use one id for all that they say); under the same, it is the same mail as a list or a
// relay has changed it.
func (m message) evidence(ctx context.Context, hash string) (evidence, error) {
	parsed := m.parsed
	own, err := m.threads.Read(ctx, m.key, parsed.MessageID)
	if err != nil {
		return evidence{}, err
	}
	e := evidence{own: own, read: map[string]string{parsed.MessageID: own.ThreadID}}
	if own.MessageID != "" && own.MessageID != m.id && own.ContentHash != hash {
		withContent := parsed.MessageID + "\n" + hash // no Message-ID has a line's end
		if e.own, err = m.threads.Read(ctx, m.key, withContent); err != nil {
			return evidence{}, err
		}
		if own.Subject != bareSubject(parsed) {
			parsed.MessageID = withContent
			e.read[withContent] = e.own.ThreadID
		}
	}
	e.list = mail.ThreadEvidence(parsed)
	if e.own.MessageID != "" {
		return e, nil // its entry decides alone
	}
	for _, named := range e.list {
		if _, done := e.read[named.Value]; done || named.Kind == mail.EvidenceTag {
			continue
		}
		entry, err := m.threads.Read(ctx, m.key, named.Value)
		if err != nil {
			return evidence{}, err
		}
		e.read[named.Value] = entry.ThreadID
	}
	return e, nil
}

// noteNamed decides the thread, and notes in it the ids that the message names and nobody has named
// before. Another mail may name one of them at the same time: where that one was faster, and this
// one has yet to note its first, it follows it.
func (m message) noteNamed(ctx context.Context, e evidence) (mail.Thread, error) {
	thread := mail.ResolveThread(e.list, func(id string) (string, bool) { return e.read[id], e.read[id] != "" })
	decided := false // whether evidence as good as what comes next has decided
	for _, named := range e.list {
		decided = decided || (named == thread.By && !thread.New)
		if _, looked := e.read[named.Value]; !looked || e.read[named.Value] != "" || named.Value == e.own.RFCMessageID {
			continue
		}
		noted, err := m.threads.Note(ctx, Entry{Key: m.key, RFCMessageID: named.Value, ThreadID: thread.ID})
		if err != nil {
			return mail.Thread{}, err
		}
		if !decided && noted.ThreadID != thread.ID {
			thread = mail.Thread{ID: noted.ThreadID, By: named}
		}
		decided = true
		e.read[named.Value] = noted.ThreadID
	}
	return thread, nil
}

// stands says whether a mail's job makes its copies duplicates: the mail was taken, and its job did
// not come to nothing.
func stands(j *claim.Job) bool {
	return j != nil && !j.Held() && !j.Outcome.CameToNothing()
}

func bareSubject(parsed mail.Message) string {
	return job.Cut(mail.BareSubject(parsed.Subject), maxSubjectBytes)
}

const maxSubjectBytes = 200 // of an entry

// contentHash is equal for mails that are the same to their reader: who wrote it, when, about what,
// and the body. It leaves out the rest of the header, because every mail server on the way adds
// fields to it.
func contentHash(parsed mail.Message, raw []byte) string {
	body := raw
	for _, blank := range [][]byte{[]byte("\r\n\r\n"), []byte("\n\n")} {
		if at := bytes.Index(raw, blank); at >= 0 {
			body = raw[at+len(blank):]
			break
		}
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %s\n", sender(parsed), parsed.Subject, parsed.Date.UTC().Format(time.RFC3339))
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}
