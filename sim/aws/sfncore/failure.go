package sfncore

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// failure is why a state or an execution failed. AWS tells an absent name or cause from an empty
// one.
type failure struct {
	name, cause *string
	heartbeat   bool // a missed heartbeat: named States.Timeout, and also matched as States.HeartbeatTimeout
}

func tooLarge(s *asl.State) failure {
	return failure{
		name: text("States.DataLimitExceeded"),
		cause: text(fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.",
			resultOf(s))),
	}
}

func resultOf(s *asl.State) string {
	if s.Type == asl.Task {
		return s.Resource.Service
	}
	return s.Name
}

// matches reports whether an entry of a Retry or Catch applies to the failure (Developer Guide,
// Error handling). States.ALL does not match what no retry can mend, States.TaskFailed does not
// match time-outs.
func (f failure) matches(errorEquals []string) bool {
	name := deref(f.name)
	if name == "States.Runtime" {
		return false
	}
	for _, pattern := range errorEquals {
		switch {
		case pattern == "States.ALL" && name != "States.DataLimitExceeded",
			pattern == "States.TaskFailed" && name != "States.Timeout" && name != "States.DataLimitExceeded",
			pattern == "States.HeartbeatTimeout" && f.heartbeat,
			f.name != nil && pattern == name:
			return true
		}
	}
	return false
}

// runtimeFailure fails the execution for a mistake in the definition or its data; nothing catches
// it.
func (c *Core) runtimeFailure(b *branch, err error) {
	cause := fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %v", b.state.Name, b.enteredID, err)
	c.failState(b, failure{name: text("States.Runtime"), cause: &cause})
}

// failState fails the present state of b: a retry, a catcher, or the end of the branch follows.
func (c *Core) failState(b *branch, f failure) {
	if c.retry(b, f) {
		return
	}
	for _, catcher := range b.state.Catch {
		if f.matches(catcher.ErrorEquals) {
			c.catch(b, catcher, f)
			return
		}
	}
	c.raise(b, f)
}

// retry plans another attempt if the first retrier that matches f has one left; it asks no later
// retrier.
func (c *Core) retry(b *branch, f failure) bool {
	retriers := b.state.Retry
	i := slices.IndexFunc(retriers, func(r asl.Retrier) bool { return f.matches(r.ErrorEquals) })
	if i < 0 {
		return false
	}
	if b.attempts == nil {
		b.attempts = make([]int, len(retriers))
	}
	if b.attempts[i] >= retriers[i].MaxAttempts {
		return false
	}
	delay := c.retryDelay(retriers[i], b.attempts[i])
	b.attempts[i]++
	b.timer = c.at(c.now.Add(delay), b.execution, func() {
		b.timer = nil
		b.retryCount++
		c.attempt(b)
	})
	return true
}

// retryDelay is the pause after the given number of retries.
func (c *Core) retryDelay(r asl.Retrier, retries int) time.Duration {
	seconds := r.Interval.Seconds() * math.Pow(r.BackoffRate, float64(retries))
	delay := maxExecutionTime // a longer pause outlives the execution anyway
	if seconds < maxExecutionTime.Seconds() {
		delay = time.Duration(seconds * float64(time.Second))
	}
	if r.MaxDelay > 0 {
		delay = min(delay, r.MaxDelay)
	}
	if r.FullJitter {
		delay -= time.Duration(c.choose(int(delay/time.Millisecond)+1, "retry jitter")) * time.Millisecond
	}
	return delay
}

// catch continues at the catcher's next state, with the error at the catcher's ResultPath.
func (c *Core) catch(b *branch, catcher asl.Catcher, f failure) {
	value := b.raw
	if catcher.ResultPath != nil {
		var err error
		value, err = catcher.ResultPath.Put(b.raw, map[string]any{"Error": orNull(f.name), "Cause": orNull(f.cause)})
		if err != nil {
			c.raise(b, failure{name: text("States.ResultPathMatchFailure"), cause: text(err.Error())})
			return
		}
	}
	if asl.ExceedsBytes(value, maxDataBytes) {
		c.raise(b, tooLarge(b.state))
		return
	}
	c.leave(b, value, catcher.Next)
}

// raise ends b with f: the execution fails, or the Parallel or Map state that b belongs to.
func (c *Core) raise(b *branch, f failure) {
	if b.parent != nil {
		c.childFailed(b, f)
		return
	}
	c.end(b.execution, types.ExecutionStatusFailed, event{kind: types.HistoryEventTypeExecutionFailed, failure: &f})
}

func orNull(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

func text(s string) *string { return &s }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
