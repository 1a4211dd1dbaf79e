package world

import (
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/refinement"
	"github.com/webordinary/hephaestus/model"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

// Violation is a promise that a run broke.
type Violation struct {
	Invariant string        `json:"invariant"` // S1 … S7, L1 … L3, refinement, orphan, spurious, bound
	What      string        `json:"what"`
	At        time.Duration `json:"atNanoseconds"`
	Event     int           `json:"event"`
}

// oracle watches every write and every event, and knows what must hold (design.md, "What must hold").
// It keeps ghost state of its own: the highest fence ever seen, and which commands hold the lease by right.
type oracle struct {
	world     *World
	violation *Violation

	writer *actor // of the call under way; nil: AWS itself
	asked  moment // when the writer decided
	writes []ddbcore.Write

	fences    map[job.Key]int64     // the highest ever
	requested map[job.Key]time.Time // when the claim's holder was first asked to yield, by the world's clock
	leases    map[term]int64        // until when its holder was ever given the lease, by its own clock, ms
	held      map[job.Key]FaultSet  // what has struck in the life of each claim with jobs, expired or not
	revoked   map[term]bool         // whose lease was ended by right though it was live
	model     model.Settings
	ignore    map[string]bool
}

// term is one lease of one worker.
type term struct {
	key   job.Key
	fence int64
}

func (s *session) term() term { return term{key: s.keyOf(), fence: s.task.Fence} }

func newOracle(w *World, ignore map[string]bool) *oracle {
	return &oracle{
		world: w, ignore: ignore, fences: map[job.Key]int64{}, leases: map[term]int64{}, requested: map[job.Key]time.Time{},
		held: map[job.Key]FaultSet{}, revoked: map[term]bool{}, model: refinement.Settings(w.scenario.Claim),
	}
}

// fail notes the first violation.
func (o *oracle) fail(invariant, what string) {
	if o.violation != nil || o.ignore[invariant] {
		return
	}
	o.violation = &Violation{Invariant: invariant, What: what, At: o.world.now.Sub(Epoch), Event: o.world.Events}
	o.world.story.note(Note{Kind: NoteViolated, Invariant: invariant, Text: what})
}

// begin and end bracket a call, whose writes belong together.
func (o *oracle) begin(a *actor, asked moment) {
	o.writer, o.asked, o.writes = a, asked, o.writes[:0]
}

func (o *oracle) onWrite(w ddbcore.Write) { o.writes = append(o.writes, w) }

// change is what one call did to a claim and to a job.
type change struct {
	key              job.Key
	rowBefore, row   *claim.Row
	jobBefore, after *claim.Job
	ttl              bool
}

// end judges the call's writes.
func (o *oracle) end() {
	if len(o.writes) == 0 {
		return
	}
	names := o.world.names
	var c change
	touched := false
	for _, w := range o.writes {
		var err error
		switch w.Key.Table {
		case names.ActiveJobs():
			touched, c.key, c.ttl = true, job.Key(w.Key.Hash), w.Cause == ddbcore.ByTTL
			c.rowBefore, err = claim.ParseRow(w.Old)
			if err == nil {
				c.row, err = claim.ParseRow(w.New)
			}
		case names.Jobs():
			if w.Cause == ddbcore.ByTTL {
				continue
			}
			c.jobBefore, err = claim.ParseJob(w.Old)
			if err == nil {
				c.after, err = claim.ParseJob(w.New)
			}
		case names.Interruptions():
			o.recordWritten(w)
		}
		if err != nil {
			o.fail("refinement", err.Error())
		}
	}
	if c.after != nil {
		o.world.story.knows(c.after, o.world.scenario.Mails)
		o.jobChanged(c)
	}
	if touched {
		o.claimChanged(c)
	}
	if touched || c.after != nil {
		o.refines(c)
	}
}

// jobChanged: a job is what its mail says (S3), and an outcome is written once (S6).
func (o *oracle) jobChanged(c change) {
	if c.jobBefore == nil && c.after.Outcome == "" {
		o.jobIsItsMail(c.after)
	}
	if c.jobBefore != nil && c.jobBefore.Outcome != "" && c.jobBefore.Outcome != c.after.Outcome {
		o.fail("S6", fmt.Sprintf("the outcome of %s was %s and becomes %s", c.after.MessageID, c.jobBefore.Outcome, c.after.Outcome))
	}
	if c.after.Outcome != "" && (c.jobBefore == nil || c.jobBefore.Outcome == "") {
		o.world.story.note(Note{Kind: NoteOutcome, Message: c.after.MessageID, Text: c.after.MessageID + " ends: " + string(c.after.Outcome)})
	}
}

// jobIsItsMail: who is newest, and of which thread, is judged by the rows, so they must be those of the mail.
func (o *oracle) jobIsItsMail(j *claim.Job) {
	m := o.world.scenario.mail(j.MessageID)
	if m == nil { // a stage's job, which no mail made
		return
	}
	if j.Key != m.Key {
		o.fail("S3", fmt.Sprintf("%s is for %s, its job for %s", m.ID, m.Key, j.Key))
	}
	if received := job.Millis(Epoch.Add(m.Received)); j.ReceivedAtMillis != received {
		o.fail("S3", fmt.Sprintf("%s was received at %d ms, by its job at %d", m.ID, received, j.ReceivedAtMillis))
	}
	for _, other := range o.world.scenario.Mails {
		before := o.readJob(other.ID)
		if other.ID == m.ID || other.Key != m.Key || before == nil || before.ThreadID == "" {
			continue
		}
		if same := other.Thread == m.Thread; same != (before.ThreadID == j.ThreadID) {
			o.fail("S3", fmt.Sprintf("%s and %s are of one thread: %v; their jobs say the opposite", m.ID, other.ID, same))
		}
	}
}

// recordWritten: one record a message (S5); what it says is judged at the end.
func (o *oracle) recordWritten(w ddbcore.Write) {
	if w.Cause == ddbcore.ByTTL {
		return
	}
	record, err := audit.Parse(w.New)
	switch {
	case err != nil:
		o.fail("S5", err.Error())
	case w.Old != nil:
		o.fail("S5", "the record of "+record.MessageID+" is written again")
	}
	o.world.story.note(Note{Kind: NoteRecord, Message: record.MessageID, Text: "on record: " + record.MessageID + " " + string(record.Reason)})
}

// claimChanged judges a change of a claim row.
func (o *oracle) claimChanged(c change) {
	o.fencesGrow(c)
	o.leasesLast(c)
	o.newestFirst(c)
	o.cleanUpStaysAtHome(c)
	o.preemptorsWait(c)
	if c.row != nil && c.row.WorkerID != "" {
		t := term{c.key, c.row.Fence}
		o.leases[t] = max(o.leases[t], c.row.LeaseExpiresAtMillis)
	}
	o.follow(c)
	o.world.story.claim(c.key, c.row)
}

// follow notes which claims are held, and since when their holders have been asked to yield.
func (o *oracle) follow(c change) {
	if at := requestedAtMillis(c.row); at != 0 && at != requestedAtMillis(c.rowBefore) {
		o.requested[c.key] = o.asked.world
	}
	struck, held := o.held[c.key]
	holds := c.row != nil && len(c.row.Jobs) > 0
	if held && (!holds || c.row.ContainerID != c.rowBefore.ContainerID) {
		o.world.lives = append(o.world.lives, struck)
		delete(o.held, c.key)
		held = false
	}
	if holds && !held {
		o.held[c.key] = 0
	}
}

// requestedAtMillis is when the holder was first asked to yield, as the row says it; 0 where nobody asks.
func requestedAtMillis(row *claim.Row) int64 {
	if row == nil || row.Preemptor == nil {
		return 0
	}
	return row.Preemptor.RequestedAtMillis
}

// fencesGrow: fences only grow per key, also across TTL deletion, and a new claim's is higher than any
// that the key has had (S7).
func (o *oracle) fencesGrow(c change) {
	if c.row == nil {
		return
	}
	highest := o.fences[c.key]
	fresh := c.rowBefore == nil || c.rowBefore.ContainerID != c.row.ContainerID || (c.row.WorkerID != "" && c.rowBefore.WorkerID != c.row.WorkerID)
	if c.row.Fence < highest || (fresh && c.row.Fence == highest) {
		o.fail("S7", fmt.Sprintf("the fence of %s falls from %d to %d", c.key, highest, c.row.Fence))
	}
	o.fences[c.key] = max(highest, c.row.Fence)
}

// leasesLast: nobody but its holder ends a live lease, unless the holder has had its grace or its job was
// ended from outside (S1); and nobody writes under another's lease.
func (o *oracle) leasesLast(c change) {
	before := c.rowBefore
	if before == nil {
		return
	}
	if o.writer != nil && o.writer.kind == workerKind && before.WorkerID != "" && before.WorkerID != o.writer.name {
		ended := c.after != nil && c.after.Outcome != "" && c.after.Outcome != job.Interrupted
		beats := c.row != nil && c.row.WorkerID == before.WorkerID && c.row.LeaseExpiresAtMillis != before.LeaseExpiresAtMillis
		if ended || beats {
			o.fail("S1", fmt.Sprintf("%s writes under the lease of %s", o.writer.name, before.WorkerID))
		}
	}
	if before.WorkerID == "" || (c.row != nil && c.row.WorkerID == before.WorkerID && c.row.Fence == before.Fence && c.row.WorkerJob == before.WorkerJob) {
		return
	}
	if o.writer != nil && o.writer.name == before.WorkerID {
		return
	}
	if c.row != nil && c.row.Fence == before.Fence {
		o.fail("S1", fmt.Sprintf("%s ends the lease of %s and leaves its fence good", who(o.writer), before.WorkerID))
	}
	if !o.holds(before) {
		return
	}
	jobEnded := c.after != nil && c.after.MessageID == before.WorkerJob && c.after.Outcome != ""
	graceOver := c.row != nil && c.row.ContainerID != before.ContainerID && before.Preemptor != nil &&
		o.asked.world.Sub(o.requested[c.key]) > o.world.scenario.Claim.InterruptGrace
	if !jobEnded && !graceOver {
		o.fail("S1", fmt.Sprintf("the live lease of %s on %s is ended by %s", before.WorkerID, c.key, who(o.writer)))
	}
	o.revoked[term{c.key, before.Fence}] = true
}

// holds says whether the lease's holder may still believe in it: its process lives, and by its own
// clock the lease has not ended.
func (o *oracle) holds(r *claim.Row) bool {
	for _, s := range o.world.sessions {
		if s.owner.actor.name == r.WorkerID && s.task.Fence == r.Fence && !s.exited(o.world.now) {
			return job.Millis(s.owner.Now()) < r.LeaseExpiresAtMillis
		}
	}
	return false
}

// commandBegins: a command begins under a lease that lasts, and no two commands of a key run with a lease
// that both may believe in (S1).
func (o *oracle) commandBegins(s *session) {
	if job.Millis(s.owner.Now()) >= o.leases[s.term()] {
		o.fail("S1", fmt.Sprintf("the command of %s begins after its lease's end", s.task.Work.Message.MessageID))
	}
	for _, other := range o.world.sessions {
		if other == s || other.keyOf() != s.keyOf() || other.exited(o.world.now) || o.revoked[other.term()] {
			continue
		}
		if other.task.Fence >= s.task.Fence {
			o.fail("S1", fmt.Sprintf("the command of %s begins under fence %d beside one under fence %d", s.task.Work.Message.MessageID, s.task.Fence, other.task.Fence))
		}
		if job.Millis(other.owner.Now()) < o.leases[other.term()] {
			o.fail("S1", fmt.Sprintf("the command of %s begins while that of %s runs under a live lease", s.task.Work.Message.MessageID, other.task.Work.Message.MessageID))
		}
	}
}

// commandStops: a command is asked to stop for a preemptor only if one has asked its own container (S2).
func (o *oracle) commandStops(s *session) {
	now := s.owner.Now()
	if s.owner.stopping || !now.Before(s.beganAt.Add(o.world.scenario.Worker.CommandTimeout)) {
		return
	}
	row := o.readClaim(s.keyOf())
	if row == nil || row.ContainerID != s.task.Work.ContainerID || row.Preemptor == nil || row.Preemptor.ThreadID == row.ThreadID {
		o.fail("S2", fmt.Sprintf("the command of %s is stopped though nobody asked %s to yield", s.task.Work.Message.MessageID, s.task.Work.ContainerID))
	}
}

// cleanUpStaysAtHome: a function that ends a job leaves everything of the claim that is not that job's (S4).
func (o *oracle) cleanUpStaysAtHome(c change) {
	if o.writer == nil || o.writer.kind != functionActor || c.after == nil || c.after.Outcome == "" {
		return
	}
	if before, after := refinement.Row(c.rowBefore), refinement.Row(c.row); before.Trespasses(after, c.after.MessageID) {
		o.fail("S4", fmt.Sprintf("%s ends %s, and of the claim of %s takes what is not its own", o.writer.name, c.after.MessageID, c.key))
	}
}

// newestFirst: an older message never takes the place of a newer one of another thread (S3).
func (o *oracle) newestFirst(c change) {
	before, after := c.rowBefore, c.row
	if before == nil || after == nil || before.Expired(o.asked.own, o.world.scenario.Claim) {
		return
	}
	p, q := before.Preemptor, after.Preemptor
	if q != nil && (p == nil || p.ThreadID != q.ThreadID) {
		if p != nil && !job.Newer(q.ReceivedAtMillis, q.NewestMessageID, p.ReceivedAtMillis, p.NewestMessageID) {
			o.fail("S3", fmt.Sprintf("%s takes the place of the newer preemptor %s", q.NewestMessageID, p.NewestMessageID))
		}
		if p == nil && !job.Newer(q.ReceivedAtMillis, q.NewestMessageID, before.ReceivedAtMillis, before.NewestMessageID) {
			o.fail("S3", fmt.Sprintf("%s asks the newer %s to yield", q.NewestMessageID, before.NewestMessageID))
		}
	}
	if p != nil && q == nil && after.ThreadID != p.ThreadID && (after.ContainerID != before.ContainerID || len(after.Jobs) > len(before.Jobs)) {
		if !job.Newer(after.ReceivedAtMillis, after.NewestMessageID, p.ReceivedAtMillis, p.NewestMessageID) {
			o.fail("S3", fmt.Sprintf("%s takes the place of %s, which waits and is newer", after.NewestMessageID, p.NewestMessageID))
		}
	}
	if after.ContainerID != before.ContainerID && after.ThreadID != before.ThreadID && len(before.Jobs) > 0 {
		if p == nil || p.ThreadID != after.ThreadID {
			o.fail("S3", fmt.Sprintf("%s takes a claim that is held by %s without having asked", after.NewestMessageID, before.ThreadID))
		}
	}
}

// saidSuperseded: a message is told that it is superseded, which ends it, only if the claim as it is now says
// so, for a newer one has or wants its place (S3). An answer comes at the very moment of the last read.
func (o *oracle) saidSuperseded(a *actor, m job.Message) {
	now := job.Millis(a.clock.at(o.world.now))
	if d := model.Decide(refinement.Row(o.readClaim(m.ProjectUserID)), refinement.Message(m), now, o.model); d != model.DecisionSuperseded {
		o.fail("S3", fmt.Sprintf("%s is told that it is superseded, though by the claim as it is: %s", m.MessageID, d))
	}
}

// refines: each write is a step that the model allows.
func (o *oracle) refines(c change) {
	judged := refinement.Change{RowBefore: c.rowBefore, Row: c.row, JobBefore: c.jobBefore, Job: c.after}
	switch {
	case c.after == nil:
		j := o.readJob(judged.About())
		judged.JobBefore, judged.Job = j, j
	case c.row == nil && c.rowBefore == nil:
		row := o.readClaim(c.after.Key)
		judged.RowBefore, judged.Row = row, row
	}
	step, err := judged.Judge(o.model, job.Millis(o.asked.own))
	switch {
	case err != nil:
		o.fail("refinement", err.Error())
		return
	case step == nil: // rejected at intake
		return
	}
	o.world.story.step(step)
}

func who(a *actor) string {
	if a == nil {
		return "AWS"
	}
	return a.name
}
