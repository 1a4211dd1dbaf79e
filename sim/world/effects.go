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
		case cloud.Stop:
			// Lambda ignores the run from now on, but a frozen one may thaw and go on.
		}
	}
}

// deliver schedules a delivery, once or twice.
func (w *World) deliver(d cloud.Delivery) {
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
		w.schedule(delay, d.What, func() {
			w.story.enters(d)
			w.carryOut(w.cloud.Deliver(w.now, d))
		})
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
