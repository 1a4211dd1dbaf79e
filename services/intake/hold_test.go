package intake_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/intake"
)

// vouched is a letter as SES stores it if its sender's domain is vouched for.
func vouched(l letter) string { return fromSES("example.com", l) }

// forged is the same of somebody else, who writes as the sender.
func forged(l letter) string { return fromSES("evil.example", l) }

func fromSES(by string, l letter) string {
	to := l.to
	if to == "" {
		to = "amelia+scott@mail.example"
	}
	return strings.Join([]string{
		"Return-Path: <x@" + by + ">", "Received: from mx." + by + " by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for " + strings.Fields(to + ",")[0] + "; date",
		"Authentication-Results: amazonses.com; spf=pass; dkim=pass header.i=@" + by + "; dmarc=none header.from=example.com", "X-SES-DKIM-SIGNATURE: a=b", "",
	}, "\r\n") + l.raw()
}

// guarded is a scene in which senders must be authenticated.
func guarded(t *testing.T) scene {
	t.Helper()
	routes, err := mail.NewRoutes("mail.example")
	if err != nil {
		t.Fatal(err)
	}
	return newSceneFor(t, routes, mail.SendersAuthenticated)
}

// wantHeld checks that the row has the reason and nothing else, and that a letter tells a person.
func (s scene) wantHeld(messageID, reason string) {
	s.t.Helper()
	j, err := s.Protocol.ReadJob(ctx, messageID)
	if err != nil || j == nil || !j.Held() || j.Outcome != "" || j.ExecutionARN != "" || j.ThreadID != "" || !strings.Contains(j.Result, reason) || !j.DeadLettered() {
		s.t.Fatalf("job %s is %+v (%v), want it held with %q", messageID, j, err, reason)
	}
	letters := s.Letters()
	if len(letters) != 1 {
		s.t.Fatalf("letters %+v", letters)
	}
	l := letters[0]
	if l.Kind != "held" || l.MessageID != messageID || !strings.Contains(l.What, reason) || !slices.Contains(l.LookInto, "heph release "+messageID) {
		s.t.Errorf("letter %+v", l)
	}
}

func (s scene) releases(messageID, because string) {
	s.t.Helper()
	answer, err := s.handler.Serve(ctx, json.RawMessage(fmt.Sprintf(`{"release":%q}`, messageID)))
	got, _ := answer.(job.Released)
	if err != nil || got.Released != (because == "") || !strings.Contains(got.Because, because) || got.MessageID != messageID {
		s.t.Errorf("release of %s: %+v, %v; want %q", messageID, got, err, because)
	}
}

func TestAForgedMailIsHeldAndAVouchedOneIsNot(t *testing.T) {
	s := guarded(t)
	s.handles(s.arrives("honest", vouched(letter{id: "one", body: "Hello"})))
	s.wantStarted("honest")
	s.handles(s.arrives("forged", forged(letter{id: "two", body: "Stop that"})))
	s.wantHeld("forged", "nobody vouches for its sender")
	s.handles(s.record("emails/forged", 1)) // S3 repeats its event
	s.wantStarted("honest")
}

