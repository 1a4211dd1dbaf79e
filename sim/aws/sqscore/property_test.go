package sqscore

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"
)

const (
	plainTimeout  = 30 * time.Second
	plainReceives = 3
)

// plainFIFO is a FIFO queue with a dead-letter queue, as simple as it can be: a list of messages
// that every step walks from end to end.
type plainFIFO struct {
	now   time.Time
	live  []*plainMessage
	dead  []*plainMessage
	dedup map[string]time.Time
}

type plainMessage struct {
	body, group string
	visibleAt   time.Time
	receives    int
	handle      string // of the last receive
}

func (p *plainFIFO) send(body, group string) {
	if at, ok := p.dedup[body]; ok && p.now.Sub(at) < 5*time.Minute {
		return
	}
	p.dedup[body] = p.now
	p.live = append(p.live, &plainMessage{body: body, group: group})
}

func (p *plainFIFO) visible(m *plainMessage) bool { return !m.visibleAt.After(p.now) }

// receive walks the groups by their oldest message; in each it takes the run of visible messages at
// the front.
func (p *plainFIFO) receive(limit int) (got []*plainMessage) {
	for len(got) < limit {
		i := slices.IndexFunc(p.live, func(m *plainMessage) bool { return p.visible(m) && p.oldest(m) })
		if i < 0 {
			break
		}
		for _, m := range p.run(p.live[i].group) {
			if len(got) == limit {
				break
			}
			if m.receives == plainReceives {
				p.remove(m)
				p.dead = append(p.dead, m)
				continue
			}
			m.receives++
			m.visibleAt = p.now.Add(plainTimeout)
			got = append(got, m)
		}
	}
	return got
}

// oldest says whether m is the first of its group.
func (p *plainFIFO) oldest(m *plainMessage) bool {
	i := slices.IndexFunc(p.live, func(o *plainMessage) bool { return o.group == m.group })
	return p.live[i] == m
}

// run lists the messages of a group that a receive may take.
func (p *plainFIFO) run(group string) (run []*plainMessage) {
	for _, m := range p.live {
		if m.group != group {
			continue
		}
		if !p.visible(m) {
			break
		}
		run = append(run, m)
	}
	return run
}

func (p *plainFIFO) remove(m *plainMessage) {
	p.live = slices.DeleteFunc(p.live, func(o *plainMessage) bool { return o == m })
}

func (p *plainFIFO) byHandle(handle string) *plainMessage {
	for _, m := range p.live {
		if m.handle == handle && !p.visible(m) {
			return m
		}
	}
	return nil
}

func (p *plainFIFO) show(list []*plainMessage) string {
	var b strings.Builder
	for _, m := range list {
		fmt.Fprintf(&b, "%s/%s visible=%t receives=%d\n", m.group, m.body, p.visible(m), m.receives)
	}
	return b.String()
}

func showPeek(list []Message) string {
	var b strings.Builder
	for _, m := range list {
		fmt.Fprintf(&b, "%s/%s visible=%t receives=%d\n", m.GroupID, m.Body, m.State == Visible, m.ReceiveCount)
	}
	return b.String()
}

