package command

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/libs/job"
)

// An automatic reply, as it seems, is held by every policy.
var away = []string{"send", "--from", "joerg@shop.example", "--to", "scott@amelia.example.com", "--subject", "Automatic reply: hi", "--body", "hello"}

func TestAHeldMailIsShownAndReleased(t *testing.T) {
	_, environ := running(t, 1, "echo done")
	got := heph(t, environ, append(away[:len(away):len(away)], "--wait")...)
	id := strings.TrimSpace(got.out)
	if got.status != otherOutcome || !strings.Contains(got.err, id+": held: it may be of a program") {
		t.Fatalf("%+v", got)
	}
	if got := heph(t, environ, "status"); !strings.Contains(got.out, "held") || !strings.Contains(got.out, "Dead letters: 1") {
		t.Errorf("%s", got.out)
	}
	if got := heph(t, environ, "status", "--message", id); !strings.Contains(got.out, "`heph release "+id+" --endpoint") {
		t.Errorf("%s", got.out)
	}
	for range 2 { // the second finds it released
		got := heph(t, environ, "release", id[:20], "-o", "json")
		var released job.Released
		if err := json.Unmarshal([]byte(got.out), &released); got.status != ok || err != nil || !released.Released || released.MessageID != id {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	var seen messageView
	until(t, func() bool {
		got := heph(t, environ, "status", "--message", id, "-o", "json")
		return json.Unmarshal([]byte(got.out), &seen) == nil && seen.Job.Outcome == job.Completed
	})
	if seen.Job.ReleasedAt.IsZero() || !seen.Job.HeldAt.IsZero() {
		t.Errorf("%+v", seen.Job)
	}
}

func TestWhatIsNotHeldIsNotReleased(t *testing.T) {
	_, environ := running(t, 0, "")
	id := strings.TrimSpace(heph(t, environ, draft...).out)
	until(t, func() bool { return heph(t, environ, "status", "--message", id).status == ok })
	if got := heph(t, environ, "release", id); got.status != failed || !strings.Contains(got.err, id+" is not released: it is not held: it is a job; `heph status") {
		t.Errorf("%+v", got)
	}
	if got := heph(t, environ, "release", "unheard-of"); got.status != failed || !strings.Contains(got.err, "no message unheard-of") {
		t.Errorf("%+v", got)
	}
	if got := heph(t, environ, "release"); got.status != misused || !strings.Contains(got.err, "want one message id") {
		t.Errorf("%+v", got)
	}
}
