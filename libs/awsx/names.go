package awsx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/webordinary/hephaestus/libs/job"
)

// DefaultPrefix begins every resource's name where STACK_PREFIX is not set.
const DefaultPrefix = "webordinary"

var prefixPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}[a-z0-9]$`)

// Names are the names of a stack's resources, all on one prefix (design.md, Data).
type Names struct{ prefix string }

// NewNames checks a prefix: lower case letters, digits and dashes, 2 to 32, as S3 buckets allow.
// An empty one means DefaultPrefix.
func NewNames(prefix string) (Names, error) {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	if !prefixPattern.MatchString(prefix) {
		return Names{}, fmt.Errorf("STACK_PREFIX %q: want 2 to 32 of a-z 0-9 -, beginning with a letter", prefix)
	}
	return Names{prefix: prefix}, nil
}

// Prefix is what every name begins with.
func (n Names) Prefix() string { return n.prefix }

// ActiveJobs is the table of claims.
func (n Names) ActiveJobs() string { return n.prefix + "-active-jobs" }

// Jobs is the table of what became of each email.
func (n Names) Jobs() string { return n.prefix + "-jobs" }

// JobsByKey is the index of Jobs by projectUserId and receivedAt.
func (n Names) JobsByKey() string { return "by-key" }

// Interruptions is the table of the audit records.
func (n Names) Interruptions() string { return n.prefix + "-interruptions" }

// Threads is the table from RFC message ids to threads.
func (n Names) Threads() string { return n.prefix + "-threads" }

// WorkQueue is the FIFO queue that workers take jobs from.
func (n Names) WorkQueue() string { return n.prefix + "-work.fifo" }

// WorkDeadLetters takes work that used up its receives; handle-timeout empties it.
func (n Names) WorkDeadLetters() string { return n.prefix + "-work-dlq.fifo" }

// DeadLetters is what a person must see: timeouts, failures, mail that cannot be read.
func (n Names) DeadLetters() string { return n.prefix + "-dlq" }

// Emails is the bucket of raw mail.
func (n Names) Emails() string { return n.prefix + "-emails" }

// Media is the bucket of attachments.
func (n Names) Media() string { return n.prefix + "-media" }

// StateMachine is the name of the flow.
func (n Names) StateMachine() string { return n.prefix + "-email-processor" }

// Function is the name of the Lambda of a service ("intake", "check-active-job", …).
func (n Names) Function(service string) string { return n.prefix + "-" + service }

// maxQueueName is SQS's limit (SQS Developer Guide, queue and message identifiers).
const maxQueueName = 80

var queueUnsafe = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// InterruptQueue is the standard queue that nudges the holder of a key. A name outside SQS's
// alphabet, or too long, is cut and gets a hash of the key, so that two keys never share a queue.
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

// ambiguous says whether the dash between project and user could be read at another place:
// a-b#c and a#b-c would share a name.
func ambiguous(project, user string) bool {
	return strings.Contains(project+user, "-")
}
