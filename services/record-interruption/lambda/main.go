// Command lambda runs record-interruption on AWS Lambda.
//
// Environment: STACK_PREFIX, LOG_LEVEL, and the times of libs/claim (CLAIM_TTL, LEASE, …).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/ending"
	recordinterruption "github.com/webordinary/hephaestus/services/record-interruption"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		boot.Exit("record-interruption", err)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*recordinterruption.Handler, error) {
	p, err := boot.Load(ctx, "record-interruption")
	if err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	return recordinterruption.New(ending.NewJobs(store, p.Records(), p.Clients.StepFunctions(), p.Log), p.Log), nil
}
