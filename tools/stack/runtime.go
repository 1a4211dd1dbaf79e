package stack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/aws/s3core"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/aws/sqscore"
	"github.com/webordinary/hephaestus/sim/system"
)

// runtime runs a cloud in real time: one lock around the cores, a goroutine for each invocation,
// one for deadlines, and calls that block if AWS's own block.
type runtime struct {
	functions map[string]system.Function
	log       *slog.Logger

	mu      sync.Mutex
	cloud   *cloud.Cloud
	running map[string]context.CancelFunc          // by invocation
	waiting map[string]chan struct{}               // by queue: closed when it may have a message
	invoked map[string]chan<- *lambda.InvokeOutput // by invocation: callers that wait for the output
	armed   time.Time                              // the deadline that keepTime waits for; zero: none
	rearm   chan struct{}                          // tells keepTime that armed is earlier now
}

// ttlEvery is how often expired items are deleted. DynamoDB takes minutes to days.
const ttlEvery = time.Minute

func newRuntime(template *deploy.Stack, queueURL func(name string) string, config Config) *runtime {
	cores := cloud.Cores{
		DynamoDB:      ddbcore.New(ddbcore.Options{Region: system.Region, Account: system.AccountID}),
		SQS:           sqscore.New(sqscore.Options{Region: system.Region, AccountID: system.AccountID, NewID: uuid, QueueURL: queueURL}),
		S3:            s3core.New(s3core.Options{Region: system.Region, AccountID: system.AccountID}),
		StepFunctions: sfncore.New(sfncore.Options{Region: system.Region, Account: system.AccountID, NewID: uuid, OmitHistory: config.OmitHistory}),
		Lambda:        lambdacore.New(lambdacore.Options{Region: system.Region, AccountID: system.AccountID, NewID: uuid, RetryDelays: [2]time.Duration{time.Second, 2 * time.Second}}),
	}
	return &runtime{
		log:     config.Log.With("part", "stack"),
		cloud:   system.NewCloud(template, cores),
		running: map[string]context.CancelFunc{}, waiting: map[string]chan struct{}{}, invoked: map[string]chan<- *lambda.InvokeOutput{}, rearm: make(chan struct{}, 1),
	}
}

func uuid() string {
	id := boot.RandomID() + boot.RandomID()
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// call is a client.Call.
func (r *runtime) call(ctx context.Context, service, operation string, input any) (any, error) {
	switch in := input.(type) {
	case *sqs.ReceiveMessageInput:
		return r.receive(ctx, in)
	case *lambda.InvokeInput:
		return r.invoke(ctx, in)
	case *s3.PutObjectInput:
		body, err := inMemory(in.Body)
		if err != nil {
			return nil, err
		}
		copied := *in
		copied.Body = body
		input = &copied
	}
	return r.do(service, input)
}

// inMemory reads a body before the lock is taken: a slow client must not hold the lock.
func inMemory(body io.Reader) (io.Reader, error) {
	if body == nil {
		return bytes.NewReader(nil), nil
	}
	switch body.(type) {
	case *bytes.Reader, *strings.Reader:
		return body, nil
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	return bytes.NewReader(content), nil
}

func (r *runtime) do(service string, input any) (output any, err error) {
	fault := r.locked(fmt.Sprintf("%s %T", service, input), func() {
		var effects []cloud.Effect
		output, effects, err = r.cloud.Do(time.Now(), service, input)
		r.carryOut(effects)
	})
	if fault != nil {
		return nil, fault
	}
	return output, err
}

// locked runs a step under the lock. If it panics, the lock is free again and the caller gets an
// error: one call that finds a fault of a core must not end the others.
func (r *runtime) locked(what string, step func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.survived(what, step)
}

// survived runs a step and turns its panic into an error, which the log has with its trace.
func (r *runtime) survived(what string, step func()) (fault error) {
	defer func() {
		if p := recover(); p != nil {
			fault = fmt.Errorf("the local stack has a fault in %s: %v", what, p)
			r.log.Error("the local stack has a fault, and goes on", "error", fault.Error(), "trace", string(debug.Stack()))
		}
	}()
	step()
	return nil
}

// carryOut does what the cloud asks for. The caller holds r.mu. Deliveries happen at once and in
// order.
func (r *runtime) carryOut(effects []cloud.Effect) {
	for len(effects) > 0 {
		effect := effects[0]
		effects = effects[1:]
		switch e := effect.(type) {
		case cloud.Delivery:
			_ = r.survived("the delivery: "+e.What, func() { // the others must go on
				effects = append(effects, r.cloud.Deliver(time.Now(), e)...)
			})
		case cloud.Run:
			ctx, cancel := context.WithCancel(context.Background())
			r.running[e.InvocationID] = cancel
			go r.run(ctx, e)
		case cloud.Stop:
			if cancel, ok := r.running[e.InvocationID]; ok { // it may have just returned
				cancel()
			}
		case cloud.Available:
			if waiting, ok := r.waiting[e.Queue]; ok {
				close(waiting)
				delete(r.waiting, e.Queue)
			}
		case cloud.Answered:
			if answer, ok := r.invoked[e.InvocationID]; ok {
				answer <- e.Output
				delete(r.invoked, e.InvocationID)
			}
		}
	}
	if next, ok := r.cloud.NextDeadline(); ok && (r.armed.IsZero() || next.Before(r.armed)) {
		r.armed = next
		select {
		case r.rearm <- struct{}{}:
		default:
		}
	}
}

// keepTime tells the cloud when a deadline has passed, and deletes expired items.
func (r *runtime) keepTime(ctx context.Context) {
	timer, sweep := time.NewTimer(time.Hour), time.NewTicker(ttlEvery)
	defer timer.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			r.deleteExpired()
		case <-r.rearm:
		case <-timer.C:
			r.tick()
		}
		r.mu.Lock()
		if !r.armed.IsZero() {
			timer.Reset(time.Until(r.armed))
		}
		r.mu.Unlock()
	}
}

