// Command lambda runs check-active-job on AWS Lambda.
//
// Environment: STACK_PREFIX, LOG_LEVEL, and the times of libs/claim (CLAIM_TTL, LEASE, …).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	checkactivejob "github.com/webordinary/hephaestus/services/check-active-job"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		boot.Exit("check-active-job", err)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*checkactivejob.Handler, error) {
	p, err := boot.Load(ctx, "check-active-job")
	if err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	return checkactivejob.New(store, p.Log), nil
}
