package check

// key is the whole world in 24 bytes: the search keeps every key it has seen, so two worlds are
// never taken for one.
type key [3]uint64

func bit(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

func isSet(v uint64, at int) bool { return v>>at&1 == 1 }

// Sizes of the packed fields, in bits. A number is below eight.
const (
	messageBits = 14
	numberBits  = 3
	workerBits  = 13
	callBits    = 8
	budgetBits  = 2
)

// Where the words of a key have their fields. The first word is all messages.
const (
	workersShift = maxMessages * numberBits
	patternShift = workersShift + maxWorkers*workerBits
	frozenShift  = 22
	budgetShift  = frozenShift + maxFrozen*callBits // the last, see split
)

func (w *world) key() key {
	var a, b uint64
	for i := range w.msgs {
		a |= w.msgs[i].pack() << (i * messageBits)
		b |= uint64(w.queue[i]) << (i * numberBits)
	}
	for i := range w.workers {
		b |= w.workers[i].pack() << (workersShift + i*workerBits)
	}
	b |= uint64(w.pattern) << patternShift
	c := w.row.pack()
	for i := range w.frozen {
		c |= w.frozen[i].pack() << (frozenShift + i*callBits)
	}
	for i := range w.budget {
		c |= uint64(w.budget[i]) << (budgetShift + i*budgetBits)
	}
	return key{a, b, c}
}

func (k key) world() world {
	var w world
	for i := range w.msgs {
		w.msgs[i] = unpackMessage(k[0] >> (i * messageBits))
		w.queue[i] = uint8(k[1] >> (i * numberBits) & 7)
	}
	for i := range w.workers {
		w.workers[i] = unpackWorker(k[1] >> (workersShift + i*workerBits))
	}
	w.pattern = uint8(k[1] >> patternShift)
	w.row = unpackRow(k[2])
	for i := range w.frozen {
		w.frozen[i] = unpackCall(k[2] >> (frozenShift + i*callBits))
	}
	for i := range w.budget {
		w.budget[i] = uint8(k[2] >> (budgetShift + i*budgetBits) & 3)
	}
	return w
}

func (m *message) pack() uint64 {
	return uint64(m.phase) | uint64(m.outcome)<<4 | uint64(m.token)<<7 | bit(m.inJobs)<<9 | bit(m.recorded)<<10 |
		bit(m.current)<<11 | bit(m.reigned)<<12 | bit(m.lost)<<13
}

func unpackMessage(v uint64) message {
	return message{
		phase: phase(v & 15), outcome: outcome(v >> 4 & 7), token: tokenState(v >> 7 & 3), inJobs: isSet(v, 9),
		recorded: isSet(v, 10), current: isSet(v, 11), reigned: isSet(v, 12), lost: isSet(v, 13),
	}
}

func (k *worker) pack() uint64 {
	return uint64(k.duty) | uint64(k.job)<<4 | uint64(k.ends)<<7 | bit(k.fenced)<<10 | bit(k.owns)<<11 | bit(k.receipt)<<12
}

func unpackWorker(v uint64) worker {
	return worker{
		duty: duty(v & 15), job: uint8(v >> 4 & 7), ends: outcome(v >> 7 & 7), fenced: isSet(v, 10), owns: isSet(v, 11),
		receipt: isSet(v, 12),
	}
}

func (r *row) pack() uint64 {
	return bit(r.exists) | uint64(r.thread)<<1 | uint64(r.newest)<<3 | uint64(r.lease)<<6 | uint64(r.leaseJob)<<8 |
		bit(r.orphaned)<<11 | uint64(r.claim)<<12 | uint64(r.preemptor)<<14 | uint64(r.pNewest)<<16 | bit(r.pAsker)<<19 |
		bit(r.grace)<<20 | bit(r.spent)<<21
}

func unpackRow(v uint64) row {
	return row{
		exists: isSet(v, 0), thread: uint8(v >> 1 & 3), newest: uint8(v >> 3 & 7), lease: ageing(v >> 6 & 3),
		leaseJob: uint8(v >> 8 & 7), orphaned: isSet(v, 11), claim: ageing(v >> 12 & 3), preemptor: uint8(v >> 14 & 3),
		pNewest: uint8(v >> 16 & 7), pAsker: isSet(v, 19), grace: isSet(v, 20), spent: isSet(v, 21),
	}
}

func (c *call) pack() uint64 { return uint64(c.kind) | uint64(c.msg)<<4 | bit(c.current)<<7 }

func unpackCall(v uint64) call {
	return call{kind: phase(v & 15), msg: uint8(v >> 4 & 7), current: isSet(v, 7)}
}

// split parts a key into the key without its budgets, and the budgets.
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

// sortWorkers is an insertion sort, because there are at most three.
func sortWorkers(ws []worker) {
	for i := 1; i < len(ws); i++ {
		for j := i; j > 0 && ws[j].pack() < ws[j-1].pack(); j-- {
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
