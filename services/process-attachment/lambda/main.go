// Command lambda runs process-attachment on AWS Lambda.
//
// Environment: STACK_PREFIX (default webordinary) names the buckets, LOG_LEVEL is info by default.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/media"
	"github.com/webordinary/hephaestus/libs/telemetry"
	processattachment "github.com/webordinary/hephaestus/services/process-attachment"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "process-attachment:", err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*processattachment.Handler, error) {
	log, err := telemetry.Logger(os.Stdout, "process-attachment", os.Getenv("LOG_LEVEL"))
	if err != nil {
		return nil, err
	}
	names, err := awsx.NewNames(os.Getenv("STACK_PREFIX"))
	if err != nil {
		return nil, err
	}
	clients, err := awsx.Load(ctx)
	if err != nil {
		return nil, err
	}
	settings := processattachment.Settings{Bucket: names.Media(), Limits: media.DefaultLimits()}
	return processattachment.New(clients.S3(), settings, log), nil
}
