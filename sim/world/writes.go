package world

import (
	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// writes collects what the call under way writes: all of it is one change.
type writes struct {
	names   awsx.Names
	oracles *oracle.Panel
	story   *recorder
	tally   *fault.Tally
	expiry  *expiry
	admits  func() // is called when a job is put that is open

	writer oracle.Writer
	asked  moment // when the writer decided
	list   []ddbcore.Write
}

// begin begins a call.
func (b *writes) begin(writer oracle.Writer, asked moment) {
	b.writer, b.asked, b.list = writer, asked, b.list[:0]
}

func (b *writes) onWrite(w ddbcore.Write) { b.list = append(b.list, w) }

// judge passes what the call wrote to the oracles and the story.
func (b *writes) judge() {
	if len(b.list) == 0 {
		return
	}
	c := oracle.Change{Writer: b.writer, Asked: b.asked.own, AskedAt: b.asked.world}
	touched := b.read(&c)
	if c.Job != nil {
		b.story.learn(c.Job)
		b.oracles.JobChanged(c)
		if (c.JobBefore == nil || c.JobBefore.Held()) && !c.Job.Settled() {
			b.admits()
		}
		if c.Job.Outcome != "" && (c.JobBefore == nil || c.JobBefore.Outcome == "") {
			b.story.outcome(c.Job)
		}
	}
	if touched {
		b.oracles.ClaimChanged(c)
		b.tally.ClaimChanges(c.Key, c.RowBefore, c.Row)
		b.story.claim(c.Key, c.Row)
	}
	if touched || c.Job != nil {
		b.oracles.Changed(c)
	}
}

// read finds what the writes did to a claim and a job, and says whether they touched a claim.
func (b *writes) read(c *oracle.Change) (touched bool) {
	for _, write := range b.list {
		var err error
		switch write.Key.Table {
		case b.names.ActiveJobs():
			touched, c.Key = true, job.Key(write.Key.Hash)
			c.RowBefore, err = claim.ParseRow(write.Old)
			if err == nil {
				c.Row, err = claim.ParseRow(write.New)
			}
		case b.names.Jobs():
			if write.Cause == ddbcore.ByTTL {
				continue
			}
			c.JobBefore, err = claim.ParseJob(write.Old)
			if err == nil {
				c.Job, err = claim.ParseJob(write.New)
			}
		case b.names.Interruptions():
			b.record(write)
		}
		if err != nil {
			b.oracles.Unreadable(err)
		}
	}
	return touched
}

// record passes the record of an interruption to the oracles and the story.
func (b *writes) record(write ddbcore.Write) {
	if write.Cause == ddbcore.ByTTL {
		return
	}
	record, err := audit.Parse(write.New)
	old, _ := audit.Parse(write.Old)
	again := write.Old != nil && !b.expiry.before(old.MessageID, job.Time(old.TimestampMillis))
	b.oracles.RecordWritten(record, again, err)
	b.story.record(record.MessageID, record.Reason)
}
