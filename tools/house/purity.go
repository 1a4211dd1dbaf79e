package house

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// pure are the folders whose packages are functions of their input: a state and an event, with its
// time, go in, a state and effects come out.
var pure = []string{"model", "sim"}

// outside are the folders below the pure ones that are not pure, each with its reason.
var outside = map[string]string{
	"sim/proof/mutants":        "it builds wrong versions of the tree and runs them: a tool, beside what it shows to be sharp",
	"sim/proof/mutants/killer": "the program that it builds",
}

// locks are the pure folders that may lock, each with its reason.
var locks = map[string]string{
	"sim/simtest":  "a test may call the lab from several goroutines, as Lambda would call a handler",
	"sim/aws/wire": "it keeps what it has learnt of a type, which depends on nothing else, for callers in all threads",
}

const whyPure = "a pure package is replayed from a seed and searched state by state; the same input must give the same output"

// impureImports maps what a pure package may not import to what it takes instead.
var impureImports = map[string]string{
	"math/rand":              "a chooser given to its constructor",
	"math/rand/v2":           "a chooser given to its constructor",
	"crypto/rand":            "an id source given to its constructor",
	"github.com/google/uuid": "an id source given to its constructor",
	"os":                     "values",
	"net":                    "events",
	"net/http":               "events",
	"sync":                   "a caller that serialises calls",
	"sync/atomic":            "a caller that serialises calls",
}

// wallClock are the names of package time that read or wait for the machine's clock.
var wallClock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

func checkPurity(t *Tree) []string {
	var findings []string
	for _, f := range t.GoFiles {
		if f.Test || !withinAny(f.Dir, pure) || outside[f.Dir] != "" {
			continue
		}
		for _, imported := range f.Imports() {
			instead, impure := impureImports[imported]
			if imported == "context" && within(f.Dir, "model") {
				instead, impure = "nothing: a step cannot be cancelled", true
			}
			if strings.HasPrefix(imported, "sync") && locks[f.Dir] != "" {
				impure = false
			}
			if impure {
				findings = append(findings, fmt.Sprintf("%s: imports %s; it takes %s: %s", f.Path, imported, instead, whyPure))
			}
		}
		findings = append(findings, clockUses(f, whyPure)...)
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				findings = append(findings, fmt.Sprintf("%s: starts a goroutine: %s", f.Line(n), whyPure))
			}
			return true
		})
	}
	return findings
}

const whyClock = "the simulation runs this code in virtual time; take a clock in the constructor, and let package main hand in the machine's"

// realTime are the files and folders that may use the machine's clock, each with its reason.
var realTime = map[string]string{
	"libs/boot":               "it is the wiring of the mains, where the machine's clock is handed in",
	"libs/mail/parse.go":      "a message made to be slow is cut off in real time; the simulation sets no such limit",
	"services/worker/process": "it runs real processes; the simulation's worker has a host of its own",
}

func keepsRealTime(file string) bool {
	for place := range realTime {
		if within(file, place) {
			return true
		}
	}
	return false
}

// checkClock keeps the machine's clock out of everything that the simulation runs. Tests may use
// it.
func checkClock(t *Tree) []string {
	var findings []string
	for _, f := range t.GoFiles {
		if f.Test || f.AST.Name.Name == "main" || !withinAny(f.Dir, []string{"libs", "services"}) || keepsRealTime(f.Path) {
			continue
		}
		findings = append(findings, clockUses(f, whyClock)...)
	}
	return findings
}

// clockUses finds every mention of the machine's clock, called or handed on.
func clockUses(f GoFile, why string) []string {
	name := localName(f, "time")
	if name == "" {
		return nil
	}
	var findings []string
	ast.Inspect(f.AST, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == name && slices.Contains(wallClock, selector.Sel.Name) {
			findings = append(findings, fmt.Sprintf("%s: uses time.%s: %s", f.Line(n), selector.Sel.Name, why))
		}
		return true
	})
	return findings
}

// localName is what a file calls an imported package of the standard library, or "" if it does not
// import it.
func localName(f GoFile, importPath string) string {
	for _, spec := range f.AST.Imports {
		if spec.Path.Value != `"`+importPath+`"` {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return importPath
	}
	return ""
}
