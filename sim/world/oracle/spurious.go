package oracle

import "github.com/webordinary/hephaestus/libs/job"

// watchKills is the oracle of spurious: a command that was not asked to stop is killed only for the
// loss of its lease, not because its worker did not recognise its own write.
func watchKills(p *Panel, broken broken) hooks {
	knownUntilMillis := map[Command]int64{} // the latest lease end that any answer has told the worker, by its own clock
	return hooks{
		prepares: func(c Command) { knownUntilMillis[c] = p.leaseEndMillis(c) },
		leased:   func(c Command, untilMillis int64) { knownUntilMillis[c] = max(knownUntilMillis[c], untilMillis) },
		kills: func(c Command) {
			if c.AskedToStop() || c.Exited() || job.Millis(c.WorkerNow()) >= knownUntilMillis[c] {
				return
			}
			if row := p.claim(c.Term().Key); row != nil && row.Fence == c.Term().Fence && row.WorkerID == c.Worker() {
				broken("the command of %s is killed under a lease that its worker knows to have", c.MessageID())
			}
		},
	}
}
