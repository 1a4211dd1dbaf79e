package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/system"
)

// errTimeout is what a caller sees of a call that was not answered.
var errTimeout = &smithy.GenericAPIError{Code: "RequestTimeout", Message: "no answer came in time", Fault: smithy.FaultUnknown}

// latest is how late a request takes effect that its caller has given up.
const latest = 100 * time.Second

// longestFreeze is how long an actor stands still at one call. A function's run is ended by Lambda after its
// timeout, whatever it does; a worker's machine may stand for longer than its lease.
func (k actorKind) longestFreeze() time.Duration {
	if k == functionActor {
		return system.FunctionTimeout
	}
	return 5 * time.Minute
}

// proceed lets an actor run until its next request, and takes that up.
func (w *World) proceed(a *actor, r reply) {
	a.reply = r
	if a.ahead > 0 { // it finds out now, as one does that stood still
		a.frozenUntil = w.now
	}
	a.ahead = 0
	req, _ := a.coroutine.resume()
	if req.over {
		w.idle = append(w.idle, a.coroutine)
		a.coroutine, a.alive = nil, false
		if a.done != nil {
			a.done()
		}
		return
	}
	if a.kind == workerKind {
		w.clockMayJump(a)
	}
	if req.wait {
		w.await(a, req)
		return
	}
	w.takeUp(a, req)
}

// takeUp schedules an actor's call, as the faults will have it.
func (w *World) takeUp(a *actor, req request) {
	delay := w.latency("call")
	switch {
	case w.strikes(CrashBefore, a.group):
		w.at(a, delay, "dies before "+describe(req), func() {
			w.story.fault(CrashBefore, "the call is never made")
			w.die(a)
		})
		return
	case w.strikes(Freeze, a.group):
		frozen := w.between(time.Second, a.kind.longestFreeze(), "delay.freeze."+a.group)
		w.story.fault(Freeze, fmt.Sprintf("%s stands still for %v before %s", a.name, frozen, describe(req)))
		delay += frozen
		a.frozenUntil = w.now.Add(delay)
		w.freezeSession(a, frozen)
	case a.kind == workerKind && req.operation == "UpdateItem" && w.strikes(SlowHeartbeat, a.group):
		slow := w.between(time.Second, w.scenario.Claim.Lease, "delay.heartbeat."+a.group)
		w.story.fault(SlowHeartbeat, fmt.Sprintf("the heartbeat of %s takes %v", a.name, slow))
		delay += slow
	}
	if giveUp, ok := w.givesUp(a, req, delay); ok {
		w.applyLater(a, req, delay)
		w.at(a, giveUp, "gives up "+req.operation, func() { w.proceed(a, reply{err: context.DeadlineExceeded}) })
		return
	}
	w.at(a, delay, describe(req), func() { w.perform(a, req) }).request = &req
}

// givesUp says whether a call takes longer than its caller waits, and how long that is. A frozen caller
// waits for as long as it is frozen.
func (w *World) givesUp(a *actor, req request, delay time.Duration) (time.Duration, bool) {
	if req.deadline.IsZero() || w.now.Before(a.frozenUntil) {
		return 0, false
	}
	wait := a.clock.until(req.deadline, w.now).Sub(w.now)
	return wait, wait < delay
}

// at schedules something of an actor's; it does not happen if the actor has died by then.
func (w *World) at(a *actor, after time.Duration, what string, do func()) *item {
	i := &item{at: w.now.Add(after), what: what, do: do, actor: a, life: a.life}
	w.push(i)
	return i
}

// longestOutage is how long nothing that an actor sends arrives: longer than a lease.
const longestOutage = 3 * time.Minute

// outage lets every fourth lost request be the first of many.
func (w *World) outage(a *actor) {
	if w.stage != nil || w.choose(4, "outage."+a.group) != 3 {
		return
	}
	lasts := w.between(10*time.Second, longestOutage, "delay.outage."+a.group)
	w.story.fault(RequestLost, fmt.Sprintf("nothing that %s sends arrives for %v", a.name, lasts))
	a.cutOffUntil = w.now.Add(lasts)
}

