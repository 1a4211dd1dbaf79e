package check

import "github.com/webordinary/hephaestus/model"

// The spelling of a world's abstract ages and names as a model row, and back. A step reads the
// clock as now or, if the lease or claim is lapsing, also as now+1: a lapsing one is spelt so that
// it is live at now and expired at now+1.
const (
	now          = int64(1_000_000_999) // the last millisecond of a second: a claim's end, in whole seconds, passes at now+1
	fenceNow     = int64(1000)          // the row's fence; every other fence that still exists is smaller
	fenceBefore  = fenceNow - 1
	rowContainer = "this container"
	oldContainer = "an earlier container"
	newContainer = "a fresh container"
	goneWorker   = "worker 0"
)

var (
	messageIDs = [maxMessages + 1]string{"", "m1", "m2", "m3", "m4"}
	threadIDs  = [...]string{"", "a", "b", "c"}
	workerIDs  = [maxWorkers]string{"worker 1", "worker 2", "worker 3"}
	liveTokens = [maxMessages + 1]string{"", "live 1", "live 2", "live 3", "live 4"}
	oldTokens  = [maxMessages + 1]string{"", "stale 1", "stale 2", "stale 3", "stale 4"}
	jobSets    = spellJobSets()
	waitSets   = spellWaitSets()
	outcomes   = [...]model.Outcome{"", model.Completed, model.Interrupted, model.Superseded, model.TimedOut, model.Failed}
)

// spellJobSets lists the sets of jobs by bit mask. Steps may share them, because no step changes a
// slice that it was given.
func spellJobSets() (sets [1 << maxMessages][]string) {
	for mask := range sets {
		for i := range maxMessages {
			if mask>>i&1 == 1 {
				sets[mask] = append(sets[mask], messageIDs[i+1])
			}
		}
	}
	return sets
}

// spellWaitSets lists the sets of waiting messages by code: two bits (a tokenState) per message.
func spellWaitSets() (sets [1 << (2 * maxMessages)][]model.Waiting) {
	for code := range sets {
		for i := range maxMessages {
			switch tokenState(code >> (2 * i) & 3) {
			case staleToken:
				sets[code] = append(sets[code], model.Waiting{MessageID: messageIDs[i+1], Token: oldTokens[i+1]})
			case liveToken:
				sets[code] = append(sets[code], model.Waiting{MessageID: messageIDs[i+1], Token: liveTokens[i+1]})
			}
		}
	}
	return sets
}

func numberOf(messageID string) uint8 {
	if messageID == "" {
		return none
	}
	return messageID[1] - '0'
}

func threadOf(threadID string) uint8 {
	if threadID == "" {
		return 0
	}
	return threadID[0] - 'a' + 1
}

func outcomeOf(o model.Outcome) outcome {
	for i := range outcomes {
		if outcomes[i] == o {
			return outcome(i)
		}
	}
	panic("check: no outcome " + string(o))
}

// modelRow spells the claim row.
func (w *world) modelRow() model.Row {
	r := &w.row
	if !r.exists {
		return model.Row{}
	}
	out := model.Row{
		ContainerID: rowContainer, ThreadID: threadIDs[r.thread], ReceivedAtMillis: int64(r.newest),
		NewestMessageID: messageIDs[r.newest], Fence: fenceNow, WorkerJob: messageIDs[r.leaseJob],
	}
	jobs, waits := 0, 0
	for i := range w.msgs {
		if w.msgs[i].inJobs {
			jobs |= 1 << i
		}
		waits |= int(w.msgs[i].token) << (2 * i)
	}
	out.Jobs = jobSets[jobs]
	switch r.lease {
	case live:
		out.LeaseExpiresAtMillis = now + 50_000
	case lapsing:
		out.LeaseExpiresAtMillis = now - settings.MaxClockSkewMillis
	case expired:
		out.LeaseExpiresAtMillis = now - settings.MaxClockSkewMillis - 1000
	}
	if r.orphaned {
		out.WorkerID = goneWorker
	}
	for i := range w.workers {
		if w.workers[i].owns {
			out.WorkerID = workerIDs[i]
		}
	}
	switch r.claim {
	case live:
		out.ExpiresAtSeconds = now/1000 + 1000
	case lapsing:
		out.ExpiresAtSeconds = (now - settings.MaxClockSkewMillis) / 1000
	case expired:
		out.ExpiresAtSeconds = now/1000 - 1000
	}
	if r.spent {
		out.BudgetUntilMillis = now + 1000
	}
	if r.preemptor != 0 {
		out.Preemptor = model.Preemptor{
			ThreadID: threadIDs[r.preemptor], ReceivedAtMillis: int64(r.pNewest), NewestMessageID: messageIDs[r.pNewest],
			RequestedAtMillis: now - 1, Waiting: waitSets[waits],
		}
		if r.grace {
			out.Preemptor.RequestedAtMillis = now - settings.InterruptGraceMillis - settings.MaxClockSkewMillis - 1
		}
	}
	return out
}

