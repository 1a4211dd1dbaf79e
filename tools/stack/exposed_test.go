package stack_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/tools/stack"
	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

func TestAnAddressThatOthersReachNeedsKeys(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0"} {
		for _, keys := range []gateway.Keys{nil, {}} {
			s, err := stack.Start(t.Context(), stack.Config{Address: address, Keys: keys})
			if err == nil {
				s.Close(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), "without access keys") {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
}

func TestOnAnAddressThatOthersReachOnlyTheKeysHolderIsAnswered(t *testing.T) {
	l := startLab(t, 1, "true", func(c *stack.Config) {
		c.Address, c.Keys = "0.0.0.0:0", gateway.Keys{"THEKEY": "a-secret-of-thirty-two-characters"}
	})
	if environ := l.Environ(); !slices.Contains(environ, "AWS_ACCESS_KEY_ID=THEKEY") || !slices.Contains(environ, "AWS_SECRET_ACCESS_KEY=a-secret-of-thirty-two-characters") {
		t.Errorf("a process of this stack gets %v", environ)
	}
	put := func(id, keyID, secret string) error {
		config := l.awsConfig()
		config.Credentials = credentials.NewStaticCredentialsProvider(keyID, secret, "")
		client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(l.Names().Emails()), Key: aws.String("emails/" + id),
			Body: strings.NewReader("From: a@b.example\r\nTo: scott@amelia.example.com\r\nSubject: x\r\nMessage-ID: <" + id + "@b.example>\r\n\r\nx\r\n"),
		})
		return err
	}
	if err := put("m1", "local", "local"); err == nil || !strings.Contains(err.Error(), "not by a key of this stack") {
		t.Errorf("a stranger: %v", err)
	}
	if err := put("m2", "THEKEY", "a-secret-of-thirty-two-characters"); err != nil {
		t.Fatal(err)
	}
	if got := l.outcome("m2"); got != job.Completed {
		t.Errorf("outcome %s", got)
	}
	_, err := sqs.NewFromConfig(l.awsConfig()).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err == nil {
		t.Error("SQS answers the local credentials")
	}
}
