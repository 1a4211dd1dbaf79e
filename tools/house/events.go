package house

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
)

// eventsDir is the folder whose types declare what a log may say.
const eventsDir = "libs/telemetry"

const whyEvents = "heph and the people who look into logs go by declared events and their fields, and would miss it"

// checkEvents wants services and libraries to log nothing but declared events, each with all of its
// fields, and every declared event to be logged by somebody. A line of debugging may stay plain.
func checkEvents(t *Tree) []string {
	declared := declaredEvents(t)
	findings := declared.unlisted()
	written := map[string]bool{}
	for _, f := range logged(t) {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if method := plainLog(n); method != "" {
					findings = append(findings, fmt.Sprintf("%s: calls %s of a logger; it writes an event of %s (telemetry.Write): %s", f.Line(n), method, eventsDir, whyEvents))
				}
			case *ast.CompositeLit:
				name := ofTelemetry(n.Type)
				fields, known := declared.fields[name]
				if !known {
					return true
				}
				written[name] = true
				if missing := without(fields, n); len(missing) > 0 {
					findings = append(findings, fmt.Sprintf("%s: telemetry.%s without its %s: %s", f.Line(n), name, strings.Join(missing, ", "), whyEvents))
				}
			}
			return true
		})
	}
	for _, name := range declared.events {
		if !written[name] {
			findings = append(findings, fmt.Sprintf("%s: nobody in services and libs writes the event %s: whoever waits for it waits in vain", eventsDir, name))
		}
	}
	return findings
}

// declarations are the structs of eventsDir.
type declarations struct {
	fields map[string][]string // of each struct
	events []string            // the structs that are events
	listed []string            // by the function Events
}

func declaredEvents(t *Tree) declarations {
	d := declarations{fields: map[string][]string{}}
	for _, f := range t.GoFiles {
		if f.Dir != eventsDir || f.Test {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok && n.Name.IsExported() {
					d.fields[n.Name.Name] = namesOf(s)
				}
			case *ast.FuncDecl:
				switch {
				case n.Recv != nil && n.Name.Name == "declared":
					d.events = append(d.events, identOf(n.Recv.List[0].Type))
				case n.Recv == nil && n.Name.Name == "Events":
					d.listed = literalsIn(n)
				}
			}
			return true
		})
	}
	return d
}

func (d declarations) unlisted() []string {
	var findings []string
	for _, name := range d.events {
		if !slices.Contains(d.listed, name) {
			findings = append(findings, fmt.Sprintf("%s: Events leaves %s out: no reader knows it, and docs/events.md does not name it", eventsDir, name))
		}
	}
	return findings
}

// writers are the folders in which each event is written.
func writers(t *Tree) map[string][]string {
	dirs := map[string]map[string]bool{}
	for _, f := range logged(t) {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if literal, ok := n.(*ast.CompositeLit); ok {
				if name := ofTelemetry(literal.Type); name != "" {
					if dirs[name] == nil {
						dirs[name] = map[string]bool{}
					}
					dirs[name][f.Dir] = true
				}
			}
			return true
		})
	}
	sorted := map[string][]string{}
	for name, of := range dirs {
		sorted[name] = slices.Sorted(maps.Keys(of))
	}
	return sorted
}

// logged are the files that the rule is about.
func logged(t *Tree) []GoFile {
	var files []GoFile
	for _, f := range t.GoFiles {
		if !f.Test && withinAny(f.Dir, []string{"services", "libs"}) && f.Dir != eventsDir {
			files = append(files, f)
		}
	}
	return files
}

// plainLog is the method of a logger that a call is of, if it writes or adds a field.
func plainLog(call *ast.CallExpr) string {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	switch method.Sel.Name {
	case "InfoContext", "WarnContext", "ErrorContext", "LogAttrs":
		return method.Sel.Name
	case "Info", "Warn", "Error", "Log", "With", "WithGroup":
		if of := strings.ToLower(identOf(method.X)); of == "log" || of == "slog" || of == "logger" {
			return method.Sel.Name
		}
	}
	return ""
}

// ofTelemetry is the name of a type of the package telemetry.
func ofTelemetry(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok && identOf(s.X) == "telemetry" {
		return s.Sel.Name
	}
	return ""
}

// without are the fields that a literal does not name.
func without(fields []string, literal *ast.CompositeLit) []string {
	var missing []string
	for _, field := range fields {
		if !slices.ContainsFunc(literal.Elts, func(e ast.Expr) bool {
			pair, ok := e.(*ast.KeyValueExpr)
			return ok && identOf(pair.Key) == field
		}) {
			missing = append(missing, field)
		}
	}
	return missing
}

func namesOf(s *ast.StructType) []string {
	var names []string
	for _, field := range s.Fields.List {
		if len(field.Names) == 0 { // embedded
			names = append(names, identOf(field.Type))
		}
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

func literalsIn(f *ast.FuncDecl) []string {
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		if literal, ok := n.(*ast.CompositeLit); ok {
			names = append(names, identOf(literal.Type))
		}
		return true
	})
	return names
}

// identOf is the identifier that an expression is or ends with.
func identOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
