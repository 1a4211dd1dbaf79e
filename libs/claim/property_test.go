package claim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

// TestAnyOrderOfStepsKeepsTheInvariants takes the steps of executions and workers in any order, by
// clocks that differ, with lost answers, dead workers, frozen Lambdas, long pauses and TTL
// deletions. After each step it checks the rows against S1, S3, S6, S7 and L3 of docs/protocol.md.
func TestAnyOrderOfStepsKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		actions := map[string]func(*rapid.T){"": w.holds, "a beat": w.workerBeats, "an end": w.workerEnds, "time": w.timePasses, "a fault": w.fault}
		for i := range 4 { // as often as all the rest, so that executions get somewhere
			actions[fmt.Sprintf("an execution %d", i)] = w.executionSteps
			actions[fmt.Sprintf("a start %d", i%2)] = w.workerTakes
		}
		t.Repeat(actions)
		for _, m := range w.messages {
			w.cleansUp(t, m, job.Failed)
		}
		w.holds(t)
		if row := w.row(t); row != nil && (len(row.Jobs) > 0 || row.WorkerID != "" || row.Preemptor != nil) {
			t.Fatalf("L3: every job has ended, and the claim is still held: %s", w.lab.Row())
		}
	})
}

// world is some messages of one key on their way, and the workers.
type world struct {
	lab      *simtest.Lab
	stores   []clockedStore // by clocks that differ
	messages []*traveller
	workers  []*worker

	lastFence int64
	lastRow   *claim.Row
	outcomes  map[string]job.Outcome
}

// traveller is a message with the state of its execution.
type traveller struct {
	job.Message
	state     string // "", asks, waits, works, superseded, ended
	container string
	tokens    int
}

// GoString is how rapid logs a draw.
func (m *traveller) GoString() string { return fmt.Sprintf("%s, %q", m.MessageID, m.state) }

// clockedStore is a store whose clock is ahead of the lab's.
type clockedStore struct {
	*claim.Store
	ahead time.Duration
}

// GoString is how rapid logs a draw.
func (s clockedStore) GoString() string { return fmt.Sprint(s.ahead, " ahead") }

// worker has the lease that it believes it holds.
type worker struct {
	id      string
	store   *claim.Store
	clock   func() time.Time
	lease   *claim.Lease
	revoked bool // a step rightly ended its lease early
	asked   bool
}

// GoString is how rapid logs a draw.
func (w *worker) GoString() string { return w.id }

func (w *worker) believes() bool { return w.lease != nil && w.clock().Before(w.lease.ExpiresAt) }

func newWorld(t *rapid.T) *world {
	lab := simtest.New(t)
	w := &world{lab: lab, outcomes: map[string]job.Outcome{}}
	skews := []time.Duration{-skew / 2, 0, skew / 2}
	settings := rapid.SampledFrom([]claim.Settings{claim.DefaultSettings(), bounded(2, 1, 1), bounded(1, 2, 2), bounded(1, 1, 0)}).Draw(t, "settings")
	for _, by := range skews {
		w.stores = append(w.stores, clockedStore{lab.StoreAt(settings, by), by})
	}
	for i := range rapid.IntRange(2, 5).Draw(t, "messages") {
		thread := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "thread")
		at := rapid.IntRange(1, 3).Draw(t, "received")
		m := simtest.Message(fmt.Sprintf("%s%d-%d", thread, at, i), thread, at)
		lab.Admit(m)
		w.messages = append(w.messages, &traveller{Message: m})
	}
	for i := range 3 {
		w.workers = append(w.workers, &worker{id: fmt.Sprintf("w%d", i), store: w.stores[i].Store, clock: lab.At(skews[i])})
	}
	return w
}

// message draws a message in one of the states, or in any if none is given. If there is none, the
// step is left out.
func (w *world) message(t *rapid.T, states ...string) *traveller {
	var some []*traveller
	for _, m := range w.messages {
		if len(states) == 0 || slices.Contains(states, m.state) {
			some = append(some, m)
		}
	}
	if len(some) == 0 {
		t.Skip("no message is in ", states)
	}
	return rapid.SampledFrom(some).Draw(t, "message")
}

// holder draws a worker that holds a lease, or held it.
func (w *world) holder(t *rapid.T) *worker {
	var some []*worker
	for _, k := range w.workers {
		if k.lease != nil {
			some = append(some, k)
		}
	}
	if len(some) == 0 {
		t.Skip("no worker has a lease")
	}
	return rapid.SampledFrom(some).Draw(t, "worker")
}

func (w *world) worker(t *rapid.T) *worker { return rapid.SampledFrom(w.workers).Draw(t, "worker") }
func (w *world) store(t *rapid.T) *claim.Store {
	return rapid.SampledFrom(w.stores).Draw(t, "clock").Store
}

