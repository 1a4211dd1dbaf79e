// Package asl compiles Amazon States Language into a form that an interpreter can run without
// parsing anything again.
//
// Load turns the text of a definition into a Machine, or into the list of everything that is wrong
// with it. Paths, payload templates, intrinsic functions and choice rules are compiled once and
// evaluated many times; each evaluation is a pure function of the state's input and of an Env,
// which supplies the context object ($$), random draws and ids.
//
// Data is held decoded: nil, bool, string, json.Number, []any and map[string]any. A value is never
// changed once it has been built, so states, histories and parallel branches share it freely;
// ResultPath copies what it changes. Numbers keep the text they came with. The members of an object
// are written in the order of their names; AWS keeps the order in which they came.
//
// The language is JSONPath mode as the Step Functions Developer Guide (Amazon States Language)
// describes it. Refused by name, when the definition is loaded: QueryLanguage JSONata, Assign and
// variables, distributed Map, activities, and integrations other than the ones listed in
// resource.go.
package asl

//lint:file-ignore ST1005 the texts of errors are AWS's own

import (
	"fmt"
	"time"
)

// Machine is a compiled state machine.
type Machine struct {
	Comment string
	Flow    Flow
	Timeout time.Duration // of a whole execution; 0 means none was given
}

// Flow is a graph of states with one start: the machine itself, a branch of a Parallel state or the
// processor of a Map state.
type Flow struct {
	Start  *State
	States map[string]*State
}

// Type is the type of a state as the language spells it.
type Type string

// The types of states.
const (
	Task     Type = "Task"
	Pass     Type = "Pass"
	Choice   Type = "Choice"
	Wait     Type = "Wait"
	Succeed  Type = "Succeed"
	Fail     Type = "Fail"
	Parallel Type = "Parallel"
	Map      Type = "Map"
)

// State is one compiled state. Only the fields of its Type are set.
type State struct {
	Name string
	Type Type
	Next *State // nil if the flow ends here

	InputPath      *Path // nil: the state sees {}
	OutputPath     *Path // nil: the state passes on {}
	Parameters     *Template
	ResultSelector *Template
	ResultPath     *ReferencePath // nil: the result is dropped and the input passed on
	Retry          []Retrier
	Catch          []Catcher

	Resource  Resource // Task
	Timeout   Duration // Task; unset means none
	Heartbeat Duration // Task

	Result    any // Pass
	HasResult bool

	Rules   []Rule // Choice
	Default *State

	Seconds       Duration // Wait: one of these
	Timestamp     time.Time
	TimestampPath *Path

	Error, Cause         string // Fail
	ErrorExpr, CauseExpr *Expr  // Fail: ErrorPath, CausePath

	Branches []Flow // Parallel

	ItemsPath          *Path // Map
	Processor          Flow
	MaxConcurrency     int // 0 means no cap
	MaxConcurrencyPath *Path
}

// Duration is a number of seconds, given in the definition or found in the state's input.
type Duration struct {
	Fixed time.Duration // 0 if unset or taken from Path
	Path  *Path
}

// Set reports whether the definition gave the duration at all.
func (d Duration) Set() bool { return d.Fixed != 0 || d.Path != nil }

// Retrier says which errors of a state are tried again, how often and how far apart.
type Retrier struct {
	ErrorEquals []string
	Interval    time.Duration
	MaxAttempts int
	BackoffRate float64
	MaxDelay    time.Duration // 0 means no cap
	FullJitter  bool
}

// Catcher says where the flow goes on after an error that no retrier took.
type Catcher struct {
	ErrorEquals []string
	Next        *State
	ResultPath  *ReferencePath
}

// Env is what an evaluation may use besides its input.
type Env interface {
	// Context returns a member of the context object ($$): Execution, State, Task and so on. Most
	// paths need one only.
	Context(member string) (any, bool)
	// WholeContext returns the context object itself.
	WholeContext() any
	// Choose returns a number in [0, n): the draw named by label.
	Choose(n int, label string) int
	// NewID returns an identifier that no other call returned.
	NewID() string
}

// Resolve returns the duration. One that a path finds must be at least low seconds; field is the
// path's field.
func (d Duration) Resolve(field string, low int64, input any, env Env) (time.Duration, error) {
	if d.Path == nil {
		return d.Fixed, nil
	}
	value, err := d.Path.Lookup(input, env)
	if err != nil {
		return 0, err
	}
	n, isInteger := integer(value)
	if !isInteger || n < low || n > maxSeconds {
		return 0, fmt.Errorf("The %s parameter must reference an integer from %d to %d: %s == %s",
			field, low, maxSeconds, d.Path.Text(), Encode(value))
	}
	return time.Duration(n) * time.Second, nil
}

// ResolveMaxConcurrency returns how many iterations of a Map state may run at once; 0 means no cap.
func (s *State) ResolveMaxConcurrency(input any, env Env) (int, error) {
	if s.MaxConcurrencyPath == nil {
		return s.MaxConcurrency, nil
	}
	value, err := s.MaxConcurrencyPath.Lookup(input, env)
	if err != nil {
		return 0, err
	}
	n, isInteger := integer(value)
	if !isInteger || n < 0 || n > maxSeconds {
		return 0, fmt.Errorf("The MaxConcurrencyPath parameter must reference an integer from 0 to %d: %s == %s",
			maxSeconds, s.MaxConcurrencyPath.Text(), Encode(value))
	}
	return int(n), nil
}
