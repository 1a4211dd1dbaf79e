package deploy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Stack is what a stack consists of, each list in the template's order. Names are whole: with the
// prefix.
type Stack struct {
	Tables       []Table
	Queues       []Queue // after those to which they give their dead letters
	Buckets      []Bucket
	Functions    []Function
	Mappings     []Mapping
	Rules        []Rule
	Schedules    []Schedule
	StateMachine StateMachine
	Permissions  []Permission // all that the roles allow
	WorkerRole   string       // the ARN of the role of workers

	async []invokeConfig
}

// Table is a table with its TTL attribute.
type Table struct {
	Create *dynamodb.CreateTableInput
	TTL    string
}

// TimeToLive lets the table forget its items by the TTL attribute.
func (t Table) TimeToLive() *dynamodb.UpdateTimeToLiveInput {
	return &dynamodb.UpdateTimeToLiveInput{
		TableName:               t.Create.TableName,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(t.TTL), Enabled: aws.Bool(true)},
	}
}

// Queue is a queue with its attributes, as SQS names and writes them.
type Queue struct {
	Name       string
	URL, ARN   string
	Attributes map[string]string
}

// Bucket is a bucket with the functions that it notifies.
type Bucket struct {
	Name          string
	Notifications []Notification
}

// Notification is a function that is called with events of objects whose keys begin so.
type Notification struct {
	Event, Prefix string
	FunctionARN   string
}

// Function is a Lambda.
type Function struct {
	Name           string
	ARN, RoleARN   string
	LogGroupARN    string
	TimeoutSeconds int
	Environment    map[string]string

	// Of an asynchronous call.
	MaximumRetryAttempts   *int   // nil: Lambda's own, 2
	MaximumEventAgeSeconds int    // 0: Lambda's own, six hours
	DeadLetterQueueARN     string // gets an event that came to nothing; empty: none
	OnFailureARN           string // gets a record of it; empty: none
}

// Mapping feeds a function from a queue.
type Mapping struct {
	Queue, Function         string
	BatchSize               int
	ReportBatchItemFailures bool
}

// Rule calls a function when an execution of the state machine ends in one of the statuses.
type Rule struct {
	Function string
	Statuses []string
}

// Schedule calls a function again and again.
type Schedule struct {
	Function string
	Every    time.Duration
}

// StateMachine is the state machine. Its definition is deploy/statemachine's, with the
// substitutions in place of placeholders.
type StateMachine struct {
	Name, ARN, RoleARN string
	Definition         string
	Substitutions      map[string]string
}

// invokeConfig says how a function's asynchronous calls are tried again.
type invokeConfig struct {
	function       string
	retries        *int
	maxAgeSeconds  int
	destinationARN string
}

// settle gives functions their invokeConfigs, and queues their order.
func (s *Stack) settle() error {
	for _, c := range s.async {
		i := slices.IndexFunc(s.Functions, func(f Function) bool { return f.Name == c.function })
		if i < 0 {
			return fmt.Errorf("there is no function %s, whose asynchronous calls are configured", c.function)
		}
		f := &s.Functions[i]
		f.MaximumRetryAttempts, f.MaximumEventAgeSeconds, f.OnFailureARN = c.retries, c.maxAgeSeconds, c.destinationARN
	}
	s.async = nil
	slices.SortStableFunc(s.Queues, func(a, b Queue) int { return redrives(a) - redrives(b) })
	return nil
}

func redrives(q Queue) int {
	if q.Attributes["RedrivePolicy"] == "" {
		return 0
	}
	return 1
}

// Function is the function with the name.
func (s *Stack) Function(name string) (Function, bool) {
	for _, f := range s.Functions {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}

// Queue is the queue with the name.
func (s *Stack) Queue(name string) (Queue, bool) {
	for _, q := range s.Queues {
		if q.Name == name {
			return q, true
		}
	}
	return Queue{}, false
}

// NameOf is the name in the ARN of a queue or a function: its last part.
func NameOf(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