func (w *world) row(t *rapid.T) *claim.Row {
	row, err := w.stores[0].ReadClaim(ctx, simtest.Key)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return row
}

func (w *world) timePasses(t *rapid.T) {
	w.lab.Advance(rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, lease - skew/2, lease + 2*skew, claimTTL + 2*skew}).Draw(t, "for"))
}

func (w *world) fault(t *rapid.T) {
	switch fault := rapid.SampledFrom([]string{"death", "hand back", "time out", "frozen step", "deletion", "TransactWriteItems", "UpdateItem"}).Draw(t, "fault"); fault {
	case "death":
		w.holder(t).lease = nil
	case "hand back":
		w.workerHandsBack(t)
	case "time out":
		w.cleansUp(t, w.message(t), job.TimedOut)
	case "frozen step":
		w.frozenStep(t)
	case "deletion":
		w.lab.DeleteExpired()
	default:
		w.lab.LoseAnswer(fault, 0)
	}
}

// executionSteps takes the next step of a message's execution.
func (w *world) executionSteps(t *rapid.T) {
	m, store := w.message(t, "", "asks", "waits", "superseded"), w.store(t)
	switch m.state {
	case "":
		checked, err := store.Check(ctx, m.Message)
		if w.failed(t, m, err) {
			return
		}
		switch {
		case checked.Decision.Proceeds():
			w.claims(t, m, store)
		case checked.Decision == claim.DecisionInterrupt:
			m.state = "asks"
		case checked.Decision == claim.DecisionLater: // it checks again
		default:
			m.state = "superseded"
		}
	case "asks":
		w.interrupts(t, m, store)
	case "waits": // woken for nothing, or its grace over
		w.claims(t, m, store)
	case "superseded":
		w.cleansUp(t, m, job.Superseded)
	}
}

func (w *world) claims(t *rapid.T, m *traveller, store *claim.Store) {
	before := w.row(t)
	claimed, err := store.Claim(ctx, m.Message)
	if w.failed(t, m, err) {
		return
	}
	// Judge by the effect, not by the answer: a take-over whose answer was lost finds its own write
	// and says "again".
	if after := w.row(t); before != nil && after != nil && after.ContainerID != before.ContainerID {
		w.takenFrom(t, before, m)
	}
	w.wakes(t, m, claimed.Wakes)
	m.state = ""
	if claimed.OK() {
		m.state, m.container = "works", claimed.ContainerID
	}
}

// takenFrom notes which live lease the take-over ended. The holder must have been asked, and have
// had its grace.
func (w *world) takenFrom(t *rapid.T, before *claim.Row, m *traveller) {
	for _, other := range w.workers {
		if !other.believes() || other.revoked || other.lease.Fence != before.Fence {
			continue
		}
		if before.Preemptor == nil {
			t.Fatalf("S1: %s took the key from %s, which lives and was not asked to yield", m.MessageID, other.id)
		}
		if asked := job.Time(before.Preemptor.RequestedAtMillis); w.lab.Now().Sub(asked) < grace {
			t.Fatalf("S1: %s took over from %s, which lives and was asked only %v ago", m.MessageID, other.id, w.lab.Now().Sub(asked))
		}
		other.revoked = true
	}
}

func (w *world) interrupts(t *rapid.T, m *traveller, store *claim.Store) {
	m.tokens++
	asked, err := store.Interrupt(ctx, m.Message, fmt.Sprintf("%s/%d", m.MessageID, m.tokens))
	if w.failed(t, m, err) {
		return
	}
	w.wakes(t, m, asked.Wakes)
	switch {
	case asked.GoOn, asked.Decision == claim.DecisionInterrupt:
		m.state = "waits"
	case asked.Decision == claim.DecisionLater:
		m.state = ""
	default:
		m.state = "superseded"
	}
}

// wakes delivers wake-ups to the messages that still wait.
func (w *world) wakes(t *rapid.T, by *traveller, wakes []claim.Wake) {
	for _, wake := range wakes {
		for _, m := range w.messages {
			if m.MessageID != wake.MessageID {
				continue
			}
			if wake.Superseded && (m.ThreadID == by.ThreadID || !by.NewerThan(m.ReceivedAtMillis, m.MessageID)) {
				t.Fatalf("S3: %s lost its place to %s", m.MessageID, by.MessageID)
			}
			if m.state == "waits" && wake.Superseded {
				m.state = "superseded"
			}
		}
	}
}

// failed says whether a step failed. It ends the execution of a message whose job has ended; a step
// that gave up is tried again.
func (w *world) failed(t *rapid.T, m *traveller, err error) bool {
	var ended *claim.EndedError
	switch {
	case err == nil:
		return false
	case errors.As(err, &ended):
		m.state = "ended"
	case !errors.Is(err, claim.ErrContended):
		t.Fatalf("%s: %v", m.MessageID, err)
	}
	return true
}

