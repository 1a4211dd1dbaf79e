package world

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

// afterEvent is called when an event and all that it did at once are over.
func (o *oracle) afterEvent() { o.commandsEndWithTheirLease() }

// atEnd judges a world in which nothing happens any more: everything must have come to its end.
func (o *oracle) atEnd() {
	letters := o.deadLetters()
	records := o.records()
	ended := map[string]*claim.Job{}
	for _, m := range o.world.scenario.Mails {
		j := o.readJob(m.ID)
		switch {
		case j == nil:
			o.fail("L1", m.ID+" has no job")
			return
		case j.Outcome == "":
			o.fail("L1", m.ID+" has no outcome")
			return
		}
		ended[m.ID] = j
		if needsPerson := j.Outcome == job.TimedOut || j.Outcome == job.Failed; needsPerson && !letters[m.ID] {
			o.fail("L1", fmt.Sprintf("%s is %s and not on the dead letter queue", m.ID, j.Outcome))
		}
		if want := recordOf(j); records[m.ID] != want {
			o.fail("S5", fmt.Sprintf("%s is %s; its record is %+v, want %+v", m.ID, j.Outcome, records[m.ID], want))
		}
	}
	o.nobodyYieldsForNothing(ended)
	o.nothingEndsWithoutReason(ended)
	o.newestCompletes(ended)
	o.executionsAgree(ended)
	o.nothingIsLeft()
}

// recordOf is the record that must be there of a job that has ended (docs/protocol.md, S5), said without the code that
// writes it; empty where there must be none.
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

// noOutcome is how outcomes calls what a mail has that has none, or not even a job.
const noOutcome = "none"

// outcomes counts how the mails ended.
func (o *oracle) outcomes() map[string]int {
	counts := map[string]int{}
	for _, m := range o.world.scenario.Mails {
		outcome := noOutcome
		if j := o.readJob(m.ID); j != nil && j.Outcome != "" {
			outcome = string(j.Outcome)
		}
		counts[outcome]++
	}
	return counts
}

// newestCompletes: per key, of the messages that did not fail, the newest one's thread completes,
// unless that message gave way to a newer one, which then failed (L2).
func (o *oracle) newestCompletes(ended map[string]*claim.Job) {
	byKey := map[job.Key][]*claim.Job{}
	for _, m := range o.world.scenario.Mails {
		j := ended[m.ID]
		byKey[m.Key] = append(byKey[m.Key], j)
	}
	for _, m := range o.world.scenario.Mails {
		jobs := byKey[m.Key]
		delete(byKey, m.Key)
		if len(jobs) == 0 {
			continue
		}
		slices.SortFunc(jobs, func(a, b *claim.Job) int {
			if job.Newer(a.ReceivedAtMillis, a.MessageID, b.ReceivedAtMillis, b.MessageID) {
				return -1
			}
			return 1
		})
		newest := slices.IndexFunc(jobs, func(j *claim.Job) bool {
			return j.Outcome != job.Failed && j.Outcome != job.TimedOut && j.Outcome != job.Rejected
		})
		if newest < 0 || slices.ContainsFunc(jobs, func(j *claim.Job) bool {
			return j.ThreadID == jobs[newest].ThreadID && j.Outcome == job.Completed
		}) {
			continue
		}
		gaveWay := slices.ContainsFunc(jobs[:newest], func(j *claim.Job) bool { return j.ThreadID != jobs[newest].ThreadID })
		if !gaveWay {
			o.fail("L2", fmt.Sprintf("%s is the newest of %s that did not fail, it is %s, and its thread never completes", jobs[newest].MessageID, m.Key, jobs[newest].Outcome))
		}
	}
}

// nobodyYieldsForNothing: a job is interrupted or superseded only for a newer message of another thread (S3).
func (o *oracle) nobodyYieldsForNothing(ended map[string]*claim.Job) {
	for _, m := range o.world.scenario.Mails {
		j := ended[m.ID]
		if j.Outcome != job.Interrupted && j.Outcome != job.Superseded {
			continue
		}
		if !slices.ContainsFunc(o.world.scenario.Mails, func(other Mail) bool {
			by := ended[other.ID]
			return by.Key == j.Key && by.ThreadID != j.ThreadID && job.Newer(by.ReceivedAtMillis, by.MessageID, j.ReceivedAtMillis, j.MessageID)
		}) {
			o.fail("S3", fmt.Sprintf("%s is %s, and no other thread of %s has a newer message", m.ID, j.Outcome, j.Key))
		}
	}
}

