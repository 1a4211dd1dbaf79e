package sqscore

// wantInvariants checks the invariants that stand on the fields.
func (b *bench) wantInvariants() {
	b.t.Helper()
	for _, q := range b.c.queues {
		counts := map[State]int{}
		for _, m := range q.messages {
			counts[m.state]++
			b.wantMessage(q, m)
		}
		for _, s := range []State{Visible, Delayed, InFlight} {
			b.wantTrue(q.counts[s] == counts[s], "queue.counts")
		}
		for _, l := range q.groups {
			b.wantTrue(q.fifo && l.head != nil, "queue.groups")
		}
	}
}

func (b *bench) wantMessage(q *queue, m *message) {
	b.t.Helper()
	b.wantTrue(m.sentAt.Before(m.expiresAt) && b.c.now.Before(m.expiresAt), "message.expiresAt")
	b.wantTrue(m.state != InFlight || m.receives > 0, "message.receives")
	b.wantTrue(m.firstAt.IsZero() == (m.receives == 0), "message.firstAt")
	b.wantTrue(!m.lastAt.Before(m.firstAt), "message.lastAt")
	b.wantTrue((m.prev == nil || m.prev.serial < m.serial) && (m.next == nil || m.serial < m.next.serial), "message.prev and next")
	b.wantTrue(!m.timer.at.After(m.expiresAt), "message.timer")
	b.wantTrue((m.held > 0) == (m.state == InFlight && !q.fifo) && (m.held == 0 || q.held[m.held-1] == m), "message.held")
	b.wantTrue((m.lane.index > 0) == (m.lane.head.state == Visible), "lane.index")
}

func (b *bench) wantTrue(holds bool, invariant string) {
	b.t.Helper()
	if !holds {
		b.t.Fatalf("the invariant of %s is broken", invariant)
	}
}
