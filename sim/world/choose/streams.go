package choose

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Last in a Streams picks the last of the possibilities, however many there are.
const Last = -1

// Streams plays choices from one list per label. Unlike a Recorder's Tape it keeps no order between
// labels: if a world asks more or less often for one label, the other labels still get their
// choices. So it can be shortened, and it survives changes of the world. Past a list's end it picks
// 0.
type Streams struct {
	Picks map[string][]int
	at    map[string]int
}

// NewStreams makes the lists of a tape, without the zeros at their ends.
func NewStreams(tape []Choice) *Streams {
	s := &Streams{Picks: map[string][]int{}}
	for _, c := range tape {
		s.Picks[c.Label] = append(s.Picks[c.Label], c.Picked)
	}
	for _, label := range s.Labels() {
		s.Set(label, s.Picks[label])
	}
	return s
}

// Set gives a label a list, without the zeros at its end. It drops the label if nothing is left.
func (s *Streams) Set(label string, picks []int) {
	end := len(picks)
	for end > 0 && picks[end-1] == 0 {
		end--
	}
	if end == 0 {
		delete(s.Picks, label)
		return
	}
	s.Picks[label] = picks[:end:end]
}

// Clone copies the lists. The copy plays them from their beginnings.
func (s *Streams) Clone() *Streams {
	copied := &Streams{Picks: make(map[string][]int, len(s.Picks))}
	for label, picks := range s.Picks {
		copied.Picks[label] = slices.Clone(picks)
	}
	return copied
}

// Labels lists the labels that have choices, sorted.
func (s *Streams) Labels() []string { return slices.Sorted(maps.Keys(s.Picks)) }

// Deviations counts the choices that are not 0.
func (s *Streams) Deviations() int {
	count := 0
	for _, picks := range s.Picks {
		for _, p := range picks {
			if p != 0 {
				count++
			}
		}
	}
	return count
}

// Choose plays the label's next choice, or the last possibility if the choice is too large.
func (s *Streams) Choose(n int, label string) int {
	picks, ok := s.Picks[label]
	if !ok {
		return 0
	}
	if s.at == nil {
		s.at = map[string]int{}
	}
	at := s.at[label]
	if at >= len(picks) {
		return 0
	}
	s.at[label] = at + 1
	if p := picks[at]; p != Last && p < n {
		return p
	}
	return n - 1
}

// MarshalJSON writes each label's choices that are not 0, as pairs of place and choice.
func (s *Streams) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteString("{")
	for i, label := range s.Labels() {
		if i > 0 {
			b.WriteString(",")
		}
		name, err := json.Marshal(label)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:[", name)
		first := true
		for at, p := range s.Picks[label] {
			if p == 0 {
				continue
			}
			if !first {
				b.WriteString(",")
			}
			first = false
			fmt.Fprintf(&b, "[%d,%d]", at, p)
		}
		b.WriteString("]")
	}
	b.WriteString("}")
	return []byte(b.String()), nil
}

// maxPlace bounds how long a file can make a list.
const maxPlace = 1 << 20

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Streams) UnmarshalJSON(data []byte) error {
	var sparse map[string][][2]int
	if err := json.Unmarshal(data, &sparse); err != nil {
		return err
	}
	s.Picks, s.at = map[string][]int{}, nil
	for _, label := range slices.Sorted(maps.Keys(sparse)) {
		var picks []int
		for _, pair := range sparse[label] {
			at, picked := pair[0], pair[1]
			if at < len(picks) || at > maxPlace || picked < Last {
				return fmt.Errorf("choices of %q: [%d,%d]: want rising places below %d, and choices from %d", label, at, picked, maxPlace, Last)
			}
			picks = append(append(picks, make([]int, at-len(picks))...), picked)
		}
		s.Set(label, picks)
	}
	return nil
}

// Used returns the lists as far as they have been played.
func (s *Streams) Used() *Streams {
	used := s.Clone()
	for _, label := range used.Labels() {
		picks := used.Picks[label]
		used.Set(label, picks[:min(len(picks), s.at[label])])
	}
	return used
}
