// Package history checks that the protocol's operations are linearizable: that each took effect at
// one moment between its call and its return, as a step of package model on the claim of its key,
// and answered what that step answers. The checker is porcupine. It checks one history per key,
// because no step touches two keys.
//
// If a caller does not know whether its operation took effect, the checker allows both. It does not
// check who is woken, because a wake-up is only a hint. Of a check's answers it judges only
// superseded: that one ends the message, and comes from a strongly consistent read.
package history

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/model"
	"github.com/webordinary/hephaestus/sim/world"
)

// Verdict is what became of one key's history.
type Verdict struct {
	Key        job.Key
	Operations int
	Unknown    int                   // operations whose caller does not know whether they took effect
	Result     porcupine.CheckResult // Unknown: the time was not enough
	Longest    string                // how far the longest linearization got, if the result is Illegal
}

// Check checks the history of each key, each for at most atMost.
func Check(operations []world.Operation, s model.Settings, atMost time.Duration) []Verdict {
	byKey, unknown := map[job.Key][]porcupine.Operation{}, map[job.Key]int{}
	var keys []job.Key
	for _, op := range operations {
		if saysNothing(op) {
			continue
		}
		if byKey[op.Key] == nil {
			keys = append(keys, op.Key)
		}
		if op.Unknown {
			unknown[op.Key]++
		}
		byKey[op.Key] = append(byKey[op.Key], porcupine.Operation{Input: op, Output: op, Call: int64(op.Called), Return: int64(op.Returned)})
	}
	slices.Sort(keys)
	checker := sequential(s)
	var verdicts []Verdict
	for _, key := range keys {
		v := Verdict{Key: key, Operations: len(byKey[key]), Unknown: unknown[key]}
		var info porcupine.LinearizationInfo
		if v.Result, info = porcupine.CheckOperationsVerbose(checker, byKey[key], atMost); v.Result == porcupine.Illegal {
			v.Longest = longest(info, checker)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// saysNothing reports an operation that no order can contradict. A check that ends no message is
// one: it writes nothing and may rest on a stale read. So is an operation that failed: each of its
// attempts that may have taken effect is an operation of its own.
func saysNothing(op world.Operation) bool {
	if _, check := op.In.(world.ToCheck); check {
		checked, _ := op.Out.(claim.Checked)
		return op.Unknown || op.Err != nil || checked.Decision != claim.DecisionSuperseded
	}
	return !op.Unknown && op.Err != nil && !isAnswer(op.Err)
}

// isAnswer says whether the error is an answer about the rows, not a failed call.
func isAnswer(err error) bool {
	var ended *claim.EndedError
	return errors.As(err, &ended) || errors.Is(err, claim.ErrLeaseLost) || errors.Is(err, claim.ErrNobodyWaits) ||
		errors.Is(err, claim.ErrWorkedOn) || errors.Is(err, claim.ErrNoJob)
}

// longest tells how long the longest linearization is, and its last steps.
func longest(info porcupine.LinearizationInfo, m porcupine.Model) string {
	var most []porcupine.Operation
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, some := range partition {
			if len(some) > len(most) {
				most = some
			}
		}
	}
	text := fmt.Sprintf("%d operations in order, then none that fits; the last are", len(most))
	state := m.Init()
	for i, op := range most {
		_, state = m.Step(state, op.Input, op.Output)
		if i >= len(most)-4 {
			text += "\n\t" + Describe(op.Input.(world.Operation)) + "\n\t\t→ " + m.DescribeState(state)
		}
	}
	return text
}

// Describe tells an operation.
func Describe(op world.Operation) string {
	answer := fmt.Sprintf("%+v, %v", op.Out, op.Err)
	if op.Unknown {
		answer = "unknown"
	}
	return fmt.Sprintf("[%d, %d] %s %T%+v: %s", op.Called, op.Returned, op.Who, op.In, op.In, answer)
}

// state is a key's claim with the jobs of its messages, sorted by id.
type state struct {
	row  model.Row
	jobs []model.Job
}

func (s state) equal(o state) bool { return s.row.Equal(o.row) && slices.Equal(s.jobs, o.jobs) }

func (s state) find(id string) (int, bool) {
	return slices.BinarySearchFunc(s.jobs, id, func(j model.Job, id string) int { return cmp.Compare(j.MessageID, id) })
}

func (s state) with(id string) model.RowAndJob {
	if at, ok := s.find(id); ok {
		return model.RowAndJob{Row: s.row, Job: s.jobs[at]}
	}
	return model.RowAndJob{Row: s.row}
}

// after is the state with the row and the job that a step left.
func (s state) after(rj model.RowAndJob) state {
	next := state{row: rj.Row, jobs: s.jobs}
	if !rj.Job.Exists() {
		return next
	}
	at, found := s.find(rj.Job.MessageID)
	switch {
	case !found:
		next.jobs = slices.Insert(slices.Clone(s.jobs), at, rj.Job)
	case s.jobs[at] != rj.Job:
		next.jobs = slices.Clone(s.jobs)
		next.jobs[at] = rj.Job
	}
	return next
}

// sequential is the model for the checker. An operation may lead to several states: if its caller
// read the clock more than once, it is not known which reading the step went by.
func sequential(s model.Settings) porcupine.Model {
	nondeterministic := porcupine.NondeterministicModel{
		Init: func() []any { return []any{state{}} },
		Step: func(before, input, _ any) []any {
			var next []any
			for _, st := range steps(before.(state), input.(world.Operation), s) {
				next = append(next, st)
			}
			return next
		},
		Equal:         func(a, b any) bool { return a.(state).equal(b.(state)) },
		DescribeState: func(st any) string { return fmt.Sprintf("%+v", st) },
	}
	return nondeterministic.ToModel()
}
