package world

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/refinement"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// Play plays the stage once. pick returns the index of the move that happens; false ends the play.
func (s Stage) Play(pick func([]choose.Move) (int, bool), keepStory bool) Ending {
	for _, f := range s.Faults {
		if !f.Staged() {
			panic(fmt.Sprintf("world: %s cannot strike on a stage", f))
		}
	}
	w := bareWorld(scenario.Scenario{Claim: s.Claim, Worker: s.Worker, Instant: true}, nil, Options{Story: keepStory})
	played := &stage{Stage: s, world: w, pick: pick, begun: make([]bool, len(s.Acts)), fault: none, tokens: map[string]string{}}
	w.dice.healed, w.dice.staged, w.tokens = true, played.strikes, played.answer
	w.furnish(s.Compiled)
	defer w.stop()
	return played.play()
}

func (s *stage) play() Ending {
	w := s.world
	if s.Before != nil {
		s.Before(newBackdrop(w))
	}
	for i, a := range s.Acts {
		if a.Ahead {
			s.begin(i)
			s.alone()
		}
	}
	for i, a := range s.Acts {
		if !s.begun[i] && a.GoesOn == "" && a.GaveWay == "" && a.Passes == 0 {
			s.begin(i)
		}
	}
	cut := false
	for w.oracles.Violation() == nil && !cut {
		moves := s.moves()
		if len(moves) == 0 {
			next, ok := w.next()
			if !ok {
				s.atEnd()
				break
			}
			// Nothing else can happen. To wait is a move of its own, which all later moves depend
			// on.
			if _, ok := s.pick([]choose.Move{{Name: "until " + next.Sub(scenario.Epoch).String(), Global: true}}); !ok {
				cut = true
			}
			w.advance(next)
			continue
		}
		cut = !s.move(moves)
	}
	return Ending{Rows: s.rows(), Events: w.trace.events, Cut: cut, Violation: w.oracles.Violation(), Story: w.story.story}
}

// alone plays all that can happen now, without choices.
func (s *stage) alone() {
	for {
		ready := s.ready()
		if len(ready) == 0 {
			return
		}
		s.do(stageMove{item: ready[0], fault: none, act: -1})
	}
}

// move makes one move; false if the chooser ends the play.
func (s *stage) move(moves []stageMove) bool {
	list := make([]choose.Move, len(moves))
	for i, m := range moves {
		list[i] = m.Move
	}
	picked, ok := s.pick(list)
	if ok {
		s.do(moves[picked])
	}
	return ok
}

// do makes a move and has it judged.
func (s *stage) do(m stageMove) {
	w := s.world
	switch {
	case m.act >= 0:
		s.begun[m.act] = true
		w.event(ofTime, fmt.Sprintf("%v pass", s.Acts[m.act].Passes))
		w.advance(w.now.Add(s.Acts[m.act].Passes))
	case m.item == nil:
		w.event(ofTime, "what has come due happens")
		w.carryOut(w.cloud.Tick(w.now))
	default:
		w.agenda.remove(m.item)
		w.event(m.item.who(), m.item.what)
		s.doWith(m)
	}
}

// doWith makes a call, with its fault.
func (s *stage) doWith(m stageMove) {
	if m.fault == none {
		m.item.do()
		return
	}
	s.struck++
	s.world.story.fault(m.fault, "by choice")
	if m.fault == fault.CrashBefore {
		s.actorOf(m.item).die()
		return
	}
	s.fault = m.fault
	m.item.do()
	if s.fault != none {
		panic(fmt.Sprintf("world: %s did not strike at %s", m.fault, m.item.what))
	}
}

// actorOf is the item's actor.
func (s *stage) actorOf(i *item) *actor {
	return s.world.actors[slices.IndexFunc(s.world.actors, func(a *actor) bool { return &a.process == i.by })]
}

// strikes says whether the fault was picked for the call under way.
func (s *stage) strikes(f fault.Kind) bool {
	struck := s.fault == f
	if struck {
		s.fault = none
	}
	return struck
}

