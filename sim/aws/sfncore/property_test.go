package sfncore_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

// TestRandomMachines runs small random machines under random reports, answers and delays.
func TestRandomMachines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		definition := (&generator{t: t}).flow(2)
		text, err := json.Marshal(definition)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, definition: string(text)}
		w.play()
		w.replay()
	})
}

// generator draws definitions in which each state has a unique name.
type generator struct {
	t      *rapid.T
	states int
}

func (g *generator) flow(depth int) map[string]any {
	n := rapid.IntRange(1, 4).Draw(g.t, "states")
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("S%d", g.states)
		g.states++
	}
	all := map[string]any{}
	for i, name := range names {
		s := g.state(depth, names)
		// Each state leads at least to the one after it, so that all are reachable.
		switch {
		case i == n-1:
			s["End"] = true
		case s["Type"] == "Choice":
			s["Default"] = names[i+1]
		default:
			s["Next"] = names[i+1]
		}
		if s["Type"] == "Choice" && i == n-1 {
			s = map[string]any{"Type": "Succeed"}
		}
		all[name] = s
	}
	return map[string]any{"StartAt": names[0], "States": all}
}

func (g *generator) state(depth int, names []string) map[string]any {
	types := []string{"Pass", "Wait", "Task", "Token", "Choice"}
	if depth > 0 {
		types = append(types, "Map", "Parallel")
	}
	target := func() string { return rapid.SampledFrom(names).Draw(g.t, "target") }
	switch kind := rapid.SampledFrom(types).Draw(g.t, "type"); kind {
	case "Wait":
		return map[string]any{"Type": "Wait", "Seconds": rapid.IntRange(0, 5).Draw(g.t, "seconds")}
	case "Choice":
		return map[string]any{"Type": "Choice", "Choices": []any{
			map[string]any{"Variable": "$", "NumericGreaterThan": rapid.IntRange(0, 9).Draw(g.t, "bound"), "Next": target()},
		}}
	case "Task":
		return g.worker(map[string]any{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}, target)
	case "Token":
		s := map[string]any{"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
		if rapid.Bool().Draw(g.t, "heartbeat") {
			s["HeartbeatSeconds"] = 2
		}
		return g.worker(s, target)
	case "Map":
		return g.worker(map[string]any{
			"Type": "Map", "InputPath": "$$", "ItemsPath": "$.Execution.Input", "MaxConcurrency": rapid.IntRange(0, 2).Draw(g.t, "concurrency"),
			"ItemProcessor": g.flow(depth - 1),
		}, target)
	case "Parallel":
		return g.worker(map[string]any{"Type": "Parallel", "Branches": []any{g.flow(depth - 1), g.flow(depth - 1)}}, target)
	default:
		return map[string]any{"Type": kind, "Result": rapid.IntRange(0, 9).Draw(g.t, "result")}
	}
}

func (g *generator) worker(s map[string]any, target func() string) map[string]any {
	if s["Type"] == "Task" && rapid.Bool().Draw(g.t, "timeout") {
		s["TimeoutSeconds"] = rapid.IntRange(3, 6).Draw(g.t, "timeoutSeconds")
	}
	if rapid.Bool().Draw(g.t, "retry") {
		s["Retry"] = []any{map[string]any{"ErrorEquals": []string{"States.ALL"}, "MaxAttempts": rapid.IntRange(0, 2).Draw(g.t, "attempts")}}
	}
	if rapid.Bool().Draw(g.t, "catch") {
		s["Catch"] = []any{map[string]any{"ErrorEquals": []string{"E", "States.Timeout"}, "Next": target()}}
	}
	return s
}

// world plays one execution and remembers every step, so that it can be played again.
type world struct {
	t          *rapid.T
	definition string
	lab        *lab
	open       []sfncore.RunTask // asked for and not reported
	steps      []func(w *world)
	events     []sfncore.Transition
}

func (w *world) begin() {
	w.lab = newLab(w.t, sfncore.Options{OnTransition: func(tr sfncore.Transition) { w.events = append(w.events, tr) }})
	w.open, w.events = nil, nil
	w.lab.create(w.definition)
	w.lab.start("x", `[1,2,3]`)
	w.collect()
}

func (w *world) collect() {
	w.open = append(w.open, w.lab.tasks...)
	w.lab.tasks = nil
}

func (w *world) do(step func(w *world)) {
	w.steps = append(w.steps, step)
	step(w)
	w.collect()
	w.check()
}

func (w *world) play() {
	w.begin()
	w.check()
	for range rapid.IntRange(0, 60).Draw(w.t, "steps") {
		if len(w.lab.ended) > 0 {
			return
		}
		switch rapid.IntRange(0, 4).Draw(w.t, "step") {
		case 0:
			w.early()
		case 1:
			if at, waits := w.lab.core.NextDeadline(); waits {
				w.do(func(w *world) { w.lab.now = at; w.lab.take(w.lab.core.Tick(at)) })
			}
		case 2, 3:
			w.report()
		case 4:
			w.callback()
		}
	}
}

// yearEnd is when an execution that waits for nothing else ends.
var yearEnd = epoch.Add(365 * 24 * time.Hour)

// early ticks just before the next deadline and expects that nothing happens.
func (w *world) early() {
	at, waits := w.lab.core.NextDeadline()
	if !waits || at.Equal(yearEnd) || !at.Add(-1).After(w.lab.now) {
		return
	}
	before := len(w.events)
	w.do(func(w *world) { w.lab.now = at.Add(-1); w.lab.take(w.lab.core.Tick(w.lab.now)) })
	if len(w.events) != before {
		w.t.Fatalf("a timer fired before its time: %+v", w.events[before:])
	}
}

func (w *world) report() {
	if len(w.open) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.open)-1).Draw(w.t, "call")
	fails := rapid.IntRange(0, 3).Draw(w.t, "fails") == 0
	output := fmt.Sprint(rapid.IntRange(0, 9).Draw(w.t, "output"))
	w.do(func(w *world) {
		task := w.open[i]
		w.open = slices.Delete(slices.Clone(w.open), i, i+1)
		if fails {
			w.lab.fail(task, "E", "")
		} else {
			w.lab.done(task, output)
		}
	})
}

