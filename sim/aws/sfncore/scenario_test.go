package sfncore_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

var rewrite = flag.Bool("rewrite", false, "write the golden transcripts anew")

// TestHistories compares the history of each main scenario with its golden transcript (API
// Reference, GetExecutionHistory).
func TestHistories(t *testing.T) {
	scenarios := map[string]func(l *lab){
		"completed": func(l *lab) {
			l.done(l.next(), `{"Payload":{"decision":"proceed"},"StatusCode":200}`)
			for _, output := range []string{`{"Payload":{"id":1}}`, `{"Payload":{"id":2}}`, `{"Payload":{"id":3}}`} {
				l.pass(time.Second)
				l.done(l.next(), output)
			}
			send := l.next()
			l.done(send, `{"MessageId":"q-1"}`)
			l.pass(time.Minute)
			_ = l.answer(send.Token, `{"reply":"done"}`)
		},
		"interrupt-times-out-then-superseded": func(l *lab) {
			l.done(l.next(), `{"Payload":{"decision":"interrupt"}}`)
			l.done(l.next(), `{"Payload":{}}`)
			l.pass(90 * time.Second)
			l.done(l.next(), `{"Payload":{"decision":"superseded"}}`)
		},
		"check-is-retried-then-fails": func(l *lab) {
			for range 3 {
				l.fail(l.next(), "Lambda.ServiceException", "503")
				l.pass(4 * time.Second)
			}
		},
		"an-attachment-fails-the-map": func(l *lab) {
			l.done(l.next(), `{"Payload":{"decision":"proceed"}}`)
			l.done(l.next(), `{"Payload":{"id":1}}`)
			l.next()
			l.fail(l.next(), "TooBig", "27 MB")
		},
		"work-is-preempted": func(l *lab) {
			l.done(l.next(), `{"Payload":{"decision":"proceed"}}`)
			for range 3 {
				l.done(l.next(), `{"Payload":null}`)
			}
			send := l.next()
			l.done(send, `{"MessageId":"q-1"}`)
			_ = l.refuse(send.Token, "PREEMPTED", "by m-2")
		},
		"work-times-out": func(l *lab) {
			l.done(l.next(), `{"Payload":{"decision":"proceed"}}`)
			for range 3 {
				l.done(l.next(), `{"Payload":null}`)
			}
			l.done(l.next(), `{"MessageId":"q-1"}`)
			l.pass(time.Hour)
		},
		"stopped": func(l *lab) {
			must[*sfn.StopExecutionOutput](l, &sfn.StopExecutionInput{
				ExecutionArn: aws.String("arn:aws:states:us-east-1:000000000000:execution:flow:x"), Error: aws.String("E"), Cause: aws.String("why"),
			})
		},
	}
	for name, play := range scenarios {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, sfncore.Options{})
			l.create(emailFlow)
			arn := l.start("x", emailInput)
			play(l)
			golden(t, name, l.history(arn)+l.result(arn)+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the transcript differs from %s (run with -rewrite to accept)\n got:\n%s\nwant:\n%s", path, got, want)
	}
}
