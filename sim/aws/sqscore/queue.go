package sqscore

import (
	"sort"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A State says where a message of a queue is.
type State string

// The states of a message.
const (
	Visible  State = "visible"   // not in flight; receivable if nothing in its group is before it
	Delayed  State = "delayed"   // sent, not yet shown for the first time
	InFlight State = "in-flight" // received, and its visibility timeout runs
)

// A message of a queue. In flight or delayed it is hidden until hiddenUntil.
//
// Its invariants, and those of lanes and queues, hold between two calls; the tests check them after
// every call.
type message struct {
	id          string
	body        string
	attributes  map[string]types.MessageAttributeValue
	traceHeader string
	groupID     string
	dedupID     string
	source      string // ARN of the queue it is a dead letter of, or empty

	serial    uint64 // the order of arrival in its queue; on a FIFO queue its sequence number
	sentAt    time.Time
	expiresAt time.Time // Invariant: sentAt < expiresAt, and core.now < expiresAt

	state       State
	hiddenUntil time.Time // unless it is visible
	receives    int       // Invariant: 0 < receives if in flight
	firstAt     time.Time // first receive. Invariant: zero == (receives == 0)
	lastAt      time.Time // last receive: the twelve hours count from here. Invariant: firstAt <= lastAt
	receipt     uint64    // serial of the last receive, in its handle
	touched     uint64    // serial of the last change of visibility

	queue      *queue
	lane       *lane
	prev, next *message // Invariant: prev.serial < serial < next.serial, as far as there are such
	timer      timer    // Invariant: timer.at <= expiresAt
	held       int      // Invariant: 0 < held, and queue.held[held-1] is this message, if it is in flight on a standard queue; else 0
}

// A lane is a line of messages; a receive takes only from its front. It holds the undeleted
// messages of one group of a FIFO queue, oldest first, or a single message of a standard queue. It
// is in its queue's ready pile exactly if its head is visible, so a hidden message blocks itself
// and all behind it.
type lane struct {
	group      string
	head, tail *message
	index      int // Invariant: index > 0, its place in the ready pile, == (head.state == Visible)
}

func (l *lane) before(other *lane) bool { return l.head.serial < other.head.serial }
func (l *lane) place() *int             { return &l.index }

// A timer is the next thing that time does to a message (its hiding or its retention ends) or to a
// move task.
type timer struct {
	at      time.Time
	serial  uint64
	message *message
	task    *moveTask
	index   int
}

func (t *timer) before(other *timer) bool {
	if !t.at.Equal(other.at) {
		return t.at.Before(other.at)
	}
	return t.serial < other.serial
}
func (t *timer) place() *int { return &t.index }

type queue struct {
	core     *Core
	name     string
	arn      string
	fifo     bool
	settings settings
	tags     map[string]string

	createdAt  time.Time
	modifiedAt time.Time
	purgedAt   time.Time

	messages map[string]*message
	groups   map[string]*lane // FIFO only. Invariant: no lane is empty
	ready    pile[*lane]
	counts   map[State]int // Invariant: counts[s] == the number of messages whose state is s
	held     []*message    // in flight on a standard queue: what may be delivered twice

	dedup    memory[sent]
	attempts memory[attempt]
}

func (c *Core) newQueue(name string, s settings) *queue {
	return &queue{
		core: c, name: name, arn: c.arn(name), fifo: s.fifo, settings: s, tags: map[string]string{},
		createdAt: c.now, modifiedAt: c.now,
		messages: map[string]*message{}, groups: map[string]*lane{}, counts: map[State]int{},
	}
}

// add puts m at the end of its lane, hidden for delay.
func (q *queue) add(m *message, delay time.Duration) {
	m.queue, m.serial = q, q.core.next()
	m.expiresAt = m.sentAt.Add(q.settings.retention)
	m.timer = timer{message: m, serial: m.serial}
	m.lane = q.groups[m.groupID]
	if m.lane == nil || !q.fifo {
		m.lane = &lane{group: m.groupID}
		if q.fifo {
			q.groups[m.groupID] = m.lane
		}
	}
	if m.prev = m.lane.tail; m.prev != nil {
		m.prev.next = m
	} else {
		m.lane.head = m
	}
	m.lane.tail = m
	q.messages[m.id] = m
	if delay > 0 {
		q.hide(m, Delayed, q.core.now.Add(delay))
		return
	}
	q.show(m)
}

// remove takes m out of the queue for good.
func (q *queue) remove(m *message) {
	q.enter(m, "")
	q.core.timers.drop(&m.timer)
	delete(q.messages, m.id)
	l := m.lane
	blocked := l.index == 0
	q.ready.drop(l)
	if m.prev != nil {
		m.prev.next = m.next
	} else {
		l.head = m.next
	}
	if m.next != nil {
		m.next.prev = m.prev
	} else {
		l.tail = m.prev
	}
	m.prev, m.next = nil, nil
	if l.head == nil && q.fifo {
		delete(q.groups, l.group)
	}
	if q.settle(l) && blocked {
		q.wake()
	}
}

func (q *queue) show(m *message) {
	q.enter(m, Visible)
	if q.settle(m.lane) {
		q.wake()
	}
}

// wake notes that something in the queue has become receivable.
func (q *queue) wake() { q.core.woken[q.name] = true }

func (q *queue) hide(m *message, as State, until time.Time) {
	m.hiddenUntil = until
	q.enter(m, as)
	q.settle(m.lane)
}

// enter changes m's state and keeps counts, held and the timer right; the state "" means that m is
// out of the queue.
func (q *queue) enter(m *message, s State) {
	if m.state != "" {
		q.counts[m.state]--
	}
	if m.held > 0 {
		last := q.held[len(q.held)-1]
		q.held[m.held-1], last.held = last, m.held
		q.held, m.held = q.held[:len(q.held)-1], 0
	}
	m.state = s
	if s == "" {
		return
	}
	q.counts[s]++
	if s == InFlight && !q.fifo {
		q.held = append(q.held, m)
		m.held = len(q.held)
	}
	m.timer.at = m.expiresAt
	if s != Visible && m.hiddenUntil.Before(m.expiresAt) {
		m.timer.at = m.hiddenUntil
	}
	q.core.timers.put(&m.timer)
}

// settle restores the ready pile's invariant after a change in l, and says whether l is in the
// pile.
func (q *queue) settle(l *lane) bool {
	if l.head == nil || l.head.state != Visible {
		q.ready.drop(l)
		return false
	}
	q.ready.put(l)
	return true
}

// due does what m's timer stands for: m expires or becomes visible.
func (q *queue) due(m *message) {
	if !m.expiresAt.After(q.core.now) {
		q.remove(m)
		return
	}
	q.show(m)
}

// clear removes every message and forgets all sends.
func (q *queue) clear() {
	for _, m := range q.ordered() {
		q.remove(m)
	}
	q.dedup, q.attempts = memory[sent]{}, memory[attempt]{}
}

// ordered lists the messages in the order of arrival.
func (q *queue) ordered() []*message {
	all := make([]*message, 0, len(q.messages))
	for _, m := range q.messages {
		all = append(all, m)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].serial < all[j].serial })
	return all
}

