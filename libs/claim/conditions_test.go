package claim_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// condition is one condition of a write of this package: a part, between ANDs, of what the code
// gives to when.
type condition struct {
	file     string
	function string
	text     string
	at       int // its place in the file
}

// unshown are the conditions that no test needs, each with the reason. They stay, because they say
// what the write means.
var unshown = map[string]string{
	"fresh: containerId = :container":            "under the fence that was seen, the claim has the container that was seen",
	"seenRow: containerId = :seen":               "as in fresh",
	"fresh: fence = :fence":                      "the new fence is of the clock, above what starts in the container that was seen may have added",
	"join: expiresAt >= :expiresCutSeconds":      "the claim of the container that was seen ends no earlier than it did then",
	"Interrupt: expiresAt >= :expiresCutSeconds": "as in join",
	"Start: expiresAt >= :expiresCutSeconds":     "as in join",
	"Start: containerId = :container":            "of the claim, as in fresh; of the job, as in CleanUp",
	"Start: contains(jobs, :message)":            "a message whose job is open is still among the claim's jobs",
	"Start: preemptor.threadId = :thread":        "a worker that starts beside a newer thread's request hears of it with its first heartbeat, and yields",
	"CleanUp: containerId = :container":          "a job's container changes with its claim, which is the one that was seen",
}

// TestEachConditionIsNeeded weakens one condition at a time, so that it is always true, and runs
// the package's tests against that. Some test must fail, unless the condition is among unshown.
func TestEachConditionIsNeeded(t *testing.T) {
	if os.Getenv("HEPH_BUDGET") != "long" {
		t.Skip("builds the package's tests once a condition: set HEPH_BUDGET=long")
	}
	all, failed := conditions(t), 0
	for _, c := range all {
		began := time.Now()
		needed := failsWithout(t, c)
		if needed {
			failed++
		}
		t.Logf("%-12s %-7v %5.1f s  %s: %s", c.file, needed, time.Since(began).Seconds(), c.function, c.text)
		if name := c.function + ": " + c.text; needed == (unshown[name] != "") {
			t.Errorf("%s: some test fails without it: %v; unshown says %q", name, needed, unshown[name])
		}
	}
	t.Logf("%d conditions: without %d of them a test fails, without the other %d none", len(all), failed, len(all)-failed)
}

// conditions reads them off the package's sources.
func conditions(t *testing.T) (all []condition) {
	t.Helper()
	if os.Getenv("TEST_SRCDIR") != "" {
		t.Skip("needs the sources, which Bazel's sandbox has not; go test runs it")
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		parsed, err := parser.ParseFile(positions, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			function := "every step"
			if f, ok := decl.(*ast.FuncDecl); ok {
				function = f.Name.Name
			}
			for _, literal := range conditionTexts(decl) {
				at := positions.Position(literal.Pos()).Offset + 1
				text, _ := strconv.Unquote(literal.Value)
				for conjunct := range strings.SplitSeq(text, " AND ") {
					if conjunct != "" {
						all = append(all, condition{file, function, conjunct, at})
					}
					at += len(conjunct) + len(" AND ")
				}
			}
		}
	}
	return all
}

// conditionTexts are the string literals of a declaration that are, or are part of, a condition.
func conditionTexts(decl ast.Decl) (texts []*ast.BasicLit) {
	ast.Inspect(decl, func(n ast.Node) bool {
		var from ast.Node
		switch n := n.(type) {
		case *ast.CallExpr:
			if called, ok := n.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "when" {
				from = n.Args[0]
			}
		case *ast.ValueSpec:
			if n.Names[0].Name == "jobIsOpen" {
				from = n.Values[0]
			}
		}
		if from != nil {
			ast.Inspect(from, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok {
					texts = append(texts, literal)
				}
				return true
			})
		}
		return true
	})
	return texts
}

func TestUnshownConditionsExist(t *testing.T) {
	exist := map[string]bool{}
	for _, c := range conditions(t) {
		exist[c.function+": "+c.text] = true
	}
	for name := range unshown {
		if !exist[name] {
			t.Errorf("there is no condition %q", name)
		}
	}
}

// failsWithout says whether a test of the package fails if the condition is always true.
func failsWithout(t *testing.T, c condition) bool {
	t.Helper()
	source, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(c.file)
	if err != nil {
		t.Fatal(err)
	}
	weak := string(source[:c.at]) + "(" + c.text + " OR attribute_not_exists(nothing))" + string(source[c.at+len(c.text):])
	folder := t.TempDir()
	replaced, overlay := filepath.Join(folder, c.file), filepath.Join(folder, "overlay.json")
	table, err := json.Marshal(map[string]any{"Replace": map[string]string{path: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(replaced, []byte(weak), 0o600), os.WriteFile(overlay, table, 0o600)); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-failfast", "-vet=off", "-overlay", overlay, ".")
	run.Env = append(os.Environ(), "HEPH_BUDGET=", "RAPID_NOFAILFILE=1")
	out, err := run.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "--- FAIL") {
		t.Fatalf("%s: %v\n%s", c.text, err, out)
	}
	return err != nil
}
