package asl

import (
	"fmt"
	"slices"
	"time"
)

// Load compiles a definition. If it is wrong in any way, the machine is nil and every problem is
// listed.
func Load(definition string) (*Machine, []Problem) {
	value, err := Decode([]byte(definition))
	if err != nil {
		return nil, []Problem{{Code: CodeJSON, Message: err.Error()}}
	}
	l := &loader{names: map[string]bool{}}
	root, ok := l.object(value, "")
	if !ok {
		return nil, l.problems
	}
	machine := &Machine{
		Comment: root.text("Comment"),
		Timeout: time.Duration(root.integer("TimeoutSeconds", 1, maxSeconds, 0)) * time.Second,
	}
	if version := root.text("Version"); version != "" && version != "1.0" {
		root.problem("Version", "Version %q is not supported", version)
	}
	root.queryLanguage()
	machine.Flow = l.flow(root)
	root.done()
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return machine, nil
}

type loader struct {
	problems []Problem
	names    map[string]bool // of every state so far: a name may stand once in a whole machine
}

// flow reads StartAt and States of o: of the machine, a branch or an item processor.
func (l *loader) flow(o *object) Flow {
	start := o.required("StartAt")
	value, present := o.get("States")
	if !present {
		l.problem(CodeSchema, o.at, "The field 'States' is required but was missing")
		return Flow{}
	}
	states, ok := l.object(value, o.at+"/States")
	if !ok {
		return Flow{}
	}
	f := &flowLoader{loader: l, states: map[string]*State{}, from: map[string][]string{}}
	names := sortedKeys(states.field)
	for _, name := range names {
		if l.names[name] {
			l.problem(CodeTwice, states.at+"/"+name, "Duplicate State name: %s", name)
		}
		l.names[name] = true
		f.states[name] = &State{Name: name}
	}
	if len(names) == 0 {
		l.problem(CodeSchema, states.at, "At least one state is required")
	}
	for _, name := range names {
		if n := len([]rune(name)); n == 0 || n > 80 {
			l.problem(CodeSchema, states.at+"/"+name, "A state's name has 1 to 80 characters")
		}
		if state, ok := l.object(states.field[name], states.at+"/"+name); ok {
			f.state(f.states[name], state)
			state.done()
		}
	}
	flow := Flow{Start: f.states[start], States: f.states}
	if start != "" && flow.Start == nil {
		l.problem(CodeTarget, o.at+"/StartAt", "Missing 'StartAt' target: %s", start)
	}
	if flow.Start != nil {
		f.unreachable(start, names, states.at)
	}
	return flow
}

// flowLoader reads the states of one flow.
type flowLoader struct {
	*loader
	states map[string]*State
	from   map[string][]string // a state's name to the names of the states that it leads to
}

func (f *flowLoader) unreachable(start string, names []string, at string) {
	reached := map[string]bool{start: true}
	for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
		for _, next := range f.from[queue[0]] {
			if !reached[next] {
				reached[next] = true
				queue = append(queue, next)
			}
		}
	}
	for _, name := range names {
		if !reached[name] {
			f.problem(CodeTarget, at+"/"+name, "State %q is not reachable.", name)
		}
	}
}

// target reads the name of a state that may follow s.
func (f *flowLoader) target(s *State, o *object, field string) *State {
	name := o.text(field)
	if !o.has(field) {
		return nil
	}
	next, known := f.states[name]
	if !known {
		f.problem(CodeTarget, o.at+"/"+field, "Missing 'Next' target: %s", name)
		return nil
	}
	f.from[s.Name] = append(f.from[s.Name], name)
	return next
}

// transition reads Next or End; exactly one must be there.
func (f *flowLoader) transition(s *State, o *object) {
	end := o.boolean("End")
	s.Next = f.target(s, o, "Next")
	if end == o.has("Next") {
		f.problem(CodeSchema, o.at, "Exactly one of the fields 'Next' and 'End' is required")
	}
}

func (o *object) queryLanguage() {
	if language := o.text("QueryLanguage"); language != "" && language != "JSONPath" {
		o.problem("QueryLanguage", "QueryLanguage %s is not supported by this interpreter", language)
	}
}

func (f *flowLoader) state(s *State, o *object) {
	s.Type = Type(o.required("Type"))
	o.text("Comment")
	o.queryLanguage()
	if s.Type != Fail {
		s.InputPath = o.path("InputPath", "$")
		s.OutputPath = o.path("OutputPath", "$")
	}
	switch s.Type {
	case Task:
		f.task(s, o)
	case Pass:
		s.Parameters = o.template("Parameters")
		s.Result, s.HasResult = o.get("Result")
		s.ResultPath = o.resultPath()
		f.transition(s, o)
	case Choice:
		f.choice(s, o)
	case Wait:
		f.wait(s, o)
	case Succeed:
	case Fail:
		f.fail(s, o)
	case Parallel:
		f.parallel(s, o)
	case Map:
		f.mapState(s, o)
	case "":
	default:
		o.problem("Type", "The state type '%s' does not exist", s.Type)
	}
}

