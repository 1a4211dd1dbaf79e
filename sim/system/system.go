// Package system puts the services' handlers behind the interface that Lambda sees: JSON in, JSON
// or an error out. The local runtime and the simulation run the very same handlers through it; they
// differ in the Call, the clock and the ids that they give.
package system

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/libs/media"
	checkactivejob "github.com/webordinary/hephaestus/services/check-active-job"
	handletimeout "github.com/webordinary/hephaestus/services/handle-timeout"
	"github.com/webordinary/hephaestus/services/intake"
	processattachment "github.com/webordinary/hephaestus/services/process-attachment"
	ratelimitedclaim "github.com/webordinary/hephaestus/services/rate-limited-claim"
	recordinterruption "github.com/webordinary/hephaestus/services/record-interruption"
	sendinterrupt "github.com/webordinary/hephaestus/services/send-interrupt"
	"github.com/webordinary/hephaestus/services/sweep"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
)

// Environment is what New needs to make a handler.
type Environment struct {
	Call    client.Call
	Now     func() time.Time
	NewID   func() string
	Pause   claim.Pause
	Names   awsx.Names
	Stack   Addresses
	Claim   claim.Settings
	Flow    job.Settings
	Sweep   sweep.Settings // zero: the defaults
	Routes  mail.Routes
	Senders mail.SenderPolicy
	Limits  mail.Limits
	Log     *slog.Logger

	// Watch, if set, wraps the protocol that the handlers use.
	Watch func(Protocol) Protocol
}

// Protocol is the part of the protocol that handlers and workers need; *claim.Store is one.
type Protocol interface {
	intake.Protocol
	checkactivejob.Protocol
	ratelimitedclaim.Protocol
	sendinterrupt.Protocol
	ending.Protocol
	ending.Marker
	sweep.Protocol
	worker.Protocol
}

// Function is a handler as Lambda sees it.
type Function func(ctx context.Context, payload []byte) (answer []byte, failed *lambdacore.FunctionError)

// Services lists the services that are functions.
func Services() []string {
	return []string{
		"intake", "check-active-job", "rate-limited-claim", "send-interrupt", "record-interruption",
		"handle-timeout", "process-attachment", "sweep",
	}
}

// New makes a service's function.
func New(service string, e Environment) (Function, error) {
	e.Log = e.Log.With("part", service)
	db, queue, tokens, objects := client.NewDynamoDB(e.Call), client.NewSQS(e.Call), client.NewStepFunctions(e.Call), client.NewS3(e.Call)
	kept, err := claim.NewStore(db, e.Names, e.Claim, e.Now, e.NewID, e.Pause)
	if err != nil {
		return nil, err
	}
	var store Protocol = kept
	if e.Watch != nil {
		store = e.Watch(store)
	}
	jobs := ending.NewJobs(store, audit.NewLog(db, e.Names.Interruptions()), tokens, e.Log)
	letters := ending.NewLetters(store, queue, e.Stack.DeadLetterURL)
	closer := ending.NewCloser(jobs, letters, e.Now, e.Log)
	switch service {
	case "intake":
		settings := intake.Settings{
			MediaBucket: e.Names.Media(), StateMachineARN: e.Stack.StateMachineARN,
			Routes: e.Routes, Senders: e.Senders, Limits: e.Limits, Flow: e.Flow,
		}
		handler, err := intake.New(intake.Parts{
			Objects: objects, Threads: intake.NewThreads(db, e.Names, e.Now), Protocol: store,
			Letters: letters, Flows: tokens, Settings: settings, Now: e.Now, Log: e.Log,
		})
		if err != nil {
			return nil, err
		}
		return handles(handler.Serve), nil
	case "check-active-job":
		return handles(checkactivejob.New(store, e.Log).Handle), nil
	case "rate-limited-claim":
		return handles(ratelimitedclaim.New(store, tokens, e.Log).Handle), nil
	case "send-interrupt":
		nudges, err := interrupt.NewQueues(queue, e.Names, e.Stack.WorkQueueURL)
		if err != nil {
			return nil, err
		}
		return handles(sendinterrupt.New(store, nudges, tokens, e.Log).Handle), nil
	case "record-interruption":
		return handles(recordinterruption.New(jobs, e.Log).Handle), nil
	case "handle-timeout":
		return handles(handletimeout.New(closer, tokens, e.Log).Handle), nil
	case "sweep":
		settings, flow := cmp.Or(e.Sweep, sweep.DefaultSettings()), e.Stack.StateMachineARN
		return handles(nothing(sweep.New(store, tokens, closer, flow, settings, e.Now, e.Log).Handle)), nil
	case "process-attachment":
		settings := processattachment.Settings{Bucket: e.Names.Media(), Limits: media.DefaultLimits()}
		return handles(processattachment.New(objects, settings, e.Log).Handle), nil
	}
	return nil, fmt.Errorf("there is no function %q", service)
}

// Context adds to ctx what a handler learns of its invocation, as aws-lambda-go does.
func Context(ctx context.Context, requestID string) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: requestID})
}

// handles adapts a typed handler.
func handles[In, Out any](handle func(ctx context.Context, in In) (Out, error)) Function {
	return func(ctx context.Context, payload []byte) ([]byte, *lambdacore.FunctionError) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, failure(err)
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, failure(err)
		}
		answer, err := json.Marshal(out)
		if err != nil {
			return nil, failure(err)
		}
		return answer, nil
	}
}

// nothing adapts a handler without an answer.
func nothing[In any](handle func(ctx context.Context, in In) error) func(ctx context.Context, in In) (any, error) {
	return func(ctx context.Context, in In) (any, error) { return nil, handle(ctx, in) }
}

// failure names an error by its type, as aws-lambda-go does.
func failure(err error) *lambdacore.FunctionError {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return &lambdacore.FunctionError{Type: t.Name(), Message: err.Error()}
}