// begin starts an act's actor.
func (s *stage) begin(n int) {
	w, act := s.world, s.Acts[n]
	s.begun[n] = true
	if act.Command != nil {
		wa := &workerActor{world: w, staged: act.Command}
		s.enter(wa.newProcess(act.Name, func(real *worker.Worker) { _ = real.Once(context.Background()) }), act)
		return
	}
	payload := must(json.Marshal(act.Input))
	s.enter(w.newActor(act.Name, functionActor, func(a *actor) {
		// Only a state machine would use the handler's answer, and a stage has none.
		_, _ = must(system.New(act.Function, w.environment(a)))(context.Background(), payload)
	}), act)
}

// enter runs an actor to its first call at once: until then it touches nothing.
func (s *stage) enter(a *actor, act Act) {
	a.clock.offset = act.Clock
	s.world.actors = append(s.world.actors, a)
	a.proceed(reply{})
}

// answer acts as Step Functions: each token can be answered once, and an answer may begin an act.
func (s *stage) answer(input any) (any, error) {
	token, said, output := "", "", any(&sfn.SendTaskSuccessOutput{})
	switch in := input.(type) {
	case *sfn.SendTaskSuccessInput:
		token, said = aws.ToString(in.TaskToken), "done"
		if woken, ok := wakeUp(in); ok {
			said = map[bool]string{false: "go on", true: "superseded"}[woken.Superseded]
		}
	case *sfn.SendTaskFailureInput:
		token, said, output = aws.ToString(in.TaskToken), aws.ToString(in.Error), &sfn.SendTaskFailureOutput{}
	default:
		return nil, fmt.Errorf("world: a stage does not know %T", input)
	}
	if s.tokens[token] != "" {
		return nil, &sfntypes.TaskTimedOut{Message: aws.String("Task Timed Out: 'Provided task does not exist anymore'")}
	}
	s.tokens[token] = said
	for i, a := range s.Acts {
		if !s.begun[i] && ((said == "go on" && a.GoesOn == token) || (said == "superseded" && a.GaveWay == token)) {
			s.begin(i)
		}
	}
	return output, nil
}

// rows tells the state at the end of a play.
func (s *stage) rows() string {
	var b strings.Builder
	w := s.world
	for _, it := range w.cloud.DynamoDB.Items(w.names.ActiveJobs()) {
		row := must(claim.ParseRow(it))
		fmt.Fprintf(&b, "%s %+v\n", row.Key, refinement.Row(row))
	}
	for _, it := range w.cloud.DynamoDB.Items(w.names.Jobs()) {
		j := must(claim.ParseJob(it))
		fmt.Fprintf(&b, "%s %s %s started %d\n", j.MessageID, j.Outcome, j.ContainerID, j.StartedAtMillis)
	}
	for _, token := range slices.Sorted(maps.Keys(s.tokens)) {
		fmt.Fprintf(&b, "%s: %s\n", token, s.tokens[token])
	}
	fmt.Fprintf(&b, "work %d, letters %d", len(w.cloud.SQS.Peek(w.names.WorkQueue())), len(w.cloud.SQS.Peek(w.names.DeadLetters())))
	return b.String()
}

// atEnd judges a play in which nothing happens any more. If no fault struck and no lease can have
// run out, no message waits for a key that has no worker. It demands no more, for a stage has no
// state machine.
func (s *stage) atEnd() {
	w := s.world
	w.oracles.CommandsAreOver()
	if s.struck > 0 || w.now.Sub(scenario.Epoch) >= s.Claim.Lease {
		return
	}
	for _, it := range w.cloud.DynamoDB.Items(w.names.ActiveJobs()) {
		row := must(claim.ParseRow(it))
		if row.Preemptor == nil || row.HasLiveLease(w.now, s.Claim) {
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(row.Preemptor.Waiting)) {
			if s.tokens[row.Preemptor.Waiting[id]] == "" {
				w.oracles.Broken("L1", fmt.Sprintf("%s waits for %s, for which nobody works, and is not woken", id, row.Key))
			}
		}
	}
}
