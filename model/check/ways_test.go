package check

import "testing"

// Each state leads to the next, and the last is an end. Beside them, two states may lead in a
// circle.
func TestAStateIsStuckIfNoEndCanBeReached(t *testing.T) {
	const end = 3 * waysBlock // many blocks of steps
	for _, circle := range []bool{false, true} {
		var w ways
		for state := uint32(0); state < end; state++ {
			w.to(state + 1)
			w.from(state)
		}
		w.end(end)
		if circle {
			w.to(end + 2)
			w.from(end + 1)
			w.to(end + 1)
			w.from(end + 2)
		}
		first, found := w.stuck(end + 3)
		if found != circle || found && first != end+1 {
			t.Errorf("circle %v: found %v, first %d", circle, found, first)
		}
	}
}

// stuck works from the last state to the first, so a way that leads back to earlier states takes
// more rounds.
func TestAnEndMayBeReachedByGoingBack(t *testing.T) {
	var w ways
	w.to(1)
	w.to(2)
	w.from(0)
	w.to(3)
	w.from(1)
	w.to(1)
	w.from(2)
	w.end(3)
	if first, found := w.stuck(4); found {
		t.Errorf("%d is stuck", first)
	}
}
