package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
)

// questions is a run of heph status.
type questions struct {
	*app
	target  *target
	key     string
	message string
	limit   int
	watch   bool
	all     bool
	flags   string // for commands that status prints: see flagsFor
}

func (a *app) status() *cobra.Command {
	q := &questions{app: a}
	cmd := &cobra.Command{
		Use:     "status",
		GroupID: "use",
		Short:   "Show who holds which key, what became of each mail, and what waits for a person",
		Long: `Status shows the keys that are held (by which container and thread, which worker works under which fence,
how long its lease lasts, how much of the key's interruption budget is used up, who waits to take over), the newest jobs with their outcomes, the interruptions on
record, and the dead letter queue. With --message it shows everything that is known of one message; its id may be
shortened to a beginning that no other has, as tables on a terminal show it.

It reads the stack's tables, of AWS or LocalStack as well. The local stack shows its dead letter queue as it is;
elsewhere status has to receive from it with a visibility timeout of 0, which shows a sample and counts as
a receive, and takes nothing away.`,
		Example: `  heph status
  heph status --key amelia#scott
  heph status --message o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1
  heph status --watch
  heph status -o json | jq '.jobs[] | select(.outcome == "failed")'
  AWS_PROFILE=prod heph status --endpoint "" --prefix webordinary`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return q.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringVar(&q.key, "key", "", "only this key: PROJECT#USER")
	f.StringVar(&q.message, "message", "", "everything about this message id, or the one that begins so")
	f.IntVar(&q.limit, "limit", 20, "the most jobs, and interruptions, and dead letters to show")
	f.BoolVar(&q.all, "all", false, "dead letters too that a person has dismissed")
	f.BoolVar(&q.watch, "watch", false, "show it again each second, until Ctrl-C; with -o json one line each")
	a.outputFlag(cmd)
	q.target = a.targetFlags(cmd)
	return cmd
}

// watchEvery is the time between two looks of --watch.
const watchEvery = time.Second

func (q *questions) run(ctx context.Context) error {
	if q.limit < 1 {
		return usage("--limit %d: want 1 or more", q.limit)
	}
	if project, user := job.Key(q.key).Split(); q.key != "" {
		if _, err := job.NewKey(project, user); err != nil {
			return usage("--key %q: want PROJECT#USER: %w", q.key, err)
		}
	}
	names, err := q.target.names()
	if err != nil {
		return err
	}
	clients, err := q.target.clients(ctx)
	if err != nil {
		return err
	}
	o := observer{
		ledger: ledger.New(clients.DynamoDB(), names), flows: clients.StepFunctions(), now: time.Now,
		letters: deadLetters(q.target.url(), names, clients), all: q.all, hint: q.hinting(names),
	}
	q.flags = q.flagsFor(q.target.url(), names)
	if !q.watch {
		return q.target.explain(q.show(ctx, o), names)
	}
	for {
		if err := q.show(ctx, o); err != nil && ctx.Err() == nil {
			return q.target.explain(err, names)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// show looks once and writes what it saw.
func (q *questions) show(ctx context.Context, o observer) error {
	indent := "  "
	if q.watch {
		indent = ""
	}
	if q.message != "" {
		m, err := o.message(ctx, q.message)
		switch {
		case errors.Is(err, errNoMessage):
			return fmt.Errorf("%w: it never came, or came more than 30 days ago; `heph status%s` lists the newest", err, q.flags)
		case err != nil:
			return err
		}
		if q.output == asJSON {
			return q.json(m, indent)
		}
		q.showMessage(m, o.now())
		return nil
	}
	v, err := o.overview(ctx, job.Key(q.key), q.limit)
	if err != nil {
		return err
	}
	if q.output == asJSON {
		return q.json(v, indent)
	}
	q.showOverview(v, o.now())
	return nil
}

// deadLetters is the dead letter queue: the local stack shows it, at AWS one has to receive from
// it.
func deadLetters(endpoint string, names awsx.Names, clients awsx.Clients) ledger.Queue {
	receive := ledger.Receive{SQS: clients.SQS(), Name: names.DeadLetters()}
	if endpoint == "" {
		return receive
	}
	return either{ledger.Peek{HTTP: http.DefaultClient, Endpoint: endpoint, Name: names.DeadLetters()}, receive}
}

// either is the first queue, or the second if the endpoint does not show the first.
type either struct{ first, second ledger.Queue }

func (e either) Look(ctx context.Context) ([]ledger.Letter, error) {
	letters, err := e.first.Look(ctx)
	if errors.Is(err, ledger.ErrNoPeeking) {
		return e.second.Look(ctx)
	}
	return letters, err
}

// flows tells how an execution goes; *sfn.Client satisfies it.
type flows interface {
	DescribeExecution(ctx context.Context, in *sfn.DescribeExecutionInput, opts ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// observer reads what a stack shows.
type observer struct {
	ledger  ledger.Ledger
	letters ledger.Queue
	flows   flows
	now     func() time.Time
	all     bool                // dismissed letters too
	hint    func(string) string // makes of a command one that reaches this stack
}

// overview reads the state of a stack, or of one key.
func (o observer) overview(ctx context.Context, key job.Key, limit int) (overview, error) {
	claims, err := o.ledger.Claims(ctx)
	if err != nil {
		return overview{}, err
	}
	jobs, err := o.ledger.Jobs(ctx, key, limit)
	if err != nil {
		return overview{}, err
	}
	records, err := o.ledger.Interruptions(ctx, key, limit)
	if err != nil {
		return overview{}, err
	}
	letters, err := o.letters.Look(ctx)
	if err != nil {
		return overview{}, err
	}
	v := newOverview()
	v.More = more{Claims: claims.More, Jobs: jobs.More, Interruptions: records.More}
	for _, row := range claims.Rows {
		if (key == "" || row.Key == key) && len(row.Jobs) > 0 {
			v.Claims = append(v.Claims, seeClaim(row, o.now()))
		}
	}
	for _, j := range jobs.Rows {
		v.Jobs = append(v.Jobs, seeJob(j))
	}
	for _, r := range records.Rows {
		v.Interruptions = append(v.Interruptions, seeInterruption(r))
	}
	for _, l := range letters {
		if key != "" && l.ProjectUserID != key {
			continue
		}
		seen, err := o.letter(ctx, l)
		if err != nil {
			return overview{}, err
		}
		if seen.Dismissed != nil && !o.all {
			continue
		}
		if len(v.DeadLetters) == limit {
			v.More.DeadLetters = true
			break
		}
		v.DeadLetters = append(v.DeadLetters, seen)
	}
	return v, nil
}

// letter is a letter with what its message's row says of it.
func (o observer) letter(ctx context.Context, l ledger.Letter) (letterView, error) {
	seen := seeLetter(l)
	for i, command := range seen.LookInto {
		seen.LookInto[i] = o.hint(command)
	}
	if l.MessageID == "" {
		return seen, nil
	}
	j, err := o.ledger.Job(ctx, l.MessageID)
	if err == nil && j != nil {
		seen.Dismissed = seeDismissed(*j)
	}
	return seen, err
}

// message reads everything about one message.
func (o observer) message(ctx context.Context, id string) (messageView, error) {
	j, err := o.job(ctx, id)
	if err != nil {
		return messageView{}, err
	}
	m := messageView{Job: seeJob(j), DeadLetters: []letterView{}}
	if m.Claim, err = o.claimOf(ctx, j); err != nil {
		return m, err
	}
	record, err := o.ledger.Interruption(ctx, j.MessageID)
	if err != nil {
		return m, err
	}
	if record != nil {
		seen := seeInterruption(*record)
		m.Interruption = &seen
	}
	letters, err := o.letters.Look(ctx)
	if err != nil {
		return m, err
	}
	for _, l := range letters {
		if l.MessageID != j.MessageID {
			continue
		}
		seen, err := o.letter(ctx, l)
		if err != nil {
			return m, err
		}
		m.DeadLetters = append(m.DeadLetters, seen)
	}
	if j.ExecutionARN != "" {
		m.Execution, err = o.execution(ctx, j.ExecutionARN)
	}
	return m, err
}

var errNoMessage = errors.New("no message")

// job is the job of the message with the id, or else of the only message whose id begins so.
func (o observer) job(ctx context.Context, id string) (claim.Job, error) {
	j, err := o.ledger.Job(ctx, id)
	if err != nil {
		return claim.Job{}, err
	}
	if j != nil {
		return *j, nil
	}
	all, err := o.ledger.Jobs(ctx, "", math.MaxInt)
	if err != nil {
		return claim.Job{}, err
	}
	beginning := strings.TrimSuffix(id, "…")
	var like []claim.Job
	var ofMail []string
	for _, j := range all.Rows {
		if strings.HasPrefix(j.MessageID, beginning) {
			like = append(like, j)
		}
		if j.Raw != nil && j.Raw.Key == job.EmailFolder+id {
			ofMail = append(ofMail, fmt.Sprintf("%s to %s", j.MessageID, cmp.Or(j.Key, "nobody")))
		}
	}
	switch {
	case len(like) == 0 && len(ofMail) > 0:
		slices.Sort(ofMail)
		return claim.Job{}, usage("--message %s: the mail is %d messages, name one: %s", id, len(ofMail), strings.Join(ofMail, ", "))
	case len(like) == 0:
		return claim.Job{}, fmt.Errorf("%w %s", errNoMessage, id)
	case len(like) == 1:
		return like[0], nil
	}
	return claim.Job{}, usage("--message %s: %d messages begin so; %s is the newest", id, len(like), like[0].MessageID)
}

// claimOf is the claim that the message has a part in; nil for none.
func (o observer) claimOf(ctx context.Context, j claim.Job) (*claimView, error) {
	if j.Key == "" {
		return nil, nil
	}
	row, err := o.ledger.Claim(ctx, j.Key)
	if err != nil || row == nil {
		return nil, err
	}
	waits := row.Preemptor != nil && row.Preemptor.Waiting[j.MessageID] != ""
	if !row.HasJob(j.MessageID) && !waits {
		return nil, nil
	}
	seen := seeClaim(*row, o.now())
	return &seen, nil
}

func (o observer) execution(ctx context.Context, arn string) (*executionView, error) {
	out, err := o.flows.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(arn)})
	if err != nil {
		return nil, fmt.Errorf("describe execution %s: %w", arn, err)
	}
	return &executionView{ARN: arn, Status: string(out.Status), StartedAt: out.StartDate, StoppedAt: out.StopDate}, nil
}

// seeClaim, seeJob, seeInterruption and seeLetter turn rows into what -o json shows.

func seeClaim(row claim.Row, now time.Time) claimView {
	v := claimView{
		Key: row.Key, ContainerID: row.ContainerID, ThreadID: row.ThreadID, Jobs: row.Jobs, Fence: row.Fence,
		WorkerID: row.WorkerID, WorkerJob: row.WorkerJob, ClaimedAt: at(row.ClaimedAtMillis),
		LeaseExpiresAt: at(row.LeaseExpiresAtMillis), ExpiresAt: at(row.ExpiresAtSeconds * 1000), Expired: row.ExpiresAtSeconds < now.Unix(),
		BudgetUsedPercent: row.BudgetUsedPercent(now),
	}
	if p := row.Preemptor; p != nil {
		v.Preemptor = &preemptorView{ThreadID: p.ThreadID, RequestedAt: at(p.RequestedAtMillis), Waiting: sortedIDs(p.Waiting)}
	}
	return v
}

func seeJob(j claim.Job) jobView {
	return jobView{
		MessageID: j.MessageID, Key: j.Key, ThreadID: j.ThreadID, From: j.From, Subject: j.Subject, ContainerID: j.ContainerID,
		State: state(j), Outcome: j.Outcome, Result: j.Result, ReceivedAt: at(j.ReceivedAtMillis), StartedAt: at(j.StartedAtMillis),
		OutcomeAt: at(j.OutcomeAtMillis), HeldAt: at(j.HeldAtMillis), ReleasedAt: at(j.ReleasedAtMillis), ExecutionARN: j.ExecutionARN,
		DuplicateOf: j.DuplicateOf, Again: j.Again, AgainOf: j.AgainOf, Dismissed: seeDismissed(j),
	}
}

// seeDismissed is nil for a message that was not dismissed.
func seeDismissed(j claim.Job) *dismissedView {
	if j.DismissedAtMillis == 0 {
		return nil
	}
	return &dismissedView{At: at(j.DismissedAtMillis), By: j.DismissedBy, Because: j.DismissedBecause}
}

func seeInterruption(r audit.Record) interruptionView {
	return interruptionView{
		MessageID: r.MessageID, Key: r.ProjectUserID, RecordID: r.RecordID, Reason: r.Reason, InterruptedContainer: r.InterruptedContainer,
		InterruptedThreadID: r.InterruptedThreadID, NewThreadID: r.NewThreadID, NewMessageID: r.NewMessageID,
		RequestedAt: at(r.RequestedAtMillis), Timestamp: at(r.TimestampMillis), PartialWork: r.PartialWork,
	}
}

func seeLetter(l ledger.Letter) letterView {
	v := letterView{
		QueueMessageID: l.QueueMessageID, Kind: l.Kind, MessageID: l.MessageID, Key: l.ProjectUserID, Subject: l.Subject,
		What: l.What, LookInto: l.LookInto, At: at(l.AtMillis),
	}
	if l.Kind == "" {
		v.Body = l.Body
	}
	return v
}
