package sfncore

import "slices"

// Broken names the fields whose invariants do not hold.
func (c *Core) Broken() (fields []string) {
	want := func(holds bool, field string) {
		if !holds && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	for _, m := range c.machines {
		running := 0
		for _, x := range m.executions {
			if x.running() {
				running++
			}
		}
		want(m.running == running, "machine.running")
		want(2*m.forgotten <= len(m.executions), "machine.forgotten")
		want(!m.deleting || m.running > 0, "machine.deleting")
	}
	for _, x := range c.executions {
		want(!x.forgotten || !x.running(), "execution.forgotten")
		want(x.stop.IsZero() == x.running() && (x.running() || !x.stop.Before(x.start)), "execution.stop")
		want(x.output == "" || x.status == "SUCCEEDED", "execution.output")
		want((x.root == nil) == !x.running(), "execution.root")
		want((x.limit == nil) == !x.running(), "execution.limit")
		want(0 < x.events && x.events <= maxHistoryEvents, "execution.events")
		want(len(x.history) == x.events || c.options.OmitHistory && len(x.history) == 0, "execution.history")
		if x.running() {
			x.root.broken(want)
		}
	}
	for _, tasks := range []map[string]*task{c.tasks, c.tokens} {
		for _, t := range tasks {
			want(c.tasks[t.id] == t, "task.id")
			want(t.token == "" || c.tokens[t.token] == t, "task.token")
			want(t.branch.task == t, "task.branch")
		}
	}
	return fields
}

func (b *branch) broken(want func(holds bool, field string)) {
	waits := 0
	for _, so := range []bool{b.task != nil, b.timer != nil, b.fanout != nil} {
		if so {
			waits++
		}
	}
	want(waits <= 1 && b.over == (waits == 0), "branch.task, timer and fanout")
	if b.task != nil {
		want(b.task.branch == b && b.core.tasks[b.task.id] == b.task, "task.id")
	}
	if b.fanout == nil {
		return
	}
	over := 0
	for _, child := range b.fanout.children {
		child.broken(want)
		if child.over {
			over++
		}
	}
	want(len(b.fanout.children) <= len(b.fanout.results), "fanout.children")
	want(0 <= b.fanout.done && b.fanout.done < len(b.fanout.results) && over == b.fanout.done, "fanout.done")
}
