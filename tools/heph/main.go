// Command heph runs Hephaestus on a laptop and looks into a stack wherever it runs: see `heph
// help`.
package main

import (
	"context"
	"os"

	"github.com/webordinary/hephaestus/tools/heph/command"
)

func main() {
	os.Exit(command.Main(context.Background(), os.Args[1:], command.Standard()))
}
