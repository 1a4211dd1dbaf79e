// Command heph runs Hephaestus on a laptop and looks into a stack wherever it runs: see `heph
// help`.
package main

import (
	"context"
	"os"

	"github.com/webordinary/hephaestus/services/worker/process"
	"github.com/webordinary/hephaestus/tools/heph/command"
)

func main() {
	process.BeGuard()
	os.Exit(command.Main(context.Background(), os.Args[1:], command.Standard()))
}
