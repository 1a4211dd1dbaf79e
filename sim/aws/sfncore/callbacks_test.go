package sfncore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

// waiter sleeps on a token for at most 60 s and wants a heartbeat every 20 s.
var waiter = states(`"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","TimeoutSeconds":60,"HeartbeatSeconds":20,
	"Parameters":{"MessageBody":{"token.$":"$$.Task.Token"}},"End":true}`)

func wantDead(t *testing.T, err error) {
	t.Helper()
	var dead *types.TaskTimedOut
	if !errors.As(err, &dead) || dead.ErrorMessage() != "Task Timed Out: 'Provided task does not exist anymore'" {
		t.Fatalf("the token answers %v, want TaskTimedOut", err)
	}
}

func wantNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCallbackRaces plays what may happen around a token (Developer Guide, Wait for a Callback with
// the Task Token).
func TestCallbackRaces(t *testing.T) {
	for name, play := range map[string]func(t *testing.T, l *lab, task sfncore.RunTask) string{
		"a callback before the call is reported is taken, the report ignored": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			wantNoError(t, l.answer(task.Token, `1`))
			l.done(task, `{"MessageId":"q"}`)
			return "SUCCEEDED 1"
		},
		"the state's result is the callback's output": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			l.done(task, `{"MessageId":"q"}`)
			wantNoError(t, l.answer(task.Token, `{"b":1.0}`))
			return `SUCCEEDED {"b":1.0}`
		},
		"the first of two answers wins": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			wantNoError(t, l.answer(task.Token, `1`))
			wantDead(t, l.answer(task.Token, `2`))
			wantDead(t, l.refuse(task.Token, "E", "late"))
			wantDead(t, l.heartbeat(task.Token))
			return "SUCCEEDED 1"
		},
		"a callback after the time-out is dead": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			for range 3 {
				l.pass(19 * time.Second)
				wantNoError(t, l.heartbeat(task.Token))
			}
			l.pass(3 * time.Second) // heartbeats do not extend TimeoutSeconds
			wantDead(t, l.answer(task.Token, `1`))
			return "FAILED States.Timeout: "
		},
		"a heartbeat starts the heartbeat's clock anew": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			l.pass(19 * time.Second)
			wantNoError(t, l.heartbeat(task.Token))
			l.pass(19 * time.Second)
			wantNoError(t, l.answer(task.Token, `1`))
			return "SUCCEEDED 1"
		},
		"a missed heartbeat is a time-out": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			l.pass(20 * time.Second)
			wantDead(t, l.heartbeat(task.Token))
			return "FAILED States.Timeout: "
		},
		"a deadline that was not ticked has not happened": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			l.now = l.now.Add(time.Hour)
			wantNoError(t, l.answer(task.Token, `1`))
			return "SUCCEEDED 1"
		},
		"a call that fails fails the state": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			l.fail(task, "SQS.AmazonSQSException", "no such queue")
			wantDead(t, l.answer(task.Token, `1`))
			return "FAILED SQS.AmazonSQSException: no such queue"
		},
		"a report about a call that timed out is ignored": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			l.pass(time.Minute)
			l.fail(task, "E", "late")
			l.done(task, `1`)
			return "FAILED States.Timeout: "
		},
		"a failure may leave out error and cause": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			must[*sfn.SendTaskFailureOutput](l, &sfn.SendTaskFailureInput{TaskToken: aws.String(task.Token)})
			if d := l.describe(task.ExecutionArn); d.Error != nil || d.Cause != nil {
				t.Fatalf("error %q, cause %q", aws.ToString(d.Error), aws.ToString(d.Cause))
			}
			return "FAILED : "
		},
		"output that is no JSON leaves the token alive": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			var bad *types.InvalidOutput
			if err := l.answer(task.Token, `{`); !errors.As(err, &bad) {
				t.Fatalf("answers %v", err)
			}
			wantNoError(t, l.answer(task.Token, `1`))
			return "SUCCEEDED 1"
		},
		"stopping kills the token": func(t *testing.T, l *lab, task sfncore.RunTask) string {
			must[*sfn.StopExecutionOutput](l, &sfn.StopExecutionInput{ExecutionArn: aws.String(task.ExecutionArn)})
			wantDead(t, l.answer(task.Token, `1`))
			l.done(task, `1`)
			return "ABORTED : "
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, arn := flow(t, waiter, `{}`)
			l.expect(arn, play(t, l, l.next()))
			if open := l.core.OpenTokens(); len(open) > 0 {
				t.Errorf("tokens stay open: %v", open)
			}
			if at, left := l.core.NextDeadline(); left {
				t.Errorf("a deadline is left at %v", at)
			}
			if len(l.ended) != 1 {
				t.Errorf("%d ends are told, want 1", len(l.ended))
			}
		})
	}
}

func TestARetryHasANewTokenAndTheOldOneIsDead(t *testing.T) {
	l, arn := flow(t, strings.Replace(waiter, `"End"`, `"Retry":[{"ErrorEquals":["States.HeartbeatTimeout"]}],"End"`, 1), `{}`)
	first := l.next()
	l.pass(21 * time.Second) // a missed heartbeat, then the retry's second
	second := l.next()
	if first.Token == second.Token || !strings.Contains(string(second.Input), second.Token) {
		t.Fatalf("the second attempt has the token %q and the input %s", second.Token, second.Input)
	}
	wantDead(t, l.answer(first.Token, `1`))
	wantNoError(t, l.answer(second.Token, `2`))
	l.expect(arn, "SUCCEEDED 2")
}

func TestGarbageIsNoToken(t *testing.T) {
	l, _ := flow(t, waiter, `{}`)
	token := l.next().Token
	for _, garbage := range []string{"", "token", token[:len(token)-1], "A" + token, strings.ToLower(token)} {
		var invalid *types.InvalidToken
		if err := l.answer(garbage, `1`); !errors.As(err, &invalid) || invalid.ErrorMessage() != "Invalid Token: 'Invalid token'" {
			t.Errorf("%q answers %v, want InvalidToken", garbage, err)
		}
	}
	if open := l.core.OpenTokens(); len(open) != 1 || open[0].Token != token || open[0].Submitted {
		t.Errorf("open tokens: %v", open)
	}
}

func TestACallbackTooLargeIsRefused(t *testing.T) {
	l, _ := flow(t, waiter, `{}`)
	token := l.next().Token
	for name, err := range map[string]error{
		"output": l.answer(token, `"`+strings.Repeat("x", 262_143)+`"`),
		"error":  l.refuse(token, strings.Repeat("x", 257), ""),
		"cause":  l.refuse(token, "E", strings.Repeat("x", 32_769)),
	} {
		if err == nil || !strings.Contains(err.Error(), "Value at '"+name+"' failed to satisfy constraint") {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantNoError(t, l.answer(token, `"`+strings.Repeat("x", 262_142)+`"`))
}
