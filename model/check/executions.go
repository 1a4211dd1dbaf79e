package check

import (
	"slices"

	"github.com/webordinary/hephaestus/model"
)

// execution lists the steps of message m's execution.
func (x *explorer) execution(m uint8) {
	w := x.here
	next := *w
	msg := &next.msgs[m-1]
	switch msg.phase {
	case absent:
		msg.phase = checking
		x.plain(next, action{kind: arrives, msg: m})
		return
	case checking:
		x.check(m)
	case claiming, interrupting, superseding, cleaning:
		x.call(m)
	case waiting:
		if x.p.waitEnds && (w.row.grace || msg.token == noToken) {
			msg.phase = claiming
			x.plain(next, action{kind: waitedLongEnough, msg: m})
		}
	case claimed:
		msg.phase = sent
		next.push(m)
		x.plain(next, action{kind: sends, msg: m})
	}
	x.timeOut(m)
}

// recordsFirst lists the recording of an interruption, if one is due, as the only step. Recording
// commutes with every other step and hinders none, so the search misses nothing by taking it first.
func (x *explorer) recordsFirst() bool {
	for i := range x.messages {
		if x.here.msgs[i].phase != recording {
			continue
		}
		next := *x.here
		next.msgs[i].phase, next.msgs[i].recorded = ended, true
		x.plain(next, action{kind: records, msg: uint8(i + 1)})
		return true
	}
	return false
}

// timeOut ends an execution from outside. Its work message, if any, stays in the queue or is gone
// to the dead letter queue.
func (x *explorer) timeOut(m uint8) {
	w := x.here
	p := w.msgs[m-1].phase
	if p == cleaning || p == ended {
		return
	}
	next := *w
	next.msgs[m-1].phase = cleaning
	x.spend(timeout, next, action{kind: timesOut, msg: m})
	if p == sent && w.queue[0] == m && !w.held() {
		next.pop()
		x.spend(timeout, next, action{kind: exhausts, msg: m})
	}
}

func (x *explorer) check(m uint8) {
	for r := range x.readings() {
		before := x.before(none)
		decision := x.p.decide(before.Row, x.message(x.here, m), now+r)
		next := *x.here
		msg := &next.msgs[m-1]
		switch {
		case decision.Proceeds():
			msg.phase = claiming
		case decision == model.DecisionInterrupt:
			msg.phase, msg.current = interrupting, true
		case decision == model.DecisionLater: // it checks again
		default:
			msg.phase = superseding
		}
		x.plain(next, action{kind: checks, msg: m, decision: decision})
	}
}

// call lists what may become of the Lambda call that the execution is making: it is answered, or
// Step Functions gives it up and calls again, and the first call may still be applied.
func (x *explorer) call(m uint8) {
	msg := x.here.msgs[m-1]
	c := call{kind: msg.phase, msg: m, current: msg.phase == interrupting && msg.current}
	for r := range x.readings() {
		x.applied(c, now+r, false)
	}
	next := *x.here
	for i := range next.frozen {
		if next.frozen[i].kind == 0 {
			next.frozen[i] = c
			x.spend(lostAnswer, next, action{kind: freezes, msg: m, phase: c.kind})
			return
		}
	}
}

// thaw applies a call that Step Functions has given up. Its answer is lost, and the token that it
// carries is stale.
func (x *explorer) thaw(i int) {
	c := x.here.frozen[i]
	if c.kind == 0 {
		return
	}
	here := x.here
	x.thawed = *here
	x.thawed.frozen[i] = call{}
	x.here = &x.thawed
	for r := range x.readings() {
		x.applied(c, now+r, true)
	}
	x.here = here
}

// applied applies a call; late says that its answer is lost.
func (x *explorer) applied(c call, reading int64, late bool) {
	before := x.before(c.msg)
	result := x.invoke(c, before, reading, late)
	if late && !result.OK() {
		return // as if it had never been applied
	}
	next := *x.here
	if result.OK() {
		next = x.written(c.msg, &before, &result, reading)
	}
	msg := &next.msgs[c.msg-1]
	if c.kind == interrupting && result.OK() {
		next.row.pAsker = next.row.pAsker || !c.current
	}
	if !late {
		answered(msg, c, &result)
	}
	did := action{kind: applies, msg: c.msg, phase: c.kind, late: late, refused: result.Refused,
		raises: result.After.Row.Fence > before.Row.Fence}
	violates := x.judge(c.msg, stepOf(c.kind), &before, &result, &next, reading)
	x.deliver(next, result.Wakes, did, late, violates)
}

func (x *explorer) invoke(c call, before model.RowAndJob, reading int64, late bool) model.Result {
	msg := x.message(x.here, c.msg)
	switch c.kind {
	case claiming:
		return x.p.claim(model.Claim{Message: msg, ContainerID: newContainer}, before, reading)
	case interrupting:
		token := liveTokens[c.msg]
		if late {
			token = oldTokens[c.msg]
		}
		return x.p.interrupt(model.Interrupt{Message: msg, Token: token, SeenContainerID: containerOf(c.current)}, before, reading)
	case superseding:
		return x.p.cleanUp(model.CleanUp{MessageID: msg.ID, Outcome: model.Superseded}, before, reading)
	default:
		return x.p.cleanUp(model.CleanUp{MessageID: msg.ID, Outcome: model.TimedOut}, before, reading)
	}
}

// answered moves the execution on according to the answer to its call.
func answered(msg *message, c call, result *model.Result) {
	switch c.kind {
	case claiming:
		msg.phase = checking
		if result.OK() {
			msg.phase, msg.current = claimed, true
		}
	case interrupting:
		// After a refused interrupt, the execution goes on to claim, which decides anew.
		msg.phase = claiming
		own := func(w model.Wake) bool { return w.MessageID == messageIDs[c.msg] }
		if result.OK() && !slices.ContainsFunc(result.Wakes, own) {
			msg.phase = waiting
		}
	case superseding, cleaning:
		msg.phase = ended
		msg.recorded = msg.recorded || msg.outcome != completed
	}
}
