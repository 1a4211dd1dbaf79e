package check

import "slices"

// ways are the steps of a search that are no faults. A state is a number; if no such step leaves
// it, it is an end.
type ways struct {
	blocks [][]uint32 // for each state: the states that its steps lead to, their number, and the state itself
	open   []uint32   // the same of the state that is being expanded
	ends   []uint32
}

const waysBlock = 1 << 16

func (w *ways) to(state uint32) { w.open = append(w.open, state) }

// from closes the list of steps of a state. There is at least one.
func (w *ways) from(state uint32) {
	w.open = append(w.open, uint32(len(w.open)), state)
	if n := len(w.blocks); n == 0 || len(w.blocks[n-1])+len(w.open) > waysBlock {
		w.blocks = append(w.blocks, make([]uint32, 0, waysBlock))
	}
	last := &w.blocks[len(w.blocks)-1]
	*last = append(*last, w.open...)
	w.open = w.open[:0]
}

func (w *ways) end(state uint32) { w.ends = append(w.ends, state) }

// stuck returns the first state, in the order of expansion, from which no end can be reached, if
// there is one. All states are numbers below states.
func (w *ways) stuck(states int) (first uint32, found bool) {
	good := make([]uint64, states/64+1)
	isGood := func(state uint32) bool { return good[state/64]>>(state%64)&1 == 1 }
	for _, end := range w.ends {
		good[end/64] |= 1 << (end % 64)
	}
	for changed := true; changed; {
		changed, found = false, false
		w.backwards(func(from uint32, to []uint32) {
			switch {
			case isGood(from):
			case slices.ContainsFunc(to, isGood):
				good[from/64] |= 1 << (from % 64)
				changed = true
			default:
				first, found = from, true
			}
		})
	}
	return first, found
}

// backwards visits the states, the last one first. Most steps lead to a state that was found later,
// so few rounds suffice.
func (w *ways) backwards(visit func(from uint32, to []uint32)) {
	for _, block := range slices.Backward(w.blocks) {
		for end := len(block); end > 0; {
			from, n := block[end-1], int(block[end-2])
			begin := end - 2 - n
			visit(from, block[begin:end-2])
			end = begin
		}
	}
}
