package boot_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/boot"
)

// environment sets an environment in which a process starts, with changes.
func environment(t *testing.T, changes map[string]string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AWS_PROFILE": "", "STACK_PREFIX": "", "STACK_BUCKET_SUFFIX": "", "LOG_LEVEL": "", "LEASE": "", "CLAIM_TTL": "",
	} {
		t.Setenv(name, value)
	}
	for name, value := range changes {
		t.Setenv(name, value)
	}
}

func TestLoadReadsWhatTheProcessesShare(t *testing.T) {
	environment(t, map[string]string{"STACK_PREFIX": "smithy", "LEASE": "30s"})
	p, err := boot.Load(t.Context(), "intake")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Names.ActiveJobs(); got != "smithy-active-jobs" {
		t.Errorf("the claims' table is %s", got)
	}
	store, err := p.Store()
	if err != nil {
		t.Fatal(err)
	}
	if got := store.Settings().Lease.String(); got != "30s" {
		t.Errorf("the lease is %s", got)
	}
	if p.Records() == nil || p.Log == nil {
		t.Error("no audit log, or no log")
	}
}

func TestAWrongVariableIsNamed(t *testing.T) {
	for _, test := range []struct{ name, value, says string }{
		{"LOG_LEVEL", "loud", `"loud"`},
		{"STACK_PREFIX", "No Such", `"No Such"`},
		{"STACK_BUCKET_SUFFIX", "-1-", `"-1-"`},
		{"LEASE", "90", `"90"`},
		{"CLAIM_TTL", "soon", `"soon"`},
		{"AWS_REGION", "", "no region"},
	} {
		t.Run(test.name, func(t *testing.T) {
			environment(t, map[string]string{test.name: test.value})
			_, err := boot.Load(t.Context(), "intake")
			if err == nil || !strings.Contains(err.Error(), test.name) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want it to name %s and to say %s", err, test.name, test.says)
			}
		})
	}
}

func TestTimesThatDoNotGoTogetherAreRefused(t *testing.T) {
	environment(t, map[string]string{"CLAIM_TTL": "10s"})
	p, err := boot.Load(t.Context(), "intake")
	if err == nil {
		_, err = p.Store()
	}
	if err == nil || !strings.Contains(err.Error(), "claim TTL 10s") {
		t.Errorf("error %v", err)
	}
}

func TestRequireNamesTheVariableThatIsMissing(t *testing.T) {
	t.Setenv("WORK_QUEUE_URL", "https://sqs/work.fifo")
	if got, err := boot.Require("WORK_QUEUE_URL"); err != nil || got != "https://sqs/work.fifo" {
		t.Errorf("%q, %v", got, err)
	}
	t.Setenv("WORK_QUEUE_URL", "")
	if _, err := boot.Require("WORK_QUEUE_URL"); err == nil || err.Error() != "the environment variable WORK_QUEUE_URL is not set" {
		t.Errorf("error %v", err)
	}
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	if err := boot.Pause(t.Context(), time.Millisecond); err != nil {
		t.Errorf("error %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := boot.Pause(over, 1000*time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestRandomIDsDiffer(t *testing.T) {
	a, b := boot.RandomID(), boot.RandomID()
	if a == b || !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(a) {
		t.Errorf("%q and %q: want 16 hex digits, no two the same", a, b)
	}
}
