// Command nogo runs the house's analyzers: go vet -vettool=$(which nogo) ./...
package main

import (
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/webordinary/hephaestus/tools/nogo/determinism"
)

func main() { unitchecker.Main(determinism.Analyzer) }
