// Command lambda runs send-interrupt on AWS Lambda.
//
// Environment: WORK_QUEUE_URL, STACK_PREFIX, LOG_LEVEL, and the times of libs/claim (CLAIM_TTL,
// LEASE, …).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/interrupt"
	sendinterrupt "github.com/webordinary/hephaestus/services/send-interrupt"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		boot.Exit("send-interrupt", err)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*sendinterrupt.Handler, error) {
	p, err := boot.Load(ctx, "send-interrupt")
	if err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	workQueueURL, err := boot.Require("WORK_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	nudges, err := interrupt.NewQueues(p.Clients.SQS(), p.Names, workQueueURL)
	if err != nil {
		return nil, err
	}
	return sendinterrupt.New(store, nudges, p.Clients.StepFunctions(), p.Log), nil
}
