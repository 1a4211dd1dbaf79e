package check

// blockBits is the size of a block of a list, as a power of two.
const blockBits = 16

// list is a slice that grows without moving. The lists of a search are so long that to copy and
// clear them, as append does, would take a good part of its time and double its memory.
type list[T any] struct {
	blocks [][]T
	len    int
}

func (l *list[T]) at(i uint32) T { return l.blocks[i>>blockBits][i&(1<<blockBits-1)] }

func (l *list[T]) add(v T) {
	i := l.len & (1<<blockBits - 1)
	if i == 0 {
		l.blocks = append(l.blocks, make([]T, 1<<blockBits))
	}
	l.blocks[len(l.blocks)-1][i] = v
	l.len++
}

// store keeps every key once, in the order in which they came. A slot holds the high 32 bits of the
// hash beside the index, so a probe of a wrong slot seldom looks at the key, and grow looks at
// none. The probing for a key begins at the slot that the highest bits of its hash name, so grow
// fills the new table from front to back.
type store struct {
	keys  list[key]
	slots []uint64 // hash bits << 32 | index+1; a power of two
	shift uint     // of a hash to its first slot
}

func newStore() *store { return &store{slots: make([]uint64, 1<<12), shift: 64 - 12} }

// touch reads the slot where the probing for a hash begins. If the slots of many keys are read
// before any key is added, the processor fetches them from memory at the same time; a search would
// spend most of its time waiting for them.
func (s *store) touch(h uint64) uint64 { return s.slots[h>>s.shift] }

// add returns the index of the key, whose hash is h, and whether it is new.
func (s *store) add(k key, h uint64) (index uint32, added bool) {
	if 5*s.keys.len >= 4*len(s.slots) {
		s.grow()
	}
	mask := uint64(len(s.slots) - 1)
	for at := h >> s.shift; ; at = (at + 1) & mask {
		slot := s.slots[at]
		if slot == 0 {
			s.keys.add(k)
			s.slots[at] = h>>32<<32 | uint64(s.keys.len)
			return uint32(s.keys.len - 1), true
		}
		if slot>>32 == h>>32 && s.keys.at(uint32(slot)-1) == k {
			return uint32(slot) - 1, false
		}
	}
}

func (s *store) grow() {
	old := s.slots
	s.slots = make([]uint64, 2*len(old))
	s.shift--
	mask := uint64(len(s.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		at := slot >> s.shift
		for s.slots[at] != 0 {
			at = (at + 1) & mask
		}
		s.slots[at] = slot
	}
}