// executionsAgree: no execution is open, each ended as its job did, and no message has two (S6).
func (o *oracle) executionsAgree(ended map[string]*claim.Job) {
	started := map[string]bool{}
	for _, x := range o.world.cloud.StepFunctions.Executions() {
		var input job.ExecutionInput
		if err := json.Unmarshal([]byte(x.Input), &input); err != nil || started[input.Message.MessageID] {
			o.fail("S6", fmt.Sprintf("%s is a second execution of %s", x.Name, input.Message.MessageID))
		}
		started[input.Message.MessageID] = true
		if x.Status == sfntypes.ExecutionStatusRunning {
			o.fail("orphan", "the execution of "+x.Name+" never ends")
			continue
		}
		j := ended[x.Name]
		if j == nil {
			continue
		}
		said, ok := map[string][]job.Outcome{
			"SUCCEEDED": {job.Completed, job.Interrupted, job.Superseded},
			"TIMED_OUT": {job.TimedOut}, "FAILED": {job.Failed},
		}[ending(x)]
		if ok && !slices.Contains(said, j.Outcome) {
			o.fail("S6", fmt.Sprintf("%s is %s, its execution is %s (%s)", x.Name, j.Outcome, x.Status, x.Error))
		}
	}
}

// ending is how an execution says that its job went: by its status, or by the error of the Fail state in
// which it ended. An execution that was aborted, or whose last handler failed, says nothing.
func ending(x sfncore.Execution) string {
	if x.Status == sfntypes.ExecutionStatusFailed {
		return x.Error
	}
	return string(x.Status)
}

// nothingIsLeft: no claim is held (L3), and no token, preemptor or message is left behind.
func (o *oracle) nothingIsLeft() {
	w := o.world
	for _, it := range w.cloud.DynamoDB.Items(w.names.ActiveJobs()) {
		row, err := claim.ParseRow(it)
		switch {
		case err != nil:
			o.fail("refinement", err.Error())
		case len(row.Jobs) > 0:
			o.fail("L3", fmt.Sprintf("%s is still claimed for %v", row.Key, row.Jobs))
		case row.WorkerID != "":
			o.fail("L3", fmt.Sprintf("%s still has the worker %s", row.Key, row.WorkerID))
		case row.Preemptor != nil:
			o.fail("orphan", fmt.Sprintf("%s still has the preemptor %s", row.Key, row.Preemptor.ThreadID))
		}
	}
	if open := w.cloud.StepFunctions.OpenTokens(); len(open) > 0 {
		o.fail("orphan", fmt.Sprintf("%d task tokens are open", len(open)))
	}
	for _, queue := range []string{w.names.WorkQueue(), w.names.WorkDeadLetters()} {
		if left := w.cloud.SQS.Peek(queue); len(left) > 0 {
			o.fail("orphan", fmt.Sprintf("%d messages are left on %s", len(left), queue))
		}
	}
	if len(w.sessions) > 0 {
		o.fail("orphan", "a command still runs")
	}
}

func (o *oracle) deadLetters() map[string]bool {
	told := map[string]bool{}
	for _, m := range o.world.cloud.SQS.Peek(o.world.names.DeadLetters()) {
		var letter job.DeadLetter
		if err := json.Unmarshal([]byte(m.Body), &letter); err == nil {
			told[letter.MessageID] = true
		}
	}
	return told
}

func (o *oracle) records() map[string]audit.Record {
	found := map[string]audit.Record{}
	for _, it := range o.world.cloud.DynamoDB.Items(o.world.names.Interruptions()) {
		if r, err := audit.Parse(it); err == nil {
			found[r.MessageID] = r
		}
	}
	return found
}

func (o *oracle) readClaim(key job.Key) *claim.Row {
	row, err := claim.ParseRow(o.item(o.world.names.ActiveJobs(), string(key)))
	if err != nil {
		o.fail("refinement", err.Error())
	}
	return row
}

func (o *oracle) readJob(id string) *claim.Job {
	j, err := claim.ParseJob(o.item(o.world.names.Jobs(), id))
	if err != nil {
		o.fail("refinement", err.Error())
	}
	return j
}

func (o *oracle) item(table, hash string) map[string]types.AttributeValue {
	it, _ := o.world.cloud.DynamoDB.Item(ddbcore.ItemKey{Table: table, Hash: hash})
	return it
}
