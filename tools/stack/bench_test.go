package stack_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/services/worker/process"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/stack"
)

// workerRole in the environment makes the test binary a worker process that runs its arguments.
const workerRole = "HEPHAESTUS_TEST_WORKER"

func TestMain(m *testing.M) {
	process.BeGuard()
	if os.Getenv(workerRole) == "" {
		os.Exit(m.Run())
	}
	if err := process.Run(context.Background(), os.Args[1:]); err != nil {
		boot.Exit("worker", err)
	}
}

// factory is a stack with workers of its own, which report when each command started and each job
// ended.
type factory struct {
	*stack.Stack
	started  chan sighting
	finished chan sighting
	mails    int
}

// sighting is something that happened to a message.
type sighting struct {
	messageID string
	at        time.Time
	outcome   job.Outcome // if its job ended
}

// machine is a host that can be told to stop.
type machine interface {
	worker.Host
	Stop()
}

// newFactory starts a stack and workers. host makes their machine; if it is nil, this process runs
// no workers.
func newFactory(b testing.TB, workers int, host func(b testing.TB, s *stack.Stack) machine) *factory {
	b.Helper()
	routes, err := mail.NewRoutes("example.com")
	if err != nil {
		b.Fatal(err)
	}
	s, err := stack.Start(b.Context(), stack.Config{Address: "127.0.0.1:0", Routes: routes, OmitHistory: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	})
	f := &factory{Stack: s, started: make(chan sighting, 1<<10), finished: make(chan sighting, 1<<10)}
	if host != nil {
		f.staff(b, workers, host(b, s))
	}
	return f
}

