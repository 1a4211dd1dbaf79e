package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheRepositoryKeepsTheHouseRules(t *testing.T) {
	tree, err := Read(os.DirFS(repositoryRoot(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.GoFiles) == 0 {
		t.Fatal("found no Go files: a rule over nothing proves nothing")
	}
	for _, rule := range Rules {
		t.Run(rule.Name, func(t *testing.T) {
			for _, finding := range rule.Check(tree) {
				t.Error(finding)
			}
		})
	}
}

// repositoryRoot is the folder of MODULE.bazel. Under Bazel the file is a link into the source
// tree.
func repositoryRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, "MODULE.bazel")); err == nil {
			return filepath.Dir(real)
		}
	}
	t.Fatal("no MODULE.bazel in this folder or above it")
	return ""
}

// Each rule is shown a tree that breaks it and one beside it that does not.
func TestARuleFindsWhatItForbids(t *testing.T) {
	const doc = "// Package p is for this test.\n"
	ours := func(path string) string { return "import _ \"" + Module + "/" + path + "\"\n" }
	tests := []struct {
		name    string
		rule    func(*Tree) []string
		files   map[string]string
		finding string // a part of the only finding, or "" for none
	}{
		{"model imports a library", checkImports,
			map[string]string{"model/m.go": "package model\n" + ours("libs/job")}, "model may import only model"},
		{"a library imports the simulation", checkImports,
			map[string]string{"libs/claim/c.go": "package claim\n" + ours("sim/aws/ddbcore")}, "libs may import only libs, model"},
		{"a library imports the lab of the tests", checkImports,
			map[string]string{"libs/claim/c.go": "package claim\n" + ours("sim/simtest")}, "libs may import only libs, model"},
		{"a library's test imports the lab of the tests", checkImports,
			map[string]string{"libs/claim/c_test.go": "package claim_test\n" + ours("sim/simtest")}, ""},
		{"a service's test imports a core", checkImports,
			map[string]string{"services/intake/i_test.go": "package intake_test\n" + ours("sim/aws/ddbcore")}, "services/intake may import only"},
		{"a service imports another service", checkImports,
			map[string]string{"services/intake/i.go": "package intake\n" + ours("services/worker")}, "services/intake may import only services/intake, libs"},
		{"a service's main imports its handler", checkImports,
			map[string]string{"services/intake/lambda/main.go": "package main\n" + ours("services/intake")}, ""},
		{"a core imports a library", checkImports,
			map[string]string{"sim/aws/ddbcore/d.go": "package ddbcore\n" + ours("libs/claim")}, "sim/aws may import only"},
		{"the cloud imports a library", checkImports,
			map[string]string{"sim/aws/cloud/c.go": "package cloud\n" + ours("libs/awsx")}, "sim/aws may import only"},
		{"the world imports a handler", checkImports,
			map[string]string{"sim/world/w.go": "package world\n" + ours("services/intake")}, ""},
		{"the world imports a tool", checkImports,
			map[string]string{"sim/world/w.go": "package world\n" + ours("tools/stack")}, "sim may import only"},
		{"a package has no place", checkImports,
			map[string]string{"util/u.go": "package util\n" + ours("libs/job")}, "no place in the import order"},

		{"a core draws its own randomness", checkPurity,
			map[string]string{"sim/aws/sqscore/s.go": "package sqscore\nimport _ \"math/rand/v2\"\n"}, "imports math/rand/v2"},
		{"a core reads the clock under another name", checkPurity,
			map[string]string{"sim/aws/sqscore/s.go": "package sqscore\nimport clock \"time\"\nvar _ = clock.Now\n"}, "s.go:3: uses time.Now"},
		{"a core starts a goroutine", checkPurity,
			map[string]string{"sim/aws/sqscore/s.go": "package sqscore\nfunc f() { go f() }\n"}, "s.go:2: starts a goroutine"},
		{"the model takes a context", checkPurity,
			map[string]string{"model/m.go": "package model\nimport _ \"context\"\n"}, "a step cannot be cancelled"},
		{"a core's test reads a file", checkPurity,
			map[string]string{"sim/aws/sqscore/s_test.go": "package sqscore\nimport _ \"os\"\n"}, ""},
		{"a core computes with times", checkPurity,
			map[string]string{"sim/aws/sqscore/s.go": "package sqscore\nimport \"time\"\nvar _ = time.Second\n"}, ""},

		{"a handler reads the clock", checkClock,
			map[string]string{"services/intake/i.go": "package intake\nimport \"time\"\nvar _ = time.Now()\n"}, "i.go:3: uses time.Now"},
		{"a main hands in the clock", checkClock,
			map[string]string{"services/intake/lambda/main.go": "package main\nimport \"time\"\nvar _ = time.Now\n"}, ""},

		{"a handler logs prose", checkEvents,
			map[string]string{"services/intake/i.go": "package intake\nfunc f() { h.log.InfoContext(ctx, \"taken\") }\n"}, "i.go:2: calls InfoContext of a logger"},
		{"a handler adds a field to all of its records", checkEvents,
			map[string]string{"services/intake/i.go": "package intake\nvar l = p.Log.With(\"key\", 1)\n"}, "calls With of a logger"},
		{"a handler debugs, and asks an error what it says", checkEvents,
			map[string]string{"services/intake/i.go": "package intake\nfunc f() { h.log.DebugContext(ctx, err.Error()) }\n"}, ""},
		{"an event is written without a field", checkEvents,
			eventFiles("telemetry.Gone{Who: 1}", "Gone{}"), "telemetry.Gone without its Error"},
		{"an event is written by the places of its fields", checkEvents,
			eventFiles("telemetry.Gone{1, 2}", "Gone{}"), "telemetry.Gone without its Who, Error"},
		{"an event is written by nobody", checkEvents,
			eventFiles("1", "Gone{}"), "nobody in services and libs writes the event Gone"},
		{"an event is not on the list", checkEvents,
			eventFiles("telemetry.Gone{Who: 1, Error: 2}", ""), "Events leaves Gone out"},
		{"an event is declared and written", checkEvents,
			eventFiles("telemetry.Gone{Who: 1, Error: 2}", "Gone{}"), ""},

		{"a package without a doc comment", checkPackageDocs,
			map[string]string{"libs/p/p.go": "package p\n"}, "libs/p: no package doc comment"},
		{"a package with two", checkPackageDocs,
			map[string]string{"libs/p/p.go": doc + "package p\n", "libs/p/q.go": doc + "package p\n"}, "in each of libs/p/p.go, libs/p/q.go"},
		{"a package with one, and a test with its own", checkPackageDocs,
			map[string]string{"libs/p/p.go": doc + "package p\n", "libs/p/p_test.go": doc + "package p\n"}, ""},

		{"a long file", checkFileLength,
			map[string]string{"libs/p/p.go": "package p\n" + strings.Repeat("\n", maxFileLines)}, "601 lines"},
		{"a file just short enough", checkFileLength,
			map[string]string{"libs/p/p.go": "package p\n" + strings.Repeat("\n", maxFileLines-1)}, ""},

		{"a wide comment", checkCommentWidth,
			map[string]string{"libs/p/p.go": "package p\n\n// " + strings.Repeat("word ", 20) + "\n"}, "p.go:3: a comment of"},
		{"a wide comment that is indented", checkCommentWidth,
			map[string]string{"libs/p/p.go": "package p\n\ntype t struct {\n\t// " + strings.Repeat("word ", 18) + "word\n\tn int\n}\n"}, "p.go:4: a comment of"},
		{"comments that may be wide", checkCommentWidth,
			map[string]string{"libs/p/p.go": "package p\n\n// " + strings.Repeat("x", 100) + "\n\n//\t" + strings.Repeat("word ", 25) + "\nvar n int // " + strings.Repeat("word ", 20) + "\n"}, ""},

		{"a page that is not there", checkPagesExist,
			map[string]string{"libs/p/p.go": "package p\n\n// See gone.md.\n", "docs/d.md": ""}, "names gone.md, which is not in the tree"},
		{"pages that are there", checkPagesExist,
			map[string]string{"libs/p/p.go": "package p\n\n// See docs/d.md and p.md.\n", "docs/d.md": "", "libs/p/p.md": ""}, ""},

		{"an entry in the root", checkTopLevel, map[string]string{"utils/u.txt": ""}, "utils: not one of the root's entries"},
		{"what a build leaves in the root", checkTopLevel, map[string]string{"bazel-bin/x": "", "dist/x.zip": "", ".bazelrc": ""}, ""},

		{"a home folder", checkMachineTraces, map[string]string{"docs/d.md": "see\n/ho" + "me/me/notes\n"}, "docs/d.md:2"},

		{"use_repo lacks a module that is imported", checkModuleBazel,
			moduleFiles("1.26.8", ""), `use_repo lacks "net_example_two_go_v2"`},
		{"use_repo has what is imported", checkModuleBazel,
			moduleFiles("1.26.8", `"net_example_two_go_v2"`), ""},
		{"use_repo has a module that nobody imports", checkModuleBazel,
			moduleFiles("1.26.8", `"net_example_two_go_v2", "net_example_one"`), "nobody imports"},
		{"Bazel builds with another Go", checkModuleBazel,
			moduleFiles("1.25.1", `"net_example_two_go_v2"`), `takes Go "1.25.1"`},

		{"a Lambda that is in all places", checkLambdas, lambdaFiles(""), ""},
		{"a Lambda without an executable", checkLambdas, lambdaFiles("services/smith/lambda/main.go"), "smith is missing in services/NAME/lambda"},
		{"a Lambda that is not released", checkLambdas, lambdaFiles("BUILD.bazel"), "smith is missing in lambdas of //:release"},
		{"a Lambda that is not served", checkLambdas, lambdaFiles("sim/system/system.go"), "heph dev and the simulation would not serve it"},
		{"a Lambda that nothing calls", checkLambdas, lambdaFiles("deploy/statemachine/email-processor.asl.json"), "nothing would call it"},
		{"a Lambda that an event source calls", checkLambdas, with(lambdaFiles("deploy/statemachine/email-processor.asl.json"),
			"deploy/template.yaml", lambdaTemplate+"          Arn: !GetAtt SmithFunction.Arn\n"), ""},
		{"a Lambda that no stack has", checkLambdas, lambdaFiles("deploy/template.yaml"), "no stack would have it"},

		{"a package is open to everyone", checkVisibility,
			map[string]string{"libs/p/BUILD.bazel": `visibility = ["//visibility:public"],`}, "past its folder's"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, text := range test.files {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			tree, err := Read(files)
			if err != nil {
				t.Fatal(err)
			}
			findings := test.rule(tree)
			switch {
			case test.finding == "" && len(findings) > 0:
				t.Errorf("found %q in a tree that keeps the rule", findings)
			case test.finding != "" && (len(findings) != 1 || !strings.Contains(findings[0], test.finding)):
				t.Errorf("found %q, want one finding with %q", findings, test.finding)
			}
		})
	}
}

