package world

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/deploy/resources"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/aws/s3core"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/aws/sqscore"
	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/sim/world/choose"
)

// newWorld furnishes a cloud, and lays out what will come from outside.
func newWorld(scenario Scenario, chooser choose.Chooser, options Options) *World {
	w := &World{
		scenario: scenario, chooser: chooser, now: Epoch, parked: map[string][]*item{}, labels: map[string]*[faults]string{}, log: options.Log,
		story: &Story{keep: options.Story},
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if options.History {
		w.history = &history{}
	}
	w.drawFaults(options)
	w.oracle = newOracle(w, options.Ignore)
	w.furnish(options.Compiled)
	w.scenario.routes = must(mail.NewRoutes("example.com"))
	for _, m := range scenario.Mails {
		w.schedule(m.At, "mail "+m.ID+" arrives", func() { w.put(m) })
	}
	w.startWorkers()
	w.layOutTrouble()
	return w
}

// furnish makes the stack's resources by AWS's own calls, before anything can go wrong.
func (w *World) furnish(known *Compiled) {
	if known == nil {
		known = NewCompiled()
	}
	w.names = must(awsx.NewNames(""))
	w.cloud = system.NewCloud(w.names, cloud.Cores{
		DynamoDB:      ddbcore.New(ddbcore.Options{Choose: w.coreChoice, OnWrite: w.oracle.onWrite, Expressions: &known.expressions}),
		SQS:           sqscore.New(sqscore.Options{Choose: w.coreChoice}),
		S3:            s3core.New(s3core.Options{}),
		StepFunctions: sfncore.New(sfncore.Options{Choose: w.coreChoice, OmitHistory: true, Definitions: known.definitions}),
		Lambda:        lambdacore.New(lambdacore.Options{}),
	})
	var direct client.Call = func(_ context.Context, service, _ string, input any) (any, error) {
		if _, machine := input.(*sfn.CreateStateMachineInput); machine && w.stage != nil {
			return &sfn.CreateStateMachineOutput{StateMachineArn: aws.String("arn:aws:states:us-east-1:000000000000:stateMachine:stage")}, nil
		}
		output, _, err := w.cloud.Do(w.now, service, input)
		return output, err
	}
	w.stack = must(system.Furnish(context.Background(), w.cloud, w.names, w.scenario.Worker.Visibility, direct))
}

// coreChoice is what AWS itself may choose. While faults are off it is well-behaved.
func (w *World) coreChoice(n int, label string) int {
	if w.healed {
		return 0
	}
	switch {
	case label == "stale-read":
		stale := w.strikes(StaleRead, "core")
		if stale {
			w.story.fault(StaleRead, "the read does not see the last write")
		}
		return bit(stale)
	case label == sqscore.ChooseGroup, label == "retry jitter":
		return w.choose(n, label)
	case label == sqscore.ChooseMessage:
		if w.strikes(Reordering, "core") {
			return w.choose(n, label)
		}
	}
	return 0
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// drawFaults draws which of the allowed faults strike in this run, and how strongly (swarm testing). A calm
// run has few of them: what one alone brings about is not hidden behind the others.
func (w *World) drawFaults(options Options) {
	calm := !options.Fixed && w.choose(4, "swarm.calm") == 1
	for _, f := range Faults() {
		switch {
		case !options.Faults[f]:
		case calm && w.choose(8, "calm."+faultNames[f]) != 1:
		case options.Fixed:
			w.faults[f] = 4
		case w.choose(3, "swarm."+faultNames[f]) != 0:
			w.faults[f] = strength([]int{80, 25, 8}[w.choose(3, "strength."+faultNames[f])])
		}
	}
}

// put stores a mail as SES does.
func (w *World) put(m Mail) {
	_, effects, err := w.cloud.Do(w.now, "s3", &s3.PutObjectInput{
		Bucket: aws.String(w.names.Emails()), Key: aws.String(resources.EmailPrefix + m.ID), Body: strings.NewReader(m.mime()),
		Metadata: map[string]string{"received-at": strconv.FormatInt(job.Millis(Epoch.Add(m.Received)), 10)},
	})
	mustNil(err)
	w.story.mail(m)
	w.carryOut(effects)
}

// layOutTrouble schedules what goes wrong by itself, not at a call: executions that are stopped, expired
// items that are deleted.
func (w *World) layOutTrouble() {
	for _, m := range w.scenario.Mails {
		if w.drawn(TokenGone, "execution") {
			w.schedule(m.At+w.between(0, 20*time.Minute, "delay.stop-execution"), "the execution of "+m.ID+" is stopped by a person", func() { w.stopExecution(m.ID) })
		}
	}
	for at := 2 * time.Minute; at < w.scenario.Horizon; at += ttlSweeps {
		if w.faults[TTLLag] > 0 {
			w.schedule(at+w.between(0, ttlSweeps, "delay.ttl"), "TTL looks for expired items", w.deleteExpired)
		}
	}
}

// ttlSweeps is how often TTL looks for expired items: oftener than DynamoDB, so that it does within a run.
const ttlSweeps = 5 * time.Minute

func (w *World) stopExecution(id string) {
	if w.healed {
		return
	}
	arn := strings.Replace(w.stack.StateMachineARN, ":stateMachine:", ":execution:", 1) + ":" + job.ExecutionName(id)
	_, effects, err := w.cloud.Do(w.now, "states", &sfn.StopExecutionInput{ExecutionArn: aws.String(arn)})
	if err != nil {
		w.story.remark("it does not run")
	} else {
		w.struck(TokenGone)
		w.story.fault(TokenGone, "its task's token is worth nothing from now on")
	}
	w.carryOut(effects)
}

// deleteExpired deletes some of what has expired.
func (w *World) deleteExpired() {
	if w.healed {
		return
	}
	for _, key := range w.cloud.DynamoDB.Expired(w.now) {
		if w.choose(2, "ttl.delete") == 0 {
			continue
		}
		w.struck(TTLLag) // first, for the deletion ends the life of the claim that it befalls
		w.oracle.begin(nil, moment{w.now, w.now})
		w.cloud.DynamoDB.DeleteExpired(w.now, key)
		w.oracle.end()
		if key.Table == w.names.ActiveJobs() {
			w.history.expired(job.Key(key.Hash), w.now)
		}
		w.story.fault(TTLLag, "deletes "+key.Hash+" from "+key.Table)
	}
}

func must[T any](v T, err error) T {
	mustNil(err)
	return v
}

// mustNil stops a world that cannot even be made: a mistake in the simulation, never in what it simulates.
func mustNil(err error) {
	if err != nil {
		panic(fmt.Sprintf("world: %v", err))
	}
}

// redrive is what a person does after the trouble: events that Lambda gave up are given to their functions
// again.
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
		w.event("world", "a person redrives an event of "+function)
		_, effects, err := w.cloud.Do(w.now, "lambda", &lambda.InvokeInput{
			FunctionName: aws.String(w.names.Function(function)), InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(m.Body),
		})
		mustNil(err)
		w.carryOut(effects)
	}
}
