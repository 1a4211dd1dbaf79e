package exhaustive

import (
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	checkactivejob "github.com/webordinary/hephaestus/services/check-active-job"
	handletimeout "github.com/webordinary/hephaestus/services/handle-timeout"
	ratelimitedclaim "github.com/webordinary/hephaestus/services/rate-limited-claim"
	recordinterruption "github.com/webordinary/hephaestus/services/record-interruption"
	sendinterrupt "github.com/webordinary/hephaestus/services/send-interrupt"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// Scene is a stage with a name.
type Scene struct {
	Name string
	world.Stage
}

// The messages of all scenes: m1 and m2 are of one thread, n of a newer one, o of the newest.
var m1, m2, n, o = message("m1", "red", 1), message("m2", "red", 2), message("n", "green", 3), message("o", "blue", 4)

func message(id, thread string, seconds int) job.Message {
	return job.Message{
		MessageID: id, ProjectID: "amelia", UserID: "scott", ProjectUserID: "amelia#scott", ThreadID: thread,
		ReceivedAtMillis: job.Millis(scenario.Epoch.Add(time.Duration(seconds) * time.Second)),
		Raw:              job.ObjectRef{Bucket: "emails", Key: "emails/" + id},
	}
}

func check(m job.Message) world.Act {
	return world.Act{Name: "check " + m.MessageID, Function: "check-active-job", Input: checkactivejob.Input{Message: m}}
}

func claims(m job.Message) world.Act {
	return world.Act{Name: "claim " + m.MessageID, Function: "rate-limited-claim", Input: ratelimitedclaim.Input{Message: m}}
}

// again is another call of the same handler for the same message, as Step Functions makes after it
// gave up the first.
func again(a world.Act) world.Act {
	a.Name += " again"
	return a
}

// woken is a claim that begins when the message's wait is over.
func woken(m job.Message) world.Act {
	a := claims(m)
	a.GoesOn = token(m)
	return a
}

// replaced supersedes a message when its wait ends because another message goes first.
func replaced(m job.Message) world.Act {
	a := supersede(m)
	a.GaveWay = token(m)
	return a
}

func token(m job.Message) string { return "wait-" + m.MessageID }

func interrupts(m job.Message) world.Act {
	return world.Act{Name: "interrupt by " + m.MessageID, Function: "send-interrupt", Input: sendinterrupt.Input{Message: m, TaskToken: token(m)}}
}

func supersede(m job.Message) world.Act {
	return world.Act{Name: "supersede " + m.MessageID, Function: "record-interruption", Input: recordinterruption.Input{Message: m, Reason: job.ReasonSuperseded}}
}

func timeOut(m job.Message) world.Act {
	var p handletimeout.StatePayload
	p.Kind, p.State.Message = "timeout", m
	return world.Act{Name: "time-out of " + m.MessageID, Function: "handle-timeout", Input: p}
}

func works(name string, takes time.Duration) world.Act {
	return world.Act{Name: name, Command: &scenario.Command{Takes: takes, Saves: time.Second}}
}

// busy is a worker that has begun its command before the scene.
func busy(name string, takes time.Duration) world.Act {
	a := works(name, takes)
	a.Ahead = true
	return a
}

func passes(d time.Duration) world.Act { return world.Act{Name: d.String() + " pass", Passes: d} }

// faults are those that may strike, one in a play, at any call.
var faults = []fault.Kind{fault.CrashBefore, fault.CrashAfter, fault.RequestLost, fault.AnswerLost, fault.SDKRetry, fault.LateRequest, fault.Throttle}

func scene(name string, before func(b *world.Backdrop), acts ...world.Act) Scene {
	return Scene{Name: name, Stage: world.Stage{Claim: claim.DefaultSettings(), Worker: worker.DefaultSettings(), Before: before, Acts: acts, Faults: faults, Budget: 1}}
}

// only allows no fault but f, which makes a scene small enough to be played in every order.
func only(f fault.Kind, s Scene) Scene {
	s.Faults = []fault.Kind{f}
	return s
}

// all admits every message.
func all(b *world.Backdrop) { b.Admit(m1, m2, n, o) }

// claimed gives m1's thread the key and puts m1's work on the queue.
func claimed(b *world.Backdrop) {
	all(b)
	b.Send(m1, b.Claim(m1))
}

// Scenes lists the small worlds that are played in every order.
func Scenes() []Scene {
	return []Scene{
		scene("two threads claim a free key", all, claims(m1), claims(n)),
		scene("two messages of a thread claim a free key", all, claims(m1), claims(m2)),
		scene("one message claims twice", all, claims(m1), again(claims(m1)), check(m1)),
		scene("three claim a free key", all, claims(m1), claims(m2), claims(n)),
		scene("a claim while the holder finishes", claimed, busy("w", time.Second), passes(time.Second), claims(m2), claims(n)),
		scene("an interrupt while the holder finishes", claimed, busy("w", time.Second), passes(time.Second), interrupts(n), woken(n)),
		scene("an interrupt while the holder beats and finishes", claimed,
			busy("w", 30*time.Second), passes(20*time.Second), passes(10*time.Second), interrupts(n), woken(n)),
		scene("two preemptors", claimed, busy("w", time.Minute), interrupts(n), interrupts(o), replaced(n)),
		scene("two preemptors of a claim without a worker", func(b *world.Backdrop) { all(b); b.Claim(m1) },
			interrupts(n), interrupts(o), replaced(n), woken(n), woken(o)),
		scene("a join while a preemptor asks", claimed, busy("w", time.Minute), claims(m2), interrupts(n), replaced(n)),
		scene("clean-up while a worker starts", claimed, works("w", time.Second), timeOut(m1)),
		scene("clean-up while a worker finishes and another thread waits", claimed,
			busy("w", time.Second), passes(time.Second), timeOut(m1), interrupts(n), woken(n)),
		scene("clean-up of a message that waits", func(b *world.Backdrop) { claimed(b); b.Interrupt(n, token(n)) },
			works("w", time.Second), timeOut(n), woken(n)),
		scene("a start against an interrupt", claimed, works("w", time.Second), interrupts(n), woken(n)),
		scene("take-over after grace against a late heartbeat", claimed,
			busy("w", time.Hour), interrupts(n), passes(100*time.Second), claims(n)),
		scene("two workers, the first of which was frozen past its lease", claimed,
			busy("v", time.Hour), passes(96*time.Second), works("w", time.Second)),
		scene("a start that takes effect after its lease's end", claimed, works("v", time.Second), passes(96*time.Second), works("w", time.Second)),
		only(fault.LateRequest, scene("a heartbeat that takes effect after a later one", claimed,
			busy("w", 45*time.Second), passes(20*time.Second), passes(5*time.Second))),
		scene("a join that takes effect after a later heartbeat", claimed, busy("w", 45*time.Second), claims(m2), passes(20*time.Second)),
		scene("superseding a message whose first claim call comes late", func(b *world.Backdrop) { all(b); b.Claim(n) },
			claims(m1), supersede(m1), timeOut(n)),
	}
}
