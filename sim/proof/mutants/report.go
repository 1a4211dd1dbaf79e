package mutants

import (
	"cmp"
	"slices"

	"github.com/webordinary/hephaestus/sim/proof/mutants/verdict"
	"github.com/webordinary/hephaestus/sim/proof/shrink"
)

// Nothing is what the tree as it is breaks.
const Nothing = "nothing: the tree as it is"

// Report is what a run came to.
type Report struct {
	Mutants       []Result    `json:"mutants"`
	Unmutated     *Result     `json:"unmutated,omitempty"` // the tree as it is, if mutants of the system were run
	Killed        int         `json:"killed"`
	Survived      int         `json:"survived"` // or were killed by what their files do not name
	Errors        int         `json:"errors"`   // could not be tried
	MedianSeconds float64     `json:"medianSeconds"`
	WorstSeconds  float64     `json:"worstSeconds"`
	SoonEnough    bool        `json:"soonEnough"`  // median and worst are within the targets
	MedianSeeds   int         `json:"medianSeeds"` // of those that the simulation killed
	Stories       *StorySizes `json:"stories,omitempty"`
}

// The targets for how soon mutants die. They depend on the machine as much as on the mutants, so a
// miss is reported and is no failure.
const (
	MedianTargetSeconds = 5.0
	WorstTargetSeconds  = 60.0
)

// StorySizes says how short the counter-examples of the mutants that the simulation killed are
// after shrinking, in events to follow (see story.Story.EventsToFollow).
type StorySizes struct {
	Counted int `json:"counted"`
	Short   int `json:"short"` // shrink.Short events or fewer
	Median  int `json:"median"`
	Worst   int `json:"worst"`
	Without int `json:"without"` // could not be shrunk; apart from here, only Counted counts them
}

// OK says whether every mutant was killed and the tree as it is was not.
func (r Report) OK() bool {
	return r.Survived == 0 && r.Errors == 0 && (r.Unmutated == nil || (!r.Unmutated.Killed && r.Unmutated.Error == ""))
}

// Result is what became of one mutant.
type Result struct {
	Mutant
	verdict.Verdict
	Second       *verdict.Verdict `json:"second,omitempty"`       // with the first killer's invariant switched off
	BuildSeconds float64          `json:"buildSeconds"`           // while others were built and hunted
	Expected     bool             `json:"expected"`               // its killer is one that its file names
	LivesWithout []string         `json:"livesWithout,omitempty"` // faults, or families of faults
	Error        string           `json:"error,omitempty"`        // why it could not be tried
}

// OK says whether the mutant was killed as its file says.
func (r Result) OK() bool { return r.Killed && r.Expected }

// Sum makes the report of results.
func Sum(results []Result) Report {
	r := Report{Mutants: results}
	var seconds []float64
	var seeds, events []int
	shrunk := StorySizes{}
	for _, m := range results {
		switch {
		case m.OK():
		case m.Error != "":
			r.Errors++
			continue
		default:
			r.Survived++
			continue
		}
		r.Killed++
		seconds = append(seconds, m.Seconds)
		if m.Package != "" {
			continue
		}
		seeds = append(seeds, m.Seeds)
		if m.Shrunk == nil {
			shrunk.Without++
			continue
		}
		events = append(events, m.Shrunk.Events)
		if m.Shrunk.Events <= shrink.Short {
			shrunk.Short++
		}
	}
	r.MedianSeconds, r.WorstSeconds = medianAndWorst(seconds)
	r.SoonEnough = r.MedianSeconds <= MedianTargetSeconds && r.WorstSeconds <= WorstTargetSeconds
	r.MedianSeeds, _ = medianAndWorst(seeds)
	if len(events) > 0 {
		shrunk.Counted = len(events) + shrunk.Without
		shrunk.Median, shrunk.Worst = medianAndWorst(events)
		r.Stories = &shrunk
	}
	return r
}

func medianAndWorst[T cmp.Ordered](list []T) (median, worst T) {
	slices.Sort(list)
	if n := len(list); n > 0 {
		median, worst = list[n/2], list[n-1]
	}
	return median, worst
}
