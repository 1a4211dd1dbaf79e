package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/proof/mutants/verdict"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// Options say what is run, and for how long.
type Options struct {
	Root   string        // of the tree, where go.mod is
	Only   []string      // names; empty: all
	Seeds  int           // that each mutant may survive; 0: DefaultSeeds
	Budget time.Duration // of each mutant's seeds; 0: DefaultBudget
	Second bool          // look for another invariant that kills the mutant
	Faults bool          // say for each fault which mutants live without it (see Necessity); looks for the second too
	Shrink time.Duration // make the runs that kill small, each for this long at most; 0: not

	Progress func(Result) // called after each mutant; may be nil
}

// The defaults of Options.
const (
	DefaultSeeds  = 20_000
	DefaultBudget = time.Minute
)

// Run tries the mutants in their order, and then the tree as it is with the whole budget. While it
// hunts one, it builds the next. An error is one of the run, not of a mutant.
func Run(ctx context.Context, options Options) (Report, error) {
	all, err := All()
	if err != nil {
		return Report{}, err
	}
	some, err := Select(all, options.Only)
	if err != nil {
		return Report{}, err
	}
	l, err := newLab(&options)
	if err != nil {
		return Report{}, err
	}
	defer l.close()
	some = slices.Clone(some)
	simulated := slices.ContainsFunc(some, func(m Mutant) bool { return m.Package == "" })
	if simulated {
		some = append(some, Mutant{Name: "unmutated", Breaks: Nothing})
	}
	results := l.tryAll(ctx, some)
	if ctx.Err() != nil {
		return Report{}, ctx.Err()
	}
	if !simulated {
		return Sum(results), nil
	}
	last := len(results) - 1
	report := Sum(results[:last])
	report.Unmutated = &results[last]
	return report, nil
}

// builders is how many mutants are built at once. Most of one build compiles one package after the
// other.
const builders = 2

// tryAll builds the mutants side by side and hunts them one by one, each as soon as those before it
// are done.
func (l *lab) tryAll(ctx context.Context, list []Mutant) []Result {
	ctx, cancel := context.WithCancel(ctx)
	built := make([]chan Result, len(list))
	for i := range built {
		built[i] = make(chan Result, 1)
	}
	ahead := make(chan struct{}, 2*builders) // bounds the binaries on disk
	next := make(chan int)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() {
		defer close(next)
		for i := range list {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return
			}
			next <- i
		}
	})
	for range builders {
		all.Go(func() {
			for i := range next {
				built[i] <- l.build(ctx, list[i])
			}
		})
	}
	results := make([]Result, 0, len(list))
	for i := range list {
		var result Result
		select {
		case result = <-built[i]:
		case <-ctx.Done():
			return results
		}
		if result.Error == "" {
			l.kill(ctx, &result)
		}
		_ = os.RemoveAll(l.place(list[i]))
		<-ahead
		if ctx.Err() != nil {
			return results
		}
		results = append(results, result)
		if l.options.Progress != nil {
			l.options.Progress(result)
		}
	}
	return results
}

// lab is where mutants are built.
type lab struct {
	options *Options
	folder  string
}

func newLab(options *Options) (*lab, error) {
	if options.Seeds == 0 {
		options.Seeds = DefaultSeeds
	}
	if options.Budget == 0 {
		options.Budget = DefaultBudget
	}
	root, err := filepath.Abs(options.Root)
	if err != nil {
		return nil, fmt.Errorf("mutants: %w", err)
	}
	options.Root = root
	folder, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, fmt.Errorf("mutants: %w", err)
	}
	return &lab{options: options, folder: folder}, nil
}

func (l *lab) close() { _ = os.RemoveAll(l.folder) }

// place is where a mutant's files are.
func (l *lab) place(m Mutant) string { return filepath.Join(l.folder, m.Name) }

// kill runs the killer of a built mutant.
func (l *lab) kill(ctx context.Context, result *Result) {
	killer := filepath.Join(l.place(result.Mutant), killerName)
	var err error
	if result.Package != "" {
		result.Verdict, err = l.test(ctx, result.Mutant, killer)
	} else {
		err = l.simulate(ctx, killer, result)
	}
	if err != nil {
		result.Error = err.Error()
	}
	result.Expected = slices.Contains(result.CaughtBy, result.Invariant)
}

// simulate runs the killer of a mutant. If the options ask for it, it runs it again without the
// invariant that killed, and without each fault.
func (l *lab) simulate(ctx context.Context, killer string, result *Result) error {
	all := prey{faults: fault.All(), seeds: l.options.Seeds, budget: l.options.Budget}
	all.shrink = l.options.Shrink
	first, err := l.hunt(ctx, killer, all)
	result.Verdict = first
	if err != nil || !first.Killed {
		return err
	}
	if !l.options.Second && !l.options.Faults {
		return nil
	}
	again := all
	again.shrink = 0
	again.ignore, again.seeds, again.budget = without(first.Invariant), min(all.seeds, max(500, 10*first.Seeds)), min(all.budget, secondBudget)
	second, err := l.hunt(ctx, killer, again)
	if err != nil {
		return err
	}
	if second.Killed {
		result.Second = &second
	}
	if l.options.Faults {
		result.LivesWithout, err = l.livesWithout(ctx, killer, *result)
	}
	return err
}

