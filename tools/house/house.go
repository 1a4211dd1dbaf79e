// Package house holds the rules of this repository that a compiler does not know, as checks that
// fail like any test: who may import whom, which packages are pure, that each package says what it
// is for, that files stay short, that the root stays bare, that Bazel and go.mod agree.
//
// A check reads source text and nothing else: it runs no go command and needs no module cache, so
// it answers the same under `go test` and under Bazel. It does not promise what source text does
// not show, such as that a map's order does not leak into a result: tools/nogo does.
//
// Each finding carries the reason of its rule. If a rule is in the way, change it here, with a new
// reason; do not work around it.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Module is the import path of this repository's Go module.
const Module = "github.com/webordinary/hephaestus"

// Rule is one house rule.
type Rule struct {
	Name  string
	Check func(*Tree) []string // one finding per violation: where, what and why
}

// Rules are all house rules, in the order in which they are worth reading.
var Rules = []Rule{
	{"imports point one way", checkImports},
	{"pure packages stay pure", checkPurity},
	{"time comes from the caller", checkClock},
	{"logs say declared events", checkEvents},
	{"every package has one doc comment", checkPackageDocs},
	{"files stay short", checkFileLength},
	{"comments keep one width", checkCommentWidth},
	{"a page that a comment names is there", checkPagesExist},
	{"the root stays bare", checkTopLevel},
	{"nothing names the machine it was written on", checkMachineTraces},
	{"MODULE.bazel agrees with go.mod", checkModuleBazel},
	{"Bazel's visibility is the folder's", checkVisibility},
	{"every Lambda is released, served and called", checkLambdas},
}

// Tree is the repository's text, with its Go files parsed.
type Tree struct {
	TopLevel []string // names in the root, ignored ones left out
	Files    []TextFile
	GoFiles  []GoFile
}

// TextFile is a file that is not binary.
type TextFile struct {
	Path string // from the root, with slashes
	Text string
}

// GoFile is a parsed Go file.
type GoFile struct {
	Path      string // from the root, with slashes
	Dir       string // its folder, "." for the root
	Test      bool   // a _test.go file
	LineCount int
	AST       *ast.File
	positions *token.FileSet
	lines     []string
}

// Line is where a node begins, as path:line.
func (f GoFile) Line(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Path, f.positions.Position(n.Pos()).Line)
}

// startsLine says whether nothing but tabs comes before the column of a line; both count from 1.
func (f GoFile) startsLine(line, column int) bool {
	return strings.Trim(f.lines[line-1][:column-1], "\t") == ""
}

// Imports are the import paths of the file, in its order.
func (f GoFile) Imports() []string {
	var paths []string
	for _, spec := range f.AST.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// Read takes in a whole tree. A Go file that does not parse is an error.
func Read(root fs.FS) (*Tree, error) {
	tree := &Tree{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case ignored(name):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if path.Dir(name) == "." {
			tree.TopLevel = append(tree.TopLevel, name)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		return tree.add(root, name)
	})
	return tree, err
}

func (t *Tree) add(root fs.FS, name string) error {
	content, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	text := string(content)
	if strings.ContainsRune(text, 0) {
		return nil
	}
	t.Files = append(t.Files, TextFile{Path: name, Text: text})
	if path.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/") {
		return nil
	}
	positions := token.NewFileSet()
	parsed, err := parser.ParseFile(positions, name, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.GoFiles = append(t.GoFiles, GoFile{
		Path:      name,
		Dir:       path.Dir(name),
		Test:      strings.HasSuffix(name, "_test.go"),
		LineCount: strings.Count(text, "\n"),
		AST:       parsed,
		positions: positions,
		lines:     strings.Split(text, "\n"),
	})
	return nil
}

// ignored says whether a build or a run left the file behind; git ignores it too.
func ignored(name string) bool {
	base := path.Base(name)
	return name == ".git" || strings.HasSuffix(name, "testdata/rapid") || name == "dist" || name == ".hephaestus" || name == ".bazelrc.user" ||
		strings.HasPrefix(name, "bazel-") ||
		strings.HasSuffix(base, ".test") || strings.HasSuffix(base, ".prof")
}

// within says whether a folder is the given one or lies below it.
func within(dir, top string) bool { return dir == top || strings.HasPrefix(dir, top+"/") }

func withinAny(dir string, tops []string) bool {
	for _, top := range tops {
		if within(dir, top) {
			return true
		}
	}
	return false
}
