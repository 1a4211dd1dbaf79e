package campaign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// Mode is how the choices of a run are made.
type Mode string

// The modes.
const (
	Random Mode = "random" // every choice is drawn from the seed
	PCT    Mode = "pct"    // calls take no time; priorities, which change at few points, decide who runs next
)

// ParseMode reads a mode's name.
func ParseMode(name string) (Mode, error) {
	switch m := Mode(name); m {
	case Random, PCT:
		return m, nil
	}
	return "", fmt.Errorf("mode %q: want %s or %s", name, Random, PCT)
}

// pctSteps is roughly how many choices of who runs next a run has; pctDepth is the depth of the
// bugs that the mode looks for.
const (
	pctSteps = 400
	pctDepth = 3
)

// Setup says how a seed becomes a run.
type Setup struct {
	Mode   Mode
	Faults map[fault.Kind]bool                    // that may strike
	Draw   func(choose.Chooser) scenario.Scenario // nil is scenario.Draw

	Compiled *world.Compiled // by earlier runs; nil for nothing
}

// Panicked is the invariant of a run that did not come to its end because our code panicked.
const Panicked = "panic"

// Chooser makes the seed's choices.
func (s Setup) Chooser(seed uint64) choose.Chooser {
	if s.Mode == PCT {
		return choose.NewPCT(seed, pctSteps, pctDepth)
	}
	return choose.NewRandom(seed)
}

// Run makes one run. A panic in it is a violation like any other.
func (s Setup) Run(c choose.Chooser, story bool) (result world.Result) {
	defer func() {
		if p := recover(); p != nil {
			result.Violation = &oracle.Violation{Invariant: Panicked, What: fmt.Sprint(p)}
		}
	}()
	draw := s.Draw
	if draw == nil {
		draw = scenario.Draw
	}
	drawn := draw(c)
	drawn.Instant = drawn.Instant || s.Mode == PCT
	return world.Run(drawn, c, world.Options{Faults: s.Faults, Story: story, Compiled: s.Compiled})
}

// Command is the command that shows the seed's run again.
func (s Setup) Command(seed uint64) string {
	return fmt.Sprintf("heph sim --seed %d%s", seed, s.flags())
}

// Shrink is what makes the seed's run small, if it breaks a promise.
func (s Setup) Shrink(seed uint64) string { return s.Command(seed) + " --shrink" }

// flags are those that differ from the command's defaults.
func (s Setup) flags() string {
	flags := ""
	if s.Mode == PCT {
		flags += " --mode " + string(s.Mode)
	}
	if names := s.FaultNames(); len(names) < len(fault.All()) {
		list := strings.Join(names, ",")
		if list == "" {
			list = "none"
		}
		flags += " --faults " + list
	}
	return flags
}

// FaultNames lists the faults that may strike, in the order of world.Faults.
func (s Setup) FaultNames() []string {
	names := []string{}
	for _, f := range fault.All() {
		if s.Faults[f] {
			names = append(names, f.String())
		}
	}
	return slices.Clip(names)
}