// perform makes the call, and lets the actor go on with what it gets to see of the answer.
func (w *World) perform(a *actor, req request) {
	if w.now.Before(a.cutOffUntil) && !w.healed {
		w.story.note(Note{Kind: NoteError, Text: "does not arrive"})
		w.proceed(a, reply{err: errTimeout})
		return
	}
	if in, ok := req.input.(*sqs.ReceiveMessageInput); ok {
		w.receive(a, in)
		return
	}
	switch {
	case w.strikes(RequestLost, a.group):
		w.story.fault(RequestLost, "the call does not arrive; "+a.name+" sees an error")
		w.outage(a)
		w.proceed(a, reply{err: errTimeout})
	case w.isHint(req) && w.strikes(NudgeLost, a.group):
		w.story.fault(NudgeLost, "the nudge or wake-up is lost")
		w.proceed(a, reply{err: errTimeout})
	case req.operation == "ChangeMessageVisibility" && ((a.losesMessage && !w.healed) || w.strikes(RedeliveryWhileRun, a.group)):
		if !a.losesMessage {
			w.story.fault(RedeliveryWhileRun, "no extension arrives any more: the message will be visible again though it is worked on")
		}
		a.losesMessage = true
		w.proceed(a, reply{err: errTimeout})
	case req.service == "dynamodb" && w.strikes(Throttle, a.group):
		w.story.fault(Throttle, "the call is refused")
		w.proceed(a, reply{err: throttled(req)})
	case w.strikes(LateRequest, a.group):
		late := w.between(time.Second, latest, "delay.late."+a.group)
		w.story.fault(LateRequest, fmt.Sprintf("the call takes effect in %v; %s sees an error now", late, a.name))
		w.applyLater(a, req, late)
		w.proceed(a, reply{err: errTimeout})
	default:
		w.performNow(a, req)
	}
}

func (w *World) performNow(a *actor, req request) {
	req = withToken(w, req)
	r := w.apply(a, req, a.asked)
	switch {
	case w.strikes(CrashAfter, a.group):
		w.story.fault(CrashAfter, a.name+" dies before it sees the answer")
		w.die(a)
	case w.strikes(AnswerLost, a.group):
		w.story.fault(AnswerLost, "the call took effect; "+a.name+" sees an error")
		w.history.lost(a)()
		w.proceed(a, reply{err: errTimeout})
	case w.strikes(SDKRetry, a.group):
		w.story.fault(SDKRetry, "the call took effect, and the SDK makes it again")
		w.history.lost(a)()
		w.proceed(a, w.apply(a, req, a.asked))
	default:
		w.proceed(a, r)
	}
}

// applyLater makes a call take effect that its caller has given up.
func (w *World) applyLater(a *actor, req request, after time.Duration) {
	asked, over := a.asked, w.history.lost(a)
	what := fmt.Sprintf("%s gave up: late %s", a.name, describe(req))
	w.push(&item{at: w.now.Add(after), what: what, request: &req, do: func() {
		w.apply(a, req, asked)
		over()
	}})
}

// apply makes the call take effect.
func (w *World) apply(a *actor, req request, asked moment) reply {
	w.oracle.begin(a, asked)
	output, effects, err := w.ask(req)
	w.oracle.end()
	if err != nil {
		w.story.note(Note{Kind: NoteError, Text: describeError(err)})
	}
	w.carryOut(effects)
	return reply{output: output, err: err}
}

// ask puts the call to the cloud. Task tokens of a stage are the stage's own.
func (w *World) ask(req request) (any, []cloud.Effect, error) {
	if w.stage != nil && req.service == "states" {
		output, err := w.stage.answer(req.input)
		return output, nil, err
	}
	return w.cloud.Do(w.now, req.service, req.input)
}

// withToken gives a transaction the token that the SDK gives it, so that a repeated one takes effect once.
func withToken(w *World, req request) request {
	in, ok := req.input.(*dynamodb.TransactWriteItemsInput)
	if !ok || in.ClientRequestToken != nil {
		return req
	}
	copied := *in
	w.ids++
	copied.ClientRequestToken = aws.String(fmt.Sprintf("token-%d", w.ids))
	req.input = &copied
	return req
}

// isHint says whether the call is a nudge or a wake-up, which may be lost.
func (w *World) isHint(req request) bool {
	switch in := req.input.(type) {
	case *sqs.SendMessageInput:
		return aws.ToString(in.QueueUrl) != w.stack.DeadLetterURL
	case *sfn.SendTaskSuccessInput:
		_, isWakeUp := wakeUp(in)
		return isWakeUp
	}
	return false
}

