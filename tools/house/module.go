package house

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// checkModuleBazel holds MODULE.bazel to go.mod, as `bazel mod tidy` would: the same Go release,
// and use_repo for each module that a package of ours imports, or that go.mod calls a tool, and no
// other.
func checkModuleBazel(t *Tree) []string {
	module, goMod := t.text("MODULE.bazel"), t.text("go.mod")
	var findings []string
	wanted := firstSubmatch(goMod, `(?m)^go (\d+\.\d+)`)
	pinned := firstSubmatch(module, `go_sdk\.download\(version = "([^"]+)"\)`)
	if wanted == "" || !strings.HasPrefix(pinned+".", wanted+".") {
		findings = append(findings, fmt.Sprintf("MODULE.bazel: go_sdk.download takes Go %q, go.mod wants %q: both builds have to be the same program", pinned, wanted))
	}

	var used []string
	list := firstSubmatch(module, `(?s)use_repo\(\s*go_deps,(.*?)\)`)
	for _, m := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(list, -1) {
		used = append(used, m[1])
	}
	var needed []string
	for _, m := range t.importedModules(goMod) {
		needed = append(needed, repositoryName(m))
	}
	for _, name := range needed {
		if !slices.Contains(used, name) {
			findings = append(findings, fmt.Sprintf("MODULE.bazel: use_repo lacks %q, whose packages we import", name))
		}
	}
	for _, name := range used {
		if !slices.Contains(needed, name) {
			findings = append(findings, fmt.Sprintf("MODULE.bazel: use_repo has %q, whose packages nobody imports", name))
		}
	}
	return findings
}

// checkVisibility refuses a public package: its folder says who may import it. Gazelle makes a
// package public if it finds no BUILD file yet. A nogo target has to be public, for rules_go
// compiles with it.
func checkVisibility(t *Tree) []string {
	var findings []string
	for _, f := range t.Files {
		opens := path.Base(f.Path) == "BUILD.bazel" && strings.Contains(f.Text, "//visibility:public")
		if analyzers := strings.Contains(f.Text, "\nnogo("); opens && !analyzers {
			findings = append(findings, f.Path+": opens a package to everyone, past its folder's gazelle:default_visibility: empty the file and run gazelle again")
		}
	}
	return findings
}

// importedModules are the modules of go.mod that a Go file of ours imports or that are tools,
// sorted.
func (t *Tree) importedModules(goMod string) []string {
	var required []string
	for _, m := range regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) v\S+`).FindAllStringSubmatch(goMod, -1) {
		required = append(required, m[1])
	}
	var imports []string
	for _, m := range regexp.MustCompile(`(?m)^tool (\S+)`).FindAllStringSubmatch(goMod, -1) {
		imports = append(imports, m[1])
	}
	for _, f := range t.GoFiles {
		imports = append(imports, f.Imports()...)
	}
	found := map[string]bool{}
	for _, imported := range imports {
		best := "" // the longest module path that holds the package
		for _, m := range required {
			if within(imported, m) && len(m) > len(best) {
				best = m
			}
		}
		if best != "" {
			found[best] = true
		}
	}
	var modules []string
	for m := range found {
		modules = append(modules, m)
	}
	sort.Strings(modules)
	return modules
}

// repositoryName is gazelle's name for a Go module: the host's labels in reverse, then the path,
// with underscores for what a Bazel name cannot hold.
func repositoryName(module string) string {
	host, rest, _ := strings.Cut(module, "/")
	labels := strings.Split(host, ".")
	slices.Reverse(labels)
	name := strings.Join(append(labels, strings.Split(rest, "/")...), "_")
	return strings.ToLower(strings.NewReplacer("-", "_", ".", "_", "~", "_").Replace(name))
}

func (t *Tree) text(name string) string {
	for _, f := range t.Files {
		if f.Path == name {
			return f.Text
		}
	}
	return ""
}

func firstSubmatch(text, pattern string) string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
