// Command lambda runs handle-timeout on AWS Lambda.
//
// It needs states:DescribeExecution, to read an input that was too large for EventBridge's event.
//
// Environment: DEAD_LETTER_URL, STACK_PREFIX, LOG_LEVEL, and the times of libs/claim (CLAIM_TTL,
// LEASE, …).
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/ending"
	handletimeout "github.com/webordinary/hephaestus/services/handle-timeout"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		boot.Exit("handle-timeout", err)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*handletimeout.Handler, error) {
	p, err := boot.Load(ctx, "handle-timeout")
	if err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	deadLetterURL, err := boot.Require("DEAD_LETTER_URL")
	if err != nil {
		return nil, err
	}
	flows := p.Clients.StepFunctions()
	jobs := ending.NewJobs(store, p.Records(), flows, p.Log)
	letters := ending.NewLetters(store, p.Clients.SQS(), deadLetterURL)
	return handletimeout.New(ending.NewCloser(jobs, letters, time.Now, p.Log), flows, p.Log), nil
}