// wakeUp reads the answer that ends a wait; false if it is the one that ends a job, which has other fields.
func wakeUp(in *sfn.SendTaskSuccessInput) (job.Woken, bool) {
	var woken job.Woken
	output := json.NewDecoder(strings.NewReader(aws.ToString(in.Output)))
	output.DisallowUnknownFields()
	err := output.Decode(&woken)
	return woken, err == nil
}

func throttled(req request) error {
	if req.operation == "TransactWriteItems" {
		conflict := ddbtypes.CancellationReason{Code: aws.String("TransactionConflict"), Message: aws.String("Transaction is ongoing for the item")}
		return &ddbtypes.TransactionCanceledException{
			Message:             aws.String("Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]"),
			CancellationReasons: []ddbtypes.CancellationReason{conflict, {Code: aws.String("None")}},
		}
	}
	return &ddbtypes.ProvisionedThroughputExceededException{Message: aws.String("The level of configured provisioned throughput for the table was exceeded")}
}

// receive answers with what the queue has, or waits for it. Waiting has no end of its own: a receiver
// that finds nothing asks again.
func (w *World) receive(a *actor, in *sqs.ReceiveMessageInput) {
	a.losesMessage = false
	w.oracle.begin(a, a.asked)
	output, effects, err := w.cloud.Do(w.now, "sqs", in)
	w.oracle.end()
	w.carryOut(effects)
	if err == nil && len(output.(*sqs.ReceiveMessageOutput).Messages) == 0 && in.WaitTimeSeconds > 0 {
		w.story.drop()
		name := queueName(in.QueueUrl)
		w.parked[name] = append(w.parked[name], &item{actor: a, life: a.life, what: describe(request{operation: "ReceiveMessage", input: in}), do: func() { w.receive(a, in) }})
		return
	}
	if err == nil && w.strikes(CrashAfter, a.group) {
		w.story.fault(CrashAfter, a.name+" dies before it sees the answer")
		w.die(a)
		return
	}
	if err == nil && w.strikes(AnswerLost, a.group) {
		w.story.fault(AnswerLost, "the call took effect; "+a.name+" sees an error")
		w.proceed(a, reply{err: errTimeout})
		return
	}
	w.proceed(a, reply{output: output, err: err})
}

// wakeReceivers lets those who wait on a queue ask again, in any order.
func (w *World) wakeReceivers(queue string) {
	waiting := w.parked[queue]
	if len(waiting) == 0 {
		return
	}
	delete(w.parked, queue)
	for _, i := range waiting {
		i.at = w.now.Add(w.latency("receive"))
		w.push(i)
	}
}

// await lets an actor sleep until a time, or until something happens in its session.
func (w *World) await(a *actor, req request) {
	if s := req.session; s != nil {
		s.waits = true
		w.arm(s, req.until)
		return
	}
	w.push(&item{at: a.clock.until(req.until, w.now), what: "wakes up", actor: a, life: a.life, do: func() { w.proceed(a, reply{}) }})
}

// die ends an actor's process, and with it its command.
func (w *World) die(a *actor) {
	w.history.died(a)
	a.alive = false
	a.stop()
	if a.kind == workerKind {
		w.workerDied(a.worker)
		return
	}
	w.functionDied(a)
}

func describeError(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return err.Error()
}

// describe says what a call is, for people.
func describe(req request) string {
	switch in := req.input.(type) {
	case *sqs.ReceiveMessageInput:
		return "ReceiveMessage " + queueName(in.QueueUrl)
	case *sqs.SendMessageInput:
		return "SendMessage " + queueName(in.QueueUrl)
	case *dynamodb.TransactWriteItemsInput:
		return "TransactWriteItems" + touched(in)
	case *dynamodb.GetItemInput:
		return "GetItem " + tableName(in.TableName)
	case *dynamodb.UpdateItemInput:
		return "UpdateItem " + tableName(in.TableName)
	case *dynamodb.PutItemInput:
		return "PutItem " + tableName(in.TableName)
	}
	return req.operation
}

func touched(in *dynamodb.TransactWriteItemsInput) string {
	var b strings.Builder
	for _, w := range in.TransactItems {
		switch {
		case w.Update != nil:
			b.WriteString(" " + tableName(w.Update.TableName))
		case w.Put != nil:
			b.WriteString(" " + tableName(w.Put.TableName))
		}
	}
	return b.String()
}

func tableName(name *string) string {
	return strings.TrimPrefix(aws.ToString(name), awsx.DefaultPrefix+"-")
}

func queueName(url *string) string {
	u := aws.ToString(url)
	return u[strings.LastIndexByte(u, '/')+1:]
}
