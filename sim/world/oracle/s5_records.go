package oracle

import (
	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// watchRecords is the oracle of S5: a message has one record if it must have one, and at the end it
// says what happened.
func watchRecords(_ *Panel, broken broken) hooks {
	return hooks{
		record: func(r audit.Record, again bool, err error) {
			switch {
			case err != nil:
				broken("%s", err.Error())
			case again:
				broken("the record of %s is written again", r.MessageID)
			}
		},
		message: func(e *Ending, m scenario.Message, j *claim.Job) {
			if j == nil || j.Outcome == "" {
				return
			}
			if want := recordOf(j); e.Records[m.ID] != want {
				broken("%s is %s; its record is %+v, want %+v", m.ID, j.Outcome, e.Records[m.ID], want)
			}
		},
	}
}

// recordOf is the record that an ended job must have (docs/protocol.md, S5), made without the code
// that writes it; empty if it must have none.
func recordOf(j *claim.Job) audit.Record {
	reason, ok := map[job.Outcome]job.Reason{
		job.Interrupted: job.ReasonPreempted, job.Superseded: job.ReasonSuperseded, job.TimedOut: job.ReasonTimeout, job.Failed: job.ReasonFailure,
	}[j.Outcome]
	if !ok {
		return audit.Record{}
	}
	r := audit.Record{
		MessageID: j.MessageID, RecordID: "interruption-" + j.MessageID, ProjectUserID: j.Key, InterruptedContainer: j.ContainerID,
		InterruptedThreadID: j.ThreadID, Reason: reason, TimestampMillis: j.OutcomeAtMillis, PartialWork: j.PartialWork,
	}
	if by := j.InterruptedBy; by != nil {
		r.NewThreadID, r.NewMessageID, r.RequestedAtMillis = by.ThreadID, by.MessageID, by.RequestedAtMillis
	}
	return r
}
