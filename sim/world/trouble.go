package world

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// layOutTrouble schedules what goes wrong by itself, not at a call: executions that are stopped,
// expired items that are deleted, a service that is away.
func (w *World) layOutTrouble() {
	for _, m := range w.scenario.Messages() {
		if w.dice.drawn(fault.TokenGone, "execution") {
			w.schedule(m.At+w.dice.between(0, 20*time.Minute, "delay.stop-execution"), "the execution of "+m.ID+" is stopped by a person", func() { w.stopExecution(m.ID) })
		}
	}
	for _, m := range w.scenario.Messages() { // one that comes anew would be held anew, whatever became of it
		if w.dice.drawn(fault.RowExpires, "mail") && !w.scenario.Holds(m.Mail) {
			w.expiry.message = &m
		}
	}
	w.layOutOutage()
	for at := 2 * time.Minute; at < w.scenario.Horizon; at += ttlSweeps {
		if w.dice.every[fault.TTLLag] > 0 {
			w.schedule(at+w.dice.between(0, ttlSweeps, "delay.ttl"), "TTL looks for expired items", w.deleteExpired)
		}
	}
}

// ttlSweeps is how often TTL looks for expired items: more often than DynamoDB, so that it happens
// within a run.
const ttlSweeps = 5 * time.Minute

func (w *World) stopExecution(id string) {
	if w.dice.healed {
		return
	}
	j, err := (view{w}).Job(id)
	if err != nil || j == nil || j.ExecutionARN == "" {
		return
	}
	_, effects, err := w.cloud.Do(w.now, "states", &sfn.StopExecutionInput{ExecutionArn: aws.String(j.ExecutionARN)})
	if err != nil {
		w.story.remark("it does not run")
	} else {
		w.dice.tally.Strike(fault.TokenGone)
		w.story.fault(fault.TokenGone, "its task's token is worth nothing from now on")
	}
	w.carryOut(effects)
}

// expireRow makes the row of a message expire after all has ended, and puts the mail's object
// again. It says whether it did. The rows of the other mails expire too; TTL deletes late.
func (w *World) expireRow() bool {
	m := w.expiry.message
	if m == nil || !w.expiry.at.IsZero() || w.oracles.Violation() != nil {
		return false
	}
	w.advance(w.now.Add(w.scenario.Claim.JobRetention))
	w.event(ofWorld, "the row of "+m.ID+" expires, and its object is put again")
	w.dice.tally.Strike(fault.RowExpires)
	w.deleteRow(ddbcore.ItemKey{Table: w.names.Jobs(), Hash: m.ID})
	w.expiry.at = w.now
	w.put(m.Mail)
	return true
}

// dooms says whether no try of an event of intake gets through, of which run is one, and how many
// calls it makes before it dies.
func (w *World) dooms(service string, run cloud.Run) (calls int, doomed bool) {
	if service != "intake" || w.dice.healed {
		return 0, false
	}
	if run.Attempt == 1 && w.dice.strikes(fault.IntakeGivenUp, "event") {
		w.doomed[run.RequestID] = w.dice.choose(12, "given-up.calls")
		return w.doomed[run.RequestID], true
	}
	_, doomed = w.doomed[run.RequestID]
	return 0, doomed
}

// deleteExpired deletes some of what has expired.
func (w *World) deleteExpired() {
	if w.dice.healed {
		return
	}
	for _, key := range w.cloud.DynamoDB.Expired(w.now) {
		if w.dice.choose(2, "ttl.delete") == 0 {
			continue
		}
		w.dice.tally.Strike(fault.TTLLag) // before the deletion, which ends the life of the claim
		w.deleteRow(key)
		w.story.fault(fault.TTLLag, "deletes "+key.Hash+" from "+key.Table)
	}
}

// haveRows says whether all messages of the mail in an object have rows, and none of them is held.
func (w *World) haveRows(object string) bool {
	for _, m := range w.scenario.Messages() {
		if j, err := (view{w}).Job(m.ID); m.ObjectKey() == object && (err != nil || j == nil || j.Held()) {
			return false
		}
	}
	return true
}

// deleteRow makes TTL delete an item that has expired. Of the jobs, the protocol has those with an
// execution: mail that was rejected has no part in it.
func (w *World) deleteRow(key ddbcore.ItemKey) {
	var j *claim.Job
	if key.Table == w.names.Jobs() {
		j, _ = view{w}.Job(key.Hash)
	}
	w.writes.begin(oracle.Writer{}, moment{w.now, w.now})
	deleted := w.cloud.DynamoDB.DeleteExpired(w.now, key)
	w.writes.judge()
	switch {
	case !deleted:
	case key.Table == w.names.ActiveJobs():
		w.history.expired(job.Key(key.Hash), ToExpire{}, w.now)
	case j != nil && j.ExecutionARN != "":
		w.history.expired(j.Key, ToExpireJob{j.MessageID}, w.now)
	}
}

// losesRetry says whether the delivery is of an event that intake could not take and that nobody
// gives to it again, because its mail has a row. Of a held one nothing else would tell a person.
func (w *World) losesRetry(d cloud.Delivery) bool {
	if w.dice.healed || w.dice.every[fault.IntakeGivenUp] == 0 || d.Kind != cloud.DeadLetter || d.Queue() != w.names.IntakeRetries() {
		return false
	}
	object := objectOfFailed(d.Body())
	if !w.haveRows(object) {
		return false
	}
	w.dice.tally.Strike(fault.IntakeGivenUp)
	w.story.fault(fault.IntakeGivenUp, "the event of "+object+" does not come again, and its mail has a row")
	return true
}
