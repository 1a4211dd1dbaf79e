package house

import (
	"fmt"
	"go/ast"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// lambdaPlaces are the places that must all know a Lambda, each with what comes of forgetting it.
var lambdaPlaces = []struct {
	where string
	find  func(*Tree) []string
	why   string
}{
	{"services/NAME/lambda", lambdasWithMain, "nothing else makes an executable of it"},
	{"lambdas of //:release in BUILD.bazel", lambdasInRelease, "AWS would not get it"},
	{"Services in sim/system", lambdasServed, "heph dev and the simulation would not serve it"},
	{"deploy/template.yaml", lambdasInTemplate, "no stack would have it"},
	{"deploy/statemachine/email-processor.asl.json, or a target in deploy/template.yaml", lambdasCalled, "nothing would call it"},
}

// checkLambdas holds the places to each other.
func checkLambdas(t *Tree) []string {
	known := map[string]map[string]bool{} // by Lambda, the places
	for _, place := range lambdaPlaces {
		for _, name := range place.find(t) {
			if known[name] == nil {
				known[name] = map[string]bool{}
			}
			known[name][place.where] = true
		}
	}
	var findings []string
	for name, has := range known {
		for _, place := range lambdaPlaces {
			if !has[place.where] {
				findings = append(findings, fmt.Sprintf("the Lambda %s is missing in %s: %s", name, place.where, place.why))
			}
		}
	}
	sort.Strings(findings)
	return findings
}

func lambdasWithMain(t *Tree) (names []string) {
	for _, f := range t.GoFiles {
		if rest, ok := strings.CutPrefix(f.Path, "services/"); ok {
			if name, ok := strings.CutSuffix(rest, "/lambda/main.go"); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

var (
	releasedLambda = regexp.MustCompile(`(?m)^\s*"([^"]+)": "//services/[^"]+/lambda"`)
	madeLambda     = regexp.MustCompile(`(?m)^ +FunctionName: !Sub "\$\{Prefix\}-([^"]+)"`)
	calledLambda   = regexp.MustCompile(`"\$\{StackPrefix\}-([^"]+)"`)
	targetLambda   = regexp.MustCompile(`(?m)^ +(?:Arn|Function): !GetAtt (\w+)Function\.Arn`)
	capital        = regexp.MustCompile(`(\w)([A-Z])`)
)

func lambdasInRelease(t *Tree) []string {
	return t.matches("BUILD.bazel", releasedLambda)
}

// lambdasServed are the texts in the function Services.
func lambdasServed(t *Tree) (names []string) {
	for _, f := range t.GoFiles {
		for _, decl := range f.AST.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if ok && f.Dir == "sim/system" && !f.Test && function.Recv == nil && function.Name.Name == "Services" {
				ast.Inspect(function, func(n ast.Node) bool {
					names = append(names, textOf(n)...)
					return true
				})
			}
		}
	}
	return names
}

func lambdasInTemplate(t *Tree) []string { return t.matches("deploy/template.yaml", madeLambda) }

// lambdasCalled are those that the state machine names, and the targets of buckets and rules in the
// template.
func lambdasCalled(t *Tree) []string {
	names := t.matches("deploy/statemachine/email-processor.asl.json", calledLambda)
	for _, id := range t.matches("deploy/template.yaml", targetLambda) {
		names = append(names, strings.ToLower(capital.ReplaceAllString(id, "$1-$2")))
	}
	return names
}

// textOf is the text that a literal stands for; nothing for any other node.
func textOf(n ast.Node) []string {
	literal, ok := n.(*ast.BasicLit)
	if !ok {
		return nil
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return nil
	}
	return []string{text}
}

// matches are the first groups of what the pattern finds in a file.
func (t *Tree) matches(path string, pattern *regexp.Regexp) (found []string) {
	for _, f := range t.Files {
		if f.Path != path {
			continue
		}
		for _, m := range pattern.FindAllStringSubmatch(f.Text, -1) {
			found = append(found, m[1])
		}
	}
	return found
}
