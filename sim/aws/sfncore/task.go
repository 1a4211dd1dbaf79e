package sfncore

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// task is one open attempt of a Task state.
type task struct {
	id        string  // Invariant: core.tasks[id] is this task
	token     string  // empty if the state does not wait for one. Invariant: else core.tokens[token] is this task
	branch    *branch // Invariant: branch.task is this task
	submitted bool    // the call that carries the token away was reported as made
	timeout   *timer
	heartbeat *timer
	every     time.Duration // between heartbeats; 0 if none are demanded
}

// schedule asks for the call of a Task state. Each attempt has a new token.
func (c *Core) schedule(b *branch) {
	s := b.state
	c.scheduled++
	t := &task{id: "task-" + strconv.FormatInt(c.scheduled, 10), branch: b}
	if s.Resource.WaitToken {
		t.token = c.mintToken()
	}
	b.task = t // $$.Task.Token
	input, err := evaluate(s.Parameters, b.input, b)
	var timeout time.Duration
	if err == nil {
		timeout, err = s.Timeout.Resolve("TimeoutSecondsPath", 1, b.input, b)
	}
	if err == nil {
		t.every, err = s.Heartbeat.Resolve("HeartbeatSecondsPath", 1, b.input, b)
	}
	if err != nil {
		b.task = nil
		c.runtimeFailure(b, err)
		return
	}
	if asl.ExceedsBytes(input, maxDataBytes) {
		b.task = nil
		c.failState(b, tooLarge(s))
		return
	}
	details := &taskDetails{resource: s.Resource, timeout: timeout, heartbeat: t.every}
	c.record(b, event{kind: kindOf(s, taskScheduled), state: s.Name, value: input, task: details})
	c.record(b, event{kind: kindOf(s, taskStarted), state: s.Name, task: details})
	if b.execution.full() {
		return // it ends before the call is made
	}
	c.tasks[t.id] = t
	if t.token != "" {
		c.tokens[t.token] = t
	}
	if timeout > 0 {
		t.timeout = c.at(c.now.Add(timeout), b.execution, func() { c.timedOut(t, failure{name: text("States.Timeout")}) })
	}
	c.awaitHeartbeat(t)
	c.effects = append(c.effects, RunTask{
		TaskID: t.id, Resource: s.Resource.ARN, Input: asl.Encode(input), Token: t.token,
		ExecutionArn: b.execution.arn, State: s.Name,
	})
}

// awaitHeartbeat starts the clock of the next heartbeat.
func (c *Core) awaitHeartbeat(t *task) {
	if t.every == 0 {
		return
	}
	c.cancel(t.heartbeat)
	t.heartbeat = c.at(c.now.Add(t.every), t.branch.execution, func() {
		c.timedOut(t, failure{name: text("States.Timeout"), heartbeat: true})
	})
}

// closeTask closes b's open task; its token is dead from now on.
func (c *Core) closeTask(b *branch) {
	t := b.task
	if t == nil {
		return
	}
	b.task = nil
	delete(c.tasks, t.id)
	delete(c.tokens, t.token)
	c.cancel(t.timeout)
	c.cancel(t.heartbeat)
}

// reported takes the caller's report about the call.
func (c *Core) reported(t *task, output json.RawMessage, f *TaskFailure) {
	switch {
	case f != nil && t.token != "" && !t.submitted:
		c.failTask(t, taskSubmitFailed, failure{name: text(f.Error), cause: text(f.Cause)})
	case f != nil:
		c.failTask(t, taskFailed, failure{name: text(f.Error), cause: text(f.Cause)})
	case t.token == "":
		value, err := asl.Decode(output)
		if err != nil {
			c.failTask(t, taskFailed, failure{name: text("States.Runtime"), cause: text("The task returned invalid JSON: " + err.Error())})
			return
		}
		c.succeed(t, value)
	case !t.submitted:
		t.submitted = true
		value, err := asl.Decode(output)
		if err != nil {
			value = nil
		}
		c.record(t.branch, event{
			kind: types.HistoryEventTypeTaskSubmitted, state: t.branch.state.Name, value: value,
			task: &taskDetails{resource: t.branch.state.Resource},
		})
	}
}

func (c *Core) succeed(t *task, value any) {
	b := t.branch
	if asl.ExceedsBytes(value, maxDataBytes) {
		c.failTask(t, taskFailed, tooLarge(b.state))
		return
	}
	c.closeTask(b)
	c.record(b, event{
		kind: kindOf(b.state, taskSucceeded), state: b.state.Name, value: value, task: &taskDetails{resource: b.state.Resource},
	})
	c.finish(b, value)
}

func (c *Core) failTask(t *task, phase taskPhase, f failure) {
	b := t.branch
	c.closeTask(b)
	c.record(b, event{kind: kindOf(b.state, phase), state: b.state.Name, failure: &f, task: &taskDetails{resource: b.state.Resource}})
	c.failState(b, f)
}

func (c *Core) timedOut(t *task, f failure) { c.failTask(t, taskTimedOut, f) }

// mintToken makes a token with a checksum in it, so that openTask tells a dead token from garbage
// without keeping the dead ones.
func (c *Core) mintToken() string {
	body := strconv.FormatInt(c.scheduled, 10) + ":" + c.newID()
	sum := sha256.Sum256([]byte(body))
	return base64.RawURLEncoding.EncodeToString(append(sum[:tokenSumBytes:tokenSumBytes], body...))
}

const tokenSumBytes = 12

func wellFormedToken(token string) bool {
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(data) <= tokenSumBytes {
		return false
	}
	sum := sha256.Sum256(data[tokenSumBytes:])
	return string(sum[:tokenSumBytes]) == string(data[:tokenSumBytes])
}
