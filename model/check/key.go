package check

// key is the whole world in 24 bytes: the search keeps every key it has seen, so two worlds are never taken for one.
type key [3]uint64

// packer writes fields of a few bits each into one word.
type packer struct {
	word  uint64
	shift uint
}

func (p *packer) put(v uint8, bits uint) {
	p.word |= uint64(v) << p.shift
	p.shift += bits
}

func (p *packer) flag(v bool) {
	if v {
		p.word |= 1 << p.shift
	}
	p.shift++
}

func (p *packer) get(bits uint) uint8 {
	v := uint8(p.word>>p.shift) & (1<<bits - 1)
	p.shift += bits
	return v
}

func (p *packer) is() bool { return p.get(1) == 1 }

func (w *world) key() key {
	var a, b, c packer
	for i := range w.msgs {
		m := &w.msgs[i]
		a.put(uint8(m.phase), 4)
		a.put(uint8(m.outcome), 3)
		a.put(uint8(m.token), 2)
		a.flag(m.inJobs)
		a.flag(m.recorded)
		a.flag(m.current)
		a.flag(m.reigned)
		a.flag(m.lost)
		b.put(w.queue[i], 3)
	}
	for i := range w.workers {
		k := &w.workers[i]
		b.put(uint8(k.duty), 4)
		b.put(k.job, 3)
		b.put(uint8(k.ends), 3)
		b.flag(k.fenced)
		b.flag(k.owns)
		b.flag(k.receipt)
	}
	b.put(w.pattern, 4)
	r := &w.row
	c.flag(r.exists)
	c.put(r.thread, 2)
	c.put(r.newest, 3)
	c.put(uint8(r.lease), 2)
	c.put(r.leaseJob, 3)
	c.flag(r.orphaned)
	c.put(uint8(r.claim), 2)
	c.put(r.preemptor, 2)
	c.put(r.pNewest, 3)
	c.flag(r.pAsker)
	c.flag(r.grace)
	for i := range w.frozen {
		f := &w.frozen[i]
		c.put(uint8(f.kind), 4)
		c.put(f.msg, 3)
		c.flag(f.current)
	}
	for i := range w.budget {
		c.put(w.budget[i], 2)
	}
	return key{a.word, b.word, c.word}
}

func (k key) world() world {
	a, b, c := packer{word: k[0]}, packer{word: k[1]}, packer{word: k[2]}
	var w world
	for i := range w.msgs {
		w.msgs[i] = message{
			phase: phase(a.get(4)), outcome: outcome(a.get(3)), token: tokenState(a.get(2)), inJobs: a.is(),
			recorded: a.is(), current: a.is(), reigned: a.is(), lost: a.is(),
		}
		w.queue[i] = b.get(3)
	}
	for i := range w.workers {
		w.workers[i] = worker{
			duty: duty(b.get(4)), job: b.get(3), ends: outcome(b.get(3)), fenced: b.is(), owns: b.is(), receipt: b.is(),
		}
	}
	w.pattern = b.get(4)
	w.row = row{
		exists: c.is(), thread: c.get(2), newest: c.get(3), lease: ageing(c.get(2)), leaseJob: c.get(3),
		orphaned: c.is(), claim: ageing(c.get(2)), preemptor: c.get(2), pNewest: c.get(3), pAsker: c.is(), grace: c.is(),
	}
	for i := range w.frozen {
		w.frozen[i] = call{kind: phase(c.get(4)), msg: c.get(3), current: c.is()}
	}
	for i := range w.budget {
		w.budget[i] = c.get(2)
	}
	return w
}

// budgetShift is where a key's last word has the budgets, which are the last that is put into it.
const budgetShift = 37

// split parts a key into what is left without the budgets, and these.
func (k key) split() (bare key, budgets uint64) {
	return key{k[0], k[1], k[2] & (1<<budgetShift - 1)}, k[2] >> budgetShift
}

// hash is a fixed mixing function (splitmix64's finaliser), the same in every run.
func (k key) hash() uint64 { return k.hashFrom(0x9e3779b97f4a7c15) }

func (k key) hashFrom(h uint64) uint64 {
	for _, word := range k {
		h ^= word
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// store keeps every key once, in the order in which they came. A slot holds 32 bits of the hash beside the index, so that a
// probe of a wrong slot seldom has to look at the key.
type store struct {
	keys  []key
	slots []uint64 // hash bits << 32 | index+1; a power of two
}

func newStore() *store { return &store{slots: make([]uint64, 1<<12)} }

// touch reads the slot where the search for a hash begins. Reading the slots of a few keys before any of them is added lets
// the processor fetch them from memory at the same time, which is where a search spends most of its time.
func (s *store) touch(h uint64) uint64 { return s.slots[h&uint64(len(s.slots)-1)] }

// add returns the index of the key, whose hash is h, and whether it is new.
func (s *store) add(k key, h uint64) (index uint32, added bool) {
	if 3*len(s.keys) >= 2*len(s.slots) {
		s.grow()
	}
	mask := uint64(len(s.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		slot := s.slots[at]
		if slot == 0 {
			s.keys = append(s.keys, k)
			s.slots[at] = h>>32<<32 | uint64(len(s.keys))
			return uint32(len(s.keys) - 1), true
		}
		if slot>>32 == h>>32 && s.keys[uint32(slot)-1] == k {
			return uint32(slot) - 1, false
		}
	}
}

func (s *store) grow() {
	s.slots = make([]uint64, 2*len(s.slots))
	mask := uint64(len(s.slots) - 1)
	for i, k := range s.keys {
		h := k.hash()
		at := h & mask
		for s.slots[at] != 0 {
			at = (at + 1) & mask
		}
		s.slots[at] = h>>32<<32 | uint64(i+1)
	}
}

func (w worker) rank() uint64 {
	p := packer{}
	p.put(uint8(w.duty), 4)
	p.put(w.job, 3)
	p.put(uint8(w.ends), 3)
	p.flag(w.fenced)
	p.flag(w.owns)
	p.flag(w.receipt)
	return p.word
}

// sortWorkers is an insertion sort: there are two or three.
func sortWorkers(ws []worker) {
	for i := 1; i < len(ws); i++ {
		for j := i; j > 0 && ws[j].rank() < ws[j-1].rank(); j-- {
			ws[j], ws[j-1] = ws[j-1], ws[j]
		}
	}
}

func less(a, b call) bool {
	if a.kind != b.kind {
		return a.kind < b.kind
	}
	if a.msg != b.msg {
		return a.msg < b.msg
	}
	return !a.current && b.current
}
