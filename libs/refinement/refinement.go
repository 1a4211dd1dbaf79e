// Package refinement translates what libs/claim has written into the types of package model, and
// judges it: every change of a claim and of a job must be a step that the model allows.
//
// libs/claim and model state the same protocol twice, on purpose: one as conditional writes on
// DynamoDB, one as pure steps that can be searched whole. Only this package translates one into the
// other. It depends on no simulation: it takes rows as they were before and after a write, wherever
// they come from.
//
// It does not judge who wrote; Explain of package model says why.
package refinement

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/model"
)

// Settings translates the protocol's times and bounds.
func Settings(s claim.Settings) model.Settings {
	return model.Settings{
		LeaseMillis: s.Lease.Milliseconds(), ClaimTTLMillis: s.ClaimTTL.Milliseconds(),
		InterruptGraceMillis: s.InterruptGrace.Milliseconds(), MaxClockSkewMillis: s.MaxClockSkew.Milliseconds(),
		MaxJobs: s.MaxJobs, MaxWaiting: s.MaxWaiting, InterruptBudget: s.InterruptBudget,
	}
}

// Message translates an email.
func Message(m job.Message) model.Message {
	return model.Message{ID: m.MessageID, Thread: m.ThreadID, ReceivedAtMillis: m.ReceivedAtMillis}
}

// Row translates a claim. It returns the zero Row if there is none.
func Row(r *claim.Row) model.Row {
	if r == nil {
		return model.Row{}
	}
	return model.Row{
		ContainerID: r.ContainerID, ThreadID: r.ThreadID, Jobs: r.Jobs, ReceivedAtMillis: r.ReceivedAtMillis, NewestMessageID: r.NewestMessageID,
		ClaimedAtMillis: r.ClaimedAtMillis, Fence: r.Fence, WorkerID: r.WorkerID, WorkerJob: r.WorkerJob, LeaseExpiresAtMillis: r.LeaseExpiresAtMillis,
		ExpiresAtSeconds: r.ExpiresAtSeconds, Preemptor: preemptor(r.Preemptor),
		BudgetUntilMillis: r.BudgetUntilMillis,
	}
}

func preemptor(p *claim.Preemptor) model.Preemptor {
	if p == nil {
		return model.Preemptor{}
	}
	m := model.Preemptor{
		ThreadID: p.ThreadID, ReceivedAtMillis: p.ReceivedAtMillis, NewestMessageID: p.NewestMessageID, RequestedAtMillis: p.RequestedAtMillis,
	}
	for id, token := range p.Waiting {
		m.Waiting = append(m.Waiting, model.Waiting{MessageID: id, Token: token})
	}
	slices.SortFunc(m.Waiting, func(a, b model.Waiting) int { return cmp.Compare(a.MessageID, b.MessageID) })
	return m
}

// Job translates a job. It returns the zero Job if there is none.
func Job(j *claim.Job) model.Job {
	if j == nil {
		return model.Job{}
	}
	return model.Job{
		MessageID: j.MessageID, ThreadID: j.ThreadID, ReceivedAtMillis: j.ReceivedAtMillis, ContainerID: j.ContainerID,
		StartedAtMillis: j.StartedAtMillis, Outcome: Outcome(j.Outcome), OutcomeAtMillis: j.OutcomeAtMillis,
	}
}

// Outcome translates how a job ended. Rejected has no counterpart, because rejected mail never
// becomes a job.
func Outcome(o job.Outcome) model.Outcome { return model.Outcome(o) }

// Decision translates a decision.
func Decision(d claim.Decision) model.Decision {
	return map[claim.Decision]model.Decision{
		claim.DecisionAgain: model.DecisionAgain, claim.DecisionNew: model.DecisionNew, claim.DecisionJoin: model.DecisionJoin,
		claim.DecisionTakeOver: model.DecisionTakeOver, claim.DecisionInterrupt: model.DecisionInterrupt,
		claim.DecisionLater: model.DecisionLater, claim.DecisionSuperseded: model.DecisionSuperseded,
	}[d]
}

// Change is what one write did to the claim of a key and to the job of one of its messages. A row
// that the write did not touch is the same before and after. A row that does not exist is nil.
type Change struct {
	RowBefore, Row *claim.Row
	JobBefore, Job *claim.Job
}

// About returns the message that a change of the claim alone is for: the one that began to wait or
// changed its token, else the one that is worked on, else "".
func (c Change) About() string {
	if c.Row != nil && c.Row.Preemptor != nil {
		for _, w := range preemptor(c.Row.Preemptor).Waiting {
			if c.RowBefore == nil || c.RowBefore.Preemptor == nil || c.RowBefore.Preemptor.Waiting[w.MessageID] != w.Token {
				return w.MessageID
			}
		}
	}
	if c.RowBefore != nil {
		return c.RowBefore.WorkerJob
	}
	return ""
}

// Judge returns the step of the model that the change is, taken at nowMillis of its caller's clock,
// or an error if it is none. Mail that is rejected or held at intake is no part of the protocol:
// for it, Judge returns neither step nor error. Held mail that is released arrives.
func (c Change) Judge(s model.Settings, nowMillis int64) (model.Step, error) {
	if c.Job != nil && c.Job.Outcome == job.Rejected {
		return nil, nil
	}
	if c.Job != nil && c.Job.Held() {
		if c.JobBefore != nil && !c.JobBefore.Held() || !reflect.DeepEqual(c.RowBefore, c.Row) {
			return nil, fmt.Errorf("%s is held, and is a job or has a part in a claim", c.Job.MessageID)
		}
		return nil, nil
	}
	if c.JobBefore != nil && c.JobBefore.Held() {
		c.JobBefore = nil
	}
	before := model.RowAndJob{Row: Row(c.RowBefore), Job: Job(c.JobBefore)}
	after := model.RowAndJob{Row: Row(c.Row), Job: Job(c.Job)}
	step, ok := s.Explain(before, after, nowMillis)
	if !ok {
		return nil, fmt.Errorf("no step of the model leads from %+v to %+v at %d", before, after, nowMillis)
	}
	return step, nil
}