// eventFiles is a tree that declares one event, Gone, and has a service that writes.
func eventFiles(written, listed string) map[string]string {
	return map[string]string{
		"libs/telemetry/e.go": "package telemetry\ntype Gone struct {\n\tWho int\n\tError int\n}\nfunc (Gone) declared() Declaration { return Declaration{} }\n" +
			"func Events() []Event { return []Event{" + listed + "} }\n",
		"services/intake/i.go": "package intake\nvar _ = " + written + "\n",
	}
}

const lambdaTemplate = "      FunctionName: !Sub \"${Prefix}-smith\"\n"

// lambdaFiles is a tree that has the Lambda smith in all places but one.
func lambdaFiles(without string) map[string]string {
	files := map[string]string{
		"services/smith/lambda/main.go":                "package main\n",
		"BUILD.bazel":                                  "    lambdas = {\n        \"smith\": \"//services/smith/lambda\",\n    },\n    worker = \"//services/worker/cmd\",\n",
		"sim/system/system.go":                         "package system\nfunc Services() []string { return []string{\"smith\"} }\n",
		"deploy/template.yaml":                         lambdaTemplate,
		"deploy/statemachine/email-processor.asl.json": "{\"FunctionName\": \"${StackPrefix}-smith\"}",
	}
	delete(files, without)
	return files
}

func with(files map[string]string, name, text string) map[string]string {
	files[name] = text
	return files
}

// moduleFiles is a tree whose one package imports one of the two modules that go.mod requires.
func moduleFiles(goVersion, useRepo string) map[string]string {
	return map[string]string{
		"MODULE.bazel": "go_sdk.download(version = \"" + goVersion + "\")\nuse_repo(\n    go_deps,\n    " + useRepo + "\n)\n",
		"go.mod":       "module m\n\ngo 1.26.0\n\nrequire (\n\texample.net/one v1.0.0\n\texample.net/two-go/v2 v2.0.0 // indirect\n)\n",
		"libs/p/p.go":  "package p\nimport _ \"example.net/two-go/v2/sub\"\n",
	}
}
