package command

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/proof/shrink"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/sim/world/story"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/heph/timeline"
)

// simFlags are the flags of `heph sim`.
type simFlags struct {
	seed, seeds, from uint64
	faults, mode      string
	threads           int
	twice, shrink     bool
	tape, save, html  string
	verbose           bool

	one  bool // --seed was given
	draw func(choose.Chooser) scenario.Scenario
}

func (a *app) sim() *cobra.Command {
	f := simFlags{}
	cmd := &cobra.Command{
		Use:     "sim",
		GroupID: "prove",
		Short:   "Run the real handlers and workers in a simulated world, with faults",
		Long: `Sim runs the system in a world where a seed decides everything: which mails come, who runs next, how long
things take, which faults strike. The handlers, the worker and the state machine are the real ones; the promises
of the protocol are judged after every write and at the end of the run.

With --seed it replays one run and tells its story; with --seeds it makes many runs and adds them up. A run that
breaks a promise is told with its seed and the command that shows it again; --shrink then makes it small.

The exit status is 0 where every promise was kept, 1 where one was broken, or where --shrink was given a --seed
that breaks none: there is nothing to shrink.`,
		Example: `  heph sim --seeds 10000                     many runs, every fault allowed
  heph sim --seed 17                         one run, told as a story
  heph sim --seed 17 --html run.html         … and drawn
  heph sim --seeds 10000 --shrink --save t   many runs; should one fail, the first made small and kept
  heph sim --tape t                          … and run again
  heph sim --seeds 1000 --mode pct --faults none --twice`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.one = cmd.Flags().Changed("seed")
			return a.runSim(cmd.Context(), cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.Uint64Var(&f.seed, "seed", 0, "replay the run of this seed")
	flags.Uint64Var(&f.seeds, "seeds", 1000, "make so many runs")
	flags.Uint64Var(&f.from, "from", 0, "the first seed of --seeds")
	flags.StringVar(&f.faults, "faults", "all", "faults that may strike: all, none, or names with commas between")
	flags.StringVar(&f.mode, "mode", string(campaign.Random), "how choices are made: random, or pct (few changes of who runs next)")
	flags.IntVar(&f.threads, "threads", processors(), "runs at a time, of --seeds")
	flags.BoolVar(&f.twice, "twice", false, "run each seed twice and compare: the same seed must be the same run")
	flags.BoolVar(&f.shrink, "shrink", false, "make a failing run small")
	flags.StringVar(&f.tape, "tape", "", "run the tape in this file")
	flags.StringVar(&f.save, "save", "", "keep what --shrink arrives at in this file")
	flags.StringVar(&f.html, "html", "", "draw the run as a page in this file")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "tell, and draw, every call")
	a.outputFlag(cmd)
	_ = cmd.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions([]string{"random", "pct"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check refuses flags that do not go together.
func (f simFlags) check(cmd *cobra.Command) error {
	given := func(name string) bool { return cmd.Flags().Changed(name) }
	switch {
	case f.tape != "" && (f.one || given("seeds") || given("from") || given("faults") || given("mode") || f.twice || f.shrink):
		return usage("--tape says by itself what to run: leave out --seed, --seeds, --from, --faults, --mode, --twice and --shrink")
	case f.one && (given("seeds") || given("from")):
		return usage("--seed is one run and --seeds many: leave out one")
	case f.seeds == 0:
		return usage("--seeds 0: want 1 or more")
	case f.threads < 1:
		return usage("--threads %d: want 1 or more", f.threads)
	case f.save != "" && !f.shrink:
		return usage("--save keeps what --shrink arrives at: add --shrink")
	case f.html != "" && !f.one && f.tape == "" && !f.shrink:
		return usage("--html draws one run: add --seed, --tape or --shrink")
	}
	return nil
}

func (f simFlags) setup() (campaign.Setup, error) {
	mode, err := campaign.ParseMode(f.mode)
	if err != nil {
		return campaign.Setup{}, usage("--%w", err)
	}
	faults, err := fault.Parse(f.faults)
	if err != nil {
		return campaign.Setup{}, usage("--faults: %w", err)
	}
	return campaign.Setup{Mode: mode, Faults: faults, Draw: f.draw}, nil
}

func (a *app) runSim(ctx context.Context, cmd *cobra.Command, f simFlags) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	defer a.tolerateGarbage()()
	return a.carryOut(ctx, f)
}

// carryOut does what the flags say.
func (a *app) carryOut(ctx context.Context, f simFlags) error {
	setup, err := f.setup()
	if err != nil {
		return err
	}
	switch {
	case f.tape != "":
		return a.simTape(f)
	case f.one && f.shrink:
		return a.simShrink(ctx, f, setup, f.seed)
	case f.one:
		return a.simSeed(f, setup)
	}
	return a.simSeeds(ctx, f, setup)
}

var errBroken = errors.New("a promise was broken")

// broken ends the command with status 1, after it has told what was broken.
func broken() error { return &exit{status: failed, said: true, err: errBroken} }

// simSeed replays one run.
func (a *app) simSeed(f simFlags, setup campaign.Setup) error {
	result := setup.Run(setup.Chooser(f.seed), true)
	run := timeline.Run{Title: fmt.Sprintf("seed %d", f.seed), Faults: setup.FaultNames(), Command: setup.Command(f.seed), Shrink: setup.Shrink(f.seed), Result: result}
	if f.twice {
		if again := setup.Run(setup.Chooser(f.seed), false); again.Hash != result.Hash {
			return fmt.Errorf("seed %d: the second run has the hash %016x, the first %016x: something that is not the seed decides", f.seed, again.Hash, result.Hash)
		}
	}
	return a.tellRun(f, run)
}

// simTape runs a tape.
func (a *app) simTape(f simFlags) error {
	data, err := os.ReadFile(f.tape)
	if err != nil {
		return usage("--tape: %w", err)
	}
	tape, err := shrink.ParseTape(data)
	if err != nil {
		return usage("--tape %s: %w", f.tape, err)
	}
	return a.tellTape(f, tape, f.tape)
}

// tellTape plays a tape and tells its run. file is "" if the tape is in none.
func (a *app) tellTape(f simFlags, tape shrink.Tape, file string) error {
	result, err := tape.Play(f.draw)
	if err != nil {
		return err
	}
	run := timeline.Run{
		Title: fmt.Sprintf("the tape shrunk from seed %d", tape.Seed), Faults: tape.Faults, Result: result,
		Command: "heph sim --tape " + file,
	}
	if file == "" {
		run.Command = fmt.Sprintf("heph sim --seed %d --shrink --save FILE, and heph sim --tape FILE", tape.Seed)
	}
	return a.tellRun(f, run)
}

// simShrink makes a failing run small and tells what is left.
func (a *app) simShrink(ctx context.Context, f simFlags, setup campaign.Setup, seed uint64) error {
	var runs, events count
	shown := follow(a.err(), func() string {
		return fmt.Sprintf("shrinking seed %d: %d runs, %d events to follow", seed, runs.Load(), events.Load())
	})
	tape, err := shrink.Seed(setup, seed, shrink.Limits{
		Stop: func() bool { return ctx.Err() != nil },
		Progress: func(r, e int) {
			runs.Store(uint64(r))
			events.Store(uint64(e))
		},
	})
	shown.done()
	if err != nil {
		return err
	}
	if f.save != "" {
		if err := os.WriteFile(f.save, tape.Bytes(), 0o644); err != nil {
			return fmt.Errorf("keep the tape: %w", err)
		}
	}
	if err := a.tellTape(f, tape, f.save); !errors.Is(err, errBroken) {
		return errors.Join(err, errors.New("the tape does not break its promise again"))
	}
	a.err().Printf("Shrunk from %d events to follow to %d, in %d runs.\n", tape.EventsBefore, tape.EventsToFollow, tape.Runs)
	return broken()
}

// runReport is a run as JSON. Its names are stable.
type runReport struct {
	Title   string   `json:"title"`
	Command string   `json:"command"`
	Faults  []string `json:"faults"`
	world.Result
	Hash  string       `json:"hash"` // of every event, as in a campaign's report
	Story *story.Story `json:"story"`
}

// tellRun tells a run, and draws it if --html is given.
func (a *app) tellRun(f simFlags, run timeline.Run) error {
	if run.Result.Story == nil {
		return fmt.Errorf("%s: %s: %s", run.Title, run.Result.Violation.Invariant, run.Result.Violation.What)
	}
	if f.html != "" {
		if err := a.drawRun(f.html, run, f.verbose); err != nil {
			return err
		}
	}
	if a.output == asJSON {
		r := runReport{Title: run.Title, Command: run.Command, Faults: run.Faults, Result: run.Result, Hash: fmt.Sprintf("%016x", run.Result.Hash), Story: run.Result.Story}
		if err := a.json(r, "  "); err != nil {
			return err
		}
	} else {
		s := a.out()
		timeline.Story(s, run, f.verbose)
		timeline.Verdict(s, run)
	}
	if run.Result.Violation != nil {
		return broken()
	}
	return nil
}

func (a *app) drawRun(file string, run timeline.Run, all bool) error {
	page, err := timeline.Page(run, all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, page, 0o644); err != nil {
		return fmt.Errorf("draw the run: %w", err)
	}
	s := a.err()
	s.Printf("%s %s\n", s.Paint(screen.Bold, "Drawn in"), file)
	return nil
}
