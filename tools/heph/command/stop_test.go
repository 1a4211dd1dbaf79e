package command

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
)

// stopped runs the command line in a context that has ended.
func stopped(t *testing.T, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errors bytes.Buffer
	status := Main(ctx, args, Streams{In: strings.NewReader(""), Out: &out, Err: &errors, Getenv: func(string) string { return "" }})
	return answer{status, out.String(), errors.String()}
}

// ctrlC is a terminal at which Ctrl-C is pressed and nothing typed.
type ctrlC struct{}

func (ctrlC) Read([]byte) (int, error) {
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	select {}
}

func TestCtrlCStopsACommandEvenOneThatReads(t *testing.T) {
	var errors bytes.Buffer
	status := Main(t.Context(), []string{"send", "-"}, Streams{In: ctrlC{}, Out: io.Discard, Err: &errors, Getenv: func(string) string { return "" }})
	if status != cancelled || errors.String() != "heph: stopped before it was done\n" {
		t.Errorf("status %d, stderr %q", status, errors.String())
	}
}

func TestASearchThatIsStoppedIsNotComplete(t *testing.T) {
	got := stopped(t, "model", "--scope", "pr")
	if got.status != cancelled || !strings.Contains(got.out, "the search is not complete") || !strings.Contains(got.err, "stopped before it was done") {
		t.Errorf("%+v", got)
	}
}

func TestACampaignThatIsStoppedDoesNotSayThatAllIsWell(t *testing.T) {
	got := stopped(t, "sim", "--seeds", "1000")
	if got.status != cancelled || !strings.Contains(got.out, "0 of 1000 seeds were run") || strings.Contains(got.out, "in every run") {
		t.Errorf("%+v", got)
	}
	got = stopped(t, "sim", "--seeds", "1000", "--json")
	var report campaign.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || report.Planned != 1000 || report.Seeds != 0 || !strings.Contains(got.err, `"exitStatus":130`) {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestMutantsThatAreStoppedLeaveNothing(t *testing.T) {
	temporary := t.TempDir()
	root := tree(t)
	t.Setenv("TMPDIR", temporary)
	got := stopped(t, "mutants", "--root", root)
	if got.status != cancelled || got.err != "heph: stopped before it was done\n" {
		t.Errorf("%+v", got)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSendThatIsStoppedSaysWhatItHasSent(t *testing.T) {
	s, environ := running(t, 0, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		defer cancel()
		rows := ledger.New(client.NewDynamoDB(s.Call), s.Names())
		for jobs, err := rows.Jobs(ctx, "", 1); err == nil && len(jobs.Rows) == 0; jobs, err = rows.Jobs(ctx, "", 1) {
			time.Sleep(pollEvery)
		}
		time.Sleep(pollEvery) // the answer is on its way
	}()
	var out, errors bytes.Buffer
	args := append(draft[:len(draft):len(draft)], "--wait", "-o", "json")
	status := Main(ctx, args, Streams{Out: &out, Err: &errors, Getenv: func(name string) string { return environ[name] }})
	var told struct{ Sent []sent }
	if err := json.Unmarshal(out.Bytes(), &told); err != nil || len(told.Sent) != 1 || len(told.Sent[0].MessageID) != 40 {
		t.Errorf("stdout %q: %v", out.String(), err)
	}
	if status != cancelled || !strings.Contains(errors.String(), `"exitStatus":130`) {
		t.Errorf("status %d, stderr %q", status, errors.String())
	}
}
