package mail

import (
	"strings"
	"time"
)

// Message is a mail as the rest of the system sees it. A worker's command gets its JSON form as
// message.json: field names are stable, and the bytes of attachments are left out. All strings are
// valid UTF-8.
type Message struct {
	// MessageID is the sender's Message-ID without its angle brackets. If the sender gave none, it
	// is made from a hash of the raw bytes, and MessageIDMade is set.
	MessageID     string   `json:"messageId"`
	MessageIDMade bool     `json:"messageIdMade,omitempty"`
	InReplyTo     []string `json:"inReplyTo,omitempty"`  // message ids, without angle brackets
	References    []string `json:"references,omitempty"` // message ids, oldest first

	Date    time.Time `json:"date,omitzero"` // as the sender says; zero if missing or unreadable
	From    []Address `json:"from"`
	ReplyTo []Address `json:"replyTo,omitempty"`
	To      []Address `json:"to,omitempty"`
	Cc      []Address `json:"cc,omitempty"`
	Subject string    `json:"subject"`

	// Text is the readable text with \n line ends, chosen by RFC 8621 section 4.1.4. TextFromHTML
	// says that all or some of it was rendered from HTML. HTML is the HTML form as sent: it may be
	// hostile.
	Text         string `json:"text"`
	TextFromHTML bool   `json:"textFromHtml,omitempty"`
	HTML         string `json:"html,omitempty"`

	Attachments []Attachment `json:"attachments,omitempty"`

	Recipients []Recipient `json:"recipients,omitempty"` // in the order in which routing tries them
	Verdicts   Verdicts    `json:"verdicts,omitzero"`
	Class      Class       `json:"class"`
	// ClassReasons are the headers that decided the class.
	ClassReasons []string `json:"classReasons,omitempty"`

	// Notes say what was repaired, guessed or left alone, one line each.
	Notes []string `json:"notes,omitempty"`

	header header
	vouch  vouch    // for its authors
	types  []string // the media types of all parts, as declared, for classify
}

// Address is one mailbox of a header.
type Address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"` // local@domain as written; empty if only a name was given
}

// Attachment is one part that is not the body. Images shown inside the HTML are attachments with
// Inline set.
type Attachment struct {
	Index        int      `json:"index"`    // from 1, in the order of the message
	FileName     string   `json:"fileName"` // safe and unique within the message: see safeName
	ContentType  string   `json:"contentType"`
	DetectedType string   `json:"detectedType"` // from the bytes, whatever the sender says
	ContentID    string   `json:"contentId,omitempty"`
	Inline       bool     `json:"inline,omitempty"`
	SizeBytes    int      `json:"sizeBytes"`
	Notes        []string `json:"notes,omitempty"`

	// Content may share memory with the raw message.
	Content []byte `json:"-"`
}

// Recipient is an address that the message was sent to, as one of its headers says.
type Recipient struct {
	Address string `json:"address"`
	Source  string `json:"source"` // envelope, delivered-to, x-original-to, to, cc
}

// Verdicts are what SES says about a message. They are read only from the header fields that SES
// itself put on top; fields below may be forged. SES acts on none of them: the reader must ("Amazon
// SES Developer Guide, Email receiving concepts"). Only PASS (or pass) is a pass; empty means that
// SES said nothing.
type Verdicts struct {
	Spam                  string `json:"spam,omitempty"`  // PASS, FAIL, GRAY, PROCESSING_FAILED, DISABLED
	Virus                 string `json:"virus,omitempty"` // as Spam
	SPF                   string `json:"spf,omitempty"`   // the result in Authentication-Results: pass, fail, none, …
	DKIM                  string `json:"dkim,omitempty"`  // pass if any signature passes, else the first result
	DMARC                 string `json:"dmarc,omitempty"`
	AuthenticationResults string `json:"authenticationResults,omitempty"`
	// VouchedBy is what vouches for the domain of every author: "DMARC", "SPF of shop.example".
	VouchedBy string `json:"vouchedBy,omitempty"`
}

// Infected says whether SES found a virus.
func (v Verdicts) Infected() bool { return strings.EqualFold(v.Virus, "fail") }

// Failed names the checks, but for that of viruses, that the message fails: spam, DMARC. A check
// that SES did not make, or was not sure of, is not among them. A DMARC result that contradicts
// itself is, because a sender whose mail passes has no need to forge one.
func (v Verdicts) Failed() []string {
	var failed []string
	for _, verdict := range []struct{ name, value string }{{"spam", v.Spam}, {"DMARC", v.DMARC}} {
		if strings.EqualFold(verdict.value, "fail") || verdict.value == ConflictingResult {
			failed = append(failed, verdict.name+": "+verdict.value)
		}
	}
	return failed
}
