package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// The data of an execution begins as its input and grows: process-attachment adds to each
// attachment, each state adds its answer and, if it fails, an error. An execution whose data is
// over the limit fails, and no Catch helps. So the input must leave room.
const (
	maxDataBytes  = 262_144   // the limit on an execution's data (Step Functions quotas)
	grownBytes    = 900       // what process-attachment adds to one attachment, at most
	reservedBytes = 40 << 10  // room for the states' answers and one error, whose cause is 32,768 characters at most
	maxEventBytes = 248 << 10 // room for the input, escaped, in EventBridge's event of an execution's end
)

// message is what a mail is to one key: a job, or not.
type message struct {
	arrival
	id    string
	key   job.Key // none, if it is for nobody
	found place   // once it was looked for
}

// admit makes the message a job of its key: its place in a thread, row, content, execution. The row
// comes before all that is named after the message, so nobody else's mail is ever written over. A
// repeated event does again what is missing.
//
// A copy of the mail may take its place in the table until its row is there, and not after.
func (m message) admit(ctx context.Context) error {
	var err error
	for range 1 + maxRaces {
		if err = m.tryToAdmit(ctx); !errors.Is(err, claim.ErrNoLonger) {
			break
		}
	}
	return err
}

func (m message) tryToAdmit(ctx context.Context) error {
	p, err := m.place(ctx)
	if err != nil {
		return err
	}
	m.found = p
	if p.copyOf != "" {
		return m.reject(ctx, fmt.Sprintf("the same mail came before, as %s", p.copyOf), false)
	}
	j := m.job(p.thread)
	attachments := m.attachments()
	input, err := m.input(j, attachments)
	if err != nil {
		return err
	}
	if reason := tooBig(input, len(attachments)); reason != "" {
		return m.reject(ctx, reason, true)
	}
	put := m.protocol.Admit
	if m.released {
		put = m.protocol.Release
	}
	admitted, err := put(ctx, j, m.settings.StateMachineARN, m.threads.Names(p.own))
	if err != nil {
		return err
	}
	if before := admitted.Existing; before != nil {
		if before.Held() {
			telemetry.Write(ctx, m.log, telemetry.MailHeld{Message: m.id, Key: m.key, Reason: before.Result, Again: true})
			return nil
		}
		if before.Outcome != "" {
			telemetry.Write(ctx, m.log, telemetry.MailTakenBefore{Message: m.id, Outcome: before.Outcome})
			return nil
		}
		j.ThreadID, j.ReceivedAtMillis = before.ThreadID, before.ReceivedAtMillis // as the first try had it
		if input, err = m.input(j, attachments); err != nil {
			return err
		}
	}
	if err := m.store(ctx, j.Content, attachments); err != nil {
		return err
	}
	if err := m.start(ctx, awsx.ExecutionName(admitted.ExecutionARN), input); err != nil {
		return err
	}
	telemetry.Write(ctx, m.log, telemetry.MailTaken{
		Message: m.id, Key: m.key,
		Thread: j.ThreadID, ThreadBy: string(p.thread.By.Kind), ThreadIsNew: p.thread.New, ThreadWhy: j.ThreadWhy, Again: !admitted.Fresh,
	})
	return nil
}

// job is the message as the state machine carries it.
func (m message) job(thread mail.Thread) job.Message {
	project, user := m.key.Split()
	return job.Message{
		MessageID: m.id, ProjectID: project, UserID: user, ProjectUserID: m.key, ThreadID: thread.ID, ThreadWhy: thread.Why(),
		ReceivedAtMillis: job.Millis(m.receivedAt), Raw: m.raw, RFCMessageID: m.parsed.MessageID,
		From: sender(m.parsed), Subject: subject(m.parsed), Class: string(m.parsed.Class), Verdicts: verdicts(m.parsed.Verdicts),
		AgainOf: m.againOf,
		Content: m.own("content.json"),
	}
}

// input is the input of the message's execution.
func (m message) input(j job.Message, attachments []job.Attachment) (string, error) {
	encoded, err := json.Marshal(job.ExecutionInput{Message: j, Attachments: attachments, Settings: m.settings.Flow})
	if err != nil {
		return "", fmt.Errorf("execution input: %w", err)
	}
	return string(encoded), nil
}

// own is an object of the message's own.
func (m message) own(name string) job.ObjectRef {
	return job.ObjectRef{Bucket: m.settings.MediaBucket, Key: "messages/" + m.id + "/" + name}
}

// tooBig says why an input is too big for an execution, or nothing if it is not.
func tooBig(input string, attachments int) string {
	grown := len(input) + attachments*grownBytes + reservedBytes
	escaped, _ := json.Marshal(input) // a string always encodes
	switch {
	case grown > maxDataBytes && attachments*grownBytes > len(input):
		return fmt.Sprintf("it has too many attachments (%d): with what is found out of them its description takes up to %d bytes, Step Functions takes %d", attachments, grown, maxDataBytes)
	case grown > maxDataBytes:
		return fmt.Sprintf("its description takes up to %d bytes, Step Functions takes %d: its header, or what it says of its attachments (%d), is too long", grown, maxDataBytes, attachments)
	case len(escaped) > maxEventBytes:
		return fmt.Sprintf("its description takes %d bytes when it is escaped, EventBridge takes %d: its header, or what it says of its attachments (%d), is too long or full of quotes", len(escaped), maxEventBytes, attachments)
	}
	return ""
}

