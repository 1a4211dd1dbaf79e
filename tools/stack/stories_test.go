package stack_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/stack"
)

// diary is a script that notes in the workspace when each message's work begins and ends. In
// between it does what the subject asks: wait for the test, wait until it is stopped, save what it
// has.
const diary = `trap 'echo half of it > "$HEPHAESTUS_PARTIAL_WORK_FILE"; case "$HEPHAESTUS_SUBJECT" in *stubborn*) ;; *) exit 1;; esac' TERM
echo "$HEPHAESTUS_MESSAGE_ID begins" >> diary.txt
case "$HEPHAESTUS_SUBJECT" in
*patient*) while [ ! -e go ]; do sleep 0.02; done;;
*endless*) while :; do sleep 0.02; done;;
esac
echo "$HEPHAESTUS_MESSAGE_ID ends" >> diary.txt`

// unhurried sets times that hold on a slow machine too, for stories in which no worker dies.
func unhurried(c *stack.Config) {
	c.Claim.Lease, c.Worker.Heartbeat, c.Worker.Visibility = 15*time.Second, 200*time.Millisecond, 15*time.Second
}

func (l lab) workspace(name string) string {
	return filepath.Join(l.root, "workspaces", "amelia", "scott", name)
}

// diary is what the workspace's diary says.
func (l lab) diary() []string {
	content, err := os.ReadFile(l.workspace("diary.txt"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}

func (l lab) says(line string) {
	l.Helper()
	l.eventually("in the diary: "+line, func() bool { return slices.Contains(l.diary(), line) })
}

// letGo tells a patient command to go on.
func (l lab) letGo() {
	l.Helper()
	if err := os.WriteFile(l.workspace("go"), nil, 0o644); err != nil {
		l.Fatal(err)
	}
}

// ends waits for a message's end and checks it, with its record.
func (l lab) ends(id string, want job.Outcome) claim.Job {
	l.Helper()
	if got := l.outcome(id); got != want {
		l.Fatalf("%s: %s, want %s", id, got, want)
	}
	j := l.await(id, "an outcome", func(j *claim.Job) bool { return j.Outcome != "" })
	reason, recorded := want.RecordReason()
	if !recorded {
		return *j
	}
	l.eventually("a record of "+id, func() bool {
		record := l.record(id)
		return record != nil && record.Reason == reason
	})
	return *j
}

// record is the interruption of a message; nil for none.
func (l lab) record(id string) *audit.Record {
	l.Helper()
	out, err := client.NewDynamoDB(l.Call).GetItem(l.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(l.Names().Interruptions()), Key: item.Map{"messageId": item.Text(id)},
	})
	if err != nil {
		l.Fatal(err)
	}
	if out.Item == nil {
		return nil
	}
	record, err := audit.Parse(out.Item)
	if err != nil {
		l.Fatal(err)
	}
	return &record
}

// letter waits for the dead letter about a message.
func (l lab) letter(id string) (letter job.DeadLetter) {
	l.Helper()
	queue, err := awsx.SiblingQueue(l.WorkQueueURL(), l.Names().DeadLetters())
	if err != nil {
		l.Fatal(err)
	}
	l.eventually("a dead letter of "+id, func() bool {
		out, err := client.NewSQS(l.Call).ReceiveMessage(l.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queue), WaitTimeSeconds: 1})
		if err != nil {
			l.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return false
		}
		if err := json.Unmarshal([]byte(*out.Messages[0].Body), &letter); err != nil {
			l.Fatal(err)
		}
		return letter.MessageID == id
	})
	return letter
}

// idle checks that the key is free.
func (l lab) idle() {
	l.Helper()
	l.eventually("a free key", func() bool {
		row, err := l.store.ReadClaim(l.Context(), "amelia#scott")
		if err != nil {
			l.Fatal(err)
		}
		return row == nil || len(row.Jobs) == 0 && row.WorkerID == ""
	})
}

