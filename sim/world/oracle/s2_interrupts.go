package oracle

// watchInterrupts is the oracle of S2: a command is asked to stop for a preemptor only if its own
// container has one.
func watchInterrupts(p *Panel, broken broken) hooks {
	return hooks{asked: func(c Command) {
		if c.WorkerStops() || !c.WorkerNow().Before(c.BeganAt().Add(p.scenario.Worker.CommandTimeout)) {
			return
		}
		row := p.claim(c.Term().Key)
		if row == nil || row.ContainerID != c.ContainerID() || row.Preemptor == nil || row.Preemptor.ThreadID == row.ThreadID {
			broken("the command of %s is stopped though nobody asked %s to yield", c.MessageID(), c.ContainerID())
		}
	}}
}
