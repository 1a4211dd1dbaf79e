package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/sim/proof/mutants"
	"github.com/webordinary/hephaestus/sim/proof/shrink"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// mutants shows that the simulation kills wrong versions of the system.
func (a *app) mutants() *cobra.Command {
	var options mutants.Options
	var list, shrink bool
	cmd := &cobra.Command{
		Use:     "mutants",
		GroupID: "prove",
		Short:   "Show that the simulation kills wrong versions of the system",
		Long: `Build wrong versions of the protocol, the handlers, the worker, the state machine and the simulated AWS, each
with one known mistake, and count how soon and by which invariant the simulation kills each; then let the
tree as it is go through the same. The exit status is 1 if a mutant survives or cannot be tried, or the tree
does not survive.

It needs the go tool and the tree's sources, and builds the next mutants while one is hunted. With --shrink each
run that kills is made small and its events are counted: those that a reader of its story has to follow. With
--second it also looks for another invariant that kills the mutant. With --faults-table it also tells for each fault which mutants
live where the fault never strikes: a fault that no mutant needs is not proven useful.`,
		Example: `  heph mutants
  heph mutants --list
  heph mutants --only fence-restarts,late-start-begins
  heph mutants --shrink
  heph mutants --faults-table -o json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if shrink {
				options.Shrink = shrinkBudget
			}
			switch {
			case options.Seeds < 1:
				return usage("--seeds %d: want 1 or more", options.Seeds)
			case options.Budget <= 0:
				return usage("--budget %v: want more than 0", options.Budget)
			case list:
				return a.listMutants(options.Only)
			}
			return a.runMutants(cmd, options)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&options.Only, "only", nil, "try these mutants only")
	flags.BoolVar(&list, "list", false, "tell what each mutant breaks, and try none")
	flags.BoolVar(&shrink, "shrink", false, fmt.Sprintf("make each run that kills small, for %v at most", shrinkBudget))
	flags.BoolVar(&options.Second, "second", false, "look for another invariant that kills each mutant")
	flags.BoolVar(&options.Faults, "faults-table", false, "tell for each fault which mutants live without it")
	flags.IntVar(&options.Seeds, "seeds", mutants.DefaultSeeds, "seeds that each mutant has to survive")
	flags.DurationVar(&options.Budget, "budget", mutants.DefaultBudget, "time that each mutant has to survive")
	flags.StringVar(&options.Root, "root", "", "folder of the tree's go.mod (default: the nearest above)")
	a.outputFlag(cmd)
	return cmd
}

// shrinkBudget bounds how long one run is shrunk.
const shrinkBudget = 30 * time.Second

func (a *app) listMutants(only []string) error {
	all, err := mutants.All()
	if err != nil {
		return err
	}
	some, err := mutants.Select(all, only)
	if err != nil {
		return usage("%w: see `heph mutants --list`", err)
	}
	if a.output == asJSON {
		return a.json(map[string]any{"mutants": some, "bugs": mutants.Bugs()}, "  ")
	}
	s := a.out()
	table := screen.Table{Head: []string{"MUTANT", "LIKE", "BREAKS", "CAUGHT BY"}}
	for _, m := range some {
		table.Rows = append(table.Rows, []screen.Cell{
			screen.Text(m.Name), screen.Text(strings.Join(m.Bugs, " ")), screen.Text(m.Breaks), screen.Text(strings.Join(m.CaughtBy, " ")),
		})
	}
	s.Table(table)
	return nil
}

func (a *app) runMutants(cmd *cobra.Command, options mutants.Options) error {
	if options.Root == "" {
		root, err := treeAbove()
		if err != nil {
			return err
		}
		options.Root = root
	} else if !isTree(options.Root) {
		return usage("--root %s: the go.mod of Hephaestus is not there", options.Root)
	}
	all, err := mutants.All()
	if err != nil {
		return err
	}
	if _, err := mutants.Select(all, options.Only); err != nil {
		return usage("%w: see `heph mutants --list`", err)
	}
	s := a.err()
	options.Progress = func(r mutants.Result) { tellMutant(s, r) }
	report, err := mutants.Run(cmd.Context(), options)
	if err != nil {
		return err
	}
	if err := a.tellReport(report, options.Faults); err != nil {
		return err
	}
	return verdict(report)
}

// verdict is nil if every mutant was killed and the tree as it is was not. Survivors have been told
// already; that a mutant could not be tried is an error like any other.
func verdict(r mutants.Report) error {
	switch {
	case r.OK():
		return nil
	case r.Errors > 0:
		return fmt.Errorf("%d mutants could not be tried, which says nothing of them; %d were not killed", r.Errors, r.Survived)
	case r.Unmutated != nil && r.Unmutated.Error != "":
		return fmt.Errorf("the tree as it is could not be tried; %d mutants were not killed", r.Survived)
	}
	return &exit{status: failed, said: true, err: errors.New("a mutant survives, or the tree as it is does not")}
}

// treeAbove finds the nearest go.mod of Hephaestus.
func treeAbove() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("where am I: %w", err)
	}
	for at := folder; ; at = filepath.Dir(at) {
		if isTree(at) {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not in the tree of Hephaestus: say with --root where its go.mod is", folder)
		}
	}
}

func isTree(folder string) bool {
	content, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	return err == nil && strings.HasPrefix(string(content), "module github.com/webordinary/hephaestus\n")
}

// tellMutant is a line of progress.
func tellMutant(s *screen.Screen, r mutants.Result) {
	verdict, style := "killed", screen.Green
	switch {
	case r.Error != "":
		verdict, style = r.Error, screen.Red
	case r.Breaks == mutants.Nothing && !r.Killed:
		verdict = "survives, as it must"
	case !r.Killed:
		verdict, style = "SURVIVES", screen.Red
	case !r.Expected:
		verdict, style = "killed, but not as it says", screen.Red
	}
	if r.Killed {
		verdict += " by " + r.Invariant
	}
	if r.Second != nil {
		verdict += " and by " + r.Second.Invariant
	}
	s.Printf("%-34s %s", r.Name, s.Paint(style, verdict))
	if r.Package == "" && r.Error == "" {
		if r.Killed {
			s.Printf(", seed %d", r.Seed)
		} else {
			s.Printf(", %d seeds", r.Seeds)
		}
	}
	s.Printf(", %.1f s", r.Seconds)
	if r.Shrunk != nil {
		s.Printf("; %d events of %d in %d runs", r.Shrunk.Events, r.Shrunk.EventsBefore, r.Shrunk.Runs)
	}
	s.Printf("\n")
	if r.Killed && !r.OK() {
		s.Printf("%34s %s\n", "", r.What)
	}
}

// tellReport sums the run up.
func (a *app) tellReport(report mutants.Report, faults bool) error {
	needs := mutants.Necessity(report)
	if a.output == asJSON {
		out := map[string]any{"report": report}
		if faults {
			out["necessity"] = needs
		}
		return a.json(out, "  ")
	}
	s := a.out()
	soon := "in time"
	if !report.SoonEnough {
		soon = "too late: want " + span(mutants.MedianTargetSeconds) + " and " + span(mutants.WorstTargetSeconds)
	}
	s.Printf("%d killed, %d not, %d could not be tried; median %s, worst %s, %s; median %d seeds\n", report.Killed, report.Survived, report.Errors,
		span(report.MedianSeconds), span(report.WorstSeconds), soon, report.MedianSeeds)
	if sizes := report.Stories; sizes != nil {
		s.Printf("%d of %d stories are of %d events or fewer; median %d, worst %d; %d could not be shrunk\n", sizes.Short, sizes.Counted,
			shrink.Short, sizes.Median, sizes.Worst, sizes.Without)
	}
	if !faults {
		return nil
	}
	s.Printf("\n")
	table := screen.Table{Head: []string{"WITHOUT", "MUTANTS", "THAT LIVE"}}
	for _, need := range needs {
		names := strings.Join(need.Mutants, " ")
		if names == "" {
			names = "none: not proven useful"
		}
		table.Rows = append(table.Rows, []screen.Cell{screen.Text(need.Fault), screen.Text(strconv.Itoa(len(need.Mutants))), screen.Text(names)})
	}
	s.Table(table)
	return nil
}

func span(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(100 * time.Millisecond).String()
}