// TestFIFOAgainstAPlainQueue drives the core and plainFIFO through the same sends, receives,
// deletes, changes and waits, and compares all that is visible after each.
func TestFIFOAgainstAPlainQueue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, Options{})
		b.create("q.fifo")
		b.create("dead.fifo")
		b.redrive("q.fifo", "dead.fifo", plainReceives)
		plain := &plainFIFO{now: b.now, dedup: map[string]time.Time{}}
		var handles []string
		group, body := rapid.SampledFrom([]string{"a", "b", "c"}), rapid.IntRange(0, 30)
		handle := func(rt *rapid.T) string {
			if len(handles) == 0 {
				rt.Skip("nothing received yet")
			}
			return rapid.SampledFrom(handles).Draw(rt, "handle")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"send": func(rt *rapid.T) {
				text, g := fmt.Sprint(body.Draw(rt, "body")), group.Draw(rt, "group")
				b.send("q.fifo", text, g)
				plain.send(text, g)
			},
			"receive": func(rt *rapid.T) {
				limit := rapid.IntRange(1, 10).Draw(rt, "limit")
				got, want := b.receive("q.fifo", int32(limit)), plain.receive(limit)
				if len(got) != len(want) {
					rt.Fatalf("received %d messages, want %d", len(got), len(want))
				}
				for i, m := range got {
					if *m.Body != want[i].body {
						rt.Fatalf("message %d is %s, want %s", i, *m.Body, want[i].body)
					}
					want[i].handle = *m.ReceiptHandle
					handles = append(handles, *m.ReceiptHandle)
				}
			},
			"delete": func(rt *rapid.T) {
				h := handle(rt)
				gone := !slices.ContainsFunc(b.c.Peek("q.fifo"), func(m Message) bool { return m.ID == messageID(b, h) })
				err := b.delete("q.fifo", &h)
				m := plain.byHandle(h)
				if (err == nil) != (m != nil || gone) {
					rt.Fatalf("delete: %v, but the handle's message is held: %t, gone: %t", err, m != nil, gone)
				}
				if m != nil {
					plain.remove(m)
				}
			},
			"change": func(rt *rapid.T) {
				h, seconds := handle(rt), rapid.Int32Range(0, 60).Draw(rt, "seconds")
				err := b.change("q.fifo", &h, seconds)
				m := plain.byHandle(h)
				if (err == nil) != (m != nil) {
					rt.Fatalf("change of visibility: %v, but the handle is good: %t", err, m != nil)
				}
				if m != nil {
					m.visibleAt = plain.now.Add(time.Duration(seconds) * time.Second)
				}
			},
			"wait": func(rt *rapid.T) {
				d := time.Duration(rapid.IntRange(1, 90).Draw(rt, "seconds")) * time.Second
				b.pass(d)
				b.c.Tick(b.now)
				plain.now = b.now
			},
			"": func(rt *rapid.T) {
				if got, want := showPeek(b.c.Peek("q.fifo")), plain.show(plain.live); got != want {
					rt.Fatalf("the queue holds\n%swant\n%s", got, want)
				}
				if got, want := showPeek(b.c.Peek("dead.fifo")), plain.show(plain.dead); got != want {
					rt.Fatalf("the dead-letter queue holds\n%swant\n%s", got, want)
				}
			},
		})
	})
}

// messageID is the id in a receipt handle.
func messageID(b *bench, handle string) string {
	b.t.Helper()
	plain, err := decodeHandle(handle)
	if err != nil {
		b.t.Fatal(err)
	}
	return plain.messageID
}

// TestFIFOUnderAnyGroupOrder draws the order among groups and checks what a consumer relies on.
func TestFIFOUnderAnyGroupOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, Options{Choose: func(n int, label string) int { return rapid.IntRange(0, n-1).Draw(rt, label) }})
		b.create("q.fifo")
		sent, deleted := map[string][]string{}, map[string]int{} // by group: bodies in order, and how many are done
		type holder struct {
			m     types.Message
			until time.Time
		}
		held := map[string][]holder{} // by group
		rt.Repeat(map[string]func(*rapid.T){
			"send": func(rt *rapid.T) {
				g := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "group")
				text := fmt.Sprintf("%s%d", g, len(sent[g]))
				b.send("q.fifo", text, g)
				sent[g] = append(sent[g], text)
			},
			"receive": func(rt *rapid.T) {
				for _, m := range b.receive("q.fifo", rapid.Int32Range(1, 5).Draw(rt, "limit")) {
					g := m.Attributes["MessageGroupId"]
					for _, h := range held[g] {
						if h.until.After(b.now) && h.until != b.now.Add(30*time.Second) {
							rt.Fatalf("group %s has two receivers at once", g)
						}
					}
					fresh := slices.DeleteFunc(held[g], func(h holder) bool { return !h.until.After(b.now) })
					if want := sent[g][deleted[g]+len(fresh)]; *m.Body != want {
						rt.Fatalf("group %s gave %s before %s", g, *m.Body, want)
					}
					held[g] = append(fresh, holder{m, b.now.Add(30 * time.Second)})
				}
			},
			"finish oldest": func(rt *rapid.T) {
				g := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "group")
				if len(held[g]) == 0 || !held[g][0].until.After(b.now) {
					rt.Skip("nothing held")
				}
				b.wantOK(b.delete("q.fifo", held[g][0].m.ReceiptHandle))
				held[g] = held[g][1:]
				deleted[g]++
			},
			"wait": func(*rapid.T) { b.pass(7 * time.Second) },
			"": func(rt *rapid.T) {
				left := 0
				for g := range sent {
					left += len(sent[g]) - deleted[g]
				}
				if list := b.c.Peek("q.fifo"); len(list) != left {
					rt.Fatalf("%d messages are in the queue, %d were sent and not deleted", len(list), left)
				}
			},
		})
	})
}

