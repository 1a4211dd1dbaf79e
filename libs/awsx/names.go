package awsx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/webordinary/hephaestus/libs/job"
)

// DefaultPrefix begins every resource's name if STACK_PREFIX is not set.
const DefaultPrefix = "webordinary"

var prefixPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}[a-z0-9]$`)

// suffixPattern is what the names of buckets may end with: with the longest prefix they have 63
// characters at most.
var suffixPattern = regexp.MustCompile(`^([a-z0-9-]{0,23}[a-z0-9])?$`)

// Names are the names of a stack's resources, all with one prefix. Buckets, whose names are unique
// in the world, may have a suffix too.
type Names struct{ prefix, bucketSuffix string }

// NewNames checks a prefix: 2 to 32 lower case letters, digits and dashes, as S3 buckets allow. An
// empty one means DefaultPrefix.
func NewNames(prefix string) (Names, error) {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	if !prefixPattern.MatchString(prefix) {
		return Names{}, fmt.Errorf("STACK_PREFIX %q: want 2 to 32 of a-z 0-9 -, beginning with a letter", prefix)
	}
	return Names{prefix: prefix}, nil
}

// NamesFrom are the names that the environment gives: STACK_PREFIX, or DefaultPrefix without it,
// and STACK_BUCKET_SUFFIX.
func NamesFrom(getenv func(string) string) (Names, error) {
	names, err := NewNames(getenv("STACK_PREFIX"))
	if err != nil {
		return Names{}, err
	}
	return names.WithBucketSuffix(getenv("STACK_BUCKET_SUFFIX"))
}

// WithBucketSuffix are the names with buckets that end with the suffix: up to 24 lower case
// letters, digits and dashes, and no dash at the end.
func (n Names) WithBucketSuffix(suffix string) (Names, error) {
	if !suffixPattern.MatchString(suffix) {
		return Names{}, fmt.Errorf("STACK_BUCKET_SUFFIX %q: want up to 24 of a-z 0-9 -, and no - at the end", suffix)
	}
	n.bucketSuffix = suffix
	return n, nil
}

// Prefix is what every name begins with.
func (n Names) Prefix() string { return n.prefix }

// BucketSuffix is what the buckets' names end with.
func (n Names) BucketSuffix() string { return n.bucketSuffix }

// ActiveJobs is the table of claims.
func (n Names) ActiveJobs() string { return n.prefix + "-active-jobs" }

// Jobs is the table with one row for each email.
func (n Names) Jobs() string { return n.prefix + "-jobs" }

// JobsByKey is the index of Jobs by projectUserId and receivedAt.
func (n Names) JobsByKey() string { return "by-key" }

// JobsOpen is the index of Jobs that has those for which something is left to do, by openShard and
// admittedAt.
func (n Names) JobsOpen() string { return "open" }

// Interruptions is the table of the records of jobs that did not complete.
func (n Names) Interruptions() string { return n.prefix + "-interruptions" }

// Threads is the table from RFC message ids to threads.
func (n Names) Threads() string { return n.prefix + "-threads" }

// WorkQueue is the FIFO queue that workers take jobs from.
func (n Names) WorkQueue() string { return n.prefix + "-work.fifo" }

// WorkDeadLetters is the queue of work messages that used up their receives; handle-timeout takes
// them.
func (n Names) WorkDeadLetters() string { return n.prefix + "-work-dlq.fifo" }

// IntakeRetries is the queue of S3's events that intake could not take; intake takes them again.
func (n Names) IntakeRetries() string { return n.prefix + "-intake-retries" }

// DeadLetters is the queue of what a person must see: time-outs, failures, mail that cannot be
// read.
func (n Names) DeadLetters() string { return n.prefix + "-dlq" }

// Emails is the bucket of raw mail.
func (n Names) Emails() string { return n.prefix + "-emails" + n.bucketSuffix }

// Media is the bucket of attachments.
func (n Names) Media() string { return n.prefix + "-media" + n.bucketSuffix }

// StateMachine is the name of the state machine.
func (n Names) StateMachine() string { return n.prefix + "-email-processor" }

// ExecutionARN is the ARN that an execution of the state machine gets by its name.
func ExecutionARN(stateMachineARN, name string) string {
	return strings.Replace(stateMachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

// ExecutionName is the name of an execution: its ARN's last part.
func ExecutionName(executionARN string) string {
	return executionARN[strings.LastIndexByte(executionARN, ':')+1:]
}

// Function is the name of the Lambda of a service ("intake", "check-active-job", …).
func (n Names) Function(service string) string { return n.prefix + "-" + service }

// maxQueueName is SQS's limit (SQS Developer Guide, queue and message identifiers).
const maxQueueName = 80

var queueUnsafe = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// InterruptQueue is the standard queue for nudges to the holder of a key. If the name is not in
// SQS's alphabet, too long or ambiguous, it is cut and gets a hash of the key, so that two keys
// never share a queue.
func (n Names) InterruptQueue(key job.Key) string {
	project, user := key.Split()
	name := fmt.Sprintf("%s-interrupts-%s-%s", n.prefix, project, user)
	safe := queueUnsafe.ReplaceAllString(name, "-")
	if safe == name && len(name) <= maxQueueName && !ambiguous(project, user) {
		return name
	}
	sum := sha256.Sum256([]byte(key))
	suffix := "-" + hex.EncodeToString(sum[:8])
	return safe[:min(len(safe), maxQueueName-len(suffix))] + suffix
}

// ambiguous says whether another key may have the same name: a-b#c and a#b-c both become a-b-c.
func ambiguous(project, user string) bool {
	return strings.Contains(project+user, "-")
}
