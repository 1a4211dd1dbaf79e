// Command cmd is the worker that runs in a container. See process.Usage.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/services/worker/process"
)

func main() {
	process.BeGuard()
	if len(os.Args) == 2 && (os.Args[1] == "-h" || os.Args[1] == "--help") {
		fmt.Print(process.Usage)
		return
	}
	if err := process.Run(context.Background(), os.Args[1:]); err != nil {
		boot.Exit("worker", err)
	}
}
