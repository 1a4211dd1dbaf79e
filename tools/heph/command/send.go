package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/heph/outbox"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// sending is a run of heph send.
type sending struct {
	*app
	target     *target
	draft      outbox.Draft
	bodyFile   string
	receivedAt string
	wait       bool
	timeout    time.Duration
}

func (a *app) send() *cobra.Command {
	s := &sending{app: a}
	cmd := &cobra.Command{
		Use:     "send [FILE.eml…]",
		GroupID: "use",
		Short:   "Send mail to a stack: files, or one made of flags",
		Long: `Send puts mail into the stack's bucket under emails/, as SES does, and prints the message id that the mail
got, one per line. It sends MIME files as they are ("-" is stdin), or one mail made of flags.

With --wait it goes on until every mail has its outcome for each of its keys, and exits with 0 if all of them
completed, with 3 if one has another outcome, and with 4 if --timeout came first.`,
		Example: `  heph send mail.eml
  heph send --from scott@shop.example --to scott@amelia.example.com --subject "Opening hours" --body "Please add Sunday." --wait
  heph send --from scott@shop.example --to scott@amelia.example.com --subject "Re: Opening hours" --in-reply-to ID@shop.example --body-file reply.txt --attach sketch.png
  heph send late.eml --received-at -1h       as if it had come an hour ago`,
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&s.draft.From, "from", "", "the sender's address")
	f.StringVar(&s.draft.To, "to", "", "the recipients' addresses: USER@PROJECT.DOMAIN says whose work it is")
	f.StringVar(&s.draft.Subject, "subject", "", "the subject")
	f.StringVar(&s.draft.Body, "body", "", "the text")
	f.StringVar(&s.bodyFile, "body-file", "", `file with the text ("-": stdin)`)
	f.StringVar(&s.draft.InReplyTo, "in-reply-to", "", "the Message-ID that this mail answers: it joins that thread")
	f.StringSliceVar(&s.draft.References, "references", nil, "the Message-IDs of the conversation, oldest first")
	f.StringArrayVar(&s.draft.Attachments, "attach", nil, "file to attach (again for more)")
	f.StringVar(&s.draft.MessageID, "message-id", "", "the mail's Message-ID (default: a new one)")
	f.StringVar(&s.receivedAt, "received-at", "", "when it is to count as received: RFC 3339, epoch milliseconds, or so long ago (-90s)")
	f.BoolVar(&s.wait, "wait", false, "wait for the outcome")
	f.DurationVar(&s.timeout, "timeout", time.Minute, "how long to wait")
	a.outputFlag(cmd)
	s.target = a.targetFlags(cmd)
	return cmd
}

// draftFlags are the flags that make a mail; none of them goes with a file.
var draftFlags = []string{"from", "to", "subject", "body", "body-file", "in-reply-to", "references", "attach", "message-id"}

func (s *sending) run(cmd *cobra.Command, files []string) error {
	ctx := cmd.Context()
	mails, err := s.mails(cmd, files)
	if err != nil {
		return err
	}
	names, err := s.target.names()
	if err != nil {
		return err
	}
	clients, err := s.target.clients(ctx)
	if err != nil {
		return err
	}
	bucket := clients.S3()
	for i, m := range mails {
		if err := outbox.Put(ctx, bucket, names.Emails(), m); err != nil {
			if i > 0 {
				_ = s.tell(mails[:i], nil)
			}
			return fmt.Errorf("%w (%d of %d were sent)", s.target.explain(err, names), i, len(mails))
		}
		if s.output == text {
			s.out().Printf("%s\n", m.MessageID)
		}
	}
	if !s.wait {
		return s.tell(mails, nil)
	}
	ended, err := s.await(ctx, clients, names, mails)
	if told := s.tell(mails, ended); err == nil {
		err = told
	}
	if err != nil {
		return err
	}
	return otherThanCompleted(ended)
}

