package world

import (
	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// writes are those of the call under way: what one call writes is one change.
type writes struct {
	world  *World
	writer oracle.Writer
	asked  moment // when the writer decided
	list   []ddbcore.Write
}

// begin begins a call.
func (b *writes) begin(writer oracle.Writer, asked moment) {
	b.writer, b.asked, b.list = writer, asked, b.list[:0]
}

func (b *writes) onWrite(w ddbcore.Write) { b.list = append(b.list, w) }

// judge lets the oracles judge what the call wrote, and the story tell it.
func (b *writes) judge() {
	if len(b.list) == 0 {
		return
	}
	w := b.world
	c := oracle.Change{Writer: b.writer, Asked: b.asked.own, AskedAt: b.asked.world}
	touched := b.read(&c)
	if c.Job != nil {
		w.story.learn(c.Job)
		w.oracles.JobChanged(c)
		if c.Job.Outcome != "" && (c.JobBefore == nil || c.JobBefore.Outcome == "") {
			w.story.outcome(c.Job)
		}
	}
	if touched {
		w.oracles.ClaimChanged(c)
		w.dice.tally.ClaimChanges(c.Key, c.RowBefore, c.Row)
		w.story.claim(c.Key, c.Row)
	}
	if touched || c.Job != nil {
		w.oracles.Changed(c)
	}
}

// read finds what the writes did to a claim and a job, and says whether they touched a claim.
func (b *writes) read(c *oracle.Change) (touched bool) {
	w := b.world
	for _, write := range b.list {
		var err error
		switch write.Key.Table {
		case w.names.ActiveJobs():
			touched, c.Key = true, job.Key(write.Key.Hash)
			c.RowBefore, err = claim.ParseRow(write.Old)
			if err == nil {
				c.Row, err = claim.ParseRow(write.New)
			}
		case w.names.Jobs():
			if write.Cause == ddbcore.ByTTL {
				continue
			}
			c.JobBefore, err = claim.ParseJob(write.Old)
			if err == nil {
				c.Job, err = claim.ParseJob(write.New)
			}
		case w.names.Interruptions():
			b.record(write)
		}
		if err != nil {
			w.oracles.Unreadable(err)
		}
	}
	return touched
}

// record takes up that an interruption is put on record.
func (b *writes) record(write ddbcore.Write) {
	if write.Cause == ddbcore.ByTTL {
		return
	}
	record, err := audit.Parse(write.New)
	b.world.oracles.RecordWritten(record, write.Old != nil, err)
	b.world.story.record(record.MessageID, record.Reason)
}