func (f *flowLoader) task(s *State, o *object) {
	arn := o.required("Resource")
	var err error
	if s.Resource, err = parseResource(arn); err != nil && arn != "" {
		o.problem("Resource", "%v", err)
	}
	s.Parameters = o.template("Parameters")
	s.Timeout = o.seconds("TimeoutSeconds", 1)
	s.Heartbeat = o.seconds("HeartbeatSeconds", 1)
	if s.Heartbeat.Set() && !s.Resource.WaitToken && err == nil {
		o.problem("HeartbeatSeconds", "HeartbeatSeconds is supported by this interpreter on .waitForTaskToken only")
	}
	if s.Heartbeat.Fixed > 0 && s.Timeout.Fixed > 0 && s.Heartbeat.Fixed >= s.Timeout.Fixed {
		o.problem("HeartbeatSeconds", "HeartbeatSeconds has to be smaller than TimeoutSeconds")
	}
	f.worker(s, o)
}

// worker reads what Task, Parallel and Map share.
func (f *flowLoader) worker(s *State, o *object) {
	s.ResultSelector = o.template("ResultSelector")
	s.ResultPath = o.resultPath()
	f.transition(s, o)
	for i, item := range o.list("Retry") {
		if r, ok := f.object(item, fmt.Sprintf("%s/Retry[%d]", o.at, i)); ok {
			s.Retry = append(s.Retry, f.retrier(r))
		}
	}
	for i, item := range o.list("Catch") {
		if c, ok := f.object(item, fmt.Sprintf("%s/Catch[%d]", o.at, i)); ok {
			s.Catch = append(s.Catch, f.catcher(s, c))
		}
	}
	f.allIsLast(o.at+"/Retry", len(s.Retry), func(i int) []string { return s.Retry[i].ErrorEquals })
	f.allIsLast(o.at+"/Catch", len(s.Catch), func(i int) []string { return s.Catch[i].ErrorEquals })
}

// allIsLast demands that States.ALL stands alone and in the last entry (Developer Guide, Error
// handling).
func (f *flowLoader) allIsLast(at string, n int, errorEquals func(int) []string) {
	for i := range n {
		names := errorEquals(i)
		if slices.Contains(names, "States.ALL") && (len(names) > 1 || i < n-1) {
			f.problem(CodeSchema, fmt.Sprintf("%s[%d]/ErrorEquals", at, i), "States.ALL must be alone and in the last entry")
		}
	}
}

func (f *flowLoader) errorEquals(o *object) []string {
	var names []string
	for _, item := range o.list("ErrorEquals") {
		name, isString := item.(string)
		if !isString {
			o.problem("ErrorEquals", "Expected value of type String, got %s", describe(item))
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		o.problem("ErrorEquals", "ErrorEquals must be a non-empty array of error names")
	}
	return names
}

func (f *flowLoader) retrier(o *object) Retrier {
	r := Retrier{
		ErrorEquals: f.errorEquals(o),
		Interval:    time.Duration(o.integer("IntervalSeconds", 1, maxSeconds, 1)) * time.Second,
		MaxAttempts: int(o.integer("MaxAttempts", 0, maxSeconds, 3)),
		BackoffRate: o.float("BackoffRate", 1, 2),
		MaxDelay:    time.Duration(o.integer("MaxDelaySeconds", 1, 31_622_400, 0)) * time.Second,
	}
	o.text("Comment")
	switch jitter := o.text("JitterStrategy"); jitter {
	case "", "NONE":
	case "FULL":
		r.FullJitter = true
	default:
		o.problem("JitterStrategy", "JitterStrategy is FULL or NONE, not %q", jitter)
	}
	if r.MaxDelay > 0 && r.MaxDelay <= r.Interval {
		o.problem("MaxDelaySeconds", "MaxDelaySeconds has to be greater than IntervalSeconds")
	}
	o.done()
	return r
}

func (f *flowLoader) catcher(s *State, o *object) Catcher {
	c := Catcher{ErrorEquals: f.errorEquals(o), ResultPath: o.resultPath()}
	o.text("Comment")
	if o.required("Next") != "" {
		c.Next = f.target(s, o, "Next")
	}
	o.done()
	return c
}
