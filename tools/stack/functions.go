package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/deploy/resources"
	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/libs/media"
	checkactivejob "github.com/webordinary/hephaestus/services/check-active-job"
	handletimeout "github.com/webordinary/hephaestus/services/handle-timeout"
	"github.com/webordinary/hephaestus/services/intake"
	processattachment "github.com/webordinary/hephaestus/services/process-attachment"
	ratelimitedclaim "github.com/webordinary/hephaestus/services/rate-limited-claim"
	recordinterruption "github.com/webordinary/hephaestus/services/record-interruption"
	sendinterrupt "github.com/webordinary/hephaestus/services/send-interrupt"
	"github.com/webordinary/hephaestus/sim/client"
	"github.com/webordinary/hephaestus/sim/lambdacore"
)

// functionTimeout is how long a handler may run.
const functionTimeout = time.Minute

// function is a handler as Lambda sees it: JSON in, JSON or an error out.
type function struct {
	handle func(ctx context.Context, payload []byte) (any, error)
}

// handles adapts a typed handler.
func handles[In, Out any](handle func(ctx context.Context, in In) (Out, error)) function {
	return function{handle: func(ctx context.Context, payload []byte) (any, error) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
		return handle(ctx, in)
	}}
}

// call runs the handler as Lambda does: a panic ends this invocation only. How long it may take is the
// core's to say, which then does not hear it any more.
func (f function) call(ctx context.Context, payload []byte) (answer []byte, failed *lambdacore.FunctionError) {
	if f.handle == nil {
		return nil, &lambdacore.FunctionError{Type: "Runtime.ExitError", Message: "no handler is installed"}
	}
	defer func() {
		if p := recover(); p != nil {
			answer, failed = nil, &lambdacore.FunctionError{Type: "Runtime.Panic", Message: fmt.Sprint(p)}
		}
	}()
	out, err := f.handle(ctx, payload)
	if err == nil {
		answer, err = json.Marshal(out)
	}
	if err != nil {
		return nil, &lambdacore.FunctionError{Type: errorType(err), Message: err.Error()}
	}
	return answer, nil
}

// errorType is the name that aws-lambda-go gives an error: that of its type.
func errorType(err error) string {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// nothing is the answer of a handler that only can fail.
func nothing[In any](handle func(ctx context.Context, in In) error) func(ctx context.Context, in In) (any, error) {
	return func(ctx context.Context, in In) (any, error) { return nil, handle(ctx, in) }
}

// install puts every handler behind its function's name.
func (r *runtime) install(names awsx.Names, config Config, made resources.Stack, call client.Call) error {
	db, queue, tokens, objects := client.NewDynamoDB(call), client.NewSQS(call), client.NewStepFunctions(call), client.NewS3(call)
	store, err := claim.NewStore(db, names, config.Claim, time.Now, boot.RandomID)
	if err != nil {
		return err
	}
	nudges, err := interrupt.NewQueues(queue, names, made.WorkQueueURL)
	if err != nil {
		return err
	}
	records := audit.NewLog(db, names.Interruptions())
	threads := intake.NewThreads(db, names.Threads(), time.Now)
	limits := mail.DefaultLimits()
	r.functions = map[string]function{
		"intake": handles(nothing(intake.New(objects, threads, store, tokens, queue, intake.Settings{
			MediaBucket: names.Media(), StateMachineARN: made.StateMachineARN, DeadLetterURL: made.DeadLetterURL,
			Routes: config.Routes, Limits: limits, Flow: config.Flow,
		}, config.Log.With("part", "intake")).Handle)),
		"check-active-job":    handles(checkactivejob.New(store, config.Log.With("part", "check-active-job")).Handle),
		"rate-limited-claim":  handles(ratelimitedclaim.New(store, tokens, config.Log.With("part", "rate-limited-claim")).Handle),
		"send-interrupt":      handles(sendinterrupt.New(store, nudges, tokens, config.Log.With("part", "send-interrupt")).Handle),
		"record-interruption": handles(recordinterruption.New(store, records, tokens, config.Log.With("part", "record-interruption")).Handle),
		"process-attachment": handles(processattachment.New(objects, processattachment.Settings{
			Bucket: names.Media(), Limits: media.DefaultLimits(),
		}, config.Log.With("part", "process-attachment")).Handle),
		"handle-timeout": handles(handletimeout.New(store, records, tokens, queue, made.DeadLetterURL, time.Now, config.Log.With("part", "handle-timeout")).Handle),
	}
	return r.register(names)
}

// register tells Lambda of the functions, by their names in this stack.
func (r *runtime) register(names awsx.Names) error {
	installed := map[string]function{}
	for service, f := range r.functions {
		name := names.Function(service)
		installed[name] = f
		err := r.cloud.Lambda.Register(name, lambdacore.FunctionConfig{
			TimeoutSeconds: int(functionTimeout.Seconds()), DeadLetterQueueARN: "arn:aws:sqs:" + region + ":" + accountID + ":" + names.DeadLetters(),
		})
		if err != nil {
			return fmt.Errorf("install %s: %w", service, err)
		}
	}
	r.functions = installed
	return r.cloud.Lambda.AddMapping(names.WorkDeadLetters(), names.Function("handle-timeout"), 10, true)
}

func queueName(in *sqs.ReceiveMessageInput) string {
	url := aws.ToString(in.QueueUrl)
	return url[strings.LastIndexByte(url, '/')+1:]
}
