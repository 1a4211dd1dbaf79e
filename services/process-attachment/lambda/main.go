// Command lambda runs process-attachment on AWS Lambda.
//
// Environment: STACK_PREFIX, LOG_LEVEL.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/media"
	processattachment "github.com/webordinary/hephaestus/services/process-attachment"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		boot.Exit("process-attachment", err)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*processattachment.Handler, error) {
	p, err := boot.Load(ctx, "process-attachment")
	if err != nil {
		return nil, err
	}
	settings := processattachment.Settings{Bucket: p.Names.Media(), Limits: media.DefaultLimits()}
	return processattachment.New(p.Clients.S3(), settings, p.Log), nil
}
