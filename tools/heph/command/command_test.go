package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/services/worker/process"
)

// beHeph makes this test binary the program itself, for workers that the demonstration starts.
const beHeph = "HEPH_TEST_BE_HEPH"

func TestMain(m *testing.M) {
	process.BeGuard()
	if os.Getenv(beHeph) != "" {
		os.Exit(Main(context.Background(), os.Args[1:], Standard()))
	}
	os.Exit(m.Run())
}

// answer is what a run of the command line gave.
type answer struct {
	status   int
	out, err string
}

// heph runs the command line with an environment of its own.
func heph(t *testing.T, environ map[string]string, args ...string) answer {
	t.Helper()
	var out, errors bytes.Buffer
	status := Main(t.Context(), args, Streams{
		In: strings.NewReader("From: a@b.example\nTo: dana@atlas.example.com\nSubject: by stdin\n\nhi\n"), Out: &out, Err: &errors,
		Getenv: func(name string) string { return environ[name] },
	})
	return answer{status, out.String(), errors.String()}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const someMail = "From: a@b.example\nTo: scott@amelia.example.com\nSubject: hi\n\nhello\n"

func TestAWrongCommandLineSaysWhatToDo(t *testing.T) {
	mail, prose := write(t, "mail.eml", someMail), write(t, "prose.txt", "Dear all,\n")
	folder := t.TempDir()
	for _, c := range []struct {
		args string
		want string
	}{
		{"sned", "send"},
		{"--colour never", "did you mean --color?"},
		{"--color sometimes", "want auto, always or never"},
		{"sim --sede 1", "did you mean --seed?"},
		{"status --limit many", `--limit "many": want a whole number`},
		{"version now", "heph version takes no arguments"},
		{"status --mesage x", "did you mean --message?"},
		{"status -x", "heph status --help"},
		{"status --key amelia", "want PROJECT#USER"},
		{"status --limit 0", "want 1 or more"},
		{"status -o yaml", "want text or json"},
		{"status --prefix UPPER", "STACK_PREFIX"},
		{"status --endpoint nowhere", "want a URL such as"},
		{"send", "name files, or give at least --from and --to"},
		{"send --from a@b.example", "name files, or give at least --from and --to"},
		{"send --from nobody --to a@b.example", "nobody"},
		{"send no-such-file.eml", "no such file"},
		{"send " + folder, "is a directory"},
		{"send " + prose, "no mail"},
		{"send " + mail + " --from a@b.example", "--from makes a mail, so it goes with no file"},
		{"send " + mail + " --received-at tomorrow", "want RFC 3339"},
		{"send " + mail + " --received-at 5m", "so long ago"},
		{"send --from a@b.example --to a@b.example --body x --body-file " + mail, "leave out one"},
		{"send --from a@b.example --to a@b.example --attach no-such-file", "no such file"},
		{"send --from a@b.example --to a@b.example --attach " + folder, "is a folder"},
		{"send " + mail + " --timeout soon", `--timeout "soon": want a duration such as 90s or 5m`},
		{"dev ./work.sh", "put the command behind --"},
		{"dev --port 70000", "want 0 to 65535"},
		{"dev --dangerously-listen stack.lan", "want an IP address"},
		{"dev --dangerously-listen 0.0.0.0", "set STACK_ACCESS_KEY_ID"},
		{"dev --workers -1", "want 0 or more"},
		{"dev --lease 3s --heartbeat 2s", "at most a third of the lease"},
		{"dev --domain a@b", "--domain"},
		{"dev --routes no-such-file", "no such file"},
		{"dev --routes " + prose, "routes file"},
		{"dev --env TOKEN=secret", "name of a variable alone"},
		{"dev -- no-such-program-anywhere", "cannot be run"},
		{"demo now", "takes no arguments"},
		{"worker", "no command to run"},
		{"help nonsense", `unknown help topic "nonsense"`},
		{"help sim nonsense", `unknown help topic "sim nonsense"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := heph(t, nil, strings.Fields(c.args)...)
			if got.status != misused || !strings.Contains(got.err, c.want) || got.out != "" {
				t.Fatalf("status %d, stdout %q, stderr %q; want status 2 and %q", got.status, got.out, got.err, c.want)
			}
		})
	}
}

func TestWhereNothingListensItSaysHowToStartOne(t *testing.T) {
	got := heph(t, map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "status")
	if got.status != failed || !strings.Contains(got.err, "no stack at http://127.0.0.1:1: start one with `heph dev`") {
		t.Fatalf("%+v", got)
	}
}

func TestTheFlagWinsOverTheEnvironment(t *testing.T) {
	got := heph(t, map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "status", "--endpoint", "http://localhost:2")
	if !strings.Contains(got.err, "no stack at http://localhost:2") {
		t.Fatalf("%+v", got)
	}
}

func TestAnErrorInJSONIsOneObjectOnStderr(t *testing.T) {
	got := heph(t, nil, "status", "-o", "json", "--endpoint", "http://127.0.0.1:1")
	var told struct {
		Error struct {
			Message    string `json:"message"`
			ExitStatus int    `json:"exitStatus"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(got.err), &told); err != nil || got.out != "" {
		t.Fatalf("stdout %q, stderr %q: %v", got.out, got.err, err)
	}
	if told.Error.ExitStatus != failed || !strings.Contains(told.Error.Message, "no stack at") {
		t.Fatalf("%+v", told)
	}
}

func TestAnErrorIsInTheFormThatTheFlagsBeforeItSay(t *testing.T) {
	for args, inJSON := range map[string]bool{
		"sim --json --bad": true, "sim --bad": false, "sim --json --seeds 0": true, "sim -o json --json=false --seeds 0": false, "model --json --scope huge": true,
		"mutants --json --sedes 1": true, "status --json --limit 0": true, "send --json": true, "version -o json now": true, "sim --json=perhaps": false,
	} {
		got := heph(t, nil, strings.Fields(args)...)
		if got.status != misused || strings.HasPrefix(got.err, `{"error":`) != inJSON {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestColoursGoByFlagAndStream(t *testing.T) {
	for _, c := range []struct {
		args    []string
		environ map[string]string
		colours bool
	}{
		{[]string{"version", "now"}, nil, false},
		{[]string{"version", "now"}, map[string]string{"NO_COLOR": "1"}, false},
		{[]string{"--color", "always", "version", "now"}, nil, true},
		{[]string{"--color", "always", "version", "now"}, map[string]string{"NO_COLOR": "1"}, true},
		{[]string{"--color", "never", "version", "now"}, nil, false},
	} {
		if got := heph(t, c.environ, c.args...); strings.Contains(got.err, "\x1b[") != c.colours {
			t.Errorf("%q with %v: %q", c.args, c.environ, got.err)
		}
	}
}

func TestVersionIsDataOnStdout(t *testing.T) {
	got := heph(t, nil, "version", "-o", "json")
	var b build
	if err := json.Unmarshal([]byte(got.out), &b); err != nil || b.Version == "" || b.Go == "" || b.Platform == "" || got.err != "" {
		t.Fatalf("%+v: %v", got, err)
	}
	if got := heph(t, nil, "version"); !strings.HasPrefix(got.out, "heph ") || got.status != ok {
		t.Fatalf("%+v", got)
	}
}

func TestVersionIsTheModulesElseTheCommitElseUnknown(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	revision, modified := debug.BuildSetting{Key: "vcs.revision", Value: commit}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, c := range []struct {
		module   string
		settings []debug.BuildSetting
		version  string
		ends     string
	}{
		{"v1.2.3", nil, "v1.2.3", runtime.GOARCH},
		{"v1.2.4-0.20261126000000-0123456789ab+dirty", []debug.BuildSetting{revision, modified}, "v1.2.4-0.20261126000000-0123456789ab+dirty", commit + "-dirty"},
		{"(devel)", []debug.BuildSetting{revision}, commit, runtime.GOARCH},
		{"", []debug.BuildSetting{modified, revision}, commit + "-dirty", runtime.GOARCH},
		{"(devel)", nil, "unknown", "unless -buildvcs=false"},
		{"", nil, "unknown", "unless -buildvcs=false"},
	} {
		got := buildOf(&debug.BuildInfo{Main: debug.Module{Version: c.module}, Settings: c.settings})
		line := got.String()
		if got.Version != c.version || !strings.HasPrefix(line, "heph "+c.version+" go") || !strings.HasSuffix(line, c.ends) {
			t.Errorf("%q with %v: %+v, said as %q", c.module, c.settings, got, line)
		}
	}
}

func TestEveryCommandIsDescribed(t *testing.T) {
	a := &app{}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" {
			t.Errorf("%s has no help", cmd.CommandPath())
		}
		if cmd.Runnable() && cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(a.root())
}

func TestTheHelpTopicNamesEveryExitStatus(t *testing.T) {
	got := heph(t, nil, "help", "exit-codes")
	for _, status := range []string{"0", "1", "2", "3", "4", "130"} {
		if !regexp.MustCompile(`(?m)^  ` + status + ` +\S`).MatchString(got.out) {
			t.Errorf("no %s in\n%s", status, got.out)
		}
	}
	if got := heph(t, nil, "help", "environment"); !strings.Contains(got.out, "AWS_ENDPOINT_URL") {
		t.Errorf("%+v", got)
	}
}

func TestHelpKnowsEveryCommandAndTopic(t *testing.T) {
	for _, topic := range []string{"", "sim", "exit-codes", "help", "completion", "completion bash", "worker"} {
		if got := heph(t, nil, strings.Fields("help "+topic)...); got.status != ok || got.out == "" || got.err != "" {
			t.Errorf("%s: %+v", topic, got)
		}
	}
}

func TestTheDistanceOfTwoWordsIsInTypingErrors(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"seed", "seed", 0}, {"sede", "seed", 1}, {"sed", "seed", 1}, {"seeed", "seed", 1}, {"seid", "seed", 1}, {"eseds", "seed", 2}, {"", "seed", 4}, {"mode", "sede", 2}} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != got {
			t.Errorf("%s and %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestShellsGetTheirCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := heph(t, nil, "completion", shell); got.status != ok || !strings.Contains(got.out, "heph") {
			t.Errorf("%s: status %d, %d bytes", shell, got.status, len(got.out))
		}
	}
	if got := heph(t, nil, "__complete", "status", "-o", ""); !strings.Contains(got.out, "json") {
		t.Errorf("%+v", got)
	}
}
