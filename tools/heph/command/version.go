package command

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says which heph this is.
type build struct {
	Version  string `json:"version"`          // the module's, else the commit, else "unknown"
	Commit   string `json:"commit,omitempty"` // with "-dirty" if the tree had changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// unknown is the version of a program that was built without one, and without its commit.
const unknown = "unknown"

func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(info)
}

// buildOf reads what the Go linker wrote down.
func buildOf(info *debug.BuildInfo) build {
	b := build{Version: unknown, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	dirty := ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				dirty = "-dirty"
			}
		}
	}
	if b.Commit != "" {
		b.Commit += dirty
		b.Version = b.Commit
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	return b
}

// String is the build as one line.
func (b build) String() string {
	line := fmt.Sprintf("heph %s %s %s", b.Version, b.Go, b.Platform)
	switch {
	case b.Version == unknown:
		line += ": it was built without its version and commit, which go install writes down in a checkout, unless -buildvcs=false"
	case b.Commit != "" && b.Commit != b.Version:
		line += " " + b.Commit
	}
	return line
}

func (a *app) version() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Say which heph this is",
		Long:    "Say which heph this is: its version, the commit that it was built from, Go's version and the platform.",
		Example: "  heph version\n  heph version -o json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if a.output == asJSON {
				return a.json(b, "  ")
			}
			a.out().Printf("%s\n", b)
			return nil
		},
	}
	a.outputFlag(cmd)
	return cmd
}
