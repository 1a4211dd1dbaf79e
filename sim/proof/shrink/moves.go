package shrink

import (
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/sim/world/choose"
)

// Short is how many events a person follows at a glance. Only if the run is longer does shrink go
// on after its moves have settled.
const Short = 12

// shrink makes the moves, the boldest first, until a round of all changes nothing. While the run is
// longer than Short, it goes on to look for another.
func (s *shrinker) shrink() {
	s.startAfresh()
	for settled := false; !s.over() && (!settled || s.events > Short); {
		before, left, events := s.best.Deviations(), len(s.without), s.events
		if !settled {
			s.clearGroups()
			s.dropMails()
			for _, label := range s.best.Labels() {
				s.truncate(label)
				s.remove(label)
			}
		}
		if s.startAfresh() {
			settled = false
			continue
		}
		if !settled {
			s.forget()
			s.cut()
			s.lower()
		}
		settled = s.best.Deviations() == before && len(s.without) == left && s.events == events
	}
}

// groups are prefixes of labels, in the order in which clearGroups tries them.
var groups = []string{"fault.clock", "fault.", "swarm.", "delay.", "latency.", "scenario.", ""}

// clearGroups sets all choices of a group to 0 at once. If that fails, it does so for each of its
// labels.
func (s *shrinker) clearGroups() {
	for _, group := range groups {
		cleared := s.edit(func(c *choose.Streams) bool {
			some := false
			for _, label := range c.Labels() {
				if strings.HasPrefix(label, group) {
					delete(c.Picks, label)
					some = true
				}
			}
			return some
		})
		if cleared {
			continue
		}
		for _, label := range s.best.Labels() {
			if strings.HasPrefix(label, group) && group != "" {
				s.edit(func(c *choose.Streams) bool {
					_, there := c.Picks[label]
					delete(c.Picks, label)
					return there
				})
			}
		}
	}
}

// ofScenario is what the labels of the scenario begin with. Their lists have a choice per mail,
// except for drawnOnce.
const ofScenario = "scenario."

var drawnOnce = []string{"workers", "claim-ttl", "grace", "interval", "visibility", "timeout", "job-timeout", "senders", "keys", "mails"}

// mostMails is how many mails a scenario has at most.
const mostMails = 6

// dropMails leaves mails out. First it draws one mail less, each time without another mail's
// choices. Then it leaves out mails by their ids, even the only one.
func (s *shrinker) dropMails() {
	count := ofScenario + "mails"
	for at := mostMails; at >= 0; at-- {
		s.edit(func(c *choose.Streams) bool {
			mails := c.Picks[count]
			if len(mails) == 0 || mails[0] == 0 {
				return false
			}
			c.Set(count, []int{mails[0] - 1})
			for _, label := range c.Labels() {
				picks := c.Picks[label]
				if strings.HasPrefix(label, ofScenario) && !slices.Contains(drawnOnce, label[len(ofScenario):]) && at < len(picks) {
					c.Set(label, slices.Delete(picks, at, at+1))
				}
			}
			return true
		})
	}
	for _, id := range s.mails() {
		s.try(s.best.Clone(), append(slices.Clone(s.without), id))
	}
}

// truncate cuts off a list's end: all of it, else half, else a quarter …
func (s *shrinker) truncate(label string) {
	for keep := 0; ; {
		length := len(s.best.Picks[label])
		if keep >= length {
			return
		}
		if s.edit(func(c *choose.Streams) bool {
			c.Set(label, c.Picks[label][:keep])
			return true
		}) {
			continue
		}
		keep += max(1, (length-keep+1)/2)
	}
}

// remove sets a list's choices to 0, in ever smaller chunks.
func (s *shrinker) remove(label string) {
	for size := (len(deviating(s.best.Picks[label])) + 1) / 2; size >= 1 && !s.over(); size /= 2 {
		for from := 0; ; {
			places := deviating(s.best.Picks[label])
			if from >= len(places) {
				break
			}
			chunk := places[from:min(from+size, len(places))]
			if !s.edit(func(c *choose.Streams) bool {
				picks := c.Picks[label]
				for _, at := range chunk {
					picks[at] = 0
				}
				c.Set(label, picks)
				return true
			}) {
				from += size
			}
			if s.over() {
				return
			}
		}
	}
}

// farthest is by how many draws forget moves later faults forward at most.
const farthest = 4

// forget leaves a fault out, and moves later faults of the same group of actors forward: an actor
// that does not crash makes fewer calls.
func (s *shrinker) forget() {
	for _, label := range s.best.Labels() {
		group, ok := groupOf(label)
		if !ok {
			continue
		}
		for n := 0; n < len(deviating(s.best.Picks[label])) && !s.over(); n++ {
			at := deviating(s.best.Picks[label])[n]
			for tried := range 2 * farthest {
				calls, actors := 1+tried/2, tried%2
				if s.edit(func(c *choose.Streams) bool {
					c.Picks[label][at] = 0
					for _, other := range c.Labels() {
						if g, ok := groupOf(other); ok && g == group {
							earlier(c, other, at, calls, actors)
						}
					}
					return true
				}) {
					n--
					break
				}
			}
		}
	}
}

// groupOf is the group of actors that a draw for a fault is about.
func groupOf(label string) (string, bool) {
	rest, ok := strings.CutPrefix(label, faultLabels)
	_, group, dotted := strings.Cut(rest, ".")
	return group, ok && dotted
}

// earlier moves a list's choices that come after a place forward: by so many calls, or by so many
// actors if each actor draws once.
func earlier(c *choose.Streams, label string, behind, calls, actors int) {
	by := calls
	if strings.HasPrefix(label, "fault.clock") {
		behind, by = 0, actors
	}
	picks := slices.Clone(c.Picks[label])
	for at := range picks {
		if at > behind {
			picks[at] = 0
		}
	}
	for _, at := range deviating(c.Picks[label]) {
		if at > behind {
			picks[max(at-by, 0)] = c.Picks[label][at]
		}
	}
	c.Set(label, picks)
}

// cut takes single zeros out of the lists, so that later choices come earlier.
func (s *shrinker) cut() {
	for _, label := range s.best.Labels() {
		if strings.HasPrefix(label, "latency.") {
			continue
		}
		for at := len(s.best.Picks[label]) - 1; at >= 0 && !s.over(); at-- {
			s.edit(func(c *choose.Streams) bool {
				picks := c.Picks[label]
				if at >= len(picks) || picks[at] != 0 {
					return false
				}
				c.Set(label, slices.Delete(picks, at, at+1))
				return true
			})
		}
	}
}

// lower makes choices smaller by bisection: a delay is one of a thousand choices.
func (s *shrinker) lower() {
	for _, label := range s.best.Labels() {
		for _, at := range deviating(s.best.Picks[label]) {
			for below := 0; !s.over(); {
				picks := s.best.Picks[label]
				if at >= len(picks) || picks[at]-below <= 1 {
					break
				}
				if middle := (below + picks[at]) / 2; !s.put(label, at, middle) {
					below = middle
				}
			}
		}
	}
}

func (s *shrinker) put(label string, at, value int) bool {
	return s.edit(func(c *choose.Streams) bool {
		c.Picks[label][at] = value
		return true
	})
}

// deviating lists the places of the choices that are not 0.
func deviating(picks []int) []int {
	var places []int
	for at, p := range picks {
		if p != 0 {
			places = append(places, at)
		}
	}
	return places
}