// staff runs workers until the benchmark ends.
func (f *factory) staff(b testing.TB, workers int, host machine) {
	store, err := claim.NewStore(client.NewDynamoDB(f.Call), f.Names(), claim.DefaultSettings(), time.Now, boot.RandomID, boot.Pause)
	if err != nil {
		b.Fatal(err)
	}
	var running sync.WaitGroup
	for n := range workers {
		w, err := worker.New(worker.Parts{
			ID: fmt.Sprintf("worker-%d", n), Queue: client.NewSQS(f.Call), QueueURL: f.WorkQueueURL(), Protocol: watchedProtocol{store, f},
			Tokens: client.NewStepFunctions(f.Call), Host: watchedHost{host, f}, Settings: worker.DefaultSettings(), Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			b.Fatal(err)
		}
		running.Go(func() {
			if err := w.Run(context.WithoutCancel(b.Context())); err != nil {
				b.Error(err)
			}
		})
	}
	b.Cleanup(func() { host.Stop(); running.Wait() })
}

// watchedProtocol reports when an outcome is written.
type watchedProtocol struct {
	*claim.Store
	to *factory
}

func (p watchedProtocol) Finish(ctx context.Context, l claim.Lease, end claim.End) (claim.Finished, error) {
	finished, err := p.Store.Finish(ctx, l, end)
	if err == nil {
		p.to.finished <- sighting{messageID: finished.Job.MessageID, at: time.Now(), outcome: finished.Job.Outcome}
	}
	return finished, err
}

// watchedHost reports when a command has started.
type watchedHost struct {
	worker.Host
	to *factory
}

func (h watchedHost) Begin(ctx context.Context, t worker.Task) worker.Session {
	return watchedSession{h.Host.Begin(ctx, t), h.to, t.Work.Message.MessageID}
}

type watchedSession struct {
	worker.Session
	to        *factory
	messageID string
}

func (s watchedSession) Await(ctx context.Context, until time.Time) worker.Event {
	event := s.Session.Await(ctx, until)
	if event.Kind == worker.Begun {
		s.to.started <- sighting{messageID: s.messageID, at: time.Now()}
	}
	return event
}

// processes is a host that runs a real command for each message.
func processes(command ...string) func(b testing.TB, s *stack.Stack) machine {
	return func(b testing.TB, s *stack.Stack) machine {
		nudges, err := interrupt.NewQueues(client.NewSQS(s.Call), s.Names(), s.WorkQueueURL())
		if err != nil {
			b.Fatal(err)
		}
		host, err := process.New(process.Options{Command: command, Root: b.TempDir(), Environ: os.Environ()},
			client.NewS3(s.Call), nudges, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		return host
	}
}

// noCommand is a host whose command has ended as soon as it has begun.
func noCommand(b testing.TB, s *stack.Stack) machine { return idle{processes("true")(b, s)} }

type idle struct{ machine }

func (idle) Begin(context.Context, worker.Task) worker.Session { return &ended{} }

type ended struct{ begun bool }

func (e *ended) Await(context.Context, time.Time) worker.Event {
	if !e.begun {
		e.begun = true
		return worker.Event{Kind: worker.Begun}
	}
	return worker.Event{Kind: worker.Exited, Exit: worker.Exit{Summary: "done"}}
}
func (*ended) Terminate() {}
func (*ended) Kill()      {}
func (*ended) Close()     {}

// letter is a typical mail of 5 KB: a text and its HTML, quoted-printable.
var letter = "Return-Path: <scott@customer.example>\r\n" +
	"Received: from mx.customer.example by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for %[1]s@amelia.example.com; Mon, 02 Nov 2026 09:30:00 +0000 (UTC)\r\n" +
	"X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: PASS\r\nAuthentication-Results: amazonses.com; spf=pass; dkim=pass header.i=@customer.example; dmarc=pass\r\n" +
	"From: Scott <scott@customer.example>\r\nTo: %[1]s@amelia.example.com\r\nSubject: Mend the door\r\nDate: Mon, 2 Nov 2026 10:30:00 +0100\r\n" +
	"Message-ID: <%[2]s@customer.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	strings.Repeat("Please mend the door of the caf=C3=A9, it is red.\r\n", 35) +
	"\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	strings.Repeat("<p>Please mend the door of the caf=C3=A9, it is red.</p>\r\n", 40) + "\r\n--b--\r\n"

// put sends the user a mail in a thread of its own and returns its id.
func (f *factory) put(b testing.TB, user string) string { return f.putIn(b, user, "") }

// putIn sends the user a mail that answers the mail that thread names, if it names one.
func (f *factory) putIn(b testing.TB, user, thread string) string {
	f.mails++
	id := fmt.Sprintf("mail-%08d", f.mails)
	mime := fmt.Sprintf(letter, user, id)
	if thread != "" {
		mime = "References: <" + thread + ">\r\n" + mime
	}
	_, err := client.NewS3(f.Call).PutObject(b.Context(), &s3.PutObjectInput{
		Bucket: aws.String(f.Names().Emails()), Key: aws.String("emails/" + id), Body: strings.NewReader(mime),
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// forget deletes a mail's objects, as the buckets' lifecycle rules do in the end.
func (f *factory) forget(b testing.TB, id string) {
	objects := client.NewS3(f.Call)
	for bucket, key := range map[string]string{f.Names().Emails(): "emails/" + id, f.Names().Media(): "messages/" + id + "/content.json"} {
		if _, err := objects.DeleteObject(b.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)}); err != nil {
			b.Fatal(err)
		}
	}
}

// latencies are reported as percentiles.
type latencies []time.Duration

func (l latencies) report(b *testing.B) {
	slices.Sort(l)
	at := func(percent int) float64 {
		return float64(l[min(len(l)*percent/100, len(l)-1)]) / float64(time.Millisecond)
	}
	b.ReportMetric(at(50), "p50-ms")
	b.ReportMetric(at(99), "p99-ms")
	b.ReportMetric(0, "ns/op") // the pace is the benchmark's, not the stack's
}

// patience is how long a benchmark waits for the next event.
const patience = 30 * time.Second

func next(b testing.TB, from <-chan sighting) sighting {
	b.Helper()
	select {
	case s := <-from:
		return s
	case <-time.After(patience):
		b.Fatal("nothing happens any more")
		panic("unreachable")
	}
}

// pace is 100 mails a second.
const pace = 10 * time.Millisecond

// paced puts b.N mails, each for a key of its own, at the pace, and reports how long each took
// until its command started.
func (f *factory) paced(b *testing.B) {
	sent := make(map[string]time.Time, b.N)
	var mu sync.Mutex
	var took latencies
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range b.N {
			s := next(b, f.started)
			mu.Lock()
			took = append(took, s.at.Sub(sent[s.messageID]))
			mu.Unlock()
		}
	}()
	b.ResetTimer()
	begun := time.Now()
	for n := range b.N {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * pace)))
		mu.Lock() // the start may be seen before put has returned
		at := time.Now()
		sent[f.put(b, fmt.Sprintf("user%d", f.mails))] = at
		mu.Unlock()
	}
	<-done
	b.StopTimer()
	took.report(b)
}

