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
	"time"

	"github.com/webordinary/hephaestus/sim/world"
)

// Options say what is run, and for how long.
type Options struct {
	Root   string        // of the tree, where go.mod is
	Only   []string      // names; empty: all
	Seeds  int           // that each mutant may survive; 0: DefaultSeeds
	Budget time.Duration // of each mutant's seeds; 0: DefaultBudget
	Faults bool          // say for each fault which mutants live without it (see Necessity)

	Progress func(Result) // called after each mutant; may be nil
}

// The defaults of Options.
const (
	DefaultSeeds  = 20_000
	DefaultBudget = time.Minute
)

// Nothing is what the tree as it is breaks.
const Nothing = "nothing: the tree as it is"

// Report is what a run came to.
type Report struct {
	Mutants       []Result `json:"mutants"`
	Unmutated     *Result  `json:"unmutated,omitempty"` // the tree as it is, where mutants of the system were run
	Killed        int      `json:"killed"`
	Survived      int      `json:"survived"` // or were not killed as they should
	MedianSeconds float64  `json:"medianSeconds"`
	WorstSeconds  float64  `json:"worstSeconds"`
	MedianSeeds   int      `json:"medianSeeds"` // of those that the simulation killed
}

// OK says whether every mutant was killed and the tree as it is was not.
func (r Report) OK() bool {
	return r.Survived == 0 && (r.Unmutated == nil || (!r.Unmutated.Killed && r.Unmutated.Error == ""))
}

// Result is what became of one mutant.
type Result struct {
	Mutant
	Verdict
	Second       *Verdict `json:"second,omitempty"` // with the first killer's invariant not judged
	BuildSeconds float64  `json:"buildSeconds"`
	Expected     bool     `json:"expected"`               // its killer is one that its file names
	LivesWithout []string `json:"livesWithout,omitempty"` // faults, or families of faults
	Error        string   `json:"error,omitempty"`        // why it could not be tried
}

// Verdict is what the killer says of a mutant.
type Verdict struct {
	Killed    bool     `json:"killed"`
	Invariant string   `json:"invariant,omitempty"` // or test, that killed it
	Seed      int      `json:"seed"`
	Seeds     int      `json:"seeds"` // tried
	Seconds   float64  `json:"seconds"`
	What      string   `json:"what,omitempty"`
	Struck    []string `json:"struck,omitempty"` // faults, under the seed
}

// OK says whether the mutant was killed as its file says.
func (r Result) OK() bool { return r.Killed && r.Expected }

// Run tries the mutants one after the other, and then the tree as it is with the budget that the longest
// of them needed, or more. Its error is of the run, not of a mutant.
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
	var report Report
	simulated := false
	for _, m := range some {
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		result := l.try(ctx, m)
		simulated = simulated || m.Package == ""
		report.add(result)
		if options.Progress != nil {
			options.Progress(result)
		}
	}
	if simulated {
		result := l.try(ctx, Mutant{Name: "unmutated", Breaks: Nothing})
		report.Unmutated = &result
		if options.Progress != nil {
			options.Progress(result)
		}
	}
	report.sum()
	return report, ctx.Err()
}

func (r *Report) add(result Result) {
	r.Mutants = append(r.Mutants, result)
	if result.OK() {
		r.Killed++
	} else {
		r.Survived++
	}
}

