package command

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says which heph this is.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"` // with "-dirty" where the tree had changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisBuild reads what the Go linker wrote down.
func thisBuild() build {
	b := build{Version: "development", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
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
	}
	return b
}

func (a *app) version() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Say which heph this is",
		Long:    "Say which heph this is: its version, the commit it was built from, Go's version and the platform.",
		Example: "  heph version\n  heph version -o json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if a.output == asJSON {
				return a.json(b, "  ")
			}
			s := a.out()
			s.Printf("heph %s %s %s", b.Version, b.Go, b.Platform)
			if b.Commit != "" {
				s.Printf(" %s", b.Commit)
			}
			s.Printf("\n")
			return nil
		},
	}
	a.outputFlag(cmd)
	return cmd
}