func TestAReplyJoinsAndRunsAfterTheWorkThatGoesOn(t *testing.T) {
	l := startLab(t, 2, diary, unhurried)
	l.mail("a1", "patient work", "")
	l.says("a1 begins")
	l.mail("a2", "Re: the work", "a1")
	joined := l.await("a2", "a claim", func(j *claim.Job) bool { return j.ContainerID != "" })
	l.letGo()
	first := l.ends("a1", job.Completed)
	l.ends("a2", job.Completed)
	if joined.ContainerID != first.ContainerID {
		t.Errorf("the reply is in %s, want %s", joined.ContainerID, first.ContainerID)
	}
	if got, want := l.diary(), []string{"a1 begins", "a1 ends", "a2 begins", "a2 ends"}; !slices.Equal(got, want) {
		t.Errorf("the diary says %q, want %q", got, want)
	}
}

func TestANewThreadPreemptsACommandThatWillNotEnd(t *testing.T) {
	l := startLab(t, 2, diary, unhurried)
	l.mail("a1", "endless stubborn work", "")
	l.says("a1 begins")
	l.mail("b1", "another thing", "")
	l.ends("b1", job.Completed)
	l.ends("a1", job.Interrupted)
	if r := l.record("a1"); r.PartialWork != "half of it" || r.NewMessageID != "b1" {
		t.Errorf("record %+v, want what was saved on SIGTERM, and for whom", r)
	}
	if got, want := l.diary(), []string{"a1 begins", "b1 begins", "b1 ends"}; !slices.Equal(got, want) {
		t.Errorf("the diary says %q, want %q", got, want)
	}
}

func TestALateOldMailIsSuperseded(t *testing.T) {
	l := startLab(t, 2, diary, unhurried)
	l.mail("b1", "patient work", "")
	l.says("b1 begins")
	old := "From: scott@customer.example\r\nTo: scott@amelia.example.com\r\nSubject: old\r\nMessage-ID: <c1@customer.example>\r\n\r\nLate.\r\n"
	l.put("c1", old, map[string]string{"received-at": strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)})
	l.ends("c1", job.Superseded)
	l.letGo()
	l.ends("b1", job.Completed)
	if got, want := l.diary(), []string{"b1 begins", "b1 ends"}; !slices.Equal(got, want) {
		t.Errorf("the diary says %q, want %q", got, want)
	}
}

// employ starts a worker process, which reaches the stack over HTTP.
func (l lab) employ(script string) *os.Process {
	l.Helper()
	self, err := os.Executable()
	if err != nil {
		l.Fatal(err)
	}
	process := exec.Command(self, "/bin/sh", "-c", script)
	process.Env = slices.Concat(os.Environ(), l.Environ(), []string{workerRole + "=1", "WORKER_ROOT=" + l.root})
	if testing.Verbose() {
		process.Stdout, process.Stderr = os.Stderr, os.Stderr
	}
	if err := process.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		_ = process.Process.Kill() // it may be dead already
		_ = process.Wait()         // and how it ended does not matter
	})
	return process.Process
}