func (r *Report) sum() {
	var seconds []float64
	var seeds []int
	for _, m := range r.Mutants {
		if m.OK() {
			seconds = append(seconds, m.Seconds)
			if m.Package == "" {
				seeds = append(seeds, m.Seeds)
			}
		}
	}
	slices.Sort(seconds)
	slices.Sort(seeds)
	if n := len(seconds); n > 0 {
		r.MedianSeconds, r.WorstSeconds = seconds[n/2], seconds[n-1]
	}
	if n := len(seeds); n > 0 {
		r.MedianSeeds = seeds[n/2]
	}
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

// try builds a mutant and lets its killer loose on it.
func (l *lab) try(ctx context.Context, m Mutant) Result {
	result := Result{Mutant: m}
	overlay, err := l.overlay(m)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	if m.Package != "" {
		result.Verdict, err = l.test(ctx, m, overlay)
	} else {
		var killer string
		if killer, result.BuildSeconds, err = l.build(ctx, m, overlay); err == nil {
			err = l.simulate(ctx, killer, &result)
		}
	}
	if err != nil {
		result.Error = err.Error()
	}
	result.Expected = slices.Contains(m.CaughtBy, result.Invariant)
	return result
}

// simulate lets the killer loose on the mutant, once more without the invariant that killed it, and where
// that is asked for, without each fault.
func (l *lab) simulate(ctx context.Context, killer string, result *Result) error {
	all := prey{faults: world.Faults(), seeds: l.options.Seeds, budget: l.options.Budget}
	first, err := l.hunt(ctx, killer, all)
	result.Verdict = first
	if err != nil || !first.Killed {
		return err
	}
	again := all
	again.ignore, again.seeds, again.budget = first.Invariant, min(all.seeds, max(500, 10*first.Seeds)), min(all.budget, secondBudget)
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

// secondBudget bounds the searches that come after a mutant's first death.
const secondBudget = 15 * time.Second

// prey says how a killer is let loose.
type prey struct {
	faults []world.Fault
	ignore string // an invariant that is not judged
	seeds  int
	budget time.Duration
}

// overlay writes the mutated files and the list that `go build -overlay` reads.
func (l *lab) overlay(m Mutant) (string, error) {
	mutated, err := m.Apply(l.options.Root)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(l.folder, m.Name)
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

// build makes the killer over the mutated tree.
func (l *lab) build(ctx context.Context, m Mutant, overlay string) (killer string, seconds float64, err error) {
	begun := time.Now()
	killer = filepath.Join(l.folder, m.Name, "killer")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-overlay", overlay, "-ldflags", "-s -w", "-o", killer, "./sim/mutants/killer")
	cmd.Dir = l.options.Root
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", 0, fmt.Errorf("mutant %s does not build: %w\n%s", m.Name, err, output)
	}
	return killer, time.Since(begun).Seconds(), nil
}

// hunt runs a killer.
func (l *lab) hunt(ctx context.Context, killer string, p prey) (Verdict, error) {
	bounded, cancel := context.WithTimeout(ctx, p.budget+time.Minute)
	defer cancel()
	names := make([]string, len(p.faults))
	for i, f := range p.faults {
		names[i] = f.String()
	}
	cmd := exec.CommandContext(bounded, killer, "-seeds", strconv.Itoa(p.seeds), "-budget", p.budget.String(),
		"-faults", strings.Join(names, ","), "-ignore", p.ignore)
	var verdict Verdict
	output, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(output, &verdict)
	}
	if err != nil {
		return Verdict{}, fmt.Errorf("the killer: %w: %s", err, stderr(err))
	}
	return verdict, nil
}

func stderr(err error) []byte {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.Stderr
	}
	return nil
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\w+)`)

// test runs the tests of the mutant's package. One that does not build is not killed.
func (l *lab) test(ctx context.Context, m Mutant, overlay string) (Verdict, error) {
	begun := time.Now()
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-overlay", overlay, m.Package)
	cmd.Dir = l.options.Root
	cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=true", "RAPID_SHRINKTIME=1s")
	output, err := cmd.CombinedOutput()
	verdict := Verdict{Seconds: time.Since(begun).Seconds()}
	if err == nil {
		return verdict, nil
	}
	failed := failedTest.FindAllSubmatch(output, -1)
	if len(failed) == 0 {
		return verdict, fmt.Errorf("tests of %s: %w\n%s", m.Package, err, bytes.TrimSpace(output))
	}
	verdict.Killed, verdict.Invariant = true, string(failed[0][1])
	for _, f := range failed {
		if name := string(f[1]); slices.Contains(m.CaughtBy, name) {
			verdict.Invariant = name
			break
		}
	}
	return verdict, nil
}
