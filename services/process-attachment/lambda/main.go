// Command lambda runs process-attachment on AWS Lambda.
//
// Environment: STACK_PREFIX, LOG_LEVEL.
package main

import (
	"context"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/media"
	processattachment "github.com/webordinary/hephaestus/services/process-attachment"
)

// memoryLimitBytes makes the runtime free the memory of one picture before it decodes the next, so
// that a function of 512 MB is enough for what media.DefaultLimits lets through.
const memoryLimitBytes = 320 << 20

func main() {
	debug.SetMemoryLimit(memoryLimitBytes)
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
