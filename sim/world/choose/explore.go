package choose

import (
	"fmt"
	"slices"
)

// Move is one thing that may happen next in an explored world.
type Move struct {
	// Name identifies the move: it is the same in every run, and no other pending move has it.
	Name    string
	Touches []Touch
	Global  bool // it touches everything, as time does
}

// Touch is an object that a move reads or writes.
type Touch struct {
	Object string
	Writes bool
}

// Commutes says whether the two moves lead to the same world in either order: neither writes what
// the other touches.
func (m Move) Commutes(o Move) bool {
	if m.Global || o.Global {
		return false
	}
	for _, a := range m.Touches {
		for _, b := range o.Touches {
			if a.Object == b.Object && (a.Writes || b.Writes) {
				return false
			}
		}
	}
	return true
}

// Explorer visits every order of moves: run the world, call Next, run it again, until Next is
// false. If orders differ only in neighbours that commute, it visits one of them, by sleep sets
// (Godefroid, Partial-Order Methods for the Verification of Concurrent Systems): after a move was
// explored, it is not explored again behind its siblings until something happens that it does not
// commute with. Every end that an order reaches, a visited order reaches too.
type Explorer struct {
	Naive bool // visit every order, without sleep sets
	Runs  int  // begun so far, including those that were cut short
	Cut   int  // runs that were cut short, because all that could follow had been explored

	path []node
	at   int
}

type node struct {
	moves  []Move
	asleep []Move // explored here or before
	picked int
}

// Pick says which of the moves happens. False ends the run: everything that may happen from here
// has been explored.
func (e *Explorer) Pick(moves []Move) (int, bool) {
	if e.at < len(e.path) {
		n := &e.path[e.at]
		if len(n.moves) != len(moves) || n.moves[n.picked].Name != moves[n.picked].Name {
			panic(fmt.Sprintf("choose: the world is not deterministic: move %d was %q of %d, now there are %d", e.at, n.moves[n.picked].Name, len(n.moves), len(moves)))
		}
		e.at++
		return n.picked, true
	}
	n := node{moves: slices.Clone(moves), asleep: e.sleeping()}
	n.picked = n.awake(0)
	if n.picked == len(moves) {
		e.Cut++
		return 0, false
	}
	e.path = append(e.path, n)
	e.at++
	return n.picked, true
}

// sleeping lists the moves that sleep after the last move: those that slept before it and commute
// with it.
func (e *Explorer) sleeping() []Move {
	if e.Naive || e.at == 0 {
		return nil
	}
	last := e.path[e.at-1]
	var asleep []Move
	for _, m := range last.asleep {
		if m.Commutes(last.moves[last.picked]) {
			asleep = append(asleep, m)
		}
	}
	return asleep
}

// awake is the place of the first move that does not sleep, beginning at from; len(moves) if all
// sleep.
func (n *node) awake(from int) int {
	for i := from; i < len(n.moves); i++ {
		if !slices.ContainsFunc(n.asleep, func(m Move) bool { return m.Name == n.moves[i].Name }) {
			return i
		}
	}
	return len(n.moves)
}

// Next turns to the next order. False means that all were visited.
func (e *Explorer) Next() bool {
	e.Runs++
	e.path = e.path[:e.at]
	for len(e.path) > 0 {
		last := &e.path[len(e.path)-1]
		last.asleep = append(last.asleep, last.moves[last.picked])
		if last.picked = last.awake(last.picked + 1); last.picked < len(last.moves) {
			e.at = 0
			return true
		}
		e.path = e.path[:len(e.path)-1]
	}
	e.at = 0
	return false
}

// Orders is how many orders the run stands for: itself, and those that differ from it only in
// neighbours that commute. It is exact: the sum over all runs that were not cut short is the number
// of runs that a naive Explorer makes. It panics if the run has more than 64 moves.
func (e *Explorer) Orders() uint64 {
	moves := e.moves()
	if len(moves) > 64 {
		panic(fmt.Sprintf("choose: %d moves: the orders of at most 64 can be counted", len(moves)))
	}
	before := make([]uint64, len(moves)) // for each move, those that must happen before it
	for i, m := range moves {
		for j, earlier := range moves[:i] {
			if !m.Commutes(earlier) {
				before[i] |= 1 << j
			}
		}
	}
	ways := map[uint64]uint64{0: 1} // by the moves that have happened, how many orders lead there
	for range moves {
		next := make(map[uint64]uint64, len(ways))
		for happened, n := range ways {
			for i := range moves {
				if bit := uint64(1) << i; happened&bit == 0 && before[i]&^happened == 0 {
					next[happened|bit] += n
				}
			}
		}
		ways = next
	}
	return ways[1<<len(moves)-1]
}

func (e *Explorer) moves() []Move {
	moves := make([]Move, e.at)
	for i, n := range e.path[:e.at] {
		moves[i] = n.moves[n.picked]
	}
	return moves
}

// Path names the moves of the run.
func (e *Explorer) Path() []string {
	var names []string
	for _, m := range e.moves() {
		names = append(names, m.Name)
	}
	return names
}
