package sfncore

//lint:file-ignore ST1005 the texts of errors are AWS's own

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// enter makes b ready to enter state with the given input.
func (c *Core) enter(b *branch, state *asl.State, input any) {
	b.state, b.raw, b.input = state, input, nil
	b.retryCount, b.attempts, b.pending = 0, nil, true
	c.ready = append(c.ready, b)
}

// enterState records that b has entered its state and begins the state's work.
func (c *Core) enterState(b *branch) {
	s := b.state
	b.entered, b.pending = c.now, false
	c.record(b, event{kind: kinds[s.Type].entered, state: s.Name, value: b.raw})
	b.enteredID = b.lastEvent
	var err error
	if b.input, err = lookup(s.InputPath, b.raw, b); err != nil {
		c.runtimeFailure(b, err)
		return
	}
	switch s.Type {
	case asl.Pass:
		c.pass(b)
	case asl.Choice:
		c.chooseNext(b)
	case asl.Wait:
		c.wait(b)
	case asl.Succeed:
		c.output(b, b.input, nil)
	case asl.Fail:
		c.failDeliberately(b)
	default:
		c.attempt(b)
	}
}

// attempt begins, or after a retry begins again, the work of a Task, Parallel or Map state.
func (c *Core) attempt(b *branch) {
	switch b.state.Type {
	case asl.Task:
		c.schedule(b)
	case asl.Parallel:
		c.beginParallel(b)
	default:
		c.beginMap(b)
	}
}

func (c *Core) pass(b *branch) {
	result, err := evaluate(b.state.Parameters, b.input, b)
	if err != nil {
		c.runtimeFailure(b, err)
		return
	}
	if b.state.HasResult {
		result = b.state.Result
	}
	c.finish(b, result)
}

func (c *Core) chooseNext(b *branch) {
	for _, rule := range b.state.Rules {
		holds, err := rule.Condition.Holds(b.input, b)
		if err != nil {
			c.runtimeFailure(b, err)
			return
		}
		if holds {
			c.output(b, b.input, rule.Next)
			return
		}
	}
	if b.state.Default == nil {
		c.runtimeFailure(b, fmt.Errorf("Failed to transition out of the state '%s'. The state does not point to a next state.", b.state.Name))
		return
	}
	c.output(b, b.input, b.state.Default)
}

func (c *Core) wait(b *branch) {
	s := b.state
	until := s.Timestamp
	switch {
	case s.TimestampPath != nil:
		value, err := s.TimestampPath.Lookup(b.input, b)
		if err != nil {
			c.runtimeFailure(b, err)
			return
		}
		textValue, _ := value.(string)
		if until, err = asl.ParseTimestamp(textValue); err != nil {
			c.runtimeFailure(b, fmt.Errorf("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s",
				s.TimestampPath.Text(), asl.Encode(value)))
			return
		}
	case s.Timestamp.IsZero():
		delay, err := s.Seconds.Resolve("SecondsPath", 0, b.input, b)
		if err != nil {
			c.runtimeFailure(b, err)
			return
		}
		until = c.now.Add(delay)
	}
	proceed := func() {
		b.timer = nil
		c.output(b, b.input, s.Next)
	}
	if !until.After(c.now) {
		proceed()
		return
	}
	b.timer = c.at(until, b.execution, proceed)
}

func (c *Core) failDeliberately(b *branch) {
	s := b.state
	f := failure{}
	for _, part := range []struct {
		field string
		fixed string
		expr  *asl.Expr
		to    **string
	}{{"ErrorPath", s.Error, s.ErrorExpr, &f.name}, {"CausePath", s.Cause, s.CauseExpr, &f.cause}} {
		if part.fixed != "" {
			*part.to = text(part.fixed)
		}
		if part.expr == nil {
			continue
		}
		value, err := part.expr.Eval(part.field, b.raw, b)
		if err == nil {
			if s, isString := value.(string); isString {
				*part.to = text(s)
				continue
			}
			err = fmt.Errorf("The %s must yield a string, not %s", part.field, asl.Encode(value))
		}
		c.runtimeFailure(b, err)
		return
	}
	c.raise(b, f)
}

// finish ends the work of a state that has a result: it applies ResultSelector, ResultPath and
// OutputPath.
func (c *Core) finish(b *branch, result any) {
	s := b.state
	result, err := evaluate(s.ResultSelector, result, b)
	if err != nil {
		c.runtimeFailure(b, err)
		return
	}
	out := b.raw
	if s.ResultPath != nil {
		if out, err = s.ResultPath.Put(b.raw, result); err != nil {
			c.failState(b, failure{name: text("States.ResultPathMatchFailure"), cause: text(err.Error())})
			return
		}
	}
	c.output(b, out, s.Next)
}

// output applies OutputPath and leaves the state.
func (c *Core) output(b *branch, value any, next *asl.State) {
	value, err := lookup(b.state.OutputPath, value, b)
	if err != nil {
		c.runtimeFailure(b, err)
		return
	}
	if asl.ExceedsBytes(value, maxDataBytes) {
		c.failState(b, tooLarge(b.state))
		return
	}
	c.leave(b, value, next)
}

// leave records that b has left its state and goes on: to next, or to the end of the branch.
func (c *Core) leave(b *branch, value any, next *asl.State) {
	c.record(b, event{kind: kinds[b.state.Type].exited, state: b.state.Name, value: value})
	switch {
	case next != nil:
		c.enter(b, next, value)
	case b.parent != nil:
		c.childDone(b, value)
	default:
		c.end(b.execution, types.ExecutionStatusSucceeded, event{kind: types.HistoryEventTypeExecutionSucceeded, value: value})
	}
}

// lookup evaluates InputPath or OutputPath; null stands for {}.
func lookup(path *asl.Path, value any, env asl.Env) (any, error) {
	if path == nil {
		return map[string]any{}, nil
	}
	return path.Lookup(value, env)
}

func evaluate(template *asl.Template, input any, env asl.Env) (any, error) {
	if template == nil {
		return input, nil
	}
	return template.Eval(input, env)
}

// timestamp formats a time as the context object does.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }
