package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"sync/atomic"
	"time"
)

// Parse reads a raw message. The error is a *LimitError or an *UnreadableError; the Message then
// has what could be read of the header. raw must not change while the Message is in use.
func Parse(raw []byte, limits Limits) (Message, error) {
	src, notes := normalise(raw)
	s := &splitter{src: src, limits: limits, parts: 1}
	head, _, _, err := s.readHeader()
	m := fromHeader(head)
	m.Notes = append(notes, m.Notes...)
	if m.MessageID == "" {
		sum := sha256.Sum256(raw)
		m.MessageID = "raw-" + hex.EncodeToString(sum[:16]) + "@no-message-id.invalid"
		m.MessageIDMade = true
	}
	if tooLarge := exceeds("MaxBytes", len(raw), limits.MaxBytes); tooLarge != nil {
		err = tooLarge
	}
	if err == nil && len(src) == 0 {
		err = &UnreadableError{Reason: "the message is empty"}
	}
	if err == nil {
		var body body
		if body, err = readWithin(limits.WallClock, s, head); err == nil {
			m.addBody(body)
		}
	}
	m.Class, m.ClassReasons = classify(m)
	return m, err
}

// readWithin reads the body, in a goroutine of its own if its time is bounded.
func readWithin(limit time.Duration, s *splitter, head header) (body, error) {
	var late atomic.Bool
	if limit <= 0 {
		return readBody(s, head, &late)
	}
	type result struct {
		body body
		err  error
	}
	done := make(chan result, 1) // buffered, so that a late reader can end
	go func() {
		b, err := readBody(s, head, &late)
		done <- result{b, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	tooLate := &LimitError{Limit: "WallClock", Value: int64(limit) + 1, Max: int64(limit)}
	select {
	case r := <-done:
		select {
		case <-timer.C: // both may be ready, and select chooses at random
			return body{}, tooLate
		default:
			return r.body, r.err
		}
	case <-timer.C:
		late.Store(true)
		return body{}, tooLate
	}
}

// readBody splits and decodes. If a hostile message makes a decoder panic, the message is
// unreadable and the process goes on. If late is set, readBody stops at the next part.
func readBody(s *splitter, head header, late *atomic.Bool) (b body, err error) {
	defer func() {
		if p := recover(); p != nil {
			b, err = body{}, &UnreadableError{Reason: fmt.Sprintf("a decoder failed: %v", p)}
		}
	}()
	root := newPart(head, "text/plain")
	if _, err := s.fill(root); err != nil {
		return body{}, err
	}
	r := bodyReader{limits: s.limits, late: late}
	r.collect([]*part{root}, "mixed", false, false, false)
	return r.result()
}

// normalise drops what many stored messages have before their first header field: a byte order
// mark, blank space, the separator line of an mbox. If all lines end in bare CRs, it turns them
// into LFs.
func normalise(raw []byte) (src []byte, notes []string) {
	src = bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF"))
	if len(src) < len(raw) {
		notes = append(notes, "dropped a byte order mark")
	}
	if trimmed := bytes.TrimLeft(src, "\x00 \t\r\n"); len(trimmed) < len(src) {
		src = trimmed
		notes = append(notes, "dropped blank space before the header")
	}
	if bytes.HasPrefix(src, []byte("From ")) || bytes.HasPrefix(src, []byte(">From ")) {
		_, next := lineAt(src, 0)
		src = src[next:]
		notes = append(notes, "dropped an mbox separator line")
	}
	if bytes.IndexByte(src, '\n') < 0 && bytes.IndexByte(src, '\r') >= 0 {
		src = bytes.ReplaceAll(src, []byte("\r"), []byte("\n"))
		notes = append(notes, "the lines end in bare CRs")
	}
	return src, notes
}

// fromHeader reads all that does not need the body.
func fromHeader(head header) Message {
	m := Message{header: head}
	if ids := messageIDs(head.get("message-id")); len(ids) > 0 {
		m.MessageID = ids[0]
	}
	m.InReplyTo = messageIDs(strings.Join(head.all("in-reply-to"), " "))
	m.References = messageIDs(strings.Join(head.all("references"), " "))
	m.Subject = decodeWords(head.get("subject"))
	for _, list := range []struct {
		name  string
		value *[]Address
	}{{"from", &m.From}, {"reply-to", &m.ReplyTo}, {"to", &m.To}, {"cc", &m.Cc}} {
		addresses, exact := head.addresses(list.name)
		if !exact {
			m.note("the %s field is not a proper address list", list.name)
		}
		*list.value = addresses
	}
	if len(m.From) != 1 {
		m.note("%d addresses in From", len(m.From))
	}
	if value := head.get("date"); value != "" {
		date, err := parseDate(value)
		if err != nil {
			m.note("the date cannot be read")
		}
		m.Date = date
	}
	ses, found := sesFields(head)
	if found {
		m.Verdicts = verdictsFrom(ses)
	} else {
		m.note("no Received line of SES on top: no verdict is trusted")
	}
	m.vouch = vouchFor(ses, found, m)
	m.Verdicts.VouchedBy = m.vouch.by
	m.Recipients = recipients(head, ses, m)
	return m
}

func (m *Message) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

// parseDate reads RFC 5322 dates with their obsolete forms, and other forms that mailers write.
func parseDate(value string) (time.Time, error) {
	if date, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", value); err == nil { // the usual form, which ParseDate tries last
		return date, nil
	}
	if date, err := mail.ParseDate(value); err == nil {
		return date, nil
	}
	for _, layout := range []string{time.RFC3339, time.ANSIC, time.UnixDate, "Mon, 2 Jan 2006 15:04:05", "2006-01-02 15:04:05"} {
		if date, err := time.Parse(layout, value); err == nil {
			return date, nil
		}
	}
	return time.Time{}, errors.New("unknown form of date")
}

const (
	maxMessageIDs     = 100
	maxMessageIDBytes = 512 // far above any honest one, below what a DynamoDB partition key takes (2048)
)

// messageIDs takes the ids of a Message-ID, In-Reply-To or References value, without angle brackets
// and blanks. If there are too many, it keeps the first, which names the conversation, and the last
// ones. It replaces an overlong id by its hash, so that the same id is still the same elsewhere.
func messageIDs(value string) []string {
	var ids []string
	add := func(id string) {
		id = strings.Join(strings.Fields(oneLine(id)), "")
		if len(id) > maxMessageIDBytes {
			sum := sha256.Sum256([]byte(id))
			id = "long-" + hex.EncodeToString(sum[:16]) + "@hashed.invalid"
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	for rest := value; ; {
		open := strings.IndexByte(rest, '<')
		if open < 0 {
			break
		}
		rest = rest[open+1:]
		end := strings.IndexAny(rest, "<>")
		if end < 0 {
			break
		}
		add(rest[:end])
		rest = rest[end:] // at < the bracket is missing, and the next id begins
	}
	if ids == nil { // some mailers leave out the brackets; prose such as "your mail of Monday" has no @
		for _, word := range strings.Fields(value) {
			if word = strings.Trim(word, "<>,;\""); strings.Contains(word, "@") {
				add(word)
			}
		}
	}
	if len(ids) > maxMessageIDs {
		ids = append(ids[:1:1], ids[len(ids)-maxMessageIDs+1:]...)
	}
	return ids
}
