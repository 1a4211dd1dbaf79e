// Package determinism is an analyzer that keeps the machine out of code that is replayed from a
// seed: the wall clock, randomness, goroutines and their primitives, the system, and the order of
// maps.
//
// It promises to find every use that the syntax and the types show, in the packages of its scope,
// except in tests. It does not follow calls: it does not find a package out of scope that reads the
// clock for a caller in scope. A use that is right all the same is marked on its line, or on the
// one above, with
//
//	//determinism:ok the reason why
//
// and a mark without a reason, or one that marks nothing, is a finding itself.
package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Analyzer reports what may differ between two runs of the same input.
var Analyzer = &analysis.Analyzer{
	Name: "determinism",
	Doc:  "forbids, in packages that are replayed from a seed, what may differ between two runs",
	Run:  run,
}

var scope, except string

func init() {
	Analyzer.Flags.StringVar(&scope, "scope", `/hephaestus/(model|sim)(/|$)`, "pattern of the import paths that are checked")
	// mutants reads and rewrites source files; a test may call the lab from several goroutines.
	Analyzer.Flags.StringVar(&except, "except", `/hephaestus/sim/(proof/mutants|simtest)(/|$)`, "pattern of those that are not")
}

// imports maps each package that may not be imported to what to take instead.
var imports = map[string]string{
	"math/rand": "a chooser", "math/rand/v2": "a chooser", "crypto/rand": "an id source", "github.com/google/uuid": "an id source",
	"os": "values", "os/exec": "values", "os/signal": "events", "net": "events", "net/http": "events", "syscall": "values",
	"sync": "a caller that serialises calls", "sync/atomic": "a caller that serialises calls",
	"hash/maphash": "a hash without a seed of the process", "unsafe": "values",
}

// clock are the functions of package time that read the machine's clock or wait for it.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// clocked are the functions of other packages that do so.
var clocked = map[string][]string{"context": {"WithTimeout", "WithDeadline", "WithTimeoutCause", "WithDeadlineCause", "AfterFunc"}}

func run(pass *analysis.Pass) (any, error) {
	in, err := regexp.Compile(scope)
	if err != nil {
		return nil, err
	}
	out, err := regexp.Compile(except)
	if err != nil {
		return nil, err
	}
	if path := "/" + pass.Pkg.Path(); !in.MatchString(path) || out.MatchString(path) {
		return nil, nil
	}
	declarations, known := declarationsOf(pass.Files, pass.TypesInfo), map[*types.Func]bool{}
	for _, file := range pass.Files {
		if strings.HasSuffix(pass.Fset.Position(file.FileStart).Filename, "_test.go") {
			continue
		}
		c := &checker{pass: pass, marks: marksOf(pass.Fset, file), declarations: declarations, known: known}
		c.file(file)
		c.unused()
	}
	return nil, nil
}

// checker checks one file.
type checker struct {
	pass         *analysis.Pass
	marks        []*mark
	declarations map[*types.Func]*ast.FuncDecl // of the package
	known        map[*types.Func]bool          // see computes
}

// mark is a comment that lets a line pass.
type mark struct {
	line   int
	pos    token.Pos
	reason string
	used   bool
}

const okay = "//determinism:ok"

func marksOf(fset *token.FileSet, file *ast.File) []*mark {
	var marks []*mark
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if reason, ok := strings.CutPrefix(comment.Text, okay); ok {
				marks = append(marks, &mark{line: fset.Position(comment.Pos()).Line, pos: comment.Pos(), reason: strings.TrimSpace(reason)})
			}
		}
	}
	return marks
}

// report reports a finding at a node, unless a mark lets its line pass.
func (c *checker) report(n ast.Node, format string, args ...any) {
	line := c.pass.Fset.Position(n.Pos()).Line
	for _, m := range c.marks {
		if m.line == line || m.line == line-1 {
			m.used = true
			return
		}
	}
	c.pass.Reportf(n.Pos(), format, args...)
}

func (c *checker) unused() {
	for _, m := range c.marks {
		switch {
		case m.reason == "":
			c.pass.Reportf(m.pos, "a mark has to say why the line may stay")
		case !m.used:
			c.pass.Reportf(m.pos, "the mark marks nothing")
		}
	}
}

func (c *checker) file(file *ast.File) {
	for _, spec := range file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil && imports[path] != "" {
			c.report(spec, "import of %s: take %s", path, imports[path])
		}
	}
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok {
			c.walk(declaration, nil)
			continue
		}
		if f.Body != nil {
			c.walk(f.Body, f.Body)
		}
	}
}

// walk checks what is in n; body is that of the function around it, nil for none.
func (c *checker) walk(n ast.Node, body *ast.BlockStmt) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			c.report(n, "a goroutine: the runtime decides when it runs")
		case *ast.SelectStmt:
			c.report(n, "a select: the runtime decides which case is taken")
		case *ast.SelectorExpr:
			c.selector(n)
		case *ast.CallExpr:
			if c.isCallOf(n, "slices", "Collect") && len(n.Args) == 1 && c.overMap(n.Args[0]) {
				c.report(n, "a slice in the order of a map: use slices.Sorted")
			}
		case *ast.RangeStmt:
			if c.overMap(n.X) && !(loop{checker: c, body: body, of: n}).ordered() {
				c.report(n, "the order of a map may leak out of this loop: sort the keys")
			}
		}
		return true
	})
}

// selector checks a name of another package.
func (c *checker) selector(s *ast.SelectorExpr) {
	object := c.pass.TypesInfo.Uses[s.Sel]
	if object == nil || object.Pkg() == nil {
		return
	}
	f, ok := object.(*types.Func)
	if !ok {
		return
	}
	path, name := object.Pkg().Path(), object.Name()
	method := f.Signature().Recv() != nil
	switch {
	case path == "time" && !method && slices.Contains(clock, name), slices.Contains(clocked[path], name):
		c.report(s, "%s.%s: the machine's clock; take the time as an argument", path, name)
	case path == "reflect" && method && (name == "MapRange" || name == "MapKeys"):
		c.report(s, "reflect's %s: the order of a map", name)
	}
}

// overMap says whether a range over x follows the order of a map.
func (c *checker) overMap(x ast.Expr) bool {
	if t := c.pass.TypesInfo.TypeOf(x); t != nil {
		if _, ok := t.Underlying().(*types.Map); ok {
			return true
		}
	}
	call, ok := x.(*ast.CallExpr)
	return ok && (c.isCallOf(call, "maps", "Keys") || c.isCallOf(call, "maps", "Values") || c.isCallOf(call, "maps", "All"))
}

func (c *checker) isCallOf(call *ast.CallExpr, pkg, name string) bool {
	function := call.Fun
	if index, ok := function.(*ast.IndexExpr); ok {
		function = index.X
	}
	s, ok := function.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	object := c.pass.TypesInfo.Uses[s.Sel]
	return object != nil && object.Pkg() != nil && object.Pkg().Path() == pkg && object.Name() == name
}