func (w *world) callback() {
	tokens := w.lab.core.OpenTokens()
	if len(tokens) == 0 {
		return
	}
	token := rapid.SampledFrom(tokens).Draw(w.t, "token").Token
	kind := rapid.IntRange(0, 2).Draw(w.t, "callback")
	w.do(func(w *world) {
		send := []func(string) error{
			func(token string) error { return w.lab.answer(token, "7") },
			func(token string) error { return w.lab.refuse(token, "E", "") },
			w.lab.heartbeat,
		}[kind]
		if err := send(token); err != nil {
			w.t.Fatalf("an open token is refused: %v", err)
		}
		if kind < 2 && w.lab.answer(token, "8") == nil {
			w.t.Fatalf("a token was answered twice")
		}
	})
}

// check asserts what has to hold after every step.
func (w *world) check() {
	x := w.lab.core.Executions()[0]
	at, waits := w.lab.core.NextDeadline()
	tokens := w.lab.core.OpenTokens()
	running := x.Status == types.ExecutionStatusRunning
	if running && len(w.open) == 0 && len(tokens) == 0 && at.Equal(yearEnd) {
		w.t.Fatalf("the execution is stuck: no call, no token, no deadline")
	}
	if waits && at.Before(w.lab.now) {
		w.t.Fatalf("a deadline is in the past: %v", at)
	}
	if running != waits {
		w.t.Fatalf("status %s, and a deadline is %t", x.Status, waits)
	}
	if !running && len(tokens) > 0 {
		w.t.Fatalf("tokens outlive the execution: %v", tokens)
	}
	if ends := len(w.lab.ended); (ends == 1) == running || ends > 1 {
		w.t.Fatalf("status %s, and %d ends were told", x.Status, ends)
	}
	if x.Events != len(w.events) {
		w.t.Fatalf("%d events, %d were shown to the hook", x.Events, len(w.events))
	}
	w.checkEvents(running)
}

func (w *world) checkEvents(running bool) {
	last := w.events[len(w.events)-1]
	ended := strings.HasPrefix(string(last.Event), "Execution") && len(w.events) > 1
	if ended == running {
		w.t.Fatalf("running %t after the event %s", running, last.Event)
	}
	inside := map[string]int{}
	for _, e := range w.events {
		switch kind := string(e.Event); {
		case strings.HasSuffix(kind, "StateEntered"):
			inside[e.State]++
		case strings.HasSuffix(kind, "StateExited"), strings.HasSuffix(kind, "StateAborted"):
			inside[e.State]--
		}
		if inside[e.State] < 0 {
			w.t.Fatalf("the state %s is left more often than entered", e.State)
		}
	}
	if last.Event == types.HistoryEventTypeExecutionSucceeded {
		for state, n := range inside {
			if n != 0 && !w.somethingFailed() {
				w.t.Fatalf("the execution succeeded %d times inside %s", n, state)
			}
		}
	}
}

// somethingFailed reports whether a branch or an iteration failed; its last state then has no exit
// event.
func (w *world) somethingFailed() bool {
	return slices.ContainsFunc(w.events, func(e sfncore.Transition) bool {
		return e.Event == types.HistoryEventTypeMapStateFailed || e.Event == types.HistoryEventTypeParallelStateFailed
	})
}

// replay plays the same steps again and expects the same history.
func (w *world) replay() {
	first := w.lab.history(w.lab.core.Executions()[0].Arn)
	again := &world{t: w.t, definition: w.definition}
	again.begin()
	for _, step := range w.steps {
		step(again)
		again.collect()
	}
	if second := again.lab.history(again.lab.core.Executions()[0].Arn); first != second {
		w.t.Fatalf("the same steps gave another history\nfirst:\n%s\nsecond:\n%s", first, second)
	}
}