func TestTheWorkOfAWorkerThatIsKilledIsTakenByAnother(t *testing.T) {
	const first, second = `echo $HEPHAESTUS_FENCE >> fences.txt; touch begun; exec sleep 600`, `echo $HEPHAESTUS_FENCE >> fences.txt; echo done`
	l := startLab(t, 0, "")
	victim := l.employ(first)
	l.mail("m1", "dangerous work", "")
	l.exists("workspaces/amelia/scott/begun")
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	l.employ(second)
	if j := l.ends("m1", job.Completed); j.Result != "done" {
		t.Errorf("result %q", j.Result)
	}
	content, err := os.ReadFile(l.workspace("fences.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var before, after int64
	if n, err := fmt.Sscan(string(content), &before, &after); n != 2 || before >= after {
		t.Errorf("fences %q (%v), want two that grow", content, err)
	}
	l.idle()
}

func TestACommandThatRunsTooLongIsTimedOutAndItsKeyWorksAgain(t *testing.T) {
	l := startLab(t, 1, diary, unhurried, func(c *stack.Config) { c.Worker.CommandTimeout = 300 * time.Millisecond })
	l.mail("a1", "endless work", "")
	l.ends("a1", job.TimedOut)
	if letter := l.letter("a1"); letter.Kind != "timed-out" || letter.ProjectUserID != "amelia#scott" {
		t.Errorf("letter %+v", letter)
	}
	l.mail("b1", "short work", "")
	l.ends("b1", job.Completed)
}

// stepFunctions is the SDK's own client, over HTTP.
func (l lab) stepFunctions() *sfn.Client {
	return sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(l.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

func TestAnExecutionThatAPersonStopsEndsFailedAndItsCommandIsStopped(t *testing.T) {
	l := startLab(t, 1, diary, unhurried)
	l.mail("a1", "endless stubborn work", "")
	l.says("a1 begins")
	running := l.await("a1", "a start", func(j *claim.Job) bool { return j.StartedAtMillis != 0 })
	_, err := l.stepFunctions().StopExecution(t.Context(), &sfn.StopExecutionInput{
		ExecutionArn: aws.String(running.ExecutionARN), Error: aws.String("ENOUGH"), Cause: aws.String("it was the wrong door"),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.ends("a1", job.Failed)
	l.letter("a1")
	l.idle()
	l.eventually("the command's end", func() bool {
		left, err := fs.Glob(os.DirFS(l.root), "runs/*/*")
		return err == nil && len(left) == 0
	})
}

func TestWorkThatKillsEveryWorkerEndsFailed(t *testing.T) {
	l := startLab(t, 0, "")
	queue := client.NewSQS(l.Call)
	l.mail("a1", "deadly work", "")
	for range 1000 { // as often as the work queue gives it out
		out, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(l.WorkQueueURL()), WaitTimeSeconds: 20})
		if err != nil || len(out.Messages) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		_, err = queue.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
			QueueUrl: aws.String(l.WorkQueueURL()), ReceiptHandle: out.Messages[0].ReceiptHandle,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(l.WorkQueueURL())}); err != nil {
		t.Fatal(err)
	}
	l.ends("a1", job.Failed)
	if letter := l.letter("a1"); letter.Kind != "failed" {
		t.Errorf("letter %+v", letter)
	}
	l.idle()
}

func TestMailThatCannotBecomeAJobIsRejectedWhereAPersonLooks(t *testing.T) {
	l := startLab(t, 0, "")
	for id, content := range map[string]string{
		"unreadable": "\x00\x01\x02",
		"unknown":    "From: scott@customer.example\r\nTo: nobody@elsewhere.example\r\nSubject: hello\r\nMessage-ID: <x@customer.example>\r\n\r\nHello.\r\n",
	} {
		l.put(id, content, nil)
		l.ends(id, job.Rejected)
		if letter := l.letter(id); letter.Kind != "rejected" || letter.What == "" || letter.Raw == nil || letter.Raw.Key != "emails/"+id {
			t.Errorf("letter %+v", letter)
		}
	}
	if n := l.executions(); n != 0 {
		t.Errorf("%d executions", n)
	}
}

// executions counts all executions of the flow.
func (l lab) executions() int {
	l.Helper()
	out, err := l.stepFunctions().ListExecutions(l.Context(), &sfn.ListExecutionsInput{StateMachineArn: aws.String(l.StateMachineARN())})
	if err != nil {
		l.Fatal(err)
	}
	return len(out.Executions)
}

func TestAnObjectThatIsPutTwiceIsOneJob(t *testing.T) {
	l := startLab(t, 1, diary, unhurried)
	l.mail("m1", "short work", "")
	l.mail("m1", "short work", "")
	l.ends("m1", job.Completed)
	// S3 reports the object once more when the job is done. Invoke returns when intake has handled
	// that.
	event := fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-11-23T10:00:00.000Z",
		"s3":{"bucket":{"name":%q},"object":{"key":"emails/m1","size":100}}}]}`, l.Names().Emails())
	out, err := client.NewLambda(l.Call).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(l.Names().Function("intake")), Payload: []byte(event)})
	if err != nil || out.FunctionError != nil {
		t.Fatalf("%+v, %v", out, err)
	}
	if n := l.executions(); n != 1 {
		t.Errorf("%d executions, want one", n)
	}
	if got, want := l.diary(), []string{"m1 begins", "m1 ends"}; !slices.Equal(got, want) {
		t.Errorf("the diary says %q, want %q", got, want)
	}
}
