package shrink

import (
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/sim/choose"
)

// attempts is how many runs a start afresh makes.
const attempts = 400

// startAfresh looks for another run that breaks the same promise and is shorter to follow. Moves that each
// shorten a run do not find it, where several things have to change at once: a mail goes, and the faults
// have to strike elsewhere.
func (s *shrinker) startAfresh() bool {
	for range attempts {
		s.fresh++
		random := choose.NewRandom(uint64(s.fresh))
		var c choose.Chooser
		without := slices.Clone(s.without)
		switch s.fresh % 3 {
		case 0:
			c, without = s.few(random, nil), nil
			if random.Choose(2, "afresh.first") == 0 {
				without = []string{firstMail}
			}
		case 1:
			c, without = s.few(random, s.best.Clone()), s.oneLess(random)
		case 2:
			c, without = s.jitter(random), s.oneLess(random)
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

// oneLess leaves one more mail out, or not.
func (s *shrinker) oneLess(random *choose.Random) []string {
	without, mails := slices.Clone(s.without), s.mails()
	if n := random.Choose(2*len(mails), "afresh.without"); n < len(mails) {
		without = append(without, mails[n])
	}
	return without
}

// firstMail is how scenarios call their first.
const firstMail = "m1"

// jitter lets the best's faults strike a few draws earlier or later.
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

// few makes choices of a run with few mails and few kinds of faults: mostly such as strike in the best. Its
// scenario is that of the choices given, or any.
func (s *shrinker) few(random *choose.Random, given *choose.Streams) *few {
	f := &few{random: random, scenario: given, kinds: map[string]bool{}, seldom: []int{3, 8, 20, 50}[random.Choose(4, "afresh.seldom")]}
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

type few struct {
	random   *choose.Random
	scenario *choose.Streams
	kinds    map[string]bool // of faults
	seldom   int             // a fault strikes once in so many opportunities
}

func (f *few) Choose(n int, label string) int {
	group, name, _ := strings.Cut(label, ".")
	switch {
	case group == "swarm" && f.kinds[name]:
		return 1
	case group == "scenario" && f.scenario != nil:
		return f.scenario.Choose(n, label)
	case group == "swarm", group == "latency", label == scenario+"mails", label == scenario+"keys":
		return 0
	case group == "fault":
		if f.random.Choose(f.seldom, label) == 0 {
			return n - 1
		}
		return 0
	}
	return f.random.Choose(n, label)
}
