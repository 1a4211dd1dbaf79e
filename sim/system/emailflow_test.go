package system_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/deploy/statemachine"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

// The tests of this file drive the real definition of the flow through the core of Step Functions
// alone; the test gives the answers of all functions and workers.

// flow is one execution.
type flow struct {
	*testing.T
	core  *sfncore.Core
	now   time.Time
	arn   string
	tasks []sfncore.RunTask
	trail []string // the states entered
}

var flowMessage = job.Message{
	MessageID: "m1", ProjectID: "amelia", UserID: "scott", ProjectUserID: "amelia#scott", ThreadID: "a", ReceivedAtMillis: 1_900_000_000_000,
	Raw: job.ObjectRef{Bucket: "emails", Key: "emails/m1"}, Content: job.ObjectRef{Bucket: "media", Key: "m1/message.json"},
}

var flowFile = job.Attachment{Index: 1, FileName: "door.jpg", ContentType: "image/jpeg", SizeBytes: 7, Source: job.ObjectRef{Bucket: "media", Key: "m1/1"}}

func startFlow(t *testing.T, files ...job.Attachment) *flow {
	t.Helper()
	f := &flow{T: t, now: start}
	f.core = sfncore.New(sfncore.Options{OnTransition: func(at sfncore.Transition) {
		if at.State != "" && strings.HasSuffix(string(at.Event), "StateEntered") {
			f.trail = append(f.trail, at.State)
		}
	}})
	definition, err := statemachine.Definition(map[string]string{"StackPrefix": "webordinary", "WorkQueueUrl": "https://sqs/webordinary-work.fifo"})
	if err != nil {
		t.Fatal(err)
	}
	machine := f.do(&sfn.CreateStateMachineInput{
		Name: aws.String("email-processor"), RoleArn: aws.String("arn:aws:iam::000000000000:role/flow"), Definition: aws.String(definition),
	}).(*sfn.CreateStateMachineOutput)
	input, err := json.Marshal(job.ExecutionInput{
		Message: flowMessage, Attachments: append([]job.Attachment{}, files...), Settings: job.Settings{InterruptWaitSeconds: 100, JobTimeoutSeconds: 3600},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.arn = *f.do(&sfn.StartExecutionInput{StateMachineArn: machine.StateMachineArn, Name: aws.String("m1"), Input: aws.String(string(input))}).(*sfn.StartExecutionOutput).ExecutionArn
	return f
}

func (f *flow) do(input any) any {
	f.Helper()
	output, effects, err := f.core.Do(f.now, input)
	if err != nil {
		f.Fatal(err)
	}
	f.take(effects)
	return output
}

func (f *flow) take(effects []sfncore.Effect) {
	for _, e := range effects {
		if task, ok := e.(sfncore.RunTask); ok {
			f.tasks = append(f.tasks, task)
		}
	}
}

// next returns the state's call, which comes at once, or after a retry's delay or a wait.
func (f *flow) next(state string) sfncore.RunTask {
	f.Helper()
	for len(f.tasks) == 0 {
		at, ok := f.core.NextDeadline()
		if !ok {
			f.Fatalf("no call of %s; the way was %v", state, f.trail)
		}
		f.now = at
		f.take(f.core.Tick(at))
	}
	task := f.tasks[0]
	f.tasks = f.tasks[1:]
	if task.State != state {
		f.Fatalf("a call of %s, want one of %s; the way was %v", task.State, state, f.trail)
	}
	return task
}

// answer answers the call of the state's function and returns the call's input.
func (f *flow) answer(state, payload string) string {
	f.Helper()
	task := f.next(state)
	f.take(f.core.TaskDone(f.now, task.TaskID, json.RawMessage(`{"ExecutedVersion":"$LATEST","StatusCode":200,"Payload":`+payload+`}`), nil))
	return string(task.Input)
}

// fail makes the next tries of the state's function fail.
func (f *flow) fail(state string, times int) {
	f.Helper()
	f.failWith("Lambda.Unknown", state, times)
}

func (f *flow) failWith(name, state string, times int) {
	f.Helper()
	for range times {
		f.take(f.core.TaskDone(f.now, f.next(state).TaskID, nil, &sfncore.TaskFailure{Error: name, Cause: "boom"}))
	}
}

// tries is how often a state's call is made before the state gives up.
const tries = 201

// send completes the state's call, after which the state waits for its token.
func (f *flow) send(state string) (token string) {
	f.Helper()
	task := f.next(state)
	f.take(f.core.TaskDone(f.now, task.TaskID, json.RawMessage(`{"MessageId":"s1"}`), nil))
	return task.Token
}

func (f *flow) succeed(token, output string) {
	f.Helper()
	f.do(&sfn.SendTaskSuccessInput{TaskToken: aws.String(token), Output: aws.String(output)})
}

func (f *flow) refuse(token, name string) {
	f.Helper()
	f.do(&sfn.SendTaskFailureInput{TaskToken: aws.String(token), Error: aws.String(name), Cause: aws.String("{}")})
}

// work brings the execution to the point at which a worker has its job.
func (f *flow) work() (token string) {
	f.Helper()
	f.answer("CheckActiveJob", proceed)
	f.answer("ClaimJob", claimed)
	return f.send("SendToContainer")
}

// ends checks how and by which way the execution ended.
func (f *flow) ends(status, way string) {
	f.Helper()
	d := f.do(&sfn.DescribeExecutionInput{ExecutionArn: aws.String(f.arn)}).(*sfn.DescribeExecutionOutput)
	got := strings.TrimSpace(fmt.Sprintf("%s %s", d.Status, aws.ToString(d.Error)))
	if got != status {
		f.Errorf("the execution is %s, want %s", got, status)
	}
	if got := strings.Join(f.trail, " "); got != way {
		f.Errorf("the way was\n%s\nwant\n%s", got, way)
	}
}

const (
	proceed    = `{"decision":"proceed","because":"the key is free","retryAt":""}`
	interrupt  = `{"decision":"interrupt","because":"newer","retryAt":""}`
	superseded = `{"decision":"superseded","because":"older","retryAt":""}`
	claimed    = `{"claimed":true,"containerId":"container-1"}`
)

// straight is the way of a message that goes to a worker at once.
const straight = "CheckActiveJob MayWork ClaimJob HasClaimed ProcessAttachments SendToContainer"

func TestAMessageIsWorkedOnAndCompletes(t *testing.T) {
	f := startFlow(t, flowFile)
	f.answer("CheckActiveJob", proceed)
	f.answer("ClaimJob", claimed)
	called := f.answer("ProcessAttachment", `{"index":1,"fileName":"door.jpg","contentType":"image/jpeg","sizeBytes":7,"inline":false,"source":{"bucket":"media","key":"m1/1"},"sha256":"ab"}`)
	if !strings.Contains(called, `"messageId":"m1"`) || !strings.Contains(called, `"fileName":"door.jpg"`) {
		t.Errorf("process-attachment was called with %s", called)
	}
	task := f.next("SendToContainer")
	var sent struct {
		QueueURL        string `json:"QueueUrl"`
		MessageGroupID  string `json:"MessageGroupId"`
		DeduplicationID string `json:"MessageDeduplicationId"`
		MessageBody     json.RawMessage
	}
	if err := json.Unmarshal(task.Input, &sent); err != nil {
		t.Fatal(err)
	}
	if sent.QueueURL != "https://sqs/webordinary-work.fifo" || sent.MessageGroupID != "amelia#scott" || len(sent.DeduplicationID) != 64 {
		t.Errorf("sent %s", task.Input)
	}
	processed := flowFile
	processed.SHA256 = "ab"
	want := job.Work{Message: flowMessage, ContainerID: "container-1", Attachments: []job.Attachment{processed}, TaskToken: task.Token}
	if got, err := job.ParseWork(string(sent.MessageBody)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the worker gets %+v (%v), want %+v", got, err, want)
	}
	f.take(f.core.TaskDone(f.now, task.TaskID, json.RawMessage(`{"MessageId":"s1"}`), nil))
	f.ends("RUNNING", strings.Replace(straight, "ProcessAttachments", "ProcessAttachments ProcessAttachment", 1))
	f.succeed(task.Token, `{"messageId":"m1","outcome":"completed"}`)
	f.ends("SUCCEEDED", strings.Replace(straight, "ProcessAttachments", "ProcessAttachments ProcessAttachment", 1)+" Completed")
}

func TestAnAttachmentThatCannotBeProcessedIsLeftAsItCame(t *testing.T) {
	for _, test := range []struct {
		because    string
		tries      int
		soon, late time.Duration // when it is left
	}{
		{"InvalidRequest", 1, 0, 0},
		{"Runtime.ExitError", 7, 15 * time.Minute, 20 * time.Minute}, // the file may be what ends the function
		{"Sandbox.Timedout", 7, 15 * time.Minute, 20 * time.Minute},
		{"Lambda.Unknown", tries, 6 * time.Hour, 24 * time.Hour},
	} {
		t.Run(test.because, func(t *testing.T) {
			f := startFlow(t, flowFile)
			f.answer("CheckActiveJob", proceed)
			f.answer("ClaimJob", claimed)
			f.failWith(test.because, "ProcessAttachment", test.tries)
			task := f.next("SendToContainer")
			var sent struct{ MessageBody job.Work }
			if err := json.Unmarshal(task.Input, &sent); err != nil {
				t.Fatal(err)
			}
			want := flowFile
			want.Note = "not processed: " + test.because
			if got := sent.MessageBody.Attachments; !reflect.DeepEqual(got, []job.Attachment{want}) {
				t.Errorf("the worker gets %+v, want %+v", got, want)
			}
			if after := f.now.Sub(start); after < test.soon || after > test.late {
				t.Errorf("it is left after %v, want %v to %v", after, test.soon, test.late)
			}
		})
	}
}

func TestAWorkerThatYieldsEndsInterrupted(t *testing.T) {
	f := startFlow(t)
	f.refuse(f.work(), job.ErrorPreempted)
	if called := f.answer("RecordInterruption", `{"outcome":"interrupted"}`); !strings.Contains(called, `"reason":"preempted"`) {
		t.Errorf("record-interruption was called with %s", called)
	}
	f.ends("SUCCEEDED", straight+" RecordInterruption HowItEnded Interrupted")
}

func TestAMessageThatMayNotWorkEndsSuperseded(t *testing.T) {
	f := startFlow(t)
	f.answer("CheckActiveJob", superseded)
	if called := f.answer("RecordSuperseded", `{"outcome":"superseded"}`); !strings.Contains(called, `"reason":"superseded"`) {
		t.Errorf("record-interruption was called with %s", called)
	}
	f.ends("SUCCEEDED", "CheckActiveJob MayWork RecordSuperseded HowItEnded Superseded")
}

func TestAPreemptorThatLosesItsPlaceEndsSuperseded(t *testing.T) {
	f := startFlow(t)
	f.answer("CheckActiveJob", interrupt)
	f.succeed(f.send("SendInterrupt"), `{"superseded":true,"by":"m3"}`)
	f.answer("RecordSuperseded", `{"outcome":"superseded"}`)
	f.ends("SUCCEEDED", "CheckActiveJob MayWork SendInterrupt WasWoken RecordSuperseded HowItEnded Superseded")
}

func TestAPreemptorThatIsWokenClaims(t *testing.T) {
	f := startFlow(t)
	f.answer("CheckActiveJob", interrupt)
	f.succeed(f.send("SendInterrupt"), `{"superseded":false,"by":"w1"}`)
	f.answer("ClaimJob", claimed)
	f.succeed(f.send("SendToContainer"), `{}`)
	f.ends("SUCCEEDED", "CheckActiveJob MayWork SendInterrupt WasWoken ClaimJob HasClaimed ProcessAttachments SendToContainer Completed")
}

func TestAPreemptorThatNobodyWakesClaimsWhenItsWaitIsOver(t *testing.T) {
	f := startFlow(t)
	f.answer("CheckActiveJob", interrupt)
	f.send("SendInterrupt")
	f.answer("ClaimJob", claimed)
	if waited := f.now.Sub(start); waited != 100*time.Second {
		t.Errorf("it waited %v, want interruptWaitSeconds", waited)
	}
	f.ends("RUNNING", "CheckActiveJob MayWork SendInterrupt ClaimJob HasClaimed ProcessAttachments SendToContainer")
}

func TestAJobWhoseTimeIsOverEndsTimedOut(t *testing.T) {
	for name, over := range map[string]func(f *flow, token string){
		"by the state's timeout": func(*flow, string) {},
		"by its worker":          func(f *flow, token string) { f.refuse(token, job.ErrorTimedOut) },
	} {
		t.Run(name, func(t *testing.T) {
			f := startFlow(t)
			over(f, f.work())
			called := f.answer("HandleTimeout", `{"messageId":"m1","outcome":"timed-out"}`)
			for _, want := range []string{`"kind":"timeout"`, `"messageId":"m1"`, `"containerId":"container-1"`} {
				if !strings.Contains(called, want) {
					t.Errorf("handle-timeout was called with %s, without %s", called, want)
				}
			}
			f.ends("FAILED TIMED_OUT", straight+" HandleTimeout HowItEnded TimedOut")
		})
	}
}

func TestEveryExecutionEndsByTheOutcomeThatWasWritten(t *testing.T) {
	for outcome, end := range map[string][2]string{
		"completed":   {"SUCCEEDED", "Completed"},
		"interrupted": {"SUCCEEDED", "Interrupted"},
		"superseded":  {"SUCCEEDED", "Superseded"},
		"timed-out":   {"FAILED TIMED_OUT", "TimedOut"},
		"failed":      {"FAILED FAILED", "Failed"},
	} {
		t.Run("failed work turns out "+outcome, func(t *testing.T) {
			f := startFlow(t)
			f.refuse(f.work(), job.ErrorFailed)
			if called := f.answer("HandleFailure", `{"outcome":"`+outcome+`"}`); !strings.Contains(called, `"kind":"failure"`) {
				t.Errorf("handle-timeout was called with %s", called)
			}
			f.ends(end[0], straight+" HandleFailure HowItEnded "+end[1])
		})
		t.Run("interrupted work turns out "+outcome, func(t *testing.T) {
			f := startFlow(t)
			f.refuse(f.work(), job.ErrorPreempted)
			f.answer("RecordInterruption", `{"outcome":"`+outcome+`"}`)
			f.ends(end[0], straight+" RecordInterruption HowItEnded "+end[1])
		})
	}
}

func TestAFunctionThatFailsForGoodEndsFailed(t *testing.T) {
	for _, test := range []struct {
		name, state string
		before      func(f *flow)
	}{
		{"check", "CheckActiveJob", func(*flow) {}},
		{"interrupt", "SendInterrupt", func(f *flow) { f.answer("CheckActiveJob", interrupt) }},
		{"claim", "ClaimJob", func(f *flow) { f.answer("CheckActiveJob", proceed) }},
		{"record of a superseded one", "RecordSuperseded", func(f *flow) { f.answer("CheckActiveJob", superseded) }},
		{"record of an interrupted one", "RecordInterruption", func(f *flow) { f.refuse(f.work(), job.ErrorPreempted) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := startFlow(t)
			test.before(f)
			f.fail(test.state, tries)
			f.answer("HandleFailure", `{"outcome":"failed"}`)
			f.ends("FAILED FAILED", strings.Join(f.trail, " "))
		})
		t.Run(test.name+", of what can never be right", func(t *testing.T) {
			f := startFlow(t)
			test.before(f)
			f.failWith("InvalidRequest", test.state, 1)
			f.answer("HandleFailure", `{"outcome":"failed"}`)
			f.ends("FAILED FAILED", strings.Join(f.trail, " "))
			if waited := f.now.Sub(start); waited != 0 {
				t.Errorf("it fails after %v, want at once", waited)
			}
		})
	}
}

func TestAWorkQueueThatIsAwayForHoursFailsNothing(t *testing.T) {
	f := startFlow(t)
	f.answer("CheckActiveJob", proceed)
	f.answer("ClaimJob", claimed)
	for f.now.Sub(start) < 6*time.Hour {
		f.failWith("SQS.AmazonSQSException", "SendToContainer", 1)
	}
	f.succeed(f.send("SendToContainer"), `{}`)
	f.ends("SUCCEEDED", straight+" Completed")
}

func TestAJobWhoseEndCannotBeWrittenFailsItsExecution(t *testing.T) {
	for state, before := range map[string]func(f *flow){
		"HandleFailure": func(f *flow) { f.refuse(f.work(), job.ErrorFailed) },
		"HandleTimeout": func(f *flow) { f.refuse(f.work(), job.ErrorTimedOut) },
	} {
		t.Run(state, func(t *testing.T) {
			f := startFlow(t)
			before(f)
			f.fail(state, tries)
			f.ends("FAILED NOT_RECORDED", straight+" "+state+" NotRecorded")
		})
	}
}

func TestAFunctionThatFailsForAWhileIsTriedAgain(t *testing.T) {
	f := startFlow(t)
	f.fail("CheckActiveJob", tries-1)
	f.succeed(f.work(), `{}`)
	f.ends("SUCCEEDED", straight+" Completed")
}

func TestALostClaimIsClaimedAgain(t *testing.T) {
	f := startFlow(t)
	first := f.work()
	f.refuse(first, job.ErrorClaimLost)
	second := f.work()
	if first == second {
		t.Error("both tries have one token")
	}
	f.succeed(second, `{}`)
	f.ends("SUCCEEDED", straight+" "+straight+" Completed")
}

func TestAClaimThatIsNotMadeIsCheckedAgain(t *testing.T) {
	f := startFlow(t)
	f.answer("CheckActiveJob", proceed)
	f.answer("ClaimJob", `{"claimed":false,"because":"another was faster"}`)
	f.answer("CheckActiveJob", superseded)
	f.answer("RecordSuperseded", `{"outcome":"superseded"}`)
	f.ends("SUCCEEDED", "CheckActiveJob MayWork ClaimJob HasClaimed CheckActiveJob MayWork RecordSuperseded HowItEnded Superseded")
}

func TestACheckThatComesTooEarlyIsTakenAgain(t *testing.T) {
	f := startFlow(t)
	f.answer("CheckActiveJob", `{"decision":"later","because":"later","retryAt":"`+start.Add(42*time.Second).Format(time.RFC3339)+`"}`)
	f.answer("CheckActiveJob", proceed)
	if waited := f.now.Sub(start); waited != 42*time.Second {
		t.Errorf("it waited %v, want until retryAt", waited)
	}
	f.ends("RUNNING", "CheckActiveJob MayWork CheckLater CheckActiveJob MayWork ClaimJob")
}

func TestAClaimThatComesTooSoonWaitsForItsTurn(t *testing.T) {
	f := startFlow(t)
	f.answer("CheckActiveJob", proceed)
	f.answer("ClaimJob", `{"claimed":false,"retryAt":"`+start.Add(42*time.Second).Format(time.RFC3339)+`"}`)
	f.answer("CheckActiveJob", proceed)
	if waited := f.now.Sub(start); waited != 42*time.Second {
		t.Errorf("it waited %v, want until retryAt", waited)
	}
	f.ends("RUNNING", "CheckActiveJob MayWork ClaimJob HasClaimed WaitForTurn CheckActiveJob MayWork ClaimJob")
}
