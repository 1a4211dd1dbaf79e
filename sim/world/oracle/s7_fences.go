package oracle

import "github.com/webordinary/hephaestus/libs/job"

// watchFences is the oracle of S7: fences only grow per key, also across TTL deletion, and a new
// claim's is higher than any that the key has had.
func watchFences(_ *Panel, broken broken) hooks {
	highest := map[job.Key]int64{} // ever
	return hooks{claim: func(c Change) {
		if c.Row == nil {
			return
		}
		before := highest[c.Key]
		fresh := c.RowBefore == nil || c.RowBefore.ContainerID != c.Row.ContainerID || (c.Row.WorkerID != "" && c.RowBefore.WorkerID != c.Row.WorkerID)
		if c.Row.Fence < before || (fresh && c.Row.Fence == before) {
			broken("the fence of %s falls from %d to %d", c.Key, before, c.Row.Fence)
		}
		highest[c.Key] = max(before, c.Row.Fence)
	}}
}
