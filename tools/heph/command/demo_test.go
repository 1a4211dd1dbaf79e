package command

import (
	"os"
	"strings"
	"testing"
)

// The whole demonstration, with real worker processes: this test binary, started again.
func TestTheDemonstrationHoldsAndLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some ten seconds")
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv(beHeph, "1")
	got := heph(t, nil, "demo")
	if got.status != ok || !strings.Contains(got.out, "All checks hold") || got.err != "" {
		t.Fatalf("status %d, stderr %q\n%s", got.status, got.err, got.out)
	}
	for _, want := range []string{"joined", "SIGTERM", "SIGKILL", "superseded", "timed-out", "holidays.html has"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("the story does not tell of %q:\n%s", want, got.out)
		}
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
