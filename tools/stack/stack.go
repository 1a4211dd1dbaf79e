// Package stack is the local runtime: it runs the pure cores of AWS's services in real time behind
// one loopback port, and in the same process the handlers and the state machine that run on AWS.
//
// It promises the semantics of the cores and none of AWS's durability: everything is in memory and
// gone when the process ends. On a loopback address it checks no credentials: a client of this
// machine may do anything, but no web page that its browser shows. Elsewhere clients need a key.
package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/intake"
	"github.com/webordinary/hephaestus/services/sweep"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/services/worker/process"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/cloud"
	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

// DefaultPort is the port on which a stack listens by default, on this machine only.
const DefaultPort = 7400

// Config says what a stack is like. The zero value of a field means its default.
type Config struct {
	// Address to listen on; port 0 picks a free one. Other machines reach an address that is not
	// loopback: it needs Keys.
	Address string
	Keys    gateway.Keys // whose signatures clients need; nil: none
	Prefix  string       // of all names: STACK_PREFIX
	Claim   claim.Settings
	Flow    job.Settings
	Worker  worker.Settings
	Routes  mail.Routes
	Senders mail.SenderPolicy // default: open
	Command []string          // what workers of this process run for each message
	Root    string            // folder of their workspaces
	Environ []string          // of this process; their commands see little of it (process.Options)
	Env     []string          // names of further variables that their commands see
	Guarded bool              // the program calls process.BeGuard first
	Workers int               // how many run in this process
	// SweepEvery is how often the sweep looks for open jobs whose executions are over; default: as
	// often as on AWS.
	SweepEvery time.Duration
	Sweep      sweep.Settings
	// OmitHistory keeps no history of executions, for runs with very many.
	OmitHistory bool
	// Used hears by which permission of a role each call is allowed, in any thread; nil: nobody.
	Used func(deploy.Permission)
	Log  *slog.Logger // handlers' and workers' records; default: nothing

	limits limits // of clients; tests have shorter ones
}

// withDefaults fills in the defaults and refuses settings that contradict each other.
func (c Config) withDefaults() (Config, error) {
	if c.Address == "" {
		c.Address = fmt.Sprintf("127.0.0.1:%d", DefaultPort)
	}
	if c.Claim == (claim.Settings{}) {
		c.Claim = claim.DefaultSettings()
	}
	if c.Worker == (worker.Settings{}) {
		c.Worker = worker.DefaultSettings()
	}
	if c.Flow.JobTimeoutSeconds == 0 {
		c.Flow.JobTimeoutSeconds = job.DefaultJobTimeoutSeconds
	}
	if c.Flow.InterruptWaitSeconds == 0 {
		c.Flow.InterruptWaitSeconds = intake.InterruptWaitSeconds(c.Claim)
	}
	c.Senders = cmp.Or(c.Senders, mail.SendersOpen)
	if c.limits == (limits{}) {
		c.limits = defaultLimits()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := c.Claim.Validate(); err != nil {
		return c, err
	}
	return c, c.Worker.Validate(c.Claim)
}

// Stack is a running stack.
type Stack struct {
	config    Config
	names     awsx.Names
	template  *deploy.Stack
	roles     *system.Roles
	resources system.Addresses
	runtime   *runtime
	listener  net.Listener
	server    *http.Server
	hosts     []*process.Host // one for each worker
	workers   errgroup.Group
	sick      chan error // why all workers have given up
	stop      context.CancelFunc
}

// Start makes the stack, its resources and its workers. It listens and is ready when Start returns.
func Start(ctx context.Context, config Config) (*Stack, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	names, err := awsx.NewNames(config.Prefix)
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, config.Address, config.Keys)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", config.Address, err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Stack{config: config, names: names, listener: listener, stop: stop, sick: make(chan error, 1)}
	if err := s.furnish(ctx); err != nil {
		stop()
		listener.Close()
		return nil, err
	}
	go s.runtime.keepTime(ctx)
	for _, schedule := range s.template.Schedules {
		go s.runtime.keepSchedule(ctx, cloud.Schedule{Function: schedule.Function, Every: cmp.Or(config.SweepEvery, schedule.Every)})
	}
	handler := gateway.New(backend(s.Call), gateway.Options{System: s.system(), Keys: config.Keys})
	server, bounded := newServer(handler, listener, config.limits, config.Log.With("part", "stack"))
	s.server = server
	go server.Serve(bounded) // ends with Close
	if err := s.startWorkers(ctx); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// listen refuses an address that others reach without a key.
func listen(ctx context.Context, address string, keys gateway.Keys) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	if !resolved.IP.IsLoopback() && len(keys) == 0 {
		return nil, errors.New("other machines reach this address, and without access keys everybody there could run the command")
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", resolved.String())
}

// furnish makes the resources and maps the names of the functions to their handlers.
func (s *Stack) furnish(ctx context.Context) error {
	queueURL := func(name string) string { return s.Endpoint() + "/" + system.AccountID + "/" + name }
	var err error
	if s.template, err = system.Template(s.names, system.WorkQueue{Visibility: s.config.Worker.Visibility}, queueURL); err != nil {
		return err
	}
	s.runtime = newRuntime(s.template, queueURL, s.config)
	if s.resources, err = system.Furnish(ctx, s.runtime.cloud, s.names, s.template, s.Call); err != nil {
		return err
	}
	s.roles = system.NewRoles(s.template, s.config.Used)
	s.runtime.functions, err = system.All(s.template, s.roles, system.Environment{
		Call: s.Call, Now: time.Now, NewID: boot.RandomID, Pause: boot.Pause, Names: s.names, Stack: s.resources,
		Claim: s.config.Claim, Flow: s.config.Flow, Sweep: s.config.Sweep, Routes: s.config.Routes, Senders: s.config.Senders, Limits: mail.DefaultLimits(), Log: s.config.Log,
	})
	return err
}

// startWorkers runs this process's workers.
func (s *Stack) startWorkers(ctx context.Context) error {
	if s.config.Workers == 0 {
		return nil
	}
	nudges, err := interrupt.NewQueues(client.NewSQS(s.asWorker()), s.names, s.resources.WorkQueueURL)
	if err != nil {
		return err
	}
	for n := range s.config.Workers {
		id := fmt.Sprintf("worker-local-%d-%s", n+1, boot.RandomID())
		w, err := s.newWorker(id, nudges)
		if err != nil {
			return err
		}
		s.workers.Go(func() error { return w.Run(ctx) })
	}
	go func() {
		if err := s.workers.Wait(); err != nil {
			s.sick <- err
		}
	}()
	return nil
}

// asWorker are the calls of a worker of this process, by the role of workers. Those that come
// through the port are the owner's, who may do all.
func (s *Stack) asWorker() client.Call { return s.roles.As(s.template.WorkerRole, s.Call) }

// newWorker makes a worker on a host of its own.
func (s *Stack) newWorker(id string, nudges process.Nudges) (*worker.Worker, error) {
	log := s.config.Log.With("part", "worker")
	options := process.Options{Command: s.config.Command, Root: s.config.Root, Stack: s.resources.WorkQueueURL, Environ: s.config.Environ, Env: s.config.Env, Guarded: s.config.Guarded}
	call := s.asWorker()
	host, err := process.New(options, client.NewS3(call), nudges, log)
	if err != nil {
		return nil, err
	}
	s.hosts = append(s.hosts, host)
	store, err := claim.NewStore(client.NewDynamoDB(call), s.names, s.config.Claim, host.Now, boot.RandomID, boot.Pause)
	if err != nil {
		return nil, err
	}
	return worker.New(worker.Parts{
		ID: id, Queue: client.NewSQS(call), QueueURL: s.resources.WorkQueueURL, Protocol: store, Tokens: client.NewStepFunctions(call),
		Host: host, Settings: s.config.Worker, Log: log,
	})
}

// Sick tells once why no worker of this process is left, if their machine stays sick.
func (s *Stack) Sick() <-chan error { return s.sick }

// Close stops the workers, whose running jobs yield, and then the stack.
func (s *Stack) Close(ctx context.Context) error {
	for _, host := range s.hosts {
		host.Stop()
	}
	done := make(chan struct{})
	go func() { _ = s.workers.Wait(); close(done) }() // Sick tells its error
	var err error
	select {
	case <-done:
		for _, host := range s.hosts {
			err = errors.Join(err, host.Close())
		}
	case <-ctx.Done():
		err = fmt.Errorf("workers did not stop in time: %w", ctx.Err())
	}
	s.stop()
	return errors.Join(err, s.server.Close())
}

// Endpoint is the URL of every service, on this machine.
func (s *Stack) Endpoint() string {
	address := s.listener.Addr().(*net.TCPAddr)
	if address.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", address.Port)
	}
	return "http://" + address.String()
}