// mails reads or makes all mails, before any is sent.
func (s *sending) mails(cmd *cobra.Command, files []string) ([]outbox.Mail, error) {
	receivedAt, err := parseWhen(s.receivedAt, time.Now())
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		raw, err := s.build(cmd)
		if err != nil {
			return nil, err
		}
		return []outbox.Mail{{MessageID: outbox.NewID(), Raw: raw, ReceivedAt: receivedAt}}, nil
	}
	for _, name := range draftFlags {
		if cmd.Flags().Changed(name) {
			return nil, usage("--%s makes a mail, so it goes with no file: leave out one of the two", name)
		}
	}
	var mails []outbox.Mail
	for _, path := range files {
		raw, err := s.read(cmd.Context(), path)
		if err != nil {
			return nil, err
		}
		if err := outbox.Check(raw); err != nil {
			return nil, usage("%s: %w", path, err)
		}
		mails = append(mails, outbox.Mail{MessageID: outbox.NewID(), Raw: raw, ReceivedAt: receivedAt})
	}
	return mails, nil
}

// build makes the mail of the flags.
func (s *sending) build(cmd *cobra.Command) ([]byte, error) {
	if s.draft.From == "" || s.draft.To == "" {
		return nil, usage("nothing to send: name files, or give at least --from and --to")
	}
	if s.bodyFile != "" {
		if cmd.Flags().Changed("body") {
			return nil, usage("--body and --body-file are both there: leave out one")
		}
		body, err := s.read(cmd.Context(), s.bodyFile)
		if err != nil {
			return nil, err
		}
		s.draft.Body = string(body)
	}
	for _, path := range s.draft.Attachments {
		if info, err := os.Stat(path); err != nil {
			return nil, usage("--attach: %w", err)
		} else if info.IsDir() {
			return nil, usage("--attach %s: is a folder, want a file", path)
		}
	}
	s.draft.Date = time.Now()
	raw, err := s.draft.Build()
	if err != nil {
		return nil, usage("%w", err)
	}
	return raw, nil
}

// read reads a file, or stdin. Stdin may be a terminal whose input never ends: read returns when
// ctx ends.
func (s *sending) read(ctx context.Context, path string) ([]byte, error) {
	if path != "-" {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, usage("%w", err)
		}
		return content, nil
	}
	read, unreadable := make(chan []byte, 1), make(chan error, 1)
	go func() {
		content, err := io.ReadAll(s.In)
		if err != nil {
			unreadable <- err
			return
		}
		read <- content
	}()
	select {
	case content := <-read:
		return content, nil
	case err := <-unreadable:
		return nil, fmt.Errorf("read stdin: %w", err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// parseWhen reads RFC 3339, epoch milliseconds, or a duration before now; the zero time for
// nothing.
func parseWhen(value string, now time.Time) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
		return at, nil
	}
	if millis, err := strconv.ParseInt(value, 10, 64); err == nil && millis > 0 {
		return job.Time(millis), nil
	}
	if d, err := time.ParseDuration(value); err == nil && d <= 0 {
		return now.Add(d), nil
	}
	return time.Time{}, usage("--received-at %q: want RFC 3339 (2026-10-12T09:00:00Z), epoch milliseconds, or so long ago (-90s, -1h)", value)
}

// pollEvery is the time between two looks at a job's row, and lookForOthersEvery that between two
// at all rows, for a mail that has none under its own id: one to several keys.
const (
	pollEvery          = 200 * time.Millisecond
	lookForOthersEvery = 2 * time.Second
)

var errNoOutcome = errors.New("no outcome yet")

