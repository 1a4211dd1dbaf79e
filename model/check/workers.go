package check

import "github.com/webordinary/hephaestus/model"

// worker lists the steps of worker i.
func (x *explorer) worker(i int) {
	w := x.here
	k := w.workers[i]
	next := *w
	me := &next.workers[i]
	switch k.duty {
	case idle:
		if w.queue[0] != none && !w.held() {
			*me = worker{duty: got, job: w.queue[0], receipt: true}
			x.plain(next, action{kind: receives, worker: i, msg: w.queue[0]})
		}
		return
	case got, restarting:
		x.begin(i)
	case running:
		x.run(i)
	case stopping:
		me.duty, me.ends = finishing, interrupted
		x.plain(next, action{kind: ends, worker: i, msg: k.job, outcome: interrupted})
	case finishing:
		x.finish(i)
	case finished:
		before := x.before(none)
		next.wake(wakesOf(&before.Row))
		me.duty = telling
		x.plain(next, action{kind: wakesAll, worker: i})
	case telling:
		x.tell(i)
	case deleting:
		x.deleteMessage(i)
	}
	next = *w
	next.retire(i)
	x.spend(crash, next, action{kind: crashes, worker: i})
}

func wakesOf(row *model.Row) []model.Wake {
	var out []model.Wake
	for _, wait := range row.Preemptor.Waiting {
		out = append(out, model.Wake{MessageID: wait.MessageID, Token: wait.Token})
	}
	return out
}

// begin lists what a worker may do about a work message that it received: report an old outcome,
// start, decline, or leave it.
func (x *explorer) begin(i int) {
	w := x.here
	k := w.workers[i]
	msg := w.msgs[k.job-1]
	if msg.outcome != open {
		next := *w
		next.workers[i].duty = telling
		if !x.p.reportsAgain {
			next.workers[i].duty = deleting
		}
		x.plain(next, action{kind: findsOutcome, worker: i, msg: k.job, outcome: msg.outcome})
		return
	}
	for r := range x.readings() {
		before := x.before(k.job)
		start := model.Start{MessageID: messageIDs[k.job], ContainerID: containerOf(msg.current), WorkerID: workerIDs[i],
			Fence: fenceNow + 1}
		if k.duty == restarting {
			start.Fence = fenceBefore
			if k.fenced {
				start.Fence = fenceNow
			}
		}
		if result := x.p.start(start, before, now+r); result.OK() {
			x.started(i, &before, &result, now+r)
			continue
		}
		next := *w
		if k.duty == restarting {
			next.workers[i].duty, next.workers[i].fenced = got, false
			x.plain(next, action{kind: startRefused, worker: i, msg: k.job})
			continue
		}
		decline := model.Decline{MessageID: messageIDs[k.job], ContainerID: containerOf(msg.current), WorkerID: workerIDs[i]}
		if result := x.p.decline(decline, before, now+r); result.OK() {
			next = x.written(k.job, &before, &result, now+r)
			next.workers[i].duty = finished
			did := action{kind: declines, worker: i, msg: k.job, raises: result.After.Row.Fence > before.Row.Fence}
			violates := x.judge(k.job, byDecline, &before, &result, &next, now+r)
			lost := next
			lost.workers[i].duty = got
			x.ended(i, next, did, violates)
			if x.take(lostAnswer, &lost) {
				did.answerLost = true
				x.emit(lost, did, true, violates)
			}
			continue
		}
		next.retire(i)
		x.plain(next, action{kind: leaves, worker: i, msg: k.job})
	}
}

func (x *explorer) started(i int, before *model.RowAndJob, result *model.Result, reading int64) {
	k := x.here.workers[i]
	next := x.written(k.job, before, result, reading)
	next.workers[i].duty = running
	next.workers[i].fenced = true
	if k.duty == restarting && x.here.row.lease != live {
		// The worker counts the lease from when it sent the first call, so by its own clock the
		// lease is over.
		next.retire(i)
	}
	did := action{kind: starts, worker: i, msg: k.job, raises: result.After.Row.Fence > before.Row.Fence}
	violates := x.judge(k.job, byStart, before, result, &next, reading)
	x.emit(next, did, false, violates)
	if k.duty == got {
		next.workers[i].duty = restarting
		if x.take(lostAnswer, &next) {
			did.answerLost = true
			x.emit(next, did, true, violates)
		}
	}
}

