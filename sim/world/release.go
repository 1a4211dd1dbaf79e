package world

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// patience is how long a person waits before a release that failed is tried again.
const patience = 2 * time.Minute

// layOutReleases schedules what people do about held mail.
func (w *World) layOutReleases() {
	for _, m := range w.scenario.Mails {
		if m.Release.At == 0 {
			continue
		}
		for range 1 + bit(m.Release.Twice) {
			w.schedule(m.Release.At, "a person releases "+m.ID, func() { w.release(m) })
		}
	}
}

// release calls intake as heph release does.
func (w *World) release(m scenario.Mail) {
	output, effects, err := w.cloud.Do(w.now, "lambda", &lambda.InvokeInput{
		FunctionName: aws.String(w.names.Function("intake")), Payload: must(json.Marshal(job.Release{MessageID: m.ID})),
	})
	mustNil(err)
	w.releases[output.(*lambdacore.Pending).InvocationID] = m
	w.carryOut(effects)
}

// releaseAnswered has the person try again if the release failed, or came before the mail was held.
func (w *World) releaseAnswered(invocationID string, output *lambda.InvokeOutput) {
	m, ok := w.releases[invocationID]
	if !ok {
		return
	}
	delete(w.releases, invocationID)
	j, err := view{w}.Job(m.ID)
	if output.FunctionError == nil && err == nil && j != nil && !j.Held() {
		return
	}
	w.schedule(patience, "a person releases "+m.ID+" again", func() { w.release(m) })
}
