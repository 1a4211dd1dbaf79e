// Package awsx is how every process of Hephaestus reaches AWS: one loaded configuration, one set of
// clients, and the names of the stack's resources. The same code reaches AWS, LocalStack and the
// local stack: only AWS_ENDPOINT_URL differs, which the SDK reads itself.
//
// It also tells the three results of a remote write apart (Applied, Refused, Unknown), because an
// error does not prove that nothing happened.
package awsx

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Clients makes the service clients of one AWS configuration.
type Clients struct{ config aws.Config }

// Load reads the configuration that the environment gives (region, credentials, AWS_ENDPOINT_URL).
func Load(ctx context.Context) (Clients, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Clients{}, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return Clients{}, fmt.Errorf("load the AWS configuration: no region: set AWS_REGION")
	}
	return Clients{config: cfg}, nil
}

// From uses a configuration that the caller made.
func From(cfg aws.Config) Clients { return Clients{config: cfg} }

// DynamoDB returns a client of DynamoDB.
func (c Clients) DynamoDB() *dynamodb.Client { return dynamodb.NewFromConfig(c.config) }

// SQS returns a client of SQS.
func (c Clients) SQS() *sqs.Client { return sqs.NewFromConfig(c.config) }

// Lambda returns a client of Lambda.
func (c Clients) Lambda() *lambda.Client { return lambda.NewFromConfig(c.config) }

// StepFunctions returns a client of Step Functions.
func (c Clients) StepFunctions() *sfn.Client { return sfn.NewFromConfig(c.config) }

// S3 returns a client of S3. With a custom endpoint it addresses buckets by path, because
// bucket.127.0.0.1 is not a host name.
func (c Clients) S3() *s3.Client {
	return s3.NewFromConfig(c.config, func(o *s3.Options) {
		o.UsePathStyle = c.config.BaseEndpoint != nil
	})
}
