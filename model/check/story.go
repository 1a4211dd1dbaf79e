package check

import "strings"

// story tells a path of states and, unless last is nil, the step from its end that broke an
// invariant.
func story(scope Scope, p protocol, path []key, last *edge) []string {
	x := newExplorer(scope, p)
	x.raw = true
	t := teller{x: x, names: [maxWorkers]string{"worker 1", "worker 2", "worker 3"}}
	at := path[0].world()
	lines := []string{"threads of the messages, oldest first: " + strings.Join(strings.Split(scope.Patterns[at.pattern], ""), " ")}
	for _, to := range path[1:] {
		lines = append(lines, t.tell(&at, to, ""))
		at = to.world()
	}
	if last != nil {
		lines = append(lines, t.tell(&at, last.to, last.violates))
	}
	return lines
}

// teller turns steps into sentences. The search sorts the workers of each state; a teller keeps
// track of which is which.
type teller struct {
	x     *explorer
	names [maxWorkers]string // by place in the current state
	fence int
}

func (t *teller) tell(w *world, to key, violates string) string {
	for _, e := range t.x.successors(w) {
		if e.to != to || e.violates != violates {
			continue
		}
		if e.did.raises {
			t.fence++
		}
		line := e.did.sentence(t.names[e.did.worker], t.fence)
		t.follow(e.raw)
		return line
	}
	return "a step that the explorer does not list"
}

// follow sorts the names in the way that sortWorkers sorts the workers.
func (t *teller) follow(raw *world) {
	ws := raw.workers
	for i := 1; i < t.x.workers; i++ {
		for j := i; j > 0 && ws[j].pack() < ws[j-1].pack(); j-- {
			ws[j], ws[j-1] = ws[j-1], ws[j]
			t.names[j], t.names[j-1] = t.names[j-1], t.names[j]
		}
	}
}
