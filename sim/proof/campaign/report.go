package campaign

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// Report is what a campaign came to. Its JSON names are stable.
type Report struct {
	Mode        Mode           `json:"mode"`
	Faults      []string       `json:"faults"` // that were allowed to strike
	From        uint64         `json:"from"`
	Planned     uint64         `json:"planned"`
	Seeds       uint64         `json:"seeds"` // that were run; fewer than planned if the campaign was stopped
	Events      int64          `json:"events"`
	Virtual     time.Duration  `json:"virtualNanoseconds"`
	Outcomes    map[string]int `json:"outcomes"` // of the mails; "none" counts those without one when a promise broke
	Struck      []Strikes      `json:"struck"`   // by fault, in the order of Faults
	ClaimLives  int64          `json:"claimLives"`
	Pairs       Pairs          `json:"pairs"`
	Violations  []Broken       `json:"violations"`
	Hash        string         `json:"hash"` // of all runs, whatever their order
	Twice       bool           `json:"twice"`
	Differences []uint64       `json:"differences"` // seeds whose second run differed

	// How fast it was. With Twice, second runs take time, but nothing in them is counted.
	Threads                int     `json:"threads"`
	Seconds                float64 `json:"seconds"` // 0 without a stopwatch
	SeedsPerSecond         float64 `json:"seedsPerSecond"`
	EventsPerSecond        float64 `json:"eventsPerSecond"`
	VirtualToReal          float64 `json:"virtualToReal"`
	VirtualToRealPerThread float64 `json:"virtualToRealPerThread"`
}

// Strikes is how often a fault struck.
type Strikes struct {
	Fault   string `json:"fault"`
	Times   int    `json:"times"`
	InClaim int    `json:"inClaim"` // while a claim was held
}

// Pairs says which two faults struck in one claim's life.
type Pairs struct {
	Possible int    `json:"possible"` // of the faults that were allowed
	Reached  int    `json:"reached"`
	Least    []Pair `json:"least"` // the ten that met least often
}

// Pair is two faults, and in how many claims' lives both struck.
type Pair struct {
	One   string `json:"one"`
	Other string `json:"other"`
	Lives int64  `json:"lives"`
}

// Broken is a promise with the runs that broke it.
type Broken struct {
	Invariant string     `json:"invariant"`
	Runs      int64      `json:"runs"`
	Failures  []*Failure `json:"failures"` // the lowest seeds
}

// OK says whether all promises held and all second runs were like the first.
func (r Report) OK() bool { return len(r.Violations) == 0 && len(r.Differences) == 0 }

// tally adds runs up. The sum of two tallies does not depend on their order.
type tally struct {
	seeds         uint64
	events        int64
	virtual       time.Duration
	outcomes      map[string]int
	struck        map[string]int
	inClaim       map[string]int
	lives         int64
	pairs         map[[2]fault.Kind]int64
	runsThatBreak map[string]int64
	first         map[string][]uint64 // by invariant, the lowest seeds
	hash          uint64
	differ        []uint64
}

func newTally() *tally {
	return &tally{
		outcomes: map[string]int{}, struck: map[string]int{}, inClaim: map[string]int{},
		pairs: map[[2]fault.Kind]int64{}, runsThatBreak: map[string]int64{}, first: map[string][]uint64{},
	}
}

// count adds a run.
func (t *tally) count(seed uint64, r world.Result) {
	t.seeds++
	t.events += int64(r.Events)
	t.virtual += r.Virtual
	t.hash += mix(r.Hash ^ mix(seed))
	addAll(t.outcomes, r.Outcomes)
	addAll(t.struck, r.Struck)
	addAll(t.inClaim, r.InClaim)
	t.lives += int64(len(r.Lives))
	for _, life := range r.Lives {
		t.countPairs(life)
	}
	if r.Violation != nil {
		t.runsThatBreak[r.Violation.Invariant]++
		t.keep(r.Violation.Invariant, seed)
	}
}

