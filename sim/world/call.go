package world

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// latest is the most by which a fault delays a call that its caller has given up.
const latest = 100 * time.Second

// longestOutage is the longest time in which no call of an actor arrives: longer than a lease.
const longestOutage = 3 * time.Minute

// proceed resumes an actor until its next request, and schedules that.
func (a *actor) proceed(r reply) {
	w := a.world
	a.reply = r
	if a.ahead > 0 { // it notices the jump only now, like an actor that stood still
		a.frozenUntil = w.now
	}
	a.ahead = 0
	req, _ := a.coroutine.resume()
	if req.over {
		w.coroutines.giveBack(a.coroutine)
		a.coroutine, a.alive = nil, false
		if a.done != nil {
			a.done()
		}
		return
	}
	if a.kind == workerKind {
		a.clockMayJump()
	}
	switch {
	case !req.wait:
		a.takeUp(req)
	case req.arm != nil:
		req.arm(req.until)
	default:
		w.agenda.add(&item{at: a.clock.until(req.until, w.now), what: "wakes up", by: &a.process, do: func() { a.proceed(reply{}) }})
	}
}

// takeUp schedules an actor's call, with the faults that strike it.
func (a *actor) takeUp(req request) {
	w := a.world
	delay := w.dice.latency("call")
	switch {
	case a.doomed && a.requests > a.calls && !w.dice.healed:
		a.at(delay, "dies before "+describe(req), func() {
			w.story.fault(fault.IntakeGivenUp, "no try of this event gets through")
			a.die()
		})
		return
	case w.dice.strikes(fault.CrashBefore, a.group):
		a.at(delay, "dies before "+describe(req), func() {
			w.story.fault(fault.CrashBefore, "the call is never made")
			a.die()
		})
		return
	case w.dice.strikes(fault.Freeze, a.group):
		frozen := w.dice.between(time.Second, a.kind.longestFreeze(), "delay.freeze."+a.group)
		w.story.fault(fault.Freeze, fmt.Sprintf("%s stands still for %v before %s", a.name, frozen, describe(req)))
		delay += frozen
		a.frozenUntil = w.now.Add(delay)
		if s := w.sessionOf(a); s != nil {
			s.standsStill(frozen)
		}
	case a.kind == workerKind && req.operation == "UpdateItem" && w.dice.strikes(fault.SlowHeartbeat, a.group):
		slow := w.dice.between(time.Second, w.scenario.Claim.Lease, "delay.heartbeat."+a.group)
		w.story.fault(fault.SlowHeartbeat, fmt.Sprintf("the heartbeat of %s takes %v", a.name, slow))
		delay += slow
	}
	if giveUp, ok := a.givesUp(req, delay); ok {
		a.applyLater(req, delay)
		a.at(giveUp, "gives up "+req.operation, func() { a.proceed(reply{err: context.DeadlineExceeded}) })
		return
	}
	a.at(delay, describe(req), func() { a.perform(req) }).request = &req
}

// givesUp says whether a call takes longer than its caller waits, and how long the caller waits. A
// frozen caller cannot give up.
func (a *actor) givesUp(req request, delay time.Duration) (time.Duration, bool) {
	now := a.world.now
	if req.deadline.IsZero() || now.Before(a.frozenUntil) {
		return 0, false
	}
	wait := a.clock.until(req.deadline, now).Sub(now)
	return wait, wait < delay
}

// outage makes every fourth lost request the first of many.
func (a *actor) outage() {
	w := a.world
	if w.staged() || w.dice.choose(4, "outage."+a.group) != 3 {
		return
	}
	lasts := w.dice.between(10*time.Second, longestOutage, "delay.outage."+a.group)
	w.story.fault(fault.RequestLost, fmt.Sprintf("nothing that %s sends arrives for %v", a.name, lasts))
	a.cutOffUntil = w.now.Add(lasts)
}

// perform makes the call, and resumes the actor with what it sees of the answer.
func (a *actor) perform(req request) {
	w := a.world
	if w.now.Before(a.cutOffUntil) && !w.dice.healed {
		w.story.refused("does not arrive")
		a.proceed(reply{err: errTimeout})
		return
	}
	if in, ok := req.input.(*sqs.ReceiveMessageInput); ok {
		a.receive(in)
		return
	}
	switch {
	case w.dice.strikes(fault.RequestLost, a.group):
		w.story.fault(fault.RequestLost, "the call does not arrive; "+a.name+" sees an error")
		a.outage()
		a.proceed(reply{err: errTimeout})
	case w.isHint(req) && w.dice.strikes(fault.NudgeLost, a.group):
		w.story.fault(fault.NudgeLost, "the nudge or wake-up is lost")
		a.proceed(reply{err: errTimeout})
	case req.operation == "ChangeMessageVisibility" && ((a.losesMessage && !w.dice.healed) || w.dice.strikes(fault.RedeliveryWhileRun, a.group)):
		if !a.losesMessage {
			w.story.fault(fault.RedeliveryWhileRun, "no extension arrives any more: the message will be visible again though it is worked on")
		}
		a.losesMessage = true
		a.proceed(reply{err: errTimeout})
	case req.service == "dynamodb" && w.dice.strikes(fault.Throttle, a.group):
		w.story.fault(fault.Throttle, "the call is refused")
		a.proceed(reply{err: throttled(req)})
	case w.dice.strikes(fault.LateRequest, a.group):
		late := w.dice.between(time.Second, latest, "delay.late."+a.group)
		w.story.fault(fault.LateRequest, fmt.Sprintf("the call takes effect in %v; %s sees an error now", late, a.name))
		a.applyLater(req, late)
		a.proceed(reply{err: errTimeout})
	default:
		a.performNow(req)
	}
}

