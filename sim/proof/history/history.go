// Package history checks that the protocol's operations are linearizable: that each took effect at one
// moment between its call and its return, as a step of package model on the claim of its key, and answered
// what that step answers. The checker is porcupine, one history per key, as no step touches two.
//
// An operation whose caller does not know whether it took effect may have, or not; that leaves nothing out.
// What it does not check is who is woken: a wake-up is a hint; and what a check answers, unless it is that the
// message is superseded: only that is final, and read strongly consistent.
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
	Unknown    int                   // of which nobody knows whether they took effect
	Result     porcupine.CheckResult // Unknown: the time was not enough
	Longest    string                // how far the longest linearization got, where the result is Illegal
}

// Check checks each key's history for at most so long.
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

// saysNothing is true of an operation that no order can contradict: a check that ends no message, which writes nothing
// and may rest on a stale read; and one that failed, whose attempts that may have taken effect stand for themselves.
func saysNothing(op world.Operation) bool {
	if _, check := op.In.(world.ToCheck); check {
		checked, _ := op.Out.(claim.Checked)
		return op.Unknown || op.Err != nil || checked.Decision != claim.DecisionSuperseded
	}
	return !op.Unknown && op.Err != nil && !isAnswer(op.Err)
}

// isAnswer says whether the error tells what was found.
func isAnswer(err error) bool {
	var ended *claim.EndedError
	return errors.As(err, &ended) || errors.Is(err, claim.ErrLeaseLost) || errors.Is(err, claim.ErrNobodyWaits) ||
		errors.Is(err, claim.ErrWorkedOn) || errors.Is(err, claim.ErrNoJob)
}

// longest tells the longest linearization, its last steps, and what the history has besides.
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

// after is the state with what a step left.
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

// sequential is the model for the checker. An operation may lead to several states, as what the caller's
// clock said at the moment is not known where it was asked more than once.
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
