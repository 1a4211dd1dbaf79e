package oracle

import (
	"slices"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// watchNewest is the oracle of L2: per key, of the messages that did not fail, the newest one's
// thread completes, unless that message gave way to a newer one, which then failed.
func watchNewest(p *Panel, broken broken) hooks {
	return hooks{end: func(e *Ending) {
		byKey := map[job.Key][]*claim.Job{}
		for _, m := range p.messages {
			if j := e.Jobs[m.ID]; j != nil { // else it is held
				byKey[m.Key] = append(byKey[m.Key], j)
			}
		}
		for _, m := range p.messages {
			jobs := byKey[m.Key]
			delete(byKey, m.Key) // once per key
			if j := forsaken(jobs); j != nil {
				broken("%s is the newest of %s that did not fail, it is %s, and its thread never completes", j.MessageID, m.Key, j.Outcome)
			}
		}
	}}
}

// forsaken is the newest of a key's jobs that did not fail, if its thread should have completed and
// did not.
func forsaken(jobs []*claim.Job) *claim.Job {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j *claim.Job) bool { return j.Outcome == job.Rejected })
	slices.SortFunc(jobs, func(a, b *claim.Job) int {
		if job.Newer(a.ReceivedAtMillis, a.MessageID, b.ReceivedAtMillis, b.MessageID) {
			return -1
		}
		return 1
	})
	newest := slices.IndexFunc(jobs, func(j *claim.Job) bool {
		return j.Outcome != job.Failed && j.Outcome != job.TimedOut
	})
	if newest < 0 {
		return nil
	}
	thread := jobs[newest].ThreadID
	completes := slices.ContainsFunc(jobs, func(j *claim.Job) bool { return j.ThreadID == thread && j.Outcome == job.Completed })
	gaveWay := slices.ContainsFunc(jobs[:newest], func(j *claim.Job) bool { return j.ThreadID != thread })
	if completes || gaveWay {
		return nil
	}
	return jobs[newest]
}
