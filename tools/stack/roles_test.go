package stack_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/tools/stack"
)

// seldom are permissions that neither a few hundred seeds nor a story on the local stack come to,
// each with what needs it.
var seldom = map[string]string{
	"IntakeRole: s3:GetObject on arn:aws:s3:::webordinary-emails/routes/*":                                                         "its main reads the routes file",
	"ProcessAttachmentRole: s3:GetObject on arn:aws:s3:::webordinary-media/sha256/*":                                               "the size of a picture that is there already",
	"HandleTimeoutRole: states:DescribeExecution on arn:aws:states:us-east-1:000000000000:execution:webordinary-email-processor:*": "an input that was too large for EventBridge's event",
	"HandleTimeoutRole: states:SendTaskSuccess on arn:aws:states:us-east-1:000000000000:stateMachine:webordinary-email-processor":  "who waits for a claim whose last job it ends is woken",
	"SweepRole: states:SendTaskSuccess on arn:aws:states:us-east-1:000000000000:stateMachine:webordinary-email-processor":          "as handle-timeout's",
	"SweepRole: dynamodb:UpdateItem on arn:aws:dynamodb:us-east-1:000000000000:table/webordinary-active-jobs":                      "a job that it ends is taken off its claim",
	"RecordInterruptionRole: dynamodb:UpdateItem on arn:aws:dynamodb:us-east-1:000000000000:table/webordinary-active-jobs":         "a superseded message that still waits in a claim is taken off it",
}

// Nobody may do more than is needed.
func TestEveryPermissionIsUsed(t *testing.T) {
	var mu sync.Mutex
	used := map[deploy.Permission]bool{}
	note := func(p deploy.Permission) {
		mu.Lock()
		defer mu.Unlock()
		used[p] = true
	}
	l := startLab(t, 1, diary, unhurried, func(c *stack.Config) {
		c.Used, c.Prefix = note, "webordinary"
		c.Worker.Heartbeat = 5 * time.Second // so that it is a nudge that tells the worker
	})
	l.put("m1", strings.Join([]string{
		"From: scott@customer.example", "To: scott@amelia.example.com", "Subject: endless", "Message-ID: <m1@customer.example>",
		"MIME-Version: 1.0", `Content-Type: multipart/mixed; boundary="b"`, "",
		"--b", "Content-Type: text/plain", "", "Please do it.",
		"--b", `Content-Type: text/csv; name="list.csv"`, `Content-Disposition: attachment; filename="list.csv"`, "", "a,b", "--b--", "",
	}, "\r\n"), nil)
	l.started("m1")
	l.eventually("the queue on which the worker listens", func() bool {
		_, err := client.NewSQS(l.Call).GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(l.Names().InterruptQueue("amelia#scott"))})
		return err == nil
	})
	l.mail("m2", "another thread", "")
	if got := []job.Outcome{l.outcome("m1"), l.outcome("m2")}; got[0] != job.Interrupted || got[1] != job.Completed {
		t.Fatalf("outcomes %v", got)
	}
	faults, err := fault.Parse("all")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(400) {
		c := choose.NewRandom(seed)
		world.Run(scenario.Draw(c), c, world.Options{Faults: faults, Used: note})
	}
	template, err := system.Template(l.Names(), system.WorkQueue{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[deploy.Permission]bool{}
	for _, p := range template.Permissions {
		allowed[p] = true
	}
	for _, p := range template.Wired() {
		if used[p] = true; !allowed[p] {
			t.Errorf("AWS is not allowed what the stack wires: %s", p)
		}
	}
	unused := map[string]bool{}
	for p := range allowed {
		if !used[p] && seldom[p.String()] == "" {
			t.Errorf("nothing uses %s: take it off deploy/template.yaml, or say here what does", p)
		}
		unused[p.String()] = !used[p]
	}
	for p := range seldom {
		if _, there := unused[p]; !there {
			t.Errorf("there is no such permission: %s", p)
		}
	}
}
