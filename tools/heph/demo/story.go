package demo

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/libs/telemetry"
	"github.com/webordinary/hephaestus/tools/heph/outbox"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/trail"
)

//go:embed mails/*.eml
var mails embed.FS

// The messages, each named after its file.
const (
	a1 = "a1-begin"
	a2 = "a2-reply"
	a3 = "a3-reply"
	b1 = "b1-new-thread"
	c1 = "c1-late"
	d1 = "d1-killed"
	e1 = "e1-overtime"
	e2 = "e2-again"
)

// role is a message with the key that its recipient stands for.
type role struct {
	messageID string
	key       job.Key
}

// cast are all messages, in the order in which they are sent.
func cast() []role {
	return []role{
		{a1, "amelia#scott"}, {a2, "amelia#scott"}, {a3, "amelia#scott"}, {b1, "amelia#scott"}, {c1, "amelia#scott"},
		{e1, "boreas#erin"}, {d1, "atlas#dana"}, {e2, "boreas#erin"},
	}
}

// play tells the six stories. Mails are sent when what they have to meet has happened, never by the
// clock.
func (d *Demo) play(ctx context.Context) error {
	for _, scene := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"1  A mail begins thread A: its key is claimed, a worker does the work.", d.begin},
		{"2  A reply in thread A joins: it waits its turn, nobody is interrupted.", d.join},
		{"3  A mail in a new thread B takes the key: the work of thread A yields, and is saved.", d.preempt},
		{"4  A mail that is older than B comes late: it must not take B's place.", d.late},
		{"5+6  Another key's worker dies; meanwhile a third key's command outlives its time.", d.killAndOvertime},
	} {
		d.heading(scene.title)
		if err := scene.play(ctx); err != nil {
			return err
		}
		d.breathe(ctx)
	}
	return nil
}

func (d *Demo) heading(title string) {
	d.watch.heading(func() { d.screen.Printf("\n%s\n", d.screen.Paint(screen.Bold, title)) })
}

// breath is the pause between two scenes, for a person who watches.
const breath = 1200 * time.Millisecond

func (d *Demo) breathe(ctx context.Context) {
	if !d.screen.Terminal() {
		return
	}
	select {
	case <-time.After(breath):
	case <-ctx.Done():
	}
}

func (d *Demo) begin(ctx context.Context) error {
	if err := d.send(ctx, a1, time.Time{}); err != nil {
		return err
	}
	return d.until(ctx, "the command of a1 works", output(a1))
}

func (d *Demo) join(ctx context.Context) error {
	if err := d.send(ctx, a2, time.Time{}); err != nil {
		return err
	}
	if err := d.until(ctx, "a2 has joined", of[telemetry.Claimed](a2)); err != nil {
		return err
	}
	if err := d.open(a1); err != nil {
		return err
	}
	return d.until(ctx, "a2 is finished", of[telemetry.JobFinished](a2))
}

func (d *Demo) preempt(ctx context.Context) error {
	if err := d.send(ctx, a3, time.Time{}); err != nil {
		return err
	}
	if err := d.until(ctx, "the command of a3 works", output(a3)); err != nil {
		return err
	}
	if err := d.send(ctx, b1, time.Time{}); err != nil {
		return err
	}
	return d.until(ctx, "the command of b1 works", output(b1))
}

func (d *Demo) late(ctx context.Context) error {
	if err := d.send(ctx, c1, time.Now().Add(-30*time.Minute)); err != nil {
		return err
	}
	if err := d.until(ctx, "c1 is on record", of[telemetry.JobRecorded](c1)); err != nil {
		return err
	}
	if err := d.open(b1); err != nil {
		return err
	}
	return d.until(ctx, "b1 is finished", of[telemetry.JobFinished](b1))
}

func (d *Demo) killAndOvertime(ctx context.Context) error {
	for _, id := range []string{e1, d1} {
		if err := d.send(ctx, id, time.Time{}); err != nil {
			return err
		}
	}
	if err := d.until(ctx, "the command of d1 works", output(d1)); err != nil {
		return err
	}
	dead, err := d.killWorkerOf(ctx, d1)
	if err != nil {
		return err
	}
	again := func(e trail.Event) bool { return of[telemetry.JobStarted](d1)(e) && e.Worker != dead }
	if err := d.until(ctx, "d1 is started again", again); err != nil {
		return err
	}
	if err := d.open(d1); err != nil {
		return err
	}
	if err := d.until(ctx, "d1 is finished by another worker", of[telemetry.JobFinished](d1)); err != nil {
		return err
	}
	if err := d.until(ctx, "e1 is on record", of[telemetry.JobEnded](e1)); err != nil {
		return err
	}
	if err := d.send(ctx, e2, time.Time{}); err != nil {
		return err
	}
	return d.until(ctx, "e2 is finished", of[telemetry.JobFinished](e2))
}

// killWorkerOf kills the worker process that works on the message, and hires another, as ECS would.
func (d *Demo) killWorkerOf(ctx context.Context, messageID string) (workerID string, err error) {
	started, err := d.watch.await(ctx, messageID+" is started", of[telemetry.JobStarted](messageID))
	if err != nil {
		return "", err
	}
	isItsWorker := func(e trail.Event) bool {
		ready, is := e.Said.(telemetry.WorkerReady)
		return is && ready.Worker == started.Worker
	}
	ready, err := d.watch.await(ctx, "its worker is known", isItsWorker)
	if err != nil {
		return "", err
	}
	if err := d.crew.shoot(messageID, ready.Said.(telemetry.WorkerReady).PID); err != nil {
		return "", fmt.Errorf("kill the worker of %s: %w", messageID, err)
	}
	return started.Worker, d.crew.hire()
}

// send puts a mail into the bucket, as SES would.
func (d *Demo) send(ctx context.Context, messageID string, receivedAt time.Time) error {
	raw, err := mails.ReadFile("mails/" + messageID + ".eml")
	if err != nil {
		return fmt.Errorf("mail %s: %w", messageID, err)
	}
	parsed, err := mail.Parse(bytes.Clone(raw), mail.DefaultLimits())
	if err != nil {
		return fmt.Errorf("mail %s: %w", messageID, err)
	}
	text := trail.Quote(parsed.Subject)
	if !receivedAt.IsZero() {
		text += ", received half an hour ago"
	}
	d.watch.say(messageID, trail.Line{Sign: "→", Style: screen.Cyan, Word: "sent", Text: text})
	return outbox.Put(ctx, d.place.Services.S3, d.place.Names.Emails(), outbox.Mail{MessageID: messageID, Raw: raw, ReceivedAt: receivedAt})
}

func (d *Demo) until(ctx context.Context, what string, wanted func(trail.Event) bool) error {
	_, err := d.watch.await(ctx, what, wanted)
	return err
}