// afterFault is when a deadline is tried again whose step panicked.
const afterFault = time.Second

func (r *runtime) tick() {
	_ = r.locked("a deadline", func() { // the log has it
		r.armed = time.Now().Add(afterFault) // stays if the step panics
		effects := r.cloud.Tick(time.Now())
		r.armed = time.Time{}
		r.carryOut(effects)
	})
}

// keepSchedule calls the schedule's function until the stack ends.
func (r *runtime) keepSchedule(ctx context.Context, schedule cloud.Schedule) {
	ticker := time.NewTicker(schedule.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-ticker.C:
			_ = r.locked("a schedule", func() { // the log has it
				r.carryOut([]cloud.Effect{schedule.Call(at)})
			})
		}
	}
}

func (r *runtime) deleteExpired() {
	_ = r.locked("expiry", func() { // the log has it
		now := time.Now()
		for _, key := range r.cloud.DynamoDB.Expired(now) {
			r.cloud.DynamoDB.DeleteExpired(now, key)
		}
	})
}

// receive waits for a message as long as the call or the queue says.
func (r *runtime) receive(ctx context.Context, in *sqs.ReceiveMessageInput) (any, error) {
	var wait time.Duration
	if err := r.locked("sqs WaitTime", func() { wait = r.cloud.SQS.WaitTime(in) }); err != nil {
		return nil, err
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		output, again, err := r.receiveNow(in, wait > 0)
		if again == nil {
			return output, err
		}
		select {
		case <-again:
		case <-deadline.C:
			return output, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// receiveNow receives without waiting. If the queue has no message and the caller would wait, again
// is closed when it may have one.
func (r *runtime) receiveNow(in *sqs.ReceiveMessageInput, wouldWait bool) (output any, again <-chan struct{}, err error) {
	fault := r.locked("sqs ReceiveMessage", func() {
		var effects []cloud.Effect
		output, effects, err = r.cloud.Do(time.Now(), "sqs", in)
		r.carryOut(effects)
		if err == nil && wouldWait && len(output.(*sqs.ReceiveMessageOutput).Messages) == 0 {
			again = r.awaitQueue(awsx.QueueName(aws.ToString(in.QueueUrl)))
		}
	})
	if fault != nil {
		return nil, nil, fault
	}
	return output, again, err
}

// awaitQueue returns a channel that is closed when the queue may have a message. The caller holds
// r.mu.
func (r *runtime) awaitQueue(name string) <-chan struct{} {
	waiting, ok := r.waiting[name]
	if !ok {
		waiting = make(chan struct{})
		r.waiting[name] = waiting
	}
	return waiting
}

// invoke calls a function, and waits for its answer if the call is synchronous.
func (r *runtime) invoke(ctx context.Context, in *lambda.InvokeInput) (any, error) {
	answer := make(chan *lambda.InvokeOutput, 1)
	var output any
	var err error
	synchronous := false
	fault := r.locked("lambda Invoke", func() {
		var effects []cloud.Effect
		var pending *lambdacore.Pending
		output, effects, err = r.cloud.Do(time.Now(), "lambda", in)
		if pending, synchronous = output.(*lambdacore.Pending); synchronous {
			r.invoked[pending.InvocationID] = answer
		}
		r.carryOut(effects)
	})
	if fault != nil {
		return nil, fault
	}
	if err != nil || !synchronous {
		return output, err
	}
	select {
	case out := <-answer:
		return out, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run runs a function and reports its end.
func (r *runtime) run(ctx context.Context, run cloud.Run) {
	payload, failed := guarded(system.Context(ctx, run.RequestID), r.functions[run.Function], run.Payload)
	_ = r.locked("the end of "+run.Function, func() { // the log has it
		r.running[run.InvocationID]()
		delete(r.running, run.InvocationID)
		r.carryOut(r.cloud.Returned(time.Now(), run.InvocationID, payload, failed))
	})
}

// guarded runs a handler as Lambda does: a panic ends this invocation only.
func guarded(ctx context.Context, function system.Function, payload []byte) (answer []byte, failed *lambdacore.FunctionError) {
	defer func() {
		if p := recover(); p != nil {
			answer, failed = nil, &lambdacore.FunctionError{Type: "Runtime.Panic", Message: fmt.Sprint(p)}
		}
	}()
	return function(ctx, payload)
}