func (w *world) cleansUp(t *rapid.T, m *traveller, outcome job.Outcome) {
	if outcome == job.Superseded && !slices.ContainsFunc(w.messages, func(o *traveller) bool {
		return o.ThreadID != m.ThreadID && o.NewerThan(m.ReceivedAtMillis, m.MessageID)
	}) {
		t.Fatalf("S3: %s is superseded, and no other thread has a newer message", m.MessageID)
	}
	open := w.outcome(t, m) == ""
	before := w.row(t)
	finished, err := w.store(t).CleanUp(ctx, claim.CleanUp{Message: m.Message, End: claim.End{Outcome: outcome}, Record: w.lab.Records().Write})
	if w.failed(t, m, err) {
		return
	}
	if before != nil && !before.HasJob(m.MessageID) {
		if after := w.row(t); after.ContainerID != before.ContainerID || after.Fence != before.Fence || after.WorkerID != before.WorkerID || len(after.Jobs) != len(before.Jobs) {
			t.Fatalf("S4: the clean-up of %s touched a claim that is not its: %+v, now %s", m.MessageID, before, w.lab.Row())
		}
	}
	if finished.Job.Outcome == "" {
		t.Fatalf("L1: %s has no outcome after its clean-up", m.MessageID)
	}
	for _, other := range w.workers {
		if open && other.lease != nil && other.lease.MessageID == m.MessageID {
			other.revoked = true
		}
	}
	w.wakes(t, m, finished.Wakes)
	m.state = "ended"
}

// frozenStep is the step of a Lambda that wakes up after its message's job has ended.
func (w *world) frozenStep(t *rapid.T) {
	m, store := w.message(t, "ended"), w.store(t)
	before := w.lab.Row()
	var err error
	step := rapid.SampledFrom([]string{"claim", "interrupt", "start"}).Draw(t, "step")
	switch step {
	case "claim":
		_, err = store.Claim(ctx, m.Message)
	case "interrupt":
		_, err = store.Interrupt(ctx, m.Message, "frozen")
	case "start":
		_, err = store.Start(ctx, simtest.Work(m.Message, "container-1-c1"), "frozen")
	}
	if w.failed(t, m, err); w.lab.Row() != before {
		t.Fatalf("S6: a frozen %s of %s, which has ended, changed the row from %s to %s", step, m.MessageID, before, w.lab.Row())
	}
}

func (w *world) workerTakes(t *rapid.T) {
	k, m := w.worker(t), w.message(t, "works")
	if k.believes() {
		t.Skip("it works on another")
	}
	work := simtest.Work(m.Message, m.container)
	start, err := k.store.Start(ctx, work, k.id)
	if w.failed(t, m, err) {
		return
	}
	switch start.Verdict {
	case claim.Started:
		for _, other := range w.workers {
			if other != k && other.believes() && !other.revoked {
				t.Fatalf("S1: %s starts %s while %s believes to hold the lease of %s", k.id, m.MessageID, other.id, other.lease.MessageID)
			}
		}
		k.lease, k.revoked, k.asked = &start.Lease, false, false
	case claim.Yielded:
		declined, err := k.store.Decline(ctx, work, k.id)
		if !w.failed(t, m, err) {
			w.wakes(t, m, declined.Wakes)
		}
	case claim.Lost:
		m.state = ""
	}
}

func (w *world) workerBeats(t *rapid.T) {
	k := w.holder(t)
	beat, _ := k.store.Heartbeat(ctx, *k.lease)
	switch beat.Result {
	case awsx.Applied:
		if k.revoked {
			t.Fatalf("S1: %s beats with the stale fence %d", k.id, k.lease.Fence)
		}
		k.lease, k.asked = &beat.Lease, beat.Preemptor != nil
	case awsx.Refused:
		k.lease = nil
	}
}

func (w *world) workerEnds(t *rapid.T) {
	k := w.holder(t)
	end := claim.End{Outcome: rapid.SampledFrom([]job.Outcome{job.Completed, job.Failed}).Draw(t, "outcome")}
	if k.asked {
		end.Outcome = job.Interrupted
	}
	finished, err := k.store.Finish(ctx, *k.lease, end)
	switch {
	case errors.Is(err, claim.ErrNobodyWaits):
		k.asked = false
		return
	case errors.Is(err, claim.ErrLeaseLost):
	case err != nil:
		t.Fatalf("finish: %v", err)
	case k.revoked && w.outcomes[k.lease.MessageID] != finished.Job.Outcome:
		t.Fatalf("S1: %s finished %s as %s with the stale fence %d", k.id, k.lease.MessageID, finished.Job.Outcome, k.lease.Fence)
	default:
		for _, wake := range finished.Wakes {
			if wake.Superseded {
				t.Fatalf("S3: the end of %s superseded %s", k.lease.MessageID, wake.MessageID)
			}
		}
	}
	k.lease = nil
}

