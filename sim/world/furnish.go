package world

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/deploy"
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
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// newWorld makes a world with its cloud, and schedules what will come from outside.
func newWorld(s scenario.Scenario, chooser choose.Chooser, options Options) *World {
	w := bareWorld(s, chooser, options)
	w.dice.enable(options.Faults, options.Fixed)
	w.furnish(options.Compiled)
	template := w.template
	if options.Without != (deploy.Permission{}) {
		template = template.Without(options.Without)
	}
	w.roles = system.NewRoles(template, options.Used)
	for _, m := range s.Mails {
		w.schedule(m.At, "mail "+m.ID+" arrives", func() { w.put(m) })
	}
	w.layOutReleases()
	w.startWorkers()
	w.layOutTrouble()
	w.layOutAbsences()
	return w
}

// bareWorld is a world without a cloud.
func bareWorld(s scenario.Scenario, chooser choose.Chooser, options Options) *World {
	w := &World{
		scenario: s, now: scenario.Epoch, dice: newDice(chooser, s.Instant), parked: map[string][]*item{}, doomed: map[string]int{}, fetching: fetching{takes: map[string]time.Duration{}}, releases: map[string]scenario.Mail{}, messages: map[string]scenario.Message{}, story: newRecorder(options.Story, s.Messages()),
		site: site{names: must(awsx.NewNames("")), routes: must(mail.ReadRoutes(strings.NewReader(scenario.Routes))), log: options.Log},
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if options.History {
		w.history = &history{}
	}
	for _, m := range s.Messages() {
		w.messages[m.ID] = m
	}
	w.oracles = oracle.NewPanel(view{w}, &w.scenario, options.Ignore, oracle.Listener{Violated: w.story.violated, Step: w.story.step})
	w.writes = writes{names: w.names, oracles: w.oracles, story: w.story, tally: w.dice.tally, expiry: &w.expiry, admits: w.jobIsOpen}
	return w
}

// furnish makes the stack's resources by AWS's own calls, before anything can go wrong.
func (w *World) furnish(known *Compiled) {
	if known == nil {
		known = NewCompiled()
	}
	w.template = known.template(w.names, system.WorkQueue{Visibility: w.scenario.Worker.Visibility, MaxReceives: w.scenario.MaxReceives})
	w.cloud = system.NewCloud(w.template, cloud.Cores{
		DynamoDB:      ddbcore.New(ddbcore.Options{Choose: w.coreChoice, OnWrite: w.writes.onWrite, Expressions: &known.expressions}),
		SQS:           sqscore.New(sqscore.Options{Choose: w.coreChoice}),
		S3:            s3core.New(s3core.Options{}),
		StepFunctions: sfncore.New(sfncore.Options{Choose: w.coreChoice, OmitHistory: true, Definitions: known.definitions}),
		Lambda:        lambdacore.New(lambdacore.Options{}),
	})
	var direct client.Call = func(_ context.Context, service, _ string, input any) (any, error) {
		if _, machine := input.(*sfn.CreateStateMachineInput); machine && w.staged() {
			return &sfn.CreateStateMachineOutput{StateMachineArn: aws.String("arn:aws:states:us-east-1:000000000000:stateMachine:stage")}, nil
		}
		output, _, err := w.cloud.Do(w.now, service, input)
		return output, err
	}
	w.stack = must(system.Furnish(context.Background(), w.cloud, w.names, w.template, direct))
}

// coreChoice makes the choices that are AWS's own. While faults are off AWS is well-behaved.
func (w *World) coreChoice(n int, label string) int {
	if w.dice.healed {
		return 0
	}
	switch {
	case label == "stale-read":
		stale := w.dice.strikes(fault.StaleRead, "core")
		if stale {
			w.story.fault(fault.StaleRead, "the read does not see the last write")
		}
		return bit(stale)
	case label == sqscore.ChooseGroup, label == "retry jitter":
		return w.dice.choose(n, label)
	case label == sqscore.ChooseMessage:
		if w.dice.strikes(fault.Reordering, "core") {
			return w.dice.choose(n, label)
		}
	}
	return 0
}

// put stores a mail as SES does.
func (w *World) put(m scenario.Mail) {
	w.story.mail(m)
	_, err := w.do("s3", &s3.PutObjectInput{
		Bucket: aws.String(w.names.Emails()), Key: aws.String(m.ObjectKey()), Body: strings.NewReader(m.MIME()),
		Metadata: map[string]string{"received-at": strconv.FormatInt(job.Millis(scenario.Epoch.Add(m.Received)), 10)},
	})
	mustNil(err)
}
