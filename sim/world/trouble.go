package world

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// layOutTrouble schedules what goes wrong by itself, not at a call: executions that are stopped,
// expired items that are deleted.
func (w *World) layOutTrouble() {
	for _, m := range w.scenario.Mails {
		if w.dice.drawn(fault.TokenGone, "execution") {
			w.schedule(m.At+w.dice.between(0, 20*time.Minute, "delay.stop-execution"), "the execution of "+m.ID+" is stopped by a person", func() { w.stopExecution(m.ID) })
		}
	}
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
	arn := awsx.ExecutionARN(w.stack.StateMachineARN, job.ExecutionName(id))
	_, effects, err := w.cloud.Do(w.now, "states", &sfn.StopExecutionInput{ExecutionArn: aws.String(arn)})
	if err != nil {
		w.story.remark("it does not run")
	} else {
		w.dice.tally.Strike(fault.TokenGone)
		w.story.fault(fault.TokenGone, "its task's token is worth nothing from now on")
	}
	w.carryOut(effects)
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
		w.writes.begin(oracle.Writer{}, moment{w.now, w.now})
		w.cloud.DynamoDB.DeleteExpired(w.now, key)
		w.writes.judge()
		if key.Table == w.names.ActiveJobs() {
			w.history.expired(job.Key(key.Hash), w.now)
		}
		w.story.fault(fault.TTLLag, "deletes "+key.Hash+" from "+key.Table)
	}
}

// redrive does what a person does after the trouble: it gives events that Lambda gave up to their
// functions again.
func (w *World) redrive() {
	for _, m := range w.cloud.SQS.Peek(w.names.DeadLetters()) {
		var event struct {
			Source  string `json:"source"`
			Records []struct {
				EventSource string `json:"eventSource"`
			} `json:"Records"`
		}
		if err := json.Unmarshal([]byte(m.Body), &event); err != nil {
			continue
		}
		function := ""
		switch {
		case event.Source == "aws.states":
			function = "handle-timeout"
		case len(event.Records) > 0 && event.Records[0].EventSource == "aws:s3":
			function = "intake"
		default:
			continue
		}
		w.event(ofWorld, "a person redrives an event of "+function)
		_, effects, err := w.cloud.Do(w.now, "lambda", &lambda.InvokeInput{
			FunctionName: aws.String(w.names.Function(function)), InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(m.Body),
		})
		mustNil(err)
		w.carryOut(effects)
	}
}
