package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/model/check"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

func (a *app) model() *cobra.Command {
	var scope, mutant string
	cmd := &cobra.Command{
		Use:     "model",
		GroupID: "prove",
		Short:   "Visit every state that the protocol can reach in a small world",
		Long: `Model searches the protocol's pure model: every order of arrival, every interleaving, and every placing of the
scope's faults. A complete search without a violation is a proof for that scope. With --mutant it searches a wrong
version of the protocol, which it has to catch.

Scopes, the smallest first: ` + strings.Join(scopeNames(), ", ") + `. Some need gigabytes of memory.

The exit status is 0 where every promise holds, 1 where one is broken: each with a shortest run that leads to it.`,
		Example: "  heph model\n  heph model --scope pr -o json\n  heph model --mutant no-own-clock",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runModel(cmd.Context(), scope, mutant) },
	}
	cmd.Flags().StringVar(&scope, "scope", check.Scopes()[0].Name, "what to search: "+strings.Join(scopeNames(), ", "))
	cmd.Flags().StringVar(&mutant, "mutant", "", "search this wrong version of the protocol")
	a.outputFlag(cmd)
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions(scopeNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("mutant", cobra.FixedCompletions(mutantNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func scopeNames() (names []string) {
	for _, s := range check.Scopes() {
		names = append(names, s.Name)
	}
	return names
}

func mutantNames() (names []string) {
	for _, m := range check.Mutants() {
		names = append(names, m.Name)
	}
	return names
}

func (a *app) runModel(ctx context.Context, name, mutant string) error {
	scope, known := check.ScopeNamed(name)
	if !known {
		return usage("--scope %q: want one of %s", name, strings.Join(scopeNames(), ", "))
	}
	if mutant != "" && !slices.Contains(mutantNames(), mutant) {
		return usage("--mutant %q: want one of %s", mutant, strings.Join(mutantNames(), ", "))
	}
	var distinct, generated count
	seconds := stopwatch()
	shown := follow(a.err(), func() string {
		return fmt.Sprintf("scope %s: %d million distinct states, %d million steps, %.0f s", name, distinct.Load()/1_000_000, generated.Load()/1_000_000, seconds())
	})
	report := check.Run(scope, check.Options{
		Mutant: mutant, Seconds: seconds,
		Stop: func() bool { return ctx.Err() != nil },
		Progress: func(d, g int64) {
			distinct.Store(uint64(d))
			generated.Store(uint64(g))
		},
	})
	shown.done()
	if a.output == asJSON {
		if err := a.json(report, "  "); err != nil {
			return err
		}
	} else {
		a.tellSearch(report)
	}
	switch {
	case len(report.Violations) > 0:
		return broken()
	case ctx.Err() != nil:
		return errStopped
	case !report.Complete:
		return broken()
	}
	return nil
}

func (a *app) tellSearch(r check.Report) {
	s := a.out()
	what := "the protocol"
	if r.Mutant != "" {
		what = "the mutant " + r.Mutant
	}
	s.Printf("%s, scope %s: %d workers, messages in the threads %s\n", s.Paint(screen.Bold, what), r.Scope.Name, r.Scope.Workers, strings.Join(r.Scope.Patterns, " or "))
	kept := "states are compared whole"
	if r.CollisionBound > 0 {
		kept = fmt.Sprintf("merged, and one taken for another with odds below %.1g", r.CollisionBound)
	}
	s.Printf("  states    %d distinct of %d generated; %s\n", r.Distinct, r.Generated, kept)
	s.Printf("  diameter  %d steps; %d states are ends\n", r.Diameter, r.Ends)
	s.Printf("  speed     %.1f s, %.0f states/s\n\n", r.Seconds, r.StatesPerSecond)
	for _, v := range r.Violations {
		s.Printf("%s%s by a run of %d steps, and by no shorter one:\n", s.Sign("✘"), s.Paint(screen.Red, v.Invariant+" is broken"), len(v.Trace)-1)
		for i, step := range v.Trace {
			s.Printf("  %3d  %s\n", i, step)
		}
	}
	switch {
	case r.Complete && len(r.Violations) == 0:
		s.Printf("%s%s\n", s.Sign("✔"), s.Paint(screen.Green, "complete: every promise holds in every state"))
	case len(r.Violations) == 0:
		s.Printf("%s%s\n", s.Sign("!"), s.Paint(screen.Yellow, "the search is not complete"))
	}
}