// Message is a message as Peek shows it.
type Message struct {
	ID              string
	Body            string
	GroupID         string
	DeduplicationID string
	SentAt          time.Time
	State           State
	HiddenUntil     time.Time // zero if visible
	ReceiveCount    int
	SourceARN       string // of a dead letter: the queue it was moved from
}

// Peek lists the messages of a queue in the order of arrival and changes nothing, not even what has
// come due since the last call. A queue that does not exist has none.
func (c *Core) Peek(queueName string) []Message {
	q := c.queues[queueName]
	if q == nil {
		return nil
	}
	var list []Message
	for _, m := range q.ordered() {
		shown := Message{
			ID: m.id, Body: m.body, GroupID: m.groupID, DeduplicationID: m.dedupID, SentAt: m.sentAt,
			State: m.state, ReceiveCount: m.receives, SourceARN: m.source,
		}
		if m.state != Visible {
			shown.HiddenUntil = m.hiddenUntil
		}
		list = append(list, shown)
	}
	return list
}

// memoryWindow is how long a queue remembers deduplication ids and receive attempts (SQS API
// Reference, SendMessage and ReceiveMessage).
const memoryWindow = 5 * time.Minute

// A memory keeps values for memoryWindow after they were put. The zero value is empty.
type memory[V any] struct {
	values map[string]remembered[V]
	order  []string // keys as put, oldest first
}

type remembered[V any] struct {
	value V
	at    time.Time
}

func (r *memory[V]) get(key string, now time.Time) (V, bool) {
	r.forget(now)
	v, ok := r.values[key]
	return v.value, ok
}

// put remembers value. A key that is already in the memory gets the new value but keeps its time.
func (r *memory[V]) put(key string, value V, now time.Time) {
	r.forget(now)
	if old, ok := r.values[key]; ok {
		r.values[key] = remembered[V]{value: value, at: old.at}
		return
	}
	if r.values == nil {
		r.values = map[string]remembered[V]{}
	}
	r.values[key] = remembered[V]{value: value, at: now}
	r.order = append(r.order, key)
}

func (r *memory[V]) forget(now time.Time) {
	for len(r.order) > 0 && now.Sub(r.values[r.order[0]].at) >= memoryWindow {
		delete(r.values, r.order[0])
		r.order = r.order[1:]
	}
}
