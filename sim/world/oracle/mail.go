package oracle

import (
	"encoding/json"
	"strings"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// mails is the oracle of mail. It goes by the objects of mails, not by the ids of messages: those
// are under test.
type mails struct {
	*Panel
	broken broken
	jobs   map[addressed]string // the executions that were judged, by what they are for
}

// addressed is a mail's object and one of its keys.
type addressed struct {
	object string
	key    job.Key
}

func watchMails(p *Panel, broken broken) hooks {
	o := mails{p, broken, map[addressed]string{}}
	return hooks{begins: o.readsItsMail, message: o.isThere, end: o.copiesAreWorkedOnOnce, execution: o.oneForEach}
}

// readsItsMail: a command is for a key that the mail addresses, and reads that mail.
func (o mails) readsItsMail(c Command) {
	m := c.Message()
	mail := o.mailIn(m.Raw.Key)
	switch {
	case len(o.messages) == 0: // a stage's job, which no mail made
	case mail == nil:
		o.broken("the command of %s is of no mail: %s", m.MessageID, m.Raw.Key)
	case !addresses(mail, m.ProjectUserID):
		o.broken("%s works for %s, which %s does not address", m.MessageID, m.ProjectUserID, mail.ID)
	case !strings.Contains(c.Reads(), mail.Text()):
		o.broken("the command of %s is to read %q of %s, and reads %s", m.MessageID, mail.Text(), mail.ID, c.Reads())
	}
}

func (o mails) mailIn(object string) *scenario.Mail {
	for i := range o.scenario.Mails {
		if m := &o.scenario.Mails[i]; m.ObjectKey() == object {
			return m
		}
	}
	return nil
}

func addresses(m *scenario.Mail, key job.Key) bool {
	for _, k := range m.Keys {
		if k == key {
			return true
		}
	}
	return false
}

// isThere: each key that a mail addresses has its message, and only copies are rejected.
func (o mails) isThere(_ *Ending, m scenario.Message, j *claim.Job) {
	switch {
	case j == nil:
		o.broken("%s has no message to %s", m.Mail.ID, m.Key)
	case j.Key != m.Key || j.Raw == nil || j.Raw.Key != m.ObjectKey():
		o.broken("%s is to be %s to %s, and is %+v to %s", m.ID, m.ObjectKey(), m.Key, j.Raw, j.Key)
	case j.Outcome == job.Rejected && len(o.copies(m)) == 0:
		o.broken("%s is rejected for no reason: %s", m.ID, j.Result)
	}
}

// copies are the other messages of the same text to the same key.
func (o mails) copies(m scenario.Message) (list []scenario.Message) {
	for _, other := range o.messages {
		if other.Key == m.Key && other.Text() == m.Text() && other.ID != m.ID {
			list = append(list, other)
		}
	}
	return list
}

// copiesAreWorkedOnOnce: of the copies of a mail to one key one does its work, unless each came to
// nothing.
func (o mails) copiesAreWorkedOnOnce(e *Ending) {
	clear(o.jobs) // of an end before this
	done := func(m scenario.Message) bool {
		outcome := e.Jobs[m.ID].Outcome
		return outcome == job.Completed || outcome == job.Interrupted || outcome == job.Superseded
	}
	for _, m := range o.messages {
		for _, other := range o.copies(m) {
			if done(m) && done(other) {
				o.broken("%s and %s are copies of one mail to %s, and both were worked on", m.ID, other.ID, m.Key)
			}
		}
	}
}

// oneForEach: no mail has two executions for a key.
func (o mails) oneForEach(_ *Ending, x Execution) {
	var input job.ExecutionInput
	if err := json.Unmarshal([]byte(x.Input), &input); err != nil {
		o.broken("the input of %s cannot be read: %v", x.Message, err)
		return
	}
	is := addressed{input.Message.Raw.Key, input.Message.ProjectUserID}
	if before, twice := o.jobs[is]; twice {
		o.broken("%s and %s are of the same mail to %s", before, x.Message, is.key)
	}
	o.jobs[is] = x.Message
}