// without is what a second hunt ignores after a kill by an invariant: that one, and if it looks at
// each write, all that do. A panic is not judged, so it cannot be ignored.
func without(invariant string) string {
	switch {
	case invariant == campaign.Panicked:
		return ""
	case slices.Contains(byWrite, invariant):
		return strings.Join(byWrite, ",")
	}
	return invariant
}

// secondBudget bounds the search for a second killer.
const secondBudget = 15 * time.Second

// prey says what a killer tries, and for how long.
type prey struct {
	faults []fault.Kind
	ignore string // invariants that are not judged, separated by commas
	seeds  int
	budget time.Duration
	shrink time.Duration // of the run that kills, at most; 0: not
}

// overlay writes the mutated files and the list that `go build -overlay` reads.
func (l *lab) overlay(m Mutant) (string, error) {
	mutated, err := m.Apply(l.options.Root)
	if err != nil {
		return "", err
	}
	folder := l.place(m)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("mutants: %w", err)
	}
	replace := map[string]string{}
	for name, content := range mutated {
		to := filepath.Join(folder, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return "", fmt.Errorf("mutants: %w", err)
		}
		replace[filepath.Join(l.options.Root, filepath.FromSlash(name))] = to
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("mutants: %w", err)
	}
	to := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(to, list, 0o644); err != nil {
		return "", fmt.Errorf("mutants: %w", err)
	}
	return to, nil
}

// killerName is the file that kills a mutant: package killer's program, or the tests of the
// mutant's package.
const killerName = "killer"

// build builds the mutant's killer over the mutated tree, without symbols, because linking is much
// of a build.
func (l *lab) build(ctx context.Context, m Mutant) Result {
	begun := time.Now()
	result := Result{Mutant: m}
	overlay, err := l.overlay(m)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	what := []string{"build", "-buildvcs=false"}
	source := "./sim/proof/mutants/killer"
	if m.Package != "" {
		what, source = []string{"test", "-c", "-vet=off"}, m.Package
	}
	cmd := exec.CommandContext(ctx, "go", append(what, "-overlay", overlay, "-ldflags", "-s -w", "-o", filepath.Join(l.place(m), killerName), source)...)
	cmd.Dir = l.options.Root
	cmd.Env = append(os.Environ(), "GOTMPDIR="+l.folder) // a go tool that is killed leaves its files behind
	if output, err := cmd.CombinedOutput(); err != nil {
		result.Error = fmt.Sprintf("mutant %s does not build: %v\n%s", m.Name, err, output)
	}
	result.BuildSeconds = time.Since(begun).Seconds()
	return result
}

// hunt runs a killer.
func (l *lab) hunt(ctx context.Context, killer string, p prey) (verdict.Verdict, error) {
	bounded, cancel := context.WithTimeout(ctx, p.budget+p.shrink+time.Minute)
	defer cancel()
	names := make([]string, len(p.faults))
	for i, f := range p.faults {
		names[i] = f.String()
	}
	cmd := exec.CommandContext(bounded, killer, "-seeds", strconv.Itoa(p.seeds), "-budget", p.budget.String(),
		"-faults", strings.Join(names, ","), "-ignore", p.ignore, "-shrink", p.shrink.String())
	var v verdict.Verdict
	output, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(output, &v)
	}
	if err != nil {
		return verdict.Verdict{}, fmt.Errorf("the killer: %w: %s", err, stderr(err))
	}
	return v, nil
}

func stderr(err error) []byte {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.Stderr
	}
	return nil
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\w+)`)

// test runs the tests that must kill the mutant. If they pass, it runs all tests of the package,
// for what else kills it.
func (l *lab) test(ctx context.Context, m Mutant, tests string) (verdict.Verdict, error) {
	begun := time.Now()
	for _, pattern := range []string{"^(" + strings.Join(m.CaughtBy, "|") + ")$", "."} {
		cmd := exec.CommandContext(ctx, tests, "-test.run", pattern, "-test.timeout", "5m")
		cmd.Dir = filepath.Join(l.options.Root, filepath.FromSlash(m.Package))
		cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=true", "RAPID_SHRINKTIME=1s")
		output, err := cmd.CombinedOutput()
		if err == nil {
			continue
		}
		failed := failedTest.FindSubmatch(output)
		if failed == nil {
			return verdict.Verdict{}, fmt.Errorf("tests of %s: %w\n%s", m.Package, err, bytes.TrimSpace(output))
		}
		return verdict.Verdict{Killed: true, Invariant: string(failed[1]), Seconds: time.Since(begun).Seconds()}, nil
	}
	return verdict.Verdict{Seconds: time.Since(begun).Seconds()}, nil
}