func (t *tally) countPairs(life fault.Set) {
	if life&(life-1) == 0 {
		return
	}
	all := fault.All()
	for i, one := range all {
		if !life.Has(one) {
			continue
		}
		for _, other := range all[i+1:] {
			if life.Has(other) {
				t.pairs[[2]fault.Kind{one, other}]++
			}
		}
	}
}

// keep remembers a seed among the lowest that break the invariant.
func (t *tally) keep(invariant string, seeds ...uint64) {
	list := append(t.first[invariant], seeds...)
	slices.Sort(list)
	t.first[invariant] = list[:min(len(list), keptFailures)]
}

func (t *tally) add(other *tally) {
	t.seeds += other.seeds
	t.events += other.events
	t.virtual += other.virtual
	t.hash += other.hash
	t.lives += other.lives
	t.differ = append(t.differ, other.differ...)
	addAll(t.outcomes, other.outcomes)
	addAll(t.struck, other.struck)
	addAll(t.inClaim, other.inClaim)
	addAll(t.pairs, other.pairs)
	addAll(t.runsThatBreak, other.runsThatBreak)
	for _, invariant := range slices.Sorted(maps.Keys(other.first)) {
		t.keep(invariant, other.first[invariant]...)
	}
}

func addAll[K comparable, N int | int64](to, from map[K]N) {
	for k, n := range from {
		to[k] += n
	}
}

// mix spreads a number over all bits (the finalizer of SplitMix64).
func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func (p Plan) report(t *tally) Report {
	r := Report{
		Mode: p.Mode, Faults: p.FaultNames(), From: p.From, Planned: p.Seeds, Seeds: t.seeds, Events: t.events, Virtual: t.virtual,
		Outcomes: t.outcomes, ClaimLives: t.lives, Pairs: p.pairs(t), Hash: fmt.Sprintf("%016x", t.hash),
		Twice: p.Twice, Differences: t.differ, Violations: []Broken{}, Struck: []Strikes{},
	}
	if r.Mode == "" {
		r.Mode = Random
	}
	if r.Differences == nil {
		r.Differences = []uint64{}
	}
	slices.Sort(r.Differences)
	for _, fault := range r.Faults {
		r.Struck = append(r.Struck, Strikes{Fault: fault, Times: t.struck[fault], InClaim: t.inClaim[fault]})
	}
	for invariant, runs := range t.runsThatBreak {
		r.Violations = append(r.Violations, Broken{Invariant: invariant, Runs: runs, Failures: p.failures(t.first[invariant])})
	}
	slices.SortFunc(r.Violations, func(a, b Broken) int { return strings.Compare(a.Invariant, b.Invariant) })
	return r
}

func (p Plan) failures(seeds []uint64) []*Failure {
	list := []*Failure{}
	for _, seed := range seeds {
		if f := p.Explain(seed); f != nil {
			list = append(list, f)
		}
	}
	return list
}

// leastPairs is how many of the rarest pairs a report names.
const leastPairs = 10

func (p Plan) pairs(t *tally) Pairs {
	var all []Pair
	for i, one := range fault.All() {
		for _, other := range fault.All()[i+1:] {
			if p.Faults[one] && p.Faults[other] {
				all = append(all, Pair{One: one.String(), Other: other.String(), Lives: t.pairs[[2]fault.Kind{one, other}]})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Pair) int { return int(min(a.Lives, 1<<30) - min(b.Lives, 1<<30)) })
	least := slices.Clone(all[:min(len(all), leastPairs)])
	if least == nil {
		least = []Pair{}
	}
	return Pairs{Possible: len(all), Reached: len(t.pairs), Least: least}
}

// measure fills in how fast the campaign was.
func (r *Report) measure(seconds float64, threads int) {
	r.Threads = threads
	if seconds <= 0 {
		return
	}
	r.Seconds = seconds
	r.SeedsPerSecond = float64(r.Seeds) / seconds
	r.EventsPerSecond = float64(r.Events) / seconds
	r.VirtualToReal = r.Virtual.Seconds() / seconds
	r.VirtualToRealPerThread = r.VirtualToReal / float64(threads)
}
