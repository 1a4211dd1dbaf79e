package world

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/world/oracle"
)

// Backdrop makes the state in which a stage begins, by the protocol's own steps, one after another.
// It panics if a step does not have the effect that the stage wants.
type Backdrop struct {
	world *World
	store *claim.Store
}

func newBackdrop(w *World) *Backdrop {
	var direct client.Call = func(_ context.Context, service, _ string, input any) (any, error) {
		w.writes.begin(oracle.Writer{}, moment{w.now, w.now})
		output, _, err := w.cloud.Do(w.now, service, input)
		w.writes.judge()
		return output, err
	}
	ids := 0
	newID := func() string { ids++; return fmt.Sprintf("before.%d", ids) }
	noPause := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	store := must(claim.NewStore(client.NewDynamoDB(direct), w.names, w.scenario.Claim, func() time.Time { return w.now }, newID, noPause))
	return &Backdrop{world: w, store: store}
}

// Admit puts the messages' job rows.
func (b *Backdrop) Admit(messages ...job.Message) {
	for _, m := range messages {
		must(b.store.Admit(context.Background(), m, "arn:aws:states:us-east-1:000000000000:stateMachine:stage", nil))
	}
}

// Claim claims the key for the message, and returns the container.
func (b *Backdrop) Claim(m job.Message) (containerID string) {
	claimed := must(b.store.Claim(context.Background(), m))
	if !claimed.OK() {
		panic(fmt.Sprintf("world: %s cannot claim: %s", m.MessageID, claimed.Decision))
	}
	return claimed.ContainerID
}

// Interrupt makes the message wait for the holder to yield.
func (b *Backdrop) Interrupt(m job.Message, token string) {
	if asked := must(b.store.Interrupt(context.Background(), m, token)); asked.Decision != claim.DecisionInterrupt {
		panic(fmt.Sprintf("world: %s cannot interrupt: %s", m.MessageID, asked.Decision))
	}
}

// Send puts the message's work on the queue; the task token is "work-" and the message's id.
func (b *Backdrop) Send(m job.Message, containerID string) {
	w := b.world
	body := string(must(json.Marshal(work(m, containerID))))
	_, err := w.do("sqs", &sqs.SendMessageInput{
		QueueUrl: aws.String(w.stack.WorkQueueURL), MessageBody: aws.String(body),
		MessageGroupId: aws.String(string(m.ProjectUserID)), MessageDeduplicationId: aws.String(m.MessageID + containerID),
	})
	mustNil(err)
}

func work(m job.Message, containerID string) job.Work {
	return job.Work{Message: m, ContainerID: containerID, TaskToken: "work-" + m.MessageID}
}
