package check

// Limits of a world; they size its arrays.
const (
	maxMessages = 4
	maxWorkers  = 3
	maxFrozen   = 2
)

// none is an absent message index; messages are numbered from 1 so that the zero value is none.
const none = 0

// phase is where the execution of a message is in the state machine.
type phase uint8

const (
	absent       phase = iota // the email has not arrived
	checking                  // CheckActiveJob is about to read
	claiming                  // ClaimJob is about to write
	interrupting              // SendInterrupt is about to write
	waiting                   // SendInterrupt sleeps on its token
	claimed                   // attachments; the work message is not sent yet
	sent                      // SendToContainer sleeps on its token
	superseding               // RecordSuperseded is about to write
	recording                 // RecordInterruption is about to write
	cleaning                  // clean-up is about to write
	ended
)

func (p phase) String() string {
	return [...]string{"absent", "checking", "claiming", "interrupting", "waiting", "claimed", "sent", "superseding",
		"recording", "cleaning", "ended"}[p]
}

// outcome is model.Outcome as a number.
type outcome uint8

const (
	open outcome = iota
	completed
	interrupted
	superseded
	timedOut
	failed
)

func (o outcome) bad() bool { return o == timedOut || o == failed }

// tokenState says which token the message waits with on the claim row.
type tokenState uint8

const (
	noToken tokenState = iota
	staleToken
	liveToken // the token on which the execution sleeps now
)

// message is one email: its execution, its job row, and its place on the claim row.
type message struct {
	phase    phase
	outcome  outcome
	token    tokenState
	inJobs   bool
	recorded bool // its interruption record exists; if it failed or timed out, the dead letter queue has it too
	current  bool // its execution (or work message, or interrupt) knows the row's container
	reigned  bool // ghost (only invariants read it): it has been a job or a preemptor
	lost     bool // ghost: its claim expired and went to another message or was deleted
}

// duty is what a worker process is doing.
type duty uint8

const (
	idle       duty = iota
	got             // it has received the work message
	restarting      // its start was applied, the answer lost
	running         // the command runs
	stopping        // it has learnt of a preemptor; the command is stopping
	finishing       // the command has ended with the outcome in ends; finish is about to be written
	finished        // finish or decline is written; waiters are to be woken
	telling         // Step Functions is to be told
	deleting        // the work message is to be deleted
)

// worker is one worker process; a crashed one is replaced by a fresh process in the same place.
type worker struct {
	duty    duty
	job     uint8   // message number
	ends    outcome // finishing: how the command ended
	fenced  bool    // the fence it holds is the row's
	owns    bool    // the row's workerId is its id
	receipt bool    // its receipt handle for the head of the queue is valid
}

// ageing is how far a lease or claim has expired.
type ageing uint8

const (
	unset ageing = iota
	live
	lapsing // over for its holder; another clock may or may not see it as expired (only with clock skew)
	expired // for all
)

// row is the claim row, without the sets that live in message and worker.
type row struct {
	exists    bool
	thread    uint8 // of the holder; 0 while there are no jobs
	newest    uint8
	lease     ageing
	leaseJob  uint8
	orphaned  bool // the row's worker is a process that is gone
	claim     ageing
	preemptor uint8 // its thread, 0 for none
	pNewest   uint8
	pAsker    bool // ghost: the preemptor was meant for another container than the row's
	grace     bool // the grace period is over
	spent     bool // the budget of interruptions
}

// call is a Lambda invocation that Step Functions has given up and retried, and that may still be
// applied.
type call struct {
	kind    phase // claiming, interrupting, superseding or cleaning; 0 for none
	msg     uint8
	current bool
}

// world is one state of the search. It is comparable, and equal worlds behave alike.
type world struct {
	pattern uint8 // which messages belong to which thread
	row     row
	msgs    [maxMessages]message
	workers [maxWorkers]worker
	queue   [maxMessages]uint8 // message numbers, the head first
	frozen  [maxFrozen]call
	budget  [faultKinds]uint8 // how many of each fault may still happen
}

// held says whether a worker has received the head of the queue.
func (w *world) held() bool {
	for i := range w.workers {
		if w.workers[i].receipt {
			return true
		}
	}
	return false
}

func (w *world) pop() {
	copy(w.queue[:], w.queue[1:])
	w.queue[maxMessages-1] = none
	w.dropReceipts()
}

func (w *world) push(m uint8) {
	for i := range w.queue {
		if w.queue[i] == none {
			w.queue[i] = m
			return
		}
	}
}

func (w *world) dropReceipts() {
	for i := range w.workers {
		w.workers[i].receipt = false
	}
}

// retire makes the worker idle. The work message that it had received becomes visible again (no
// worker has to receive it at once), and a lease that it leaves behind is orphaned.
func (w *world) retire(i int) {
	if w.workers[i].owns {
		w.row.orphaned = true
	}
	w.workers[i] = worker{}
}

// hasJobs says whether any message is a job of the claim.
func (w *world) hasJobs() bool {
	for i := range w.msgs {
		if w.msgs[i].inJobs {
			return true
		}
	}
	return false
}

// normalise clears what no later step or judgement reads, so that worlds that differ only in that
// are one state. refusesEnded says that every call for a job that has ended is refused.
func (w *world) normalise(refusesEnded bool) {
	if !w.hasJobs() {
		w.row.thread, w.row.newest = 0, 0
	}
	for i := range w.msgs {
		w.msgs[i].normalise()
	}
	for i := range w.frozen {
		if f := &w.frozen[i]; f.kind != 0 && refusesEnded && w.msgs[f.msg-1].outcome != open {
			*f = call{}
		}
	}
	if w.budget[claimExpiry] == 0 && w.row.claim != lapsing && w.row.claim != expired {
		w.budget[ttlDeletion] = 0 // nothing will ever be deleted
	}
}

// sort orders the workers and the frozen calls, because their order means nothing.
func (w *world) sort(workers int) {
	sortWorkers(w.workers[:workers])
	if less(w.frozen[0], w.frozen[1]) {
		w.frozen[0], w.frozen[1] = w.frozen[1], w.frozen[0]
	}
}

func (m *message) normalise() {
	if m.token == liveToken && m.phase != waiting {
		m.token = staleToken
	}
	if m.phase == ended {
		switch m.outcome { // only L2 and S5 still read how it ended
		case superseded:
			m.outcome = interrupted
		case failed:
			m.outcome = timedOut
		}
	}
	if m.outcome != open && m.outcome != interrupted {
		m.lost = false
	}
	if m.outcome == completed || m.outcome == superseded || m.outcome == interrupted && !m.lost {
		m.reigned = false
	}
	if m.outcome != open || m.phase < interrupting || m.phase == waiting || m.phase == superseding {
		m.current = false
	}
}
