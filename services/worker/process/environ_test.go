package process_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/services/worker/process"
)

func TestTheCommandSeesOnlyWhatIsNamedOfTheWorkersEnvironment(t *testing.T) {
	named := []string{"HOME=/root", "LANG=C", "PATH=/usr/bin:/bin", "TERM=dumb", "TMPDIR=/tmp", "TZ=UTC"}
	secrets := []string{
		"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_SESSION_TOKEN=x", "AWS_PROFILE=x", "AWS_WEB_IDENTITY_TOKEN_FILE=x",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/x", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=x",
		"ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/x", "WORK_QUEUE_URL=x", "GITHUB_TOKEN=x", "HEPHAESTUS_OLD=x", "PATHX=x", "path=x",
	}
	l := shell(t, "true")
	options := process.Options{
		Command: []string{"/bin/sh", "-c", `env | grep -v -e ^HEPHAESTUS_[A-NP-Z] -e ^_= -e ^PWD= -e ^SHLVL= | sort > told.txt`},
		Root:    l.root, Environ: slices.Concat(secrets, named, []string{"API_KEY=of the command", "HEPHAESTUS_FENCE=99"}), Env: []string{"API_KEY", "NOT_SET"},
	}
	host, err := process.New(options, l.objects, l.nudges, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.host = host
	l.run()
	want := append([]string{"API_KEY=of the command"}, named...)
	if got := strings.Split(strings.TrimSpace(l.read("told.txt")), "\n"); !slices.Equal(got, want) {
		t.Errorf("the command sees %q, want %q", got, want)
	}
}

func TestNamesOfVariablesAreReadFromAList(t *testing.T) {
	got, err := process.ParseNames(" API_KEY,, LANG ,")
	if err != nil || !slices.Equal(got, []string{"API_KEY", "LANG"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, list := range []string{"A=b", "A,B=", "AWS_*", "A B"} {
		if got, err := process.ParseNames(list); err == nil {
			t.Errorf("%q is read as %q", list, got)
		}
	}
}
