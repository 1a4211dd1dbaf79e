package check

import "math/bits"

// prints is the set of the states that a merged search has visited. A state is a world and the
// budgets that are left in it. A slot holds a fingerprint of the world and, in its low bits, the
// number of the budgets. A second hash of the world says where its probing begins, so one probing
// finds all states of a world. The search takes a world for another only if both have the same
// fingerprint and begin at nearly the same slot.
type prints struct {
	slots   []uint64
	count   int
	longest int // most slots that one look-up had to read

	levels  budgetLevels
	numbers uint     // bits of a slot for the number of the budgets
	spread  []uint64 // by number: the budgets, three bits a fault
}

// budgetLevels says how many levels the budget of each fault has.
type budgetLevels [faultKinds]uint8

const noSlot = ^uint32(0)

func newPrints(room int, limits [faultKinds]uint8) *prints {
	p := &prints{slots: make([]uint64, 1<<bits.Len(uint(room+room/7)))}
	all := 1
	for f, limit := range limits {
		p.levels[f] = limit + 1
		all *= int(limit + 1)
	}
	p.numbers = uint(bits.Len(uint(all)))
	for n := range all {
		spread, rest := uint64(0), n
		for f, levels := range p.levels {
			spread |= uint64(rest%int(levels)) << (3 * f)
			rest /= int(levels)
		}
		p.spread = append(p.spread, spread)
	}
	return p
}

// numberOf numbers the budgets as a key has them.
func (p *prints) numberOf(budgets uint64) uint64 {
	number, unit := uint64(0), uint64(1)
	for f, levels := range p.levels {
		number += budgets >> (2 * f) & 3 * unit
		unit *= uint64(levels)
	}
	return number
}

// covers says whether every budget of a is at least as great as that of b.
func (p *prints) covers(a, b uint64) bool {
	const high = 0o444444444 // a bit above each budget, to borrow from
	return (p.spread[a]|high-p.spread[b])&high == high
}

// place is the slot of a state.
type place struct {
	slot  uint32
	first uint32 // the slot of the same world that was filled first: the world's lasting number
	added bool
}

// print returns where the probing for a state begins, and what its slot holds.
func (p *prints) print(k key) (home, slot uint64) {
	bare, budgets := k.split()
	home = bare.hash()
	fingerprint := bare.hashFrom(0xd1b54a32d192ed03) &^ (1<<p.numbers - 1)
	return home, fingerprint | p.numberOf(budgets) + 1
}

// add puts a state into the set. If a state of the same world with budgets as great is there, it
// returns that one instead.
func (p *prints) add(home, slot uint64) place { return p.find(home, slot, true) }

func (p *prints) find(home, slot uint64, add bool) place {
	mask := uint64(len(p.slots) - 1)
	numbers := uint64(1)<<p.numbers - 1
	first := noSlot
	for i := uint64(0); ; i++ {
		at := (home + i) & mask
		there := p.slots[at]
		if there != 0 && there&^numbers != slot&^numbers {
			continue
		}
		if there != 0 {
			if first == noSlot {
				first = uint32(at)
			}
			if !add && there != slot || !p.covers(there&numbers-1, slot&numbers-1) {
				continue
			}
			return place{slot: uint32(at), first: first}
		}
		p.longest = max(p.longest, int(i)+1)
		if !add {
			return place{slot: noSlot, first: first}
		}
		if first == noSlot {
			first = uint32(at)
		}
		p.slots[at] = slot
		p.count++
		return place{slot: uint32(at), first: first, added: true}
	}
}

// collisionBound bounds the odds that the search took a new world for another. Each state was
// compared with at most as many as the longest probe.
func (p *prints) collisionBound() float64 {
	return float64(p.count) * float64(p.longest) / float64(uint64(1)<<(64-p.numbers))
}
