// Command lambda runs intake on AWS Lambda.
//
// Environment: STATE_MACHINE_ARN, DEAD_LETTER_URL, MAIL_DOMAINS or ROUTES_OBJECT, SENDERS,
// JOB_TIMEOUT_SECONDS, STACK_PREFIX, LOG_LEVEL, and the times of libs/claim (CLAIM_TTL, LEASE, …).
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/intake"
)

func main() {
	handler, err := wire(context.Background())
	if err != nil {
		boot.Exit("intake", err)
	}
	lambda.Start(handler.Serve)
}

func wire(ctx context.Context) (*intake.Handler, error) {
	p, err := boot.Load(ctx, "intake")
	if err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	settings := intake.Settings{MediaBucket: p.Names.Media(), Limits: mail.DefaultLimits()}
	if settings.StateMachineARN, err = boot.Require("STATE_MACHINE_ARN"); err != nil {
		return nil, err
	}
	deadLetterURL, err := boot.Require("DEAD_LETTER_URL")
	if err != nil {
		return nil, err
	}
	objects := p.Clients.S3()
	if settings.Routes, err = intake.RoutesFrom(ctx, os.Getenv, objects); err != nil {
		return nil, err
	}
	if settings.Senders, err = intake.SendersFrom(os.Getenv, settings.Routes); err != nil {
		return nil, err
	}
	if settings.Flow, err = intake.FlowFrom(os.Getenv, p.Settings); err != nil {
		return nil, err
	}
	return intake.New(intake.Parts{
		Objects: objects, Threads: intake.NewThreads(p.Clients.DynamoDB(), p.Names, time.Now), Protocol: store,
		Letters: ending.NewLetters(store, p.Clients.SQS(), deadLetterURL), Flows: p.Clients.StepFunctions(), Settings: settings, Now: time.Now, Log: p.Log,
	})
}