func (a *actor) performNow(req request) {
	w := a.world
	req = w.withToken(req)
	r := a.apply(req, a.asked)
	switch {
	case w.dice.strikes(fault.CrashAfter, a.group):
		w.story.fault(fault.CrashAfter, a.name+" dies before it sees the answer")
		a.die()
	case w.dice.strikes(fault.AnswerLost, a.group):
		w.story.fault(fault.AnswerLost, "the call took effect; "+a.name+" sees an error")
		w.history.lost(&a.process)()
		a.proceed(reply{err: errTimeout})
	case w.dice.strikes(fault.SDKRetry, a.group):
		w.story.fault(fault.SDKRetry, "the call took effect, and the SDK makes it again")
		w.history.lost(&a.process)()
		a.proceed(a.apply(req, a.asked))
	default:
		a.proceed(r)
	}
}

// applyLater makes a call take effect after its caller has given it up.
func (a *actor) applyLater(req request, after time.Duration) {
	w := a.world
	asked, over := a.asked, w.history.lost(&a.process)
	what := fmt.Sprintf("%s gave up: late %s", a.name, describe(req))
	w.agenda.add(&item{at: w.now.Add(after), what: what, request: &req, do: func() {
		a.apply(req, asked)
		over()
	}})
}

// apply makes the call take effect.
func (a *actor) apply(req request, asked moment) reply {
	w := a.world
	w.writes.begin(a.writer(), asked)
	rewind(req)
	output, effects, err := w.answer(req)
	w.writes.judge()
	if err != nil {
		w.story.refused(describeError(err))
	}
	w.carryOut(effects)
	return reply{output: output, err: err}
}

// rewind sets a body back to its beginning, as the SDK does before it sends one again.
func rewind(req request) {
	if in, ok := req.input.(*s3.PutObjectInput); ok {
		if body, ok := in.Body.(io.Seeker); ok {
			_ = must(body.Seek(0, io.SeekStart))
		}
	}
}

// answer puts the call to the cloud. A stage answers for Step Functions itself.
func (w *World) answer(req request) (any, []cloud.Effect, error) {
	if w.staged() && req.service == "states" {
		output, err := w.tokens(req.input)
		return output, nil, err
	}
	if err := w.outage.refuses(w.now, req); err != nil {
		return nil, nil, err
	}
	return w.cloud.Do(w.now, req.service, req.input)
}

// withToken gives a transaction a token, as the SDK does, so that it takes effect once if it is
// repeated.
func (w *World) withToken(req request) request {
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

// receive answers with what the queue has, or waits for it. The wait never times out: a receiver
// that got nothing would only ask again.
func (a *actor) receive(in *sqs.ReceiveMessageInput) {
	w := a.world
	a.losesMessage = false
	if until, err := w.outage.hangs(w.now, in); err != nil {
		a.at(until.Sub(w.now), "gives its receive up", func() { a.proceed(reply{err: err}) })
		return
	}
	w.writes.begin(a.writer(), a.asked)
	output, effects, err := w.cloud.Do(w.now, "sqs", in)
	w.writes.judge()
	w.carryOut(effects)
	if err == nil && len(output.(*sqs.ReceiveMessageOutput).Messages) == 0 && in.WaitTimeSeconds > 0 {
		w.story.drop()
		name := awsx.QueueName(aws.ToString(in.QueueUrl))
		w.parked[name] = append(w.parked[name], &item{by: &a.process, what: describe(request{operation: "ReceiveMessage", input: in}), do: func() { a.receive(in) }})
		return
	}
	if err == nil && w.dice.strikes(fault.CrashAfter, a.group) {
		w.story.fault(fault.CrashAfter, a.name+" dies before it sees the answer")
		a.die()
		return
	}
	if err == nil && w.dice.strikes(fault.AnswerLost, a.group) {
		w.story.fault(fault.AnswerLost, "the call took effect; "+a.name+" sees an error")
		a.proceed(reply{err: errTimeout})
		return
	}
	a.proceed(reply{output: output, err: err})
}