// TestWakeUps checks that a receiver that waits on an empty queue is told: between an empty receive
// and one that finds something there is always an Available.
func TestWakeUps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, Options{})
		b.create("q.fifo")
		empty, woken := true, false
		var handles []*string
		note := func() { woken = woken || slices.Contains(b.got, Effect(Available{"q.fifo"})) }
		rt.Repeat(map[string]func(*rapid.T){
			"send": func(rt *rapid.T) {
				g := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "group")
				b.send("q.fifo", fmt.Sprint(b.c.serial), g)
				note()
			},
			"receive": func(rt *rapid.T) {
				// At the deadline itself Tick returns Available, which wakes a waiting receiver.
				b.got = b.c.Tick(b.now)
				note()
				got := b.receive("q.fifo", 1)
				if empty && len(got) > 0 && !woken {
					rt.Fatalf("a message became receivable and nobody was told")
				}
				for _, m := range got {
					handles = append(handles, m.ReceiptHandle)
				}
				empty, woken = len(got) == 0, false
			},
			"delete": func(rt *rapid.T) {
				if len(handles) == 0 {
					rt.Skip("nothing received yet")
				}
				if err := b.delete("q.fifo", rapid.SampledFrom(handles).Draw(rt, "handle")); err != nil {
					b.wantError(err, "InvalidParameterValue", "expired")
				}
				note()
			},
			"wait": func(rt *rapid.T) {
				b.pass(time.Duration(rapid.IntRange(1, 20).Draw(rt, "seconds")) * time.Second)
			},
		})
	})
}

// FuzzRedrivePolicy: a policy that is accepted is whole, whatever its text.
func FuzzRedrivePolicy(f *testing.F) {
	for _, seed := range []string{
		`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":3}`,
		`{"deadLetterTargetArn":"x","maxReceiveCount":"1000"}`, `{"maxReceiveCount":1e2}`, `null`, `{`, `[]`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseRedrivePolicy(text)
		if err == nil && (p.maxReceives < 1 || p.maxReceives > 1000) {
			t.Fatalf("%q was accepted as %+v", text, p)
		}
		if a, err := parseRedriveAllowPolicy(text); err == nil && a.Permission == "" {
			t.Fatalf("%q was accepted as %+v", text, a)
		}
	})
}

// FuzzReceiptHandle: a handle that the core did not make deletes nothing.
func FuzzReceiptHandle(f *testing.F) {
	for _, seed := range []string{"garbage", "", "YSBiIGM=", "ISEh"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, handle string) {
		b := newBench(t, Options{})
		b.create("q.fifo")
		b.send("q.fifo", "1", "a")
		if b.delete("q.fifo", &handle) == nil && queueOf(handle) != b.c.arn("q.fifo") {
			t.Fatalf("%q was accepted", handle)
		}
		if len(b.c.Peek("q.fifo")) != 1 {
			t.Fatalf("%q deleted a message", handle)
		}
	})
}

// queueOf is the ARN in a receipt handle, or empty.
func queueOf(handle string) string {
	h, _ := decodeHandle(handle)
	return h.queueARN
}

// BenchmarkFIFOCycle is one send, receive and delete beside many groups that each have a message
// waiting.
func BenchmarkFIFOCycle(b *testing.B) {
	for _, groups := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			bench := newBench(b, Options{})
			bench.create("q.fifo")
			for i := range groups {
				bench.send("q.fifo", fmt.Sprint("w", i), fmt.Sprint("g", i))
			}
			url := aws.String("q.fifo")
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				bench.now = bench.now.Add(time.Millisecond)
				bench.send("q.fifo", fmt.Sprint("n", i), fmt.Sprint("g", i%groups))
				got := must[*sqs.ReceiveMessageOutput](bench, &sqs.ReceiveMessageInput{QueueUrl: url})
				if err := bench.delete("q.fifo", got.Messages[0].ReceiptHandle); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
