// Command lambda runs rate-limited-claim on AWS Lambda.
//
// Environment: STACK_PREFIX, LOG_LEVEL, and the times of libs/claim (CLAIM_TTL, LEASE, …).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	ratelimitedclaim "github.com/webordinary/hephaestus/services/rate-limited-claim"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		boot.Exit("rate-limited-claim", err)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*ratelimitedclaim.Handler, error) {
	p, err := boot.Load(ctx, "rate-limited-claim")
	if err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	return ratelimitedclaim.New(store, p.Clients.StepFunctions(), p.Log), nil
}
