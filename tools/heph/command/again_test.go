package command

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/stack"
)

// ended waits for a message's outcome.
func ended(t *testing.T, s *stack.Stack, id string) claim.Job {
	t.Helper()
	var found claim.Job
	until(t, func() bool {
		j, err := ledger.New(client.NewDynamoDB(s.Call), s.Names()).Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if j != nil {
			found = *j
		}
		return found.Outcome != ""
	})
	return found
}

// breaksOnce is a command that fails the first time in each workspace.
const breaksOnce = `test -e mended && { echo done; exit 0; }; touch mended; exit 7`

func TestAMailThatFailedIsDoneAgainOnce(t *testing.T) {
	s, environ := running(t, 1, breaksOnce)
	id := strings.TrimSpace(heph(t, environ, append(slices.Clone(draft), "--wait")...).out)
	answers := make([]answer, 3)
	var together sync.WaitGroup
	for i := range answers {
		together.Go(func() { answers[i] = heph(t, environ, "again", id[:12]) })
	}
	together.Wait()
	for _, got := range answers {
		if got.status != ok || strings.TrimSpace(got.out) != job.AgainID(id) || !strings.Contains(got.err, id+" ") {
			t.Errorf("%+v", got)
		}
	}
	again := ended(t, s, job.AgainID(id))
	if again.Outcome != job.Completed || again.AgainOf != id || again.Key != "amelia#scott" {
		t.Errorf("the next try %+v", again)
	}
	for of, want := range map[string]string{id: "Again         " + again.MessageID, again.MessageID: "Again of      " + id} {
		if got := heph(t, environ, "status", "--message", of); !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	late := heph(t, environ, "again", id, "-o", "json")
	var told map[string]string
	if err := json.Unmarshal([]byte(late.out), &told); err != nil || told["messageId"] != again.MessageID || told["againOf"] != id {
		t.Errorf("%+v", late)
	}
	if jobs, err := ledger.New(client.NewDynamoDB(s.Call), s.Names()).Jobs(t.Context(), "", 10); err != nil || len(jobs.Rows) != 2 {
		t.Errorf("%d messages, %v", len(jobs.Rows), err)
	}
}

func TestWhatIsNotDoneAgainIsRefusedWithWhatToDoInstead(t *testing.T) {
	s, environ := running(t, 1, `exit 7`)
	failing := strings.TrimSpace(heph(t, environ, append(slices.Clone(draft), "--wait")...).out)
	if got := heph(t, environ, "again", failing); got.status != ok {
		t.Fatalf("%+v", got)
	}
	ended(t, s, job.AgainID(failing))
	at := " --endpoint " + environ["AWS_ENDPOINT_URL"] + " --prefix testing"
	for _, test := range []struct {
		name, id, want string
		outcome        job.Outcome
		more           func(*claim.Job)
	}{
		{"again in vain", failing, "was done again as " + job.AgainID(failing) + ", which is failed: `heph again " + job.AgainID(failing) + at + "`", "", nil},
		{"open", "m-open", "m-open is waiting, and ends by itself: `heph status --message m-open" + at + "`", "", nil},
		{"completed", "m-completed", "m-completed is completed: to ask for more, send a new mail", job.Completed, nil},
		{"superseded", "m-superseded", "send a new mail", job.Superseded, nil},
		{"interrupted", "m-interrupted", "send a new mail", job.Interrupted, nil},
		{"a duplicate", "m-copy", "m-copy is a duplicate of m-completed, which is completed: it would be rejected again", job.Rejected, func(j *claim.Job) { j.DuplicateOf = "m-completed" }},
		{"without its mail", "m-gone", "without it, let its sender send it again", job.Failed, nil},
		{"unknown", "never", "no message never: it never came", "", nil},
	} {
		if test.id != failing && test.id != "never" {
			row := claim.Job{MessageID: test.id, Outcome: test.outcome}
			if test.more != nil {
				test.more(&row)
			}
			put(t, s, row)
		}
		if got := heph(t, environ, "again", test.id); got.status != failed || !strings.Contains(got.err, test.want) || got.out != "" {
			t.Errorf("%s: %+v, want %q", test.name, got, test.want)
		}
	}
	if j := ended(t, s, "m-gone"); j.Again != "" {
		t.Errorf("%+v is noted as done again", j)
	}
	for _, args := range [][]string{{"again"}, {"again", ""}, {"again", "a", "b"}, {"dismiss"}} {
		if got := heph(t, environ, args...); got.status != misused || !strings.Contains(got.err, "name one message") {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestADuplicateOfWhatFailedMeanwhileIsDoneAgain(t *testing.T) {
	s, environ := running(t, 0, "")
	id := strings.TrimSpace(heph(t, environ, draft...).out)
	until(t, func() bool { return heph(t, environ, "status", "--message", id).status == ok })
	put(t, s, claim.Job{MessageID: "m-first", Outcome: job.Failed})
	put(t, s, claim.Job{MessageID: "m-copy", Outcome: job.Rejected, DuplicateOf: "m-first", Raw: &job.ObjectRef{Bucket: s.Names().Emails(), Key: job.EmailFolder + id}})
	if got := heph(t, environ, "again", "m-copy"); got.status != ok || strings.TrimSpace(got.out) != job.AgainID("m-copy") {
		t.Errorf("%+v", got)
	}
}

func TestAnAgainThatWasStoppedMidwayIsCompletedByTheNext(t *testing.T) {
	s, environ := running(t, 1, breaksOnce)
	id := strings.TrimSpace(heph(t, environ, append(slices.Clone(draft), "--wait")...).out)
	row := ended(t, s, id)
	row.Again = job.AgainID(id) // it was noted, and nothing more
	put(t, s, row)
	if got := heph(t, environ, "again", id); got.status != ok {
		t.Fatalf("%+v", got)
	}
	if again := ended(t, s, job.AgainID(id)); again.Outcome != job.Completed {
		t.Errorf("%+v", again)
	}
}