func (w *world) workerHandsBack(t *rapid.T) {
	k := w.holder(t)
	if _, result, _ := k.store.HandBack(ctx, *k.lease); result == awsx.Applied && k.revoked {
		t.Fatalf("S1: %s handed back with the stale fence %d", k.id, k.lease.Fence)
	}
	k.lease = nil
}

func (w *world) outcome(t *rapid.T, m *traveller) job.Outcome {
	j, err := w.stores[0].ReadJob(ctx, m.MessageID)
	if err != nil || j == nil {
		t.Fatalf("read job %s: %v", m.MessageID, err)
	}
	if (j.OutcomeAtMillis == 0) != (j.Outcome == "") || j.InterruptedBy != nil && j.Outcome != job.Interrupted && j.Outcome != job.Superseded {
		t.Fatalf("S6: half an end: %s", w.lab.Job(m.MessageID))
	}
	return j.Outcome
}

// holds checks what must be true of the rows after every step.
func (w *world) holds(t *rapid.T) {
	row := w.row(t)
	w.lab.Row() // fails if a step has written an attribute that is never read
	for _, m := range w.messages {
		w.lab.Job(m.MessageID)
		now, before := w.outcome(t, m), w.outcomes[m.MessageID]
		if before != "" && now != before {
			t.Fatalf("S6: %s had ended as %s and is %s now", m.MessageID, before, now)
		}
		w.outcomes[m.MessageID] = now
		if now == "" || row == nil {
			continue
		}
		if row.HasJob(m.MessageID) {
			t.Fatalf("L3: %s has ended and is among the claim's jobs: %s", m.MessageID, w.lab.Row())
		}
		if row.Preemptor != nil && row.Preemptor.Waiting[m.MessageID] != "" {
			t.Fatalf("L3: %s has ended and waits: %s", m.MessageID, w.lab.Row())
		}
	}
	if row == nil {
		w.lastRow = nil // the budget goes with the row, the fence does not
		return
	}
	if row.Fence < w.lastFence {
		t.Fatalf("S7: the fence fell from %d to %d", w.lastFence, row.Fence)
	}
	w.lastFence = row.Fence
	if bounds := w.stores[0].Settings(); len(row.Jobs) > bounds.MaxJobs || row.Preemptor != nil && len(row.Preemptor.Waiting) > bounds.MaxWaiting {
		t.Fatalf("bounds: at most %d jobs and %d that wait: %s", bounds.MaxJobs, bounds.MaxWaiting, w.lab.Row())
	}
	last := w.lastRow
	if last != nil && row.BudgetUntilMillis < last.BudgetUntilMillis {
		t.Fatalf("budget: it was used until %d and is until %d: %s", last.BudgetUntilMillis, row.BudgetUntilMillis, w.lab.Row())
	}
	if w.lastRow = row; last != nil && last.ContainerID == row.ContainerID {
		if job.Newer(last.ReceivedAtMillis, last.NewestMessageID, row.ReceivedAtMillis, row.NewestMessageID) {
			t.Fatalf("S3: the newest message was %s: %s", last.NewestMessageID, w.lab.Row())
		}
		if last.Preemptor != nil && row.Preemptor != nil && last.Preemptor.RequestedAtMillis != row.Preemptor.RequestedAtMillis {
			t.Fatalf("L2: the time of the first request changed from %d: %s", last.Preemptor.RequestedAtMillis, w.lab.Row())
		}
	}
	if (row.WorkerID == "") != (row.WorkerJob == "") || (row.WorkerID == "") != (row.LeaseExpiresAtMillis == 0) {
		t.Fatalf("S1: half a lease: %s", w.lab.Row())
	}
	if row.LeaseExpiresAtMillis > 1000*row.ExpiresAtSeconds {
		t.Fatalf("S1: the lease outlives the claim: %s", w.lab.Row())
	}
	if p := row.Preemptor; p != nil && len(p.Waiting) == 0 {
		t.Fatalf("S3: a preemptor for whom nobody waits: %s", w.lab.Row())
	}
	if row.WorkerJob != "" && !row.HasJob(row.WorkerJob) {
		t.Fatalf("S1: %s holds a lease for %s, which is not among the claim's jobs: %s", row.WorkerID, row.WorkerJob, w.lab.Row())
	}
	p := row.Preemptor
	if p != nil && p.ThreadID == row.ThreadID {
		t.Fatalf("S3: the holder's own thread waits: %s", w.lab.Row())
	}
	if p != nil && !job.Newer(p.ReceivedAtMillis, p.NewestMessageID, row.ReceivedAtMillis, row.NewestMessageID) {
		t.Fatalf("S3: an older thread waits for the place of a newer one: %s", w.lab.Row())
	}
}