// modelJob spells the job row of message m.
func (x *explorer) modelJob(w *world, m uint8) model.Job {
	msg := x.message(w, m)
	return model.Job{
		MessageID: msg.ID, ThreadID: msg.Thread, ReceivedAtMillis: msg.ReceivedAtMillis, Outcome: outcomes[w.msgs[m-1].outcome],
	}
}

func (x *explorer) message(w *world, m uint8) model.Message {
	return model.Message{ID: messageIDs[m], Thread: threadIDs[x.threads[w.pattern][m-1]], ReceivedAtMillis: int64(m)}
}

// containerOf spells the container that the execution or work message of m knows.
func containerOf(current bool) string {
	if current {
		return rowContainer
	}
	return oldContainer
}

func age(left int64) ageing {
	switch {
	case left > 0:
		return live
	case left+settings.MaxClockSkewMillis >= 0:
		return lapsing
	default:
		return expired
	}
}

// setRow puts a row that a step has written into the world.
func (w *world) setRow(before, after *model.Row, reading int64) {
	if after.Fence != before.Fence || !after.Exists() {
		for i := range w.workers {
			w.workers[i].fenced = false
		}
	}
	r := &w.row
	if after.ContainerID != before.ContainerID {
		if before.Exists() && before.Expired(reading, settings) {
			for i := range w.msgs {
				w.msgs[i].lost = w.msgs[i].lost || w.msgs[i].inJobs
			}
		}
		for i := range w.msgs {
			w.msgs[i].current = false
		}
		for i := range w.frozen {
			w.frozen[i].current = false
			if w.frozen[i].kind == interrupting {
				w.frozen[i] = call{} // refused from now on
			}
		}
		r.pAsker = after.Preemptor.Exists()
	}
	*r = row{exists: after.Exists(), pAsker: r.pAsker && after.Preemptor.Exists()}
	w.setSets(after)
	for i := range w.workers {
		w.workers[i].owns = after.WorkerID != "" && after.WorkerID == workerIDs[i]
	}
	if !r.exists {
		return
	}
	r.thread, r.newest = threadOf(after.ThreadID), numberOf(after.NewestMessageID)
	r.orphaned, r.leaseJob = after.WorkerID == goneWorker, numberOf(after.WorkerJob)
	if after.WorkerID != "" {
		r.lease = age(after.LeaseExpiresAtMillis - now)
	}
	r.claim = age(after.ExpiresAtSeconds*1000 - now)
	r.spent = after.BudgetUntilMillis > now+1
	if p := &after.Preemptor; p.Exists() {
		r.preemptor, r.pNewest = threadOf(p.ThreadID), numberOf(p.NewestMessageID)
		r.grace = p.RequestedAtMillis < now-settings.InterruptGraceMillis-settings.MaxClockSkewMillis
	}
}

func (w *world) setSets(after *model.Row) {
	for i := range w.msgs {
		w.msgs[i].inJobs = false
		w.msgs[i].token = noToken
	}
	for _, id := range after.Jobs {
		m := &w.msgs[numberOf(id)-1]
		m.inJobs, m.reigned = true, true
	}
	for _, wait := range after.Preemptor.Waiting {
		n := numberOf(wait.MessageID)
		m := &w.msgs[n-1]
		m.reigned = true
		m.token = staleToken
		if wait.Token == liveTokens[n] {
			m.token = liveToken
		}
	}
}
