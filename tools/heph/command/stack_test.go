package command

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/stack"
)

// running starts a stack with workers that run the shell command, and returns the environment that
// leads to it.
func running(t *testing.T, workers int, command string) (*stack.Stack, map[string]string) {
	t.Helper()
	routes, err := mail.NewRoutes("example.com")
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Config{
		Address: "127.0.0.1:0", Prefix: "testing", Routes: routes, Workers: workers,
		Command: []string{"/bin/sh", "-c", command}, Root: t.TempDir(), Environ: os.Environ(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return s, map[string]string{"AWS_ENDPOINT_URL": s.Endpoint(), "STACK_PREFIX": "testing"}
}

var draft = []string{"send", "--from", "Jörg <joerg@shop.example>", "--to", "scott@amelia.example.com", "--subject", "Größe – hi", "--body", "hello"}

func TestSendWaitsForEachKeyOfAMail(t *testing.T) {
	_, environ := running(t, 2, `[ "$HEPHAESTUS_USER_ID" != dana ] || exit 7`)
	got := heph(t, environ, append(slices.Clone(draft), "--to", "scott@amelia.example.com, dana@atlas.example.com", "--wait", "-o", "json")...)
	if got.status != otherOutcome || !strings.Contains(got.err, "exited with status 7") {
		t.Fatalf("%+v", got)
	}
	var told struct{ Sent []map[string]string }
	if err := json.Unmarshal([]byte(got.out), &told); err != nil || len(told.Sent) != 2 {
		t.Fatalf("stdout %q: %v", got.out, err)
	}
	outcomes, mail := map[string]string{}, told.Sent[0]["ofMail"]
	for _, sent := range told.Sent {
		outcomes[sent["projectUserId"]] = sent["outcome"]
		if sent["ofMail"] != mail || sent["messageId"] == mail {
			t.Errorf("sent %v", sent)
		}
	}
	if want := map[string]string{"amelia#scott": "completed", "atlas#dana": "failed"}; !maps.Equal(outcomes, want) {
		t.Errorf("outcomes %v, want %v", outcomes, want)
	}
	if got := heph(t, environ, "status", "--message", mail); got.status != misused || !strings.Contains(got.err, "the mail is 2 messages, name one: msg-") {
		t.Errorf("status of the mail: %+v", got)
	}
}

func TestSendWaitsForTheOutcome(t *testing.T) {
	_, environ := running(t, 1, `grep -q stop "$HEPHAESTUS_TEXT_FILE" && exit 7; echo "did $HEPHAESTUS_SUBJECT"`)
	got := heph(t, environ, append(slices.Clone(draft), "--wait")...)
	if id := strings.TrimSpace(got.out); got.status != ok || len(id) != 40 || !strings.Contains(got.err, "completed") {
		t.Fatalf("completed: %+v", got)
	}
	got = heph(t, environ, append(slices.Clone(draft), "--wait", "--body", "stop", "-o", "json")...)
	if got.status != otherOutcome || !strings.Contains(got.err, "exited with status 7") {
		t.Fatalf("failed: %+v", got)
	}
	var told struct{ Sent []map[string]string }
	if err := json.Unmarshal([]byte(got.out), &told); err != nil || len(told.Sent) != 1 || told.Sent[0]["outcome"] != "failed" {
		t.Fatalf("stdout %q: %v", got.out, err)
	}
}

func TestSendGivesUpAfterItsTimeout(t *testing.T) {
	_, environ := running(t, 0, "")
	got := heph(t, environ, append(slices.Clone(draft), "--wait", "--timeout", "300ms")...)
	if got.status != waitedEnough || !strings.Contains(got.err, "has no outcome after 300ms: `heph status --message ") || got.out == "" {
		t.Fatalf("%+v", got)
	}
	// It works in another environment too.
	_, advice, _ := strings.Cut(got.err, "`heph ")
	advice, _, _ = strings.Cut(advice, "`")
	if again := heph(t, nil, strings.Fields(advice)...); again.status != ok || !strings.Contains(again.out, "Größe – hi") {
		t.Errorf("%s: %+v", advice, again)
	}
}

func TestACommandThatIsPrintedNamesItsStackUnlessThatIsTheDefault(t *testing.T) {
	ours, err := awsx.NewNames("ours")
	if err != nil {
		t.Fatal(err)
	}
	usual, err := awsx.NewNames("")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string]string{"AWS_ENDPOINT_URL": "http://elsewhere:1", "STACK_PREFIX": "theirs"}
	for _, c := range []struct {
		environ  map[string]string
		endpoint string
		names    awsx.Names
		want     string
	}{
		{nil, defaultEndpoint, usual, ""},
		{nil, "http://127.0.0.1:7401", usual, " --endpoint http://127.0.0.1:7401"},
		{nil, defaultEndpoint, ours, " --prefix ours"},
		{nil, "", ours, ` --endpoint "" --prefix ours`},
		{elsewhere, defaultEndpoint, usual, " --endpoint " + defaultEndpoint + " --prefix " + awsx.DefaultPrefix},
	} {
		a := &app{Streams: Streams{Getenv: func(name string) string { return c.environ[name] }}}
		if got := a.flagsFor(c.endpoint, c.names); got != c.want {
			t.Errorf("%s of %s with %v: %q, want %q", c.names.Prefix(), c.endpoint, c.environ, got, c.want)
		}
	}
}

func TestAPrefixThatNoStackHasIsNamed(t *testing.T) {
	s, _ := running(t, 0, "")
	want := "there is no stack of the prefix other at " + s.Endpoint() + ": name another with --prefix"
	for _, args := range [][]string{{"status"}, {"status", "--watch"}, {"status", "--message", "m1"}, draft} {
		got := heph(t, nil, append(args[:len(args):len(args)], "--endpoint", s.Endpoint(), "--prefix", "other")...)
		if got.status != failed || !strings.Contains(got.err, want) || strings.Contains(got.err, "Exception") || got.out != "" {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestSendTakesFilesAndStdin(t *testing.T) {
	_, environ := running(t, 1, "cat \"$HEPHAESTUS_TEXT_FILE\"")
	got := heph(t, environ, "send", write(t, "mail.eml", someMail), "-", "--wait", "-o", "json")
	var told struct{ Sent []map[string]string }
	if err := json.Unmarshal([]byte(got.out), &told); err != nil || got.status != ok || len(told.Sent) != 2 {
		t.Fatalf("%+v: %v", got, err)
	}
	if told.Sent[0]["result"] != "hello" || told.Sent[1]["result"] != "hi" {
		t.Fatalf("%+v", told)
	}
}

func TestStatusShowsWhatBecameOfMail(t *testing.T) {
	_, environ := running(t, 1, "echo done")
	id := strings.TrimSpace(heph(t, environ, append(slices.Clone(draft), "--wait")...).out)
	rejected := heph(t, environ, "send", "--from", "a@b.example", "--to", "x@nowhere.example", "--wait")
	if rejected.status != otherOutcome {
		t.Fatalf("%+v", rejected)
	}
	got := heph(t, environ, "status")
	for _, want := range []string{"none; nothing is running", "Jobs: 2", id, "Größe – hi", "completed", "rejected", "Dead letters: 1", "nowhere.example"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	got = heph(t, environ, "status", "--key", "amelia#scott", "-o", "json")
	var seen overview
	if err := json.Unmarshal([]byte(got.out), &seen); err != nil || len(seen.Jobs) != 1 || seen.Jobs[0].MessageID != id || len(seen.DeadLetters) != 0 {
		t.Fatalf("%+v: %v", got, err)
	}
	got = heph(t, environ, "status", "--message", id)
	for _, want := range []string{id, "completed", "done", "SUCCEEDED", "joerg@shop.example"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	if got := heph(t, environ, "status", "--message", "unheard"); got.status != failed || !strings.Contains(got.err, "no message unheard") || !strings.Contains(got.err, "`heph status --endpoint "+environ["AWS_ENDPOINT_URL"]+" --prefix testing` lists") {
		t.Fatalf("%+v", got)
	}
}

func TestAMessageIsKnownByItsBeginning(t *testing.T) {
	s, environ := running(t, 0, "")
	for _, id := range []string{"aaaa1", "aaaa2", "aaaa", "bbbb1"} {
		_, err := client.NewDynamoDB(s.Call).PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String(s.Names().Jobs()), Item: item.Map{"messageId": item.Text(id)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for message, want := range map[string]string{"bbbb1": "bbbb1", "bb": "bbbb1", "bbbb…": "bbbb1", "aaaa": "aaaa", "aaaa2": "aaaa2"} {
		got := heph(t, environ, "status", "--message", message, "-o", "json")
		var told messageView
		if err := json.Unmarshal([]byte(got.out), &told); err != nil || told.Job.MessageID != want {
			t.Errorf("%s: want %s, got %+v", message, want, got)
		}
	}
	if got := heph(t, environ, "status", "--message", "aa…"); got.status != misused || !strings.Contains(got.err, "3 messages begin so") {
		t.Errorf("%+v", got)
	}
	if got := heph(t, environ, "status", "--message", "cc"); got.status != failed || !strings.Contains(got.err, "no message cc") {
		t.Errorf("%+v", got)
	}
}

// claimed puts a claim as it is while a worker works and another thread waits.
func claimed(t *testing.T, s *stack.Stack, now time.Time) {
	t.Helper()
	row := claim.Row{
		Key: "amelia#scott", ContainerID: "container-1-aaaaaaaabbbbbb", ThreadID: "thread-a", Jobs: []string{"m1", "m2"},
		ClaimedAtMillis: job.Millis(now), Fence: 1760000012345, WorkerID: "worker-1", WorkerJob: "m1",
		LeaseExpiresAtMillis: job.Millis(now.Add(time.Minute)), ExpiresAtSeconds: now.Add(time.Hour).Unix(),
		Preemptor:         &claim.Preemptor{ThreadID: "thread-b", RequestedAtMillis: job.Millis(now), Waiting: map[string]string{"m3": "a secret token"}},
		BudgetUntilMillis: job.Millis(now.Add(45*time.Minute + 30*time.Second)),
	}
	_, err := client.NewDynamoDB(s.Call).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(s.Names().ActiveJobs()), Item: row.Item()})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStatusShowsWhoHoldsAKeyAndWhoWaits(t *testing.T) {
	s, environ := running(t, 0, "")
	claimed(t, s, time.Now())
	got := heph(t, environ, "status")
	for _, want := range []string{"Keys that are held: 1", "amelia#scott", "…bbbbbb", "thread-a", "m1 m2", "…0012345", "s left", "worker-1", "75 %", "m3 of thread-b"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	got = heph(t, environ, "status", "-o", "json")
	if strings.Contains(got.out, "a secret token") {
		t.Error("the output has a task token: whoever has it may answer for the worker")
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(got.out), &fields); err != nil {
		t.Fatal(err)
	}
	row := fields["claims"].([]any)[0].(map[string]any)
	for _, name := range []string{"key", "containerId", "threadId", "jobs", "fence", "workerId", "workerJob", "claimedAt", "leaseExpiresAt", "expiresAt", "expired", "preemptor", "budgetUsedPercent"} {
		if _, there := row[name]; !there {
			t.Errorf("no %s in %v", name, row)
		}
	}
	if _, err := time.Parse(time.RFC3339, row["leaseExpiresAt"].(string)); err != nil {
		t.Error(err)
	}
}

func TestAnEmptyStackIsEmptyListsNotNulls(t *testing.T) {
	_, environ := running(t, 0, "")
	got := heph(t, environ, "status", "-o", "json")
	if strings.Contains(got.out, "null") || got.status != ok {
		t.Fatalf("%+v", got)
	}
	if got := heph(t, environ, "status"); got.status != ok || !strings.Contains(got.out, "none yet; `heph send mail.eml --endpoint "+environ["AWS_ENDPOINT_URL"]+" --prefix testing`") {
		t.Fatalf("%+v", got)
	}
}

func TestTheObserverWorksOverCallsInProcess(t *testing.T) {
	s, _ := running(t, 0, "")
	claimed(t, s, time.Now())
	o := observer{
		ledger: ledger.New(client.NewDynamoDB(s.Call), s.Names()), flows: client.NewStepFunctions(s.Call), now: time.Now,
		letters: ledger.Receive{SQS: client.NewSQS(s.Call), Name: s.Names().DeadLetters()}, hint: func(command string) string { return command },
	}
	v, err := o.overview(t.Context(), "", 5)
	if err != nil || len(v.Claims) != 1 || v.Claims[0].Preemptor == nil || len(v.DeadLetters) != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
}

func TestATakenPortIsNamedWithItsFlag(t *testing.T) {
	s, _ := running(t, 0, "")
	_, port, _ := strings.Cut(strings.TrimPrefix(s.Endpoint(), "http://"), ":")
	got := heph(t, nil, "dev", "--port", port)
	if got.status != failed || !strings.Contains(got.err, "port "+port+" is taken") || !strings.Contains(got.err, "--port") {
		t.Fatalf("%+v", got)
	}
}