// run lists what may become of a running command.
func (x *explorer) run(i int) {
	w := x.here
	k := w.workers[i]
	fence := fenceBefore
	if k.fenced {
		fence = fenceNow
	}
	before := x.before(none)
	beat := x.p.heartbeat(model.Heartbeat{WorkerID: workerIDs[i], Fence: fence}, before, now)
	next := *w
	switch {
	case !beat.OK():
		next.retire(i)
		x.plain(next, action{kind: kills, worker: i, msg: k.job})
	case beat.Asked:
		next = x.written(none, &before, &beat, now)
		next.workers[i].duty = stopping
		violates := ""
		if w.row.pAsker || !k.owns {
			violates = s2
		}
		x.emit(next, action{kind: isAsked, worker: i, msg: k.job}, false, violates)
	default:
		next = x.written(none, &before, &beat, now)
		if next != *w {
			x.emit(next, action{kind: beats, worker: i, msg: k.job}, false, x.judgeWorker(k, none, byHeartbeat, &before, &beat, &next))
		}
	}

	next = *w
	next.workers[i].duty, next.workers[i].ends = finishing, completed
	x.plain(next, action{kind: ends, worker: i, msg: k.job, outcome: completed})
	next.workers[i].ends = failed
	x.spend(failure, next, action{kind: ends, worker: i, msg: k.job, outcome: failed})

	next = *w
	if back := x.p.handBack(model.HandBack{WorkerID: workerIDs[i], Fence: fence}, before, now); back.OK() {
		next = x.written(none, &before, &back, now)
		next.retire(i)
		violates := x.judgeWorker(k, none, byHandBack, &before, &back, &next)
		if x.take(crash, &next) {
			x.deliver(next, back.Wakes, action{kind: handsBack, worker: i, msg: k.job}, true, violates)
		}
	}
}

func (x *explorer) finish(i int) {
	w := x.here
	k := w.workers[i]
	fence := fenceBefore
	if k.fenced {
		fence = fenceNow
	}
	before := x.before(k.job)
	result := x.p.finish(model.Finish{MessageID: messageIDs[k.job], WorkerID: workerIDs[i], Fence: fence,
		Outcome: outcomes[k.ends]}, before, now)
	did := action{kind: finishes, worker: i, msg: k.job, outcome: k.ends, refused: result.Refused}
	if !result.OK() {
		next := *w
		next.workers[i].ends = open
		if next.msgs[k.job-1].outcome == open {
			next.retire(i)
		} else {
			next.workers[i].duty = telling
		}
		x.plain(next, did)
		return
	}
	next := x.written(k.job, &before, &result, now)
	violates := x.judgeWorker(k, k.job, byFinish, &before, &result, &next)
	if k.receipt && !x.p.deletesLast {
		next.pop()
	}
	lost := next
	next.workers[i].duty, next.workers[i].ends = finished, open
	x.ended(i, next, did, violates)
	if x.take(lostAnswer, &lost) {
		did.answerLost = true
		x.emit(lost, did, true, violates)
	}
}

// ended emits a finish or decline. If no message waits, the worker goes on to tell Step Functions.
func (x *explorer) ended(i int, next world, did action, violates string) {
	next.workers[i].fenced, next.workers[i].ends = false, open
	if next.row.preemptor == 0 {
		next.workers[i].duty = telling
	}
	x.emit(next, did, false, violates)
}

// tell answers the execution's task token. The answer does nothing if the execution no longer
// sleeps on it.
func (x *explorer) tell(i int) {
	next := *x.here
	k := &next.workers[i]
	msg := &next.msgs[k.job-1]
	if msg.phase == sent {
		switch {
		case msg.outcome == completed:
			msg.phase = ended
		case msg.outcome.bad():
			msg.phase = cleaning
		default:
			msg.phase = recording
		}
	}
	k.duty, k.fenced = deleting, false
	x.plain(next, action{kind: tells, worker: i, msg: k.job, outcome: msg.outcome})
}

func (x *explorer) deleteMessage(i int) {
	next := *x.here
	k := next.workers[i]
	if k.receipt {
		next.pop()
	}
	next.retire(i)
	x.plain(next, action{kind: deletes, worker: i, msg: k.job})
}