// Names are the stack's names.
func (s *Stack) Names() awsx.Names { return s.names }

// WorkQueueURL is where workers take their jobs from.
func (s *Stack) WorkQueueURL() string { return s.resources.WorkQueueURL }

// StateMachineARN is the ARN of the flow.
func (s *Stack) StateMachineARN() string { return s.resources.StateMachineARN }

// Call performs an operation in process: a client.Call.
func (s *Stack) Call(ctx context.Context, service, operation string, input any) (any, error) {
	return s.runtime.call(ctx, service, operation, input)
}

// Environ is the environment that a process needs to be part of the stack: endpoint, credentials,
// names and times.
func (s *Stack) Environ() []string {
	c, w := s.config.Claim, s.config.Worker
	key, secret := "local", "local"
	for key, secret = range s.config.Keys { // each is as good
		break
	}
	return []string{
		"AWS_ENDPOINT_URL=" + s.Endpoint(), "AWS_REGION=" + system.Region, "AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_EC2_METADATA_DISABLED=true", "STACK_PREFIX=" + s.names.Prefix(), "WORK_QUEUE_URL=" + s.WorkQueueURL(),
		"CLAIM_TTL=" + c.ClaimTTL.String(), "LEASE=" + c.Lease.String(), "INTERRUPT_GRACE=" + c.InterruptGrace.String(),
		"MAX_CLOCK_SKEW=" + c.MaxClockSkew.String(), "MIN_CLAIM_INTERVAL=" + c.MinClaimInterval.String(),
		"CLAIM_MAX_JOBS=" + strconv.Itoa(c.MaxJobs), "CLAIM_MAX_WAITING=" + strconv.Itoa(c.MaxWaiting), "INTERRUPT_BUDGET=" + strconv.Itoa(c.InterruptBudget),
		"HEARTBEAT=" + w.Heartbeat.String(), "COMMAND_TIMEOUT=" + w.CommandTimeout.String(), "COMMAND_GRACE=" + w.CommandGrace.String(),
		"RECEIVE_WAIT=" + w.ReceiveWait.String(), "VISIBILITY=" + w.Visibility.String(),
	}
}

// backend makes a client.Call a gateway.Backend.
type backend client.Call

func (b backend) Do(ctx context.Context, service, operation string, input any) (any, error) {
	return b(ctx, service, operation, input)
}
