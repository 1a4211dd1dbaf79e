package shrink

import (
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/sim/world/choose"
)

// attempts is how many runs a start afresh makes at most.
const attempts = 400

// startAfresh looks for another run that breaks the same promise in fewer events to follow. The
// other moves, which each shorten the run, do not find it if several things have to change at once:
// a mail goes, and the faults have to strike elsewhere.
func (s *shrinker) startAfresh() bool {
	for range attempts {
		s.fresh++
		random := choose.NewRandom(uint64(s.fresh))
		var c choose.Chooser
		without := slices.Clone(s.without)
		switch s.fresh % 4 {
		case 0:
			c, without = s.few(random), nil
			if random.Choose(2, "afresh.first") == 0 {
				without = []string{firstMail}
			}
		case 1:
			f := s.few(random)
			f.best = s.best.Clone()
			c, without = f, s.oneLess(random)
		case 2:
			c, without = s.jitter(random), s.oneLess(random)
		case 3:
			c, without = s.oneMore(random), s.oneLess(random)
		}
		recorder := &choose.Recorder{From: c}
		result, ok := s.play(recorder, without)
		if ok && result.Story.EventsToFollow() < s.events {
			s.keep(choose.NewStreams(plain(recorder.Tape)), without, result)
			return true
		}
	}
	return false
}

// oneLess leaves out one more mail, half of the time.
func (s *shrinker) oneLess(random *choose.Random) []string {
	without, mails := slices.Clone(s.without), s.mails()
	if n := random.Choose(2*len(mails), "afresh.without"); n < len(mails) {
		without = append(without, mails[n])
	}
	return without
}

// firstMail is the id of a scenario's first mail.
const firstMail = "m1"

// jitter is the best run with its faults a few draws earlier or later.
func (s *shrinker) jitter(random *choose.Random) *choose.Streams {
	const farthest = 10
	c := s.best.Clone()
	for _, label := range c.Labels() {
		if !strings.HasPrefix(label, faultLabels) {
			continue
		}
		picks := make([]int, len(c.Picks[label])+farthest)
		for _, at := range deviating(c.Picks[label]) {
			picks[max(0, at+random.Choose(2*farthest, "afresh.by")-farthest)] = c.Picks[label][at]
		}
		c.Set(label, picks)
	}
	return c
}

// oneMore is the best run with one more kind of fault: it may end something sooner, or replace two
// others.
func (s *shrinker) oneMore(random *choose.Random) *few {
	f := &few{random: random, kinds: map[string]bool{}, best: s.best.Clone(), whole: true, seldom: 2 + random.Choose(12, "afresh.seldom")}
	if all := s.setup.FaultNames(); len(all) > 0 {
		f.kinds[all[random.Choose(len(all), "afresh.kind")]] = true
	}
	return f
}

// few is a run with few mails and few kinds of faults, mostly kinds that strike in the best run.
func (s *shrinker) few(random *choose.Random) *few {
	f := &few{random: random, kinds: map[string]bool{}, seldom: []int{3, 8, 20, 50}[random.Choose(4, "afresh.seldom")]}
	all, struck := s.setup.FaultNames(), s.faults()
	for range 1 + random.Choose(3, "afresh.kinds") {
		from := struck
		if len(struck) == 0 || random.Choose(4, "afresh.any") == 0 {
			from = all
		}
		if len(from) > 0 {
			f.kinds[from[random.Choose(len(from), "afresh.kind")]] = true
		}
	}
	return f
}

// few chooses at random, except for what it takes from the best run.
type few struct {
	random *choose.Random
	best   *choose.Streams // whose scenario it plays; nil: it draws its own
	whole  bool            // it plays all of best, and adds the kinds of faults
	kinds  map[string]bool // of faults
	seldom int             // they strike once in so many opportunities
}

func (f *few) Choose(n int, label string) int {
	group, name, _ := strings.Cut(label, ".")
	kind, _, _ := strings.Cut(name, ".")
	switch {
	case group == "swarm" && f.kinds[name]:
		return 1
	case group == "fault" && f.kinds[kind]:
		if f.random.Choose(f.seldom, label) == 0 {
			return n - 1
		}
		return 0
	case f.best != nil && (group == "scenario" || f.whole && (group != "delay" || len(f.best.Picks[label]) > 0)):
		return f.best.Choose(n, label)
	case group == "delay": // an even draw is mostly long, and a short delay gets between two steps more often
		return f.random.Choose(min(n, []int{1, 4, n}[f.random.Choose(3, "afresh.delay")]), label)
	case group == "swarm", group == "latency", group == "fault", label == ofScenario+"mails", label == ofScenario+"keys":
		return 0
	}
	return f.random.Choose(n, label)
}