// drain forgets what finishes, until the benchmark ends.
func (f *factory) drain(b testing.TB) {
	go func() {
		for {
			select {
			case <-f.finished:
			case <-b.Context().Done():
				return
			}
		}
	}()
}

// BenchmarkStart measures the time from putting a mail into the bucket until its command, a real
// process, has started, at 100 mails a second for as many keys, with workers in the stack's
// process.
func BenchmarkStart(b *testing.B) {
	f := newFactory(b, 4, processes("/bin/true"))
	f.drain(b)
	f.paced(b)
}

// BenchmarkStartOverHTTP measures the same with two worker processes, until the shell that is the
// command has reported.
func BenchmarkStartOverHTTP(b *testing.B) {
	f := newFactory(b, 0, nil)
	pipe := filepath.Join(b.TempDir(), "started")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		b.Fatal(err)
	}
	f.employ(b, 2, "/bin/sh", "-c", `echo "$HEPHAESTUS_MESSAGE_ID" >`+pipe)
	said, err := os.OpenFile(pipe, os.O_RDWR, 0) // for writing too: else it would end between two writers
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			f.started <- sighting{messageID: lines.Text(), at: time.Now()}
		}
	}()
	b.Cleanup(func() { said.Close() })
	f.paced(b)
}

// employ runs worker processes until the benchmark ends.
func (f *factory) employ(b testing.TB, workers int, command ...string) {
	for range workers {
		cmd := exec.Command(os.Args[0], command...)
		cmd.Env = append(append(os.Environ(), f.Environ()...), workerRole+"=1", "WORKER_ROOT="+b.TempDir(), "LOG_LEVEL=error")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait() // no matter how: it was told to end
		})
	}
}

// outstanding is how many mails flood has under way at once, each for another key.
const outstanding = 10

// BenchmarkMails measures how many mails a second go from the bucket to their outcome, over so many
// keys, each of which has had a mail before. The command does nothing.
func BenchmarkMails(b *testing.B) {
	for _, keys := range []int{10, 1000, 100_000} {
		lab := sync.OnceValue(func() *factory { return newFactory(b, 4, noCommand) })
		free := make(chan string, keys)
		for n := range keys {
			free <- fmt.Sprintf("user%d", n)
		}
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			f := lab()
			if f.mails == 0 {
				f.flood(b, keys, free)
			}
			b.ReportAllocs()
			kept := heapBytes()
			b.ResetTimer()
			cpu := processorTime()
			f.flood(b, b.N, free)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
			b.ReportMetric((processorTime()-cpu).Seconds()*1e6/float64(b.N), "cpu-µs/op")
			b.ReportMetric((heapBytes()-kept)/float64(b.N), "B-kept/op")
		})
	}
}

