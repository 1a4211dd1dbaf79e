// Command lambda runs the sweep on AWS Lambda.
//
// An EventBridge rule calls it (ScheduleExpression "rate(5 minutes)"). It needs
// states:ListExecutions, states:DescribeExecution, and what handle-timeout needs. It needs no
// retries and no dead letter queue: the next sweep does what this one could not.
//
// Environment: STATE_MACHINE_ARN, DEAD_LETTER_URL, SWEEP_AGE, SWEEP_START_AGE, STACK_PREFIX,
// LOG_LEVEL, and the times of libs/claim (CLAIM_TTL, LEASE, …).
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/services/sweep"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		boot.Exit("sweep", err)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*sweep.Handler, error) {
	p, err := boot.Load(ctx, "sweep")
	if err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	settings, err := sweep.SettingsFrom(os.Getenv)
	if err != nil {
		return nil, err
	}
	deadLetterURL, err := boot.Require("DEAD_LETTER_URL")
	if err != nil {
		return nil, err
	}
	stateMachineARN, err := boot.Require("STATE_MACHINE_ARN")
	if err != nil {
		return nil, err
	}
	flows := p.Clients.StepFunctions()
	closer := ending.NewCloser(ending.NewJobs(store, p.Records(), flows, p.Log), ending.NewLetters(store, p.Clients.SQS(), deadLetterURL), time.Now, p.Log)
	return sweep.New(store, flows, closer, stateMachineARN, settings, time.Now, p.Log), nil
}
