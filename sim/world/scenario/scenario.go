// Package scenario is what happens to a simulated world from outside: which mails arrive when, what
// their commands do, and the settings of the system. It holds plain values, and draws them.
//
// It promises that a scenario does not depend on how its run goes: everything is drawn before the
// run begins.
package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/worker"
)

// Epoch is when every world begins.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Mail is one email of a scenario.
type Mail struct {
	ID       string        // names it in the run, and in its text
	Object   string        // the key of its object, below emails/; empty: its ID
	Keys     []job.Key     // that it addresses
	Thread   int           // its number among the threads of its keys
	At       time.Duration // when it reaches S3, after the beginning
	Received time.Duration // its receivedAt, after the beginning
	Attached bool          // it carries a file
	Author   Author
	Release  Release // if the mail is held
	Command  Command // of each of its messages

	Original string // the mail of which it is a copy; empty if it is none
	Answers  string // the only mail that it names; empty: it names the first of its thread
}

// Message is what a mail is to one of its keys.
type Message struct {
	Mail
	ID  string
	Key job.Key
}

// Release is how a person releases a held mail.
type Release struct {
	At    time.Duration // when, after the beginning; 0: never
	Twice bool          // so does another, at the same time
}

// Command is what a worker's command does for a mail.
type Command struct {
	Takes     time.Duration
	ExitCode  int
	DoneAfter time.Duration // when it writes its result file; 0: never
	Ignores   bool          // it ignores SIGTERM

	// What it does when it gets SIGTERM, if it does not ignore that.
	Saves    time.Duration // until its exit
	Last     LastDeed
	LastCode int // its exit status
}

// LastDeed is what a command does between SIGTERM and its exit.
type LastDeed int

// What a command may do last.
const (
	SavesPart LastDeed = iota // it writes its partial work file
	SavesNothing
	Finishes // it writes its result file
)

// What a command prints and writes.
const (
	Printed     = "as it was told"
	PartialWork = "half of it"
	WorkDone    = "all of it"
)

// Scenario is what happens from outside, and the settings of the system.
type Scenario struct {
	Mails   []Mail
	Workers int
	Senders mail.SenderPolicy // empty: open
	Claim   claim.Settings
	Worker  worker.Settings
	Flow    job.Settings
	Horizon time.Duration // of the safety phase

	MaxReceives int // of a work message; 0: as many as SQS allows, which no run comes to

	Instant bool // calls take no time: only the chooser decides who runs next

	// ClockError is the most that a clock is off. 0 means half of MaxClockSkew, the most that the
	// protocol allows; more shows what breaks then.
	ClockError time.Duration
}

// Mail is the mail with the id; nil if there is none, as on a stage.
func (s *Scenario) Mail(id string) *Mail {
	for i := range s.Mails {
		if s.Mails[i].ID == id {
			return &s.Mails[i]
		}
	}
	return nil
}

// Messages lists the messages of all mails.
func (s *Scenario) Messages() []Message {
	var list []Message
	for _, m := range s.Mails {
		list = append(list, m.Messages()...)
	}
	return list
}

// Messages lists what the mail is to its keys.
func (m Mail) Messages() []Message {
	var list []Message
	for _, key := range m.Keys {
		list = append(list, Message{Mail: m, ID: job.MessageID(m.ObjectKey(), key, len(m.Keys) == 1), Key: key})
	}
	return list
}

// ObjectKey is the key of the mail's object.
func (m Mail) ObjectKey() string {
	if m.Object != "" {
		return job.EmailFolder + m.Object
	}
	return job.EmailFolder + m.ID
}

// Text is what the mail says, which no other mail does but its copies.
func (m Mail) Text() string { return "Do " + m.asSent() + "." }

// asSent is the mail that was sent: copies are of the same.
func (m Mail) asSent() string {
	if m.Original != "" {
		return m.Original
	}
	return m.ID
}

// ClockBound is the most that a clock differs from the world's time.
func (s *Scenario) ClockBound() time.Duration {
	if s.ClockError == 0 {
		return s.Claim.MaxClockSkew / 2
	}
	return s.ClockError
}

func (m Mail) to() string {
	var to []string
	for _, key := range m.Keys {
		project, user := key.Split()
		to = append(to, fmt.Sprintf("%s@%s.example.com", user, project))
	}
	return strings.Join(to, ", ")
}

// MIME is the mail as it lies in S3.
func (m Mail) MIME() string {
	names := fmt.Sprintf("References: <t%d@customer.example>", m.Thread)
	if m.Answers != "" {
		names = "In-Reply-To: <" + m.Answers + "@customer.example>"
	}
	lines := append(m.found(),
		"From: "+m.from(), "To: "+m.to(),
		fmt.Sprintf("Subject: %s in thread %d", m.asSent(), m.Thread), "Message-ID: <"+m.asSent()+"@customer.example>",
		names, "MIME-Version: 1.0",
	)
	if !m.Attached {
		return strings.Join(append(lines, "Content-Type: text/plain", "", m.Text()), "\r\n") + "\r\n"
	}
	return strings.Join(append(lines, `Content-Type: multipart/mixed; boundary="b"`, "",
		"--b", "Content-Type: text/plain", "", m.Text(),
		"--b", `Content-Type: text/csv; name="list.csv"`, `Content-Disposition: attachment; filename="list.csv"`, "", "a,b", "--b--"), "\r\n") + "\r\n"
}
