package intake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
)

// RoutesFrom reads the routes: from the object ROUTES_OBJECT (s3://bucket/key) if that is set, else
// the two default rules over the domains of MAIL_DOMAINS, separated by commas.
func RoutesFrom(ctx context.Context, getenv func(string) string, objects Objects) (mail.Routes, error) {
	if object := getenv("ROUTES_OBJECT"); object != "" {
		bucket, key, ok := strings.Cut(strings.TrimPrefix(object, "s3://"), "/")
		if !ok || !strings.HasPrefix(object, "s3://") {
			return mail.Routes{}, fmt.Errorf("ROUTES_OBJECT=%q: want s3://bucket/key", object)
		}
		out, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
		if err != nil {
			return mail.Routes{}, fmt.Errorf("read the routes %s: %w", object, err)
		}
		defer out.Body.Close()
		return mail.ReadRoutes(out.Body)
	}
	domains := getenv("MAIL_DOMAINS")
	if domains == "" {
		return mail.Routes{}, fmt.Errorf("set MAIL_DOMAINS (example.com,example.org) or ROUTES_OBJECT (s3://bucket/key): no mail could be routed")
	}
	return mail.NewRoutes(strings.Split(domains, ",")...)
}

// SendersFrom returns what SENDERS asks of a mail's authors: to be authenticated, if it is not set.
// A policy that goes by the routes' lists needs routes that have some.
func SendersFrom(getenv func(string) string, routes mail.Routes) (mail.SenderPolicy, error) {
	value := getenv("SENDERS")
	if value == "" {
		return mail.SendersAuthenticated, nil
	}
	policy, err := mail.ParseSenderPolicy(value)
	switch {
	case err != nil:
		return "", fmt.Errorf("SENDERS=%w", err)
	case policy == mail.SendersListed && !routes.NameSenders():
		return "", errors.New("SENDERS=listed: no route names senders, so all mail would be held: name some in the routes file (ROUTES_OBJECT)")
	}
	return policy, nil
}

// FlowFrom returns the state machine's times: JOB_TIMEOUT_SECONDS and InterruptWaitSeconds.
func FlowFrom(getenv func(string) string, c claim.Settings) (job.Settings, error) {
	flow := job.Settings{JobTimeoutSeconds: job.DefaultJobTimeoutSeconds, InterruptWaitSeconds: InterruptWaitSeconds(c)}
	if value := getenv("JOB_TIMEOUT_SECONDS"); value != "" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return flow, fmt.Errorf("JOB_TIMEOUT_SECONDS=%q: want a positive number of seconds", value)
		}
		flow.JobTimeoutSeconds = n
	}
	return flow, nil
}

// InterruptWaitSeconds is how long a preemptor waits at most: until the holder's grace is over on
// every clock.
func InterruptWaitSeconds(c claim.Settings) int {
	wait := c.InterruptGrace + 2*c.MaxClockSkew
	return int(wait.Seconds()) + 1
}
