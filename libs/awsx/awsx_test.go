package awsx_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
)

func cancelled(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, code := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
	}
	return fmt.Errorf("operation error DynamoDB: %w", e)
}

func api(code string) error {
	return fmt.Errorf("operation error: %w", &smithy.GenericAPIError{Code: code})
}

func TestHowAWriteEnded(t *testing.T) {
	tests := []struct {
		name    string
		err     error
		want    awsx.Result
		lasting bool
	}{
		{"no error", nil, awsx.Applied, false},
		{"a false condition", fmt.Errorf("op: %w", &types.ConditionalCheckFailedException{}), awsx.Refused, false},
		{"a transaction with a false condition", cancelled("None", "ConditionalCheckFailed"), awsx.Refused, false},
		{"a transaction with two", cancelled("ConditionalCheckFailed", "ConditionalCheckFailed", ""), awsx.Refused, false},
		{"a conflict of transactions", cancelled("TransactionConflict", "None"), awsx.Unknown, false},
		{"a false condition beside a conflict", cancelled("ConditionalCheckFailed", "TransactionConflict"), awsx.Unknown, false},
		{"a throttled transaction", cancelled("None", "ThrottlingError"), awsx.Unknown, false},
		{"a cancelled transaction without a reason", cancelled("None", "None"), awsx.Unknown, false},
		{"a cancelled transaction without reasons", cancelled(), awsx.Unknown, false},
		{"a transaction in progress", fmt.Errorf("op: %w", &types.TransactionInProgressException{}), awsx.Unknown, false},
		{"a lost answer", errors.New("connection reset by peer"), awsx.Unknown, false},
		{"an internal error", api("InternalServerError"), awsx.Unknown, false},
		{"throttling", api("ThrottlingException"), awsx.Unknown, false},
		{"an ended context", context.Canceled, awsx.Unknown, false},
		{"a deadline", context.DeadlineExceeded, awsx.Unknown, false},
		{"a request that is wrong", api("ValidationException"), awsx.Unknown, true},
		{"a request that is not allowed", api("AccessDeniedException"), awsx.Unknown, true},
		{"a table that is not there", fmt.Errorf("op: %w", &types.ResourceNotFoundException{}), awsx.Unknown, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := awsx.Classify(test.err); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
			if got := awsx.Lasting(test.err); got != test.lasting {
				t.Errorf("lasting: %v", got)
			}
		})
	}
}

func TestThePrefixOfNames(t *testing.T) {
	for prefix, want := range map[string]string{
		"": "webordinary", "dev-1": "dev-1", "ab": "ab", strings.Repeat("x", 32): strings.Repeat("x", 32),
		"a": "", strings.Repeat("x", 33): "", "Dev": "", "1dev": "", "dev-": "", "dev_1": "", "dev.1": "",
	} {
		names, err := awsx.NewNames(prefix)
		if names.Prefix() != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", prefix, names.Prefix(), err)
		}
	}
}

func TestEveryNameHangsOnThePrefix(t *testing.T) {
	n := names(t, "dev")
	got := []string{
		n.ActiveJobs(), n.Jobs(), n.Interruptions(), n.Threads(), n.WorkQueue(), n.WorkDeadLetters(), n.IntakeRetries(), n.DeadLetters(),
		n.Emails(), n.Media(), n.StateMachine(), n.Function("intake"), n.InterruptQueue("amelia#scott"),
	}
	want := []string{
		"dev-active-jobs", "dev-jobs", "dev-interruptions", "dev-threads", "dev-work.fifo", "dev-work-dlq.fifo", "dev-intake-retries", "dev-dlq",
		"dev-emails", "dev-media", "dev-email-processor", "dev-intake", "dev-interrupts-amelia-scott",
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("names\n\t%s\nwant\n\t%s", got, want)
	}
}

func names(t interface{ Fatal(...any) }, prefix string) awsx.Names {
	n, err := awsx.NewNames(prefix)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func TestInterruptQueues(t *testing.T) {
	n := names(t, "webordinary")
	hashed := regexp.MustCompile(`-[0-9a-f]{16}$`)
	for key, wantHash := range map[job.Key]bool{
		"amelia#scott":                          false,
		"a_b#c":                                 false,
		"amelia.site#scott":                     true,
		"a-b#c":                                 true,
		"a#b-c":                                 true,
		job.Key(strings.Repeat("x", 60) + "#y"): true,
	} {
		name := n.InterruptQueue(key)
		if !queueName.MatchString(name) || hashed.MatchString(name) != wantHash {
			t.Errorf("%s: queue %s, want a hash: %v", key, name, wantHash)
		}
	}
}

func TestNoTwoKeysShareAnInterruptQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[ab0][ab0._-]{0,40}`)
		n := names(t, rapid.SampledFrom([]string{"webordinary", strings.Repeat("p", 32)}).Draw(t, "prefix"))
		one := job.Key(part.Draw(t, "project") + "#" + part.Draw(t, "user"))
		two := job.Key(part.Draw(t, "project 2") + "#" + part.Draw(t, "user 2"))
		if name := n.InterruptQueue(one); !queueName.MatchString(name) {
			t.Fatalf("%s: %s is no name of a queue", one, name)
		}
		if one != two && n.InterruptQueue(one) == n.InterruptQueue(two) {
			t.Fatalf("%s and %s share %s", one, two, n.InterruptQueue(one))
		}
	})
}

func TestNamesThatAreMadeOfOthers(t *testing.T) {
	if got, want := awsx.ExecutionARN("arn:aws:states:eu-west-1:1:stateMachine:flow", "m1"), "arn:aws:states:eu-west-1:1:execution:flow:m1"; got != want {
		t.Errorf("execution %s, want %s", got, want)
	}
	if got := awsx.QueueName("https://sqs.eu-west-1.amazonaws.com/123456789012/webordinary-work.fifo"); got != "webordinary-work.fifo" {
		t.Errorf("queue %s", got)
	}
}

func TestSiblingQueue(t *testing.T) {
	for url, want := range map[string]string{
		"https://sqs.eu-west-1.amazonaws.com/123456789012/webordinary-work.fifo": "https://sqs.eu-west-1.amazonaws.com/123456789012/other",
		"http://localhost:4566/000000000000/work":                                "http://localhost:4566/000000000000/other",
		"http://127.0.0.1:9324/":                                                 "",
		"webordinary-work.fifo":                                                  "",
		"account/queue":                                                          "",
		"":                                                                       "",
	} {
		if got, err := awsx.SiblingQueue(url, "other"); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", url, got, err, want)
		}
	}
}

func TestBucketsMayHaveASuffix(t *testing.T) {
	getenv := func(suffix string) func(string) string {
		return func(name string) string {
			return map[string]string{"STACK_PREFIX": "smithy", "STACK_BUCKET_SUFFIX": suffix}[name]
		}
	}
	n, err := awsx.NamesFrom(getenv("-123456789012-use1"))
	if err != nil || n.Emails() != "smithy-emails-123456789012-use1" || n.Media() != "smithy-media-123456789012-use1" || n.Jobs() != "smithy-jobs" {
		t.Errorf("%s, %s, %s: %v", n.Emails(), n.Media(), n.Jobs(), err)
	}
	for _, bad := range []string{"-", "A", "-a-", strings.Repeat("a", 25), "a_b"} {
		if _, err := awsx.NamesFrom(getenv(bad)); err == nil {
			t.Errorf("the suffix %q is taken", bad)
		}
	}
}
