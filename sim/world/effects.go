package world

import (
	"fmt"
	"time"

	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// carryOut does what the cloud wants to happen.
func (w *World) carryOut(effects []cloud.Effect) {
	for _, effect := range effects {
		switch e := effect.(type) {
		case cloud.Delivery:
			w.deliver(e)
		case cloud.Run:
			w.runFunction(e)
		case cloud.Available:
			w.wakeReceivers(e.Queue)
			w.hearNudges(e.Queue)
		case cloud.Answered:
			w.releaseAnswered(e.InvocationID, e.Output)
		case cloud.Stop:
			// Lambda ignores the run from now on, but a frozen one may thaw and go on.
		}
	}
}

// do performs a call that none of the code under test makes. It carries out what follows from it,
// which is all that has come due by now too, not only what the call itself does.
func (w *World) do(service string, input any) (any, error) {
	output, effects, err := w.cloud.Do(w.now, service, input)
	w.carryOut(effects)
	return output, err
}

// deliver schedules a delivery, once or twice.
func (w *World) deliver(d cloud.Delivery) {
	if w.losesRetry(d) {
		return
	}
	if d.Kind == cloud.StatusChange && w.dice.strikes(fault.EventLost, "delivery") {
		w.story.fault(fault.EventLost, "never: "+d.What)
		return
	}
	times := 1
	if d.Kind.AtLeastOnce() && w.dice.strikes(fault.DuplicateDelivery, "delivery") {
		w.story.fault(fault.DuplicateDelivery, "twice: "+d.What)
		times = 2
	}
	for range times {
		delay := w.dice.latency("delivery")
		if w.dice.strikes(fault.Reordering, "delivery") {
			late := w.dice.between(0, 2*time.Minute, "delay.reordering")
			w.story.fault(fault.Reordering, fmt.Sprintf("%v late: %s", late, d.What))
			delay += late
		}
		w.schedule(delay, d.What, func() { w.handOver(d) })
	}
}

// handOver makes a delivery happen. While its queue is away, a task fails, and Lambda waits with
// what it has for the queue or wants from it.
func (w *World) handOver(d cloud.Delivery) {
	queue := d.Queue()
	err := w.outage.of(w.now, "sqs", queue)
	switch {
	case err == nil || queue == "":
		w.story.enters(d)
		w.carryOut(w.cloud.Deliver(w.now, d))
	case d.Kind == cloud.Task:
		w.story.refused(describeError(err))
		w.carryOut(w.cloud.Fails(w.now, d, err))
	default:
		w.schedule(w.outage.until.Sub(w.now), d.What, func() { w.handOver(d) })
	}
}

// wakeReceivers makes the receivers that wait on a queue ask again, in any order.
func (w *World) wakeReceivers(queue string) {
	waiting := w.parked[queue]
	if len(waiting) == 0 {
		return
	}
	delete(w.parked, queue)
	for _, i := range waiting {
		i.at = w.now.Add(w.dice.latency("receive"))
		w.agenda.add(i)
	}
}

// hearNudges makes the sessions that listen to an interrupt queue read it.
func (w *World) hearNudges(queue string) {
	for _, s := range w.sessions {
		if w.names.InterruptQueue(s.task.Work.Message.ProjectUserID) != queue {
			continue
		}
		s.actor.at(w.dice.latency("nudge"), "listens on "+queue, func() { s.listen(queue) })
	}
}