// attachments are the mail's files as the state machine carries them.
func (m message) attachments() []job.Attachment {
	list := make([]job.Attachment, 0, len(m.parsed.Attachments)) // never null: the state machine maps over it
	for _, file := range m.parsed.Attachments {
		list = append(list, job.Attachment{
			Index: file.Index, FileName: file.FileName, ContentType: file.ContentType, SizeBytes: int64(file.SizeBytes),
			Inline: file.Inline, ContentID: file.ContentID, Note: strings.Join(file.Notes, "; "),
			Source: m.own(fmt.Sprintf("attachments/%d", file.Index)),
		})
	}
	return list
}

// store puts the mail's content and files where the worker and process-attachment find them. A
// repeated event puts the same again.
func (m message) store(ctx context.Context, to job.ObjectRef, attachments []job.Attachment) error {
	content, err := json.Marshal(m.parsed)
	if err != nil {
		return fmt.Errorf("mail content: %w", err)
	}
	if err := m.put(ctx, to, "application/json", content); err != nil {
		return err
	}
	for i, file := range attachments {
		if err := m.put(ctx, file.Source, "application/octet-stream", m.parsed.Attachments[i].Content); err != nil {
			return err
		}
	}
	return nil
}

func (m message) put(ctx context.Context, to job.ObjectRef, contentType string, content []byte) error {
	_, err := m.objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(to.Bucket), Key: aws.String(to.Key), ContentType: aws.String(contentType), Body: bytes.NewReader(content),
	})
	if err != nil {
		return fmt.Errorf("write s3://%s/%s: %w", to.Bucket, to.Key, err)
	}
	return nil
}

// start starts the execution that the message's row names, so that a repeated event finds it.
func (m message) start(ctx context.Context, name, input string) error {
	_, err := m.flows.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(m.settings.StateMachineARN), Name: aws.String(name), Input: aws.String(input),
	})
	var exists *sfntypes.ExecutionAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("start the execution: %w", err)
	}
	return nil
}

// reject puts the message's row with its outcome, and tells a person if one must act. If the
// message was taken before, and its event comes again after its object was deleted, its row stays
// as it is.
func (m message) reject(ctx context.Context, reason string, personMustAct bool) error {
	letter := m.letter(string(job.Rejected), reason)
	put := m.protocol.Reject
	if m.released {
		put = m.protocol.Refuse
	}
	rejected, err := put(ctx, m.rejection(letter))
	if err != nil {
		return err
	}
	if before := rejected.Existing; before != nil && before.Outcome != job.Rejected {
		telemetry.Write(ctx, m.log, telemetry.MailNotRejected{Message: m.id, Outcome: before.Outcome, Reason: letter.What})
		return nil
	}
	telemetry.Write(ctx, m.log, telemetry.MailRejected{Message: m.id, Reason: letter.What, Again: !rejected.Fresh})
	told := rejected.Existing != nil && rejected.Existing.DeadLettered()
	if !personMustAct || told {
		return nil
	}
	return m.letters.Send(ctx, letter)
}

// letter tells a person of the message.
func (m message) letter(kind, reason string) job.DeadLetter {
	return job.DeadLetter{
		Kind: kind, MessageID: m.id, ProjectUserID: m.key, From: sender(m.parsed), Subject: subject(m.parsed),
		What: job.Cut(reason, job.MaxSaidBytes), // it may name hundreds of recipients
		Raw:  &m.raw, LookInto: job.LookInto(m.id, m.raw), AtMillis: job.Millis(m.receivedAt),
	}
}

// rejection is the row of what the letter tells.
func (m message) rejection(letter job.DeadLetter) claim.Rejection {
	return claim.Rejection{
		MessageID: m.id, Key: m.key, Raw: m.raw, From: letter.From, Subject: letter.Subject, ReceivedAtMillis: letter.AtMillis, Reason: letter.What,
		ThreadID: m.found.thread.ID, DuplicateOf: m.found.copyOf, AgainOf: m.againOf,
	}
}

func sender(m mail.Message) string {
	if len(m.From) == 0 {
		return ""
	}
	return job.Cut(m.From[0].Address, job.MaxHeaderBytes)
}

func subject(m mail.Message) string { return job.Cut(m.Subject, job.MaxHeaderBytes) }

func verdicts(v mail.Verdicts) map[string]string {
	said := map[string]string{}
	for name, value := range map[string]string{"spam": v.Spam, "virus": v.Virus, "spf": v.SPF, "dkim": v.DKIM, "dmarc": v.DMARC} {
		if value != "" {
			said[name] = value
		}
	}
	return said
}