// BenchmarkThread measures how many mails a second of one thread go from the bucket to their
// outcome, one after another, if all of them come at once. The command does nothing.
func BenchmarkThread(b *testing.B) {
	f := newFactory(b, 4, noCommand)
	ended := make(chan int)
	go func() {
		n := 0
		for ; n < b.N; n++ {
			select {
			case <-f.finished:
			case <-time.After(2 * patience): // who waits for its turn looks again within a minute
				ended <- n
				return
			}
		}
		ended <- n
	}()
	go func() {
		for range f.started { // nobody asks
		}
	}()
	b.ReportAllocs()
	kept, cpu := heapBytes(), processorTime()
	b.ResetTimer()
	for range b.N {
		f.putIn(b, "scott", "root@customer.example")
	}
	if n := <-ended; n < b.N {
		b.Fatalf("%d of %d mails have ended, and nothing happens any more", n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	b.ReportMetric((processorTime()-cpu).Seconds()*1e6/float64(b.N), "cpu-µs/op")
	b.ReportMetric((heapBytes()-kept)/float64(b.N), "B-kept/op")
}

// BenchmarkMailsToProcesses measures the same with a thousand keys and a real process for each
// mail.
func BenchmarkMailsToProcesses(b *testing.B) {
	f := newFactory(b, 4, processes("/bin/true"))
	free := make(chan string, 1000)
	for n := range cap(free) {
		free <- fmt.Sprintf("user%d", n)
	}
	b.ReportAllocs()
	b.ResetTimer()
	cpu := processorTime()
	f.flood(b, b.N, free)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	b.ReportMetric((processorTime()-cpu).Seconds()*1e6/float64(b.N), "cpu-µs/op")
}

// flood puts mails for free keys, a few at a time, until all of them have completed.
func (f *factory) flood(b testing.TB, mails int, free chan string) {
	users := map[string]string{}
	await := func() {
		s := next(b, f.finished)
		if s.outcome != job.Completed {
			b.Fatalf("%s is %s, want completed", s.messageID, s.outcome)
		}
		f.forget(b, s.messageID)
		free <- users[s.messageID]
		delete(users, s.messageID)
		for len(f.started) > 0 {
			<-f.started
		}
	}
	for range mails {
		if len(users) == min(outstanding, cap(free)) {
			await()
		}
		user := <-free
		users[f.put(b, user)] = user
	}
	for len(users) > 0 {
		await()
	}
}

// BenchmarkPreemption measures the time from putting a mail of a new thread into the bucket until
// its command has started. At first the key's worker runs the command of another thread, which ends
// at SIGTERM.
func BenchmarkPreemption(b *testing.B) {
	f := newFactory(b, 2, processes("/bin/sleep", "60"))
	f.drain(b)
	f.put(b, "scott")
	next(b, f.started)
	var took latencies
	b.ResetTimer()
	for range b.N {
		at := time.Now()
		id := f.put(b, "scott")
		s := next(b, f.started)
		if s.messageID != id {
			b.Fatalf("%s has started, want %s", s.messageID, id)
		}
		took = append(took, s.at.Sub(at))
	}
	b.StopTimer()
	took.report(b)
}

// BenchmarkReady measures the time from starting `heph dev` until it says that it is ready, and its
// resident memory then.
func BenchmarkReady(b *testing.B) {
	heph := filepath.Join(b.TempDir(), "heph")
	if said, err := exec.Command("go", "build", "-o", heph, "github.com/webordinary/hephaestus/tools/heph").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, said)
	}
	var took latencies
	resident := 0.0
	for b.Loop() {
		cmd := exec.Command(heph, "dev", "--port", "0", "--", "/bin/true")
		events, err := cmd.StderrPipe()
		if err != nil {
			b.Fatal(err)
		}
		at := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		line, err := bufio.NewReader(events).ReadString('\n')
		took = append(took, time.Since(at))
		if err != nil || !strings.Contains(line, `"event":"ready"`) {
			b.Fatalf("%q, %v", line, err)
		}
		resident = max(resident, residentMiB(b, cmd.Process.Pid))
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	took.report(b)
	b.ReportMetric(resident, "MiB-resident")
}

// residentMiB is how much memory a process has resident (proc(5), VmRSS).
func residentMiB(b *testing.B, pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("only Linux tells what is resident:", err)
	}
	_, value, _ := strings.Cut(string(status), "VmRSS:")
	var kibibytes float64
	if _, err := fmt.Sscan(value, &kibibytes); err != nil {
		b.Fatalf("VmRSS: %v", err)
	}
	return kibibytes / 1024
}

// processorTime is the processor time of this process and of its children that have ended.
func processorTime() (busy time.Duration) {
	for _, whose := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(whose, &usage); err == nil {
			busy += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		}
	}
	return busy
}

// heapBytes is how much of the heap is in use.
func heapBytes() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
