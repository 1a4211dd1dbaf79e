package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// The exit statuses, which exitCodesTopic explains.
const (
	ok           = 0
	failed       = 1
	misused      = 2
	otherOutcome = 3
	waitedEnough = 4
	cancelled    = 130
)

// exit is an error with its exit status. If said is set, the command has already told what is
// wrong.
type exit struct {
	status int
	said   bool
	err    error
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

// usage is an error in the command line: exit status 2.
func usage(format string, args ...any) error {
	return &exit{status: misused, err: fmt.Errorf(format, args...)}
}

// errStopped ends a command that Ctrl-C or SIGTERM has stopped before it was done.
var errStopped error = &exit{status: cancelled, err: errors.New("stopped before it was done")}

// report writes the error to stderr and returns the exit status.
func (a *app) report(err error) int {
	status, said := failed, false
	var e *exit
	switch {
	case errors.As(err, &e):
		status, said = e.status, e.said
	case errors.Is(err, context.Canceled): // only Ctrl-C and SIGTERM cancel a command's context
		status, err = cancelled, errStopped
	case strings.HasPrefix(err.Error(), "unknown command"):
		status = misused
	}
	if said {
		return status
	}
	if a.output == asJSON {
		a.reportJSON(err, status)
		return status
	}
	s := a.err()
	s.Printf("%s %s\n", s.Paint(screen.Red, "heph:"), strings.TrimSpace(err.Error()))
	if status == misused && !strings.Contains(err.Error(), "--help") {
		s.Printf("See `heph help`, or any command with --help.\n")
	}
	return status
}

func (a *app) reportJSON(err error, status int) {
	encoder := json.NewEncoder(a.Err)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(map[string]any{"error": map[string]any{"message": err.Error(), "exitStatus": status}})
}

// noArguments refuses arguments of a command that takes flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, got %q: see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// wanted says what a flag of a type takes, in place of strconv's error.
var wanted = map[string]string{
	"int": "a whole number", "uint64": fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64)),
	"duration": "a duration such as 90s or 5m", "bool": "true or false",
}

// flagError says what a flag takes, or names the flag that may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		flag := invalid.GetFlag()
		if want := wanted[flag.Value.Type()]; want != "" {
			return usage("--%s %q: want %s", flag.Name, invalid.GetValue(), want)
		}
		return usage("--%s %w", flag.Name, invalid.Unwrap())
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() == "" {
			if near := nearest(cmd, name); near != "" {
				return usage("unknown flag --%s: did you mean --%s? See `%s --help`", name, near, cmd.CommandPath())
			}
		}
		return usage("%w: see `%s --help`", err, cmd.CommandPath())
	}
	return usage("%w", err)
}

// nearest is the command's flag that is at most two typing errors away from name, or begins with
// it.
func nearest(cmd *cobra.Command, name string) string {
	best, least := "", 3
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		d := distance(name, f.Name)
		if strings.HasPrefix(f.Name, name) {
			d = min(d, 1)
		}
		if d < least && !f.Hidden {
			best, least = f.Name, d
		}
	})
	return best
}

// distance is how many letters to insert, delete or replace, or neighbours to swap (optimal string
// alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1) // rows[i][j] is the distance from the first i letters of a to the first j of b
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					rows[i][j] = min(rows[i][j], 1+rows[i-2][j-2])
				}
			}
		}
	}
	return rows[len(a)][len(b)]
}
