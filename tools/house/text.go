package house

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// checkPackageDocs wants a package to say what it is for, in one place. A folder with tests alone
// says it in one of its test files.
func checkPackageDocs(t *Tree) []string {
	type pkg struct {
		tests   bool // has nothing but tests
		docs    []string
		testDoc []string
	}
	packages := map[string]*pkg{}
	for _, f := range t.GoFiles {
		p := packages[f.Dir]
		if p == nil {
			p = &pkg{tests: true}
			packages[f.Dir] = p
		}
		p.tests = p.tests && f.Test
		switch {
		case f.AST.Doc == nil:
		case f.Test:
			p.testDoc = append(p.testDoc, f.Path)
		default:
			p.docs = append(p.docs, f.Path)
		}
	}
	var findings []string
	for dir, p := range packages {
		docs := p.docs
		if p.tests {
			docs = p.testDoc
		}
		switch len(docs) {
		case 1:
		case 0:
			findings = append(findings, dir+": no package doc comment: a reader has to learn what a package is for, what it promises and what it does not")
		default:
			findings = append(findings, fmt.Sprintf("%s: a package doc comment in each of %s: one place is enough, and two disagree some day", dir, strings.Join(docs, ", ")))
		}
	}
	sort.Strings(findings)
	return findings
}

const maxFileLines = 600

// longFiles are the files that may be longer, each with its reason.
var longFiles = map[string]string{}

func checkFileLength(t *Tree) []string {
	var findings []string
	long := map[string]bool{}
	for _, f := range t.GoFiles {
		if f.LineCount <= maxFileLines {
			continue
		}
		long[f.Path] = true
		if longFiles[f.Path] == "" {
			findings = append(findings, fmt.Sprintf("%s: %d lines; over %d a file holds more than one thing: split it, or say in longFiles why not", f.Path, f.LineCount, maxFileLines))
		}
	}
	for name := range longFiles {
		if !long[name] {
			findings = append(findings, name+": stands in longFiles but is not long: remove the entry")
		}
	}
	sort.Strings(findings)
	return findings
}

var topLevel = []string{
	"BUILD.bazel", "LICENSE", "MODULE.bazel", "README.md", "go.mod", "go.sum",
	"SECURITY.md", // GitHub shows it to who wants to report a weakness, and people look for it here
	"deploy", "docs", "libs", "model", "services", "sim", "tools",
}

func checkTopLevel(t *Tree) []string {
	var findings []string
	for _, name := range t.TopLevel {
		if !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) {
			findings = append(findings, name+": not one of the root's entries: a newcomer reads the root first, and each new entry there asks for attention")
		}
	}
	return findings
}

// machineTraces are what no text may contain: it would be true on one machine only.
var machineTraces = []struct {
	pattern *regexp.Regexp
	what    string
}{
	{regexp.MustCompile(`/(root|home/[a-z]\w*|Users/\w+)/`), "a home folder"},
	{regexp.MustCompile(`proxy\.golang\.org|deb\.debian\.org|goproxy\.\w+|registry\.npmjs\.org|pypi\.org`), "the host of a package registry, which is the reader's choice"},
}

func checkMachineTraces(t *Tree) []string {
	var findings []string
	for _, f := range t.Files {
		for _, trace := range machineTraces {
			if at := trace.pattern.FindStringIndex(f.Text); at != nil {
				line := 1 + strings.Count(f.Text[:at[0]], "\n")
				findings = append(findings, fmt.Sprintf("%s:%d: %q names %s", f.Path, line, f.Text[at[0]:at[1]], trace.what))
			}
		}
	}
	return findings
}
