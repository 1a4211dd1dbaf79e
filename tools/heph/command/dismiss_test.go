package command

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/stack"
)

// put puts a row.
func put(t *testing.T, s *stack.Stack, row claim.Job) {
	t.Helper()
	_, err := client.NewDynamoDB(s.Call).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(s.Names().Jobs()), Item: row.Item()})
	if err != nil {
		t.Fatal(err)
	}
}

// tells puts a letter on the dead letter queue.
func tells(t *testing.T, s *stack.Stack, body string) (queueMessageID string) {
	t.Helper()
	queue := client.NewSQS(s.Call)
	url, err := queue.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(s.Names().DeadLetters())})
	if err != nil {
		t.Fatal(err)
	}
	out, err := queue.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: aws.String(body)})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.MessageId)
}

func TestADeadLetterIsClosedWithAReason(t *testing.T) {
	s, environ := running(t, 1, `exit 7`)
	environ["USER"] = "dana"
	id := strings.TrimSpace(heph(t, environ, append(slices.Clone(draft), "--wait")...).out)
	until(t, func() bool { return strings.Contains(heph(t, environ, "status").out, "Dead letters: 1") })
	tells(t, s, `{"kind":"failed","messageId":"`+id+`","what":"again","lookInto":[]}`) // a person may be told twice

	got := heph(t, environ, "dismiss", id[:12], "--because", " called them ", "-o", "json")
	var told struct {
		MessageID      string
		Dismissed      dismissedView
		LettersDeleted int
	}
	if err := json.Unmarshal([]byte(got.out), &told); err != nil || told.MessageID != id || told.LettersDeleted != 2 || told.Dismissed.By != "dana" || told.Dismissed.Because != "called them" || told.Dismissed.At.IsZero() {
		t.Fatalf("%+v", got)
	}
	if got := heph(t, environ, "status"); !strings.Contains(got.out, "nobody has to look at anything") {
		t.Errorf("it is still counted:\n%s", got.out)
	}
	if got := heph(t, environ, "status", "--message", id); !strings.Contains(got.out, " by dana") || !strings.Contains(got.out, "called them") || !strings.Contains(got.out, "failed") {
		t.Errorf("its message's view:\n%s", got.out)
	}
	again := heph(t, environ, "dismiss", id, "--because", "another reason", "--by", "scott")
	if again.status != ok || !strings.Contains(again.out, "dismissed by dana: called them") || !strings.Contains(again.err, "No letter of it was found") {
		t.Errorf("%+v", again)
	}
}

// SQS may hide a letter from heph: the row says that it is dismissed.
func TestALetterOfADismissedMessageIsShownWithAllOnly(t *testing.T) {
	s, environ := running(t, 0, "")
	put(t, s, claim.Job{MessageID: "m1", Key: "amelia#scott", Outcome: job.TimedOut, DismissedAtMillis: 1, DismissedBy: "dana", DismissedBecause: "called them"})
	tells(t, s, `{"kind":"timed-out","messageId":"m1","projectUserId":"amelia#scott","what":"slow","lookInto":["heph again m1","aws s3 cp s3://b/emails/m1 -"]}`)
	tells(t, s, `{"kind":"timed-out","messageId":"m2","what":"slow","lookInto":[]}`)
	for _, args := range [][]string{{"status"}, {"status", "--limit", "1"}} {
		if got := heph(t, environ, args...); !strings.Contains(got.out, "Dead letters: 1\n") || !strings.Contains(got.out, "m2") || strings.Contains(got.out, "called them") {
			t.Errorf("%q:\n%s", args, got.out)
		}
	}
	if got := heph(t, environ, "status", "--all"); !strings.Contains(got.out, "Dead letters: 2\n") || !strings.Contains(got.out, "dismissed by dana: called them") {
		t.Errorf("all:\n%s", got.out)
	}
	// What it advises reaches this stack from any environment.
	got := heph(t, environ, "status", "--message", "m1")
	for _, want := range []string{
		"heph again m1 --endpoint " + s.Endpoint() + " --prefix testing\n",
		"AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 aws --endpoint-url " + s.Endpoint() + " s3 cp s3://b/emails/m1 -\n",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
}

func TestALetterWithoutARowIsClosedToo(t *testing.T) {
	s, environ := running(t, 0, "")
	tells(t, s, `{"kind":"failed","messageId":"m1","what":"gone","lookInto":[]}`)
	odd := tells(t, s, "none of ours")
	for _, id := range []string{"m1", odd} {
		if got := heph(t, environ, "dismiss", id, "--because", "old"); got.status != ok || got.out != id+" has no row; its letter is off the queue.\n" {
			t.Errorf("%+v", got)
		}
		if got := heph(t, environ, "dismiss", id, "--because", "old"); got.status != failed || !strings.Contains(got.err, "no message "+id+", and no letter of it") {
			t.Errorf("%+v", got)
		}
	}
}

func TestWhatNobodyHasToActOnIsNotDismissed(t *testing.T) {
	s, environ := running(t, 0, "")
	for _, test := range []struct {
		row  claim.Job
		want string
	}{
		{claim.Job{MessageID: "m1"}, "m1 is waiting: no person has to act on it"},
		{claim.Job{MessageID: "m2", Outcome: job.Completed}, "m2 is completed, and no person was told"},
		{claim.Job{MessageID: "m3", Outcome: job.Rejected}, "m3 is rejected, and no person was told"},
	} {
		put(t, s, test.row)
		if got := heph(t, environ, "dismiss", test.row.MessageID, "--because", "so"); got.status != failed || !strings.Contains(got.err, test.want) {
			t.Errorf("%+v, want %q", got, test.want)
		}
	}
	put(t, s, claim.Job{MessageID: "m4", Outcome: job.Rejected, DeadLetteredAtMillis: 1})
	if got := heph(t, environ, "dismiss", "m4", "--because", " "); got.status != misused || !strings.Contains(got.err, "--because is missing") {
		t.Errorf("%+v", got)
	}
	if got := heph(t, environ, "dismiss", "m4", "--because", "so"); got.status != ok {
		t.Errorf("%+v", got)
	}
}

func TestADuplicateIsSeenUnderItsKey(t *testing.T) {
	s, environ := running(t, 1, "true")
	file := write(t, "mail.eml", someMail)
	first := strings.TrimSpace(heph(t, environ, "send", file, "--wait").out)
	copied := strings.TrimSpace(heph(t, environ, "send", file).out)
	if j := ended(t, s, copied); j.Outcome != job.Rejected {
		t.Fatalf("%+v", j)
	}
	got := heph(t, environ, "status", "--key", string(ended(t, s, first).Key), "-o", "json")
	var seen overview
	if err := json.Unmarshal([]byte(got.out), &seen); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(seen.Jobs, func(j jobView) bool { return j.MessageID == copied })
	if at < 0 || seen.Jobs[at].DuplicateOf != first {
		t.Errorf("its key's jobs %+v", seen.Jobs)
	}
	if got := heph(t, environ, "status", "--message", copied); !strings.Contains(got.out, "Duplicate of  "+first) {
		t.Errorf("its view:\n%s", got.out)
	}
}
