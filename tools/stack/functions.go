package stack

import (
	"context"
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/deploy/resources"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/system"
)

// functionTimeout is how long a handler may run; Lambda's core stops hearing it then.
const functionTimeout = time.Minute

// install puts every handler behind its function's name.
func (r *runtime) install(names awsx.Names, config Config, made resources.Stack, call client.Call) error {
	environment := system.Environment{
		Call: call, Now: time.Now, NewID: boot.RandomID, Names: names, Stack: made,
		Claim: config.Claim, Flow: config.Flow, Routes: config.Routes, Limits: mail.DefaultLimits(), Log: config.Log,
	}
	r.functions = map[string]system.Function{}
	for _, service := range system.Services() {
		function, err := system.New(service, environment)
		if err != nil {
			return err
		}
		name := names.Function(service)
		r.functions[name] = function
		err = r.cloud.Lambda.Register(name, lambdacore.FunctionConfig{
			TimeoutSeconds: int(functionTimeout.Seconds()), DeadLetterQueueARN: "arn:aws:sqs:" + region + ":" + accountID + ":" + names.DeadLetters(),
		})
		if err != nil {
			return fmt.Errorf("install %s: %w", service, err)
		}
	}
	return r.cloud.Lambda.AddMapping(names.WorkDeadLetters(), names.Function("handle-timeout"), 10, true)
}

// guarded runs a handler as Lambda does: a panic ends this invocation only.
func guarded(ctx context.Context, function system.Function, payload []byte) (answer []byte, failed *lambdacore.FunctionError) {
	defer func() {
		if p := recover(); p != nil {
			answer, failed = nil, &lambdacore.FunctionError{Type: "Runtime.Panic", Message: fmt.Sprint(p)}
		}
	}()
	return function(ctx, payload)
}