// await polls until every mail has its outcome for each of its keys, or is held. If it fails
// before, it returns those that have, or are.
func (s *sending) await(ctx context.Context, clients awsx.Clients, names awsx.Names, mails []outbox.Mail) (ended [][]claim.Job, err error) {
	rows := ledger.New(clients.DynamoDB(), names)
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errNoOutcome)
	defer cancel()
	ended = make([][]claim.Job, len(mails))
	for i, m := range mails {
		ids, err := messagesOf(ctx, rows, m)
		for _, id := range ids {
			var j *claim.Job
			if j, err = outcomeOf(ctx, rows, id); err != nil {
				break
			}
			ended[i] = append(ended[i], *j)
		}
		switch {
		case errors.Is(context.Cause(ctx), errNoOutcome):
			return ended, &exit{status: waitedEnough, err: fmt.Errorf("%s has no outcome after %v: `heph status --message %s%s` shows where it is",
				m.MessageID, s.timeout, m.MessageID, s.flagsFor(s.target.url(), names))}
		case err != nil:
			return ended, s.target.explain(err, names)
		}
	}
	return ended, nil
}

// messagesOf waits for the mail's message, which bears its id, or for those to its keys, if it is
// to several: intake makes them one after the other, so it waits until there is none more.
func messagesOf(ctx context.Context, rows ledger.Ledger, m outbox.Mail) ([]string, error) {
	var before []string
	for look := 1; ; look++ {
		j, err := rows.Job(ctx, m.MessageID)
		if err != nil || j != nil {
			return []string{m.MessageID}, err
		}
		if look%int(lookForOthersEvery/pollEvery) == 0 {
			ids, err := rows.MessagesOf(ctx, m.Object())
			if err != nil || len(ids) > 0 && slices.Equal(ids, before) {
				return ids, err
			}
			before = ids
		}
		if err := wait(ctx); err != nil {
			return nil, err
		}
	}
}

// outcomeOf waits until the message has an outcome, or is held.
func outcomeOf(ctx context.Context, rows ledger.Ledger, id string) (*claim.Job, error) {
	for {
		j, err := rows.Job(ctx, id)
		if err != nil || j != nil && (j.Outcome != "" || j.Held()) {
			return j, err
		}
		if err := wait(ctx); err != nil {
			return nil, err
		}
	}
}

// wait waits until it is time for another look.
func wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pollEvery):
		return nil
	}
}

// otherThanCompleted is an error if a mail has another outcome.
func otherThanCompleted(ended [][]claim.Job) error {
	var others []string
	for _, j := range slices.Concat(ended...) {
		if j.Outcome != job.Completed {
			others = append(others, fmt.Sprintf("%s: %s: %s", j.MessageID, state(j), screen.Clean(j.Result)))
		}
	}
	if len(others) > 0 {
		return &exit{status: otherOutcome, err: errors.New(strings.Join(others, "\n"))}
	}
	return nil
}

// sent is what -o json says of a mail, or of what it is to one of its keys.
type sent struct {
	MessageID string      `json:"messageId"`
	Key       job.Key     `json:"projectUserId,omitempty"`
	OfMail    string      `json:"ofMail,omitempty"` // the id under which the mail was sent, if it is to several keys
	Outcome   job.Outcome `json:"outcome,omitempty"`
	Held      bool        `json:"held,omitempty"` // a person must release it
	Result    string      `json:"result,omitempty"`
}

// tell writes the mails with their outcomes, as far as they are known. As text, the ids were
// written when the mails were sent.
func (s *sending) tell(mails []outbox.Mail, ended [][]claim.Job) error {
	if s.output == asJSON {
		list := []sent{}
		for i, m := range mails {
			if ended == nil || len(ended[i]) == 0 {
				list = append(list, sent{MessageID: m.MessageID})
				continue
			}
			for _, j := range ended[i] {
				told := sent{MessageID: j.MessageID, Key: j.Key, Outcome: j.Outcome, Held: j.Held(), Result: j.Result}
				if j.MessageID != m.MessageID {
					told.OfMail = m.MessageID
				}
				list = append(list, told)
			}
		}
		return s.json(map[string]any{"sent": list}, "  ")
	}
	screen := s.err()
	for _, j := range slices.Concat(ended...) {
		if j.Outcome == job.Completed {
			screen.Printf("%s%s %s\n", screen.Sign("✔"), j.MessageID, j.Outcome)
		}
	}
	return nil
}
