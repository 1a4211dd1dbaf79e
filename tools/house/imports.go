package house

import (
	"fmt"
	"strings"
)

// layer says which packages of ours those below one folder may import.
type layer struct {
	dir string
	may []string
	why string
}

// layers are searched in order: a package's layer is the first whose folder holds it.
var layers = []layer{
	{"sim/aws", []string{"sim/aws"},
		"a core imitates AWS from AWS's own types: if it knew our code, its answers about our code would be no evidence"},
	{"model", []string{"model"},
		"the protocol has to be readable, and searchable, by someone who knows nothing else here"},
	{"libs", []string{"libs", "model"},
		"what runs on AWS must not carry a service, a tool or the simulation with it"},
	{"sim", []string{"sim", "services", "libs", "model", "deploy"},
		"the world runs the real handlers and the real state machine; a tool is something that runs the world"},
	{"deploy", []string{"deploy", "libs"},
		"it is what AWS is told: it knows the names that the libraries use, not who runs it"},
	{"tools", []string{"tools", "sim", "services", "libs", "model", "deploy"}, ""},
}

const whyServicesStandAlone = "a service is deployed alone: what two of them share belongs in libs, and the simulation runs them, they do not know it"

// lab is what tests of libraries and services may import too: a test is not deployed, and the rules
// of a protocol on DynamoDB are best shown on a DynamoDB.
const lab = "sim/simtest"

// layerOf finds what a folder may import. Each service is a layer of its own.
func layerOf(dir string) (layer, bool) {
	if rest, ok := strings.CutPrefix(dir, "services/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		own := "services/" + name
		return layer{own, []string{own, "libs"}, whyServicesStandAlone}, true
	}
	for _, l := range layers {
		if within(dir, l.dir) {
			return l, true
		}
	}
	return layer{}, false
}

func checkImports(t *Tree) []string {
	var findings []string
	for _, f := range t.GoFiles {
		for _, imported := range f.Imports() {
			target, ours := strings.CutPrefix(imported, Module+"/")
			if !ours {
				continue
			}
			l, known := layerOf(f.Dir)
			if !known {
				findings = append(findings, fmt.Sprintf("%s: imports %s from a folder that has no place in the import order", f.Path, target))
				continue
			}
			if f.Test && target == lab && withinAny(f.Dir, []string{"libs", "services"}) {
				continue
			}
			if !withinAny(target, l.may) {
				findings = append(findings, fmt.Sprintf("%s: imports %s, but %s may import only %s: %s",
					f.Path, target, l.dir, strings.Join(l.may, ", "), l.why))
			}
		}
	}
	return findings
}
