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

// admit makes the mail a job of the key: thread, content, row, execution.
func (a arrival) admit(ctx context.Context, parsed mail.Message, raw []byte, key job.Key) error {
	thread, err := mail.ResolveThread(ctx, mail.ThreadEvidence(parsed), a.threads.Lookup)
	if err != nil {
		return err
	}
	threadID := thread.ID
	entry, err := a.threads.Note(ctx, Entry{
		RFCMessageID: parsed.MessageID, ThreadID: threadID, MessageID: a.messageID, ContentHash: contentHash(key, raw),
	})
	if err != nil {
		return err
	}
	if entry.MessageID != a.messageID && entry.ContentHash == contentHash(key, raw) {
		before, err := a.protocol.ReadJob(ctx, entry.MessageID)
		if err != nil {
			return err
		}
		if stands(before) {
			return a.reject(ctx, parsed, fmt.Sprintf("the same mail came before, as %s", entry.MessageID), false)
		}
		// The first copy got no further than this table, or its job came to nothing. This copy
		// takes its place, so that a third copy, or a late retry of the first, is a duplicate of
		// this one.
		if entry, err = a.threads.Replace(ctx, entry, a.messageID); err != nil {
			return err
		}
	}
	if entry.MessageID == a.messageID {
		threadID = entry.ThreadID // of the first try, whose row may exist already
	}
	project, user := key.Split()
	m := job.Message{
		MessageID: a.messageID, ProjectID: project, UserID: user, ProjectUserID: key, ThreadID: threadID, ThreadWhy: thread.Why(),
		ReceivedAtMillis: job.Millis(a.receivedAt), Raw: a.raw, RFCMessageID: parsed.MessageID,
		From: sender(parsed), Subject: subject(parsed), Class: string(parsed.Class), Verdicts: verdicts(parsed.Verdicts),
		Content: job.ObjectRef{Bucket: a.settings.MediaBucket, Key: "messages/" + a.messageID + "/content.json"},
	}
	input := job.ExecutionInput{Message: m, Attachments: a.attachments(parsed), Settings: a.settings.Flow}
	encoded, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("execution input: %w", err)
	}
	if reason := tooBig(string(encoded), len(input.Attachments)); reason != "" {
		return a.reject(ctx, parsed, reason, true)
	}
	if err := a.store(ctx, m, input.Attachments, parsed); err != nil {
		return err
	}
	return a.start(ctx, m, thread, string(encoded))
}

// stands says whether a mail's job makes its copies duplicates: the mail was taken, and its job did
// not come to nothing.
func stands(j *claim.Job) bool {
	if j == nil {
		return false
	}
	switch j.Outcome {
	case job.Failed, job.TimedOut, job.Rejected:
		return false
	}
	return true
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
func (a arrival) attachments(parsed mail.Message) []job.Attachment {
	list := make([]job.Attachment, 0, len(parsed.Attachments)) // never null: the state machine maps over it
	for _, file := range parsed.Attachments {
		list = append(list, job.Attachment{
			Index: file.Index, FileName: file.FileName, ContentType: file.ContentType, SizeBytes: int64(file.SizeBytes),
			Inline: file.Inline, ContentID: file.ContentID, Note: strings.Join(file.Notes, "; "),
			Source: job.ObjectRef{Bucket: a.settings.MediaBucket, Key: fmt.Sprintf("messages/%s/attachments/%d", a.messageID, file.Index)},
		})
	}
	return list
}

// store puts the mail's content and files where the worker and process-attachment find them. A
// repeated event puts the same again.
func (a arrival) store(ctx context.Context, m job.Message, attachments []job.Attachment, parsed mail.Message) error {
	content, err := json.Marshal(parsed)
	if err != nil {
		return fmt.Errorf("mail content: %w", err)
	}
	if err := a.put(ctx, m.Content, "application/json", content); err != nil {
		return err
	}
	for i, file := range attachments {
		if err := a.put(ctx, file.Source, "application/octet-stream", parsed.Attachments[i].Content); err != nil {
			return err
		}
	}
	return nil
}

func (a arrival) put(ctx context.Context, to job.ObjectRef, contentType string, content []byte) error {
	_, err := a.objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(to.Bucket), Key: aws.String(to.Key), ContentType: aws.String(contentType), Body: bytes.NewReader(content),
	})
	if err != nil {
		return fmt.Errorf("write s3://%s/%s: %w", to.Bucket, to.Key, err)
	}
	return nil
}

// start puts the row and starts the execution. Both are named after the message, so a repeated
// event finds them.
func (a arrival) start(ctx context.Context, m job.Message, thread mail.Thread, input string) error {
	name := job.ExecutionName(m.MessageID)
	admitted, err := a.protocol.Admit(ctx, m, awsx.ExecutionARN(a.settings.StateMachineARN, name))
	if err != nil {
		return err
	}
	if admitted.Existing != nil && admitted.Existing.Outcome != "" {
		telemetry.Write(ctx, a.log, telemetry.MailTakenBefore{Message: m.MessageID, Outcome: admitted.Existing.Outcome})
		return nil
	}
	_, err = a.flows.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(a.settings.StateMachineARN), Name: aws.String(name), Input: aws.String(input),
	})
	var exists *sfntypes.ExecutionAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("start the execution: %w", err)
	}
	telemetry.Write(ctx, a.log, telemetry.MailTaken{
		Message: m.MessageID, Key: m.ProjectUserID,
		Thread: m.ThreadID, ThreadBy: string(thread.By.Kind), ThreadIsNew: thread.New, ThreadWhy: m.ThreadWhy, Again: !admitted.Fresh,
	})
	return nil
}

// reject puts the mail's row with its outcome, and tells a person if one must act. If the mail was
// taken before, and its event comes again after its object was deleted, its row stays as it is.
func (a arrival) reject(ctx context.Context, parsed mail.Message, reason string, personMustAct bool) error {
	reason = job.Cut(reason, job.MaxSaidBytes) // it may name hundreds of recipients
	rejected, err := a.protocol.Reject(ctx, a.messageID, sender(parsed), subject(parsed), reason, job.Millis(a.receivedAt))
	if err != nil {
		return err
	}
	if before := rejected.Existing; before != nil && before.Outcome != job.Rejected {
		telemetry.Write(ctx, a.log, telemetry.MailNotRejected{Message: a.messageID, Outcome: before.Outcome, Reason: reason})
		return nil
	}
	telemetry.Write(ctx, a.log, telemetry.MailRejected{Message: a.messageID, Reason: reason, Again: !rejected.Fresh})
	told := rejected.Existing != nil && rejected.Existing.DeadLettered()
	if !personMustAct || told {
		return nil
	}
	return a.letters.Send(ctx, job.DeadLetter{
		Kind: string(job.Rejected), MessageID: a.messageID, From: sender(parsed), Subject: subject(parsed), What: reason, Raw: &a.raw,
		LookInto: []string{fmt.Sprintf("aws s3 cp 's3://%s/%s' -", a.raw.Bucket, a.raw.Key)}, AtMillis: job.Millis(a.receivedAt),
	})
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