func TestAMailIsHeldForTheKeysThatDoNotNameItsSenderOnly(t *testing.T) {
	routes, err := mail.ReadRoutes(strings.NewReader(`{"domains": ["mail.example"], "senders": ["jean@example.com"],
		"routes": [{"address": "help@mail.example", "project": "help", "user": "desk", "senders": ["*@example.com"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s := newSceneFor(t, routes, mail.SendersListed)
	s.handles(s.arrives("ses-1", vouched(letter{id: "one", to: "help@mail.example, amelia+scott@mail.example", body: "Hello"})))
	s.wantStarted(job.MessageID("emails/ses-1", "help#desk", false))
	s.wantHeld(job.MessageID("emails/ses-1", "amelia#scott", false), "scott@example.com is not among the senders")
}

// A held mail must not decide where honest mail belongs: not by its thread, nor as a copy.
func TestAHeldMailLeavesNoTrace(t *testing.T) {
	s := guarded(t)
	same := letter{id: "one", body: "Hello"}
	s.handles(s.arrives("forged", forged(same)))
	s.handles(s.arrives("honest", vouched(same)))
	s.wantStarted("honest")
	if got := s.inputs()[0].Message.ThreadWhy; !strings.Contains(got, "no message known") {
		t.Errorf("its thread: %s", got)
	}
	s.releases("forged", "rejected: the same mail came before, as honest")
	s.wantStarted("honest")
	s.releases("forged", "rejected: the same mail came before")
}

func TestAReleasedMailBeginsOnceAndCountsAsReceivedThen(t *testing.T) {
	s := guarded(t)
	s.handles(s.arrives("forged", forged(letter{id: "one", body: "Hello"})))
	s.Advance(3 * time.Hour)
	at := job.Millis(s.Now())
	s.releases("forged", "")
	s.Advance(time.Hour)
	s.releases("forged", "")                // somebody else
	s.handles(s.record("emails/forged", 1)) // S3 repeats its event
	s.wantStarted("forged")
	j, err := s.Protocol.ReadJob(ctx, "forged")
	if err != nil || j.ReceivedAtMillis != at || j.Held() || j.ThreadID == "" || j.DeadLettered() {
		t.Errorf("%+v, %v", j, err)
	}
	if m := s.inputs()[0].Message; m.ReceivedAtMillis != at || m.ThreadID != j.ThreadID {
		t.Errorf("the execution has %+v", m)
	}
	// Its conversation goes on.
	s.handles(s.arrives("reply", vouched(letter{id: "two", header: "In-Reply-To: <one@example.com>\n", body: "And"})))
	if threads := s.threads(); len(threads) != 2 || threads[0] != threads[1] {
		t.Errorf("threads %q", threads)
	}
}

func TestAReplyToAHeldMailIsInItsThread(t *testing.T) {
	s := guarded(t)
	s.handles(s.arrives("forged", forged(letter{id: "one", body: "Hello"})))
	s.handles(s.arrives("reply", vouched(letter{id: "two", header: "In-Reply-To: <one@example.com>\n", body: "And"})))
	s.releases("forged", "")
	if threads := s.threads(); len(threads) != 2 || threads[0] != threads[1] {
		t.Errorf("threads %q", threads)
	}
}

func TestAReleaseThatFailsHalfwayGoesOnWhenItComesAgain(t *testing.T) {
	s := guarded(t)
	s.handles(s.arrives("forged", forged(letter{id: "one", body: "Hello"})))
	s.Fail("StartExecution", 0)
	if got, err := s.handler.Release(ctx, "forged"); err == nil {
		t.Fatalf("%+v", got)
	}
	at := job.Millis(s.Now())
	s.Advance(time.Minute)
	s.releases("forged", "")
	s.wantStarted("forged")
	if m := s.inputs()[0].Message; m.ReceivedAtMillis != at {
		t.Errorf("received at %d, and first released at %d", m.ReceivedAtMillis, at)
	}
}

func TestWhatIsNotHeldIsNotReleased(t *testing.T) {
	s := guarded(t)
	s.handles(s.arrives("honest", vouched(letter{id: "one", body: "Hello"})))
	s.handles(s.arrives("nobody", vouched(letter{id: "two", to: "who@elsewhere.example", body: "Hello"})))
	s.releases("honest", "it is not held: it is a job")
	s.releases("nobody", "it is not held: rejected: mail: unroutable")
	s.releases("unheard-of", "there is no such message")
	s.handles(s.arrives("forged", forged(letter{id: "three", body: "Hello"})))
	s.Advance(claim.DefaultSettings().JobRetention + time.Hour)
	s.DeleteExpired()
	s.releases("forged", "there is no such message")
	s.wantStarted("honest")
}

func TestAReleasedMailThatIsGoneIsRejected(t *testing.T) {
	s := guarded(t)
	s.handles(s.arrives("forged", forged(letter{id: "one", body: "Hello"})))
	clear(s.bucket.objects)
	s.releases("forged", "rejected: the mail was deleted")
	s.wantStarted()
}

func TestAMailInDoubtIsHeldWhoeverMayWrite(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("away", letter{id: "one", subject: "Automatic reply: Hello", body: "I am away"}.raw()))
	s.wantStarted()
	s.wantHeld("away", "the Subject of an automatic reply")
	s.releases("away", "")
	s.wantStarted("away")
}

func TestSENDERSIsAuthenticatedUnlessItSaysOtherwise(t *testing.T) {
	plain, err := mail.NewRoutes("mail.example")
	if err != nil {
		t.Fatal(err)
	}
	naming, err := mail.ReadRoutes(strings.NewReader(`{"domains": ["mail.example"], "senders": ["*@example.com"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value  string
		routes mail.Routes
		want   mail.SenderPolicy // empty: refused
	}{
		{"", plain, mail.SendersAuthenticated}, {"open", plain, mail.SendersOpen}, {"authenticated", naming, mail.SendersAuthenticated},
		{"listed", naming, mail.SendersListed}, {"listed", plain, ""}, {"closed", naming, ""},
	} {
		got, err := intake.SendersFrom(func(string) string { return c.value }, c.routes)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("SENDERS=%s: %q, %v; want %q", c.value, got, err, c.want)
		}
	}
}
