package choose

import (
	"fmt"
	"slices"
)

// Move is one of the things that may happen next in a world that is explored.
type Move struct {
	// Name is the same in every run in which the move is the same, and no other pending move has it.
	Name    string
	Touches []Touch
	Global  bool // it touches everything, as time does
}

// Touch is an object that a move reads or writes.
type Touch struct {
	Object string
	Writes bool
}

// Commutes says whether the two moves lead to the same world in either order: none writes what the other
// touches.
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

// Explorer visits every order of moves: run the world, call Next, run it again, until Next is false. Of
// orders that differ only in neighbours that commute it visits one, by sleep sets (Godefroid,
// Partial-Order Methods for the Verification of Concurrent Systems): a move that was explored before its
// sibling need not be explored after it, as long as nothing that it does not commute with has happened
// in between. Every end that some order reaches is reached by a visited one.
type Explorer struct {
	Naive bool // visit every order, also those that differ in nothing
	Runs  int  // begun so far, those that were cut short among them
	Cut   int  // runs that were cut short: all that could happen had been explored elsewhere

	path []node
	at   int
}

type node struct {
	moves  []Move
	asleep []Move // explored here or before
	picked int
}

// Pick says which of the moves happens; false ends the run, for everything that may happen from here has
// been explored.
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

// sleeping is what sleeps after the last move: what slept before it and commutes with it.
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

// awake is the first move from a place on that does not sleep.
func (n *node) awake(from int) int {
	for i := from; i < len(n.moves); i++ {
		if !slices.ContainsFunc(n.asleep, func(m Move) bool { return m.Name == n.moves[i].Name }) {
			return i
		}
	}
	return len(n.moves)
}

// Next turns to the next order; false says that all were visited.
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

// Orders is how many orders the run stands for, itself among them: those that differ from it only in
// neighbours that commute. It is exact: the sum over all runs that were not cut short is the number of runs
// that a naive Explorer makes. A run of more than 64 moves is refused by a panic.
func (e *Explorer) Orders() uint64 {
	moves := e.moves()
	if len(moves) > 64 {
		panic(fmt.Sprintf("choose: %d moves: the orders of at most 64 can be counted", len(moves)))
	}
	before := make([]uint64, len(moves)) // the moves that must have happened before each
	for i, m := range moves {
		for j, earlier := range moves[:i] {
			if !m.Commutes(earlier) {
				before[i] |= 1 << j
			}
		}
	}
	ways := map[uint64]uint64{0: 1} // how many orders lead to a set of moves that have happened
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
