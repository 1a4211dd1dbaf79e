package world

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// view is a world as its oracles read it.
type view struct{ *World }

func (v view) Now() time.Time { return v.now }

func (v view) Event() int { return v.trace.events }

func (v view) Struck(f fault.Kind) bool { return v.dice.tally.Has(f) }

func (v view) Claim(key job.Key) (*claim.Row, error) {
	return claim.ParseRow(v.item(v.names.ActiveJobs(), string(key)))
}

func (v view) Job(messageID string) (*claim.Job, error) {
	return claim.ParseJob(v.item(v.names.Jobs(), messageID))
}

func (v view) Started(executionARN string) bool {
	is := func(x sfncore.Execution) bool { return x.Arn == executionARN }
	return slices.ContainsFunc(v.cloud.StepFunctions.Executions(), is)
}

func (v view) item(table, hash string) map[string]types.AttributeValue {
	it, _ := v.cloud.DynamoDB.Item(ddbcore.ItemKey{Table: table, Hash: hash})
	return it
}

// ending reads a world in which nothing happens any more. Rows that cannot be read were judged when
// they were written.
func (v view) ending() *oracle.Ending {
	e := &oracle.Ending{Letters: map[string]bool{}, Records: map[string]audit.Record{}, OpenTokens: len(v.cloud.StepFunctions.OpenTokens())}
	if !v.expiry.at.IsZero() {
		e.Anew = v.expiry.message.ID
	}
	for _, it := range v.cloud.DynamoDB.Items(v.names.ActiveJobs()) {
		if row, err := claim.ParseRow(it); err == nil {
			e.Claims = append(e.Claims, row)
		}
	}
	for _, m := range v.cloud.SQS.Peek(v.names.DeadLetters()) {
		var letter job.DeadLetter
		if err := json.Unmarshal([]byte(m.Body), &letter); err == nil {
			e.Letters[letter.MessageID] = true
		}
	}
	for _, it := range v.cloud.DynamoDB.Items(v.names.Interruptions()) {
		if r, err := audit.Parse(it); err == nil && !v.expiry.before(r.MessageID, job.Time(r.TimestampMillis).Add(v.scenario.ClockBound())) {
			e.Records[r.MessageID] = r
		}
	}
	for _, x := range v.cloud.StepFunctions.Executions() {
		if v.expiry.before(messageOf(x), x.StartDate) {
			continue
		}
		execution := oracle.Execution{Message: messageOf(x), Input: x.Input, Error: x.Error, Status: x.Status}
		if !x.StopDate.IsZero() {
			execution.Lasted = x.StopDate.Sub(x.StartDate)
		}
		e.Executions = append(e.Executions, execution)
	}
	for _, queue := range []string{v.names.WorkQueue(), v.names.WorkDeadLetters(), v.names.IntakeRetries()} {
		e.Queues = append(e.Queues, oracle.Queue{Name: queue, Messages: len(v.cloud.SQS.Peek(queue))})
	}
	return e
}

// messageOf is the id of the message that an execution is for.
func messageOf(x sfncore.Execution) string {
	var input job.ExecutionInput
	_ = json.Unmarshal([]byte(x.Input), &input) // the oracle of S6 says if it cannot be read
	return input.Message.MessageID
}

// noOutcome is what outcomes counts a mail as that has no outcome, or not even a job.
const noOutcome = "none"

// outcomes counts how the mails ended.
func (v view) outcomes() map[string]int {
	counts := map[string]int{}
	for _, m := range v.scenario.Messages() {
		outcome := noOutcome
		if j, err := v.Job(m.ID); err == nil && j != nil && j.Outcome != "" {
			outcome = string(j.Outcome)
		}
		counts[outcome]++
	}
	return counts
}
